//! The shell scripts that git runs as hooks.
//!
//! They name no path, so that they work wherever the program is installed. They have the text by
//! which the C tool recognises its own hook, so that its `install-hooks` leaves them alone.

use super::Hook;

/// What an installed script of any version has in its second line.
const MARK: &str = "installed by `git mind hooks install`";
/// What the C tool's script has, and ours too.
const C_TOOL_MARK: &str = "git-mind post-commit hook";

/// Ends the name of the hook that was there before and runs first.
pub(super) const BEFORE: &str = ".before-git-mind";
/// Ends the name of the C tool's hook, which does not run.
pub(super) const C_TOOL: &str = ".c-tool";

/// Whose script a hook is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Ours,
    CTool,
    Other,
}

/// Whose script this is.
pub(super) fn origin(content: &[u8]) -> Origin {
    let has = |mark: &str| memchr::memmem::find(content, mark.as_bytes()).is_some();
    match (has(MARK), has(C_TOOL_MARK)) {
        (true, _) => Origin::Ours,
        (false, true) => Origin::CTool,
        (false, false) => Origin::Other,
    }
}

/// The script of a hook.
///
/// A shell script that was there before is read by its own interpreter with `$0` unchanged: hook
/// managers find their files by the name and the directory in it.
pub(super) fn text(hook: Hook) -> String {
    let body = match hook {
        Hook::PostCommit => POST_COMMIT,
        Hook::PostRewrite => POST_REWRITE,
    };
    format!(
        "#!/bin/sh\n# {C_TOOL_MARK}, {MARK}\n# and removed by `git mind hooks uninstall`. What was \
         here before runs first.\n{RUN_BEFORE}{body}exit $status\n"
    )
}

const RUN_BEFORE: &str = r##"run_before() {
	test -x "$0.before-git-mind" || return 0
	first=
	IFS= read -r first 2>/dev/null <"$0.before-git-mind"
	case $first in
	'#!/bin/sh' | '#!/bin/bash' | '#!/usr/bin/bash' | '#!/usr/bin/env sh' | '#!/usr/bin/env bash')
		${first#??} -c '. "$0.before-git-mind"' "$0" "$@" ;;
	*) "$0.before-git-mind" "$@" ;;
	esac
}
"##;

const POST_COMMIT: &str = r#"run_before "$@"
status=$?
if command -v git-mind >/dev/null 2>&1; then
	git-mind hooks run post-commit </dev/null || :
else
	echo 'git-mind: warning: git-mind is not on PATH, so edges do not follow this commit' >&2
fi
"#;

/// The lines of the standard input are kept for both, to the byte: the dot keeps line ends.
const POST_REWRITE: &str = r#"pairs=$(cat; echo .)
printf %s "${pairs%.}" | run_before "$@"
status=$?
if command -v git-mind >/dev/null 2>&1; then
	printf %s "${pairs%.}" | git-mind hooks run post-rewrite || :
fi
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_told_apart_by_their_marks() {
        for hook in Hook::ALL {
            let text = text(hook);
            assert_eq!(origin(text.as_bytes()), Origin::Ours);
            assert!(text.contains(C_TOOL_MARK), "the C tool takes it for its own");
            assert!(text.contains(BEFORE) && !text.contains(C_TOOL), "which of the two runs");
        }
        assert_eq!(origin(b"#!/bin/sh\n# git-mind post-commit hook\n"), Origin::CTool);
        assert_eq!(origin(b"#!/bin/sh\n"), Origin::Other);
    }
}
