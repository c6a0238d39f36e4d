"""What the template's changelog tells somebody who comes from an older version."""

import re
from dataclasses import dataclass

HEADING = re.compile(r"^## +(.*)$", re.MULTILINE)
ENTRY = re.compile(r"\n(?=[-*] )|\n\s*\n")
UNRELEASED = "unreleased"


@dataclass(frozen=True)
class Section:
    """What the changelog says of one version."""

    title: str
    entries: list[str]

    def __str__(self) -> str:
        return "\n".join([self.title, "", *self.entries])

    @property
    def version(self) -> str:
        """The version alone, however the heading is written: `[1.2.0] - 2026-11-20`, `v1.2.0`."""
        return self.title.split()[0].strip("[]:").removeprefix("v").lower() if self.title else ""


def sections(changelog: str) -> list[Section]:
    """The versions that the changelog speaks of, as it orders them."""
    _, *rest = HEADING.split(changelog)
    return [
        Section(title.strip(), [entry.strip("\n") for entry in ENTRY.split(body) if entry.strip()])
        for title, body in zip(rest[::2], rest[1::2], strict=True)
    ]


def news(new: str, old: str) -> list[Section]:
    """What the new changelog tells and the old one does not.

    A version that the old one knows is no news. What it had told as unreleased is none either, in
    whichever version it then came out.
    """
    known = sections(old)
    versions = {section.version for section in known} - {UNRELEASED}
    told = {in_one_line(entry) for section in known for entry in section.entries}
    fresh = [
        Section(section.title, [e for e in section.entries if in_one_line(e) not in told])
        for section in sections(new)
        if section.version not in versions
    ]
    return [section for section in fresh if section.entries]


def in_one_line(entry: str) -> str:
    """The entry however its lines are broken."""
    return " ".join(entry.split())
