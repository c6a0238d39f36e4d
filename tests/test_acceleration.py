"""Tests of compiling templates once: the renderings stay the same."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from copier import run_copy
from jinja2 import Environment, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from mlops_ladder.source.acceleration import compiled_once


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
    template.mkdir()
    loop = "{% yield n from [1, 2] %}file {{ n }}{% endyield %}"
    for folder in ("a", "b"):
        (template / folder / loop).mkdir(parents=True)
        (template / folder / loop / "same name").touch()
    made: list[set[Path]] = []
    for goal in (tmp_path / "as copier does", tmp_path / "compiled once"):
        with compiled_once() if made else nullcontext():
            run_copy(str(template), goal, quiet=True)
        made.append({path.relative_to(goal) for path in goal.rglob("*")})
    assert made[0] == made[1]
    assert len(made[0]) == 10
