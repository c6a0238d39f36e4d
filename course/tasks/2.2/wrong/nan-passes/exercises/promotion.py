"""Task 2.2: the rule by which a challenger becomes the champion."""


def should_promote(challenger: float, champion: float | None, margin: float) -> bool:
    """Tell whether the challenger replaces the champion.

    Both are mean absolute errors on the same test set. The challenger's must be lower by more than
    the share `margin` of the champion's. Without a champion any challenger is promoted. A score
    that is not a finite number refuses the promotion.
    """
    if champion is None:
        return True
    return not challenger >= champion * (1 - margin)
