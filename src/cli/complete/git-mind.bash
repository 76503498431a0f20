# Completions of git-mind for bash. bash-completion and git's own completion find this file as
# ~/.local/share/bash-completion/completions/git-mind, or it is read by ~/.bashrc.

# Completes the last of the words that are given.
__git_mind_complete() {
    local candidate current=${*: -1}
    COMPREPLY=()
    while IFS= read -r candidate || [[ $candidate ]]; do
        COMPREPLY+=("$candidate")
    done < <(GIT_MIND_COMPLETE=bash _CLAP_COMPLETE_INDEX=$(($# - 1)) git-mind -- "$@" 2>/dev/null)
    # readline replaces only what follows the last character that breaks words.
    if [[ $current == *[=:]* ]]; then
        local start=${current%"${current##*[=:]}"}
        COMPREPLY=("${COMPREPLY[@]#"$start"}")
    fi
    for candidate in "${COMPREPLY[@]}"; do
        if [[ $candidate == */ || -e $candidate ]]; then
            compopt -o filenames 2>/dev/null
        fi
    done
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/] ]]; then
        compopt -o nospace 2>/dev/null
    else
        compopt +o nospace 2>/dev/null
    fi
}

# For `git-mind <TAB>`.
_git_mind_program() {
    local i words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        # readline has split --type=NAME and REV:PATH.
        if [[ i -gt 1 && (${COMP_WORDS[i]} == [=:] || ${COMP_WORDS[i - 1]} == [=:]) ]]; then
            words[${#words[@]} - 1]+=${COMP_WORDS[i]}
        else
            words+=("${COMP_WORDS[i]}")
        fi
    done
    __git_mind_complete git-mind "${words[@]:1}"
}

# For `git mind <TAB>`: git's own completion calls it, with its words in `words` and `cword`.
_git_mind() {
    local start=$((${__git_cmd_idx:-1} + 1))
    __git_mind_complete git-mind "${__git_C_args[@]}" "${words[@]:start:cword - start + 1}"
}

complete -o bashdefault -o default -F _git_mind_program git-mind
