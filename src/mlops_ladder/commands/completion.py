"""Print the completion script of a shell."""

import click
from click.shell_completion import BashComplete, get_completion_class

SHELLS = ["bash", "zsh", "fish"]
# Bash takes `=` for the end of a word, and so an answer for three words; they are joined here, and
# what is offered is cut off where bash's last word begins.
BASH = r"""
%(complete_func)s() {
    local IFS=$'\n' i type value current prefix words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if [[ $i -gt 0 && (${COMP_WORDS[i]} == "=" || ${COMP_WORDS[i - 1]} == "=") ]]; then
            words[${#words[@]} - 1]+=${COMP_WORDS[i]}
        else
            words+=("${COMP_WORDS[i]}")
        fi
    done
    current=${words[${#words[@]} - 1]}
    prefix=
    [[ $current == *=* ]] && prefix=${current%%=*}=
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                COMPREPLY+=("${value#"$prefix"}")
                [[ $value == *= ]] && compopt -o nospace
                ;;
        esac
    done < <(COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) \
        %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class JoiningBashComplete(BashComplete):
    """The completion of bash, with answers as one word."""

    source_template = BASH.lstrip().replace("%%=*", "%%%%=*")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script with which SHELL completes commands, options, levels and answers.

    \b
    Example, for ~/.bashrc:
      eval "$(mlops-ladder completion bash)"
    """
    found = JoiningBashComplete if shell == "bash" else get_completion_class(shell)
    assert found is not None
    root = ctx.find_root()
    script = found(root.command, {}, "mlops-ladder", "_MLOPS_LADDER_COMPLETE").source()
    click.echo(script)
