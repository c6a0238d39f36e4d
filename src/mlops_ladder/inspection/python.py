"""What Python code does, as data: its imports, functions, calls and names.

A file is parsed once. Each function, method and module body is a unit; what a unit uses decides
which other units it reaches.
"""

import ast
import io
import json
import re
import tokenize
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..errors import first_line
from .fstrings import without_fields

MAIN = "__main__"
BODY = "<module>"
NO_BRACKETS = bytes(set(range(256)) - set(b"()[]{}"))
MOST_NESTED = 80  # brackets within brackets; deeper files can exhaust the parser's stack
IMPORT_LINE = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<module>[.\w]+)[ \t]+import[ \t]+(?P<names>[^\n#;]+)"
    r"|import[ \t]+(?P<plain>[^\n#;]+))",
    re.MULTILINE,
)
IMPORT_LIST = re.compile(r"^[ \t]*from[ \t]+[.\w]+[ \t]+import[ \t]*\([^)]*\)", re.MULTILINE)
NAME_GIVEN = re.compile(r"([A-Za-z_]\w*|\*)(?:[ \t]+as[ \t]+(\w+))?")
WORD = re.compile(r"[A-Za-z_]\w*")
ORDERING = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
TRUTHS = (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.IfExp, ast.Dict, ast.List, ast.Tuple)
"""Values that comparisons may be kept in; and those of these functions:"""
QUANTIFIERS = {"all", "any", "bool"}
ORDERED_WITHIN = {ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Call, ast.Tuple, ast.Dict, ast.IfExp}
"""Values of which a comparison may be a part."""
STRING = re.compile(r"""("{3}|'{3}).*?\1|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)
LONGEST_STRING = 2_000
NO_NODES = {
    *("id", "attr", "ctx", "op", "ops", "name", "names", "asname", "module", "level", "arg"),
    *("kind", "type_comment", "conversion", "is_async", "simple", "type_ignores", "rest"),
    *("kwd_attrs", "type_params"),
}
STATEMENTS = {"body", "handlers", "cases", "orelse", "finalbody"}
CHILDREN: dict[type, tuple[str, ...]] = {
    kind: tuple(name for name in reversed(kind._fields) if name not in NO_NODES)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}
"""The fields of each kind of node that have nodes in them, the last first as a stack needs them."""
BLOCKS: dict[type, tuple[str, ...]] = {
    kind: tuple(name for name in fields if name in STATEMENTS)
    for kind, fields in CHILDREN.items()
    if issubclass(kind, ast.stmt | ast.ExceptHandler | ast.match_case)
}
"""Those that have statements in them."""
PASSIVE = {
    *("property", "staticmethod", "classmethod", "dataclass", "lru_cache", "cache", "wraps"),
    *("contextmanager", "abstractmethod", "overload", "cached_property", "total_ordering"),
    *("override", "final", "no_grad", "inference_mode", "jit", "njit", "dataclasses", "setter"),
}


class Call(NamedTuple):
    """A call: the dotted name of what is called, with the names that imports stand for."""

    name: str
    line: int
    keywords: dict[str, Any]
    """Keyword arguments, those of a mapping as `**`; a value is None unless it is a constant."""
    arguments: tuple[Any, ...]


@dataclass
class Unit:
    """A function, a method, or a module's own code."""

    path: str
    name: str
    line: int
    decorators: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    """The identifiers that it uses, with the line of the first use."""
    strings: list[tuple[int, str]] = field(default_factory=list)
    stops: bool = False
    """It raises or exits: a caller cannot go on unnoticed."""
    branches: bool = False
    """It decides something: an `if` or a conditional expression with a comparison."""
    tested: set[str] = field(default_factory=set)
    """The names that its conditions depend on."""
    guarded: set[str] = field(default_factory=set)
    """The names tested by an `if` that ends in leaving: it returns or raises."""
    endless: bool = False
    """It has a loop that never ends by itself: `while True`."""
    ordered: set[str] = field(default_factory=set)
    """The names that its conditions order: with `<`, `<=`, `>` or `>=`."""
    verdicts: dict[str, set[str]] = field(default_factory=dict)
    """The names that were ordered for the value of each variable."""
    returned: set[str] = field(default_factory=set)
    """The names that are ordered for the value that it returns."""
    asserts: bool = False
    """It has an assertion that can fail."""
    bases: list[str] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    """Names that are assigned a constant."""
    literals: set[str] = field(default_factory=set)
    """Names that are assigned a mapping of written values."""
    fixed: set[str] = field(default_factory=set)
    """Names that a branch tests after a constant has replaced their value."""

    short: str = ""
    """The name without that of its class."""

    def __post_init__(self) -> None:
        """Keep the short name, which is needed very often."""
        self.short = self.name.rpartition(".")[2]

    @property
    def compared(self) -> set[str]:
        """The names whose order decides what it does, at once or by a variable."""
        kept = (self.verdicts[name] for name in self.verdicts.keys() & self.tested)
        return self.ordered.union(*kept)


@dataclass
class Module:
    """A Python file or notebook."""

    path: str
    dotted: str
    imports: dict[str, str]
    """The name that each local name stands for."""
    units: list[Unit]
    cells: list[int] = field(default_factory=list)
    """The first line of each code cell, in a notebook."""
    shell: list[tuple[int, str]] = field(default_factory=list)
    """The commands that a notebook gives to the shell, with their lines."""
    required: set[str] = field(default_factory=set)
    """The dotted names that it imports from modules as it starts; empty if it was skimmed."""

    @property
    def imported(self) -> set[str]:
        """The dotted names that it imports."""
        return set(self.imports.values())

    def cell(self, line: int) -> int | None:
        """Return the number of the notebook cell with that line, from 1."""
        return sum(start <= line for start in self.cells) or None if self.cells else None


def dotted_name(path: str) -> str:
    """Return the name by which a file can be imported, from the root or from `src/`."""
    parts = re.sub(r"\.(py|ipynb)$", "", path).split("/")
    if parts[0] == "src" and len(parts) > 1:
        parts = parts[1:]
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


def parse_module(path: str, text: str) -> Module:
    """Parse a Python file.

    Raises
    ------
    ValueError
        It is no Python of this version; the message says where.
    """
    return facts(path, syntax_tree(text))


def parse_notebook(path: str, text: str) -> Module:
    """Parse the code cells of a notebook; cells that are no Python are left out.

    Raises
    ------
    ValueError
        It is no notebook.
    """
    body: list[ast.stmt] = []
    starts, first, shell = [], 1, list[tuple[int, str]]()
    for source in code_cells(text):
        lines = ["pass" if line.lstrip().startswith(("%", "!", "?")) else line for line in source]
        starts.append(first)
        shell += [
            (first + number, line.strip()[1:].strip())
            for number, line in enumerate(source)
            if line.lstrip().startswith("!")
        ]
        try:
            cell = syntax_tree("\n".join(lines))
            ast.increment_lineno(cell, first - 1)
            body += cell.body
        except ValueError:
            pass
        first += len(lines)
    module = facts(path, ast.Module(body=body, type_ignores=[]))
    module.cells, module.shell = starts, shell
    return module


def code_cells(text: str) -> Iterator[list[str]]:
    """Yield the lines of each code cell of a notebook."""
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no notebook: {first_line(error)}") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ValueError("it is no notebook: it has no cells")
    for cell in cells:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            if isinstance(source, list):
                source = "".join(part for part in source if isinstance(part, str))
            if isinstance(source, str) and not source.lstrip().startswith("%%"):
                yield source.split("\n")


def syntax_tree(text: str) -> ast.Module:
    """Parse code; every failure is a ValueError."""
    if nesting(text) > MOST_NESTED and nesting(brackets_of(text)) > MOST_NESTED:
        raise ValueError("it is nested too deep")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes in other people's code
            return tree_of(text.lstrip("\ufeff"))
    except SyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.msg}") from error
    except (RecursionError, MemoryError) as error:
        raise ValueError("it is nested too deep") from error


def tree_of(text: str) -> ast.Module:
    """Parse code; formatted strings that only a newer Python parses lose their fields."""
    try:
        return ast.parse(text)
    except SyntaxError as error:
        if "f-string" not in error.msg:
            raise
        return ast.parse(without_fields(text))


def brackets_of(text: str) -> str:
    """Return the brackets of code, without those in strings and comments, as far as it can be."""
    try:
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        return "".join(one.string for one in tokens if one.string in "()[]{}")
    except (tokenize.TokenError, SyntaxError, RecursionError):
        return STRING.sub("", text)


def nesting(text: str) -> int:
    """Return how deep brackets are nested at most; those in strings and comments count, too."""
    depth = most = 0
    for bracket in text.encode("utf-8", "replace").translate(None, NO_BRACKETS):
        if bracket in b"([{":
            depth += 1
            if depth > most:
                most = depth
        elif depth:
            depth -= 1
    return most


def skim(path: str, text: str) -> Module:
    """Return the imports and words of a file without parsing it: it may use any of them."""
    dotted = dotted_name(path)
    imports: dict[str, str] = {}
    lines = IMPORT_LIST.sub(lambda found: found[0].replace("\n", " "), text.replace("\\\n", " "))
    for found in IMPORT_LINE.finditer(lines):
        if found["plain"]:
            names = [(name.split(" as ")[0].strip(), "") for name in found["plain"].split(",")]
            imports |= {name.partition(".")[0]: name for name, _ in names}
        else:
            base = absolute(found["module"], path, dotted)
            for name, alias in NAME_GIVEN.findall(found["names"]):
                imports[alias or name] = f"{base}.{name}"
    unit = Unit(path, BODY, 1, names=dict.fromkeys(WORD.findall(text), 1))
    return Module(path, dotted, imports, [unit])


def absolute(module: str, path: str, dotted: str) -> str:
    """Return the dotted name of a module that may be written relative to the file's own."""
    level = len(module) - len(module.lstrip("."))
    if not level:
        return module
    parts = dotted.split(".")
    up = level - 1 if path.endswith("__init__.py") else level
    base = parts[: len(parts) - up] if up else parts
    return ".".join([*base, module.lstrip(".")]).strip(".")


def facts(path: str, tree: ast.Module) -> Module:
    """Return what a syntax tree says."""
    module = Module(path, dotted_name(path), {}, [])
    for node in statements_of(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                local = one.asname or one.name.partition(".")[0]
                module.imports[local] = one.name if one.asname else local
                if not one.asname and "." in one.name:
                    module.imports[one.name] = one.name
        elif isinstance(node, ast.ImportFrom):
            base = absolute("." * node.level + (node.module or ""), path, module.dotted)
            for one in node.names:
                module.imports[one.asname or one.name] = f"{base}.{one.name}"
    module.required = {
        f"{absolute('.' * node.level + (node.module or ''), path, module.dotted)}.{one.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for one in node.names
    }
    body = Unit(path, BODY, 1)
    main = Unit(path, MAIN, 1)
    module.units = [body]
    for node in tree.body:
        if isinstance(node, ast.If) and is_main_guard(node.test):
            main.line = node.lineno
            Reader(module, main).read(*node.body)
            module.units.append(main)
        else:
            split(module, body, node, "")
    return module


def statements_of(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield all statements in their order, without looking into expressions."""
    waiting: list[ast.AST] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        yield node
        for block in BLOCKS.get(node.__class__, ()):
            waiting += getattr(node, block)[::-1]


def is_main_guard(test: ast.expr) -> bool:
    """Tell whether a condition is `__name__ == "__main__"`."""
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))


def split(module: Module, owner: Unit, node: ast.stmt, prefix: str) -> None:
    """Read a statement of a module or class: functions and classes become units."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        unit = Unit(module.path, f"{prefix}{node.name}", node.lineno)
        decorate(module, unit, node)
        reader = Reader(module, unit)
        reader.read(node.args, *node.body)
        unit.fixed = reader.fixed_and_tested
        module.units.append(unit)
    elif isinstance(node, ast.ClassDef):
        unit = Unit(module.path, f"{prefix}{node.name}", node.lineno)
        decorate(module, unit, node)
        reader = Reader(module, unit)
        unit.bases = [reader.resolve(base) for base in node.bases]
        reader.read(*node.bases, *node.keywords)
        module.units.append(unit)
        for inside in node.body:
            split(module, unit, inside, f"{prefix}{node.name}.")
    elif isinstance(node, ast.If | ast.Try) and any(
        isinstance(one, ast.FunctionDef | ast.ClassDef) for one in node.body
    ):
        for inside in [*node.body, *node.orelse]:
            split(module, owner, inside, prefix)
    elif not isinstance(node, ast.Import | ast.ImportFrom):
        Reader(module, owner).read(node)


def decorate(
    module: Module, unit: Unit, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
) -> None:
    """Record the decorators of a function or class."""
    reader = Reader(module, unit)
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        unit.decorators.append(reader.resolve(called))
        reader.read(decorator)


class Reader:
    """Reads the nodes of a unit, each once, in the order of the code."""

    def __init__(self, module: Module, unit: Unit) -> None:
        self.module = module
        self.unit = unit
        self.computed: set[str] = set()
        self.fixed: set[str] = set()
        self.raised_again: set[ast.Raise] = set()
        """What hands an error of something else on: it is no check of the code's own."""
        self.fixed_and_tested: set[str] = set()
        """The names that a branch tests after a constant has replaced a computed value."""

    def read(self, *nodes: ast.AST) -> None:
        """Record what nodes use, with everything below them.

        Most of the time of an assessment is spent here, so nodes are compared by class.
        """
        names, strings = self.unit.names, self.unit.strings
        waiting: list[Any] = list(nodes[::-1])
        while waiting:
            node = waiting.pop()
            kind = node.__class__
            if kind is ast.Name:
                if node.id not in names:
                    names[node.id] = node.lineno
                continue
            if kind is ast.Constant:
                text = node.value
                if text.__class__ is str and len(text) < LONGEST_STRING:
                    strings.append((node.lineno, text))
                continue
            if kind is ast.Attribute:
                if node.attr not in names:
                    names[node.attr] = node.lineno
                waiting.append(node.value)
                continue
            if kind is ast.Call:
                self.call(node)
            elif kind is ast.keyword:
                if node.arg and node.arg not in names:
                    names[node.arg] = node.value.lineno
                waiting.append(node.value)
                continue
            elif kind in RECORDING:
                RECORDING[kind](self, node)
            for name in CHILDREN.get(kind, ()):
                inside = getattr(node, name)
                if inside.__class__ is list:
                    if inside:
                        waiting += inside[::-1]
                elif inside is not None:
                    waiting.append(inside)

    def assigned(self, node: ast.Assign) -> None:
        """Record an assignment."""
        self.keep(node.targets, node.value)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            self.assign(node.targets[0].id, node.value)

    def annotated(self, node: ast.AnnAssign) -> None:
        """Record a constant with a type."""
        if isinstance(node.target, ast.Name) and isinstance(node.value, ast.Constant):
            self.unit.constants[node.target.id] = node.value.value

    def augmented(self, node: ast.AugAssign) -> None:
        """Record what adds to a variable."""
        self.keep([node.target], node.value)

    def argument(self, node: ast.arg) -> None:
        """Record the name of an argument."""
        self.unit.names.setdefault(node.arg, node.lineno)

    def loop(self, node: ast.While) -> None:
        """Record a loop that never ends by itself."""
        if isinstance(node.test, ast.Constant):
            self.unit.endless |= bool(node.test.value)

    def condition(self, node: ast.IfExp) -> None:
        """Record that something is decided."""
        self.unit.branches |= not isinstance(node.test, ast.Constant)

    def branch(self, node: ast.If) -> None:
        """Record what a branch depends on."""
        unit, test = self.unit, node.test
        unit.branches |= not isinstance(test, ast.Constant)
        below = list(names_below(test))
        unit.tested.update(below)
        if isinstance(node.body[-1], ast.Return | ast.Raise):
            unit.guarded.update(below)
        if test.__class__ is not ast.Name:
            unit.ordered.update(names_ordered(test))
        if self.fixed:
            self.fixed_and_tested |= self.fixed & bare_names(test)

    def returned(self, node: ast.Return) -> None:
        """Record the comparisons that are returned."""
        if node.value.__class__ in ORDERED_WITHIN:
            self.unit.returned.update(names_ordered(node.value))  # type: ignore[arg-type]

    def raised(self, node: ast.Raise) -> None:
        """Record that it stops, unless it only hands on the error of something else."""
        self.unit.stops |= node not in self.raised_again

    def handled(self, node: ast.ExceptHandler) -> None:
        """Record what is raised for the error of something else."""
        inside = statements_of(ast.Module(node.body, []))
        self.raised_again.update(one for one in inside if isinstance(one, ast.Raise))

    def asserted(self, node: ast.Assert) -> None:
        """Record an assertion."""
        self.unit.asserts |= not isinstance(node.test, ast.Constant)
        self.unit.ordered.update(names_ordered(node.test))

    def keep(self, targets: list[ast.expr], value: ast.expr) -> None:
        """Record the comparisons that a variable holds."""
        is_call = isinstance(value, ast.Call) and isinstance(value.func, ast.Name)
        if isinstance(value, TRUTHS) or (is_call and value.func.id in QUANTIFIERS):  # type: ignore[attr-defined]
            found = set(names_ordered(value))
            for name in (name for target in targets for name in names_below(target) if found):
                self.unit.verdicts.setdefault(name, set()).update(found)

    def assign(self, name: str, value: ast.expr) -> None:
        """Record an assignment: of a constant, perhaps instead of a computed value."""
        if isinstance(value, ast.Dict) and constant(value):
            self.unit.literals.add(name)
        if isinstance(value, ast.Constant):
            self.unit.constants[name] = value.value
        elif not is_empty(value):
            self.computed.add(name)
            self.fixed.discard(name)
            return
        if name in self.computed:
            self.fixed.add(name)

    def call(self, node: ast.Call) -> None:
        """Record a call."""
        name = self.resolve(node.func)
        last = name.rpartition(".")[2]
        if last in {"exit", "_exit", "abort"} and name != "sys.stdout.exit":
            self.unit.stops = True
        if last == "raises" or (last.startswith("assert") and last != "assert_called"):
            self.unit.asserts = True
        keywords = {one.arg or "**": constant(one.value) for one in node.keywords}
        arguments = tuple(constant(one) for one in node.args)
        self.unit.calls.append(Call(name, node.lineno, keywords, arguments))
        for one in node.args:
            if isinstance(one, ast.Attribute) and one.attr == "fit":  # what it calls in turn
                self.unit.calls.append(Call(self.resolve(one), one.lineno, {}, ()))

    def resolve(self, node: ast.AST) -> str:
        """Return the dotted name of an expression, with what imports stand for."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name):
            parts.append(self.module.imports.get(node.id, node.id))
        elif isinstance(node, ast.Call):
            inner = self.resolve(node.func)
            parts.append(f"{inner}()" if inner else "()")
        else:
            parts.append("")
        return ".".join(reversed(parts))


RECORDING: dict[type, Callable[[Reader, Any], None]] = {
    ast.Assign: Reader.assigned,
    ast.AnnAssign: Reader.annotated,
    ast.AugAssign: Reader.augmented,
    ast.arg: Reader.argument,
    ast.While: Reader.loop,
    ast.IfExp: Reader.condition,
    ast.If: Reader.branch,
    ast.Return: Reader.returned,
    ast.Raise: Reader.raised,
    ast.ExceptHandler: Reader.handled,
    ast.Assert: Reader.asserted,
}
"""What is recorded of the kinds of nodes that say more than names."""


def is_empty(value: ast.expr) -> bool:
    """Tell whether a list, tuple or mapping is written without any name."""
    return isinstance(value, ast.List | ast.Tuple | ast.Dict) and not bare_names(value)


def bare_names(node: ast.AST) -> set[str]:
    """Return the variables in an expression."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def constant(node: ast.AST) -> Any:
    """Return the value of a constant, or of a list of them; else None."""
    if node.__class__ in (ast.Name, ast.Attribute, ast.Call):  # most are
        return None
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Dict(keys=keys, values=values) if keys:
            pairs = zip(keys, values, strict=True)
            found = {str(constant(one)): constant(said) for one, said in pairs if one}
            return None if None in keys or None in found.values() else found
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [constant(one) for one in elements]
        case ast.JoinedStr(values=values):
            return "".join(
                str(one.value) if isinstance(one, ast.Constant) else "*" for one in values
            )
    return None


def names_below(node: ast.AST) -> Iterator[str]:
    """Yield the names and attributes in an expression."""
    waiting: list[Any] = [node]
    while waiting:
        one = waiting.pop()
        kind = one.__class__
        if kind is ast.Name:
            yield one.id
            continue
        if kind is ast.Attribute:
            yield one.attr
        elif kind is ast.Subscript and (word := text_of(one.slice)):
            yield word
        for name in CHILDREN.get(kind, ()):
            inside = getattr(one, name)
            if inside.__class__ is list:
                waiting += inside
            elif inside is not None:
                waiting.append(inside)


def text_of(node: ast.AST) -> str:
    """Return a written text; empty for anything else."""
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return str(node.value) if is_text else ""  # type: ignore[attr-defined]


def names_ordered(node: ast.AST) -> Iterator[str]:
    """Yield the names in the comparisons of an expression that order something."""
    waiting: list[Any] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.Compare) and any(isinstance(op, ORDERING) for op in one.ops):
            yield from names_below(one)
            continue
        for name in CHILDREN.get(one.__class__, ()):
            inside = getattr(one, name)
            if inside.__class__ is list:
                waiting += inside
            elif inside is not None:
                waiting.append(inside)


def is_registered(unit: Unit) -> bool:
    """Tell whether a decorator hands the function to a framework, which calls it."""
    return any(name.rpartition(".")[2] not in PASSIVE for name in unit.decorators)
