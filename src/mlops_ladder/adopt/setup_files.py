"""Read setup.cfg and setup.py, which is parsed, and not executed."""

import ast
import configparser
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

from .layout import Layout
from .needs import Found, Needs
from .pip_files import OF_TOOLS, from_requirements, lines_of

LISTS = ("install_requires", "tests_require", "extras_require")


def from_setup(layout: Layout, others: Needs) -> Needs:
    """Read both; `others` are the needs of other files, which count where setup.py has none."""
    found, says = Needs(), False
    cfg = configparser.RawConfigParser(strict=False)
    with suppress(configparser.Error):
        cfg.read_string(layout.text("setup.cfg"))
    if cfg.has_section("options"):
        says = cfg.has_option("options", "install_requires")
        found += from_options(layout, cfg)
    if "setup.py" in layout.tree:
        return found + from_setup_py(layout, others, says)
    return found if says else found + others


def from_options(layout: Layout, cfg: configparser.RawConfigParser) -> Needs:
    """Read the options of setup.cfg."""
    found, included = Found("setup.cfg"), Needs()
    extras = cfg["options.extras_require"] if cfg.has_section("options.extras_require") else {}
    tools = [text for name, text in extras.items() if OF_TOOLS.search(name)]
    options = cfg["options"]
    listed = [options.get("install_requires", ""), options.get("tests_require", ""), *tools]
    for text in listed:
        if text.strip().startswith("file:"):
            for path in text.strip().removeprefix("file:").split(","):
                included += from_requirements(layout, str(PurePosixPath(path.strip())))
            continue
        for line in text.splitlines() if "\n" in text else text.split(";"):
            for entry in lines_of(line):
                found.add(entry)
    found.python = options.get("python_requires", "")
    return found.needs() + included


def from_setup_py(layout: Layout, others: Needs, says: bool) -> Needs:
    """Read the requirements that setup.py has as literals.

    Parameters
    ----------
    layout
        The layout of the repository.
    others
        The needs of other files, which count where it computes its own, or has none.
    says
        Whether setup.cfg says what is required.
    """
    found = Found("setup.py")
    try:
        module = ast.parse(layout.text("setup.py"))
    except (SyntaxError, ValueError) as error:
        found.missing.append(f"it is not valid Python 3: {error}. Correct it")
        return found.needs()
    known = dict(assigned(module))
    arguments, is_computed = arguments_of_setup(module, known)
    for name in LISTS:
        if name not in arguments:
            continue
        value = literal(arguments[name], known)
        if value is None:
            is_computed |= name == "install_requires"
        for entry in entries_of(value):
            found.add(entry)
    python = literal(arguments.get("python_requires"), known)
    found.python = python if isinstance(python, str) else ""
    if is_computed and not others.files:
        found.missing.append(
            "it computes install_requires, and no program but setup.py can. Add what it"
            " requires to the group adopted of pyproject.toml"
        )
    elif is_computed:
        found.notes.append(
            f"it computes install_requires, so {', '.join(others.files)} was read instead"
        )
    is_silent = "install_requires" not in arguments and not says
    return found.needs() + others if is_computed or is_silent else found.needs()


def arguments_of_setup(
    module: ast.Module, known: Mapping[str, ast.expr]
) -> tuple[dict[str, ast.expr], bool]:
    """Return the arguments of the call of setup, and whether some are computed."""
    arguments: dict[str, ast.expr] = {}
    is_computed = False
    called = [node for node in ast.walk(module) if isinstance(node, ast.Call)]
    for call in called:
        if ast.unparse(call.func).rpartition(".")[2] != "setup":
            continue
        for keyword in call.keywords:
            if keyword.arg:
                arguments[keyword.arg] = keyword.value
                continue
            more = mapping(keyword.value, known)
            is_computed |= more is None
            arguments |= more or {}
    return arguments, is_computed


def mapping(node: ast.expr, known: Mapping[str, ast.expr]) -> dict[str, ast.expr] | None:
    """Return the entries of `**node`, where it is a dictionary that is written out."""
    value = known.get(node.id) if isinstance(node, ast.Name) else node
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "dict" and not value.args:
        return {one.arg: one.value for one in value.keywords if one.arg}
    if isinstance(value, ast.Dict) and all(isinstance(key, ast.Constant) for key in value.keys):
        names = [str(key.value) for key in value.keys if isinstance(key, ast.Constant)]
        return dict(zip(names, value.values, strict=True))
    return None


def entries_of(value: Any) -> Iterable[str]:
    """Return the requirements of a value; of extras, those of tools."""
    if isinstance(value, dict):
        tools = [some for name, some in value.items() if OF_TOOLS.search(str(name))]
        return [entry for some in tools for entry in entries_of(some)]
    entries = value.split("\n") if isinstance(value, str) else value or []
    return [str(entry).strip() for entry in entries if str(entry).strip()]


def assigned(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name that has one value, with the value; what is changed later has none."""
    nodes = list(ast.walk(module))
    pairs = [
        (target.id, node.value)
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    changed = {
        node.target.id
        for node in nodes
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
    }
    changed |= {
        node.value.id
        for node in nodes
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.value, ast.Name)
    }
    names = [name for name, _ in pairs]
    yield from (pair for pair in pairs if names.count(pair[0]) == 1 and pair[0] not in changed)


def literal(node: ast.expr | None, known: Mapping[str, ast.expr], depth: int = 0) -> Any:
    """Return the value of a literal, of a name that is one, or of a sum of such; else None."""
    if node is None or depth > 5:
        return None
    if isinstance(node, ast.Name):
        return literal(known.get(node.id), known, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = (literal(side, known, depth + 1) for side in (node.left, node.right))
        return left + right if isinstance(left, list) and isinstance(right, list) else None
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None
