"""Select the statements of a notebook that make the problem."""

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .cells import Cell
from .imports import MODULE_NAMES
from .interface import FUNCTIONS, INTERFACE, OPTIONAL_NAMES, PACKAGE_NAMES, TAG
from .magics import CALL
from .needs import find_needs
from .parsing import likely_definitions, parse_cell, parse_cells, words_in
from .result import ConversionError, Messages
from .side_effects import PLOTTING, changed_names, is_command, is_definition
from .statements import CALLABLES, Statement, names_of, needs_at_once, reachable, uses_of


@dataclass(frozen=True)
class Selection:
    """The statements of a notebook, by what their cells are for."""

    problem: list[Statement]
    """The statements of the cells that hold the problem."""
    others: list[Statement]
    """The statements of the other cells."""
    unread_definitions: set[str]
    """Names that are probably defined in cells which cannot be parsed."""
    unread_words: set[str]
    """All words of these cells."""


def select_cells(cells: Sequence[Cell], messages: Messages) -> Selection:
    """Select the tagged cells, and others that alone define a name of the interface."""
    parsed = parse_cells([cell for cell in cells if cell.marked], messages)
    unread = [cell for cell in cells if cell.marked and cell not in parsed]
    definitions = {name for cell in unread for name in likely_definitions(cell)}
    missing = {*INTERFACE, *PACKAGE_NAMES} - names_of(flatten(parsed.values())) - definitions
    others: list[Statement] = []
    for cell in cells:
        if cell.marked:
            continue
        try:
            statements = parse_cell(cell)
        except ConversionError:  # it is not part of the problem
            continue
        found = missing & names_of(statements)
        if not found:
            others += statements
            continue
        parsed[cell] = statements
        missing -= found
        messages.remarks.append(
            f"{cell}: not tagged `{TAG}`, but converted, because no tagged cell defines "
            f"{', '.join(sorted(found))}"
        )
    return Selection(
        problem=flatten(parsed[cell] for cell in cells if cell in parsed),
        others=others,
        unread_definitions=definitions,
        unread_words={word for cell in unread for word in words_in(cell)},
    )


def flatten(cells: Iterable[Sequence[Statement]]) -> list[Statement]:
    """Return the statements of all cells in one list."""
    return [statement for statements in cells for statement in statements]


def select_definitions(
    statements: Sequence[Statement],
    imports: Sequence[Statement],
    selection: Selection,
    messages: Messages,
) -> tuple[list[Statement], list[Statement]]:
    """Select the definitions, and leave out what only looks at data or tries something out.

    Parameters
    ----------
    statements, imports
        The statements of the cells that hold the problem.
    selection
        All statements of the notebook.
    messages
        Gets a remark for every statement that is left out, or a reason if the problem needs what
        the statement changes.

    Returns
    -------
    selected : list of Statement
        The definitions.
    rejected : list of Statement
        The statements that are reasons.
    """
    statements = [remove_commands(s, messages) for s in statements]
    definitions = [s for s in statements if s.names and is_definition(s.node)]
    actions = [s for s in statements if s not in definitions and not isinstance(s.node, ast.Pass)]
    trials = [s for s in definitions if is_trial(s, definitions)]
    constants = [s for s in definitions if s not in trials]
    unread = reachable(constants, *selection.unread_words)
    wanted = [*INTERFACE, *PACKAGE_NAMES, *optional_names(definitions), *names_of(unread)]
    problem = reachable(definitions, *wanted)
    needs = find_needs(problem, [*imports, *selection.others], [*selection.others, *definitions])

    changed = {name for s in actions for name in changed_names(s, needs.functions)}
    scratch = names_of(s for s in trials if s not in problem)
    scratch |= changed & names_of([*definitions, *actions])
    scratch -= names_of(problem) | needs.imports.keys()
    if not any("import *" in str(s) for s in imports):
        known = names_of(definitions) | MODULE_NAMES | selection.unread_words
        scratch |= uses_of(definitions) - known - needs.imports.keys()
    scratch |= {name for name, path in needs.imports.items() if PLOTTING.match(path)}
    kept = drop_users(definitions, problem, scratch)

    rejected = []
    for statement in statements:
        if statement in kept or isinstance(statement.node, ast.Pass):
            continue
        if reason := needs.reason_against_omission(statement, is_action=statement in actions):
            messages.reasons.append(reason)
            rejected.append(statement)
        else:
            messages.remarks.append(needs.describe_omission(statement))
    messages.remarks.extend(
        f"{s.cell}: `{s}` now loads data at every import. Move it into the function that needs it"
        for s in kept
        if s in trials and "load" in names_of(needs_at_once(s, kept))
    )
    return kept, rejected


def optional_names(definitions: Sequence[Statement]) -> list[str]:
    """Return the optional names that the problem may need.

    `sample` is one of them only if it is a function; a variable of that name has rows to look at.
    """
    last = {name: s.node for s in definitions for name in s.names}
    return [n for n in OPTIONAL_NAMES if n != "sample" or isinstance(last.get(n), CALLABLES)]


def remove_commands(statement: Statement, messages: Messages) -> Statement:
    """Replace the IPython commands in a conditional definition, such as that of an import."""
    if not statement.commands or not isinstance(statement.node, ast.If | ast.Try):
        return statement
    code = re.sub(rf"(?m)^(\s+){re.escape(CALL)}$", r"\1pass", statement.code)
    try:
        (changed,) = parse_cell(replace(statement.cell, source=code))
    except (ConversionError, ValueError):
        return statement
    if not changed.names or not is_definition(changed.node):
        return statement
    messages.remarks.extend(
        f"{statement.cell}: `{command}` was left out: it is an IPython command"
        for command in statement.commands
    )
    return replace(statement, code=changed.code, node=changed.node)


def is_trial(statement: Statement, definitions: Sequence[Statement]) -> bool:
    """Tell whether a definition may be work in progress.

    It runs a function of the interface, or assigns the result of a call to a variable, whose name,
    unlike a constant's, is not in upper case.
    """
    if isinstance(statement.node, (*CALLABLES, ast.ClassDef)):
        return False
    if not {*INTERFACE, *PACKAGE_NAMES}.isdisjoint(statement.names):
        return False
    if is_command(statement.node):
        return True
    calls = any(isinstance(node, ast.Call) for node in ast.walk(statement.node))
    is_variable = any(name != name.upper() for name in statement.names)
    runs = not names_of(needs_at_once(statement, definitions)).isdisjoint(FUNCTIONS)
    return calls and (is_variable or runs)


def drop_users(
    definitions: Sequence[Statement], problem: Sequence[Statement], scratch: set[str]
) -> list[Statement]:
    """Drop the definitions outside the problem that define or need one of the scratch names."""
    kept = list(definitions)
    while users := [
        s for s in kept if s not in problem and scratch & {*s.names, *s.uses} - names_of(problem)
    ]:
        kept = [s for s in kept if s not in users]
        scratch = scratch | names_of(users)
    return kept


def drop_duplicates(statements: Sequence[Statement], messages: Messages) -> list[Statement]:
    """Drop the definitions that a later one replaces.

    Parameters
    ----------
    statements
        The definitions of the problem.
    messages
        Gets a remark for every one that is dropped, or a reason if it is used before it is
        replaced.
    """
    kept: list[Statement] = []
    for at, statement in enumerate(statements):
        rest = statements[at + 1 :]
        later = next((i for i, other in enumerate(rest) if other.names == statement.names), None)
        if later is None or statement.names == ["_"]:  # functions that their decorator registers
            kept.append(statement)
            continue
        names, cell = ", ".join(statement.names), rest[later].cell
        if any(statement in needs_at_once(other, statements) for other in rest[:later]):
            messages.reasons.append(
                f"{statement.cell}: {names} is used before {cell} redefines it. Rename one of them"
            )
        if rest[later].uses_at_once.isdisjoint(statement.names):
            messages.remarks.append(
                f"{statement.cell}: {names} was left out, because {cell} redefines it"
            )
        else:
            kept.append(statement)
    return kept
