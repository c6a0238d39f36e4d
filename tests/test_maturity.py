"""Tests of maturity criteria: files that show a criterion meet it, and their loss fails it."""

from collections import Counter
from collections.abc import Callable

import pytest

from mlops_ladder.inspection.maturity import (
    LOOKS,
    Criterion,
    CriterionResult,
    criteria,
    evaluate,
    evaluate_criterion,
)
from mlops_ladder.inspection.repository import Repository
from projects import LEVELS, Ladder, tree

Files = dict[str, bytes]
Edit = Callable[[Files], None]
TOP = max(LEVELS)
PACKAGE = "src/taxi_ride_duration"
WORKFLOWS = ".github/workflows"
POLICY = "retraining.yaml"
LOCK = "uv.lock"


def gone(*paths: str) -> Edit:
    """Delete files."""

    def edit(files: Files) -> None:
        for path in paths:
            del files[path]

    return edit


def without(path: str, text: str, instead: str = "") -> Edit:
    """Replace a text wherever the file has it."""

    def edit(files: Files) -> None:
        assert text.encode() in files[path], f"{path} has no {text!r} to change"
        files[path] = files[path].replace(text.encode(), instead.encode())

    return edit


def both(*edits: Edit) -> Edit:
    """Make several edits."""

    def edit(files: Files) -> None:
        for one in edits:
            one(files)

    return edit


def below(folder: str) -> Edit:
    """Delete a folder."""

    def edit(files: Files) -> None:
        gone(*[path for path in files if path.startswith(folder)])(files)

    return edit


def with_file(path: str, body: bytes) -> Edit:
    """Add a file."""
    return lambda files: files.update({path: body})


def module(name: str, text: str, instead: str) -> Edit:
    """Replace a text in a module of the package."""
    return without(f"{PACKAGE}/{name}.py", text, instead)


def step(workflow: str, target: str, instead: str = "") -> Edit:
    """Replace a step of a workflow."""
    return without(f"{WORKFLOWS}/{workflow}.yml", f"- run: make {target}\n", instead)


def locked(files: Files) -> None:
    """Add a lock file as `make setup` writes it, with the names of packages only."""
    wanted = "mlflow optuna pydantic pyyaml scipy starlette sqlalchemy httpx onnx protobuf skl2onnx"
    wanted += " rich httptools msgspec numpy onnxruntime prometheus-client psycopg uvicorn uvloop"
    wanted += " holidays jinja2"
    wanted += " jupyterlab build mypy pre-commit pytest ruff types-pyyaml matplotlib pandas"
    wanted += " jinja2 packaging skops pandera pyarrow scikit-learn"
    entries = [f'[[package]]\nname = "{name}"\nversion = "1"\n' for name in wanted.split()]
    files[LOCK] = "\n".join(entries).encode()


# For each criterion, an edit with which the project no longer meets it.
LOSSES: dict[str, Edit] = {
    "something-is-fitted": both(
        module("train", "estimator.fit(", "estimator.partial("),
        without("notebook.ipynb", ".fit(", ".partial("),
    ),
    "purpose-described": with_file("README.md", b"# Taxi\n\nmake setup\n"),
    "no-carried-artefacts": with_file("models/best.pkl", bytes(1_000_001)),
    "training-outside-notebooks": gone(f"{PACKAGE}/train.py"),
    "importable-package": gone(f"{PACKAGE}/__init__.py"),
    "dependencies-locked": gone(LOCK),
    "unit-tests": below("tests/"),
    "tests-in-ci": step("ci", "test"),
    "build-in-ci": step("ci", "build"),
    "release-by-ci": without(f"{WORKFLOWS}/release.yml", 'tags: ["v*"]', "branches: [main]"),
    "model-tested": gone("tests/test_problem.py", "tests/test_train_and_predict.py"),
    "style-enforced": step("ci", "lint"),
    "pre-commit-hooks": with_file(".pre-commit-config.yaml", b"repos: []\n"),
    "one-task-runner": without("make/ci.mk", "\ntrain:", "\nlearn:"),
    "data-by-code": gone("data/download.py"),
    "dependency-notices": with_file(".github/dependabot.yml", b"version: 2\nupdates: []\n"),
    "headless-training": without("make/pipelines.mk", ".pipelines $(", ".nothing $("),
    "training-in-steps": module("pipelines/training", "steps.validate(raw)", "raw"),
    "metrics-tracked": module("pipelines/training", "mlflow.log_metrics(", "print("),
    "parameters-tracked": gone("params.yaml"),
    "model-registered": module("pipelines/registry", "create_model_version", "print"),
    "data-version-recorded": module("pipelines/training", "mlflow.log_input(", "print("),
    "data-validated": module("pipelines/steps", "return validate_rows(rows)", "return rows"),
    "trained-on-schedule": without(f"{WORKFLOWS}/train.yml", "    - cron:", "    # - cron:"),
    "judged-beside-baseline": module("evaluate", "baseline", "nothing"),
    "judged-by-slice": module("evaluate", "slices", "nothing"),
    "training-reproducible": without("tests/test_problem.py", "test_training_twice", "no_test_"),
    "features-shared": module("train", "problem.features(rows)", "rows"),
    "pipeline-tested": below("tests/pipelines/"),
    "parameters-searched": module("problem", "SEARCH_SPACE", "NOTHING"),
    "model-served": gone(f"{PACKAGE}/serving/server.py"),
    "image-built-by-ci": gone("Dockerfile"),
    "deployed-by-ci": without(f"{WORKFLOWS}/deploy-compose.yml", "  workflow_run:", "  release:"),
    "model-from-registry": module("deployment/deploy", "registry.champion(", "open("),
    "scoring-tested": gone("tests/serving/test_service.py"),
    "gate-before-deployment": module("pipelines/promotion", "failed_checks", "nothing"),
    "challenger-beside-champion": module("serving/model", "variant_of", "nothing"),
    "decision-rule-written": without("experiment.yaml", "\nalpha: 0.05", "\nalpha: null"),
    "rollback-ready": without("make/serving.mk", "\nrollback:", "\nback:"),
    "predictions-logged": module("serving/records", "    id: str", "    # id: str"),
    "operation-measured": module("serving/metrics", "Histogram", "Nothing"),
    "quality-watched": gone(f"{WORKFLOWS}/monitor.yml"),
    "alerts-reach-people": without(
        "deploy/alertmanager/alertmanager.yml", "webhook_configs:", "webhook_configs: []\n    no:"
    ),
    "origin-traceable": module("serving/watcher", "about.git_commit", "None"),
    "infrastructure-as-code": without(
        f"{WORKFLOWS}/deploy-compose.yml", "    environment: staging\n"
    ),
    "truth-joined": without(POLICY, "  label_wait_days:", "  # label_wait_days:"),
    "false-alarms-budgeted": without(POLICY, "false_alarms_per_year: 1.0", "tolerated: 1.0"),
    "signal-starts-training": without(POLICY, "pause: false", "pause: true"),
    "retraining-limited": without(POLICY, "max_trainings_per_month", "most"),
    "data-guarded": module("retraining/observations", "max_shift", "nothing"),
    "judged-on-same-rows": without(POLICY, "{max_slice_loss: 0.05}", "{}"),
    "online-stage-automated": module("retraining/executor", "put_live", "nothing"),
    "result-decides": module("retraining/decisions", "Promote", "Nothing"),
    "looking-often-is-safe": module("retraining/promotion_gate", "log_e_values", "p_values"),
    "promotion-by-policy": module("retraining/loop", "read_policy", "nothing"),
    "rollback-by-itself": gone("tests/retraining/test_guardrails.py"),
    "loop-tested": gone("tests/retraining/test_decisions.py"),
    "silence-noticed": without(
        "deploy/prometheus/rules/retraining.yml", "or absent(", "# or absent("
    ),
    "maintains-itself": gone(f"{WORKFLOWS}/check-update.yml"),
    "people-may-overrule": without("make/retraining.mk", ".retraining.audit", ".nothing"),
    "feature-freshness-watched": gone("deploy/prometheus/rules/features.yml"),
}


@pytest.fixture(scope="module")
def complete(ladder: Ladder) -> Files:
    """Return a project that meets every criterion: the highest level with a feature store."""
    files = tree(ladder.fresh(TOP))
    locked(files)
    files[LOCK] += b'[[package]]\nname = "feast"\nversion = "1"\n'
    without("pyproject.toml", "dependencies = [\n", 'dependencies = [\n    "feast",\n')(files)
    rule = b"groups:\n- rules:\n  - alert: Stale\n    expr: |\n      feature_freshness > 1\n"
    files["deploy/prometheus/rules/features.yml"] = rule
    return files


def found(files: Files, name: str) -> CriterionResult:
    """Evaluate the criterion of that name."""
    (criterion,) = [one for one in criteria() if one.name == name]
    return evaluate_criterion(Repository(files), criterion)


def by_name(criterion: Criterion) -> str:
    """Return the name of a criterion."""
    return criterion.name


def test_there_are_as_many_as_the_levels_have() -> None:
    counted = Counter((one.level, one.kind) for one in criteria())
    musts = [counted[level, "must"] for level in LEVELS]
    assert musts == [1, 7, 9, 14, 12]
    assert sum(counted.values()) == 61
    names = [one.name for one in criteria()]
    assert len(set(names)) == len(names)


def test_only_known_evidence_is_asked_for() -> None:
    for criterion in criteria():
        assert all(kind in LOOKS for part in criterion.evidence for kind in part), criterion.name


def test_where_everything_is_shown_everything_holds(complete: Files) -> None:
    assert [one for one in evaluate(complete) if one.status != "met"] == []


@pytest.mark.parametrize("criterion", criteria(), ids=by_name)
def test_taking_its_evidence_away_takes_the_criterion_away(
    criterion: Criterion, complete: Files
) -> None:
    files = dict(complete)
    LOSSES[criterion.name](files)
    said = found(files, criterion.name)
    assert said.status == ("unknown" if criterion.name == "dependencies-locked" else "missing")
    assert said.reason


@pytest.mark.parametrize("criterion", criteria(), ids=by_name)
def test_the_files_that_are_named_are_those_that_show_it(
    criterion: Criterion, complete: Files
) -> None:
    named = found(complete, criterion.name).files
    for path in named:
        others = {name: body for name, body in complete.items() if name != path}
        assert found(others, criterion.name).files != named, path
    assert named or criterion.name == "no-carried-artefacts"


@pytest.mark.parametrize(
    "answers",
    [{}, pytest.param({"deploy_target": "kubernetes"}, marks=pytest.mark.slow)],
    ids=["", "kubernetes"],
)
@pytest.mark.parametrize("level", LEVELS)
def test_an_untouched_project_holds_every_must_of_its_level_and_not_of_the_next(
    level: int, answers: dict[str, str], ladder: Ladder
) -> None:
    results = evaluate(tree(ladder.fresh(level, **(answers if level >= 3 else {}))))
    musts = [one for one in results if one.criterion.kind == "must"]
    lacking = {one.criterion.name: one for one in musts if one.criterion.level <= level}
    lacking = {name: one for name, one in lacking.items() if one.status != "met"}
    assert lacking.keys() <= {"dependencies-locked"}
    if level:
        assert lacking["dependencies-locked"].status == "unknown"
        assert "make setup" in lacking["dependencies-locked"].reason
    above = [one for one in musts if one.criterion.level == level + 1]
    assert not above or sum(one.status == "met" for one in above) < len(above) / 2


def test_a_lock_file_of_before_the_climb_is_not_enough(ladder: Ladder) -> None:
    files = tree(ladder.fresh(2))
    locked(files)
    assert found(files, "dependencies-locked").status == "met"
    files[LOCK] = files[LOCK].replace(b'"mlflow"', b'"another"')
    said = found(files, "dependencies-locked")
    assert said.status == "unknown"
    assert "does not name mlflow yet" in said.reason


def test_another_ci_is_unknown_and_a_deleted_workflow_is_missing(ladder: Ladder) -> None:
    elsewhere = tree(ladder.fresh(2, ci_provider="none"))
    assert found(elsewhere, "tests-in-ci").status == "unknown"
    assert found(elsewhere, "trained-on-schedule").status == "unknown"
    without("make/ci.mk", "$(RUN) pytest", "echo no tests yet")(elsewhere)
    assert found(elsewhere, "tests-in-ci").status == "missing"
    elsewhere[f"{WORKFLOWS}/own.yml"] = b"on: push\njobs: {}\n"
    assert found(elsewhere, "build-in-ci").status == "missing"
    deleted = {k: v for k, v in tree(ladder.fresh(2)).items() if not k.startswith(WORKFLOWS)}
    assert found(deleted, "tests-in-ci").status == "missing"


@pytest.mark.parametrize(
    "edit",
    [
        step("ci", "test", "- run: make test\n        continue-on-error: true\n"),
        step("ci", "test", "- run: make test\n        if: false\n"),
        step("ci", "test", "- run: make test\n        if: ${{ false }}\n"),
        step("ci", "test", "# - run: make test\n"),
        step("ci", "test", "- run: make lint\n"),
        without(f"{WORKFLOWS}/ci.yml", "  check:\n", "  check:\n    if: false\n"),
        without(f"{WORKFLOWS}/ci.yml", "  pull_request:\n", ""),
        without("make/ci.mk", "$(RUN) pytest", "echo no tests yet"),
        with_file(f"{WORKFLOWS}/ci.yml", b"jobs: {test: [\n"),
    ],
)
def test_what_is_switched_off_does_not_count(edit: Edit, complete: Files) -> None:
    files = dict(complete)
    edit(files)
    assert found(files, "tests-in-ci").status == "missing"


@pytest.mark.parametrize(
    "body", [b"def test_it(): pass", b"def test_it():\n    assert True", b"x ="]
)
def test_a_test_that_cannot_fail_is_none(body: bytes, complete: Files) -> None:
    files = dict(complete)
    files["tests/serving/test_service.py"] = b"from a import Service\nService()\n" + body
    assert found(files, "scoring-tested").status == "missing"


def test_words_in_comments_and_texts_show_nothing(complete: Files) -> None:
    files = dict(complete)
    path = f"{PACKAGE}/pipelines/registry.py"
    files[path] = (
        b'"""create_model_version"""\n# create_model_version\nx = "create_model_version"\n'
    )
    assert found(files, "model-registered").status == "missing"


def test_a_paused_policy_starts_no_training(complete: Files) -> None:
    files = dict(complete)
    without(POLICY, "pause: false", "pause: true")(files)
    said = found(files, "signal-starts-training")
    assert (said.status, said.reason) == ("missing", f"{POLICY} sets pause to true")


def test_without_a_feature_store_its_criterion_does_not_apply(ladder: Ladder) -> None:
    assert found(tree(ladder.fresh(1)), "feature-freshness-watched").status == "not applicable"


def test_nothing_at_all_is_judged_without_an_error() -> None:
    assert {one.status for one in evaluate({})} == {"met", "missing", "not applicable"}
    assert found({}, "no-carried-artefacts").status == "met"


def test_only_levels_that_were_asked_for_are_judged() -> None:
    assert {one.criterion.level for one in evaluate({}, level=1)} == {0, 1}
