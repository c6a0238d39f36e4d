"""The 61 criteria, one function each; its docstring is what the user reads."""

from functools import cache

from ..finding import REGISTERED, Criterion
from . import level_0, level_1, level_2, level_3, level_4

MODULES = (level_0, level_1, level_2, level_3, level_4)


@cache
def criteria() -> tuple[Criterion, ...]:
    """Return all criteria, lowest level first."""
    return tuple(REGISTERED[id] for id in sorted(REGISTERED))
