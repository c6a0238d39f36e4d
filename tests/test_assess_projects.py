"""Tests of repositories with several projects, and of those that are none."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from commands import printed, refused
from mlops_ladder.assess.projects import assess_repository, project_folders

TRAIN = b"from sklearn.svm import SVC\n\ndef train(x, y):\n    return SVC().fit(x, y)\n"
TEST = b"from model import train\n\ndef test_it():\n    assert train(1, 2) == 3\n"
PACKAGE = b'[project]\nname = "one"\n'


def package(folder: str, code: bytes = TRAIN) -> dict[str, bytes]:
    """Return the files of a package."""
    return {f"{folder}/pyproject.toml": PACKAGE, f"{folder}/model.py": code}


def folders(files: Mapping[str, bytes]) -> list[str]:
    """Return the projects, the one of the headline first."""
    return [one.folder for one in assess_repository(files, {k: len(v) for k, v in files.items()})]


def test_the_one_that_trains_is_in_the_headline() -> None:
    files = package("packages/app", b"print(1)\n") | package("packages/model")
    assert folders(files) == ["packages/model", "packages/app"]


@pytest.mark.parametrize(
    "files",
    [
        package("model"),
        package("a", b"print(1)\n") | package("b", b"print(2)\n"),
        package("a") | package("b") | {"pyproject.toml": PACKAGE, "src/whole.py": b"x = 1\n"},
        package("src/a") | {"tests/b/setup.py": b"", "tests/b/c.py": TRAIN},
        package("a") | {"docs/pyproject.toml": PACKAGE, "docs/conf.py": TRAIN},
        package("a") | {"a/b/setup.py": b"", "a/b/c.py": TRAIN},
        {"a/requirements.txt": b"x", "a/a.py": TRAIN, "b/requirements.txt": b"x", "b/b.py": TRAIN},
        {"a/pyproject.toml": b"[tool.ruff]\n", "a/a.py": TRAIN} | package("b"),
    ],
)
def test_parts_of_a_project_are_no_projects(files: dict[str, bytes]) -> None:
    assert project_folders(files) == []
    assert folders(files) == [""]


def test_in_a_course_a_folder_with_a_readme_and_requirements_is_a_project() -> None:
    files = {
        f"{week}/{name}": body
        for week in ("week-1", "week-2")
        for name, body in {"README.md": b"", "requirements.txt": b"x", "a.py": TRAIN}.items()
    }
    assert project_folders(files) == ["week-1", "week-2"]


def test_each_is_judged_by_its_own_files_and_the_ci_of_all() -> None:
    ci = b"on: push\njobs:\n  t:\n    steps:\n    - run: make -C packages/a test\n"
    own = {"packages/a/Makefile": b"test:\n\tpytest\n", "packages/a/test_model.py": TEST}
    files = package("packages/a") | package("packages/b") | own | {".github/workflows/ci.yml": ci}
    first, second = assess_repository(files, {path: len(files[path]) for path in files})
    assert (first.folder, second.folder) == ("packages/a", "packages/b")
    assert first.assessment.findings["L1-03"].evidence[0].path == "packages/a/test_model.py"
    assert first.assessment.findings["L1-04"].status == "met"
    assert first.assessment.findings["L1-04"].evidence[0].path == ".github/workflows/ci.yml"
    assert second.assessment.findings["L1-03"].status == "missing"
    assert second.assessment.findings["L1-04"].status == "missing"


def test_the_command_lists_them(tmp_path: Path) -> None:
    written(tmp_path, package("a") | package("b", b"print(1)\n"))
    lines = printed("assess", ".", cwd=tmp_path, COLUMNS="300").splitlines()
    assert lines[0] == "Projects  2"
    assert lines[1].startswith("  a   level 0   training 0 of 4")
    assert lines[2].startswith("  b   level 0   trains nothing")
    assert lines[3] == "  The rest is about a"
    said = json.loads(printed("assess", ".", "--json", cwd=tmp_path))
    assert said["project"] == "a"
    assert [one["folder"] for one in said["projects"]] == ["a", "b"]
    assert said["criteria"] == said["projects"][0]["criteria"]


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder, and return it."""
    for path, body in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(body)
    return folder


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "There is nothing to assess: no file is here"),
        (
            {"README.md": b"# Notes", "tool.py": b"import json\n\nprint(json.dumps({}))\n"},
            "This is no ML repository: nothing fits a model. Level 0",
        ),
        ({"R/fit.R": b"m <- lm(y ~ x)", "DESCRIPTION": b""}, "The level is unknown: code in R"),
        ({"src/a.jl": b"", "b.scala": b""}, "The level is unknown: code in Julia and Scala"),
        ({"R/fit.R": b"lm(y ~ x)", "model.py": TRAIN}, "Level 0; level 1 is blocked by L1-01"),
    ],
    ids=["empty", "no ML", "R", "two languages", "R and Python"],
)
def test_what_cannot_be_judged_is_said_and_nothing_is_proposed(
    files: dict[str, bytes], said: str, tmp_path: Path
) -> None:
    folder = written(tmp_path, files)
    shown = printed("assess", ".", cwd=folder, COLUMNS="300")
    assert any(line.startswith(said) for line in shown.splitlines())
    assert ("Next steps" in shown) is ("model.py" in files)
    assert ("Level 1 " in shown) is ("model.py" in files)
    found = json.loads(printed("assess", ".", "--json", cwd=folder))["criteria"]
    (package,) = [one for one in found if one["id"] == "L1-01"]
    assert package["status"] == ("unknown" if "unknown" in said else "missing")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("gone", "error: gone does not exist: name the folder of a repository\n"),
        ("file", "error: file is a file: name the folder of a repository\n"),
        ("loop", "error: loop does not exist: name the folder of a repository\n"),
        ("x" * 5_000, "error: "),
    ],
)
def test_a_path_that_cannot_be_read_is_one_line(path: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    said = refused("assess", path, cwd=tmp_path)
    assert said.startswith(told)
    assert said.count("\n") == 1


def test_a_folder_that_may_not_be_listed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mlops_ladder.inspection.walk.os.scandir", forbidden)
    assert refused("assess", ".", cwd=tmp_path) == "error: . cannot be read: Permission denied\n"


def test_brackets_in_texts_are_no_nesting() -> None:
    code = b"from sklearn.svm import SVC\n\n" + b"x = '['\n" * 200 + b"SVC().fit([], [])\n"
    (found,) = assess_repository({"a.py": code}, {"a.py": len(code)})
    assert found.assessment.notes == []
    deep = code + b"y = " + b"(" * 5_000
    (found,) = assess_repository({"a.py": deep}, {"a.py": len(deep)})
    assert found.assessment.notes == ["a.py is no Python that can be read: it is nested too deep"]


def test_a_long_command_does_not_hang() -> None:
    run = b"docker run " + b"-a b " * 600
    ci = b"on: push\njobs:\n  t:\n    steps:\n    - run: " + run + b"\n"
    files = {".github/workflows/ci.yml": ci, "model.py": TRAIN}
    (found,) = assess_repository(files, {path: len(files[path]) for path in files})
    assert found.assessment.findings["L1-05"].status == "missing"
