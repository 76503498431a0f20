//! A repository under a limit of the system, and what must hold afterwards.

use gitmind_test_support::{isolated, program};
use gitmind_test_support::{record, write_row};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A command that is run under each limit: its name, arguments, stdin and variables.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) args: &'static [&'static str],
    pub(crate) input: &'static str,
    pub(crate) variables: &'static [(&'static str, &'static str)],
}

const LINE: &str = "{\"source_path\": \"a\", \"target_path\": \"b\"}\n";
const SMALL_ARENA: &[(&str, &str)] =
    &[("GM_ARENA_HINT_CACHE_REBUILD", "64KiB"), ("GM_ARENA_CAP_CACHE_REBUILD", "64KiB")];

/// The expected outcome, as the injection matrix says it.
pub(crate) const REFUSED: &str = "an error that names it, nothing changed, nothing left";
/// The expected outcome where some operations do not need the limited resource.
pub(crate) const REFUSED_OR_DONE: &str =
    "an error that names it, nothing changed, nothing left; or done";

/// The operations that write, then those that only read.
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
    /// Records the outcome in the injection matrix.
    pub(crate) fn record(&self, fault: &str, outcome: &str) {
        let name = match self.name {
            "full" | "incremental" | "spilling" => &format!("{} rebuild", self.name),
            name => name,
        };
        record(fault, name, outcome);
    }

    /// Whether the operation does not write to the repository.
    pub(crate) fn only_reads(&self) -> bool {
        ["list", "query", "budget"].contains(&self.name)
    }
}

/// A checkout with journals and caches, and a home beside it.
pub(crate) struct Place {
    directory: TempDir,
    before: BTreeMap<PathBuf, Vec<u8>>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("git-mind-refused-").tempdir();
        let mut place =
            Self { directory: directory.expect("a temporary directory"), before: BTreeMap::new() };
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
        // An edge order that the operations do not use, so that each writes a cache even within one
        // tick of the clock.
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
            // Objects in all shards, more than fit a small arena.
            let object = |number: usize| (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let (source, target) = (object(number), object(number + 7));
            let (source, target) =
                (format!("{source:016x}{:024x}", 1), format!("{target:016x}{:024x}", 1));
            let line = serde_json::json!({"source_oid": source, "target_oid": target});
            let _ = writeln!(lines, "{line}");
        }
        let file = self.directory.path().join("lines");
        std::fs::write(&file, lines).expect("writable");
        self.mind(&["import", "--branch", branch, file.to_str().expect("UTF-8")]);
    }

    /// The path of the checkout.
    pub(crate) fn top(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    pub(crate) fn git_dir(&self) -> PathBuf {
        self.top().join(".git")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    fn inputs(&self) -> PathBuf {
        self.directory.path().join("inputs")
    }

    /// The input file of `operation`: one per operation, since several may run concurrently.
    pub(crate) fn input_of(&self, operation: &Operation) -> PathBuf {
        self.inputs().join(operation.name)
    }

    /// The directory around checkout and home.
    pub(crate) fn around(&self) -> &Path {
        self.directory.path()
    }

    /// Records the present files as those that must stay unchanged.
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

    /// A command in the checkout, without the user's configuration.
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

    /// Fails unless `ran` has an error of one line, and nothing has changed.
    pub(crate) fn assert_refused(&self, operation: &Operation, ran: &Output, what: &str) -> String {
        let stderr = String::from_utf8(ran.stderr.clone()).expect("messages are UTF-8");
        let about = format!("{} under {what}: {:?}: {stderr}", operation.name, ran.status);
        // `budget` exits with 2 when it cannot measure.
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

    /// As [`Self::assert_refused`], or the run has succeeded; returns whether it failed.
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

    /// After an abort, temporary files may be left: the next writer removes them, here the test.
    pub(crate) fn assert_unchanged_as_after_a_crash(&self, about: &str) {
        let mut left = Vec::new();
        each_file(&self.git_dir(), &mut |path| {
            let name = path.file_name().expect("it has one").to_string_lossy();
            if name.starts_with("tmp_gitmind_") {
                left.push(path.to_owned());
            }
        });
        left.iter().for_each(|path| std::fs::remove_file(path).expect("it is ours"));
        self.assert_unchanged(about);
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

    /// Every file but unreferenced objects and the files of the tests.
    fn state(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut state = BTreeMap::new();
        each_file(self.around(), &mut |path| {
            // Temporary directories that this run could not remove are removed by the next one.
            let others =
                [self.git_dir().join("objects"), self.home().join(".gitmind"), self.inputs()];
            if !others.iter().any(|it| path.starts_with(it)) {
                state.insert(path.to_owned(), std::fs::read(path).unwrap_or_default());
            }
        });
        state
    }

    /// Fails unless `git fsck` and every operation succeed.
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

fn each_file(directory: &Path, act: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("a readable directory").path();
        let is_directory = path.symlink_metadata().is_ok_and(|found| found.is_dir());
        if is_directory { each_file(&path, act) } else { act(&path) }
    }
}

/// Reports that a limit was not tested here, and why.
pub(crate) fn not_run(what: &str, why: &str) {
    use std::io::Write;
    write_row(serde_json::json!({ "fault": what }));
    // Written to stderr directly, since the harness captures the output of passed tests.
    let _ = writeln!(std::io::stderr(), "NOT RUN: {what}: {why}");
}
