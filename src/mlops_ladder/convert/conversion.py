"""Convert a notebook to `problem.py`, step by step."""

import warnings
from collections.abc import Collection

from .adaptation import adapt, rewrite_docstring
from .cells import read_notebook
from .formatting import format_module
from .generated import Generated
from .imports import imported_modules, select_imports
from .module import arrange, join_statements, sort_by_needs
from .result import Conversion, ConversionError, Messages
from .selection import drop_duplicates, select_cells, select_definitions
from .side_effects import is_docstring
from .statements import names_of, partition, reachable
from .validation import check_interface, check_others

ROUGH = (
    "problem.py: not formatted, because ruff did not run; some imports may be unused. Run "
    "`make format`"
)
TOO_DEEP = (
    "notebook.ipynb: an expression is nested too deeply. Split it with named variables, or move "
    "the values to a file in data/"
)


def convert_notebook(
    generated_notebook: bytes,
    notebook: bytes,
    generated_problem: str,
    modules: Collection[str] = (),
) -> Conversion:
    """Convert the marked cells of a notebook to `problem.py`.

    Parameters
    ----------
    generated_notebook, generated_problem
        What the template renders with the project's answers. If the marked cells are as generated,
        so is the result.
    notebook
        The user's notebook.
    modules
        The modules beside the notebook.
    """
    generated = Generated.read(generated_notebook, generated_problem)
    try:
        with warnings.catch_warnings(action="ignore"):  # of the parser, about the user's code
            return convert(generated, notebook, modules)
    except ConversionError as error:
        return Conversion(generated_problem, reasons=error.reasons)
    except (RecursionError, MemoryError):
        return Conversion(generated_problem, reasons=[TOO_DEEP])


def convert(generated: Generated, notebook: bytes, modules: Collection[str]) -> Conversion:
    """Convert the marked cells of a notebook.

    Raises
    ------
    ConversionError
        The notebook cannot be converted; the error has all reasons.
    """
    messages = Messages()
    cells, title = read_notebook(notebook)
    selection = select_cells(cells, messages)
    statements, others = selection.problem, selection.others
    has_docstring = bool(statements) and is_docstring(statements[0].node)
    docstring = statements[0].code if has_docstring else ""
    imports, body = partition(statements[has_docstring:])
    body, rejected = select_definitions(body, imports, selection, messages)
    body = drop_duplicates(body, messages)
    check_interface(body, selection.unread_definitions, messages)
    check_others(body, others, messages)
    reported = names_of(rejected) | selection.unread_words
    copied = select_imports(body, imports, others, reported, messages)
    if messages.reasons:
        raise ConversionError(*messages.reasons)

    originals = [generated.original(s) for s in body]
    pairs = list(zip(body, originals, strict=True))
    changed = {name for s, original in pairs if original is None for name in s.names}
    if not changed and names_of(body) == names_of(generated.in_notebook):
        return Conversion(generated.problem, remarks=messages.remarks)
    body = [original or s for s, original in pairs]
    package_only = [s for s in generated.package_only if names_of(body).isdisjoint(s.names)]
    if changed & names_of(reachable(body, "build_model")):
        package_only = [adapted for s in package_only if (adapted := adapt(s, body))]
    if not docstring and "TARGET" in changed:
        user_title = title if title != generated.title else ""
        docstring = rewrite_docstring(generated.docstring, user_title, body)
    imports += [*copied, *generated.imports_for(package_only, imports)]
    body = sort_by_needs(arrange(body, package_only, generated.order))
    problem = join_statements(docstring or generated.docstring, imports, body)
    own_modules = imported_modules(problem, modules)
    if formatted := format_module(problem, own_modules):
        problem = formatted.text
    return Conversion(
        problem,
        changed=[name for s in body for name in s.names if name in changed],
        remarks=[*messages.remarks, *(formatted.remarks if formatted else [ROUGH])],
        modules=imported_modules(problem, modules),
    )
