"""Tests of the template's package: a level imports only from itself and the levels below it."""

import ast
from pathlib import Path

import pytest

from projects import TEMPLATE

LEVELS = {
    "pipelines": 2,
    "kubeflow": 2,
    "sagemaker": 2,
    "tfx": 2,
    "serving": 3,
    "deployment": 3,
    "experiments": 3,
    "mlserver": 3,
    "monitoring": 3,
    "retraining": 4,
}
(PACKAGE,) = (problem.parent for problem in (TEMPLATE / "src").glob("*/problem.py"))


def level(module: tuple[str, ...]) -> int:
    """Return the level of a module, given by its path within the package."""
    return LEVELS.get(module[0], 1) if module else 1


def imported_modules(file: Path) -> set[tuple[str, ...]]:
    """Return the package's own modules that a file imports, by their paths within it."""
    here = file.relative_to(PACKAGE).parts
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level] if node.level else ()
            path = tuple(node.module.split(".")) if node.module else ()
            if not node.level and path[:1] != (PACKAGE.name,):
                continue
            path = base + (path if node.level else path[1:])
            found |= {(*path, name.name) for name in node.names}
        elif isinstance(node, ast.Import):
            paths = (tuple(name.name.split(".")) for name in node.names)
            found |= {path[1:] for path in paths if path[0] == PACKAGE.name}
    return found


@pytest.mark.parametrize(
    "file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: file.relative_to(PACKAGE).as_posix()
)
def test_imports_point_downwards(file: Path) -> None:
    """Check the imports of a module."""
    own = level(file.relative_to(PACKAGE).parts)
    above = [module for module in imported_modules(file) if level(module) > own]
    assert not above, f"{file} is of level {own} but imports {above}"
