"""Messages on the terminal, without control characters."""

import click


def escape(text: str) -> str:
    """Escape control characters, such as those in file names."""
    return "".join(
        c if c.isprintable() or c == "\t" else c.encode("unicode_escape", "surrogatepass").decode()
        for c in text
    )


def escape_lines(text: str) -> str:
    """Escape control characters other than line feeds."""
    return "\n".join(map(escape, text.split("\n")))


def say(text: str) -> None:
    """Print a message on standard error."""
    click.echo(escape_lines(text), err=True)
