"""What a shell needs to complete the words of `mlops-ladder`."""

import click
from click.shell_completion import get_completion_class

SHELLS = ["bash", "zsh", "fish"]


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete verbs and options.

    \b
    Example, for ~/.bashrc:
      eval "$(mlops-ladder completion bash)"
    """
    found = get_completion_class(shell)
    assert found is not None
    root = ctx.find_root()
    script = found(root.command, {}, "mlops-ladder", "_MLOPS_LADDER_COMPLETE").source()
    click.echo(script)
