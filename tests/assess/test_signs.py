"""Tests of signs: what only a name speaks for is neither met nor missing."""

import pytest

from mlops_ladder.assess.engine import Assessment, assess
from mlops_ladder.assess.finding import Finding
from mlops_ladder.assess.signs import SIGNS

CI = "on: push\njobs:\n  a:\n    steps:\n    - run: {run}\n"
STARTED = """import sklearn
def {name}(rows):
    {line}
if __name__ == '__main__':
    {name}(1)
    SVC().fit(x)
"""
TEST = "import work\ndef test_it():\n    assert work.{name}(1)\n"
OURS = {".copier-answers.yml": "_commit: v1\n_src_path: gh:mlops-ladder/mlops-ladder\nlevel: 1\n"}
WORKFLOW = ".github/workflows/a.yml"


def started(name: str, line: str = "pass") -> str:
    return STARTED.format(name=name, line=line)


def with_test(name: str) -> dict[str, str]:
    return {"work.py": started(name), "tests/test_a.py": TEST.format(name=name)}


SHOWN: dict[str, dict[str, str]] = {
    "L1-06": {WORKFLOW: CI.format(run="./tools/publish model")},
    "L1-07": with_test("forecast"),
    "L1-11": {"a.py": started("fetch_rows")},
    "L2-02": {"a.py": started("run_pipeline")},
    "L2-03": {"a.py": started("fit", "rows.to_tensorboard()")},
    "L2-07": {"a.py": started("check_schema")},
    "L2-09": {"a.py": started("fit", "baseline = 1")},
    "L2-12": with_test("encode"),
    "L3-01": {"a.py": started("recommend")},
    "L3-03": {WORKFLOW: CI.format(run="ssh me@host ./restart")},
    "L3-05": {WORKFLOW: CI.format(run="pytest")} | with_test("infer"),
    "L3-06": {"a.py": started("fit", "promote_to_use(rows)")},
    "L3-09": {"a.py": started("fit", "previous_model = 1")},
    "L3-11": {"a.py": started("fit", "latency = 1")},
    "L4-13": {"a.py": started("fit", "heartbeat()")},
}


def assessed(files: dict[str, str]) -> Assessment:
    return assess({path: text.encode() for path, text in files.items()})


def found(id: str, files: dict[str, str]) -> Finding:
    return assessed({"train.py": "import sklearn\nSVC().fit(x)\n"} | files).findings[id]


def test_each_sign_has_an_example() -> None:
    assert SHOWN.keys() == SIGNS.keys()


@pytest.mark.parametrize("id", SHOWN)
def test_a_sign_makes_unknown_what_was_not_found(id: str) -> None:
    said = found(id, SHOWN[id])
    assert (said.status, said.unproven) == ("unknown", True), said
    assert said.evidence, "the sign is named"


@pytest.mark.parametrize("id", SHOWN)
def test_without_its_sign_it_is_missing(id: str) -> None:
    assert found(id, {}).status == "missing"


@pytest.mark.parametrize("id", SHOWN)
def test_names_say_nothing_in_our_own_projects(id: str) -> None:
    assert found(id, SHOWN[id] | OURS).status == "missing"


def test_a_sign_keeps_a_level_from_being_reached() -> None:
    profile = assessed({"train.py": "import sklearn\nSVC().fit(x)\n"} | SHOWN["L1-06"]).profile
    assert profile.level == 0
    assert "L1-06" in profile.blocking
