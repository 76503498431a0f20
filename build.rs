//! Tells the program what it is built by and for: reports of measurements name it.

use std::io::Write;
use std::process::Command;

fn main() -> std::io::Result<()> {
    let variable = |name| std::env::var(name).unwrap_or_else(|_| "unknown".to_owned());
    let version = Command::new(variable("RUSTC")).arg("--version").output();
    let rustc = match version {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(_) => "unknown".to_owned(),
    };
    let mut stdout = std::io::stdout();
    writeln!(stdout, "cargo::rustc-env=BUILD_RUSTC={rustc}")?;
    writeln!(stdout, "cargo::rustc-env=BUILD_TARGET={}", variable("TARGET"))?;
    writeln!(stdout, "cargo::rustc-env=BUILD_PROFILE={}", variable("PROFILE"))?;
    // Cargo runs it again for another compiler, target or profile anyway.
    writeln!(stdout, "cargo::rerun-if-changed=build.rs")
}
