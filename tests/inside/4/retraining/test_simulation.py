"""The parts of the simulation; the whole story is a test of its own: `make simulate`."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from taxi_ride_duration import problem
from taxi_ride_duration.dataset import validate_rows
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.retraining.journal import Line, open_journal
from taxi_ride_duration.retraining.policy import Freeze, Limits, Policy, read_policy
from taxi_ride_duration.retraining.simulation import __main__ as simulation
from taxi_ride_duration.retraining.simulation import report, service, story, traffic
from taxi_ride_duration.retraining.simulation.report import (
    Tale,
    page,
    promises,
    write_reports,
)
from taxi_ride_duration.retraining.simulation.scratch import (
    differences,
    fill,
    inside,
    story_policy,
)
from taxi_ride_duration.retraining.simulation.service import (
    Clock,
    serving,
    wait_until,
)
from taxi_ride_duration.retraining.simulation.story import (
    STORY,
    WHO,
    Asked,
    Story,
    Told,
    Users,
    moment,
    without_heard,
)
from taxi_ride_duration.retraining.simulation.traffic import Traffic, World
from taxi_ride_duration.retraining.state import Decision
from taxi_ride_duration.serving.records import CHAMPION, Feedback, Prediction
from taxi_ride_duration.serving.store import Store, open_store
from taxi_ride_duration.trained_model import TrainedModel

AS_EVER, CHANGED = World(), World(changed=1)
DAY = timedelta(days=1)
MONDAY = date(2025, 1, 6)


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Another problem: whole numbers between 1 and 500, at times; x tells most of them, z none."""
    columns = {
        "at": pa.Column("datetime64[ns]"),
        "x": pa.Column("float64"),
        "z": pa.Column("float64"),
        "y": pa.Column("int64", pa.Check.in_range(1, 500)),
    }
    arrange(monkeypatch, columns, "at", LinearRegression)
    monkeypatch.setattr(traffic, "SHOCK", 0.0)
    rng = np.random.default_rng(0)
    at = pd.Timestamp(MONDAY) + pd.to_timedelta(np.sort(rng.uniform(0, 14, 1400)), unit="D")
    x = rng.uniform(1, 400, 1400)
    return validate_rows(pd.DataFrame({"at": at, "x": x, "z": rng.random(1400), "y": x + 3}))


@pytest.fixture
def labels(monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Another problem: labels without a time; x tells them, z does not."""
    columns = {
        "x": pa.Column("float64"),
        "z": pa.Column("float64"),
        "y": pa.Column(str, pa.Check.isin(["low", "high"])),
    }
    arrange(monkeypatch, columns, None, LogisticRegression)
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    y = np.where(x + rng.normal(0, 0.2, 1000) > 0.5, "high", "low")
    return validate_rows(pd.DataFrame({"x": x, "z": rng.random(1000), "y": y}))


def arrange(
    monkeypatch: pytest.MonkeyPatch, columns: dict[str, pa.Column], time: str | None, model: Any
) -> None:
    """Let the problem be another one."""
    inputs = [name for name in columns if name not in (time, "y")]
    schema = pa.DataFrameSchema(columns, coerce=True, strict="filter")
    parts = {
        "TASK": "regression",
        "SCHEMA": schema,
        "TARGET": "y",
        "TIME": time,
        "features": lambda rows: {name: np.asarray(rows[name], dtype=float) for name in inputs},
        "build_model": model,
        "score_rows": lambda actual, predicted: abs(actual - predicted),
        "LOWER_IS_BETTER": True,
    }
    for name, value in parts.items():
        monkeypatch.setattr(problem, name, value, raising=name != "TASK")


def test_a_day_is_a_draw_of_the_projects_own_rows(rows: pd.DataFrame) -> None:
    source = Traffic(rows)
    for world in (AS_EVER, CHANGED, World(changed=2, shifted=True)):
        day = source.first + 3 * DAY
        drawn = source.day(day, world)
        pd.testing.assert_frame_equal(validate_rows(drawn), drawn)
        pd.testing.assert_frame_equal(Traffic(rows).day(day, world), drawn)
        assert traffic.ROWS_A_DAY[0] <= len(drawn) < traffic.ROWS_A_DAY[1]
        if problem.TIME is not None:
            assert set(drawn[problem.TIME].dt.date) == {day}
            assert drawn[problem.TIME].is_monotonic_increasing


def test_rows_are_those_of_the_same_weekday(numbers: pd.DataFrame) -> None:
    source = Traffic(numbers)
    assert source.first == MONDAY + 14 * DAY
    wednesday = source.first + 2 * DAY
    drawn = source.day(wednesday, AS_EVER)
    of_wednesdays = numbers[numbers["at"].dt.day_of_week == 2]
    assert set(drawn["x"]) <= set(of_wednesdays["x"])
    assert set(drawn["at"].dt.time) <= set(of_wednesdays["at"].dt.time)


def test_numbers_rise_within_the_schemas_bounds(numbers: pd.DataFrame) -> None:
    source = Traffic(numbers)
    before, after = (source.day(source.first, world) for world in (AS_EVER, CHANGED))
    np.testing.assert_array_equal(before["x"], after["x"])
    expected = np.minimum(np.rint(1.4 * before["y"]), 500)
    np.testing.assert_allclose(after["y"], expected, atol=1)
    assert after["y"].max() == 500


def test_the_level_of_a_day_moves_a_little(
    numbers: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    even = Traffic(numbers)
    monkeypatch.setattr(traffic, "SHOCK", 0.02)
    source = Traffic(numbers)
    for number in (1, 30):
        day = source.first + number * DAY
        level = source.day(day, AS_EVER)["y"].sum() / even.day(day, AS_EVER)["y"].sum()
        assert np.log(level) == pytest.approx(source.shocks[number], abs=0.002)
    assert 0.015 < np.std(source.shocks) < 0.025
    assert 0.35 < np.corrcoef(source.shocks[1:], source.shocks[:-1])[0, 1] < 0.65


def test_a_harmless_shift_changes_inputs_alone(numbers: pd.DataFrame) -> None:
    source = Traffic(numbers)
    before, after = (source.day(source.first, World(shifted=shift)) for shift in (False, True))
    assert after["x"].mean() > 1.2 * before["x"].mean()
    np.testing.assert_allclose(after["y"], after["x"] + 3, atol=1)


def test_labels_are_not_shifted_by_what_tells_them(labels: pd.DataFrame) -> None:
    source = Traffic(labels)
    days = [source.day(source.first + n * DAY, World(shifted=True)) for n in range(10)]
    drawn = pd.concat(days)
    assert drawn["z"].mean() > 0.6
    assert abs((drawn["y"] == "high").mean() - (labels["y"] == "high").mean()) < 0.03


def test_labels_get_another_rule_that_can_be_learned_and_back(labels: pd.DataFrame) -> None:
    source = Traffic(labels)
    first, other, again = (
        source.day(source.first, World(changed=changes)) for changes in (0, 1, 2)
    )
    assert 0.2 < (first["y"] != other["y"]).mean() < 0.45
    pd.testing.assert_frame_equal(first, again)
    model = LogisticRegression().fit(other[["x"]], other["y"])
    assert model.score(other[["x"]], other["y"]) > 0.9


@pytest.mark.parametrize("lowest", [-0.5, 0.0, 0.5])
def test_labels_get_another_rule_though_many_rows_are_alike(
    labels: pd.DataFrame, lowest: float
) -> None:
    """Between a third and two thirds of the rows stand lowest in what tells the labels."""
    source = Traffic(labels.assign(x=labels["x"].clip(lower=lowest)))
    first, other = (source.day(source.first, World(changed=changes)) for changes in (0, 1))
    assert (first["y"] != other["y"]).mean() > 0.2
    assert other["y"].nunique() == 2
    model = LogisticRegression().fit(other[["x"]], other["y"])
    assert model.score(other[["x"]], other["y"]) > 0.8


def test_wrong_values_are_valid_one_by_one(numbers: pd.DataFrame) -> None:
    told = Traffic(numbers).told_wrongly(np.array([1, 2, 400]))
    assert told.tolist() == [60, 120, 500]
    assert told.dtype == numbers["y"].dtype


def test_wrong_labels_are_those_of_other_rows(labels: pd.DataFrame) -> None:
    truth = labels["y"].to_numpy()
    told = Traffic(labels).told_wrongly(truth)
    assert sorted(told) == sorted(truth)
    assert (told != truth).mean() > 0.3


def test_rows_that_only_the_whole_schema_refuses_are_left_out(
    numbers: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    even = problem.SCHEMA.update_column("y", checks=[pa.Check(lambda y: y % 2 == 0)])
    monkeypatch.setattr(problem, "SCHEMA", even)
    drawn = Traffic(numbers).day(MONDAY + 14 * DAY, AS_EVER)
    assert len(drawn) > 50
    assert (drawn["y"] % 2 == 0).all()


def test_the_clock_is_read_where_it_was_not_set(tmp_path: Path) -> None:
    Clock(tmp_path / "clock").set(moment(MONDAY, timedelta(hours=1)))
    assert Clock(tmp_path / "clock")() == 1736125200.0


def test_waiting_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, False, True])
    wait_until(lambda: next(answers), "answer")
    monkeypatch.setattr(service, "PATIENCE", 0.0)
    with pytest.raises(UserError, match="not done this within 0 s: come"):
        wait_until(lambda: False, "come")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Return a folder that the story has to itself, beside a small project."""
    for name in ("live", "data", ".git"):
        (tmp_path / "project" / name).mkdir(parents=True)
    (tmp_path / "project/retraining.yaml").write_text("version: 7\n")
    (tmp_path / "project/serving.yaml").write_text("max_rows: 10\n")
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def test_the_project_is_at_hand_and_its_own_files_are_not(scratch: Path) -> None:
    wanted = story_policy(Policy(pause=True))
    fill(scratch, scratch.parent / "project", wanted)
    names = sorted(path.name for path in scratch.iterdir())
    assert names == ["data", "experiment.yaml", "retraining.yaml", "serving.yaml"]
    assert (scratch / "serving.yaml").read_text() == "max_rows: 10\n"
    assert read_policy(scratch / "retraining.yaml") == wanted
    assert (scratch.parent / "project/retraining.yaml").read_text() == "version: 7\n"


def test_nothing_of_the_outside_is_used_inside(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://elsewhere")
    before, folder = dict(os.environ), Path.cwd()
    with pytest.raises(ZeroDivisionError), inside(scratch):
        assert Path.cwd() == scratch
        assert os.environ["DATABASE_URL"] == f"sqlite:///{scratch}/live/predictions.db"
        assert not os.environ["MLFLOW_TRACKING_URI"]
        assert len(os.environ["SERVICE_TOKEN"]) > 20
        raise ZeroDivisionError
    assert (dict(os.environ), Path.cwd()) == (before, folder)


def test_the_service_runs_as_long_as_it_is_asked(scratch: Path) -> None:
    with inside(scratch):
        clock = Clock(scratch / "clock")
        clock.set(0.0)
        with serving(clock, scratch / "service.log") as url:
            assert httpx.get(f"{url}/healthz").status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/healthz")
        os.environ["DATABASE_URL"] = "nonsense"
        refused = pytest.raises(UserError, match="does not start:\nerror: DATABASE_URL")
        with refused, serving(clock, scratch / "service.log"):
            pass


def test_the_service_ends_with_who_started_it(scratch: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        f"from {service.__name__} import Clock, serving\n"
        "with serving(Clock(Path('clock')), Path('service.log')) as url:\n"
        "    print(url, flush=True); os._exit(9)"
    )
    with inside(scratch):
        started = [sys.executable, "-c", code]
        url = subprocess.run(started, stdout=subprocess.PIPE, text=True).stdout.strip()

    def gone() -> bool:
        try:
            return httpx.get(f"{url}/healthz").status_code != 200
        except httpx.HTTPError:
            return True

    wait_until(gone, "end")


def test_a_policy_that_forbids_a_story_is_bent_and_told() -> None:
    strict = Policy(
        pause=True,
        evidence="split",
        limits=Limits(
            cooldown_days=30,
            max_retrainings_per_month=1,
            freeze=[Freeze(date(2025, 1, 1), date(2030, 1, 1))],
        ),
    )
    bent = story_policy(strict)
    assert (bent.pause, bent.evidence, bent.limits) == (False, "replay", Limits())
    told = differences(strict, bent)
    assert "pause: False instead of True" in told
    assert "limits.cooldown_days: 3 instead of 30" in told
    assert not any(text.startswith("gates.") for text in told)
    assert differences(bent, story_policy(bent)) == []


def test_what_fails_is_counted_and_not_taken_for_told(numbers: pd.DataFrame) -> None:
    statuses = iter([202, 500, 200, 503])
    users = Users("http://service", "secret", most=2)

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer secret"
        sent = msgspec.json.decode(request.content)
        assert len(sent) <= 2
        answers = [{"id": "a", "prediction": 1, "version": "3"}] * len(sent)
        return httpx.Response(next(statuses), json=answers)

    users.http = httpx.Client(
        base_url="http://service",
        headers=users.http.headers,
        transport=httpx.MockTransport(answer),
    )
    assert users.tell(["a", None, "b", "c"], np.arange(4)) == {"a": 0, "b": 2}
    asked = Asked(Traffic(numbers).day(MONDAY + 14 * DAY, AS_EVER))
    users.ask(asked, slice(0, 2))
    users.ask(asked, slice(2, 4))
    assert asked.predictions == [1, 1, None, None]
    assert asked.versions == ["3", "3", "none", "none"]
    assert users.requests == 4
    assert [failure[:14] for failure in users.failures] == ["/feedback: 500", "/predict: 503 "]


class PaperUsers(Users):  # type: ignore[misc]
    """Writes into the log what the service would, and answers 100 to everything."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.most = 1000
        self.requests = 0
        self.failures: list[str] = []

    def ask(self, asked: Asked, part: slice) -> None:
        """Keep no answers."""
        for _ in range(len(asked.rows.iloc[part])):
            self.requests += 1
            asked.ids.append(str(self.requests))
            asked.predictions.append(100)
            asked.versions.append("1")
        ids = asked.ids[part]
        now = self.clock()
        with_log = open_store(self.store.url)  # a store is one thread's own
        with_log.write([Prediction(id, now, "1", CHAMPION, "", {}, 100) for id in ids if id], [])
        with_log.close()

    def tell(self, ids: Sequence[str | None], truth: np.ndarray) -> dict[str, Any]:
        """Keep what was told."""
        told = {id: value for id, value in zip(ids, truth.tolist(), strict=True) if id}
        now = self.clock()
        self.store.write([], [Feedback(id, now, value) for id, value in told.items()])
        return told


def test_the_story_breaks_the_feed_and_the_extract_and_mends_them(
    numbers: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a loop that does nothing but say that it was asked."""
    url = f"sqlite:///{tmp_path}/log.db"
    store, journal, clock = open_store(url), open_journal(url), Clock(tmp_path / "clock")
    seen: dict[date, int] = {}  # how many true values in the log are wrong when the loop steps
    asked_on: list[date] = []

    def wrong(day: date) -> int:
        known = store.outcomes(moment(day, timedelta()), moment(day, DAY))
        truth = dict(zip(played.asked[day].ids, played.asked[day].truth.tolist(), strict=True))
        return sum(one.actual != truth[one.prediction.id] for one in known if one.known)

    def step(live: Path, now: float, who: str | None) -> None:
        today = played.day
        seen[today] = sum(wrong(day) for day in played.asked if day < today)
        kind = "quiet"
        if who is not None:
            assert who == WHO
            kind = "asked"
            asked_on.append(today)
            window = [today - back * DAY for back in range(1, 16)]
            assert [wrong(day) > 0 for day in window] == [False] * 4 + [True] * 11
        journal.note(Decision(kind, ""), journal.latest()[0], now, None)

    monkeypatch.setattr(story, "tick", step)
    monkeypatch.setattr(story, "PACE", 0.0)
    monkeypatch.setattr(story, "SLOW_PACE", 0.0)
    monkeypatch.setattr(traffic, "ROWS_A_DAY", (20, 25))
    chapters = [replace(chapter, days=min(chapter.days, 8)) for chapter in STORY]
    monkeypatch.setattr(story, "STORY", chapters)
    model = TrainedModel(DummyRegressor().fit([[0]], [100]), problem)
    users, policy = PaperUsers(store, clock), story_policy(Policy())
    played = Story(tmp_path / "live", url, clock, users, Traffic(numbers), policy, model)
    told = [day for day, _ in played.play()]

    assert [day.chapter for day in told] == sorted(day.chapter for day in told)
    assert len(told) == sum(chapter.days for chapter in chapters)
    assert sum(day.rows for day in told) == users.requests
    feed = [day.day for day in told if STORY[day.chapter].mishap == "feed"]
    assert [seen[day] > 0 for day in feed] == [False, True, True, True, False]
    assert seen[feed[2]] > 1.5 * seen[feed[1]]
    (day,) = asked_on
    assert seen[day] > 150
    assert seen[day + DAY] == seen[told[-1].day] == 0
    assert all(day.served == day.alone for day in told)


def test_a_chapter_ends_when_all_was_heard_in_its_order() -> None:
    lines = [line(n, MONDAY, kind) for n, kind in enumerate(["trusted", "promoted", "quiet"])]
    assert without_heard(["promoted", "trusted"], lines) == ["trusted"]
    assert without_heard(["promoted", "trusted"], lines[:1]) == ["promoted", "trusted"]
    assert without_heard(["trusted"], lines) == []


def line(number: int, day: date, kind: str, words: str = "<why>") -> Line:
    return Line(number, moment(day, story.STEP), "1-a", kind, words, {}, None, "")


@pytest.fixture
def tale() -> Tale:
    """Return a story that goes well: ten days a chapter; the loop at 1, the first model at 2."""
    first = {number: MONDAY + 10 * number * DAY for number in range(len(STORY))}
    days = [
        Told(
            day=first[number] + n * DAY,
            chapter=number,
            rows=100,
            served=1.0,
            alone=1.0 if number in (report.QUIET, report.SHIFT) else 2.0,
            versions={"1": 100},
        )
        for number in first
        for n in range(10)
    ]
    told = [
        (report.QUIET, 1, "quiet"),
        (report.QUIET, 2, "quiet"),
        (report.DRIFT, 1, "alarm"),
        (report.DRIFT, 4, "promoted"),
        (report.FEED, 1, "guard"),
        (report.FEED, 2, "guard"),
        (report.EXTRACT, 1, "asked"),
        (report.EXTRACT, 1, "refused"),
        (report.SHOCK, 5, "promoted"),
        (report.AFTER, 1, "refused"),
        (report.AFTER, 2, "rolled back"),
    ]
    return Tale(
        days=days,
        lines=[
            line(number, first[chapter] + n * DAY, kind)
            for number, (chapter, n, kind) in enumerate(told, start=1)
        ],
        requests=4321,
        failures=[],
        whole=True,
        trained=9,
        policy=["data.window_days: 14 instead of 28"],
        seconds=100.0,
    )


def without(tale: Tale, kind: str, chapter: int) -> Tale:
    gone = [told for told in tale.decided(chapter) if told.kind == kind]
    return replace(tale, lines=[told for told in tale.lines if told not in gone])


def with_worse(tale: Tale, *chapters: int, served: float = 3.0) -> Tale:
    """Let the loop do worse than the first model on the days of the chapters."""
    days = [replace(day, served=served) if day.chapter in chapters else day for day in tale.days]
    return replace(tale, days=days)


def with_more(tale: Tale, kind: str, chapter: int) -> Tale:
    day = tale.within(chapter)[3].day
    return replace(tale, lines=[*tale.lines, line(99, day, kind)])


BROKEN: dict[str, Callable[[Tale], Tale]] = {
    "no request failed": lambda tale: replace(tale, failures=["/predict: 503"]),
    "while nothing was wrong": lambda tale: with_worse(tale, report.SHIFT),
    "the drift was found": lambda tale: without(tale, "promoted", report.DRIFT),
    "and answered with a better model": lambda tale: with_worse(tale, report.DRIFT),
    "were kept out": lambda tale: without(tale, "guard", report.FEED),
    "the days with wrong true values": lambda tale: with_worse(tale, report.FEED),
    "broken extract was refused": lambda tale: without(tale, "refused", report.EXTRACT),
    "from a broken extract": lambda tale: with_more(tale, "promoted", report.EXTRACT),
    "the challenger from": lambda tale: without(tale, "asked", report.EXTRACT),
    "the shock was believed": lambda tale: without(tale, "promoted", report.SHOCK),
    "was rolled back": lambda tale: without(tale, "rolled back", report.AFTER),
    "over all days": lambda tale: with_worse(tale, report.SHOCK, report.AFTER, served=9.0),
    "the record of decisions": lambda tale: replace(tale, whole=False),
}


def test_a_story_that_goes_well_keeps_all_promises(tale: Tale) -> None:
    assert [promise.words for promise in promises(tale) if not promise.kept] == []


@pytest.mark.parametrize("words", BROKEN)
def test_each_promise_can_be_broken(tale: Tale, words: str) -> None:
    (broken,) = [promise for promise in promises(BROKEN[words](tale)) if not promise.kept]
    assert words in broken.words


def test_better_follows_the_problem(tale: Tale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problem, "LOWER_IS_BETTER", False)
    broken = [promise.words for promise in promises(tale) if not promise.kept]
    assert [words[:9] for words in broken] == ["the drift", "the days ", "over all "]


def test_the_page_needs_nothing_else_and_leads_to_the_record(tale: Tale) -> None:
    written = page(tale)
    assert not re.search(r"(src|href)=.?(?!#)[\w/.]*:", written.replace("xmlns:xlink", ""))
    assert "<script" not in written
    assert "<why>" not in written
    assert "&lt;why&gt;" in written
    places = re.findall(r'\bid="([^"]+)"', written)
    assert len(places) == len(set(places))
    assert set(re.findall(r'href="#(line-\d+)"', written)) == {f"line-{n}" for n in range(3, 12)}
    assert {f"line-{n}" for n in range(3, 12)} <= set(places)
    assert written.count('xlink:href="#line-4"') == 2  # a wide figure, and a narrow one
    assert "2 days, the last" in written
    for said in [chapter.happens for chapter in STORY] + [one.words for one in promises(tale)]:
        assert said in written
    for said in ("4,321", "data.window_days: 14 instead of 28", "after 4 days", "2 days after its"):
        assert said in written
    assert '<header class="good">' in written
    assert '<header class="bad">' in page(replace(tale, whole=False))


def test_the_same_is_written_for_people_and_for_programs(tale: Tale, tmp_path: Path) -> None:
    paths = write_reports(tale, tmp_path / "reports")
    assert [path.name for path in paths] == [f"simulation.{end}" for end in ("html", "png", "json")]
    told = msgspec.json.decode(paths[2].read_bytes())
    assert len(told["days"]) == 70
    assert told["lines"][0]["kind"] == "quiet"
    assert {one["kept"] for one in told["promises"]} == {True}


@pytest.mark.parametrize("whole", [True, False])
def test_a_broken_promise_is_an_error_after_all_is_written(
    tale: Tale, whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(simulation, "perform", lambda *_: replace(tale, whole=whole))
    monkeypatch.setattr(simulation, "REPORTS", tmp_path)
    monkeypatch.setattr("sys.argv", ["simulate"])
    if whole:
        simulation.main()
    else:
        with pytest.raises(UserError, match="as promised:\n  the record of decisions is whole"):
            simulation.main()
    assert "mean" in capsys.readouterr().out
    assert (tmp_path / "simulation.html").exists()


def test_a_folder_with_something_in_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").touch()
    monkeypatch.setattr("sys.argv", ["simulate", "--folder", str(tmp_path)])
    with pytest.raises(UserError, match="is not empty"):
        simulation.main()
