"""What a team says about the assessment: criteria to ignore, and facts that files cannot show.

In `[tool.mlops-ladder]` of `pyproject.toml`, or in `.mlops-ladder.toml`::

    [ignore]
    L1-06 = "we publish nothing"
    [stated]
    L2-08 = "a schedule in the scheduler's own page, every Monday"
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import RefusedError, first_line
from ..inspection.files import as_mapping
from .criteria import criteria
from .finding import Finding

OWN_FILE = ".mlops-ladder.toml"
TABLES = ("ignore", "stated")


@dataclass(frozen=True)
class Settings:
    """Reasons by criterion: to ignore it, and facts that a team states."""

    ignore: dict[str, str] = field(default_factory=dict)
    stated: dict[str, str] = field(default_factory=dict)

    def applied(self, id: str, name: str, finding: Finding) -> Finding:
        """Return the finding with what the team says about it.

        What is stated counts only where files cannot show it.
        """
        if reason := self.ignore.get(id, self.ignore.get(name)):
            return replace(finding, ignored=True, reason=f"ignored: {reason}")
        told = self.stated.get(id, self.stated.get(name))
        if told and finding.status == "unknown":
            return Finding("met", f"stated: {told}", "E1", finding.evidence, stated=True)
        return finding


def read_settings(tree: Mapping[str, bytes]) -> Settings:
    """Read the settings of a repository.

    Raises
    ------
    RefusedError
        They cannot be read, name a criterion that does not exist, or give no reason.
    """
    if OWN_FILE in tree:
        said = parsed(OWN_FILE, tree[OWN_FILE])
        return checked(OWN_FILE, said) if said is not None else refuse(OWN_FILE)
    said = parsed("pyproject.toml", tree.get("pyproject.toml", b""))
    tool = as_mapping(as_mapping(as_mapping(said).get("tool")).get("mlops-ladder"))
    return checked("pyproject.toml", tool)


def refuse(path: str) -> Settings:
    """Refuse a file that is no TOML."""
    raise RefusedError(f"{path}: it is no TOML. Correct it")


def parsed(path: str, body: bytes) -> dict[str, Any] | None:
    """Return the content of a TOML file; None if it is not valid."""
    try:
        return tomllib.loads(body.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        if path == OWN_FILE:
            raise RefusedError(f"{path}: {first_line(error)}") from error
        return None


def checked(path: str, said: dict[str, Any]) -> Settings:
    """Return the settings, all of whose entries name a criterion and give a reason."""
    known = {name for one in criteria() for name in (one.id, one.name)}
    found: dict[str, dict[str, str]] = {table: {} for table in TABLES}
    for table in TABLES:
        for name, reason in as_mapping(said.get(table)).items():
            if name not in known:
                raise RefusedError(
                    f"{path}: {table}: there is no criterion {name}. "
                    "Take an identifier such as L1-04"
                )
            if not isinstance(reason, str) or not reason.strip():
                raise RefusedError(f"{path}: {table}: {name} has no reason. Write one in quotes")
            found[table][name] = reason.strip()
    return Settings(found["ignore"], found["stated"])
