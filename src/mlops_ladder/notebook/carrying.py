"""From a notebook to `problem.py`, step by step."""

from collections.abc import Collection

from .adapting import adapted, retold
from .cells import read_notebook
from .checking import check_interface, check_others
from .choosing import choose, without_doubles, without_trials
from .composing import after_their_needs, arranged, written
from .effects import is_text
from .generated import Generated
from .importing import brought_imports, imported
from .outcome import CarriedOver, NotCarriedError
from .statements import names_of, partition, reachable
from .style import in_style

ROUGH = (
    "the problem could not be laid out, since ruff did not run: it is right, but may have imports "
    "that it does not need. `make format` puts it into shape"
)
TOO_DEEP = (
    "notebook.ipynb has an expression with too many parts within each other to be read: give some "
    "of them names, or keep them in a file in data/"
)


def carry_over(
    generated_notebook: bytes,
    notebook: bytes,
    generated_problem: str,
    modules: Collection[str] = (),
) -> CarriedOver:
    """What a person changed in the marked cells of a notebook, as a `problem.py`.

    `generated_notebook` and `generated_problem` are what the template makes of the same answers,
    `modules` those that lie beside the notebook. A notebook that says the same as the generated one
    gives the generated problem back.
    """
    generated = Generated.read(generated_notebook, generated_problem)
    try:
        return carried(generated, notebook, modules)
    except NotCarriedError as error:
        return CarriedOver(generated_problem, reasons=error.reasons)
    except (RecursionError, MemoryError):  # the latter from the parser
        return CarriedOver(generated_problem, reasons=[TOO_DEEP])


def carried(generated: Generated, notebook: bytes, modules: Collection[str]) -> CarriedOver:
    """The problem that the notebook describes.

    Raises:
        NotCarriedError: it cannot be carried over.
    """
    cells, title = read_notebook(notebook)
    statements, others, remarks = choose(cells)
    docstring = statements.pop(0).code if statements and is_text(statements[0].node) else ""
    imports, body = partition(statements)
    body, left_out = without_trials(body)
    body, doubles = without_doubles(body)
    check_interface(body)
    check_others(body, others)
    brought = brought_imports(body, imports, others)
    remarks += [*left_out, *doubles, *(f"`{s}` comes along from {s.cell}" for s in brought)]

    originals = [generated.original(s) for s in body]
    pairs = list(zip(body, originals, strict=True))
    came = {name for s, original in pairs if original is None for name in s.names}
    if not came and names_of(body) == names_of(generated.in_notebook):
        return CarriedOver(generated.problem, remarks=remarks)
    body = [original or s for s, original in pairs]
    beyond = [s for s in generated.beyond_notebook if names_of(body).isdisjoint(s.names)]
    if came & names_of(reachable(body, "build_model")):
        beyond = [adapted(s, body) for s in beyond]
    if not docstring and "TARGET" in came:
        docstring = retold(generated.docstring, title if title != generated.title else "", body)
    imports += [*brought, *generated.imports_for(beyond, imports)]
    body = after_their_needs(arranged(body, beyond, generated.order))
    rough = written(docstring or generated.docstring, imports, body)
    problem = in_style(rough)
    if problem is None:
        problem = rough
        remarks.append(ROUGH)
    return CarriedOver(
        problem,
        changed=[name for s in body for name in s.names if name in came],
        remarks=remarks,
        modules=imported(problem, modules),
    )
