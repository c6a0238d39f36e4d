"""Take out of `problem.py` what a request needs: the features, the score, and what they use.

The service runs these lines as they stand, without what else the file imports.
"""

import ast
import builtins
import sys
from collections.abc import Iterator

NEEDED = ["features", "score_rows"]
AT_HAND = sys.stdlib_module_names | {"numpy"}  # what the service has installed
HEADING = '"""What a request needs of problem.py, taken from there by make deploy."""\n'
FUTURE = "from __future__ import annotations\n"  # annotations may name what is not here


class NotExportableError(Exception):
    """Why the service must run the model as scikit-learn has it."""


def request_time_source(source: str) -> str:
    """The source of a module with `features`, `score_rows`, and no more than they need.

    Raises:
        NotExportableError: they need a package that the service does not have.
    """
    statements = [node for node in ast.parse(source).body if not is_future(node)]
    needed = closure(statements, NEEDED)
    for statement in needed:
        refuse_foreign_imports(statement)
    return "\n\n".join([HEADING + FUTURE, *(text_of(node, source) for node in needed)]) + "\n"


def is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def text_of(node: ast.stmt, source: str) -> str:
    """The statement as it is written, with the decorators that stand before it."""
    decorators = getattr(node, "decorator_list", [])
    lines = [f"@{ast.get_source_segment(source, decorator)}" for decorator in decorators]
    return "\n".join([*lines, ast.get_source_segment(source, node) or ""])


def closure(statements: list[ast.stmt], names: list[str]) -> list[ast.stmt]:
    """The statements that define the names and, in turn, what those use, in their order."""
    wanted, known = list(names), set(names)
    kept: set[int] = set()
    while wanted:
        name = wanted.pop()
        for i, statement in enumerate(statements):
            if i in kept or name not in set(defined_names(statement)):
                continue
            kept.add(i)
            new = set(used_names(statement)) - known - vars(builtins).keys()
            known |= new
            wanted += new
    return [statement for i, statement in enumerate(statements) if i in kept]


def defined_names(statement: ast.stmt) -> Iterator[str]:
    """The names of the module that a statement at its top gives a value to, or changes."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield statement.name
        return
    inner = variables_of_comprehensions(statement)
    for node in ast.walk(statement):
        if isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in inner:
            yield node.id
        elif isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield from used_names(node.value)


def variables_of_comprehensions(statement: ast.stmt) -> set[ast.AST]:
    """What takes the values of a comprehension, which no line outside of it can see."""
    targets = [node.target for node in ast.walk(statement) if isinstance(node, ast.comprehension)]
    return {name for target in targets for name in ast.walk(target)}


def used_names(node: ast.AST) -> Iterator[str]:
    """The names that running the node may look up: all of them but those in annotations."""
    if isinstance(node, ast.Name):
        yield node.id
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from used_names(child)


def refuse_foreign_imports(statement: ast.stmt) -> None:
    """Raise `NotExportableError` if the statement imports what the service does not have."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = ["." * node.level + (node.module or "")]
        else:
            continue
        for module in modules:
            if module.partition(".")[0] not in AT_HAND:
                raise NotExportableError(f"features or score_rows in problem.py uses {module}")
