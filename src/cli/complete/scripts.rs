//! The scripts for shells. They know nothing: each asks the program whose line is being typed.

/// For bash.
pub const BASH: &str = r#"# beadle: completion for bash. For this shell: source <(beadle completions bash)
_beadle() {
    local IFS=$'\n'
    COMPREPLY=($("$1" complete bash -- "${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _beadle beadle
"#;

/// For zsh.
pub const ZSH: &str = r#"#compdef beadle
# beadle: completion for zsh. As _beadle in a folder of $fpath, or for this shell: source <(beadle completions zsh)
_beadle() {
    local name help
    local -a names shown open open_shown
    while IFS=$'\t' read -r name help; do
        if [[ $name == *[=/] ]]; then
            open+=("$name")
            open_shown+=("$name  $help")
        else
            names+=("$name")
            shown+=("$name  $help")
        fi
    done < <("${words[1]}" complete zsh -- "${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)
    compadd -l -d shown -a names
    compadd -S '' -l -d open_shown -a open
}
if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then
    _beadle "$@"
else
    compdef _beadle beadle
fi
"#;

/// For fish.
pub const FISH: &str = r#"# beadle: completion for fish. For this shell: beadle completions fish | source
function __beadle_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] complete fish -- $words[2..-1] "$current" 2>/dev/null
end
complete -c beadle -f -a '(__beadle_complete)'
"#;
