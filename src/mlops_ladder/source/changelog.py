"""The entries of the template's changelog that are new since an older version."""

import re
from dataclasses import dataclass
from pathlib import Path

from ..git import GitError, git
from .location import Template

CHANGELOG = "CHANGELOG.md"
HEADING = re.compile(r"^## +(.*)$", re.MULTILINE)
ENTRY = re.compile(r"\n(?=[-*] )|\n\s*\n")
UNRELEASED = "unreleased"


@dataclass(frozen=True)
class Section:
    """The changelog's section about one version."""

    title: str
    entries: list[str]

    def __str__(self) -> str:
        """Return the section as it is shown."""
        return "\n".join([self.title, "", *self.entries])

    @property
    def version(self) -> str:
        """The version in the heading, which may be `[1.2.0] - 2026-11-20` or `v1.2.0`."""
        return self.title.split()[0].strip("[]:").removeprefix("v").lower() if self.title else ""


def sections(changelog: str) -> list[Section]:
    """Split a changelog into its sections, in their order."""
    _, *rest = HEADING.split(changelog)
    return [
        Section(title.strip(), [entry.strip("\n") for entry in ENTRY.split(body) if entry.strip()])
        for title, body in zip(rest[::2], rest[1::2], strict=True)
    ]


def new_sections(new: str, old: str) -> list[Section]:
    """Return what the new changelog has and the old one has not.

    Sections of versions that the old one has are left out, and so are entries that it had as
    unreleased, in whichever version they were released.
    """
    known = sections(old)
    versions = {section.version for section in known} - {UNRELEASED}
    told = {joined(entry) for section in known for entry in section.entries}
    fresh = [
        Section(section.title, [e for e in section.entries if joined(e) not in told])
        for section in sections(new)
        if section.version not in versions
    ]
    return [section for section in fresh if section.entries]


def joined(entry: str) -> str:
    """Return the entry without its line breaks."""
    return " ".join(entry.split())


def changes_between(repository: Path, target: Template, origin: Template) -> str:
    """Return the changelog entries between two versions, with a heading."""
    new, old = (changelog_at(repository, str(one.version)) for one in (target, origin))
    found = [str(section) for section in new_sections(new, old)]
    heading = f"Changes in the template from {origin.version} to {target.version}:"
    return "\n\n".join([heading, *(found or ["(no entry in its changelog)"])]) + "\n"


def changelog_at(repository: Path, version: str) -> str:
    """Return the changelog of a version; empty if it has none."""
    try:
        return git(repository, "--git-dir=.", "show", f"{version}:{CHANGELOG}")
    except GitError:
        return ""
