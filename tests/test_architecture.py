"""The layers of the package: each imports only from itself and from those below."""

import ast
from collections.abc import Iterator
from pathlib import Path

from projects import REPOSITORY

PACKAGE = REPOSITORY / "src/mlops_ladder"
LAYERS = [
    ["__main__"],
    ["cli"],
    ["commands", "repo_review"],
    ["report"],
    ["teach"],
    ["adopt"],
    ["migration"],
    ["convert", "scaffold"],
    ["assess"],
    ["inspection"],
    ["source"],
    ["project"],
    ["make"],
    ["git"],
    ["errors"],
    ["terminal"],
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}


def imports(file: Path) -> Iterator[tuple[str, ...]]:
    """Yield every module of the package that a file imports, wherever in the file it does."""
    package = file.relative_to(PACKAGE.parent).parts[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            named = tuple(node.module.split(".")) if node.module else ()
            yield from ((*base, *named, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            yield from (tuple(name.split(".")) for name in names if "mlops_ladder" in name)


def part_of(file: Path) -> str:
    """Return the top-level module or package that a file belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_part_has_a_layer() -> None:
    parts = {part_of(file) for file in PACKAGE.rglob("*.py")} - {"__init__"}
    assert parts == set(RANK)


def test_imports_point_down() -> None:
    found = [
        (str(file.relative_to(PACKAGE)), imported[1])
        for file in sorted(PACKAGE.rglob("*.py"))
        if part_of(file) in RANK
        for imported in imports(file)
        if len(imported) > 1 and imported[1] in RANK
    ]
    assert len(found) > 100
    upward = [
        (file, part)
        for file, part in found
        if RANK[part] < RANK[part_of(PACKAGE / file)]
        or (RANK[part] == RANK[part_of(PACKAGE / file)] and part != part_of(PACKAGE / file))
    ]
    assert upward == []


def test_modules_of_a_part_import_each_other_without_cycles() -> None:
    """Imports inside functions count, too."""
    modules = {
        ".".join(f.relative_to(PACKAGE).with_suffix("").parts): f for f in PACKAGE.rglob("*.py")
    }
    edges = {
        name: {
            known
            for imported in imports(file)
            for known in (".".join(imported[1:]), ".".join(imported[1:-1]))
            if known in modules and known != name
        }
        for name, file in modules.items()
    }
    while leaves := {name for name, targets in edges.items() if not targets}:
        edges = {name: targets - leaves for name, targets in edges.items() if name not in leaves}
    assert edges == {}
