"""Tests of the acceleration of copier: the renderings stay the same."""

from pathlib import Path

import copier
import pytest
from copier import _main as copier_main
from copier import _template as copier_template
from copier import run_copy
from jinja2 import Environment, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment
from packaging.version import Version

from mlops_ladder.source import acceleration
from mlops_ladder.source.acceleration import accelerated, compiled_once, shared_clones
from projects import commit_all, git


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of texts that are compiled."""
    compile_text, texts = Environment.compile, []

    def compile_and_note(self: Environment, source: str, *rest: object) -> object:
        texts.append(source)
        return compile_text(self, source, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", compile_and_note)
    return texts


def test_a_text_is_compiled_once_and_rendered_with_what_it_is_given(counted: list[str]) -> None:
    text = "{{ name }} of a text"
    with compiled_once():
        rendered = [Environment().from_string(text).render(name=name) for name in "ab"]
    assert rendered == ["a of a text", "b of a text"]
    assert counted == [text]


@pytest.mark.parametrize(
    "other",
    [
        Environment(variable_start_string="[[", variable_end_string="]]"),
        Environment(autoescape=True),
        Environment(keep_trailing_newline=True),
        Environment(extensions=["jinja2.ext.do"]),
        SandboxedEnvironment(),
    ],
)
def test_another_meaning_is_compiled_anew(counted: list[str], other: Environment) -> None:
    text = f"{{{{ '<' }}}}[[ 1 ]] {id(other)}\n"  # which no other test has compiled
    with compiled_once():
        Environment().from_string(text).render()
        rendered = other.from_string(text).render()
    assert rendered == other.from_string(text).render()
    assert len(counted) == 3


def test_what_cannot_be_compiled_is_refused_each_time() -> None:
    for _ in range(2):
        with compiled_once(), pytest.raises(TemplateSyntaxError):
            Environment().from_string("{% if")


def test_loops_in_names_of_files_make_their_files(tmp_path: Path) -> None:
    template = tmp_path / "template"
    loop = "{% yield n from [1, 2] %}file {{ n }}{% endyield %}"
    for folder in ("a", "b"):
        (template / folder / loop).mkdir(parents=True)
        (template / folder / loop / "same name").touch()
    with accelerated():
        run_copy(str(template), tmp_path / "made", quiet=True)
    made = {str(path.relative_to(tmp_path / "made")) for path in (tmp_path / "made").rglob("*")}
    loops = [f"{folder}/file {n}" for folder in "ab" for n in (1, 2)]
    assert made == {"a", "b", *loops, *(f"{loop}/same name" for loop in loops)}


def test_a_version_is_cloned_once_and_the_clone_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit_all_files(template := tmp_path / "template", "one")
    version = git(template, "rev-parse", "HEAD").strip()
    commit_all_files(template, "two")
    clone, places = acceleration.borrowing_clone, []

    def noting(url: str, ref: str, place: Path) -> bool:
        places.append(place)
        return clone(url, ref, place)

    monkeypatch.setattr(acceleration, "borrowing_clone", noting)
    with shared_clones():
        for name in "ab":
            run_copy(str(template), tmp_path / name, vcs_ref=version, quiet=True)
        assert (places[0] / "text").read_text() == "one"
    assert len(places) == 1 and not places[0].exists()
    assert [(tmp_path / name / "text").read_text() for name in "ab"] == ["one", "one"]


def test_an_unknown_copier_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit_all_files(template := tmp_path / "template", "one")
    version = git(template, "rev-parse", "HEAD").strip()
    monkeypatch.setattr(acceleration, "UNKNOWN", Version(copier.__version__))
    before = [dict(vars(copier_main.Worker)), dict(vars(copier_template))]
    with accelerated(), shared_clones():
        assert [dict(vars(copier_main.Worker)), dict(vars(copier_template))] == before
        run_copy(str(template), tmp_path / "made", vcs_ref=version, quiet=True)
    assert (tmp_path / "made/text").read_text() == "one"


def commit_all_files(template: Path, text: str) -> None:
    """Commit a template with one file of that text."""
    template.mkdir(exist_ok=True)
    (template / "text").write_text(text)
    commit_all(template, text)
