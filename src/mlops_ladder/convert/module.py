"""Arrange the statements of a problem in a module."""

from collections.abc import Sequence

from .statements import Statement, names_of, needs_at_once


def arrange(
    body: Sequence[Statement], package_only: Sequence[Statement], order: Sequence[str]
) -> list[Statement]:
    """Sort the statements by the template's order.

    Parameters
    ----------
    body
        The statements from the notebook. One that the template does not have stays beside its
        neighbour.
    package_only
        The statements from the template that notebooks do not have.
    order
        The names that the template defines, from top to bottom.
    """
    ranks = {name: rank for rank, name in enumerate(order)}
    known = [(at, ranks[s.names[0]], s) for at, s in enumerate(body) if s.names[0] in ranks]

    def sort_key(at: int, statement: Statement) -> tuple[int, int, int]:
        """Return the rank of the neighbour, the side of it, and the position in the notebook."""
        if statement.names[0] in ranks:
            return ranks[statement.names[0]], 0, at
        same_cell = [k for k in known if k[2].cell.number == statement.cell.number]
        for neighbours in [same_cell, known]:
            if before := [rank for i, rank, _ in neighbours if i < at]:
                return before[-1], 1, at
            if neighbours:
                return neighbours[0][1], -1, at
        return -1, 0, at

    keyed = [(sort_key(at, s), s) for at, s in enumerate(body)]
    keyed += [((ranks[s.names[0]], 0, 0), s) for s in package_only]
    return [statement for _, statement in sorted(keyed, key=lambda pair: pair[0])]


def sort_by_needs(statements: Sequence[Statement]) -> list[Statement]:
    """Move each statement below those that must run before it, and keep the order otherwise."""
    placed: list[Statement] = []

    def place(statement: Statement, waiting: Sequence[Statement]) -> None:
        if statement in placed or statement in waiting:
            return
        for need in needs_at_once(statement, statements):
            if not set(need.names) <= names_of(placed):
                place(need, [*waiting, statement])
        placed.append(statement)

    for statement in statements:
        place(statement, [])
    return placed


def join_statements(docstring: str, imports: Sequence[Statement], body: Sequence[Statement]) -> str:
    """Return the source of a module, not yet formatted."""
    lines = sorted(map(import_line, imports), key=lambda line: "__future__" not in line)
    above = "\n".join(lines)
    below = "".join(("\n\n" if s.blank_line_above else "\n") + s.code for s in body)
    return f"{docstring}\n\n{above}\n\n{below}\n"


def import_line(statement: Statement) -> str:
    """Return the code of an import, with `noqa` if it is needed although its name is not used."""
    has_effect = str(statement).startswith("from sklearn.experimental import")
    return f"{statement.code}  # noqa: F401" if has_effect else statement.code
