"""Tests of reading formatted strings of newer Pythons: all else in the file is still read."""

import ast
from pathlib import Path

import pytest

from mlops_ladder.inspection.fstrings import without_fields
from mlops_ladder.inspection.python import parse_module

SOURCES = sorted((Path(__file__).parents[2] / "src").rglob("*.py"))
NEWER = {
    "the same quotes inside": 'x = f"a {rows["b"]} c"\ny = 1\n',
    "formatted within formatted": "print(f'{x['a']} {f'{y}'}')\ny = 1\n",
    "over lines": 'x = f"""{\n rows["a"]\n}"""\ny = 1\n',
    "a comprehension": "x = {'a': f\"{', '.join([f'{k}' for k in m['x']])}\"}\ny = 1\n",
    "raw": 'x = rf"{a["b"]}\\d"\ny = 1\n',
    "beside a comment and a plain string": '# f"{\nx = \'f"{\' + f"{a["b"]}"\ny = 1\n',
    "doubled braces": 'x = f"{{a}} {b["c"]!r:>{width}}"\ny = 1\n',
}


@pytest.mark.parametrize("name", NEWER)
def test_the_rest_of_the_code_stays(name: str) -> None:
    text = NEWER[name]
    found = without_fields(text)
    assert found.count("\n") == text.count("\n")
    assert [node.lineno for node in ast.parse(found).body][-1] == text.count("\n")
    (body,) = parse_module("a.py", text).units
    assert body.constants == {"y": 1} or "x" in body.constants


@pytest.mark.parametrize("text", ['f"{', "f'{x", 'f"""{a["', 'x = f"{"', "'", "f'{f'{f'{"])
def test_what_does_not_end_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        parse_module("a.py", f"{text}\n")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_what_is_readable_stays_so(path: Path) -> None:
    """Our own code is full of formatted strings and of patterns with quotation marks."""
    text = path.read_text(encoding="utf-8")
    found = ast.parse(without_fields(text))
    names = [node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert names == [node.name for node in ast.walk(found) if isinstance(node, ast.FunctionDef)]
