"""Messages to a terminal, with control characters escaped."""

import click


def visible(text: str) -> str:
    """Return the text with control characters escaped, as those in the name of a file."""
    return "".join(
        c if c.isprintable() or c == "\t" else c.encode("unicode_escape", "surrogatepass").decode()
        for c in text
    )


def visible_lines(text: str) -> str:
    """Return a text of several lines with every other control character escaped."""
    return "\n".join(map(visible, text.split("\n")))


def say(text: str) -> None:
    """Print a message on standard error."""
    click.echo(visible_lines(text), err=True)
