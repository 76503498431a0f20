//! A report in Markdown: tables, goals, and the environment they were seen in.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Tables and the goals that they meet or miss.
#[derive(Default)]
pub(crate) struct Report {
    text: String,
    missed: usize,
}

impl Report {
    /// A report that begins with the environment and its hash.
    pub(crate) fn new() -> Self {
        let environment = environment();
        let hash = fnv1a(environment.as_bytes());
        Self { text: format!("Environment `{hash:016x}`: {environment}.\n"), missed: 0 }
    }

    /// Adds a table; numbers are right of the first column.
    pub(crate) fn table(&mut self, title: &str, columns: &[&str], rows: &[Vec<String>]) {
        let mut line = |cells: &str| writeln!(self.text, "{cells}").expect("a string takes it");
        line(&format!("\n{title}\n\n| {} |", columns.join(" | ")));
        line(&format!("|---|{}", "---:|".repeat(columns.len() - 1)));
        for row in rows {
            line(&format!("| {} |", row.join(" | ")));
        }
        line("");
    }

    /// Adds a goal and what was seen.
    pub(crate) fn goal(&mut self, what: &str, seen: f64, most: f64) {
        let is_met = seen <= most;
        self.missed += usize::from(!is_met);
        let verdict = if is_met { "met" } else { "**missed**" };
        let line = format!("- {verdict}: {what}: {seen:.2}, at most {most:.2}\n");
        self.text.push_str(&line);
    }

    pub(crate) fn print(self) -> ExitCode {
        println!("{}", self.text);
        self.verdict()
    }

    /// Replaces the part of `docs/benchmarks.md` between the marks of `name`.
    pub(crate) fn write(self, name: &str) -> ExitCode {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/benchmarks.md");
        let old = std::fs::read_to_string(&file).expect("docs/benchmarks.md is there");
        let [begin, end] = ["begin", "end"].map(|mark| format!("<!-- peers {name}: {mark} -->\n"));
        let (before, rest) = old.split_once(&begin).expect("the file has the mark of the begin");
        let (_, after) = rest.split_once(&end).expect("the file has the mark of the end");
        let new = format!("{before}{begin}{}{end}{after}", self.text);
        std::fs::write(&file, new).expect("docs/benchmarks.md can be written");
        self.print()
    }

    fn verdict(&self) -> ExitCode {
        if self.missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// What the numbers depend on: the processor, the kernel, the C library, the compiler.
fn environment() -> String {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.and_then(|text| text.lines().next().map(str::to_owned)).unwrap_or("unknown".into())
    };
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let cpu = cpu.map_or("unknown", |name| name.trim_start_matches([' ', '\t', ':']));
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{processors} x {cpu}, Linux {}, {}, {}",
        said("uname", &["-r"]),
        said("getconf", &["GNU_LIBC_VERSION"]),
        said("rustc", &["--version"])
    )
}

/// FNV-1a of 64 bits (Fowler, Noll, Vo): a name for an environment, not a checksum.
fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
