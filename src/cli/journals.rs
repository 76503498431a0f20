//! Journals that an argument names, and those that were fetched from remotes.

use super::failure::Failure;
use crate::branch::BranchName;
use crate::git::Repository;
use crate::oid::Oid;

/// The prefix of the refs of journals that were fetched; the name of the remote follows.
pub(super) const REMOTES: &str = "refs/gitmind/remotes/";
/// What stands between the name of the remote and that of the branch.
pub(super) const EDGES: &str = "/edges/";

/// A journal beside the one that is worked on.
pub(super) struct Journal {
    /// Its ref, or the word that names its commit.
    pub(super) name: String,
    /// Its newest commit.
    pub(super) tip: Oid,
}

/// The ref of the journal of `branch` as it was last fetched from `remote`.
pub(super) fn tracking_ref(remote: &str, branch: &BranchName) -> String {
    format!("{REMOTES}{remote}{EDGES}{branch}")
}

/// The names of the branches whose journals were fetched from `remote`.
pub(super) fn fetched(repository: &dyn Repository, remote: &str) -> Result<Vec<String>, Failure> {
    let prefix = format!("{REMOTES}{remote}{EDGES}");
    let names = repository.refs(&prefix, usize::MAX)?;
    Ok(names.iter().filter_map(|name| name.strip_prefix(&prefix)).map(str::to_owned).collect())
}

/// The journals of `branch` as they were last fetched from every remote.
pub(super) fn tracking(
    repository: &dyn Repository,
    branch: &BranchName,
) -> Result<Vec<Journal>, Failure> {
    let names = repository.refs(REMOTES, usize::MAX)?;
    let is_of_branch = |name: &String| {
        let below = name.strip_prefix(REMOTES).and_then(|below| below.split_once(EDGES));
        below.is_some_and(|(_, own)| own == branch.as_str())
    };
    let names = names.into_iter().filter(is_of_branch);
    let tips = names.map(|name| Ok(repository.resolve(&name)?.map(|tip| Journal { name, tip })));
    tips.filter_map(Result::transpose).collect()
}

/// The journal that `word` names: the id of a commit, a ref, a branch with a journal here, or
/// `REMOTE/BRANCH` as it was last fetched.
pub(super) fn named(repository: &dyn Repository, word: &str) -> Result<Journal, Failure> {
    if let Some(tip) = Oid::from_hex(word.as_bytes()) {
        return Ok(Journal { name: word.into(), tip });
    }
    let mut names = Vec::new();
    if word.starts_with("refs/") {
        names.push(word.to_owned());
    } else {
        names.push(BranchName::new(word)?.journal_ref());
        let splits = word.match_indices('/').map(|(at, _)| (&word[..at], &word[at + 1..]));
        names.extend(splits.map(|(remote, branch)| format!("{REMOTES}{remote}{EDGES}{branch}")));
        names.push(format!("refs/gitmind/{word}"));
    }
    for name in names {
        if let Some(tip) = repository.resolve(&name)? {
            return Ok(Journal { name, tip });
        }
    }
    let hint = "`git for-each-ref refs/gitmind` lists the journals here; `git mind sync` fetches \
                those of a remote";
    Err(Failure::new(format!("`{word}` is not a journal")).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::fake::FakeRepository;

    #[test]
    fn a_journal_is_named_by_its_branch_its_ref_its_remote_or_its_commit() {
        let repository = FakeRepository::default();
        let tip = repository.commit(&[], b"oA==");
        let other = repository.commit(&[tip], b"oA==");
        let refs = [
            ("refs/gitmind/edges/main", tip),
            ("refs/gitmind/edges/feature/x", other),
            ("refs/gitmind/remotes/origin/edges/main", other),
            ("refs/gitmind/remotes/me/there/edges/feature/x", tip),
        ];
        refs.iter().for_each(|(name, id)| repository.set_ref(name, *id));
        let id = tip.to_string();
        for (word, expected) in [
            ("main", refs[0]),
            ("feature/x", refs[1]),
            ("refs/gitmind/edges/main", refs[0]),
            ("origin/main", refs[2]),
            ("me/there/feature/x", refs[3]),
            ("remotes/origin/edges/main", refs[2]),
            ("edges/main", refs[0]),
            (&id, (&*id, tip)),
        ] {
            let found = named(&repository, word).expect(word);
            assert_eq!((&*found.name, found.tip), expected, "{word}");
        }
        for word in ["other", "origin/x", "refs/heads/main", "a b", "", "main~1"] {
            assert!(named(&repository, word).is_err(), "{word:?}");
        }
    }

    #[test]
    fn the_tracking_refs_of_a_branch_are_those_of_all_remotes() {
        let repository = FakeRepository::default();
        let tip = repository.commit(&[], b"oA==");
        for name in ["a/edges/main", "b/c/edges/main", "a/edges/main2", "a/edges/x/main"] {
            repository.set_ref(&format!("{REMOTES}{name}"), tip);
        }
        let names = |branch| {
            let branch = BranchName::new(branch).expect("a name");
            let found = tracking(&repository, &branch).expect("no fault");
            found.into_iter().map(|journal| journal.name).collect::<Vec<_>>()
        };
        let full = |name: &str| format!("{REMOTES}{name}");
        assert_eq!(names("main"), [full("a/edges/main"), full("b/c/edges/main")]);
        assert_eq!(names("x/main"), [full("a/edges/x/main")]);
        assert_eq!(fetched(&repository, "a").expect("no fault"), ["main", "main2", "x/main"]);
    }
}
