//! The `git-mind` command.

fn main() {}
