//! How many packs there are, and whether git would join them (builtin/gc.c, `too_many_packs`).

use super::GitRepository;
use std::path::PathBuf;

/// git's default of `gc.autoPackLimit`.
const AUTO_PACK_LIMIT: i64 = 50;

impl GitRepository {
    /// The number of packs, if it is so high that `git gc --auto`, which git runs after a commit or
    /// a fetch, would join them; `None` when it would not, or is switched off. As in git, packs of
    /// alternates and those with a `.keep` file do not count.
    pub fn packs_over_limit(&self) -> Option<usize> {
        // A value that is not a number counts as not set: this only leads to a hint.
        let number = |key, default| self.number(key).ok().flatten().unwrap_or(default);
        let (auto, limit) = (number("gc.auto", 1), number("gc.autoPackLimit", AUTO_PACK_LIMIT));
        let limit = usize::try_from(limit).ok().filter(|limit| *limit > 0 && auto > 0)?;
        let files = std::fs::read_dir(self.location.objects_dir.join("pack")).ok()?;
        let files = files.flatten().map(|file| file.path());
        let is_index = |path: &PathBuf| path.extension().is_some_and(|found| found == "idx");
        let indices: Vec<_> = files.filter(is_index).collect();
        if indices.len() <= limit {
            return None;
        }
        let is_there = |path: &PathBuf, extension| path.with_extension(extension).exists();
        let counts = |path: &&PathBuf| is_there(path, "pack") && !is_there(path, "keep");
        Some(indices.iter().filter(counts).count()).filter(|packs| *packs > limit)
    }
}
