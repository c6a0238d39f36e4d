"""The next steps: what would raise the level most cheaply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .finding import Criterion, Finding
from .profile import Profile

MOST_STEPS = 3
# How much work a criterion is, where one is cheaper or dearer than others: days, about.
EFFORT = {
    **{"L1-01": 2.0, "L1-02": 0.1, "L1-03": 1.0, "L1-04": 0.3, "L1-05": 0.2, "L1-06": 0.4},
    **{"L1-07": 0.5, "L2-01": 1.0, "L2-02": 2.0, "L2-03": 0.5, "L2-04": 0.5, "L2-05": 0.5},
    **{"L2-06": 0.5, "L2-07": 1.0, "L2-08": 0.3, "L2-09": 0.5},
    **{"L3-01": 2.0, "L3-02": 0.5, "L3-03": 2.0, "L3-14": 1.0},
}
ALREADY_STARTED = 0.5  # of the effort, where something is there that is not wired


@dataclass(frozen=True)
class NextStep:
    """A criterion to meet next, why, and the command that does it where there is one."""

    id: str
    title: str
    why: str
    command: str


def next_steps(
    criteria: Sequence[Criterion], findings: Mapping[str, Finding], profile: Profile, is_ours: bool
) -> list[NextStep]:
    """Return the cheapest steps towards the next level."""
    by_id = {one.id: one for one in criteria}
    wanted = sorted(profile.blocking, key=lambda id: (effort(id, findings[id]), id))[:MOST_STEPS]
    next_level = profile.level + 1
    return [
        NextStep(id, by_id[id].title, findings[id].reason, command_for(id, next_level, is_ours))
        for id in wanted
    ]


def effort(id: str, finding: Finding) -> float:
    """Return about how many days a criterion takes."""
    days = EFFORT.get(id, float(id[1]))
    return days * (ALREADY_STARTED if finding.grade == "E1" else 1.0)


def command_for(id: str, level: int, is_ours: bool) -> str:
    """Return the command that meets a criterion, if there is one."""
    if id == "L0-01":
        return ""
    if is_ours:
        own = id.startswith(f"L{level}")
        return f"mlops-ladder climb {level}" if own and id != "L1-02" else "make setup"
    return f"mlops-ladder adopt . --level {level}" if level <= 2 else ""
