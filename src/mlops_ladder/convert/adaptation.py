"""Adapt the parts of a problem that only a package has to the user's model."""

import ast
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from .cells import Cell
from .parsing import parse_cell
from .statements import CALLABLES, Statement
from .trusted_types import types_to_trust


def adapt(statement: Statement, body: Sequence[Statement]) -> Statement | None:
    """Adapt a statement of the template to the `build_model` in the body, or omit it."""
    if statement.names == ["SEARCH_SPACE"]:
        return adapt_search_space(statement, body)
    if statement.names == ["TRUSTED_TYPES"]:
        return adapt_trusted_types(statement, body)
    return statement


def adapt_search_space(statement: Statement, body: Sequence[Statement]) -> Statement:
    """Remove the hyperparameters that `build_model` does not have, or that are not numbers."""
    (model,) = [s.node for s in body if "build_model" in s.names][-1:]
    defaults = parameters_of(model) if isinstance(model, CALLABLES) else {}
    assert isinstance(statement.node, ast.AnnAssign) and isinstance(statement.node.value, ast.Dict)
    entries = dict(zip(statement.node.value.keys, statement.node.value.values, strict=True))
    kept = [
        f"{ast.unparse(key)}: {ast.unparse(values)}"
        for key, values in entries.items()
        if isinstance(key, ast.Constant)
        and key.value in defaults
        and may_be_number(defaults[key.value])
    ]
    if len(kept) == len(entries):
        return statement
    lines = "".join(f"{entry},\n" for entry in kept)
    return replace_value(statement, f"dict[str, Any] = {{{lines}}}")


def parameters_of(
    function: ast.FunctionDef | ast.AsyncFunctionDef,
) -> dict[str, ast.expr | None]:
    """Return the default of each parameter of a function, None for one without."""
    positional = [*function.args.posonlyargs, *function.args.args]
    required: list[ast.expr | None] = [None] * (len(positional) - len(function.args.defaults))
    pairs = [
        *zip(positional, [*required, *function.args.defaults], strict=True),
        *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True),
    ]
    return {parameter.arg: default for parameter, default in pairs}


def may_be_number(default: ast.expr | None) -> bool:
    """Tell whether a parameter with this default may be a number; the template's are numbers."""
    return not isinstance(default, ast.Constant) or not isinstance(default.value, str | bool)


def adapt_trusted_types(statement: Statement, body: Sequence[Statement]) -> Statement | None:
    """List the types that a file of the model contains; without any, the list may be omitted."""
    types = types_to_trust(body)
    return replace_value(statement, f"list[str] = [{', '.join(types)}]") if types else None


def replace_value(statement: Statement, value: str) -> Statement:
    """Replace the type and the value of an assignment, and keep the comments above it."""
    comments = takewhile(lambda line: line[:1] in {"#", ""}, statement.code.split("\n"))
    code = "\n".join([*comments, f"{statement.names[0]}: {value}"])
    (changed,) = parse_cell(Cell(statement.cell.number, code, marked=True))
    return replace(changed, blank_line_above=statement.blank_line_above)


def rewrite_docstring(docstring: str, title: str, body: Sequence[Statement]) -> str:
    """Name the user's problem in the first line of the template's docstring.

    Parameters
    ----------
    docstring
        The template's docstring.
    title
        The title of the notebook; empty if it is the template's.
    body
        The statements of the problem, whose target is named if there is no title.
    """
    _, line_end, rest = docstring.partition("\n")
    (target,) = [getattr(s.node, "value", None) for s in body if "TARGET" in s.names][-1:]
    about = f"what will {target.value!s} be?" if isinstance(target, ast.Constant) else "our own"
    if title and len(title) < 80 and not re.search(r'["\\]', title):
        about = title[0].lower() + title[1:] if title[1:2].islower() else title
    return f'"""The problem: {about}{line_end}{rest}'
