# Completions of git-mind for fish, which finds this file as
# ~/.config/fish/completions/git-mind.fish. fish's own completion of git asks for `git mind` too.

function __git_mind_complete
    set --local words (commandline --current-process --tokenize --cut-at-cursor)
    GIT_MIND_COMPLETE=fish git-mind -- git-mind $words[2..] (commandline --current-token --cut-at-cursor)
end

complete --command git-mind --no-files --keep-order --arguments '(__git_mind_complete)'
