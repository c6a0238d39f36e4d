"""Whatever breaks, the champion serves on, nothing is promoted twice, and the journal tells."""

import fcntl
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from taxi_ride_duration.deployment import deploy
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.pipelines import steps as pipeline
from taxi_ride_duration.pipelines import tracking
from taxi_ride_duration.retraining import decisions, executor
from taxi_ride_duration.retraining.state import Fit, Promote
from taxi_ride_duration.serving import store
from taxi_ride_duration.serving.bundle import bundle_folder, changing, read_manifest

from .conftest import listening

if TYPE_CHECKING:
    from .conftest import City

CALM = 8  # days that the city has lived through when it is "calm"; three more, and it is "on trial"
DRIFT = 1.4

# Takes steps of the loop, each in a process of its own, which kills itself when it comes to the
# boundary of that number. Forks are cheap: what has to be imported is there already, also what is
# not before a city has been founded.
STEPS = """
import json, os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import conftest, pytest
from taxi_ride_duration.retraining import executor, loop
from taxi_ride_duration.retraining.journal import Journal
from taxi_ride_duration.deployment import deploy, rollback

PLACES = [
    (Journal, "append"), (executor, "register"), (executor, "crown"), (loop, "beat"),
    (deploy, "write_release"), (rollback, "write_release"),
]

def step(folder, number, boundary):
    left = boundary

    def come_to_boundary():
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    def wrapped(function):
        def inside(*arguments, **named):
            come_to_boundary()
            result = function(*arguments, **named)
            come_to_boundary()
            return result
        return inside

    city = conftest.City(Path(folder))
    conftest.settle(patch, city)
    for place, name in PLACES:
        patch.setattr(place, name, wrapped(getattr(place, name)))
    city.tick(number)

answers = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
patch = pytest.MonkeyPatch()
conftest.replace_problem(patch, Path(sys.argv[2]))
patch.setattr(deploy, "prove", lambda registered, folder, settings: [])
conftest.found(conftest.City(Path(sys.argv[3])), patch)
for order in sys.stdin:
    process = os.fork()
    if process == 0:
        step(*json.loads(order))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), file=answers, flush=True)
"""


class Steps:
    """Steps of the loop that are cut off."""

    def __init__(self, give: Callable[..., Any]) -> None:
        self.give = give

    def take(self, city: "City", number: float, boundary: int) -> bool:
        """Take a step, killed at a boundary; return False if it ended before it came there."""
        code = self.give(str(city.folder), number, boundary)
        assert code in (0, -9)
        return code == -9


@pytest.fixture(scope="module")
def steps(small_problem: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steps]:
    with listening(STEPS, small_problem, tmp_path_factory.mktemp("steps") / "city") as give:
        yield Steps(give)


def told(city: "City") -> list[tuple[str, str]]:
    """Return what the journal tells."""
    return [(line.kind, line.words) for line in city.lines]


def number_of_versions() -> int:
    with tracking.tracking_store() as client:
        return len(client.search_model_versions(f"name = '{tracking.NAME}'"))


@pytest.mark.parametrize(
    ("before", "number", "factor", "fewest"),
    [("on trial", CALM + 3, DRIFT, 14), ("promoted", CALM + 4, 1.0, 10)],
    ids=["promotion and training", "rollback"],
)
def test_killed_at_any_point_the_loop_goes_on_and_does_nothing_twice(
    city: "City", steps: Steps, before: str, number: int, factor: float, fewest: int
) -> None:
    city.restore(before)
    city.live_through(number, factor)
    start = city.folder.with_name(f"before {number}")
    city.save(start.name)
    old = city.serves
    city.tick(number + 1.1)
    expected = told(city), city.state, city.serves, city.crowned, number_of_versions()
    for boundary in range(100):
        city.restore(start.name)
        killed = steps.take(city, number + 1.1, boundary)
        assert city.serves in (old, expected[2]), "somebody serves"
        read_manifest(bundle_folder(city.live, city.release.champion))
        assert told(city) == expected[0][: len(city.lines)], "the journal tells the truth so far"
        city.tick(number + 1.1)
        now = told(city), city.state, city.serves, city.crowned, number_of_versions()
        assert now == expected, f"after a kill at boundary {boundary}"
        if not killed:
            break
    assert boundary >= fewest


def test_without_a_registry_the_champion_serves_on_and_the_loop_goes_on_afterwards(
    city: "City", monkeypatch: pytest.MonkeyPatch
) -> None:
    city.restore("on trial")
    city.live_through(CALM + 3, DRIFT)
    release, state = city.release, city.state
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        for _ in range(2):
            with pytest.raises(UserError, match="tracking store"):
                city.tick(CALM + 4.1)
    assert (city.release, city.state) == (release, state)
    assert city.kinds()[-2:] == ["trained", "failed"]
    assert [decision.kind for decision in city.tick(CALM + 4.2)][:2] == ["promotion", "promoted"]


def test_a_registry_that_fails_in_the_middle_of_a_promotion_promotes_nobody_twice(
    city: "City", monkeypatch: pytest.MonkeyPatch
) -> None:
    city.restore("on trial")
    city.live_through(CALM + 3, DRIFT)
    release = city.release

    def fail(*arguments: object) -> None:
        raise MlflowException("the database is gone")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_registered_model_alias", fail)
        with pytest.raises(UserError, match="the database is gone"):
            city.tick(CALM + 4.1)
    assert city.release == release
    assert isinstance(city.state.pending, Promote)
    kinds = [decision.kind for decision in city.tick(CALM + 4.2)]
    assert kinds == ["promoted", "trained"]
    assert city.kinds().count("promoted") == 1


def test_a_store_that_is_locked_is_waited_for(
    city: "City", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.05)
    city.restore("on trial")
    city.live_through(CALM + 3, DRIFT)
    release, state = city.release, city.state
    with closing(sqlite3.connect(city.url.removeprefix(store.SQLITE))) as other:
        other.execute("begin immediate")
        with pytest.raises(UserError, match="locked"):
            city.tick(CALM + 4.1)
        other.rollback()
    assert (city.release, city.state) == (release, state)
    assert [decision.kind for decision in city.tick(CALM + 4.2)][:2] == ["promotion", "promoted"]


def test_a_full_disk_ends_a_training_which_is_made_up_for(
    city: "City", monkeypatch: pytest.MonkeyPatch
) -> None:
    city.restore("calm")
    city.live_through(CALM, DRIFT)
    release = city.release

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "register", fail)
        with pytest.raises(UserError, match="No space left"):
            city.tick(CALM + 1.1)
    assert city.release == release
    assert isinstance(city.state.pending, Fit)
    assert city.kinds()[-2:] == ["alarm", "failed"]
    assert [decision.kind for decision in city.tick(CALM + 1.2)] == ["trained"]


def test_rows_that_nothing_can_be_learned_from_do_not_stop_the_loop(
    city: "City", monkeypatch: pytest.MonkeyPatch
) -> None:
    city.restore("calm")

    def fail(*arguments: object) -> None:
        raise UserError("the model cannot learn from these rows")

    with monkeypatch.context() as patch:
        patch.setattr(executor, "retrained", fail)
        kinds = [decision.kind for decision in city.tick(CALM + 0.2, "ann")]
    assert kinds == ["asked", "training", "failed", "no training"]
    city.run(CALM, CALM + 1)
    assert city.lines[-1].kind == "quiet"


def test_a_model_that_is_refused_at_deployment_does_not_serve(
    city: "City", monkeypatch: pytest.MonkeyPatch
) -> None:
    city.restore("on trial")
    release = city.release

    def refuse(*arguments: object) -> list[str]:
        raise UserError("too slow")

    monkeypatch.setattr(deploy, "prove", refuse)
    city.run(CALM + 3, CALM + 4, DRIFT)
    assert city.kinds()[-2:] == ["promotion", "not promoted"]
    assert "too slow" in city.lines[-1].words
    assert city.release == release
    assert city.crowned == "1"
    assert city.state.trial is None


def test_while_somebody_else_deploys_a_promotion_waits(city: "City") -> None:
    city.restore("on trial")
    city.live_through(CALM + 3, DRIFT)
    with changing(city.live), pytest.raises(UserError, match="under way"):
        city.tick(CALM + 4.1)
    assert (city.serves, city.crowned) == ("1", "1")
    assert [decision.kind for decision in city.tick(CALM + 4.2)] == ["promoted", "trained"]


def test_true_values_that_come_late_are_waited_for_in_order(city: "City") -> None:
    city.restore("calm")
    city.live_through(CALM, told=0.5)
    city.live_through(CALM + 1)
    assert city.tick(CALM + 2.1) == []
    city.live_through(CALM)
    kinds = [decision.kind for decision in city.tick(CALM + 2.2)]
    assert kinds == ["quiet", "quiet"]


def test_true_values_that_never_come_leave_their_day_out(city: "City") -> None:
    city.restore("calm")
    city.live_through(CALM, told=0.5)
    city.live_through(CALM + 1)
    assert city.tick(CALM + 7.9) == []
    kinds = [decision.kind for decision in city.tick(CALM + 8.1)]
    assert kinds == ["left out", "quiet"]


def test_what_comes_twice_or_in_any_order_counts_once(city: "City") -> None:
    city.restore("calm")
    city.live_through(CALM)
    city.tick(CALM + 1.1)
    expected = city.state
    city.restore("calm")
    predictions, feedback = city.day(CALM)
    city.log([], feedback[::-1])
    city.log(predictions[::-1], [])
    city.log(predictions, feedback)
    city.tick(CALM + 1.1)
    assert city.state == expected


def test_a_clock_that_was_set_back_is_told_once_and_nothing_is_done_twice(city: "City") -> None:
    city.restore("promoted")
    lines, state, release = city.lines, city.state, city.release
    assert [decision.kind for decision in city.tick(5.1)] == ["clock"]
    assert city.tick(5.2) == []
    assert city.lines[:-1] == lines
    assert (city.state, city.release) == (state, release)
    city.live_through(CALM + 4, DRIFT)
    assert [decision.kind for decision in city.tick(CALM + 5.1)] == ["evidence"]
    assert city.kinds().count("promoted") == 1


def test_of_two_steps_at_once_one_writes_even_where_locks_do_not_work(
    city: "City", monkeypatch: pytest.MonkeyPatch
) -> None:
    city.restore("on trial")
    city.live_through(CALM + 3, DRIFT)
    monkeypatch.setattr(fcntl, "flock", lambda file, operation: None)
    advance, others = decisions.advance, []

    def overtaken(*arguments: Any) -> Any:
        monkeypatch.setattr(decisions, "advance", advance)
        others.extend(city.tick(CALM + 4.1))
        return advance(*arguments)

    monkeypatch.setattr(decisions, "advance", overtaken)
    with pytest.raises(UserError, match="the next step continues from there"):
        city.tick(CALM + 4.1)
    assert [decision.kind for decision in others] == ["promotion", "promoted", "trained"]
    assert city.kinds().count("promoted") == 1
    assert city.serves == city.crowned == city.state.champion.version
    assert city.tick(CALM + 4.2) == []
