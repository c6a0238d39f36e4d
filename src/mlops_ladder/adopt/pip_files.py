"""Requirements files, as pip reads them. No index is queried."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement

from .layout import Layout
from .needs import Found, Needs

OF_TOOLS = re.compile(r"dev|test|ci", re.IGNORECASE)
# Options that change how pip works, and not what it installs.
HARMLESS = re.compile(
    r"--(prefer-binary|require-hashes|use-feature|no-cache-dir|disable-pip-version-check"
    r"|trusted-host|progress-bar|only-binary|use-pep517|quiet|verbose)\b"
)
INCLUDES = re.compile(r"(-r|--requirement|-c|--constraint)[ =]*(.+)")
PATH = re.compile(r"(\.|/|file:|[^@ ]*\.whl$)")
ADDRESS = re.compile(r"((?:git|hg|svn|bzr)\+\w+|https?)://")


def requirements_files(layout: Layout) -> list[str]:
    """Return the requirements files to read: the main one and those of tools, or all.

    A file `.in`, from which pip-tools writes the file `.txt`, is read instead of it.
    """
    found = [
        path
        for path in sorted(layout.tree)
        if re.fullmatch(r"(requirements/[^/]+|[^/]*requirements[^/]*)\.(txt|in)", path)
    ]
    listed = [path for path in found if f"{path.removesuffix('.txt')}.in" not in found]
    names = {path: PurePosixPath(path).stem for path in listed}
    main = [p for p in listed if names[p] == "requirements" or names[p] == "base"]
    tools = [path for path in listed if path not in main and OF_TOOLS.search(names[path])]
    if listed:
        return [*main, *tools] if main else listed
    nested = [
        path for path in sorted(layout.tree) if re.fullmatch(r"[^/]+/requirements\.txt", path)
    ]
    return nested if len(nested) == 1 else []


def from_requirements(layout: Layout, path: str, seen: frozenset[str] = frozenset()) -> Needs:
    """Read a requirements file, and those that it includes."""
    found, included = Found(path), Needs()
    for line in lines_of(decoded(layout.tree.get(path, b""))):
        flag = INCLUDES.match(line)
        if not flag:
            read_line(found, line)
            continue
        said = flag[2].strip()
        other = str(PurePosixPath(path).parent / said)
        if other not in layout.tree:
            found.missing.append(f"{said}, which it includes, does not exist. Add the file")
        elif flag[1] in ("-c", "--constraint"):
            found.limits += limits_in(decoded(layout.tree[other]))
        elif other not in {*seen, path}:
            included += from_requirements(layout, other, seen | {path})
    return found.needs() + included


def limits_in(text: str) -> Iterator[str]:
    """Yield the lines of a file of constraints."""
    for line in lines_of(text):
        try:
            yield str(Requirement(re.sub(r"\s--.*", "", line)))
        except InvalidRequirement:
            continue  # an option, or an address: it says no version


def decoded(body: bytes) -> str:
    """Decode a text file; PowerShell writes UTF-16."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    return body.decode("utf-8-sig", "replace")


def lines_of(text: str) -> Iterator[str]:
    """Yield lines without comments, with continued lines joined."""
    for line in text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
        plain = re.sub(r"(^|\s)#.*", "", line).strip()
        if plain:
            yield plain


def read_line(found: Found, line: str) -> None:
    """Add a line of a requirements file."""
    editable = re.match(r"(?:-e|--editable)[ =]*(.+)", line)
    text = editable[1] if editable else line
    if HARMLESS.match(text) or re.fullmatch(r"\.(/)?(\[[^]]*\])?", text.strip("\"'")):
        return  # the second is the repository itself
    if text.startswith("-"):
        found.missing.append(
            f"{text!r} is an option of pip. Write what it says into [tool.uv] of pyproject.toml"
        )
        return
    text = re.sub(r"\s--.*", "", text).strip().strip(",")  # hashes, and settings of a build
    text = re.sub(r"^([\"'])(.*)\1$", r"\2", text)
    if local := re.match(r"([\w.-]+)(\[[^]]*\])? *@ *file:", text):
        found.notes.append(f"{local[1]} was a file on one computer; it comes from PyPI now")
        found.add(local[1])
    elif ADDRESS.match(text):
        add_address(found, text)
    elif re.match(r"\w+://", text) and not text.startswith("file:"):
        found.missing.append(
            f"{text!r} is no address that uv takes. Add it to pyproject.toml as:"
            " name @ git+https://..."
        )
    elif PATH.match(text):
        found.missing.append(f"{text!r} is a path. Add it to pyproject.toml, in [tool.uv.sources]")
    elif exported := re.fullmatch(r"([\w.-]+)={1,2}([\w.]+)(=\w+)?", text):  # `conda list --export`
        found.add(f"{exported[1]}=={exported[2]}")
    else:
        found.add(text)


def add_address(found: Found, text: str) -> None:
    """Add an address, whose fragment has to say which package is there."""
    address, _, fragment = text.partition("#")
    said = dict(part.partition("=")[::2] for part in fragment.split("&"))
    if "egg" not in said:
        found.missing.append(
            f"{text!r} does not say which package it is. Add it to pyproject.toml as: name @ {text}"
        )
        return
    folder = f"#subdirectory={said['subdirectory']}" if "subdirectory" in said else ""
    found.add(f"{said['egg']} @ {address}{folder}")
