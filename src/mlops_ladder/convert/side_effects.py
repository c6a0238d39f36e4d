"""Find what a statement changes when it runs.

The code is not run, so names decide: a method called `append` changes its object, and one called
`head` does not.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

from .calls import (
    bare_call,
    called_name,
    full_path,
    is_method_call,
    root_of,
    walk_outside_functions,
)
from .interface import FUNCTIONS
from .magics import commands_in
from .statements import CALLABLES, IMPORTS, Statement

MUTATORS = re.compile(
    r"(re)?set(?!_(index|axis))(_\w+|default)?|seed\w*|shuffle|(filter|simplefilter)(warnings)?|"
    r"basicConfig|chdir|putenv|makedirs|mkdir|use|register|enable|disable|append|extend|insert|add|"
    r"update|remove|discard|pop|popitem|clear|sort|reverse|install"
)
"""Methods that change their object, and functions that change a setting."""
ARGUMENT_MUTATORS = re.compile(r"shuffle|setattr|delattr|heapify|heappush|heappop|insort\w*")
"""Functions that change their first argument."""
FITS = re.compile(r"(partial_)?fit(_\w+)?|load_state_dict")
"""Methods that fit their object to data."""
READERS = re.compile(
    r"head|tail|sample|info|describe|plot|hist|boxplot|show|display|value_counts|n?unique|keys|"
    r"values|items|validate|predict\w*|score|corr|(is|not)(na|null)|count|sum|mean|median|std|min|"
    r"max|groupby|query|copy|round|to_\w+|get\w*"
)
"""Methods that do not change their object."""
PROCESS_STATE = re.compile(r"(sys\.(path|modules|meta_path)|os\.(environ|chdir|putenv))\b")
"""State that imports, and code which reads files, depend on."""
PLOTTING = re.compile(
    r"(IPython\.display|altair|bokeh|hvplot|matplotlib|missingno|plotly|plotnine|seaborn|"
    r"plt|sns|px|go|alt|mpl)\b"
)
"""Libraries that show something, and their usual aliases."""


def is_docstring(node: ast.stmt) -> bool:
    """Tell whether the statement is a string."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def is_definition(node: ast.stmt) -> bool:
    """Tell whether the statement only defines names, conditionally or not."""
    if isinstance(node, ast.If | ast.Try):
        parts = [*node.body, *node.orelse]
        if isinstance(node, ast.Try):
            parts += [*node.finalbody, *(s for handler in node.handlers for s in handler.body)]
        idle = (*IMPORTS, ast.Pass, ast.Raise)
        return all(isinstance(part, idle) or is_definition(part) or prints(part) for part in parts)
    if isinstance(node, ast.Assign):
        return all(is_name(target) for target in node.targets)
    if isinstance(node, ast.AnnAssign):
        return is_name(node.target)
    return isinstance(node, (*CALLABLES, ast.ClassDef))


def is_name(target: ast.expr) -> bool:
    """Tell whether an assignment to the target binds names and nothing else."""
    if isinstance(target, ast.Tuple | ast.List):
        return all(map(is_name, target.elts))
    return isinstance(target.value if isinstance(target, ast.Starred) else target, ast.Name)


def prints(node: ast.stmt) -> bool:
    """Tell whether the statement is a call of `print`."""
    call = bare_call(node)
    return call is not None and isinstance(call.func, ast.Name) and call.func.id == "print"


def is_command(node: ast.stmt) -> bool:
    """Tell whether the statement is an IPython command."""
    return isinstance(node, ast.Expr | ast.Assign) and any(commands_in(node))


def may_raise(node: ast.stmt) -> bool:
    """Tell whether the statement contains a `raise` outside functions."""
    return any(isinstance(part, ast.Raise) for part in walk_outside_functions(node))


def is_setting(statement: Statement, imports: Mapping[str, str]) -> bool:
    """Tell whether the statement changes an imported module, or calls it for an effect."""
    call = bare_call(statement.node)
    if call and PLOTTING.match(full_path(call.func, imports)):
        return False
    if not changed_objects(statement.node).isdisjoint(imports):
        return True
    if call is None or statement.is_last:
        return False
    return (root_of(call.func) or "") in imports


def changed_process_state(node: ast.AST, imports: Mapping[str, str]) -> str | None:
    """Return the state of the process that the code changes, such as `sys.path`."""
    changed = [*stores(node), *(call.func for call in calls(node) if mutates(call))]
    matches = [PROCESS_STATE.match(full_path(target, imports)) for target in changed]
    return next((match[0] for match in matches if match), None)


def changed_names(statement: Statement, functions: Mapping[str, Statement]) -> set[str]:
    """Return the names that the statement binds, or whose objects it changes when it runs.

    Parameters
    ----------
    statement
        A statement of the notebook.
    functions
        The notebook's functions by name, whose effects are those of the statement that calls them.
    """
    changed = {*statement.names, *changed_objects(statement.node)}
    for function in called_functions(statement, functions):
        changed |= changed_globals(function)
    for call in calls(statement.node):
        if isinstance(call.func, ast.Name) and call.func.id in functions:
            changed |= changed_arguments(call, functions[call.func.id])
    return changed


def directly_changed_names(statement: Statement) -> set[str]:
    """Return the names that the statement binds, or whose objects it changes itself."""
    if isinstance(statement.node, (*CALLABLES, ast.ClassDef)):
        return set(statement.names)
    return {*statement.names, *changed_objects(statement.node)}


def changed_objects(node: ast.AST) -> set[str]:
    """Return the names of the objects that the code changes: `rides` for `rides.loc[0] = 1`."""
    changed = stores(node)
    for call in calls(node):
        if is_method_call(call) and mutates(call):
            changed.append(call.func)
        if call.args and ARGUMENT_MUTATORS.fullmatch(called_name(call)):
            changed.append(call.args[0])
    return roots_of(changed)


def fitted_objects(node: ast.AST) -> set[str]:
    """Return the names of the objects that the code fits to data: `model` for `model.fit(x, y)`."""
    methods = [call for call in calls(node) if is_method_call(call)]
    return roots_of(call.func for call in methods if FITS.fullmatch(called_name(call)))


def objects_of_unknown_methods(statement: Statement) -> set[str]:
    """Return the names of the objects of which a method is called whose effect is not known.

    A cell's last statement is called for its value, which Jupyter shows.
    """
    if statement.is_last and isinstance(statement.node, ast.Expr):
        return set()
    known = [READERS, FITS]
    bare = [call for node in ast.walk(statement.node) if (call := bare_call(node))]
    return roots_of(
        call.func
        for call in bare
        if is_method_call(call) and not any(names.fullmatch(called_name(call)) for names in known)
    )


def mutates(call: ast.Call) -> bool:
    """Tell whether a call changes its object or a setting, by its name and arguments."""
    in_place = [ast.unparse(k.value) == "True" for k in call.keywords if k.arg == "inplace"]
    return any(in_place) or bool(MUTATORS.fullmatch(called_name(call)))


def called_functions(
    statement: Statement, functions: Mapping[str, Statement]
) -> Iterator[Statement]:
    """Find the notebook's functions that run when the statement does.

    Functions of the interface are left out, because the project itself runs them.
    """
    names, found = set(statement.uses_at_once), set(FUNCTIONS)
    while new := (names & functions.keys()) - found:
        found |= new
        names = {used for name in new for used in functions[name].uses}
        yield from (functions[name] for name in new)


def changed_globals(function: Statement) -> set[str]:
    """Return the global names that a call of the function binds, or whose objects it changes."""
    parts = list(ast.walk(function.node))
    declared = {name for part in parts if isinstance(part, ast.Global) for name in part.names}
    bound = {part.arg for part in parts if isinstance(part, ast.arg)}
    bound |= {
        part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
    return (declared & bound) | (changed_objects(function.node) - (bound - declared))


def changed_arguments(call: ast.Call, function: Statement) -> set[str]:
    """Return the names of the arguments whose objects the function changes."""
    assert isinstance(function.node, CALLABLES)
    changed = changed_objects(function.node)
    parameters = [p.arg for p in [*function.node.args.posonlyargs, *function.node.args.args]]
    given: list[tuple[str | None, ast.expr]] = list(zip(parameters, call.args, strict=False))
    given += [(keyword.arg, keyword.value) for keyword in call.keywords]
    return roots_of(value for name, value in given if name in changed)


def calls(node: ast.AST) -> list[ast.Call]:
    """Return all calls in the code."""
    return [part for part in ast.walk(node) if isinstance(part, ast.Call)]


def stores(node: ast.AST) -> list[ast.expr]:
    """Return the attributes and items that the code sets or deletes."""
    parts = [part for part in ast.walk(node) if isinstance(part, ast.Attribute | ast.Subscript)]
    return [part for part in parts if not isinstance(part.ctx, ast.Load)]


def roots_of(expressions: Iterable[ast.expr]) -> set[str]:
    """Return the names that the expressions begin with."""
    return {root for expression in expressions if (root := root_of(expression))}
