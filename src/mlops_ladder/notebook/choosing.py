"""Which statements of a notebook are the problem: not what was tried out, nor what is void."""

import ast
from collections.abc import Iterable, Sequence

from .cells import Cell
from .effects import is_definition, is_shown, touched
from .interface import FOR_A_PACKAGE, FUNCTIONS, INTERFACE, TAG
from .outcome import NotCarriedError
from .splitting import split_all, split_python
from .statements import Statement, names_of, reachable, reachable_now, uses_of


def choose(cells: Sequence[Cell]) -> tuple[list[Statement], list[Statement], list[str]]:
    """The statements of the cells that make the problem, those of the others, and remarks.

    A cell without the tag is taken all the same if it alone defines what every problem has.

    Raises:
        NotCarriedError: a cell that makes the problem is no Python.
    """
    taken = split_all(cell for cell in cells if cell.marked)
    others: list[Statement] = []
    remarks: list[str] = []
    missing = {*INTERFACE, *FOR_A_PACKAGE} - names_of(joined(taken.values()))
    for cell in cells:
        statements = [] if cell.marked else split_python(cell)
        found = missing & names_of(statements)
        if not found:
            others += statements
            continue
        taken |= split_all([cell])
        missing -= found
        remarks.append(
            f"{cell} is not tagged `{TAG}`, but was taken for the problem: no tagged cell "
            f"defines {', '.join(sorted(found))}"
        )
    return joined(taken[cell] for cell in cells if cell in taken), others, remarks


def joined(cells: Iterable[Sequence[Statement]]) -> list[Statement]:
    """The statements of all the cells."""
    return [statement for statements in cells for statement in statements]


def without_trials(statements: Sequence[Statement]) -> tuple[list[Statement], list[str]]:
    """The definitions without what was only looked at or tried out, and what to say of it.

    Raises:
        NotCarriedError: a statement does more than to define or to show something.
    """
    definitions = [s for s in statements if s.names and is_definition(s.node)]
    trials = [s for s in definitions if is_trial(s, definitions)]
    needed = reachable(definitions, *uses_of(s for s in definitions if s not in trials))
    kept = [s for s in definitions if s not in trials or s in needed]
    tried = names_of(trials) - names_of(kept)
    rest = [s for s in statements if s not in kept and not isinstance(s.node, ast.Pass)]
    acting = [s for s in rest if not (s in trials or is_shown(s) or touches_only(s, tried))]
    if acting:
        advice = f"Move it to a cell without the tag `{TAG}`, or into the function that needs it"
        raise NotCarriedError(
            *(f"{s.cell}: `{s}` would run at every import. {advice}" for s in acting)
        )
    left_out = [f"{s.cell}: `{s}` was left out: it defines nothing of the problem" for s in rest]
    early = [s for s in kept if s in trials and "load" in names_of(reachable_now(s, kept))]
    return kept, left_out + [f"{s.cell}: `{s}` now loads data at every import" for s in early]


def is_trial(statement: Statement, definitions: Sequence[Statement]) -> bool:
    """Whether it may be work in progress: it runs the problem, or makes a variable by a call."""
    if not isinstance(statement.node, ast.Assign | ast.AnnAssign):
        return False
    if not {*INTERFACE, *FOR_A_PACKAGE}.isdisjoint(statement.names):
        return False
    calls = any(isinstance(node, ast.Call) for node in ast.walk(statement.node))
    is_variable = any(name != name.upper() for name in statement.names)
    runs = not names_of(reachable_now(statement, definitions)).isdisjoint(FUNCTIONS)
    return calls and (is_variable or runs)


def touches_only(statement: Statement, names: set[str]) -> bool:
    """Whether the statement changes something, and nothing but the names."""
    changed = touched(statement)
    return bool(changed) and changed <= names


def without_doubles(statements: Sequence[Statement]) -> tuple[list[Statement], list[str]]:
    """The statements without definitions that a later one of the same name makes void.

    Raises:
        NotCarriedError: the earlier one was used before the later one came.
    """
    kept: list[Statement] = []
    remarks: list[str] = []
    for at, statement in enumerate(statements):
        rest = statements[at + 1 :]
        later = next((i for i, other in enumerate(rest) if other.names == statement.names), None)
        if later is None or statement.names == ["_"]:  # a function known by its decorator alone
            kept.append(statement)
            continue
        names, cell = ", ".join(statement.names), rest[later].cell
        if any(statement in reachable_now(other, statements) for other in rest[:later]):
            raise NotCarriedError(
                f"{statement.cell}: {names} is used before {cell} defines it anew. Give one of the "
                "two another name"
            )
        if rest[later].uses_at_once.isdisjoint(statement.names):
            remarks.append(f"{statement.cell}: {names} was left out: {cell} defines it anew")
        else:
            kept.append(statement)
    return kept, remarks
