"""Tests of cookiecutter: it asks the questions of copier, and generates the same project."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml
from pytest_cookies.plugin import Cookies

from projects import LEVEL_FILES, LEVELS, REPOSITORY, Ladder, answers_of, commit_all, git, tree

ANSWERS: dict[str, dict[str, str]] = {
    "defaults": {},
    "special characters": {
        "project_name": 'Bäume & "Blätter" 🌳',
        "description": 'C:\\new """ # 100 %: it\'s <b>{fine}</b> = \\',
        "author_name": "Ada O'Hara שלום",
        "author_email": "ada@example.org",
        "license": "MIT",
    },
    "no CI": {
        "license": "Apache-2.0",
        "ci_provider": "none",
        "package_name": "x",
        "deploy_target": "kubernetes",
    },
}
OTHER_LICENCES = ["BSD-3-Clause", "GPL-3.0-or-later"]
PROJECT_NAMES = ["2048", "Bäume & Blätter", "JSON", "🌳", "ab " * 26, "İstanbul"]

UNASKED = {"data_file"}  # answered by mlops-ladder new --from alone


def settings() -> dict[str, Any]:
    """Return the settings of copier.yml and of the level files."""
    main = (REPOSITORY / "copier.yml").read_text(encoding="utf-8").partition("\n---\n")[0]
    texts = [main, *(file.read_text(encoding="utf-8") for file in LEVEL_FILES)]
    return {name: value for text in texts for name, value in yaml.safe_load(text).items()}


@pytest.fixture(scope="module")
def questions() -> dict[str, dict[str, Any]]:
    """Return copier's questions, in order."""
    return {
        name: question
        for name, question in settings().items()
        if not name.startswith("_") and question.get("when") is not False and name not in UNASKED
    }


@pytest.fixture(scope="module")
def menu() -> dict[str, str]:
    """Return the title of each level by its number."""
    ladder = settings()["ladder"]["default"]
    return {str(number): level["title"] for number, level in ladder.items()}


@pytest.fixture(scope="module")
def asked() -> dict[str, Any]:
    """Return cookiecutter's questions, in order."""
    everything = json.loads((REPOSITORY / "cookiecutter.json").read_text(encoding="utf-8"))
    return {name: value for name, value in everything.items() if not name.startswith("_")}


@pytest.fixture
def baker(ladder: Ladder, cookies: Cookies, monkeypatch: pytest.MonkeyPatch) -> Cookies:
    """Provide cookiecutter within this process."""
    # The plug-in evaluates the questions without the path that cookiecutter adds.
    monkeypatch.syspath_prepend(str(ladder.template))
    return cookies


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Return an environment without the user's settings, caches and clones."""
    folder = tmp_path / "home"
    folder.mkdir()
    return {**os.environ, "HOME": str(folder), "COPIER_CACHE_DIR": str(folder / "cache")}


def run_cookiecutter(
    folder: Path,
    template: Path | str,
    *arguments: str,
    environment: Mapping[str, str],
    python: Path | str = sys.executable,
    typed: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run cookiecutter in a folder; it asks nothing unless input is `typed`."""
    folder.mkdir(exist_ok=True)
    unattended = ["--no-input"] if typed is None else []
    return subprocess.run(
        [str(python), "-m", "cookiecutter", str(template), *unattended, *arguments],
        cwd=folder,
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
    )


def given(answers: Mapping[str, str]) -> list[str]:
    """Return the answers as arguments of cookiecutter."""
    return [f"{question}={answer}" for question, answer in answers.items()]


def test_it_asks_what_copier_asks(
    questions: dict[str, Any], menu: dict[str, str], asked: dict[str, Any]
) -> None:
    assert list(asked) == list(questions)
    assert asked["level"] == list(menu)
    for name, question in questions.items():
        proposed = asked[name]
        if isinstance(proposed, list):
            assert proposed[0] == str(question["default"])
        elif name != "package_name":
            assert proposed == question["default"]
        if isinstance(question.get("choices"), dict):
            assert proposed == list(question["choices"].values())


def test_it_asks_in_the_words_of_copier(questions: dict[str, Any], menu: dict[str, str]) -> None:
    prompts = json.loads((REPOSITORY / "cookiecutter.json").read_text())["__prompts__"]
    assert list(prompts) == list(questions)
    for name, question in questions.items():
        choices = question.get("choices")
        first_line = question["help"].splitlines()[0]
        if choices is None:
            assert prompts[name] == first_line
            continue
        titles = {value: title for title, value in choices.items()} if name != "level" else menu
        assert prompts[name] == {"__prompt__": first_line, **titles}


@pytest.mark.parametrize(
    "project_name",
    [PROJECT_NAMES[0], *(pytest.param(n, marks=pytest.mark.slow) for n in PROJECT_NAMES[1:])],
)
def test_it_proposes_the_package_name_of_copier(
    ladder: Ladder, baker: Cookies, tmp_path: Path, project_name: str
) -> None:
    from hooks.jinja_extension import package_name

    data = {"project_name": project_name}
    template, project = str(ladder.template), tmp_path / "project"
    worker = copier.run_copy(template, project, data=data, defaults=True, quiet=True, pretend=True)
    assert package_name(project_name) == worker.answers.combined["package_name"]


# Every level with the defaults, and the other answers at the highest level.
PROJECTS = [
    (LEVELS[0], "defaults"),
    *(pytest.param(level, "defaults", marks=pytest.mark.slow) for level in LEVELS[1:]),
    *(pytest.param(LEVELS[-1], name, marks=pytest.mark.slow) for name in [*ANSWERS][1:]),
]


@pytest.mark.parametrize(("level", "name"), PROJECTS)
def test_its_project_is_copiers(ladder: Ladder, baker: Cookies, level: int, name: str) -> None:
    answers = ANSWERS[name]
    made = baker.bake({"level": str(level), **answers}, template=str(ladder.template))
    assert made.exception is None
    fresh = ladder.fresh(level, **answers)
    assert tree(made.project_path) == tree(fresh)
    assert made.project_path.name == answers_of(fresh)["package_name"]


@pytest.mark.slow
@pytest.mark.parametrize("license_name", OTHER_LICENCES)
def test_every_licence(ladder: Ladder, baker: Cookies, license_name: str) -> None:
    made = baker.bake({"license": license_name}, template=str(ladder.template))
    assert tree(made.project_path) == tree(ladder.fresh(0, license=license_name))


@pytest.mark.slow
def test_its_project_climbs(ladder: Ladder, tmp_path: Path, home: dict[str, str]) -> None:
    answers = ANSWERS["special characters"]
    run_cookiecutter(tmp_path / "new", ladder.template, *given(answers), environment=home)
    (project,) = (tmp_path / "new").iterdir()
    commit_all(project, "Start")
    ladder.climb(project, LEVELS[-1])
    assert tree(project) == tree(ladder.fresh(LEVELS[-1], **answers))


@pytest.mark.slow
def test_it_asks_the_user(ladder: Ladder, tmp_path: Path, home: dict[str, str]) -> None:
    typed = 'Say "hello" \\\n\n\nAda\n\n2\n3\n\n4\n\n\n'
    made = run_cookiecutter(tmp_path / "new", ladder.template, environment=home, typed=typed)
    assert "What is the project called?" in made.stdout
    fresh = ladder.fresh(
        2, project_name='Say "hello" \\', author_name="Ada", license="MIT", ci_provider="none"
    )
    assert tree(tmp_path / "new" / "say_hello") == tree(fresh)


@pytest.mark.slow
def test_a_relative_path_becomes_absolute(
    ladder: Ladder, tmp_path: Path, home: dict[str, str]
) -> None:
    folder = tmp_path / "new"
    template = os.path.relpath(ladder.template, folder)
    made = run_cookiecutter(folder, template, "-o", "deep/down", environment=home)
    assert made.returncode == 0, made.stderr
    project = folder / "deep" / "down" / "taxi_ride_duration"
    assert tree(project) == tree(ladder.fresh(0))
    assert f"cd {project}\n" in made.stderr


def pretend_github(template: Path, folder: Path) -> dict[str, str]:
    """Return git settings that redirect GitHub to a local folder."""
    shutil.copytree(template / ".git", folder / "somebody" / "ladder.git")
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{folder}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "recorded"),
    [
        ("gh:somebody/ladder", "gh:somebody/ladder"),
        ("https://github.com/somebody/ladder", "https://github.com/somebody/ladder"),
        ("ours:ladder", "git+file://{github}/somebody/ladder"),
    ],
    ids=["GitHub", "address", "the user's abbreviation"],
)
def test_a_template_from_elsewhere(
    ladder: Ladder, tmp_path: Path, home: dict[str, str], typed: str, recorded: str
) -> None:
    github = tmp_path / "github"
    environment = home | pretend_github(ladder.template, github)
    abbreviations = {"ours": f"git+file://{github}/somebody/{{0}}"}
    rc_file = Path(home["HOME"]) / ".cookiecutterrc"
    rc_file.write_text(yaml.safe_dump({"abbreviations": abbreviations}))
    made = run_cookiecutter(tmp_path / "new", typed, environment=environment)
    assert made.returncode == 0, made.stdout + made.stderr
    source, project = recorded.format(github=github), tmp_path / "copier"
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet"]
    subprocess.run([*command, source, str(project)], env=environment, check=True)
    assert answers_of(project)["_src_path"] == source
    assert tree(tmp_path / "new" / "taxi_ride_duration") == tree(project)


@pytest.mark.slow
def test_the_latest_release_unless_another_is_named(
    ladder: Ladder, tmp_path: Path, home: dict[str, str]
) -> None:
    template = tmp_path / "template"
    shutil.copytree(ladder.template, template)
    (template / "template" / "NEWS").write_text("news\n")
    commit_all(template, "News")
    git(template, "tag", "v0.0.2")
    git(template, "commit", "--quiet", "--allow-empty", "--message", "Not released")
    versions = {"latest": [], "v0.0.1": ["--checkout", "v0.0.1"], "HEAD": ["--checkout", "HEAD"]}
    commits = {}
    for name, arguments in versions.items():
        run_cookiecutter(tmp_path / name, template, *arguments, environment=home)
        commits[name] = answers_of(tmp_path / name / "taxi_ride_duration")["_commit"]
    assert commits["latest"] == "v0.0.2"
    assert commits["v0.0.1"] == "v0.0.1"
    assert commits["HEAD"].startswith("v0.0.2-1-g")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "answer", "complaint"),
    [
        # test_answers.py tests which answers are valid; this test, that cookiecutter reports it.
        ("package_name", "a/b/c", "starts with a lower-case letter"),
        ("package_name", "", "starts with a lower-case letter"),
        ("description", "two\nlines", "One line of plain text"),
        ("description", "{{ '{{' }} x }}", "templates read these as commands"),
    ],
)
def test_a_bad_answer_is_refused(
    ladder: Ladder,
    tmp_path: Path,
    home: dict[str, str],
    question: str,
    answer: str,
    complaint: str,
) -> None:
    folder = tmp_path / "new"
    made = run_cookiecutter(folder, ladder.template, f"{question}={answer}", environment=home)
    assert made.returncode != 0
    first, *rest = made.stderr.splitlines()
    assert first.startswith(f"error: Validation error for question '{question}': ")
    assert complaint in first
    assert "copier" not in "".join(rest)
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_an_existing_folder_is_left_alone(
    ladder: Ladder, tmp_path: Path, home: dict[str, str]
) -> None:
    project = tmp_path / "new" / "taxi_ride_duration"
    project.mkdir(parents=True)
    (project / "README.md").write_text("mine\n")
    before = tree(project)

    refused = run_cookiecutter(project.parent, ladder.template, environment=home)
    assert refused.returncode != 0
    assert "already exists" in refused.stdout
    assert tree(project) == before

    bad = run_cookiecutter(
        project.parent, ladder.template, "-f", "author_email=x", environment=home
    )
    assert bad.returncode != 0
    assert tree(project) == before

    run_cookiecutter(project.parent, ladder.template, "-f", "-s", environment=home)
    assert tree(project) == tree(ladder.fresh(0)) | before

    run_cookiecutter(project.parent, ladder.template, "-f", environment=home)
    assert tree(project) == tree(ladder.fresh(0))


@pytest.fixture(scope="module")
def without_copier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment with cookiecutter, but without copier."""
    folder = tmp_path_factory.mktemp("without") / "environment"
    venv.create(folder, symlinks=True)
    packages = next(folder.glob("lib/*/site-packages"))
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith(("copier", "jinja2_ansible_filters", "__")):
            (packages / path.name).symlink_to(path)
    return folder / "bin" / "python"


def path_with(folder: Path, **programs: str) -> dict[str, str]:
    """Return a PATH with the given shell scripts as programs, and without copier."""
    folder.mkdir()
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    others = [Path(entry) for entry in os.environ["PATH"].split(os.pathsep)]
    kept = [str(other) for other in others if not (other / "copier").exists()]
    return {"PATH": os.pathsep.join([str(folder), *kept])}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("programs", "complaint"),
    [
        ({}, "error: copier is missing."),
        ({"copier": "echo copier 9.17.3"}, "error: copier 9.17 is too old."),
        ({"copier": "exit 1"}, "error: copier is missing."),
    ],
    ids=["none", "old", "broken"],
)
def test_without_copier(
    ladder: Ladder,
    tmp_path: Path,
    home: dict[str, str],
    without_copier: Path,
    programs: dict[str, str],
    complaint: str,
) -> None:
    folder = tmp_path / "new"
    made = run_cookiecutter(
        folder,
        ladder.template,
        environment=home | path_with(tmp_path / "bin", **programs),
        python=without_copier,
    )
    assert made.returncode != 0
    assert made.stderr.startswith(complaint)
    assert "pip install 'copier>=9.18'" in made.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_a_copier_on_the_path_will_do(
    ladder: Ladder, tmp_path: Path, home: dict[str, str], without_copier: Path
) -> None:
    script = f'exec {sys.executable} -m copier "$@"'
    answers = ANSWERS["special characters"]
    made = run_cookiecutter(
        tmp_path / "new",
        ladder.template,
        *given(answers),
        environment=home | path_with(tmp_path / "bin", copier=script),
        python=without_copier,
    )
    assert made.returncode == 0, made.stderr
    (project,) = (tmp_path / "new").iterdir()
    assert tree(project) == tree(ladder.fresh(0, **answers))


def test_it_wants_the_copier_that_the_template_wants() -> None:
    oldest = re.search(
        r'^_min_copier_version: "(.+?)"', (REPOSITORY / "copier.yml").read_text(), re.MULTILINE
    )
    hook = (REPOSITORY / "hooks" / "pre_gen_project.py").read_text()
    assert oldest
    assert set(re.findall(r"copier(?:>=| )(\d[\d.]*\d)", hook)) == {oldest[1]}
    assert f"OLDEST = ({oldest[1].replace('.', ', ')})" in hook
