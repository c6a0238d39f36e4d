"""The loop from its first day to a promotion and back: all that is not the clock is real."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from taxi_ride_duration.deployment import deploy, proof, rollback
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.experiments.plan import Experiment
from taxi_ride_duration.pipelines import tracking
from taxi_ride_duration.retraining import decisions, executor, loop, site
from taxi_ride_duration.retraining.journal import ANCHOR, BusyError, working
from taxi_ride_duration.retraining.policy import Policy
from taxi_ride_duration.retraining.state import Promote
from taxi_ride_duration.serving.bundle import bundle_folder, write_release

if TYPE_CHECKING:
    from tests.retraining.conftest import City

CALM = 8  # days that the city has lived through when it is "calm"; three more, and it is "on trial"
EPISODE = ["begun", "alarm", "trained", "evidence", "trained", "evidence", "trained"]
HEAVY = {"mlflow", "sklearn", "pandas", "pandera", "scipy.stats"}
PROMOTED = [*EPISODE, "promotion", "promoted", "trained"]


def test_after_a_drift_a_better_model_serves_and_all_of_it_is_told(
    city: "City", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "prove", proof.prove)
    city.restore("on trial")
    assert city.kinds() == EPISODE
    assert (city.serves, city.crowned) == ("1", "1")
    before = city.release
    city.live_through(CALM + 3, factor=1.4)
    told = city.tick(CALM + 4.1)
    assert [decision.kind for decision in told] == ["promotion", "promoted", "trained"]
    assert city.kinds() == PROMOTED
    assert city.serves == city.crowned == city.state.champion.version != "1"
    assert city.release.before == [before.champion]
    assert city.release.experiment is None
    assert city.state.watch is not None
    assert city.state.watch.warm["previous"].version == "1"
    assert city.state.trial is not None and city.state.trial.why == "refine"


def test_the_version_promoted_is_the_one_that_was_scored(city: "City") -> None:
    city.restore("on trial")
    trial = city.state.trial
    assert trial is not None
    scored = {one.version for one in trial.candidates.values()}
    city.run(CALM + 3, CALM + 4, factor=1.4)
    assert city.serves in scored


def test_a_challenger_says_where_it_comes_from(city: "City") -> None:
    city.restore("on trial")
    (line,) = [line for line in city.lines if line.kind == "trained"][-1:]
    origin = line.evidence["retrained"]
    with tracking.tracking_store() as client:
        tags = client.get_model_version(tracking.NAME, origin["version"]).tags
    for name in ("data_version", "git_commit", "trained_until", "test_share", "through", "role"):
        assert tags[name] == origin[name]
    assert tags["loop_key"] == origin["loop_key"] == "2026-03-10/retrained/2026-03-12"
    assert tags["trained_until"].startswith("2026-03-12T")
    assert origin["rows"] == "1020 of 1020"


def test_a_challenger_learns_from_no_more_rows_than_the_policy_says(city: "City") -> None:
    city.restore("calm")
    decide(city, "data: {min_rows: 20, history_days: 14, max_rows: 100}")
    city.tick(CALM + 0.2, "ann")
    rows, _, known = city.lines[-1].evidence["retrained"]["rows"].partition(" of ")
    assert 70 < int(rows) < 130
    assert int(known) == 12 * 60


def test_on_quiet_days_nothing_is_trained_and_a_second_step_does_nothing(city: "City") -> None:
    city.restore("calm")
    assert city.kinds() == ["begun"]
    with tracking.tracking_store() as client:
        assert len(client.search_model_versions(f"name = '{tracking.NAME}'")) == 1
    lines = city.lines
    assert city.tick(CALM + 0.2) == []
    assert city.lines == lines


def test_days_that_nobody_looked_at_are_caught_up_with(city: "City") -> None:
    for number in range(CALM):
        city.live_through(number)
    assert len(city.tick(CALM + 0.1)) == CALM + 1
    assert city.state.day == date(2026, 3, 9)


def test_days_after_the_last_prediction_are_waited_for(city: "City") -> None:
    """A clock that runs ahead for once leaves nothing out; nor does a service that is silent."""
    city.run(0, 2)
    assert city.tick(400) == []
    assert city.state.day == date(2026, 3, 3)
    city.live_through(4)
    told = city.tick(5.1)
    assert [decision.kind for decision in told] == ["left out", "left out", "quiet"]


def test_a_click_trains_a_challenger_that_days_held_out_judge(city: "City") -> None:
    city.restore("calm")
    told = city.tick(CALM + 0.2, "ann")
    assert [decision.kind for decision in told] == ["asked", "training", "trained"]
    assert "ann" in told[0].words
    assert city.tick(CALM + 0.3) == []
    refused = city.tick(CALM + 0.4, "bob")
    assert [decision.kind for decision in refused] == ["refused"]
    assert "bob" in refused[0].words
    assert city.serves == "1"


def test_without_a_day_to_judge_by_nothing_is_trained(city: "City") -> None:
    city.restore("calm")
    city.live_through(CALM, told=0.5)
    city.live_through(CALM + 1, told=0.5)
    told = city.tick(CALM + 12)
    assert [decision.kind for decision in told] == ["left out", "left out"]
    made = city.tick(CALM + 12.1, "ann")
    assert [decision.kind for decision in made] == ["asked", "training", "failed", "no training"]
    assert "send ground truth to /feedback" in made[2].words
    assert city.state.trial is None


def test_without_a_log_who_asks_is_told_what_to_do(city: "City") -> None:
    """As on the first day of a project whose data is a year old."""
    made = city.tick(400, "ann")
    assert [decision.kind for decision in made][-2:] == ["failed", "no training"]
    assert "let problem.py load newer rows" in made[-2].words
    assert city.state.requested == [], "what failed does not count"


def test_a_tail_of_the_journal_that_was_cut_shows(city: "City") -> None:
    city.restore("on trial")
    last = city.lines[-1].number
    with closing(sqlite3.connect(city.live / "predictions.db")) as connection:
        connection.execute("delete from decisions where number = ?", (last,))
        connection.commit()
    with pytest.raises(UserError, match=f"line {last} of the journal is missing"):
        city.tick(CALM + 3.2)
    (city.live / ANCHOR).unlink()
    city.tick(CALM + 3.3)


def test_when_a_chased_strike_ends_the_model_before_comes_back(city: "City") -> None:
    city.restore("promoted")
    bundles = {folder.name for folder in (city.live / "bundles").iterdir()}
    city.run(CALM + 4, CALM + 6)
    assert city.kinds()[len(PROMOTED) :] == ["rollback", "rolled back"]
    assert city.serves == city.crowned == city.state.champion.version == "1"
    assert {folder.name for folder in (city.live / "bundles").iterdir()} == bundles
    assert city.state.watch is None and city.state.trial is None


def test_a_model_whose_bundle_is_gone_is_bundled_anew_to_come_back(city: "City") -> None:
    city.restore("promoted")
    (before,) = city.release.before
    shutil.rmtree(bundle_folder(city.live, before))
    city.run(CALM + 4, CALM + 6)
    assert city.kinds()[-1] == "rolled back"
    assert city.serves == "1"


def test_a_broken_guardrail_brings_the_model_before_back_at_once(city: "City") -> None:
    city.restore("promoted")
    since = []

    def guardrails(policy: Policy, promoted: float) -> str:
        since.append(promoted)
        return "5 % of its answers failed"

    (promoted,) = [line for line in city.lines if line.kind == "promoted"]
    now = promoted.time + 600
    told = loop.tick(city.live, now, guardrails=guardrails)
    assert [decision.kind for decision in told] == ["rollback", "rolled back"]
    assert "5 % of its answers failed" in told[0].words
    assert since == [promoted.time]
    assert city.serves == city.crowned == "1"
    assert loop.tick(city.live, now + 600, guardrails=guardrails) == []


def test_somebody_who_changes_what_is_live_is_heard(city: "City") -> None:
    city.restore("promoted")
    promoted = city.serves
    rollback.rollback(city.live)
    told = city.tick(CALM + 4.2)
    assert [decision.kind for decision in told] == ["begun", "begun"]
    assert f"somebody has deployed version 1, instead of version {promoted}" in told[0].words
    assert city.state.champion.version == "1"
    assert city.state.champion.reference.days == 23, "usual is what was usual at training"
    assert city.state.trial is None and city.state.watch is None
    assert city.tick(CALM + 4.3) == []


def test_beside_a_persons_experiment_the_loop_only_watches(city: "City") -> None:
    city.restore("calm")
    name = city.release.champion
    shutil.copytree(bundle_folder(city.live, name), bundle_folder(city.live, "v9-other"))
    experiment = Experiment(mode="shadow", name="theirs", challenger=9)
    release = msgspec.structs.replace(
        city.release, champion=name, challenger=None, experiment=experiment
    )
    write_release(city.live, release)
    city.run(CALM, CALM + 4, factor=1.4)
    refused = [line for line in city.lines if line.kind != "quiet"][2:]
    assert {line.kind for line in refused} == {"alarm refused"}
    assert all("a person's experiment runs" in line.words for line in refused)
    assert [decision.kind for decision in city.tick(CALM + 4.2, "ann")] == ["refused"]
    assert city.release == release


def test_a_paused_policy_trains_and_promotes_nothing(city: "City") -> None:
    city.restore("calm")
    decide(city, "pause: true")
    city.run(CALM, CALM + 4, factor=1.4)
    assert set(city.kinds()[2:]) == {"alarm refused"}
    assert [decision.kind for decision in city.tick(CALM + 4.2, "ann")] == ["refused"]
    assert city.serves == "1"


@pytest.mark.parametrize(
    "words", ["pause: true", "calendar: {freeze: [{first: 2026-03-14, last: 2026-03-14}]}"]
)
def test_what_was_decided_is_not_done_any_more_when_the_policy_forbids_it(
    city: "City", monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    city.restore("on trial")
    before = city.release
    with monkeypatch.context() as patch:
        patch.setattr(executor, "promote", fail)
        with pytest.raises(UserError, match="No space left"):
            city.run(CALM + 3, CALM + 4, factor=1.4)
    assert isinstance(city.state.pending, Promote)
    decide(city, words)
    assert [decision.kind for decision in city.tick(CALM + 4.2)] == ["not promoted"]
    assert city.release == before


def test_what_was_done_is_written_down_whatever_the_policy_says_now(
    city: "City", monkeypatch: pytest.MonkeyPatch
) -> None:
    city.restore("on trial")
    with monkeypatch.context() as patch:
        patch.setattr(decisions, "promoted", fail)
        with pytest.raises(UserError, match="No space left"):
            city.run(CALM + 3, CALM + 4, factor=1.4)
    promoted = city.serves
    assert promoted != city.state.champion.version == "1"
    decide(city, "pause: true")
    assert [decision.kind for decision in city.tick(CALM + 4.2)] == ["promoted"]
    assert city.serves == city.state.champion.version == promoted
    assert city.state.watch is not None


def decide(city: "City", *words: str) -> None:
    """Put another policy in place."""
    kept = [line for line in Path("retraining.yaml").read_text(encoding="utf-8").splitlines()]
    sections = {word.partition(":")[0] for word in words}
    kept = [line for line in kept if line.partition(":")[0] not in sections]
    Path("retraining.yaml").write_text("\n".join([*kept, *words]) + "\n", encoding="utf-8")


def fail(*arguments: object) -> None:
    raise OSError(28, "No space left on device")


def test_where_predictions_change_what_happens_a_split_decides(city: "City") -> None:
    city.restore("calm")
    decide(city, "evidence: split")
    city.run(CALM, CALM + 2, factor=1.4)
    release, trial = city.release, city.state.trial
    assert trial is not None
    (challenger,) = trial.candidates.values()
    assert release.challenger is not None
    assert release.challenger.startswith(f"v{challenger.version}-")
    assert release.experiment is not None
    assert (release.experiment.mode, release.experiment.share) == ("split", 0.5)
    assert release.experiment.name == f"loop-{trial.started}"
    number = CALM + 2
    while city.serves == "1":
        assert number < CALM + 10, city.kinds()
        city.run(number, number + 1, factor=1.4)
        number += 1
    release = city.release
    assert city.serves == challenger.version
    assert release.experiment is not None and release.challenger is not None
    assert release.experiment.share == site.WATCHED_SHARE
    assert release.challenger.startswith("v1-")
    city.run(number, number + 2)
    assert city.serves == "1"
    assert city.release.experiment is None


def test_before_anything_is_live_the_loop_says_what_to_do(city: "City") -> None:
    (city.live / "release.json").unlink()
    with pytest.raises(UserError, match="make pipeline promote deploy"):
        city.tick(1)
    assert city.kinds() == ["failed"]
    with pytest.raises(UserError):
        city.tick(1.1)
    assert city.kinds() == ["failed"], "the same is told once"


def test_of_a_long_log_the_last_days_count(city: "City") -> None:
    for number in range(50):
        city.live_through(number)
    city.tick(50.1)
    assert city.state.day == date(2026, 4, 20)
    days = [line for line in city.lines if line.kind == "quiet"]
    assert len(days) < 30


def test_each_step_leaves_a_sign_of_life(city: "City", monkeypatch: pytest.MonkeyPatch) -> None:
    city.run(0, 1)
    metrics = (city.live / "metrics" / "retraining.prom").read_text(encoding="utf-8")
    assert 'retraining_decisions_total{kind="begun"} 1.0' in metrics
    success = [line for line in metrics.splitlines() if line.startswith("retraining_last_success")]
    monkeypatch.setattr(decisions, "advance", fail)
    with pytest.raises(UserError, match="No space left"):
        city.run(1, 2)
    metrics = (city.live / "metrics" / "retraining.prom").read_text(encoding="utf-8")
    assert success[-1] in metrics
    assert city.kinds()[-1] == "failed"


def test_the_command_prints_what_was_decided(
    city: "City", monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loop, "LIVE", city.live)
    monkeypatch.setattr(sys, "argv", ["loop"])
    loop.main()
    assert capsys.readouterr().out.startswith("begun: version 1 is the champion")
    loop.main()
    assert capsys.readouterr().out == "nothing is due\n"
    monkeypatch.setattr(sys, "argv", ["loop", "--ask"])
    with working(city.live, city.url) as journal:
        loop.main()
        assert "another step is under way" in capsys.readouterr().out
        assert len(journal.requests()) == 1, "what is asked meanwhile is not forgotten"
    loop.main()
    assert "asked for a retraining" in capsys.readouterr().out


def test_a_step_beside_another_one_does_nothing(city: "City") -> None:
    city.live_through(0)
    with working(city.live, city.url), pytest.raises(BusyError, match="under way"):
        city.tick(1.1)
    assert city.lines == []
    assert not (city.live / "metrics").exists()


def test_a_step_with_nothing_to_do_imports_nothing_slow(city: "City") -> None:
    """Neither when nothing is new, nor while labels are waited for."""
    city.restore("calm")
    city.live_through(CALM, told=0.5)
    for number in (CALM + 0.2, CALM + 1.2):
        code = (
            "import sys; from pathlib import Path; from taxi_ride_duration.retraining import loop; "
            f"assert loop.tick(Path('live'), {city.time(number).timestamp()}) == []; "
            "print(*sys.modules)"
        )
        finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert finished.returncode == 0, finished.stderr
        assert not HEAVY & {*finished.stdout.split()}
