"""The result of a conversion, and the messages that lead to it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Conversion:
    """The result of converting a notebook."""

    problem: str
    """The new `problem.py`; the generated one if nothing changed or the conversion failed."""
    reasons: list[str] = field(default_factory=list)
    """Why the notebook cannot be converted; empty if it was converted."""
    changed: list[str] = field(default_factory=list)
    """Names whose definitions come from the notebook."""
    remarks: list[str] = field(default_factory=list)
    """Notes for the user, such as which statements were left out."""
    modules: list[str] = field(default_factory=list)
    """Modules beside the notebook that the problem imports; the package does not have them."""

    def notes(self, path: str) -> list[str]:
        """Return the notes for the user about the `problem.py` at the path."""
        if self.reasons:
            return []
        changed = [f"{path}: from the notebook: {', '.join(self.changed)}"] if self.changed else []
        package = path.rpartition("/")[0]
        modules = [
            f"{path} imports `{module}`, which is beside the notebook, where the package cannot "
            f"import it: move it to {package}/ and write `from .{module} import ...`"
            for module in self.modules
        ]
        return [*changed, *self.remarks, *modules]


class ConversionError(Exception):
    """The notebook, or one of its cells, cannot be converted.

    Parameters
    ----------
    *reasons
        Messages for the user, each in one line.
    """

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = list(reasons)


@dataclass(frozen=True)
class Messages:
    """The messages of all steps of a conversion, so that the user gets every reason at once."""

    reasons: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
