"""Select the imports of a problem, and find the modules that it imports."""

import ast
import builtins
from collections.abc import Collection, Sequence
from pathlib import Path

from .interface import INTERFACE, TAG
from .result import Messages
from .statements import Statement, names_of, partition

MODULE_NAMES = {*dir(builtins), "__name__", "__file__", "__doc__"}
JUPYTER_NAMES = {"display", "get_ipython", "In", "Out", "_"}


def select_imports(
    statements: Sequence[Statement],
    imports: Sequence[Statement],
    others: Sequence[Statement],
    reported: Collection[str],
    messages: Messages,
) -> list[Statement]:
    """Select the imports that the problem needs and only cells without the tag have.

    Parameters
    ----------
    statements, imports
        The problem's statements and imports.
    others
        The statements of cells without the tag.
    reported
        Names of statements that are reasons already.
    messages
        Gets a reason for every name that is not defined, and a remark for every copied import.
    """
    if any("import *" in str(s) for s in imports):
        return []
    known = {*names_of([*statements, *imports]), *MODULE_NAMES, *INTERFACE, *reported}
    imported = {name: single_import(s, name) for s in partition(others)[0] for name in s.names}
    copied: dict[str, Statement] = {}
    for statement in statements:
        for name in sorted(statement.uses - known):
            if name in imported:
                copied[name] = imported[name]
            else:
                messages.reasons.append(explain_unknown(statement, name, others))
    messages.remarks.extend(f"{s.cell}: `{s}` was copied to problem.py" for s in copied.values())
    return list(copied.values())


def explain_unknown(statement: Statement, name: str, others: Sequence[Statement]) -> str:
    """Explain why a name that the statement uses is not known in `problem.py`."""
    where = f"{statement.cell}: {', '.join(statement.names)} uses"
    definition = next((s for s in reversed(others) if name in s.names), None)
    if definition:
        return (
            f"{where} `{name}`, which only {definition.cell} defines. Tag that cell `{TAG}`, or "
            "move the definition to a tagged cell"
        )
    if name == "get_ipython" and statement.commands:
        return f"{where} the IPython command `{statement.commands[0]}`. Write it in Python"
    if name in JUPYTER_NAMES:
        return f"{where} `{name}`, which only Jupyter has. Remove it from the definition"
    return f"{where} `{name}`, which no cell defines. Define or import it in a tagged cell"


def single_import(statement: Statement, name: str) -> Statement:
    """Reduce an import to the part that imports the name."""
    node = statement.node
    assert isinstance(node, ast.Import | ast.ImportFrom)
    names = [n for n in node.names if (n.asname or n.name.partition(".")[0]) == name]
    if isinstance(node, ast.Import):
        reduced: ast.stmt = ast.Import(names)
    else:
        reduced = ast.ImportFrom(node.module, names, node.level)
    return Statement(ast.unparse(reduced), reduced, statement.cell)


def modules_in(folder: Path) -> set[str]:
    """Return the modules and packages in a folder that a notebook in it can import."""
    files = {file.stem for file in folder.glob("*.py")}
    return files | {file.parent.name for file in folder.glob("*/*.py")}


def imported_modules(problem: str, modules: Collection[str]) -> list[str]:
    """Return those of the modules that the problem imports, at the top or in a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(problem)):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return sorted(found.intersection(modules))
