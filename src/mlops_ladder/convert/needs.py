"""The names that a problem needs, and why it cannot do without a statement that changes them."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .calls import imported_paths
from .imports import MODULE_NAMES
from .interface import INTERFACE, TAG
from .side_effects import (
    changed_names,
    changed_process_state,
    fitted_objects,
    is_command,
    is_setting,
    may_raise,
    objects_of_unknown_methods,
)
from .statements import CALLABLES, Statement, names_of, partition, reachable, uses_of


@dataclass(frozen=True)
class Needs:
    """The names that a problem needs, and what is known of the notebook's other names."""

    names: set[str]
    """Names that the problem defines or uses, without imported ones."""
    fitted: set[str]
    """Those that functions other than `build_model` need, and which may have to be fitted."""
    functions: Mapping[str, Statement]
    """The notebook's functions by name."""
    imports: Mapping[str, str]
    """The full path of every imported name."""

    def reason_against_omission(self, statement: Statement, is_action: bool) -> str | None:
        """Return the reason why the problem needs a statement, or None if it does not.

        Parameters
        ----------
        statement
            A statement that the module will not have.
        is_action
            Tell that the statement is not a definition.
        """
        node = statement.node
        if isinstance(node, (*CALLABLES, ast.ClassDef)):
            return None
        changed = changed_names(statement, self.functions) & self.names
        fitted = fitted_objects(node) & self.fitted
        unknown = objects_of_unknown_methods(statement) & self.names - self.functions.keys()
        elsewhere = f"to a cell without the tag `{TAG}`"
        if state := changed_process_state(node, self.imports):
            effect, advice = f"change `{state}`", f"Move it {elsewhere}"
        elif is_action and may_raise(node):
            effect = "may raise an error"
            advice = f"Move it into the function that needs it, or {elsewhere}"
        elif changed and statement.commands:
            effect = f"set {listed(changed)} by an IPython command"
            advice = "Write it in Python"
        elif changed:
            effect = f"change {listed(changed)}"
            advice = "Write the final value in the definition, or move it into a function"
        elif fitted:
            effect = f"fit {listed(fitted)}"
            advice = "Make it a step of the pipeline that build_model returns"
        elif unknown:
            effect = f"may change {listed(unknown)}"
            advice = "Remove it, or move it into the function that needs it"
        else:
            return None
        return f"{statement.cell}: `{statement}` would run at every import and {effect}. {advice}"

    def describe_omission(self, statement: Statement) -> str:
        """Return the remark about a statement that is left out."""
        omission = f"{statement.cell}: `{statement}` was left out"
        if is_command(statement.node):
            return f"{omission}: it is an IPython command"
        if is_setting(statement, self.imports):
            return f"{omission}: it is a setting. If the problem needs it, call it in a function"
        return f"{omission}: it defines nothing of the problem"


def find_needs(
    problem: Sequence[Statement],
    imports: Iterable[Statement],
    definitions: Iterable[Statement],
) -> Needs:
    """Find the names that a problem needs.

    Parameters
    ----------
    problem
        The definitions that the problem consists of.
    imports
        Statements among which are the notebook's imports.
    definitions
        Statements among which are the notebook's functions.
    """
    paths = imported_paths(partition(imports)[0])
    names = (names_of(problem) | uses_of(problem)) - MODULE_NAMES - paths.keys()
    others = [name for name in INTERFACE if name != "build_model"]
    functions = {name: s for s in definitions if isinstance(s.node, CALLABLES) for name in s.names}
    return Needs(names, names_of(reachable(problem, *others)), functions, paths)


def listed(names: Iterable[str]) -> str:
    """Return the names in one text."""
    return ", ".join(sorted(names))
