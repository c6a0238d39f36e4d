"""Requirements and Python version of a repository, read from whatever file says them.

No file is executed: setup.py is parsed.
"""

import ast
import configparser
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from .layout import Layout

CONDA_FILES = ("environment.yml", "environment.yaml", "conda.yaml", "conda.yml")
OF_TOOLS = re.compile(r"dev|test|ci", re.IGNORECASE)
# Packages whose name on PyPI is another one.
ON_PYPI = {
    "dask-core": "dask",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "opencv": "opencv-python",
    "py-lightgbm": "lightgbm",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "pyqt": "PyQt5",
    "pytables": "tables",
    "python-graphviz": "graphviz",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "ray-default": "ray[default]",
    "tensorflow-gpu": "tensorflow",
}
# What conda installs beside Python packages, and wheels bring along or need not.
LIBRARIES = re.compile(
    r"_.*|lib.*|.*-ng|blas|bzip2|c-ares|ca-certificates|cpuonly|cudatoolkit|cudnn|cuda.*|expat"
    r"|fontconfig|freetype|icu|intel-openmp|jpeg|krb5|lz4-c|mkl|mkl-.*|mkl_.*|ncurses|nomkl"
    r"|nspr|nss|openblas|openssl|pip|pthread-stubs|python|python_abi|pytorch-cuda|readline"
    r"|setuptools|sqlite|tk|ucrt|vc|vc14_runtime|vs20.*|wheel|xz|yaml|zeromq|zlib|zstd"
)
PROGRAMS = re.compile(
    r"r|r-.*|rpy2|bash|cmake|compilers|curl|ffmpeg|gcc.*|gxx.*|ghostscript|git|git-lfs|graphviz"
    r"|make|nodejs|openjdk|pandoc|postgresql|swig|tectonic|texlive.*|wget"
)
WINDOWS = {"pypiwin32", "pywin32", "pywinpty"}


@dataclass(frozen=True)
class Needs:
    """What a repository says that it needs."""

    wanted: tuple[str, ...] = ()
    """Requirements, as pip reads them."""
    python: str = ""
    """Versions of Python, as a specifier."""
    files: tuple[str, ...] = ()
    """The files that were read."""
    notes: tuple[str, ...] = ()
    """What was taken over in another form, in sentences."""
    missing: tuple[str, ...] = ()
    """What could not be taken over, and what to do, in sentences."""

    def __add__(self, other: "Needs") -> "Needs":
        """Return both; the first Python version that is said counts."""
        return Needs(
            tuple(dict.fromkeys((*self.wanted, *other.wanted))),
            self.python or other.python,
            tuple(dict.fromkeys((*self.files, *other.files))),
            tuple(dict.fromkeys((*self.notes, *other.notes))),
            tuple(dict.fromkeys((*self.missing, *other.missing))),
        )


@dataclass
class Found:
    """Requirements while a file is read."""

    file: str
    wanted: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    python: str = ""

    def needs(self) -> Needs:
        """Return what was found."""
        notes = [f"{self.file}: {note}" for note in self.notes]
        missing = [f"{self.file}: {sentence}" for sentence in self.missing]
        return Needs(tuple(self.wanted), self.python, (self.file,), tuple(notes), tuple(missing))


def read_needs(layout: Layout) -> Needs:
    """Read the requirements that uv does not read itself."""
    found = declared(layout)
    if any(b"import pkg_resources" in layout.tree[path] for path in layout.code):
        note = "code imports pkg_resources, which setuptools had until version 81"
        found += Needs(wanted=("setuptools<81",), notes=(note,))
    settings = ("pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml")
    said = "".join(map(layout.text, settings))
    known = (*found.wanted, layout.text("pyproject.toml"))
    if "--cov" in said and not any("pytest-cov" in text for text in known):
        note = "pytest is called with --cov, which pytest-cov adds to it"
        found += Needs(wanted=("pytest-cov",), notes=(note,))
    return found


def declared(layout: Layout) -> Needs:
    """Read what the repository's files declare."""
    project = layout.pyproject.get("project")
    if project is not None:
        said = Needs(python=str(project.get("requires-python", "")))
        if project.get("dependencies") or "dependencies" in project.get("dynamic", []):
            return said
        return said + from_files(layout)
    if "poetry" in layout.pyproject.get("tool", {}):
        return from_poetry(layout)
    if layout.is_packaged_by_setup:
        return from_setup(layout)
    return from_files(layout)


def from_files(layout: Layout) -> Needs:
    """Read requirements files, environments of conda, and a Pipfile."""
    found = Needs()
    for path in requirements_files(layout):
        found += from_requirements(layout, path)
    for path in conda_files(layout):
        found += from_conda(layout, path)
    if "Pipfile" in layout.tree:
        found += from_pipfile(layout)
    return found


def requirements_files(layout: Layout) -> list[str]:
    """Return the requirements files to read: the main one and those of tools, or all."""
    listed = [
        path
        for path in sorted(layout.tree)
        if re.fullmatch(r"(requirements/[^/]+|[^/]*requirements[^/]*)\.(txt|in)", path)
    ]
    names = {path: PurePosixPath(path).stem for path in listed}
    main = [p for p in listed if names[p] == "requirements" or p == "requirements/base.txt"]
    tools = [path for path in listed if path not in main and OF_TOOLS.search(names[path])]
    if main or listed:
        return [*main, *tools] if main else listed
    nested = [
        path for path in sorted(layout.tree) if re.fullmatch(r"[^/]+/requirements\.txt", path)
    ]
    return nested if len(nested) == 1 else []


def from_requirements(layout: Layout, path: str, seen: frozenset[str] = frozenset()) -> Needs:
    """Read a requirements file of pip, and those that it includes."""
    found, included = Found(path), Needs()
    for line in lines_of(decoded(layout.tree.get(path, b""))):
        flag = re.match(r"(-r|--requirement|-c|--constraint)[ =]*(.+)", line)
        if flag:
            other = str(PurePosixPath(path).parent / flag[2].strip())
            if flag[1] in ("-r", "--requirement") and other not in {*seen, path}:
                if other in layout.tree:
                    included += from_requirements(layout, other, seen | {path})
                else:
                    found.missing.append(
                        f"{other}, which it includes, does not exist. Add the file"
                    )
            continue
        read_line(found, line)
    return found.needs() + included


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
    text = re.sub(r"\s--hash[ =]\S+", "", line).strip().strip(",")
    text = re.sub(r"^([\"'])(.*)\1$", r"\2", text)
    editable = re.match(r"(?:-e|--editable)[ =]*(.+)", text)
    text = editable[1].strip() if editable else text
    if re.fullmatch(r"\.(/)?(\[[^]]*\])?", text):
        return  # the repository itself
    if text.startswith("-"):
        found.missing.append(
            f"{text!r} is an option of pip. Write what it says into [tool.uv] of pyproject.toml"
        )
        return
    if local := re.match(r"([\w.-]+)(\[[^]]*\])? *@ *file:", text):
        found.notes.append(f"{local[1]} was a file on one computer; it comes from PyPI now")
        found.wanted.append(local[1])
        return
    if re.match(r"(git\+|https?:|git:|\w+://)", text):
        named = re.search(r"#egg=([\w.-]+)", text)
        address = re.sub(r"#egg=.*|&subdirectory=.*", "", text)
        if named and address.startswith("git+"):
            text = f"{named[1]} @ {address}"
        else:
            found.missing.append(
                f"{text!r} does not say which package it is, or is no address that uv takes."
                " Add it to pyproject.toml as: name @ git+https://..."
            )
            return
    add_requirement(found, text)


def add_requirement(found: Found, text: str) -> None:
    """Add a requirement, or the sentence that it is none."""
    try:
        entry = Requirement(text)
    except InvalidRequirement:
        found.missing.append(f"{text!r} is not a requirement. Add what it means to pyproject.toml")
        return
    name = canonicalize_name(entry.name)
    if name in {"pkg-resources", "python"}:
        return
    if name == "sklearn":
        found.notes.append("sklearn is scikit-learn, which has no package of the other name now")
        text = f"scikit-learn{'' if entry.specifier.contains('0.0') else entry.specifier}"
    if name in WINDOWS and not entry.marker:
        text = f"{text}; sys_platform == 'win32'"
    found.wanted.append(text)


def conda_files(layout: Layout) -> list[str]:
    """Return the environment files of conda, and the one that an MLproject names."""
    named = []
    if "MLproject" in layout.tree:
        about = yaml_of(layout.text("MLproject"))
        named = [str(about[key]) for key in ("conda_env", "python_env") if about.get(key)]
    usual = [path for path in CONDA_FILES if path in layout.tree]
    return list(dict.fromkeys([*(path for path in named if path in layout.tree), *usual]))[:1]


def yaml_of(text: str) -> dict[str, Any]:
    """Return a YAML mapping; empty if it is none."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def from_conda(layout: Layout, path: str) -> Needs:
    """Read an environment of conda, or a python_env of MLflow."""
    found, about, included = Found(path), yaml_of(decoded(layout.tree[path])), Needs()
    if not about:
        found.missing.append(
            "it is not valid YAML. Correct it, or add its packages to pyproject.toml"
        )
    entries = about.get("dependencies") or []
    for entry in entries if isinstance(entries, list) else []:
        for line in entry.get("pip") or [] if isinstance(entry, dict) else []:
            listed = re.match(r"-r *(.+)", str(line))
            if listed and listed[1] in layout.tree:
                included += from_requirements(layout, listed[1])
            else:
                read_line(found, str(line))
        if isinstance(entry, str):
            read_conda(found, entry)
    if isinstance(about.get("python"), str | float | int):  # a python_env.yaml
        found.python = f"=={about['python']}"
    return found.needs() + included


def read_conda(found: Found, entry: str) -> None:
    """Add a package of conda under its name on PyPI, with its version."""
    name, version = conda_spec(
        entry.partition("#")[0].partition("::")[2] or entry.partition("#")[0]
    )
    if name == "python":
        found.python = version
    elif name in ON_PYPI:
        add_requirement(found, f"{ON_PYPI[name]}{version}")
    elif PROGRAMS.fullmatch(name):
        found.missing.append(
            f"{name} is a program of conda, not a package on PyPI. Install it by hand"
        )
    elif not LIBRARIES.fullmatch(name):
        add_requirement(found, f"{name}{version}")


def conda_spec(entry: str) -> tuple[str, str]:
    """Return the name and the version specifier of a match specification of conda."""
    matched = re.match(r"\s*([\w.-]+)\s*(\[.*\])?\s*(.*)", entry)
    if not matched:
        return entry, ""
    name, version = matched[1].lower(), matched[3].strip().strip("\"'")
    exact = re.fullmatch(r"={1,2}?\s*([\w.!+*]+)(=[\w.*]+)?", version) or re.fullmatch(
        r"(\d[\w.]*)(\s+\S+)?", version
    )
    if not exact:
        return name, "" if "|" in version else version.replace(" ", "")
    number = exact[1].rstrip("*").rstrip(".")
    is_whole = version.startswith("==") or bool(exact[2]) or number.count(".") >= 2
    return name, f"=={number}" if is_whole else f"=={number}.*" if number else ""


def from_pipfile(layout: Layout) -> Needs:
    """Read a Pipfile."""
    found = Found("Pipfile")
    try:
        about = tomllib.loads(layout.text("Pipfile"))
    except tomllib.TOMLDecodeError as error:
        found.missing.append(f"it is not valid TOML: {error}. Correct it")
        return found.needs()
    for section in ("packages", "dev-packages"):
        for name, said in about.get(section, {}).items():
            add_dependency(found, name, said)
    if version := about.get("requires", {}).get("python_version"):
        found.python = f"=={version}.*"
    return found.needs()


def from_poetry(layout: Layout) -> Needs:
    """Read the tables of Poetry."""
    poetry = layout.pyproject["tool"]["poetry"]
    found = Found("pyproject.toml")
    groups = [poetry.get("dependencies", {}), poetry.get("dev-dependencies", {})]
    groups += [group.get("dependencies", {}) for group in poetry.get("group", {}).values()]
    for name, said in ((name, said) for group in groups for name, said in group.items()):
        if name.lower() == "python":
            found.python = pep_440(said) if isinstance(said, str) else ""
        else:
            add_dependency(found, name, said)
    return found.needs()


def add_dependency(found: Found, name: str, said: Any) -> None:
    """Add a dependency as Poetry and pipenv write it."""
    for one in said if isinstance(said, list) else [said]:
        about = one if isinstance(one, dict) else {"version": one}
        extras = f"[{','.join(about['extras'])}]" if about.get("extras") else ""
        if "path" in about or "file" in about:
            found.missing.append(
                f"{name} is a path. Add it to pyproject.toml, in [tool.uv.sources]"
            )
            continue
        version = pep_440(str(about.get("version", "*")))
        if about.get("git"):
            at = next(
                (str(about[key]) for key in ("rev", "tag", "branch", "ref") if about.get(key)), ""
            )
            version = f" @ git+{about['git']}{'@' + at if at else ''}"
        markers = [f"({about['markers']})"] if about.get("markers") else []
        if isinstance(about.get("python"), str):
            markers += [python_marker(about["python"])]
        add_requirement(found, name + extras + version + marked([m for m in markers if m]))


def marked(markers: list[str]) -> str:
    """Return the end of a requirement with its markers."""
    return f" ; {' and '.join(markers)}" if markers else ""


def python_marker(version: str) -> str:
    """Return the marker of a Python version, as Poetry writes it."""
    parts = [part for part in pep_440(version).split(",") if part]
    split = (re.match(r"([<>=!~]+)(.*)", part) for part in parts)
    return " and ".join(f"python_version {one[1]} '{one[2]}'" for one in split if one)


def pep_440(version: str) -> str:
    """Return a version constraint of Poetry as a specifier."""
    if "||" in version:
        return pep_440(version.partition("||")[0].strip())
    return ",".join(
        filter(None, map(specifier, re.split(r",\s*|\s+(?=[<>=!~^])", version.strip())))
    )


def specifier(constraint: str) -> str:
    """Return one constraint of Poetry as a specifier."""
    text = constraint.strip().replace(" ", "")
    if text in {"", "*", "latest"}:
        return ""
    if text[0] in "^~" and text[1:2] != "=":
        return compatible(text[0], text[1:])
    if text[0].isdigit():
        return f"=={text}"
    return re.sub(r"^=(?=\d)", "==", text)


def compatible(sign: str, version: str) -> str:
    """Return the range of a caret or a tilde: up to the next version that may break."""
    try:
        release = Version(version).release
    except InvalidVersion:
        return f">={version}"
    first = next((at for at, part in enumerate(release) if part), len(release) - 1)
    at = first if sign == "^" else min(1, len(release) - 1)
    upper = ".".join(map(str, (*release[:at], release[at] + 1)))
    return f">={version},<{upper}"


def from_setup(layout: Layout) -> Needs:
    """Read setup.cfg and the literal arguments of setup.py."""
    found = Needs()
    cfg = configparser.RawConfigParser(strict=False)
    with suppress(configparser.Error):
        cfg.read_string(layout.text("setup.cfg"))
    if cfg.has_section("options"):
        found += from_options(cfg)
    if "setup.py" in layout.tree:
        found += from_setup_py(layout)
    return found


def from_options(cfg: configparser.RawConfigParser) -> Needs:
    """Read the options of setup.cfg."""
    found = Found("setup.cfg")
    extras = cfg["options.extras_require"] if cfg.has_section("options.extras_require") else {}
    tools = [text for name, text in extras.items() if OF_TOOLS.search(name)]
    options = cfg["options"]
    listed = [options.get("install_requires", ""), options.get("tests_require", ""), *tools]
    for line in (line for text in listed for line in lines_of(text)):
        if line.startswith("file:"):
            continue  # a requirements file, which is named beside it
        add_requirement(found, line)
    found.python = options.get("python_requires", "")
    return found.needs()


def from_setup_py(layout: Layout) -> Needs:
    """Read the requirements that setup.py has as literals; where it computes them, read files."""
    found = Found("setup.py")
    try:
        module = ast.parse(layout.text("setup.py"))
    except (SyntaxError, ValueError) as error:
        found.missing.append(f"it is not valid Python 3: {error}. Correct it")
        return found.needs()
    known = dict(assigned(module))
    called = [node for node in ast.walk(module) if isinstance(node, ast.Call)]
    keywords = {
        keyword.arg: keyword.value
        for node in called
        if ast.unparse(node.func).rpartition(".")[2] == "setup"
        for keyword in node.keywords
        if keyword.arg
    }
    computed = Needs()
    for name in ("install_requires", "tests_require", "extras_require"):
        if name not in keywords:
            continue
        value = literal(keywords[name], known)
        if isinstance(value, str):
            value = value.split("\n")
        if isinstance(value, dict):
            value = [
                one for key, some in value.items() if OF_TOOLS.search(str(key)) for one in some
            ]
        if isinstance(value, list | tuple):
            for entry in value:
                add_requirement(found, str(entry).strip()) if str(entry).strip() else None
        elif name == "install_requires":
            computed = from_files(layout)
            if not computed.files:
                found.missing.append(
                    "it computes install_requires, and no program but setup.py can. Add what it"
                    " requires to the group adopted of pyproject.toml"
                )
            else:
                found.notes.append(
                    f"it computes install_requires, so {', '.join(computed.files)} was read instead"
                )
    python = literal(keywords.get("python_requires"), known)
    found.python = python if isinstance(python, str) else ""
    return found.needs() + computed


def assigned(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that a module assigns to, each with the value."""
    for node in module.body:
        if isinstance(node, ast.Assign):
            yield from ((t.id, node.value) for t in node.targets if isinstance(t, ast.Name))


def literal(node: ast.expr | None, known: Mapping[str, ast.expr], depth: int = 0) -> Any:
    """Return the value of a literal, of a name that is one, or of a sum of such; else None."""
    if node is None or depth > 5:
        return None
    if isinstance(node, ast.Name):
        return literal(known.get(node.id), known, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = (literal(side, known, depth + 1) for side in (node.left, node.right))
        return left + right if isinstance(left, list) and isinstance(right, list) else None
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def fitted(needs: Needs, level: Iterable[str]) -> Needs:
    """Replace what the level cannot be installed with, and say so.

    A frozen set of versions is consistent only as a whole. If one of them has to go, or if they are
    for a Python that is too old, the others become lower bounds; uv.lock then has exact versions.

    Parameters
    ----------
    needs
        The repository's requirements.
    level
        The requirements of the ladder, of all levels.
    """
    ours = {canonicalize_name(one.name): one for one in map(Requirement, level)}
    every = [(text, Requirement(text)) for text in needs.wanted]
    replaced = {
        text: ours[name]
        for text, entry in every
        if (name := canonicalize_name(entry.name)) in ours
        and not agree(entry.specifier, ours[name].specifier)
    }
    notes = [f"{text} is replaced: the level needs {our}" for text, our in replaced.items()]
    old = is_outdated(needs.python)
    if old:
        notes.append(f"Python {needs.python} is declared, but the level runs on 3.11 and later")
    wanted = [(text, entry) for text, entry in every if text not in replaced]
    if not (replaced or old):
        return needs
    loosened = {text: loosen(text, entry) for text, entry in wanted}
    if any(text != loose for text, loose in loosened.items()):
        notes.append(
            "the other versions of " + ", ".join(needs.files) + " became lower bounds, because they"
            " fit together only as a whole; uv.lock has exact versions"
        )
    return replace(needs, wanted=tuple(loosened.values()), notes=(*needs.notes, *notes))


def is_outdated(python: str) -> bool:
    """Tell whether only versions of Python are allowed on which the level does not run."""
    try:
        allowed = SpecifierSet(python)
    except InvalidSpecifier:
        return False
    return bool(python) and not any(
        allowed.contains(f"3.{minor}.{patch}") for minor in range(11, 20) for patch in range(30)
    )


def agree(one: SpecifierSet, other: SpecifierSet) -> bool:
    """Tell whether some version satisfies both."""
    said = [Version(part.version.removesuffix(".*")) for part in (*one, *other)]
    near = [Version(f"{version.public}.1") for version in said if not version.is_prerelease]
    later = [Version(f"{v.major}.{v.minor + 1}") for v in said] + [Version("0"), Version("9999")]
    both = one & other
    return any(both.contains(version, prereleases=True) for version in (*said, *near, *later))


def loosen(text: str, entry: Requirement) -> str:
    """Return a requirement whose versions are lower bounds."""
    if entry.url:
        return text
    kept = {part for part in map(lower_bound, entry.specifier) if part}
    extras = f"[{','.join(sorted(entry.extras))}]" if entry.extras else ""
    marker = f" ; {entry.marker}" if entry.marker else ""
    return entry.name + extras + ",".join(sorted(kept)) + marker


def lower_bound(part: Specifier) -> str:
    """Return the lower bound of one part of a specifier; empty if it has none."""
    if part.operator in {"==", "~=", "===", ">="}:
        return f">={part.version.removesuffix('.*').partition('+')[0]}"
    return str(part) if part.operator in {">", "!="} else ""
