"""Resolve what a call or an attribute refers to, by its name and the imports."""

import ast
from collections.abc import Iterable, Iterator, Mapping

from .statements import CALLABLES, Statement


def imported_paths(imports: Iterable[Statement]) -> dict[str, str]:
    """Return the full path of every imported name: `numpy` for `np`."""
    paths = {}
    for statement in imports:
        node = statement.node
        if isinstance(node, ast.Import):
            for name in node.names:
                top = name.name.partition(".")[0]
                paths[name.asname or top] = name.name if name.asname else top
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                paths[name.asname or name.name] = f"{node.module or ''}.{name.name}"
    return paths


def full_path(expression: ast.expr, imports: Mapping[str, str]) -> str:
    """Return the dotted path of an expression: `numpy.random.seed` for `np.random.seed`."""
    path, root = ast.unparse(expression), root_of(expression) or ""
    return imports.get(root, root) + path.removeprefix(root)


def root_of(expression: ast.expr) -> str | None:
    """Return the name that an expression begins with: `rides` for `rides.loc[0]`."""
    while isinstance(expression, ast.Attribute | ast.Subscript):
        expression = expression.value
    return expression.id if isinstance(expression, ast.Name) else None


def called_name(call: ast.Call) -> str:
    """Return the last part of the name that is called: `seed` for `np.random.seed(0)`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def is_method_call(call: ast.Call) -> bool:
    """Tell whether an attribute is called: `rides.head()`."""
    return isinstance(call.func, ast.Attribute)


def bare_call(node: ast.AST) -> ast.Call | None:
    """Return the call if the node is a statement that is nothing else."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return node.value
    return None


def walk_outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the syntax tree without the bodies of functions and classes."""
    yield node
    if not isinstance(node, (*CALLABLES, ast.ClassDef, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            yield from walk_outside_functions(child)
