"""Tests of `assess` on files that may be anything, and of its command."""

import json
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands import printed
from mlops_ladder.assess.engine import assess
from mlops_ladder.inspection.walk import read_folder

PATHS = [
    *(".github/workflows/ci.yml", "pyproject.toml", "train.py", "notebook.ipynb", "Makefile"),
    *("dvc.yaml", "src/a/__init__.py", "tests/test_a.py", ".gitlab-ci.yml", "Jenkinsfile"),
    *("requirements.txt", "uv.lock", "Dockerfile", "package.json", "tox.ini", "deploy/a.yaml"),
    *("justfile", "mise.toml", "azure-pipelines.yml", "retraining.yaml", "conda.yml", "noxfile.py"),
]
BODIES = [
    b"", b"\x00\xff\xfe", b"\xef\xbb\xbfimport sklearn", b"a: [", b"a: &a [*a]\nb: *a\n", b"[tool]\nx =",
    b"[" * 5000, b"{" * 5000, b"print 'python 2'\n", b"on: push\njobs:\n  a: 3\n  b: {steps: [1, {run: [2]}]}\n",
    b'{"cells": [{"cell_type": "code", "source": 3}, 4, {"cell_type": "code", "source": ["%magic\\n", "x ="]}]}',
    b'{"cells": 3}', b"[]", b"stages:\n  a: {cmd: [make a, 3]}\n", b"a: make a\nmake a:\n\tmake a\n",
    b"a:\n\t$(MAKE) a\nX = $(X)\nb: $(X)\n\t$(if $(X\n", b"jobs: {a: {uses: ./.github/workflows/ci.yml}}\n",
    b"import sklearn\nmodel.fit(1)\n" * 200, b"match x:\n  case 1: pass\ntype A[T] = int\n",
    b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(b"%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c]\n" % ((98 + i, 98 + i) + (97 + i,) * 6) for i in range(12)),
    b"kind: CronJob\nspec: []\n", b"receivers: [{webhook_configs: 3}]\ngroups: 3\n", b"!!python/object:os.system x",
    b"lambda: " * 3000, b"version: 1\npause: true\nx: {y: {z: [1, [2, {a: b}]]}}\n", b"node { sh 'make' }",
]  # fmt: skip


@settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    st.dictionaries(
        st.sampled_from(PATHS), st.one_of(st.sampled_from(BODIES), st.binary(max_size=200))
    )
)
def test_no_file_is_too_broken_to_be_assessed(files: dict[str, bytes]) -> None:
    found = assess(files)
    assert [
        one.reason for one in found.findings.values() if "could not be looked" in one.reason
    ] == []
    assert 0 <= found.profile.level <= 4


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_one_content_in_every_file_is_no_error(body: bytes) -> None:
    found = assess(dict.fromkeys(PATHS, body))
    assert [
        one.reason for one in found.findings.values() if "could not be looked" in one.reason
    ] == []


@pytest.mark.parametrize("version", [2, 4])
def test_what_git_keeps_is_not_ignored(version: int, tmp_path: Path) -> None:
    for name in ("build/train.py", "build/other.py", "long/er/name.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".gitignore").write_text("build/\n*.log\n")
    git = ["git", "-C", str(tmp_path), "-c", f"index.version={version}"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run(
        [*git, "add", "-f", ".gitignore", "build/train.py", "long/er/name.log"], check=True
    )
    tree = read_folder(tmp_path)
    assert sorted(tree) == [".gitignore", "build/train.py", "long/er/name.log"]
    assert tree.left_out["git-ignored"] == 1
    (tmp_path / ".git" / "index").write_bytes(b"DIRC\x00\x00\x00\x02\x00\x00\xff\xff broken")
    assert sorted(read_folder(tmp_path)) == [".gitignore"]


def test_nothing_outside_of_the_folder_is_read(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "train.py").write_text("import sklearn\nmodel.fit(x)\n")
    os.symlink(outside, inside / "folder")
    os.symlink(outside / "train.py", inside / "train.py")
    os.symlink(inside, inside / "loop")
    os.mkfifo(inside / "pipe.py")
    tree = read_folder(inside)
    assert dict(tree) == {}
    assert tree.left_out["symbolic links"] == 3


def test_what_is_ignored_vendored_or_a_template_is_left_out_and_counted(tmp_path: Path) -> None:
    for path in (
        "node_modules/a.py",
        "out/a.py",
        "kept/a.py",
        "kept/env/pyvenv.cfg",
        "{{x}}/a.py",
        "a.py.jinja",
        "a_pb2.py",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x = 1\n")
    (tmp_path / ".gitignore").write_text("out/\n*.log\n!kept.log\n")
    (tmp_path / "kept.log").write_text("")
    (tmp_path / "other.log").write_text("")
    tree = read_folder(tmp_path)
    assert set(tree) == {".gitignore", "kept/a.py", "kept.log"}
    assert dict(tree.left_out) == {
        "git-ignored": 2, "vendored folders": 2, "template folders": 1, "template files": 1, "generated files": 1,
    }  # fmt: skip


def test_the_command_prints_a_table_a_document_and_files(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "from sklearn.svm import SVC\n\nSVC().fit([[0], [1]], [0, 1])\n"
    )
    badge, page = tmp_path / "badge.svg", tmp_path / "page.html"
    said = printed("assess", ".", "--badge", badge, "--html", page, cwd=tmp_path)
    assert "Level 0; level 1 is blocked by L1-01" in said
    assert "train.py:3" in said
    assert ElementTree.fromstring(badge.read_text()).tag.endswith("svg")
    assert "http" not in page.read_text().replace("http://www.w3.org", "")
    document = json.loads(printed("assess", "--json", cwd=tmp_path))
    assert (document["schema"], document["level"], len(document["criteria"])) == (1, 0, 61)
    log = json.loads(printed("assess", "--sarif", cwd=tmp_path))
    assert {one["ruleId"] for one in log["runs"][0]["results"]} >= {"L1-01", "L1-03"}
