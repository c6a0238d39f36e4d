"""What would make the statements no problem."""

from collections.abc import Sequence

from .effects import touched
from .interface import INTERFACE, TAG
from .outcome import NotCarriedError
from .statements import Statement, names_of


def check_interface(statements: Sequence[Statement]) -> None:
    """Make sure that everything is there that every problem has.

    Raises:
        NotCarriedError: something is not.
    """
    missing = [name for name in INTERFACE if name not in names_of(statements)]
    if missing:
        raise NotCarriedError(
            f"no cell defines {', '.join(missing)}, which every problem has: define it in a code "
            f"cell with the tag `{TAG}`; an import does not do"
        )


def check_others(statements: Sequence[Statement], others: Sequence[Statement]) -> None:
    """Make sure that the cells without the tag do not change what the tagged ones define.

    Raises:
        NotCarriedError: some do; which of both is meant cannot be known.
    """
    defined = {name: statement.cell for statement in statements for name in statement.names}
    reasons = [
        f"{name} is defined in {defined[name]} and changed in {other.cell}, which is not tagged "
        f"`{TAG}`: keep the one that counts, in the tagged cell"
        for other in others
        for name in sorted(touched(other) & defined.keys())
    ]
    if reasons:
        raise NotCarriedError(*reasons)
