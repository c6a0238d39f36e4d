"""Tests of the documentation: it builds, links resolve, and what it says to type exists."""

import ast
import dataclasses
import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from mlops_ladder.assess.criteria import criteria
from mlops_ladder.cli import COMMANDS, ladder
from mlops_ladder.errors import DecisionError, RefusedError, UsageError
from mlops_ladder.inspection import impact
from mlops_ladder.inspection.repository import Repository
from mlops_ladder.migration.plan import Conflict
from mlops_ladder.report import document
from mlops_ladder.source import cache, selection
from mlops_ladder.source.questions import questions
from projects import LEVELS, REPOSITORY, Ladder, tree

DOCS = REPOSITORY / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
GUIDES = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "bench/README.md")]
MARKDOWN = MarkdownIt("commonmark").enable("table")
OUTSIDE = re.compile(r"(https?:)?//", re.IGNORECASE)
CSS_URL = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s]+)""")
ASSIGNMENTS = re.compile(r"^([A-Z_]+=\S+ )+")
PROGRAMS = ("mlops-ladder ", "make ")


def built(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that needs the built site, which one process builds for all of them."""
    return pytest.mark.slow(pytest.mark.xdist_group("docs")(test))


class Page(HTMLParser):
    """A built page: its text, and the addresses that a browser loads by itself."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loaded: list[str] = []
        self._inside = ""
        self.feed(file.read_text(encoding="utf-8"))

    @property
    def text(self) -> str:
        """The page's text, with single spaces."""
        return " ".join("".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the element loads."""
        self._inside = tag
        given = {name: value or "" for name, value in attrs}
        addresses = [given.get("src", ""), given.get("poster", ""), given.get("data", "")]
        addresses += [entry.split()[0] for entry in given.get("srcset", "").split(",") if entry]
        if tag == "link":
            addresses.append(given.get("href", ""))
        self.loaded += filter(None, addresses)
        self.loaded += CSS_URL.findall(given.get("style", ""))

    def handle_data(self, data: str) -> None:
        """Note text, and what a style sheet loads."""
        if self._inside == "style":
            self.loaded += CSS_URL.findall(data)
        elif self._inside != "script":
            self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Note that text is outside of scripts and style sheets again."""
        self._inside = ""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `make docs` does, with warnings as errors."""
    folder = tmp_path_factory.mktemp("docs")
    options = ["--fail-on-warning", "--nitpicky", "--keep-going", "--quiet", "--builder", "html"]
    command = [sys.executable, "-m", "sphinx", *options, str(DOCS), str(folder)]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return folder


@built
def test_every_page_is_built_and_reachable(site: Path) -> None:
    front = Page(site / "index.html")
    assert "Tutorial" in front.text
    for page in PAGES:
        name = page.relative_to(DOCS).with_suffix(".html")
        assert (site / name).exists()
        assert "<!-- generated" not in (site / name).read_text(encoding="utf-8")


@built
def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loaded = {
        str(file): address
        for file in site.rglob("*.html")
        for address in Page(file).loaded
        if OUTSIDE.match(address)
    }
    loaded |= {
        str(file): address
        for file in site.rglob("*.css")
        for address in CSS_URL.findall(file.read_text(encoding="utf-8"))
        if OUTSIDE.match(address)
    }
    assert loaded == {}


@built
def test_every_file_that_a_page_loads_is_there(site: Path) -> None:
    missing = [
        (file.name, address)
        for file in site.rglob("*.html")
        for address in Page(file).loaded
        if not address.startswith(("#", "data:"))
        and not (file.parent / unquote(urlsplit(address).path)).exists()
    ]
    assert missing == []


@built
def test_every_command_and_option_is_described(site: Path) -> None:
    text = Page(site / "reference/commands.html").text
    for name in COMMANDS:
        command, _ = opened(name)
        inside = command.commands.values() if isinstance(command, click.Group) else []
        for one in (command, *inside):
            for parameter in one.params:
                is_option = isinstance(parameter, click.Option)
                names = parameter.opts if is_option else [parameter.human_readable_name]
                assert all(name in text for name in names), (one.name, names)
        assert f"$ mlops-ladder {name}" in text
    assert len(re.findall("Examples?", text)) == len(COMMANDS)


@built
def test_every_question_and_answer_is_described(site: Path) -> None:
    text = Page(site / "reference/questions.html").text
    for name, choices in questions().items():
        assert name in text
        answers = map(str, LEVELS) if name == "level" else choices
        assert all(answer in text for answer in answers), name


@built
def test_every_criterion_is_described(site: Path) -> None:
    page = (site / "reference/criteria.html").read_text(encoding="utf-8")
    text = Page(site / "reference/criteria.html").text
    for criterion in criteria():
        assert f'id="{criterion.name}"' in page, "it can be linked to"
        assert criterion.title in text


@built
def test_every_file_of_a_project_is_listed(site: Path, ladder: Ladder) -> None:
    text = Page(site / "reference/files.html").text
    assert [name for name in tree(ladder.fresh(LEVELS[-1])) if name not in text] == []


@built
def test_every_exit_code_and_variable_is_described(site: Path) -> None:
    text = Page(site / "reference/exit-codes.html").text
    for error in (RefusedError, UsageError, DecisionError):
        assert f" {error.exit_code} " in text
    text = Page(site / "reference/environment.html").text
    assert cache.HOME in text and selection.VARIABLE in text


@built
def test_every_key_of_a_plan_is_described(site: Path) -> None:
    text = Page(site / "reference/plan-json.html").text
    parsed = ast.parse(inspect.getsource(document))
    keys = {
        str(key.value)
        for node in ast.walk(parsed)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
    things = [impact.Dependency, impact.Command, impact.Service, impact.Secret, impact.Schedule]
    for thing in (*things, Conflict):
        keys |= {field.name for field in dataclasses.fields(thing)}
    assert {key for key in keys if not re.search(rf"\b{key}\b", text)} == set()
    assert f"schema is {document.SCHEMA}" in text


# Links of the files that GitHub shows.


def links(tokens: list[Token]) -> Iterator[str]:
    """Yield the targets of links and images."""
    for token in tokens:
        found = token.attrs.get("href") or token.attrs.get("src")
        if found:
            yield str(found)
        yield from links(token.children or [])


def anchors(file: Path) -> set[str]:
    """Return the anchors of a Markdown file's headings, as GitHub makes them."""
    tokens = MARKDOWN.parse(file.read_text(encoding="utf-8"))
    titles = [
        following.content for token, following in pairwise(tokens) if token.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("file", GUIDES, ids=lambda file: file.name)
def test_links_between_files_resolve(file: Path) -> None:
    broken = []
    for link in links(MARKDOWN.parse(file.read_text(encoding="utf-8"))):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (file.parent / unquote(parts.path)) if parts.path else file
        if not target.exists() or (parts.fragment and parts.fragment not in anchors(target)):
            broken.append(link)
    assert broken == []


# Commands to type.


def typed(file: Path) -> Iterator[list[str]]:
    """Yield each command of a page, in terminal sessions and in sentences, as a shell splits it."""
    for token in MARKDOWN.parse(file.read_text(encoding="utf-8")):
        if token.type == "fence":
            yield from typed_in_block(token)
        for child in token.children or []:
            if child.type == "code_inline" and child.content.startswith(PROGRAMS):
                yield from commands_in(child.content)


def typed_in_block(token: Token) -> Iterator[list[str]]:
    """Yield the commands of a terminal session, or of a block of commands without prompts."""
    prompt = "$ " if token.info == "console" else ""
    for line in token.content.replace("\\\n", " ").splitlines():
        command = ASSIGNMENTS.sub("", line.removeprefix(prompt))
        if line.startswith(prompt) and command.startswith(PROGRAMS):
            yield from commands_in(command)


def commands_in(line: str) -> Iterator[list[str]]:
    """Yield the commands of a line: a pipe and a redirection end one."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|>&;")
    lexer.whitespace_split, command = True, list[str]()
    for word in (*lexer, ";"):
        if set(word) <= set("|>&;"):
            yield command
            command = []
        else:
            command.append(word)


def opened(name: str) -> tuple[click.Command, click.Context]:
    """Return a command of the command line, and a context to parse its arguments in."""
    root = click.Context(ladder, info_name="mlops-ladder")
    command = ladder.get_command(root, name)
    assert command is not None, f"there is no command {name}"
    return command, click.Context(command, root, info_name=name)


def check_call(arguments: list[str]) -> None:
    """Check that a call of mlops-ladder names a command, its options, answers and a level."""
    name, *rest = arguments
    if name.startswith("-"):
        assert name in {option for one in ladder.params for option in one.opts} | {"--help"}
        return
    if name.isupper():  # stands for any command
        return
    command, context = opened(name)
    if isinstance(command, click.Group) and rest:
        found = command.get_command(context, rest[0])
        assert found is not None, arguments
        command, context, rest = found, click.Context(found, context), rest[1:]
    given, unknown, _ = command.make_parser(context).parse_args(rest)
    assert unknown == [], arguments
    for pair in given.get("pairs", ()):
        question, _, answer = pair.partition("=")
        choices = questions()[question]
        assert answer in choices or not choices, pair
    for parameter in command.params:
        value = given.get(parameter.name)
        if isinstance(parameter.type, click.Choice) and isinstance(value, str):
            assert value in parameter.type.choices
    level = given.get("level")  # click has an object of its own for one that is missing
    assert not isinstance(level, str) or level.isupper() or int(level) in LEVELS


COURSE_PAGES = ("teach", "learn")


def level_of(page: Path) -> int:
    """Return the level of the project in which a page's make targets are run."""
    found = re.fullmatch(r"level-(\d)", page.stem)
    return int(found[1]) if found else LEVELS[-1]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_commands_on_a_page_exist(page: Path, ladder: Ladder) -> None:
    project = tree(ladder.fresh(level_of(page)))
    if page.stem in COURSE_PAGES:
        project |= tree(REPOSITORY / "course/student")
    targets = Repository(project).targets
    for program, *arguments in typed(page):
        if program == "mlops-ladder":
            check_call(arguments)
        elif program == "make" and arguments[0] != "-f":
            wanted = [word for word in arguments if "=" not in word]
            assert [target for target in wanted if target not in targets] == []


def test_commands_in_the_readme_exist() -> None:
    calls = [call for call in typed(REPOSITORY / "README.md") if call[0] == "mlops-ladder"]
    assert len(calls) > 3
    for _, *arguments in calls:
        check_call(arguments)


def test_the_tutorial_types_every_level() -> None:
    said = [call for page in PAGES if page.parent.name == "tutorial" for call in typed(page)]
    assert ["mlops-ladder", "new", "rides", "--level", "0", "--defaults"] in said
    climbs = {call[2] for call in said if call[:2] == ["mlops-ladder", "climb"]}
    assert climbs == {str(level) for level in LEVELS[1:]}
