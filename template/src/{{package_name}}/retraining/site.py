"""The folder, the database and the policy of the loop: every step reads them; light to import."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..errors import UserError
from ..experiments.plan import Experiment
from ..serving.bundle import Release, read_release
from ..serving.store import Store
from .policy import Policy
from .state import State

OWN = "loop-"  # begins the name of an experiment that the loop has begun, not a person
WATCHED_SHARE = 0.1  # of the requests, for the champion before, while a new one is watched


@dataclass(frozen=True)
class Site:
    """The folder and the database of the loop, its policy, and the time."""

    live: Path
    store: Store
    policy: Policy
    now: datetime

    @property
    def release(self) -> Release:
        """The release that serves.

        Raises
        ------
        UserError
            Nothing does, or it cannot be read.
        """
        release = read_release(self.live)
        if release is None:
            raise UserError(
                f"nothing serves from {self.live}/ yet: run make pipeline promote deploy first"
            )
        return release


def serving_version(release: Release) -> str:
    """Return the number of the version that serves, from the name of its bundle."""
    return release.champion.partition("-")[0].removeprefix("v")


def run_by_hand(release: Release) -> bool:
    """Return whether an experiment runs that a person has begun."""
    return release.experiment is not None and not (release.experiment.name or "").startswith(OWN)


def experiment_for(state: State, policy: Policy) -> Experiment | None:
    """Return the experiment that the policy's kind of evidence needs; None if it needs none."""
    if policy.evidence == "replay":
        return None
    if state.watch is not None and "previous" in state.watch.warm:
        number = state.watch.warm["previous"].version
        return split_test(f"watch-{state.watch.since}", number, WATCHED_SHARE)
    challenger = state.trial.candidates.get("retrained") if state.trial else None
    if state.trial is None or challenger is None:
        return None
    return split_test(str(state.trial.started), challenger.version, policy.split_share)


def split_test(name: str, number: str, share: float) -> Experiment:
    """Return an experiment that the loop begins."""
    return Experiment(mode="split", name=f"{OWN}{name}", challenger=int(number), share=share)
