"""Extract from `problem.py` what a request needs: the features, the score, and what they use.

The service runs it without the other imports of the file.
"""

import ast
import sys
from collections.abc import Iterator

NEEDED = ["features", "score_rows"]
AVAILABLE = sys.stdlib_module_names | {"numpy"}  # modules that the service has
HEADING = '''"""The part of problem.py that requests need, extracted by make deploy."""

from __future__ import annotations  # they may name what is left out

'''


class NotExportableError(Exception):
    """The reason why a model is served by scikit-learn."""


def request_time_source(source: str) -> str:
    """Return the source of a module with `features`, `score_rows`, and what they use."""
    body = closure(ast.parse(source).body, NEEDED)
    for statement in body:
        refuse_foreign_imports(statement)
    return HEADING + ast.unparse(ast.Module(body, [])) + "\n"


def closure(statements: list[ast.stmt], names: list[str]) -> list[ast.stmt]:
    """Return the statements that define the names and, in turn, the names that those use."""
    kept: set[int] = set()
    wanted = set(names)
    while found := {
        i
        for i, statement in enumerate(statements)
        if i not in kept and wanted.intersection(defined_names(statement))
    }:
        kept |= found
        wanted.update(name for i in found for name in used_names(statements[i]))
    return [statements[i] for i in sorted(kept)]


def defined_names(statement: ast.stmt) -> Iterator[str]:
    """Yield the names of the module that a statement assigns or changes."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield statement.name
        return
    loops = [node.target for node in ast.walk(statement) if isinstance(node, ast.comprehension)]
    inner = {name for target in loops for name in ast.walk(target)}  # not visible outside
    for node in ast.walk(statement):
        if isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in inner:
            yield node.id
        elif isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield from used_names(node.value)


def used_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that running the node may look up: all but those in annotations."""
    if isinstance(node, ast.Name):
        yield node.id
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from used_names(child)


def refuse_foreign_imports(statement: ast.stmt) -> None:
    """Refuse a statement that imports what the service does not have."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = ["." * node.level + (node.module or "")]
        else:
            continue
        for module in modules:
            if module.partition(".")[0] not in AVAILABLE:
                raise NotExportableError(f"features or score_rows in problem.py uses {module}")
