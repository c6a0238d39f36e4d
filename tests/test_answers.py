"""Property-based tests of answers: each is refused with a clear message, or kept exactly."""

import json
import keyword
import re
import shutil
import subprocess
import sys
import tomllib
import unicodedata
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml
from copier.errors import CopierError, InvalidTypeError
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from projects import LEVELS, REPOSITORY, Ladder, answers_of, commit_all, tree

RESERVED = (REPOSITORY / "questions" / "reserved_names.txt").read_text().split()
LONGEST = {"project_name": 80, "description": 300, "author_name": 100}
QUESTIONS = ["project_name", "package_name", "description", "author_name", "author_email"]
FRAGMENTS = [
    *['"', "'", '"""', "\\", "\\n", "\\u0041", "`", "$HOME", "%s", "100 %", "<b>", "&amp;", "|"],
    *["}}", "{", "{{", "{%", "{#", "%}", "#", " #", ": ", "- ", "!!", "!!python", "&a", "*a", "?"],
    *["@", "---", "null", "~", "yes", "1e3", "0x1F", "2026-11-21", ".inf", "[", "]", "=", "<<: "],
    *["'''", "\ud800", "\udfff", " ", "  ", "x" * 79, "x" * 300, "class", "json", "Train"],
    *["ä", "é", "e\u0301", "עברית", "日本語", "👩🏽\u200d🔬", "\u00a0", "\ufdd0", "\U0010ffff"],
    *["\n", "\r", "\t", "\0", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "\ufffe"],
]
GOOD_ADDRESSES = ["ada@example.org", "a.b+c@sub.example.co.uk", "A_1@x-y.example", "", "o|r@a.b"]
BAD_ADDRESSES = [
    *["ada", "ada@", "@example.org", "ada@example", "a b@example.org", "ada@example.org\n", " "],
    *["Ada <ada@example.org>", 'a"@example.org', "a\\@example.org", "amlops_ladderexample.org"],
    *["ä@example.org"],
    *["a@b..example", "a@-\n.org", "x" * 65 + "@example.org", "a@" + "b." * 130 + "org"],
    *["{{@a.org"],
]
PACKAGE_NAMES = ["x", "a1", "ride_duration", "a" * 30, "n_1_b", "taxi", "ml"]
BAD_PACKAGE_NAMES = [
    *["", "_a", "a_", "a__b", "A", "a-b", "a.b", "1a", "a b", "ä", "a\n", "a" * 31, "../a"],
    *["{{a}}"],
    *["class", "match", "json", "test", "src", "sklearn", "scikit_learn", "pandas", "mlflow"],
    *["yaml"],
]
HARD = {
    "project_name": " \"Rides\" & 'Räder' \\ 100 %: {x} #1 👩🏽\u200d🔬 ",
    "package_name": "x",
    "description": '\'\'\' """ \\U0001F600 \\" : - !!python [a]: {b} | > # & * e\u0301 עברית\u00a0',
    "author_name": '- null: "Ada" \\ O\'Hara <a@b>, é',
    "author_email": "a#b%c&d|e@example.org",
    "license": "BSD-3-Clause",
}
YAML_LIKE = {
    "project_name": "null",
    "description": "1e3",
    "author_name": "yes",
    "author_email": "1@2.3",
    "license": "GPL-3.0-or-later",
}

texts = st.one_of(
    st.sampled_from(FRAGMENTS),
    st.lists(st.sampled_from(FRAGMENTS), max_size=6).map("".join),
    st.text(st.characters(), max_size=30),
)
package_names = st.one_of(
    st.sampled_from(PACKAGE_NAMES + BAD_PACKAGE_NAMES + RESERVED),
    st.from_regex(r"[a-z0-9_]{0,33}", fullmatch=True),
    texts,
)
addresses = st.one_of(st.sampled_from(GOOD_ADDRESSES + BAD_ADDRESSES), texts)


def is_plain(character: str) -> bool:
    """Tell whether a character is visible, a blank, or a joiner, which letters and emoji need."""
    invisible = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\ufffe\uffff"
    return character not in invisible and (
        unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
    )


def fits(question: str, answer: str) -> bool:
    """Tell whether an answer is valid, computed independently of the template."""
    if question == "package_name":
        words = answer.split("_")
        return (
            answer.isascii()
            and answer.isidentifier()
            and answer == answer.lower()
            and len(answer) <= 30
            and all(words)
            and answer not in RESERVED
        )
    if question == "author_email":
        local, _, domain = answer.partition("@")
        return answer == "" or (
            bool(re.fullmatch(r"[!-~]{1,64}", local))
            and not set(local) & set("\"'(),:;<>[\\]{}")
            and bool(re.fullmatch(r"(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+", domain))
            and len(answer) <= 254
        )
    return (
        len(answer) <= LONGEST[question]
        and all(map(is_plain, answer))
        and not any(opening in answer for opening in ("{{", "{%", "{#"))
        and (question != "project_name" or bool(answer.strip()))
    )


fitting = {
    "project_name": texts.filter(lambda text: fits("project_name", text)),
    "package_name": st.from_regex(r"p[a-z0-9]{0,5}(_[a-z0-9]{1,5}){0,3}", fullmatch=True),
    "description": texts.filter(lambda text: fits("description", text)),
    "author_name": texts.filter(lambda text: fits("author_name", text)),
    "author_email": st.sampled_from(GOOD_ADDRESSES),
    "license": st.sampled_from(["none", "MIT", "Apache-2.0"]),
}


def examples(count: int) -> Callable[..., Any]:
    """Return settings for so many deterministic examples, without time limits."""
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=slow,
    )


@pytest.fixture(scope="module")
def jinja() -> Environment:
    """Return a Jinja environment as copier configures it."""
    return Environment(
        loader=FileSystemLoader(REPOSITORY),
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


@pytest.fixture(scope="module")
def complaint(jinja: Environment) -> Callable[..., str]:
    """Return a function that returns the message of a question's validator, empty if valid."""
    main = (REPOSITORY / "copier.yml").read_text(encoding="utf-8").partition("\n---\n")[0]
    questions = yaml.safe_load(main)
    validators = {name: jinja.from_string(questions[name]["validator"]) for name in QUESTIONS}

    def say(question: str, answer: str) -> str:
        answers = {"project_name": "Taxi ride duration", question: answer}
        return validators[question].render(answers).strip()

    return say


@pytest.fixture(scope="module")
def questions_only(ladder: Ladder) -> Path:
    """Return the questions with a template of the answers file alone, which renders fast."""
    folder = ladder.new_folder()
    for part in ("levels", "questions"):
        shutil.copytree(ladder.template / part, folder / part)
    shutil.copy(ladder.template / "copier.yml", folder)
    (answers_file,) = (ladder.template / "template").glob("*answers_file*")
    (folder / "template").mkdir()
    shutil.copy(answers_file, folder / "template")
    return folder


def ask(template: Path, destination: Path, answers: dict[str, Any]) -> str:
    """Generate a project, and return copier's message if it refuses the answers."""
    try:
        copier.run_copy(
            str(template), destination, data=answers, defaults=True, quiet=True, unsafe=False
        )
    except (ValueError, CopierError) as refusal:
        return str(refusal)
    return ""


def parse_every_file(project: Path) -> set[str]:
    """Parse each file in its language, and return the suffixes of the files."""
    read: dict[str, Callable[[str], Any]] = {
        ".yml": lambda text: list(yaml.safe_load_all(text)),
        ".yaml": lambda text: list(yaml.safe_load_all(text)),
        ".toml": tomllib.loads,
        ".json": json.loads,
        ".ipynb": json.loads,
        ".py": lambda text: compile(text, "file", "exec"),
    }
    files = [file for file in project.rglob("*") if file.is_file() and file.suffix in read]
    for file in files:
        read[file.suffix](file.read_text(encoding="utf-8"))
    return {file.suffix for file in files}


def check_accepts_what_fits(complaint: Callable[..., str], question: str, answer: str) -> None:
    """Check that the validator accepts an answer exactly if it is valid."""
    said = complaint(question, answer)
    assert (not said) == fits(question, answer), said
    assert said.isprintable()
    assert len(said) < 250


@pytest.mark.parametrize("question", LONGEST)
@examples(150)
@given(answer=texts)
def test_a_text_is_one_plain_line(
    complaint: Callable[..., str], question: str, answer: str
) -> None:
    check_accepts_what_fits(complaint, question, answer)


@examples(150)
@given(answer=package_names)
def test_a_package_name_can_be_imported_and_shadows_nothing(
    complaint: Callable[..., str], answer: str
) -> None:
    check_accepts_what_fits(complaint, "package_name", answer)


@examples(150)
@given(answer=addresses)
def test_an_address_can_be_written_to(complaint: Callable[..., str], answer: str) -> None:
    check_accepts_what_fits(complaint, "author_email", answer)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("character", [*map(chr, [*range(32), 127, 133, 8232, 8238, 65279, 55296])])
def test_no_invisible_character_hides_at_the_end(
    complaint: Callable[..., str], question: str, character: str
) -> None:
    answer = "ada@example.org" if question == "author_email" else "taxi"
    assert complaint(question, answer) == ""
    assert complaint(question, answer + character) != ""


@pytest.mark.parametrize(("question", "longest"), [*LONGEST.items(), ("package_name", 30)])
def test_an_answer_may_be_as_long_as_that(
    complaint: Callable[..., str], question: str, longest: int
) -> None:
    assert complaint(question, "y" * longest) == ""
    assert f"{longest} at most" in complaint(question, "y" * (longest + 1))


@examples(150)
@example(project_name="2" * 80)
@example(project_name="Opentelemetry API")
@given(project_name=st.one_of(texts, st.sampled_from(RESERVED), st.text(max_size=80)))
def test_the_proposed_package_name_is_always_acceptable(
    jinja: Environment, complaint: Callable[..., str], project_name: str
) -> None:
    assume(fits("project_name", project_name))
    proposed = jinja.get_template("questions/package_name.jinja").render(project_name=project_name)
    assert fits("package_name", proposed)
    assert complaint("package_name", proposed) == ""


def check_refuses_or_remembers(
    ladder: Ladder, questions_only: Path, answers: dict[str, str]
) -> None:
    """Check that copier refuses invalid answers, and remembers valid ones."""
    destination = ladder.new_folder()
    refusal = ask(questions_only, destination, answers)
    misfits = [name for name in QUESTIONS if name in answers and not fits(name, answers[name])]
    if misfits:
        assert refusal.startswith(f"Validation error for question '{misfits[0]}': ")
        assert not destination.exists()
    else:
        assert refusal == ""
        assert answers_of(destination).items() >= answers.items()


anything = st.fixed_dictionaries(
    {},
    optional={
        "project_name": texts,
        "package_name": package_names,
        "description": texts,
        "author_name": texts,
        "author_email": addresses,
    },
)


@pytest.mark.slow
@examples(20)
@example(answers={"description": "\ud800"})
@example(answers={"project_name": "Räder 👩🏽\u200d🔬", "description": ": - \\ \U0010ffff\ufdd0"})
@given(answers=anything)
def test_copier_refuses_or_remembers(
    ladder: Ladder, questions_only: Path, answers: dict[str, str]
) -> None:
    check_refuses_or_remembers(ladder, questions_only, answers)


@pytest.mark.slow
@examples(300)
@given(answers=anything)
def test_copier_refuses_or_remembers_hundreds(
    ladder: Ladder, questions_only: Path, answers: dict[str, str]
) -> None:
    check_refuses_or_remembers(ladder, questions_only, answers)


def check_project(project: Path, answers: dict[str, str]) -> None:
    """Check that each file can be parsed and contains the answers."""
    assert parse_every_file(project) >= {".yml", ".yaml", ".toml", ".ipynb", ".py"}
    assert answers_of(project).items() >= answers.items()
    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert described["name"] == answers_of(project)["package_name"].replace("_", "-")
    assert described["description"] == answers["description"]
    author = {"name": answers["author_name"], "email": answers["author_email"]}
    given = {key: text for key, text in author.items() if text.strip()}
    assert described.get("authors", [{}]) == [given]
    assert (
        (project / "README.md")
        .read_text(encoding="utf-8")
        .startswith(f"# {answers['project_name']}\n\n{answers['description']}\n")
    )


@pytest.mark.slow
@examples(3)
@example(answers=HARD)
@example(answers=YAML_LIKE)
@given(answers=st.fixed_dictionaries(fitting))
def test_the_project_says_what_was_answered(ladder: Ladder, answers: dict[str, str]) -> None:
    check_project(ladder.generate(ladder.new_folder(), LEVELS[-1], **answers), answers)


def check_climbs(ladder: Ladder, answers: dict[str, str]) -> None:
    """Check that a project with the answers climbs to a fresh one of the highest level."""
    project = ladder.generate(ladder.new_folder(), LEVELS[0], **answers)
    commit_all(project, "Start")
    ladder.climb(project, LEVELS[-1])
    fresh = ladder.generate(ladder.new_folder(), LEVELS[-1], **answers)
    check_project(fresh, answers)
    assert tree(project) == tree(fresh)


@pytest.mark.slow
@pytest.mark.parametrize("answers", [HARD, YAML_LIKE], ids=["hard", "YAML-like"])
def test_the_project_climbs(ladder: Ladder, answers: dict[str, str]) -> None:
    check_climbs(ladder, answers)


@pytest.mark.slow
@examples(8)
@given(answers=st.fixed_dictionaries(fitting))
def test_more_projects_climb(ladder: Ladder, answers: dict[str, str]) -> None:
    check_climbs(ladder, answers)


def test_the_defaults_need_no_answer(ladder: Ladder) -> None:
    project = ladder.new_folder()
    copier.run_copy(str(ladder.template), project, defaults=True, quiet=True)
    assert tree(project) == tree(ladder.fresh(0))


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
def test_the_defaults_keep_a_project_as_it_is(ladder: Ladder, level: int) -> None:
    project = ladder.project(level)
    copier.run_update(project, defaults=True, overwrite=True, quiet=True)
    assert tree(project) == tree(ladder.fresh(level))


@pytest.mark.parametrize(
    ("question", "answer", "kept"),
    [
        ("project_name", 123, "123"),
        ("project_name", 1.5, "1.5"),
        ("description", True, "True"),
        ("author_name", b"Ada", "Ada"),
        ("level", "0", 0),
    ],
)
def test_other_data_becomes_what_is_asked_for(
    ladder: Ladder, questions_only: Path, question: str, answer: Any, kept: Any
) -> None:
    destination = ladder.new_folder()
    assert ask(questions_only, destination, {question: answer}) == ""
    remembered = answers_of(destination)[question]
    assert (remembered, type(remembered)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        *[("project_name", None), ("description", None), ("package_name", 1), ("author_email", 1)],
        *[("level", 7), ("level", -1), ("level", None), ("license", "mit"), ("license", None)],
    ],
)
def test_other_data_is_refused_by_name(
    ladder: Ladder, questions_only: Path, question: str, answer: Any
) -> None:
    destination = ladder.new_folder()
    assert question in ask(questions_only, destination, {question: answer})
    assert not destination.exists()


@pytest.mark.parametrize("answer", [["a"], {"a": 1}])
def test_a_list_is_no_text(ladder: Ladder, questions_only: Path, answer: Any) -> None:
    destination = ladder.new_folder()
    with pytest.raises((ValueError, InvalidTypeError), match="Could not convert"):
        copier.run_copy(
            str(questions_only),
            destination,
            data={"description": answer},
            defaults=True,
            quiet=True,
        )
    assert not destination.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            "package_name=Rides",
            "Validation error for question 'package_name': A package name starts",
        ),
        ("package_name=json", "Validation error for question 'package_name': json is taken"),
        ("description={{ 1 }}", "Validation error for question 'description': It may not hold {{,"),
        ("author_email=ada", "Validation error for question 'author_email': That is not"),
        ("level=9", "Invalid choice for 'level': 9 is not in "),
    ],
)
def test_the_command_line_says_what_is_wrong(
    questions_only: Path, tmp_path: Path, answer: str, message: str
) -> None:
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "-d", answer]
    finished = subprocess.run(
        [*command, str(questions_only), str(tmp_path / "new")], capture_output=True, text=True
    )
    assert finished.returncode != 0
    # Copier prints a traceback; the question's message is its last line.
    assert finished.stderr.splitlines()[-1].startswith(f"ValueError: {message}")
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_names_that_are_taken(ladder: Ladder) -> None:
    assert sorted(set(RESERVED)) == RESERVED
    python = {name.lower() for name in [*sys.stdlib_module_names, *keyword.kwlist]}
    project = tomllib.loads((ladder.fresh(LEVELS[-1]) / "pyproject.toml").read_text())
    requirements = [
        *project["project"]["dependencies"],
        *chain(*project["project"]["optional-dependencies"].values()),
        *chain(*project["dependency-groups"].values()),
        *project["build-system"]["requires"],
    ]
    libraries = [re.match(r"[\w.-]+", requirement) for requirement in requirements]
    taken = {*python, *(re.sub(r"[-.]", "_", name[0].lower()) for name in libraries if name)}
    assert len(libraries) > 15
    assert {name for name in taken if re.fullmatch(r"[a-z][a-z0-9_]*", name)} <= set(RESERVED)
    assert {"sklearn", "yaml", "src", "tests", "notebook", "mlruns"} <= set(RESERVED)
