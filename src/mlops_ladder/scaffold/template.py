"""Render the templates of `problem.py`, which stand beside this module."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
ENVIRONMENT.filters["repr"] = repr


def render_part(name: str, **context: Any) -> str:
    """Render a template."""
    return ENVIRONMENT.get_template(name).render(context)
