"""Let Jinja compile each text once, however often a template asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jinja2 import Environment

SETTINGS = [
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "line_statement_prefix"),
    *("line_comment_prefix", "trim_blocks", "lstrip_blocks", "newline_sequence"),
    *("keep_trailing_newline", "optimized", "autoescape", "finalize"),
]
"""Attributes of an environment that decide, with its class and extensions, what a text means."""

_compiled: dict[tuple[Any, ...], Any] = {}


@contextmanager
def compiled_once() -> Iterator[None]:
    """Compile each text once until the end of the block, and for later blocks.

    Copier compiles every part of every path, and the name of the answers file with each of them:
    thousands of texts a rendering, of which a few hundred differ.
    """
    compile_text = Environment.compile

    def compile_once(
        self: Environment, source: Any, name: Any = None, filename: Any = None, *rest: Any
    ) -> Any:
        meaning = [getattr(self, setting) for setting in SETTINGS]
        key = (type(self), *meaning, *sorted(self.extensions), source, name, *rest)
        if key in _compiled:
            self.preprocess(source, name, filename)  # where copier's `yield` forgets its last loop
        else:
            _compiled[key] = compile_text(self, source, name, filename, *rest)
        return _compiled[key]

    Environment.compile = compile_once  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Environment.compile = compile_text  # type: ignore[method-assign]
