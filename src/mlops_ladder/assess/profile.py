"""From findings to a profile of three dimensions, and to a level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .finding import Criterion, Finding

TOP = 4
FEWEST_SEEN = 0.5  # of a level's required criteria; below, too little is seen to speak of a level
Steps = list[list[tuple[str, ...]]]
# For each dimension and step, groups of criteria: one of each group has to be met. A step says all
# that it needs, so that one which the step below lacks does not hide it.
PIPELINE: list[tuple[str, ...]] = [("L2-02", "L2-08", "L2-05"), ("L2-03", "L2-05", "L2-02")]
TRAINING: Steps = [
    [("L2-01", "L1-07")],
    [("L2-01",), ("L2-03", "L2-05")],
    [*PIPELINE, ("L3-06",)],
    [*PIPELINE, ("L4-03",), ("L4-06", "L4-10")],
]
RELEASE: Steps = [
    [("L1-04", "L3-01"), ("L1-05", "L1-06", "L3-01")],
    [("L3-04", "L3-03"), ("L3-01", "L3-03")],
    [("L3-03",), ("L3-06", "L3-07")],
    [("L3-03",), ("L4-08",)],
]
MONITORING: Steps = [
    [("L3-11", "L3-12", "L3-13", "L4-01", "drift")],
    [("L3-12", "L3-13")],
    [("L3-12",), ("L3-13",)],
    [("L4-03",)],
]
DIMENSIONS: dict[str, Steps] = {"training": TRAINING, "release": RELEASE, "monitoring": MONITORING}

Findings = Mapping[str, Finding]


@dataclass(frozen=True)
class Profile:
    """The three dimensions, each 0 to 4; the level; and what blocks the next."""

    dimensions: dict[str, int]
    level: int
    blocking: list[str]
    """The identifiers of the required criteria of the next level that are missing or unproven."""
    assumed: list[str]
    """The required criteria of the level and those below that files cannot show."""


def profile_of(criteria: Sequence[Criterion], findings: Findings, drift: bool = False) -> Profile:
    """Return the profile.

    What files cannot show or is not applicable does not block a level, but at least half of the
    required criteria of each level have to be met, and what is unproven does block it. `drift` says
    that a report on drift exists.
    """
    level, blocking = TOP, list[str]()
    for number in range(1, TOP + 1):
        musts = [one.id for one in criteria if one.level == number and one.kind == "must"]
        blocks = [id for id in musts if blocks_level(findings[id])]
        seen = sum(findings[id].status == "met" for id in musts)
        if not blocks and seen < FEWEST_SEEN * len(musts):
            blocks = [id for id in musts if findings[id].status == "unknown"]
        if blocks:
            level, blocking = number - 1, blocks
            break
    if findings["L0-01"].status == "missing" and level:
        level, blocking = 0, ["L0-01"]
    assumed = [
        one.id
        for one in criteria
        if one.kind == "must" and one.level <= level and findings[one.id].status == "unknown"
    ]
    dimensions = {name: height(steps, findings, drift) for name, steps in DIMENSIONS.items()}
    return Profile(dimensions, level, blocking, assumed)


def blocks_level(finding: Finding) -> bool:
    """Tell whether a required criterion keeps a level from being reached."""
    return (finding.status == "missing" or finding.unproven) and not finding.ignored


def height(steps: Steps, findings: Findings, drift: bool) -> int:
    """Return the highest step of a dimension whose needs are met."""
    reached = [
        number
        for number, groups in enumerate(steps, 1)
        if all(any(holds(id, findings, drift) for id in group) for group in groups)
    ]
    return max(reached, default=0)


def holds(id: str, findings: Findings, drift: bool) -> bool:
    """Tell whether a criterion is met, or a report on drift is there."""
    return drift if id == "drift" else findings[id].status == "met"
