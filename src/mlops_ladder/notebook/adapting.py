"""What the template adds to a notebook, made to fit the person's problem."""

import ast
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from .cells import Cell
from .splitting import split
from .statements import CALLABLES, Statement
from .trusted_types import types_to_trust


def adapted(statement: Statement, body: Sequence[Statement]) -> Statement:
    """What only a package has, for the model that the person has."""
    if statement.names == ["SEARCH_SPACE"]:
        return with_search_space(statement, body)
    if statement.names == ["TRUSTED_TYPES"]:
        return with_trusted_types(statement, body)
    return statement


def with_search_space(statement: Statement, body: Sequence[Statement]) -> Statement:
    """The values worth trying, of those arguments that the model still has."""
    (model,) = [s.node for s in body if "build_model" in s.names][-1:]
    defaults = arguments_of(model) if isinstance(model, CALLABLES) else {}
    assert isinstance(statement.node, ast.AnnAssign) and isinstance(statement.node.value, ast.Dict)
    entries = dict(zip(statement.node.value.keys, statement.node.value.values, strict=True))
    fitting = [
        f"{ast.unparse(key)}: {ast.unparse(values)}"
        for key, values in entries.items()
        if isinstance(key, ast.Constant)
        and key.value in defaults
        and takes_numbers(defaults[key.value])
    ]
    if len(fitting) == len(entries):
        return statement
    lines = "".join(f"{entry},\n" for entry in fitting)
    return with_value(statement, f"dict[str, list[Any]] = {{{lines}}}")


def arguments_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, ast.expr | None]:
    """The arguments of a function by name, with their defaults."""
    positional = [*function.args.posonlyargs, *function.args.args]
    without: list[ast.expr | None] = [None] * (len(positional) - len(function.args.defaults))
    pairs = [
        *zip(positional, [*without, *function.args.defaults], strict=True),
        *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True),
    ]
    return {argument.arg: default for argument, default in pairs}


def takes_numbers(default: ast.expr | None) -> bool:
    """Whether an argument with this default may be a number, as all of the template's are."""
    return not isinstance(default, ast.Constant) or not isinstance(default.value, str | bool)


def with_trusted_types(statement: Statement, body: Sequence[Statement]) -> Statement:
    """The types that the model's file needs."""
    types = f"[{', '.join(types_to_trust(body))}]"
    assert isinstance(statement.node, ast.Assign)
    if ast.unparse(statement.node.value) == ast.unparse(ast.parse(types)):
        return statement
    return with_value(statement, f"list[str] = {types}")


def with_value(statement: Statement, value: str) -> Statement:
    """The statement with another type and value, below the same comments."""
    comments = takewhile(lambda line: line[:1] in {"#", ""}, statement.code.split("\n"))
    code = "\n".join([*comments, f"{statement.names[0]}: {value}"])
    (changed,) = split(Cell(statement.cell.number, code, marked=True))
    return replace(changed, gap=statement.gap)


def retold(docstring: str, title: str, body: Sequence[Statement]) -> str:
    """The template's docstring, whose first line tells of the person's problem."""
    _, line_end, rest = docstring.partition("\n")
    (target,) = [getattr(s.node, "value", None) for s in body if "TARGET" in s.names][-1:]
    about = f"what will {target.value!s} be?" if isinstance(target, ast.Constant) else "our own"
    if title and len(title) < 80 and not re.search(r'["\\]', title):
        about = title[0].lower() + title[1:] if title[1:2].islower() else title
    return f'"""The problem: {about}{line_end}{rest}'
