# Completions of git-mind for fish, which finds this file as ~/.config/fish/completions/git-mind.fish.
# fish's own completion of git asks them for `git mind`, but that of fish 3.6.0 does not: there, read
# the file in ~/.config/fish/config.fish.

function __git_mind_complete
    set --local words (commandline --current-process --tokenize --cut-at-cursor)
    # `git -C DIR mind list` is `git-mind -C DIR list`.
    if test $words[1] = git
        set --erase words[(contains --index -- mind $words)]
    end
    set words[1] git-mind
    GIT_MIND_COMPLETE=fish git-mind -- $words (commandline --current-token --cut-at-cursor)
end

complete --command git-mind --no-files --keep-order --arguments '(__git_mind_complete)'
complete --command git --no-files --keep-order --condition '__fish_git_using_command mind' \
    --arguments '(__git_mind_complete)'
