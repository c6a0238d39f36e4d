"""Translate IPython commands (magics, shell lines, help requests) to Python.

Each command becomes a call of `get_ipython`, so that a cell with commands can be parsed. The
number of lines stays the same.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

CALL = "get_ipython()"
PROGRAMS = "cat|cd|conda|cp|ls|mamba|mkdir|mv|pip|pip3|rm|uv"
COMMAND = re.compile(
    rf"""
    (?P<before>\s*) (?: [%!?] .* | [\w.*]+ \?{{1,2}} \s* | (?:{PROGRAMS}) [ ]+ [\w./~-] .* ) $
    | (?P<assignment>\s* [\w\s,.]+ = \s*) [%!] .* $
    """,
    re.VERBOSE,
)
CELL_MAGIC = re.compile(r"\s*%%(\S+)")
OF_PYTHON = {"capture", "debug", "memit", "prun", "time", "wandb"}
"""Cell magics that run the cell's Python code in the notebook's namespace."""
OF_OTHERS = {
    *("!", "HTML", "R", "bash", "cmd", "cython", "file", "html", "javascript", "js", "latex"),
    *("markdown", "perl", "pypy", "python", "python2", "python3", "ruby", "script", "sh", "sql"),
    *("svg", "sx", "system", "timeit", "writefile"),
}
"""Cell magics that run another language, or define nothing in the notebook's namespace."""


def translate_commands(source: str) -> str:
    """Translate the source of a cell that Python cannot parse.

    A cell magic that does not run Python in the notebook's namespace stands for its whole cell.
    """
    lines = source.split("\n")
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    if magic := CELL_MAGIC.match(lines[first]):
        body = translate_lines(lines[first + 1 :])
        if not runs_in_notebook(magic[1], "\n".join(body)):
            body = [""] * len(body)
        return "\n".join([*lines[:first], CALL, *body])
    return "\n".join(translate_lines(lines))


def translate_lines(lines: list[str]) -> list[str]:
    """Translate the lines that begin a statement and are commands."""
    translated: list[str] = []
    statement = ""  # a Python statement that is not yet complete
    continues = False  # the line continues a command
    for line in lines:
        if continues:
            translated.append("")
            continues = line.endswith("\\")
        elif not statement and (command := COMMAND.match(line)):
            translated.append(f"{command['before'] or command['assignment'] or ''}{CALL}")
            continues = line.endswith("\\")
        else:
            translated.append(line)
            statement += f"{line}\n"
            if is_complete(statement):
                statement = ""
    return translated


def is_complete(code: str) -> bool:
    """Tell whether the next line begins another statement."""
    try:
        list(tokenize.generate_tokens(io.StringIO(code).readline))
    except tokenize.TokenError:  # an open bracket, an open string or a backslash at the end
        return False
    except SyntaxError:
        return True
    return True


def runs_in_notebook(magic: str, body: str) -> bool:
    """Tell whether a cell magic runs its cell as Python code in the notebook's namespace."""
    if magic in OF_PYTHON or magic in OF_OTHERS:
        return magic in OF_PYTHON
    try:
        ast.parse(body)
    except (SyntaxError, ValueError):
        return False
    return True


def commands_in(node: ast.AST) -> Iterator[ast.Call]:
    """Find the calls of `get_ipython`, translated or not."""
    for part in ast.walk(node):
        if (
            isinstance(part, ast.Call)
            and isinstance(part.func, ast.Name)
            and part.func.id == "get_ipython"
        ):
            yield part
