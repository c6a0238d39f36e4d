"""Tests of line endings: they are kept, whatever edits the lines between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ladder.migration.line_endings import normalize, with_line_endings

TEXTS = st.lists(st.sampled_from([b"a", b"b", b"", b"\n", b"\r\n", b"\r"])).map(b"".join)


@given(TEXTS)
def test_a_text_that_nobody_changes_comes_back(text: bytes) -> None:
    assert with_line_endings(normalize(text), text) == text


@given(TEXTS, TEXTS)
def test_only_line_ends_change(text: bytes, like: bytes) -> None:
    plain = normalize(text)
    assert normalize(with_line_endings(plain, like)).rstrip(b"\n") == plain.rstrip(b"\n")


@pytest.mark.parametrize(
    ("text", "like", "expected"),
    [
        (b"a\nb\nc\n", b"a\r\nc\r\n", b"a\r\nb\r\nc\r\n"),
        (b"a\nb\nc\n", b"a\r\nc", b"a\r\nb\r\nc"),
        (b"a\nc\nd\n", b"a\r\nc", b"a\r\nc\r\nd\r\n"),
        (b"a\nb\nc\n", b"a\nx\r\nc\n", b"a\nb\nc\n"),
        (b"new\n", b"", b"new\n"),
        (b"no end", b"a\r\n", b"no end"),
        (b"a\nb\n", b"a\r\n\0", b"a\nb\n"),
    ],
    ids=["new line", "no last end", "no longer last", "mixed", "nothing before", "link", "binary"],
)
def test_a_new_line_ends_as_most_lines_do(text: bytes, like: bytes, expected: bytes) -> None:
    assert with_line_endings(text, like) == expected
