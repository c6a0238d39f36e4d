"""The statements become a module: in the template's order, and each where it can run."""

from collections.abc import Sequence

from .statements import Statement, names_of, reachable_now


def arranged(
    body: Sequence[Statement], beyond: Sequence[Statement], order: Sequence[str]
) -> list[Statement]:
    """The statements in the template's order; what it does not know stays beside its neighbour."""
    ranks = {name: rank for rank, name in enumerate(order)}
    known = [(at, ranks[s.names[0]], s) for at, s in enumerate(body) if s.names[0] in ranks]

    def place(at: int, statement: Statement) -> tuple[int, int, int]:
        """The rank of a neighbour, the side of it, and the number in the notebook."""
        if statement.names[0] in ranks:
            return ranks[statement.names[0]], 0, at
        same_cell = [k for k in known if k[2].cell.number == statement.cell.number]
        for neighbours in [same_cell, known]:
            if before := [rank for i, rank, _ in neighbours if i < at]:
                return before[-1], 1, at
            if neighbours:
                return neighbours[0][1], -1, at
        return -1, 0, at

    places = [(place(at, s), s) for at, s in enumerate(body)]
    places += [((ranks[s.names[0]], 0, 0), s) for s in beyond]
    return [s for _, s in sorted(places, key=lambda placed: placed[0])]


def after_their_needs(statements: Sequence[Statement]) -> list[Statement]:
    """The statements in their order, but each below those that it needs as it is defined."""
    placed: list[Statement] = []

    def place(statement: Statement, waiting: Sequence[Statement]) -> None:
        if statement in placed or statement in waiting:
            return
        for need in reachable_now(statement, statements):
            if not set(need.names) <= names_of(placed):
                place(need, [*waiting, statement])
        placed.append(statement)

    for statement in statements:
        place(statement, [])
    return placed


def written(docstring: str, imports: Sequence[Statement], body: Sequence[Statement]) -> str:
    """The text of a module, not yet in anybody's style."""
    lines = sorted(map(switching_on, imports), key=lambda line: "__future__" not in line)
    above = "\n".join(lines)
    below = "".join(("\n\n" if s.gap else "\n") + s.code for s in body)
    return f"{docstring}\n\n{above}\n\n{below}\n"


def switching_on(statement: Statement) -> str:
    """The code of an import; one that only has to happen says so, lest it is taken for unused."""
    happens = str(statement).startswith("from sklearn.experimental import")
    return f"{statement.code}  # noqa: F401" if happens else statement.code
