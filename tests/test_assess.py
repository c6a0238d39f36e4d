"""Tests of `assess`: our own projects are at their level, and lose it with a piece."""

from collections import Counter
from itertools import product

import pytest

from losses import LOSSES as SHARED
from losses import Edit, Files, both, gone, locked, module, step, with_file, without
from mlops_ladder.assess.criteria import criteria
from mlops_ladder.assess.engine import assess
from mlops_ladder.assess.settings import Settings
from projects import CI_PROVIDERS, DEPLOY_TARGETS, LEVELS, ORCHESTRATORS, Ladder, tree

WORKFLOWS = ".github/workflows"
ROLLBACK = "src/taxi_ride_duration/deployment/rollback.py"
POLICY = "retraining.yaml"


def of_level(ladder: Ladder, level: int, **answers: str) -> Files:
    """Return an untouched project after `make setup`."""
    files = tree(ladder.fresh(level, **answers))
    locked(files)
    return files


def test_there_are_as_many_as_the_levels_have() -> None:
    counted = Counter((one.level, one.kind) for one in criteria())
    assert [counted[level, "must"] for level in LEVELS] == [1, 7, 9, 14, 12]
    assert sum(counted.values()) == 61
    assert all(one.title.endswith(".") and one.how for one in criteria())


@pytest.mark.parametrize(
    "level", [LEVELS[0], *(pytest.param(one, marks=pytest.mark.slow) for one in LEVELS[1:])]
)
def test_an_untouched_project_is_at_its_level(level: int, ladder: Ladder) -> None:
    found = assess(of_level(ladder, level))
    assert (found.profile.level, found.profile.assumed) == (level, [])


@pytest.mark.slow
@pytest.mark.parametrize("provider", [one for one in CI_PROVIDERS if one != "github"])
@pytest.mark.parametrize("level", [one for one in LEVELS if one])
def test_so_it_is_with_another_ci(provider: str, level: int, ladder: Ladder) -> None:
    found = assess(of_level(ladder, level, ci_provider=provider))
    assert found.profile.level == level
    assert bool(found.profile.assumed) is (provider == "none")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("level", "answers"),
    [
        *product([2, 4], [{"orchestrator": choice} for choice in ORCHESTRATORS[1:]]),
        *product([3, 4], [{"deploy_target": choice} for choice in DEPLOY_TARGETS[1:]]),
    ],
    ids=str,
)
def test_so_it_is_on_another_platform(level: int, answers: dict[str, str], ladder: Ladder) -> None:
    assert assess(of_level(ladder, level, **answers)).profile.level == level


def switched_off(workflow: str) -> Edit:
    """Turn every job of a workflow off."""
    return without(f"{WORKFLOWS}/{workflow}.yml", "    runs-on:", "    if: false\n    runs-on:")


def unscheduled(*workflows: str) -> Edit:
    """Comment the schedules of workflows out."""
    return both(
        *(without(f"{WORKFLOWS}/{one}.yml", "    - cron:", "    # - cron:") for one in workflows)
    )


def every(text: str, instead: str, ending: str = ".py") -> Edit:
    """Replace a text in every file of a kind outside of the tests."""

    def edit(files: Files) -> None:
        found = [path for path in files if path.endswith(ending) and not path.startswith("tests/")]
        changed = [path for path in found if text.encode() in files[path]]
        assert changed, text
        for path in changed:
            files[path] = files[path].replace(text.encode(), instead.encode())

    return edit


def untestable(folder: str = "tests/") -> Edit:
    """Take the assertions out of every test below a folder."""

    def edit(files: Files) -> None:
        for path in files:
            if path.startswith(folder) and path.endswith(".py"):
                text = files[path].replace(b"assert ", b"print ; ").replace(b".raises", b".skip")
                files[path] = text.replace(b"assert_", b"show_")

    return edit


# The project's level, the criterion that goes, and the piece that is broken.
BREAKS: dict[str, tuple[int, str, Edit]] = {
    "no package": (1, "L1-01", without("pyproject.toml", "[project]", "[other]")),
    "no tests": (1, "L1-03", SHARED["unit-tests"]),
    "tests without assertions": (1, "L1-03", untestable()),
    "a test step that may fail": (
        1,
        "L1-04",
        step("ci", "test", "- run: make test\n        continue-on-error: true\n"),
    ),
    "a test step switched off": (
        1,
        "L1-04",
        step("ci", "test", "- run: make test\n        if: false\n"),
    ),
    "a commented test step": (1, "L1-04", step("ci", "test", "# - run: make test\n")),
    "an exit code that is lost": (
        1,
        "L1-04",
        without("make/ci.mk", "$(RUN) pytest", "$(RUN) pytest || true"),
    ),
    "a recipe that tests nothing": (
        1,
        "L1-04",
        without("make/ci.mk", "$(RUN) pytest", "echo no tests yet"),
    ),
    "CI switched off": (1, "L1-04", switched_off("ci")),
    "CI by hand": (
        1,
        "L1-04",
        both(
            without(f"{WORKFLOWS}/ci.yml", "  pull_request:\n"),
            without(
                f"{WORKFLOWS}/ci.yml", "  push:\n    branches: [main]\n", "  workflow_dispatch:\n"
            ),
        ),
    ),
    "nothing is built": (1, "L1-05", every("$(RUN) python -m build", "echo later", ".mk")),
    "a release by hand": (
        1,
        "L1-06",
        without(f"{WORKFLOWS}/release.yml", '  push:\n    tags: ["v*"]', "  workflow_dispatch:"),
    ),
    "a release switched off": (1, "L1-06", switched_off("release")),
    "nothing is published": (1, "L1-06", without("make/ci.mk", "gh release create", "echo gh")),
    "no test of the model": (1, "L1-07", SHARED["model-tested"]),
    "broken YAML": (1, "L1-04", with_file(f"{WORKFLOWS}/ci.yml", b"jobs: {test: [\n")),
    "nothing is fitted": (2, "L2-01", both(every(".fit(", ".look("), every("fit(", "look("))),
    "nothing is registered": (
        2,
        "L2-05",
        both(every("create_model_version", "find"), every("set_registered_model_alias", "find")),
    ),
    "no steps": (2, "L2-02", module("pipelines/training", "steps.register(", "print(")),
    "metrics that are not logged": (2, "L2-03", every("mlflow.log_metric", "print")),
    "metrics that are logged nowhere reached": (
        2,
        "L2-03",
        both(
            every("mlflow.log_metric", "print"),
            with_file(
                "src/taxi_ride_duration/unused.py",
                b"import mlflow\n\ndef report(score):\n    mlflow.log_metric('score', score)\n",
            ),
        ),
    ),
    "parameters that are not logged": (
        2,
        "L2-04",
        both(
            every("mlflow.log_param", "print"),
            every("mlflow.log_dict", "print"),
            every("mlflow.set_tags", "print"),
        ),
    ),
    "no version of the data": (
        2,
        "L2-06",
        both(every("data_version", "origin"), every("log_input", "log_text")),
    ),
    "data that are not validated": (
        2,
        "L2-07",
        both(
            module("dataset", "schema.validate(", "schema.coerce("),
            every("def validate", "def keep"),
            every("def check_", "def keep_"),
            module("problem", "if missing:", "if None:"),
        ),
    ),
    "a schedule commented out": (2, "L2-08", unscheduled("train")),
    "training switched off": (2, "L2-08", switched_off("train")),
    "a schedule that trains nothing": (
        2,
        "L2-08",
        without(f"{WORKFLOWS}/train.yml", "make pipeline", "make lint"),
    ),
    "no baseline": (
        2,
        "L2-09",
        both(
            every("baseline", "other"),
            every("champion", "other"),
            every("CHAMPION", "OTHER"),
            SHARED["unit-tests"],
        ),
    ),
    "no Dockerfile": (3, "L3-02", gone("Dockerfile")),
    "deployment by hand": (
        3,
        "L3-03",
        without(
            f"{WORKFLOWS}/deploy-compose.yml",
            "  workflow_run:",
            "  workflow_dispatch:\nother:\n  a:",
        ),
    ),
    "deployment switched off": (
        3,
        "L3-03",
        both(without(f"{WORKFLOWS}/deploy-compose.yml", "make apply", "make help")),
    ),
    "no test of the service": (3, "L3-05", SHARED["scoring-tested"]),
    "a gate whose value is replaced": (
        3,
        "L3-06",
        module("pipelines/promotion", "    if failed:", "    failed = []\n    if failed:"),
    ),
    "a gate that is gone": (
        3,
        "L3-06",
        module("pipelines/promotion", "    if failed:", "    if False:"),
    ),
    "no router": (3, "L3-07", SHARED["challenger-beside-champion"]),
    "a rule without an error rate": (3, "L3-08", SHARED["decision-rule-written"]),
    "no rollback": (
        3,
        "L3-09",
        both(
            every("rollback", "again"),
            every("rollout undo", "get pods", ".mk"),
            gone("src/taxi_ride_duration/deployment/rollback.py"),
        ),
    ),
    "no schedule of the monitor": (3, "L3-12", unscheduled("monitor")),
    "a monitor switched off": (
        3,
        "L3-12",
        without(f"{WORKFLOWS}/monitor.yml", "make monitor", "make help"),
    ),
    "a receiver without an address": (3, "L3-13", SHARED["alerts-reach-people"]),
    "no alert rules": (3, "L3-13", gone("deploy/prometheus/rules/service.yml")),
    "no metrics of the service": (3, "L3-11", every("prometheus_client", "own_metrics")),
    "no commit of the model": (
        3,
        "L3-14",
        both(every("git_commit", "origin"), every("code_version", "origin")),
    ),
    "no budget of false alarms": (4, "L4-02", SHARED["false-alarms-budgeted"]),
    "a policy on pause": (4, "L4-03", SHARED["signal-starts-training"]),
    "a loop without a schedule": (4, "L4-03", unscheduled("retrain")),
    "no limit": (4, "L4-04", every("max_trainings_per_month", "most", "")),
    "no cooldown": (4, "L4-04", every("cooldown", "rest", "")),
    "nothing is promoted": (
        4,
        "L4-08",
        both(
            every("set_registered_model_alias", "find"),
            every("promote", "show"),
            every("Promote", "Show"),
        ),
    ),
    "no version of the policy": (4, "L4-10", without(POLICY, "version: 1", "version: null")),
    "no test of the guardrails": (4, "L4-11", SHARED["rollback-by-itself"]),
    "no sequential test": (4, "L4-09", every("e_value", "p_value")),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (BREAKS[name][0] > 1)) for name in BREAKS],
)
def test_a_broken_piece_lowers_the_level_and_is_named(name: str, ladder: Ladder) -> None:
    level, lost, edit = BREAKS[name]
    files = of_level(ladder, level)
    edit(files)
    found = assess(files)
    assert found.findings[lost].status == "missing"
    assert found.findings[lost].reason
    assert found.profile.level < level


def test_what_a_team_ignores_or_states_is_shown(ladder: Ladder) -> None:
    files = of_level(ladder, 1)
    gone(f"{WORKFLOWS}/release.yml")(files)
    settings = Settings(ignore={"L1-06": "we publish nothing"})
    found = assess(files, settings=settings)
    assert found.profile.level == 1
    assert found.findings["L1-06"].reason == "ignored: we publish nothing"
    without_lock = {path: body for path, body in files.items() if path != "uv.lock"}
    stated = assess(without_lock, settings=Settings(stated={"L1-02": "locked in our image"}))
    assert (stated.findings["L1-02"].status, stated.findings["L1-02"].stated) == ("met", True)
    assert assess(files, settings=Settings(stated={"L1-06": "yes"})).profile.level == 0
