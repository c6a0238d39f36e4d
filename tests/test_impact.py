"""Tests of the impact of a migration: dependencies, commands, services, secrets and schedules."""

from dataclasses import asdict
from typing import Any

import pytest

from mlops_ladder.inspection.impact import Difference, Impact, compute_impact, in_words
from mlops_ladder.inspection.repository import Repository
from projects import Ladder, tree

COMPOSE = "deploy/compose/compose.yaml"
TRAIN = ".github/workflows/train.yml"


def names(found: Difference[Any]) -> list[str]:
    """Return the names of what is added."""
    return [one.name for one in found.added]


@pytest.fixture(scope="module")
def trees(ladder: Ladder) -> dict[int, dict[str, bytes]]:
    """Return the files of a project at each level that the tests use."""
    return {level: tree(ladder.fresh(level)) for level in (1, 2, 3, 4)}


@pytest.fixture(scope="module")
def to_serving(trees: dict[int, dict[str, bytes]]) -> Impact:
    """Return the impact of climbing from level 2 to 3."""
    return compute_impact(trees[2], trees[3])


def test_nothing_arrives_where_nothing_changes(trees: dict[int, dict[str, bytes]]) -> None:
    found = compute_impact(trees[4], trees[4])
    parts = (found.dependencies, found.commands, found.services, found.secrets, found.schedules)
    assert not any(parts)
    assert not found.notes


def test_dependencies_are_named_with_their_table(to_serving: Impact) -> None:
    found = {(one.table, one.requirement) for one in to_serving.dependencies.added}
    assert ("project.optional-dependencies.serving", "skl2onnx>=1.20") in found
    assert ("dependency-groups.service", "uvloop>=0.21; sys_platform != 'win32'") in found
    assert not to_serving.dependencies.removed


def test_commands_come_with_their_help(to_serving: Impact) -> None:
    found = {one.name: one.help for one in to_serving.commands.added}
    assert found["rollback"] == "Return to the previous release"
    assert "apply-machine" not in found  # it has no help: it is not meant for people
    assert "test" not in found


def test_services_come_with_what_they_are_made_from(to_serving: Impact) -> None:
    found = {one.name: one for one in to_serving.services.added}
    assert found["service"].image == "built from Dockerfile"
    assert found["service"].ports == ["127.0.0.1:8000:8000"]
    assert found["mlflow"].image == "built from Dockerfile"
    assert found["postgres"].image.startswith("postgres:")
    assert not any(one.by_hand for one in found.values())


def test_a_file_that_adds_to_a_service_brings_no_other_one(
    trees: dict[int, dict[str, bytes]],
) -> None:
    found = compute_impact(trees[3], trees[4]).services
    assert [(one.name, one.by_hand) for one in found.added] == [("retraining", True)]
    assert not found.changed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "service"),
    [
        ("kubernetes", ("Deployment", ["8000"])),
        ("kserve", ("InferenceService", ["8080"])),
        ("seldon", ("Server", [])),
    ],
)
def test_a_cluster_s_workloads_schedules_and_secrets_are_found(
    ladder: Ladder,
    trees: dict[int, dict[str, bytes]],
    target: str,
    service: tuple[str, list[str]],
) -> None:
    found = compute_impact(trees[2], tree(ladder.fresh(4, deploy_target=target)))
    kinds = {one.name: (one.kind, one.ports) for one in found.services.added}
    assert kinds == {"service": service, "retraining": ("CronJob", [])}
    schedules = {one.name: one.when for one in found.schedules.added}
    assert schedules["retraining"] == "every 15 minutes"
    assert schedules["Retrain"] == "every hour, 23 minutes past"
    assert {"KUBE_CONFIG", "secret/service", "secret/retraining"} <= {*names(found.secrets)}


def test_secrets_come_with_what_needs_them(to_serving: Impact) -> None:
    found = {one.name: one.needed_by for one in to_serving.secrets.added}
    workflow = ".github/workflows/deploy-compose.yml"
    assert found["SERVICE_TOKEN"] == [workflow, COMPOSE]
    assert found["POSTGRES_PASSWORD"] == [COMPOSE]
    assert found["ALERT_WEBHOOK_FILE"] == [COMPOSE]
    assert "LIVE" not in found  # it has a default
    assert "MLFLOW_TRACKING_USERNAME" not in found  # it was needed before


def test_what_github_gives_by_itself_is_no_secret() -> None:
    used = "${{ secrets.GITHUB_TOKEN }} ${{ secrets['DEPLOY_KEY'] }}"
    text = f'on: push\njobs: {{a: {{steps: [{{run: "{used}"}}]}}}} # secrets.COMMENT\n'
    assert names(compute_impact({}, {TRAIN: text.encode()}).secrets) == ["DEPLOY_KEY"]


def test_variables_that_compose_demands_are_told() -> None:
    text = b"services: {a: {image: '${IMAGE:?is not set}', command: '$${NOT:?ours} ${OPEN:-x}'}}"
    assert names(compute_impact({}, {COMPOSE: text}).secrets) == ["IMAGE"]


def test_schedules_are_told_in_words(trees: dict[int, dict[str, bytes]]) -> None:
    found = compute_impact(trees[1], trees[2]).schedules.added
    assert [(one.name, one.when) for one in found] == [("Train", "every Monday at 04:17 UTC")]


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("20 5 * * *", "every day at 05:20 UTC"),
        ("0 0 * * 7", "every Sunday at 00:00 UTC"),
        ("7 * * * *", "every hour, 7 minutes past"),
        ("*/15 * * * *", "every 15 minutes"),
        ("0 4 1 * *", "0 4 1 * * UTC"),
        ("0 4 * * 1-5", "0 4 * * 1-5 UTC"),
        ("0 */6 * * *", "0 */6 * * * UTC"),
        ("@daily", "@daily"),
    ],
)
def test_cron_in_words(cron: str, words: str) -> None:
    assert in_words(cron, "UTC") == words


def test_going_down_takes_what_climbing_brought(trees: dict[int, dict[str, bytes]]) -> None:
    up, down = compute_impact(trees[1], trees[4]), compute_impact(trees[4], trees[1])
    for name in ("dependencies", "commands", "services", "secrets", "schedules"):
        added, removed = getattr(up, name).added, getattr(down, name).removed
        assert added, name
        assert sorted(map(str, added)) == sorted(map(str, removed)), name


def test_what_changes_is_told_as_it_was_and_will_be() -> None:
    before = {"Makefile": b"test: ## Run some\n\tpytest\n"}
    after = {"Makefile": b"test: ## Run all\n\tpytest\n"}
    ((old, new),) = compute_impact(before, after).commands.changed
    assert (old.help, new.help) == ("Run some", "Run all")


@pytest.mark.parametrize(
    ("path", "broken", "told"),
    [
        ("pyproject.toml", b"[tool.ruff]\n[tool.ruff]\n", "line 2"),
        ("pyproject.toml", b"\xff\xfe\x00", "no TOML"),
        ("pyproject.toml", b"[project]\ndependencies = ['what is?']", "'what is?'"),
        (TRAIN, b"on: [push\njobs: {}\n", "no YAML: line 2"),
        (TRAIN, b"a: 2026-99-99", "no YAML"),
        (COMPOSE, b"services: {a: {image: x}", "no YAML"),
    ],
)
def test_what_cannot_be_read_is_a_note(path: str, broken: bytes, told: str) -> None:
    (note,) = compute_impact({}, {path: broken}).notes
    assert note.startswith(path)
    assert told in note


@pytest.mark.parametrize("path", ["pyproject.toml", TRAIN, COMPOSE, "Makefile"])
@pytest.mark.parametrize(
    "odd", [b"", b"x = 1", b"[]", b"- 1\n- [2]", b"on: 5\njobs: 6", b"services: [a]", b"a:\n\tb"]
)
def test_files_of_another_shape_bring_nothing(path: str, odd: bytes) -> None:
    found = compute_impact({}, {path: odd})
    assert not (found.dependencies or found.services or found.secrets or found.schedules)


def test_compose_s_own_tags_are_read() -> None:
    text = b"services: {web: {image: nginx, ports: !override ['80:80'], command: !reset null}}"
    (service,) = compute_impact({}, {COMPOSE: text}).services.added
    assert (service.image, service.ports) == ("nginx", ["80:80"])


def test_both_sides_of_a_conflict_count() -> None:
    before = b'[project]\ndependencies = [\n    "numpy",\n    "mine",\n]\n'
    after = before.replace(
        b'    "mine",\n',
        b'<<<<<<< yours\n    "mine",\n=======\n    "theirs",\n>>>>>>> level-3\n',
    )
    found = compute_impact({"pyproject.toml": before}, {"pyproject.toml": after})
    assert names(found.dependencies) == ["theirs"]
    assert not found.dependencies.removed
    assert not found.notes


def test_all_of_it_is_data(to_serving: Impact) -> None:
    assert asdict(to_serving)["schedules"]["added"][0]["cron"] == "41 5 * * *"


def test_double_colon_rules_are_one_command() -> None:
    makefile = b"setup:: ## Install\n\tuv sync\n"
    more = b"setup::\n\tpre-commit install\n"
    repository = Repository({"Makefile": makefile, "make/ci.mk": more})
    assert repository.targets["setup"].help == "Install"
    assert repository.targets["setup"].file == "Makefile"
    assert repository.targets["setup"].recipe == "uv sync\npre-commit install"
