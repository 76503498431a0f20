//! Names the sanitizer that a target brings, so that the layer tells it what only the layer knows.

use std::io::Write;

/// Targets that end so, and the cfg that they set.
const SANITIZERS: [(&str, &str); 3] =
    [("-gnuasan", "gm_asan"), ("-gnumsan", "gm_msan"), ("-gnutsan", "gm_tsan")];

fn main() -> std::io::Result<()> {
    let target = std::env::var("TARGET").unwrap_or_default();
    let mut stdout = std::io::stdout();
    for (ending, cfg) in SANITIZERS {
        if target.ends_with(ending) {
            writeln!(stdout, "cargo::rustc-cfg={cfg}")?;
        }
    }
    // Cargo runs it again for another target anyway.
    writeln!(stdout, "cargo::rerun-if-changed=build.rs")
}
