"""The needs of a repository: requirements as pip reads them, and a version of Python."""

import re
from dataclasses import dataclass, field
from typing import Self

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

WINDOWS = {"pypiwin32", "pywin32", "pywinpty"}
NO_PACKAGES = {"pkg-resources", "python"}


@dataclass(frozen=True)
class Needs:
    """The needs that a repository declares."""

    wanted: tuple[str, ...] = ()
    """Requirements, as pip reads them."""
    python: str = ""
    """Versions of Python, as a specifier."""
    files: tuple[str, ...] = ()
    """The files that were read."""
    notes: tuple[str, ...] = ()
    """Sentences about what was taken over in another form."""
    missing: tuple[str, ...] = ()
    """Sentences about what could not be taken over, and what to do."""
    limits: tuple[str, ...] = ()
    """Versions for packages that may be required; pip calls them constraints."""

    def __add__(self, other: "Needs") -> "Needs":
        """Return both; the first Python version that is said counts."""
        return Needs(
            tuple(dict.fromkeys((*self.wanted, *other.wanted))),
            self.python or other.python,
            tuple(dict.fromkeys((*self.files, *other.files))),
            tuple(dict.fromkeys((*self.notes, *other.notes))),
            tuple(dict.fromkeys((*self.missing, *other.missing))),
            tuple(dict.fromkeys((*self.limits, *other.limits))),
        )


@dataclass
class Found:
    """Requirements while a file is read."""

    file: str
    wanted: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    python: str = ""

    def needs(self) -> Needs:
        """Return what was found."""
        notes = [f"{self.file}: {note}" for note in self.notes]
        missing = [f"{self.file}: {sentence}" for sentence in self.missing]
        return Needs(
            wanted=tuple(self.wanted),
            python=self.python,
            files=(self.file,),
            notes=tuple(notes),
            missing=tuple(missing),
            limits=tuple(self.limits),
        )

    def add(self, text: str) -> Self:
        """Add a requirement, or the sentence that it is none."""
        try:
            entry = Requirement(text)
        except InvalidRequirement:
            self.missing.append(
                f"{text!r} is not a requirement. Add what it means to pyproject.toml"
            )
            return self
        name, text = canonicalize_name(entry.name), str(entry) if "(" in text else text
        if name in NO_PACKAGES:
            return self
        if name == "sklearn":
            self.notes.append("sklearn is scikit-learn, which has no package of the other name now")
            text = f"scikit-learn{'' if entry.specifier.contains('0.0') else entry.specifier}"
        if name in WINDOWS and not entry.marker:
            text = f"{text}; sys_platform == 'win32'"
        if not entry.url and (built := re.search(r"(==[\w.]+)\+[\w.]+", text)):
            self.notes.append(f"{text} is a build of another index; {built[1][2:]} comes from PyPI")
            text = text.replace(built[0], built[1])
        self.wanted.append(text)
        return self


def limited(needs: Needs) -> Needs:
    """Return the needs with the limits in the requirements that they are for."""
    limits = [Requirement(text) for text in needs.limits]
    wanted = []
    for text in needs.wanted:
        entry = Requirement(text)
        said = [one.specifier for one in limits if same(one, entry)]
        if said and not entry.url:
            entry.specifier = SpecifierSet(",".join(map(str, (entry.specifier, *said))).strip(","))
            text = str(entry)
        wanted.append(text)
    known = [Requirement(text) for text in wanted]
    others = [one.name for one in limits if not any(same(one, entry) for entry in known)]
    notes = list(needs.notes)
    if others:
        notes.append(
            f"versions of {', '.join(others)}, which nothing here requires itself, were left out;"
            " uv.lock has exact ones"
        )
    return Needs(tuple(wanted), needs.python, needs.files, tuple(notes), needs.missing)


def same(one: Requirement, other: Requirement) -> bool:
    """Tell whether two requirements are of one package."""
    return canonicalize_name(one.name) == canonicalize_name(other.name)
