//! Programs that must not compile, because the types of the memory layer rule them out.
//!
//! Each program is compiled against the library of this test run, and the compiler's output is
//! compared with the snapshot beside the program. `SNAPSHOTS=overwrite` writes the snapshots.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use snapbox::{Assert, Data};

/// The directory of the package, where cargo and the compiler are started.
const TOP: &str = env!("CARGO_MANIFEST_DIR");
/// How the compiler names sources of the standard library, with and without `rust-src`.
const STANDARD_LIBRARY: [&str; 2] = ["/rustc/", "rustlib/src"];

#[test]
fn misuse_of_memory_does_not_compile() {
    let library = Library::find();
    let mut programs: Vec<PathBuf> = std::fs::read_dir(Path::new(TOP).join("tests/ui"))
        .expect("the programs are there")
        .map(|entry| entry.expect("a readable directory").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    programs.sort();
    assert!(!programs.is_empty(), "there is no program in tests/ui");
    let faults: Vec<String> =
        programs.iter().filter_map(|program| library.refuses(program).err()).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The library of this run, and what a compiler needs to use it.
struct Library {
    compiler: PathBuf,
    file: PathBuf,
    directories: BTreeSet<PathBuf>,
    target: Option<OsString>,
}

impl Library {
    /// Asks cargo for the artefacts of this test binary, which are there because it runs.
    fn find() -> Self {
        let cargo = std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from);
        let (profile, target) = built_for();
        let mut command = Command::new(&cargo);
        command.args(["test", "--no-run", "--test", "ui", "--message-format=json"]);
        command.args(["--offline", "--locked", "--quiet"]);
        if profile != "debug" {
            command.arg("--profile").arg(profile);
        }
        if let Some(target) = &target {
            command.arg("--target").arg(target);
        }
        let output = command.current_dir(TOP).stderr(Stdio::inherit()).output();
        let output = output.expect("these tests are started by cargo");
        assert!(output.status.success(), "cargo does not say what it has built");
        let (mut file, mut directories) = (None, BTreeSet::new());
        for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let message: Value = serde_json::from_slice(line).expect("cargo writes JSON");
            let is_library = message["target"]["name"] == "gitmind"
                && message["target"]["kind"] == serde_json::json!(["lib"]);
            for artefact in message["filenames"].as_array().into_iter().flatten() {
                let artefact = Path::new(artefact.as_str().expect("a file has a name"));
                directories.extend(artefact.parent().map(Path::to_owned));
                if is_library && artefact.extension().is_some_and(|it| it == "rlib") {
                    file = Some(artefact.to_owned());
                }
            }
        }
        let file = file.expect("the library is among what cargo has built");
        Self { compiler: compiler(&cargo), file, directories, target }
    }

    /// Compiles `program`; an error, when it compiles or the compiler says something else than the
    /// snapshot.
    fn refuses(&self, program: &Path) -> Result<(), String> {
        let name = program.strip_prefix(TOP).expect("it is below").display();
        let out = tempfile::tempdir().expect("a temporary directory");
        let mut command = Command::new(&self.compiler);
        command.args(["--edition=2024", "--crate-type=bin", "--emit=metadata", "--color=never"]);
        command.arg("--diagnostic-width=140").arg("--out-dir").arg(out.path());
        if let Some(target) = &self.target {
            command.arg("--target").arg(target);
        }
        for directory in &self.directories {
            command.arg("-L").arg(joined("dependency=", directory));
        }
        command.arg("--extern").arg(joined("gitmind=", &self.file)).arg(name.to_string());
        let output = command.current_dir(TOP).output().expect("the compiler starts");
        if output.status.success() {
            return Err(format!("{name} compiles, although it must not"));
        }
        let snapshot = program.with_extension("stderr");
        let said = String::from_utf8(output.stderr).expect("the compiler writes UTF-8");
        let stored = std::fs::read_to_string(&snapshot).unwrap_or_default();
        for (what, text) in [("the compiler's output", &said), ("the snapshot", &stored)] {
            if STANDARD_LIBRARY.iter().any(|sources| text.contains(sources)) {
                return Err(format!(
                    "{name}: {what} points into the sources of the standard library, which are \
                     printed only where the component `rust-src` is installed: write the program \
                     so that no bound or item of std is reported\n{text}"
                ));
            }
        }
        let (said, stored) = (Data::text(said), Data::read_from(&snapshot, None).raw());
        let compared = Assert::new().action_env("SNAPSHOTS").try_eq(Some(&name), said, stored);
        compared.map_err(|difference| difference.to_string())
    }
}

/// The profile's directory and the target that this binary was built for, by where it is:
/// `[TARGET/]PROFILE/deps` below the target directory, which cargo marks.
fn built_for() -> (OsString, Option<OsString>) {
    let program = std::env::current_exe().expect("a running program has a path");
    let directory = program.ancestors().nth(2).expect("it is in `deps` of a profile");
    let profile = directory.file_name().expect("a profile has a name").to_owned();
    let above = directory.parent().expect("the profiles are in a directory");
    // cargo writes the first into a directory that it makes itself.
    let is_top = ["CACHEDIR.TAG", ".rustc_info.json"].iter().any(|it| above.join(it).exists());
    (profile, if is_top { None } else { above.file_name().map(ToOwned::to_owned) })
}

/// The compiler of the environment, or that of the toolchain to which `cargo` belongs.
fn compiler(cargo: &Path) -> PathBuf {
    let beside = cargo.with_file_name(format!("rustc{}", std::env::consts::EXE_SUFFIX));
    let beside = if beside.exists() { beside } else { "rustc".into() };
    std::env::var_os("RUSTC").map_or(beside, PathBuf::from)
}

fn joined(key: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(key);
    argument.push(path);
    argument
}
