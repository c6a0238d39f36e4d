"""Run one step of the loop: `make tick`, or `make retrain`, which requests a retraining first.

A decision is written into the journal before it is carried out, and its result afterwards. So a
step that is killed at any point is continued by the next one, and nothing is done twice.

Most steps find nothing to do. `executor` and `observations` import MLflow, pandas and scikit-learn,
which takes seconds; so they are imported where there is something to do.
"""

import argparse
import getpass
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from ..errors import UserError, run
from ..serving.bundle import LIVE
from ..serving.store import StoreError, store_url
from . import decisions
from .coverage import LeftOut, Waiting, gap
from .guardrails import broken
from .journal import BusyError, Journal, OvertakenError, ask, working
from .metrics import beat
from .policy import Freeze, Policy, read_policy
from .site import Site, experiment_for, run_by_hand, serving_version
from .state import Decision, Fit, GoBack, Model, Promote, State, Step

CLOCK_SLACK = 60.0  # seconds by which the clocks of two machines may differ
BY_HAND = "a person's experiment runs, and nothing else is tried until it ends (experiment.yaml)"

# Describes the guardrail that broke since a POSIX time, if one did.
Guardrails = Callable[[Policy, float], str | None]
Tell = Callable[[Decision], object]

logger = logging.getLogger(__name__)


class Loop:
    """A step of the loop: the journal, and the state after its last line."""

    def __init__(self, site: Site, journal: Journal, guardrails: Guardrails, tell: Tell) -> None:
        self.site = site
        self.journal = journal
        self.guardrails = guardrails
        self.tell = tell
        self.number, self.known = journal.latest()

    @property
    def state(self) -> State:
        """The state of the loop."""
        assert self.known is not None  # `meet_champion` comes first
        return self.known

    @property
    def policy(self) -> Policy:
        """The policy."""
        return self.site.policy

    @property
    def now(self) -> float:
        """The time in POSIX seconds."""
        return self.site.now.timestamp()

    @property
    def today(self) -> date:
        """The day."""
        return self.site.now.date()

    def take(self) -> None:
        """Do all that is due."""
        if self.clock_was_set_back():
            return
        self.meet_champion()
        self.keep_guardrails()
        self.act()
        self.hear_requests()
        while self.take_day():
            self.act()
        self.arrange()

    def write(self, step: Step, request: str | None = None) -> None:
        """Write the decisions of a step."""
        self.number = self.journal.append(step, self.number, self.now, self.policy, request)
        self.known = step.state
        for decision in step.decisions:
            self.tell(decision)

    def note(self, kind: str, words: str) -> None:
        """Write a decision that changes nothing, unless the last line says the same."""
        last = self.journal.last()
        if last is None or (last.kind, last.words) != (kind, words):
            decision = Decision(kind, words)
            self.number = self.journal.note(decision, self.number, self.now, self.policy)
            self.tell(decision)

    def clock_was_set_back(self) -> bool:
        """Return whether now is before the last line; this step then does nothing."""
        last = self.journal.last()
        if last is None or self.now >= last.time - CLOCK_SLACK:
            return False
        before = datetime.fromtimestamp(last.time, UTC)
        self.note(
            "clock",
            f"the clock says {self.site.now:%Y-%m-%d %H:%M}, and line {last.number} was written at "
            f"{before:%Y-%m-%d %H:%M}: processed days are not processed again",
        )
        return True

    def meet_champion(self) -> None:
        """Begin with the version that serves: at first, and when somebody has deployed another.

        A version that the loop itself was about to deploy is no surprise.
        """
        serving = serving_version(self.site.release)
        if self.known is None:
            self.write(self.begin())
            return
        pending = self.state.pending
        expected = {self.state.champion.version}
        if isinstance(pending, Promote | GoBack):
            expected.add(pending.model.version)
        if serving not in expected:
            step = self.begin(models_in(self.state).get(serving))
            who = f"somebody has deployed version {serving}, instead of version "
            begun = Decision("begun", f"{who}{self.state.champion.version}")
            self.write(replace(step, decisions=[begun, *step.decisions]))

    def begin(self, champion: Model | None = None) -> Step:
        """Return the step that begins with the champion, by default the version that serves."""
        from . import executor

        origin: dict[str, str] = {}
        if champion is None:
            champion, origin = executor.champion_of(self.site)
        step = decisions.begin(champion, self.first_day(champion), self.policy)
        begun = [
            replace(one, evidence={"origin": origin} if origin else {}) for one in step.decisions
        ]
        return replace(step, decisions=begun)

    def first_day(self, champion: Model) -> date:
        """Return the last day that does not count: before the champion served, or in its training.

        Days of long ago are ignored.
        """
        deployed = datetime.fromisoformat(self.site.release.time).date() - timedelta(days=1)
        oldest = self.today - timedelta(days=decisions.WINDOW + 1)
        return min(max(deployed, champion.through, oldest), self.today)

    def keep_guardrails(self) -> None:
        """Order a rollback, if the new champion breaks a guardrail."""
        if self.state.watch is None or isinstance(self.state.pending, GoBack):
            return
        promoted = self.journal.last("promoted")
        why = self.guardrails(self.policy, promoted.time) if promoted is not None else None
        if why is not None:
            self.write(decisions.breach(self.state, why))

    def act(self) -> None:
        """Carry out what is ordered, and what follows from that."""
        while self.state.pending is not None:
            self.write(self.answer(self.state.pending))

    def answer(self, order: Fit | Promote | GoBack) -> Step:
        """Carry out an order, and return the step that follows."""
        from . import executor

        if isinstance(order, GoBack):
            executor.go_back(self.site, self.state, order.model)
            return decisions.went_back(self.state, self.policy)
        stopped = self.stopped()
        if isinstance(order, Promote):
            if serving_version(self.site.release) == order.model.version:
                why = None  # it was put live before this step, which had only to be written down
            else:
                why = stopped or executor.promote(self.site, self.state, order.model)
            if why is None:
                return decisions.promoted(self.state, self.policy)
            return decisions.not_promoted(self.state, why, self.policy)
        if stopped:
            return self.not_trained(Decision("refused", stopped))
        try:
            fitted = executor.fit(self.site, self.state, order)
        except executor.UntrainableError as error:
            return self.not_trained(Decision("failed", str(error)))
        step = decisions.fitted(self.state, fitted.candidates, fitted.holdout, self.policy)
        first, *others = step.decisions
        first = replace(first, evidence=first.evidence | fitted.origins)
        return replace(step, decisions=[first, *others])

    def not_trained(self, why: Decision) -> Step:
        """Return the step after an order to train that could not be carried out."""
        step = decisions.fitted(self.state, {}, None, self.policy)
        return replace(step, decisions=[why, *step.decisions])

    def stopped(self) -> str | None:
        """Describe what forbids to train and to promote today, if anything does."""
        if run_by_hand(self.site.release):
            return BY_HAND
        return decisions.stopping(self.today, self.policy)

    def hear_requests(self) -> None:
        """Answer the requests for a retraining."""
        for request in self.journal.requests():
            stopped = self.stopped()
            if stopped:
                words = f"{request.who} asked for a retraining: {stopped}"
                step = Step(self.state, [Decision("refused", words)])
            else:
                step = decisions.ask(self.state, request.who, self.policy)
            self.write(step, request.id)
            self.act()

    def take_day(self) -> bool:
        """Process the next day; return False if it has to wait."""
        day = self.state.day + timedelta(days=1)
        newest = self.journal.newest_prediction()
        # A clock that runs ahead for once must not leave out the days that are still to come.
        if newest is None or day > datetime.fromtimestamp(newest, UTC).date():
            return False
        found = gap(self.site.store, day, self.site.now, self.policy, self.state)
        if isinstance(found, Waiting):
            logger.info("waiting: %s", found.reason)
            return False
        self.write(self.left_out(day, found) if found else self.advance(day))
        return True

    def left_out(self, day: date, found: LeftOut) -> Step:
        """Return the step after a day that does not count."""
        return decisions.leave_out(self.state, day, found.kind, found.reason)

    def advance(self, day: date) -> Step:
        """Return the step after a day with enough ground truth, if its data can be trusted."""
        from . import executor
        from .observations import look_at

        models = executor.models(decisions.scored(self.state))
        warm = {role: models[role] for role in self.state.watch.warm} if self.state.watch else {}
        found = look_at(self.site.store, day, self.policy, self.state, warm)
        if isinstance(found, LeftOut):
            return self.left_out(day, found)
        measured = executor.day_measured(self.site, self.state, found, models)
        return decisions.advance(self.state, measured, self.policy_on(day))

    def policy_on(self, day: date) -> Policy:
        """Return the policy, with a freeze of the day while a person's experiment runs."""
        if not run_by_hand(self.site.release):
            return self.policy
        calendar, tomorrow = self.policy.calendar, day + timedelta(days=1)
        freeze = [*calendar.freeze, Freeze(first=day, last=tomorrow, why=BY_HAND)]
        frozen = calendar.model_copy(update={"freeze": freeze})
        return self.policy.model_copy(update={"calendar": frozen})

    def arrange(self) -> None:
        """Begin or end the experiment that the loop needs; a failure does not stop the loop."""
        try:
            wanted, release = experiment_for(self.state, self.policy), self.site.release
            if release.experiment != wanted and not run_by_hand(release):
                from . import executor

                executor.arrange(self.site, self.state, wanted)
        except UserError as error:
            self.note("failed", str(error))


def models_in(state: State) -> dict[str, Model]:
    """Return all models of the state by version; of two, the one with a known reference."""
    warm = state.watch.warm.values() if state.watch else []
    known = [*([state.trusted] if state.trusted else []), *warm, state.champion]
    return {model.version: model for model in sorted(known, key=lambda one: one.reference.days)}


def tick(
    live: Path,
    now: float,
    who: str | None = None,
    guardrails: Guardrails | None = None,
    tell: Tell | None = None,
) -> list[Decision]:
    """Run a step of the loop at that POSIX time, and return its decisions in order.

    `who` requests a retraining. `tell` is called with each decision as soon as it is written.

    Raises
    ------
    BusyError
        Another step is under way.
    UserError
        Something failed; the release continues to serve, and the next step tries again.
    """
    made: list[Decision] = []

    def told(decision: Decision) -> None:
        made.append(decision)
        if tell is not None:
            tell(decision)

    policy = None
    try:
        policy, url = read_policy(), store_url()
        if who is not None:
            ask(url, who, now)
        with working(live, url) as journal:
            site = Site(live, journal.store, policy, datetime.fromtimestamp(now, UTC))
            loop = Loop(site, journal, guardrails or partial(broken, live=live), told)
            journal.check_tail(live)
            take(loop)
            journal.anchor(live)
            held = features_held(journal, loop.known)
            beat(live, now, loop.known, policy, None, journal.counts(), held)
    except BusyError:
        raise
    except Exception as error:
        with suppress(OSError):
            beat(live, now, None, policy, in_words(error))
        if isinstance(error, StoreError | OSError | OvertakenError):
            raise UserError(in_words(error)) from error
        raise
    return made


def features_held(journal: Journal, state: State | None) -> dict[str, float]:
    """Return the PSI of the features for which the last days are held, by name."""
    line = journal.last("held") if state is not None and state.held else None
    return line.evidence.get("moved", {}) if line is not None else {}


def take(loop: Loop) -> None:
    """Do all that is due, and write what failed into the journal."""
    try:
        loop.take()
    except Exception as error:
        with suppress(StoreError, OvertakenError):
            loop.note("failed", in_words(error))
        raise


def in_words(error: Exception) -> str:
    """Describe an error for the journal and for the person at the keyboard."""
    if isinstance(error, StoreError):
        return f"the database failed: {error}"
    if isinstance(error, OvertakenError):
        return f"{error}: the next step continues from there"
    known = isinstance(error, UserError | OSError)
    return str(error) if known else f"{type(error).__name__}: {error}"


def caller() -> str:
    """Return the name of the person who runs this command."""
    try:
        return os.environ.get("GITHUB_ACTOR") or getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return "somebody"


def main() -> None:
    """Run a step, and print its decisions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ask", action="store_true", help="ask for a retraining first")
    who = caller() if parser.parse_args().ask else None
    logging.basicConfig(format="%(message)s")
    logging.getLogger(__package__).setLevel(logging.INFO)
    try:
        made = tick(LIVE, time.time(), who, tell=show)
    except BusyError as busy:
        print(f"{busy}: it, or the next one, does what is due")
        return
    if not made:
        print("nothing is due")


def show(decision: Decision) -> None:
    """Print a decision in one line."""
    print(f"{decision.kind}: {' '.join(decision.words.split())}", flush=True)


if __name__ == "__main__":
    run(main)
