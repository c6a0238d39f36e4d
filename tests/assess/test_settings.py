"""Tests of what a team says: criteria to ignore, and facts that files cannot show."""

import json
from pathlib import Path

import pytest

from assess.twins import GITLAB_TESTS, TESTED, TRAIN, tree
from commands import printed, refused

# What starts Cloud Build is set outside of the repository, so the files do not show it.
UNSEEN = {
    "cloudbuild.yaml": "steps:\n  - name: python\n    entrypoint: sh\n    args: [-c, pytest]\n",
    "setup.cfg": "[metadata]\nname = churn\n",
}
FACT = '[stated]\nL1-04 = "a trigger on each push"\n'


def written(folder: Path, *parts: dict[str, str]) -> Path:
    """Write files into a folder."""
    for path, body in tree(*parts).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(body)
    return folder


def entry(folder: Path, id: str) -> dict[str, object]:
    """Return the entry of a criterion in the JSON document."""
    document = json.loads(printed("assess", "--json", cwd=folder))
    (found,) = [one for one in document["criteria"] if one["id"] == id]
    return {key: found[key] for key in ("status", "stated", "ignored", "reason")}


def test_what_files_cannot_show_counts_if_it_is_stated(tmp_path: Path) -> None:
    written(tmp_path, TRAIN, TESTED, UNSEEN)
    assert entry(tmp_path, "L1-04")["status"] == "unknown"
    (tmp_path / ".mlops-ladder.toml").write_text(FACT)
    assert entry(tmp_path, "L1-04") == {
        "status": "met",
        "stated": True,
        "ignored": False,
        "reason": "stated, not seen: a trigger on each push",
    }


def test_what_is_stated_is_marked_in_each_form(tmp_path: Path) -> None:
    written(tmp_path, TRAIN, TESTED, UNSEEN, {".mlops-ladder.toml": FACT})
    page = tmp_path / "page.html"
    said = printed("assess", "--html", page, cwd=tmp_path, COLUMNS="300")
    (line,) = [one for one in said.splitlines() if one.lstrip().startswith("L1-04")]
    assert line.split()[1] == "stated"
    assert "stated, not seen: a trigger on each push" in line
    assert '<span class="status stated">stated</span>' in page.read_text()
    log = json.loads(printed("assess", "--sarif", cwd=tmp_path))["runs"][0]
    (result,) = [one for one in log["results"] if one["ruleId"] == "L1-04"]
    assert (result["kind"], result["level"]) == ("informational", "none")
    assert "stated, not seen" in result["message"]["text"]


def test_what_files_show_to_be_missing_cannot_be_stated(tmp_path: Path) -> None:
    off = GITLAB_TESTS | {".gitlab-ci.yml": "test:\n  script: [tox]\n  allow_failure: true\n"}
    written(tmp_path, TRAIN, TESTED, off, {".mlops-ladder.toml": FACT})
    found = entry(tmp_path, "L1-04")
    assert (found["status"], found["stated"]) == ("missing", False)
    assert "does not count, as files show it: a trigger on each push" in str(found["reason"])
    assert "does not count" in printed("assess", cwd=tmp_path)


def test_what_is_seen_needs_no_statement(tmp_path: Path) -> None:
    written(tmp_path, TRAIN, TESTED, GITLAB_TESTS, {".mlops-ladder.toml": FACT})
    assert entry(tmp_path, "L1-04") == {
        "status": "met",
        "stated": False,
        "ignored": False,
        "reason": "",
    }


def test_a_criterion_is_ignored_for_a_reason_in_either_file(tmp_path: Path) -> None:
    project = '[project]\nname = "a"\n[tool.mlops-ladder.ignore]\nunit-tests = "a study"\n'
    written(tmp_path, {"pyproject.toml": project})
    assert entry(tmp_path, "L1-03")["reason"] == "ignored: a study"
    log = json.loads(printed("assess", "--sarif", cwd=tmp_path))["runs"][0]
    (result,) = [one for one in log["results"] if one["ruleId"] == "L1-03"]
    assert result["suppressions"] == [{"kind": "external", "justification": "ignored: a study"}]
    assert "L1-03" not in json.loads(printed("assess", "--json", cwd=tmp_path))["blocking"]
    written(tmp_path, {".mlops-ladder.toml": '[ignore]\nL1-04 = "no CI"\n'})
    assert entry(tmp_path, "L1-03")["ignored"] is False  # the file of its own stands alone
    assert entry(tmp_path, "L1-04")["ignored"] is True


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[ignored]\nL1-04 = 'x'\n", "there is no table ignored. Take ignore or stated"),
        ("stated = 'L2-08'\n", "stated is no table"),
        ("[stated]\nL2-99 = 'x'\n", "there is no criterion L2-99"),
        ("[stated]\nL2-08 = true\n", "L2-08 has no reason"),
        ("[stated]\nL2-08 = ' '\n", "L2-08 has no reason"),
        ("[stated\n", ".mlops-ladder.toml"),
    ],
)
def test_settings_that_say_nothing_are_named(text: str, named: str, tmp_path: Path) -> None:
    (tmp_path / ".mlops-ladder.toml").write_text(text)
    said = refused("assess", cwd=tmp_path)
    assert said.count("\n") == 1
    assert said.startswith("error: .mlops-ladder.toml: ")
    assert named in said
