"""What a statement does when it is run: it defines, it shows, or it changes something."""

import ast
import re

from .statements import CALLABLES, IMPORTS, Statement

PLOTTING = {"plt", "sns", "px", "go", "alt"}
ACTING = re.compile(
    r"(re)?set(_\w+|default)?|seed\w*|shuffle|(filter|simplefilter)(warnings)?|basicConfig|chdir|"
    r"makedirs|mkdir|use|register|enable|disable|append|extend|insert|add|update|remove|discard|"
    r"pop|clear|sort|reverse|install"
)
"""Functions that change something, even where Jupyter shows what they return."""


def is_text(node: ast.stmt) -> bool:
    """Whether the statement is nothing but a text, such as a docstring."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def is_definition(node: ast.stmt) -> bool:
    """Whether the statement only gives names to things, if need be in one case or another."""
    if isinstance(node, ast.If | ast.Try):
        parts = [*node.body, *node.orelse]
        if isinstance(node, ast.Try):
            parts += [*node.finalbody, *(s for handler in node.handlers for s in handler.body)]
        idle = (*IMPORTS, ast.Pass, ast.Raise)
        return all(isinstance(part, idle) or is_definition(part) for part in parts)
    if isinstance(node, ast.Assign):
        targets = [n for t in node.targets for n in getattr(t, "elts", [t])]
        return all(isinstance(target, ast.Name) for target in targets)
    if isinstance(node, ast.AnnAssign):
        return isinstance(node.target, ast.Name)
    return isinstance(node, (*CALLABLES, ast.ClassDef))


def is_shown(statement: Statement) -> bool:
    """Whether the statement only shows or checks something, as people do in notebooks."""
    node = statement.node
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Expr):
        return False
    if not isinstance(node.value, ast.Call):
        return statement.last or not any(isinstance(n, ast.Call) for n in ast.walk(node))
    path = path_of(node.value)
    if path[0] in PLOTTING or path[-1] in {"print", "display"}:
        return True
    return statement.last and not acts(node.value)


def touched(statement: Statement) -> set[str]:
    """The names that the statement gives another value, or whose value it changes."""
    if isinstance(statement.node, (*CALLABLES, ast.ClassDef)):
        return set(statement.names)
    changed: list[ast.expr] = []
    for node in ast.walk(statement.node):
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            changed.append(node)
        if isinstance(node, ast.Call) and acts(node):
            changed.append(node.func)
    return {*statement.names, *(root for node in changed if (root := root_of(node)))}


def acts(call: ast.Call) -> bool:
    """Whether the call changes something, as far as its name tells."""
    return bool(ACTING.fullmatch(path_of(call)[-1]))


def path_of(call: ast.Call) -> list[str]:
    """What is called, name after name: `np.random.seed` is three."""
    return ast.unparse(call.func).split(".")


def root_of(node: ast.expr) -> str | None:
    """The name that an expression such as `rides.loc[0]` begins with, if it is one."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
