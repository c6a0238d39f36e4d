"""Check that the problem is complete, and that no other cell changes it."""

from collections.abc import Collection, Sequence

from .interface import INTERFACE, TAG
from .result import Messages
from .side_effects import directly_changed_names
from .statements import Statement, names_of


def check_interface(
    statements: Sequence[Statement], unread: Collection[str], messages: Messages
) -> None:
    """Check that every name of the interface is defined.

    Parameters
    ----------
    statements
        The statements of the problem.
    unread
        Names that cells define which cannot be parsed.
    messages
        Gets a reason if names are missing.
    """
    defined = {*names_of(statements), *unread}
    if missing := [name for name in INTERFACE if name not in defined]:
        messages.reasons.append(
            f"notebook.ipynb: no cell defines {', '.join(missing)}, which every problem needs. "
            f"Define it in a code cell with the tag `{TAG}`; an import is not enough"
        )


def check_others(
    statements: Sequence[Statement], others: Sequence[Statement], messages: Messages
) -> None:
    """Check that cells without the tag do not change what the problem defines.

    The notebook uses the changed value, and the problem would use the original one.
    """
    defined = {name: statement.cell for statement in statements for name in statement.names}
    for other in others:
        for name in sorted(directly_changed_names(other) & defined.keys()):
            messages.reasons.append(
                f"{other.cell}: changes {name}, which {defined[name]} defines for the problem, but "
                f"is not tagged `{TAG}`. Keep one definition of {name}, in the tagged cell"
            )
