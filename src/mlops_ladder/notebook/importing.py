"""The imports that a problem needs: those it has, those it lacks, those it cannot take along."""

import ast
import builtins
from collections.abc import Collection, Sequence
from pathlib import Path

from .interface import TAG
from .outcome import NotCarriedError
from .statements import Statement, names_of, partition

MODULE_NAMES = {*dir(builtins), "__name__", "__file__", "__doc__"}
JUPYTER_NAMES = {"display", "get_ipython", "In", "Out", "_"}


def brought_imports(
    statements: Sequence[Statement], imports: Sequence[Statement], others: Sequence[Statement]
) -> list[Statement]:
    """The imports that the problem needs and that only cells without the tag have.

    Raises:
        NotCarriedError: the problem uses names that no tagged cell defines and none imports.
    """
    if any("import *" in str(s) for s in imports):
        return []
    there = names_of([*statements, *imports]) | MODULE_NAMES
    elsewhere = {name: single(s, name) for s in partition(others)[0] for name in s.names}
    defined_in = {name: s.cell for s in others for name in s.names}
    brought: dict[str, Statement] = {}
    reasons = []
    for statement in statements:
        for name in sorted(statement.uses - there):
            user = f"{statement.cell}: {', '.join(statement.names)} uses `{name}`, which"
            if name in elsewhere:
                brought[name] = elsewhere[name]
            elif name in defined_in:
                place = f"only {defined_in[name]} defines. Tag that cell `{TAG}`, or move"
                reasons.append(f"{user} {place} the definition to a tagged one")
            elif name in JUPYTER_NAMES:
                reasons.append(f"{user} only Jupyter has. Take it out of the definition")
            else:
                reasons.append(f"{user} no cell defines. Define or import it in a tagged cell")
    if reasons:
        raise NotCarriedError(*reasons)
    return list(brought.values())


def single(statement: Statement, name: str) -> Statement:
    """Of an import, only what gives the name."""
    node = statement.node
    assert isinstance(node, ast.Import | ast.ImportFrom)
    names = [n for n in node.names if (n.asname or n.name.partition(".")[0]) == name]
    if isinstance(node, ast.Import):
        alone: ast.stmt = ast.Import(names)
    else:
        alone = ast.ImportFrom(node.module, names, node.level)
    return Statement(ast.unparse(alone), alone, statement.cell)


def modules_in(folder: Path) -> set[str]:
    """The modules that a notebook in the folder can import because they lie beside it."""
    files = {file.stem for file in folder.glob("*.py")}
    return files | {file.parent.name for file in folder.glob("*/*.py")}


def imported(problem: str, modules: Collection[str]) -> list[str]:
    """Which of the modules the problem imports, on top or anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(problem)):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return sorted(found.intersection(modules))
