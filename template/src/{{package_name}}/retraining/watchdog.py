"""When a new champion makes room again: sooner than it came, by a test of one side.

It is compared, day by day, with each model that could come back at once. The days on which it is
plainly worse matter more than the slow test: what was learned from a passing shock shows on the
first day after it.
"""

from collections.abc import Sequence

import numpy as np

from ..experiments.sequential import log_e_values
from .gate import daily_losses, worse_by
from .policy import Rollback
from .state import Day


def failing(days: Sequence[Day], role: str, rule: Rollback) -> str | None:
    """In words, how the champion fails beside the warm model of that role; None if it does not.

    One of three: an e-process says that it is worse by more than the margin; its last day is worse
    by more than `day_ratio` allows while it is also worse in total; or so are its last two days.
    """
    champion, warm = daily_losses(days, role)
    if not len(champion):
        return None
    shares = [worse_by(*pair) for pair in zip(champion, warm, strict=True)]
    total = worse_by(float(champion.sum()), float(warm.sum()))
    plainly = [share > rule.day_ratio - 1 for share in shares]
    if plainly[-1] and total > 0:
        return f"{shares[-1]:.0%} worse on the last day, and {total:.0%} in total"
    if len(plainly) > 1 and plainly[-1] and plainly[-2]:
        return f"{shares[-2]:.0%} and {shares[-1]:.0%} worse on the last two days"
    beyond = champion - warm - rule.margin * abs(warm)
    if len(beyond) >= rule.min_days and beyond.mean() > 0:
        log_e = log_e_values(beyond, rule.prior)[-1]
        if log_e >= -np.log(2 * rule.alpha):
            return f"{total:.1%} worse in {len(beyond)} days, by more than chance explains"
    return None
