"""Answers to the template's questions, as a repository gives them: names, author, licence."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from ..git import git, succeeds
from ..source.questions import template_root
from .layout import Layout

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]+")
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&*+/=?^_`|~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
PACKAGE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_PACKAGE = 30
FENCED = re.compile(r"^(```|~~~).*?^\1|<!--.*?-->", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^# +(.+?) *#*$|^(.+)\n={3,}$", re.MULTILINE)
PLACEHOLDER = re.compile(
    r"\W*((the |your |an? )?(author|name|full ?name|e-?mail|organi[sz]ation|company|team|user ?name"
    r")('?s)?( name| here)?|you|me|todo|tbd|unknown|none|n/?a|fixme|john doe|jane doe|first ?last"
    r"|firstname lastname|example|change ?me|.*[<{\[].*)\W*",
    re.IGNORECASE,
)
NO_ADDRESS = re.compile(r"(you(r.*)?|name|user|author|email|todo|change.*)@.*", re.IGNORECASE)
ROBOT = re.compile(r"\[bot\]|\bbot\b|dependabot|github-actions|noreply@github", re.IGNORECASE)


def answers(layout: Layout, given: Mapping[str, Any], root: Path | None = None) -> dict[str, str]:
    """Propose answers to the template's questions that are not given.

    Parameters
    ----------
    layout
        The layout of the repository.
    given
        Answers that were given.
    root
        The repository, whose git knows authors.
    """
    author, email = author_of(layout, root)
    found = {
        "project_name": name_of(layout),
        "package_name": package_name(layout, str(given.get("project_name", ""))),
        "description": description_of(layout),
        "author_name": author,
        "author_email": email,
        "license": layout.licence,
    }
    if layout.other_ci and not layout.workflows:
        found["ci_provider"] = "none"
    return {name: answer for name, answer in found.items() if name not in given}


def name_of(layout: Layout) -> str:
    """Return the project's name: from its README, its metadata or its folder."""
    heading = HEADING.search(readme(layout))
    headline = plain(next(filter(None, heading.groups()), "")) if heading else ""
    said = layout.project.get("name") or layout.setup.get("name") or ""
    names = (one_line(headline), words(said), words(layout.folder))
    return next((name for name in names if 0 < len(name) <= 80), "Adopted project")


def readme(layout: Layout) -> str:
    """Return the text of the README, without code."""
    return FENCED.sub("", layout.text(layout.named_like("README.md") or ""))


def description_of(layout: Layout) -> str:
    """Return the description: from the metadata, or the first sentence of the README."""
    said = layout.project.get("description") or layout.setup.get("description") or ""
    heading = HEADING.search(readme(layout))
    below = readme(layout)[heading.end() :].strip() if heading else ""
    paragraph = plain(below.partition("\n\n")[0]) if below[:1].isalnum() else ""
    sentence = re.match(r"[^.!?]*[.!?](?=\s|$)|.*", " ".join(paragraph.split()))
    line = one_line(said or (sentence[0] if sentence else ""))
    return line if len(line) <= 300 else ""


def package_name(layout: Layout, project_name: str) -> str:
    """Return a name for the package that the template accepts: of whole words, and not taken."""
    owner = layout.own_package
    if owner and is_usable(name := slug(PurePosixPath(owner).name)):
        return name
    named = [project_name] if project_name else [name_of(layout)]
    said = layout.project.get("name") or layout.setup.get("name") or ""
    slugs = list(dict.fromkeys(filter(None, map(slug, [*named, said, layout.folder]))))
    whole = [name for name in slugs if is_usable(name) and name not in layout.importable]
    if whole:
        return whole[0]
    shorter = (
        name
        for stem in slugs
        for name in (f"{part}_model" for part in whole_words(stem))
        if is_usable(name) and name not in layout.importable
    )
    return next(shorter, "ladder_model")


def whole_words(name: str) -> Iterable[str]:
    """Yield the name, and what is left of it without its last words."""
    parts = name.split("_")
    return ("_".join(parts[:count]) for count in range(len(parts), 0, -1))


def is_usable(name: str) -> bool:
    """Tell whether the template accepts a name of a package."""
    fits = PACKAGE.fullmatch(name) and len(name) <= LONGEST_PACKAGE
    return bool(fits) and name not in reserved_names()


@cache
def reserved_names() -> frozenset[str]:
    """Return names that the template does not accept."""
    file = template_root() / "questions/reserved_names.txt"
    return frozenset(file.read_text(encoding="utf-8").split())


def author_of(layout: Layout, root: Path | None) -> tuple[str, str]:
    """Return name and email of the author: from the metadata, or from git."""
    name, email = layout.author
    if name and not PLACEHOLDER.fullmatch(name):
        return one_line(name)[:100], address(email)
    return people(root) if root else ("", "")


def people(root: Path) -> tuple[str, str]:
    """Return who works here: the user of git if the history has them, or its main author."""
    name, email = (configured(root, f"user.{part}") for part in ("name", "email"))
    printed = git(root, "shortlog", "--summary", "--numbered", "--email", "HEAD")
    authors = [re.match(r"\s*\d+\s+(.*?) <(.*)>$", line) for line in printed.splitlines()]
    known = [(one[1], one[2]) for one in authors if one and not ROBOT.search(one[0])]
    if (name, email) not in known and known:
        name, email = known[0]
    return one_line(name)[:100], address(email)


def configured(root: Path, setting: str) -> str:
    """Return a setting of git; empty if there is none."""
    return git(root, "config", setting) if succeeds(root, "config", "--get", setting) else ""


def plain(markup: str) -> str:
    """Remove images, links, emphasis and emoji codes from a heading."""
    pictures = re.sub(r"!\[[^]]*\]\([^)]*\)|<[^>]*>|:[a-z_]+:", "", markup)
    return re.sub(r"\[([^]]*)\]\([^)]*\)|[*`]", r"\1", pictures)


def words(name: str) -> str:
    """Turn a package's or folder's name into a title."""
    return one_line(re.sub(r"[-_.]+", " ", name).strip().capitalize())


def one_line(text: str) -> str:
    """Return a text in one line that the template's questions accept; empty if they do not."""
    line = " ".join(CONTROL.sub(" ", str(text)).split())
    return "" if re.search(r"\{[{%#]", line) else line.strip()


def address(text: str) -> str:
    """Return the address if it is one, else an empty string."""
    usable = EMAIL.fullmatch(str(text)) and not NO_ADDRESS.fullmatch(str(text))
    return text if usable else ""


def slug(name: str) -> str:
    """Return the package name that the template derives from a project's name."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
