"""Tests of the template: it stays readable, and copier needs no trust to render it."""

import ast
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
import yaml

from projects import LEVELS, REPOSITORY, Ladder, tree
from tools import installed, passes

CONTROL = re.compile(r"{%-?\s*(if|elif|else|endif|for|endfor|set|include|macro)\b")
# GitHub uses ${{ }}, Prometheus {{ $labels }}, and Grafana {{version}}.
JINJA = re.compile(r"{%|{#|(?<!\$){{ [a-z_]")
OF_THE_PROJECT = "monitoring/page.html"  # Jinja that the project itself renders, not copier
WHOLE_PIECES = re.compile(r"^(src/.*\.py|\.github/.*|\.gitlab.*|jenkins/.*|rules/.*|deploy/.*)$")


def control_lines(text: str) -> list[str]:
    """Return the lines with Jinja's control structures."""
    return [line for line in text.splitlines() if CONTROL.search(line)]


def test_few_lines_control_and_most_files_have_none(ladder: Ladder) -> None:
    files = ladder.template_files
    controls = {name: len(control_lines(text)) for name, text in files.items()}
    lines = sum(len(text.splitlines()) for text in files.values())
    assert sum(controls.values()) / lines <= 0.04
    assert sum(not count for count in controls.values()) / len(files) >= 0.80


def test_conditions_nest_one_level_and_speak_names(ladder: Ladder) -> None:
    for name, text in ladder.template_files.items():
        if name.endswith(OF_THE_PROJECT):
            continue
        depth = 0
        for keyword in re.findall(r"{%-?\s*(\w+)", text):
            depth += {"if": 1, "for": 1, "endif": -1, "endfor": -1}.get(keyword, 0)
            assert depth <= 1, f"{name} nests conditions"
        tags = re.findall(r"{%.*?%}", text)
        assert not any(re.search(r"level\s*[<>=!]|\braw\b", tag) for tag in tags), name


def test_dashes_are_not_needed(ladder: Ladder) -> None:
    for name, text in ladder.template_files.items():
        assert "{%-" not in text and "-%}" not in text, name


def test_whole_pieces_hold_no_jinja(ladder: Ladder) -> None:
    pieces = list(filter(WHOLE_PIECES.match, ladder.template_files))
    assert pieces
    for name in pieces:
        assert not JINJA.search(ladder.template_files[name]), name


def test_jinja_suffix_exactly_where_jinja_is(ladder: Ladder) -> None:
    for name, text in ladder.template_files.items():
        uses_jinja = bool(JINJA.search(text)) and not name.endswith(OF_THE_PROJECT)
        assert name.endswith(".jinja") == uses_jinja, name


def test_a_test_file_holds_one_variable_the_package_name(ladder: Ladder) -> None:
    for name, text in ladder.template_files.items():
        if name.startswith("tests/"):
            assert set(re.findall(r"{{\s*(.*?)\s*}}", text)) <= {"package_name"}, name
            assert not control_lines(text), name


def test_no_condition_stands_in_a_file_name(ladder: Ladder) -> None:
    assert not [name for name in ladder.template_files if "{%" in name]


def test_pyproject_stays_short(ladder: Ladder) -> None:
    assert len(ladder.template_files["pyproject.toml.jinja"].splitlines()) <= 150


@pytest.mark.parametrize("level", LEVELS)
def test_no_jinja_is_left_in_what_is_generated(ladder: Ladder, level: int) -> None:
    for file in ladder.fresh(level).rglob("*"):
        if file.is_file() and not file.as_posix().endswith(OF_THE_PROJECT):
            assert not JINJA.search(file.read_text()), file


@pytest.mark.parametrize(
    "package_name",
    [
        "taxi_ride_duration",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ["x", "y" * 30]),
    ],
)
def test_what_is_generated_is_in_shape(ladder: Ladder, package_name: str) -> None:
    """The length of the package's name, which imports contain, must not matter."""
    project = str(ladder.fresh(LEVELS[-1], package_name=package_name))
    passes(installed("ruff"), "check", "--no-cache", project)
    passes(installed("ruff"), "format", "--no-cache", "--check", project)


def test_docstrings_are_checked_but_for_the_words_of_a_notebook(
    ladder: Ladder, tmp_path: Path
) -> None:
    shutil.copy(ladder.fresh(1) / "pyproject.toml", tmp_path)
    (tmp_path / "src/rides").mkdir(parents=True)
    for name in ("problem.py", "train.py"):
        (tmp_path / "src/rides" / name).write_text("def load() -> int:\n    return 1\n")
    ruff = [installed("ruff"), "check", "--no-cache", "--output-format=concise", str(tmp_path)]
    found = subprocess.run(ruff, capture_output=True, text=True).stdout
    assert re.findall(r"(\w+\.py):\S+ (\w+)", found) == [("train.py", "D100"), ("train.py", "D103")]


def test_nobody_needs_to_trust() -> None:
    """Copier asks for trust only for tasks, migrations and extensions."""
    texts = [REPOSITORY / "copier.yml", *(REPOSITORY / "levels").glob("*.yml")]
    for file in texts:
        keys = set(re.findall(r"^(_\w+):", file.read_text(encoding="utf-8"), re.MULTILINE))
        assert not keys & {"_tasks", "_migrations", "_jinja_extensions", "_external_data"}, file


def test_a_level_file_holds_its_flag_its_questions_and_its_pieces() -> None:
    for file in (REPOSITORY / "levels").glob("*.yml"):
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        settings = {key for key in content if key.startswith("_")}
        assert settings == {"_exclude"}, file
        number = int(file.name.partition("-")[0])
        flags = [key for key, question in content.items() if key[0] != "_" and not asked(question)]
        assert len(flags) == (1 if number else 0), file
        for flag in flags:
            assert content[flag]["default"] == f"{{{{ level >= {number} }}}}"


def asked(question: dict[str, object]) -> bool:
    """Tell whether a question is asked at all."""
    return question.get("when") is not False


def test_only_the_problem_knows_what_it_is_about(ladder: Ladder) -> None:
    """Another problem needs one file only, so no other module mentions taxis."""
    words = re.compile(r"taxi|\bride|\btrip|\btlc\b|\bzones?\b|_zone|_minutes", re.IGNORECASE)
    for name, text in ladder.template_files.items():
        if name.startswith(("src/", "tests/")) and not name.endswith("/problem.py"):
            found = [line for line in text.splitlines() if words.search(line)]
            assert not found, f"{name}: {found}"


def test_the_marked_cells_of_the_notebook_are_the_problem(ladder: Ladder) -> None:
    """The notebook's functions are those of the package."""
    notebook = json.loads(ladder.template_files["notebook.ipynb"])
    cells = [c for c in notebook["cells"] if "problem" in c["metadata"].get("tags", [])]
    source = "\n\n".join("".join(cell["source"]) for cell in cells)
    module = ast.parse(ladder.template_files["src/{{package_name}}/problem.py"]).body[1:]

    cells_hold, module_holds = (
        {ast.dump(statement): ast.unparse(statement) for statement in body}
        for body in (ast.parse(source).body, module)
    )
    assert cells_hold.keys() <= module_holds.keys()
    beyond = [module_holds[statement] for statement in module_holds.keys() - cells_hold.keys()]
    names = {statement.partition(":")[0].partition(" =")[0] for statement in beyond}
    assert names == {"SEARCH_SPACE", "TRUSTED_TYPES"}  # the notebook does not use them


def test_the_notebook_keeps_its_format_and_tells_three_stages(ladder: Ladder) -> None:
    notebook = nbformat.reads(ladder.template_files["notebook.ipynb"], as_version=4)
    nbformat.validate(notebook)
    headings = [cell.source.split("\n")[0] for cell in notebook.cells if cell.source[:3] == "## "]
    assert headings == ["## Design", "## Train", "## Operate", "## What next?"]


def test_the_notebook_is_shipped_without_outputs(ladder: Ladder) -> None:
    for cell in json.loads(ladder.template_files["notebook.ipynb"])["cells"]:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_nothing_names_a_machine_or_an_index(ladder: Ladder) -> None:
    forbidden = re.compile(rb"pythonhosted|extra-index|pypi[.]org/simple|/root/|/home/")
    for name, body in tree(ladder.template).items():
        if name != f"tests/{Path(__file__).name}":
            assert not forbidden.search(body), name


@pytest.mark.parametrize(
    ("settings", "preparation", "expected"),
    [
        ([], "git init -q", True),
        (["HOOKS="], "git init -q", False),
        (["CI=true"], "git init -q", False),
        ([], "git init -q && git config core.hooksPath hooks", False),
        ([], "git init -q ..", False),
        ([], "true", False),
    ],
    ids=["at the top", "HOOKS=", "in CI", "hooks elsewhere", "in a subfolder", "without git"],
)
def test_setup_installs_the_commit_hook_where_it_can_work(
    settings: list[str], preparation: str, expected: bool, ladder: Ladder, tmp_path: Path
) -> None:
    project = tmp_path / "around/project"
    shutil.copytree(ladder.fresh(1), project)
    subprocess.run(["bash", "-c", preparation], cwd=project, check=True)
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "MAKEFLAGS"}}
    printed = subprocess.run(
        ["make", "setup", "uv=true", "RUN=echo", *settings],
        cwd=project,
        env=kept,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert ("pre-commit install" in printed.splitlines()) == expected
