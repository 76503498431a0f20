//! A repository where something is refused, and what must be true after.

use gitmind_test_support::{isolated, program};
use gitmind_test_support::{record, write_row};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// What is tried under each refusal: a name, the arguments, what is read from stdin, the variables.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) args: &'static [&'static str],
    pub(crate) input: &'static str,
    pub(crate) variables: &'static [(&'static str, &'static str)],
}

const LINE: &str = "{\"source_path\": \"a\", \"target_path\": \"b\"}\n";
const SMALL_ARENA: &[(&str, &str)] =
    &[("GM_ARENA_HINT_CACHE_REBUILD", "64KiB"), ("GM_ARENA_CAP_CACHE_REBUILD", "64KiB")];

/// What becomes of a refusal.
pub(crate) const REFUSED: &str = "an error that names it, nothing changed, nothing left";
/// Where some operations may do without what is refused.
pub(crate) const REFUSED_OR_DONE: &str =
    "an error that names it, nothing changed, nothing left; or done";

/// Everything that writes, and what only reads.
pub(crate) const OPERATIONS: [Operation; 8] = [
    operation("full", &["cache-rebuild", "--force"], "", &[]),
    operation("incremental", &["cache-rebuild", "--branch", "grown"], "", &[]),
    operation("spilling", &["cache-rebuild", "--force"], "", SMALL_ARENA),
    operation("link", &["link", "a", "b"], "", &[]),
    operation("import", &["import", "-"], LINE, &[]),
    operation("list", &["list"], "", &[]),
    operation("query", &["query", "--from", "a"], "", &[]),
    operation("budget", &["budget", "--fixture", "small", "--fixtures-dir", FIXTURES], "", &[]),
];

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

const fn operation(
    name: &'static str,
    args: &'static [&'static str],
    input: &'static str,
    variables: &'static [(&'static str, &'static str)],
) -> Operation {
    Operation { name, args, input, variables }
}

impl Operation {
    /// Writes down what became of it.
    pub(crate) fn record(&self, fault: &str, outcome: &str) {
        let name = match self.name {
            "full" | "incremental" | "spilling" => &format!("{} rebuild", self.name),
            name => name,
        };
        record(fault, name, outcome);
    }

    /// Whether it does not write to the repository.
    pub(crate) fn only_reads(&self) -> bool {
        ["list", "query", "budget"].contains(&self.name)
    }
}

/// A checkout with journals and caches, and a home beside it.
pub(crate) struct Place {
    folder: TempDir,
    before: BTreeMap<PathBuf, Vec<u8>>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("git-mind-refused-").tempdir();
        let mut place =
            Self { folder: folder.expect("a temporary folder"), before: BTreeMap::new() };
        std::fs::create_dir(place.home()).expect("writable");
        std::fs::create_dir(place.inputs()).expect("writable");
        std::fs::create_dir(place.top()).expect("writable");
        place.git(&["init", "-q", "-b", "main"]);
        for file in ["a", "b"] {
            std::fs::write(place.top().join(file), file).expect("writable");
        }
        place.git(&["add", "."]);
        place.git(&["-c", "commit.gpgsign=false", "commit", "-q", "-m", "files"]);
        place.import("main", 2000);
        // Another order than that of the operations, so that each has a cache to write, even when
        // the clock says that no time has passed.
        place.mind(&["cache-rebuild", "--edge-order", "newest-first"]);
        place.git(&["update-ref", "refs/gitmind/edges/grown", "refs/gitmind/edges/main"]);
        place.mind(&["cache-rebuild", "--branch", "grown"]);
        place.import("grown", 3);
        place.remember();
        place
    }

    fn import(&self, branch: &str, edges: usize) {
        let mut lines = String::new();
        for number in 0..edges {
            // Objects of all shards, more than fit a small arena.
            let object = |number: usize| (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let (source, target) = (object(number), object(number + 7));
            let (source, target) =
                (format!("{source:016x}{:024x}", 1), format!("{target:016x}{:024x}", 1));
            let line = serde_json::json!({"source_oid": source, "target_oid": target});
            let _ = writeln!(lines, "{line}");
        }
        let file = self.folder.path().join("lines");
        std::fs::write(&file, lines).expect("writable");
        self.mind(&["import", "--branch", branch, file.to_str().expect("UTF-8")]);
    }

    /// Where the checkout is.
    pub(crate) fn top(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(crate) fn git_dir(&self) -> PathBuf {
        self.top().join(".git")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn inputs(&self) -> PathBuf {
        self.folder.path().join("inputs")
    }

    /// What `operation` reads: a file for each, since several may run at once.
    pub(crate) fn input_of(&self, operation: &Operation) -> PathBuf {
        self.inputs().join(operation.name)
    }

    /// The folder around checkout and home.
    pub(crate) fn around(&self) -> &Path {
        self.folder.path()
    }

    /// Takes what is there now for what has to stay.
    pub(crate) fn remember(&mut self) {
        self.before = self.state();
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = self.isolated("git").args(args).output().expect("tests need git");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {stderr}");
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().into()
    }

    fn mind(&self, args: &[&str]) {
        let ran = self.isolated(program()).args(args).output();
        let ran = ran.expect("it was built");
        assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    /// A command in the checkout that does not depend on anyone's configuration.
    pub(crate) fn isolated(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = isolated(program, &["GIT", "GM_"]);
        command.env("HOME", self.home()).current_dir(self.top());
        command
    }

    /// Runs `operation` by `command`, which is the program but for its arguments; `prefix` comes
    /// before those.
    pub(crate) fn run(&self, operation: &Operation, mut command: Command) -> Output {
        // A file for each operation, since several may run at once.
        let input = self.input_of(operation);
        std::fs::write(&input, operation.input).expect("writable");
        let stdin = std::fs::File::open(&input).expect("just written");
        command.args(operation.args).envs(operation.variables.iter().copied()).stdin(stdin);
        command.output().expect("it can be started")
    }

    /// Runs `operation` after `sh -c` has set a limit, such as `ulimit -n 5`.
    pub(crate) fn limited(&self, operation: &Operation, limit: &str) -> Output {
        let mut command = self.isolated("sh");
        let script = format!("{limit} && exec \"$0\" \"$@\"");
        command.args(["-c", &script]).arg(program());
        self.run(operation, command)
    }

    /// Fails unless `ran` says in one line what was refused, and nothing has changed.
    pub(crate) fn assert_refused(&self, operation: &Operation, ran: &Output, what: &str) -> String {
        let stderr = String::from_utf8(ran.stderr.clone()).expect("messages are UTF-8");
        let about = format!("{} under {what}: {:?}: {stderr}", operation.name, ran.status);
        // 2 where a measurement could not be made.
        let is_expected = match ran.status.code() {
            Some(2) => operation.name == "budget",
            code => code == Some(1),
        };
        assert!(is_expected, "{about}");
        let errors = stderr.lines().filter(|line| line.starts_with("git-mind: error: ")).count();
        assert!(errors == 1 && !stderr.contains("panicked"), "{about}");
        self.assert_unchanged(&about);
        stderr
    }

    /// As [`Self::assert_refused`], or it has succeeded in spite of it; says which.
    pub(crate) fn assert_refused_or_done(
        &mut self,
        operation: &Operation,
        ran: &Output,
        what: &str,
    ) -> bool {
        if ran.status.code() == Some(0) {
            self.assert_nothing_temporary(operation.name);
            self.remember();
            return false;
        }
        self.assert_refused(operation, ran, what);
        true
    }

    pub(crate) fn assert_unchanged(&self, about: &str) {
        let now = self.state();
        let differs = |path: &&PathBuf| self.before.get(*path) != now.get(*path);
        let paths: Vec<_> = self.before.keys().chain(now.keys()).filter(differs).collect();
        assert!(paths.is_empty(), "{paths:?} changed: {about}");
        self.assert_nothing_temporary(about);
    }

    fn assert_nothing_temporary(&self, about: &str) {
        let mut left = Vec::new();
        each_file(&self.git_dir(), &mut |path| {
            let name = path.file_name().expect("it has one").to_string_lossy();
            if name.starts_with("tmp_") || name.ends_with(".lock") || name.ends_with(".keep") {
                left.push(path.to_owned());
            }
        });
        assert!(left.is_empty(), "{left:?} left: {about}");
    }

    /// Every file but objects, which nothing names yet, and what the tests write.
    fn state(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut state = BTreeMap::new();
        each_file(self.around(), &mut |path| {
            // Folders for temporary files are removed by the next run where this one could not.
            let others =
                [self.git_dir().join("objects"), self.home().join(".gitmind"), self.inputs()];
            if !others.iter().any(|it| path.starts_with(it)) {
                state.insert(path.to_owned(), std::fs::read(path).unwrap_or_default());
            }
        });
        state
    }

    /// Fails unless git finds everything in order and every operation succeeds.
    pub(crate) fn assert_works_again(&self) {
        for operation in &OPERATIONS {
            let ran = self.run(operation, self.isolated(program()));
            let stderr = String::from_utf8_lossy(&ran.stderr);
            assert!(ran.status.success(), "{} afterwards: {stderr}", operation.name);
        }
        self.assert_nothing_temporary("afterwards");
        each_file(&self.home(), &mut |path| panic!("{} is left", path.display()));
        let problems = self.git(&["fsck", "--strict", "--full", "--no-dangling"]);
        assert_eq!(problems, "", "git fsck --strict");
    }
}

fn each_file(folder: &Path, act: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("a readable folder").path();
        let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
        if is_folder { each_file(&path, act) } else { act(&path) }
    }
}

/// Says that something could not be shown here, and why.
pub(crate) fn not_run(what: &str, why: &str) {
    use std::io::Write;
    write_row(serde_json::json!({ "fault": what }));
    // Past the harness, which keeps what a passed test prints.
    let _ = writeln!(std::io::stderr(), "NOT RUN: {what}: {why}");
}
