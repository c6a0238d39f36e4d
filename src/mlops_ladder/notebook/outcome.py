"""What comes of a notebook."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class CarriedOver:
    """What the notebook became."""

    problem: str
    """The new `problem.py`; the generated one if nothing was changed or it cannot be carried."""
    reasons: list[str] = field(default_factory=list)
    """Why it cannot be carried over, each with the cell and what to do; empty if all is well."""
    changed: list[str] = field(default_factory=list)
    """Names whose definitions came from the notebook."""
    remarks: list[str] = field(default_factory=list)
    """What a person should know of what was carried: what was left out, what was brought."""
    modules: list[str] = field(default_factory=list)
    """Modules beside the notebook that the problem imports, and that the package has not."""

    def notes(self, path: str) -> list[str]:
        """What to tell a person about the problem that is written to the path."""
        kept = f"{path} comes as the template has it: the notebook could not be carried over"
        came = [f"{path}: {', '.join(self.changed)} came from the notebook"] if self.changed else []
        package = path.rpartition("/")[0]
        behind = [
            f"{path} imports `{module}`, which lies beside the notebook, where the package does "
            f"not find it: move it into {package}/, and write a dot before its name in the import "
            f"(`from .{module} import ...`)"
            for module in self.modules
        ]
        return [*(f"{kept}: {reason}" for reason in self.reasons), *came, *self.remarks, *behind]


class NotCarriedError(Exception):
    """The notebook cannot be carried over, for each of these reasons."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = list(reasons)
