"""Environments of conda and of MLflow, read as packages of PyPI."""

import re
from typing import Any

import yaml

from .layout import Layout
from .needs import Found, Needs
from .pip_files import decoded, from_requirements, read_line

USUAL = ("environment.yml", "environment.yaml", "conda.yaml", "conda.yml")
OTHERS = re.compile(r"((conda|envs?|environments?)/)?[^/]*(conda|env)[^/]*\.ya?ml", re.IGNORECASE)
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
SPECIFICATION = re.compile(
    r"""\s*(?:[^\s\[\]]*::)?([\w.-]+)\s*(?:\[.*?version=["']?([^"'\]]*).*\])?\s*(.*)"""
)


def from_conda_files(layout: Layout) -> Needs:
    """Read the environment that an MLproject names, or the usual one, or else any."""
    about = yaml_of(layout.text("MLproject")) if "MLproject" in layout.tree else {}
    named = [str(about[key]) for key in ("conda_env", "python_env") if about.get(key)]
    others = [
        path
        for path in sorted(layout.tree)
        if OTHERS.fullmatch(path) and "dependencies" in yaml_of(layout.text(path))
    ]
    known = (path for path in (*named, *USUAL) if path in layout.tree)
    listed = list(dict.fromkeys([*known, *others]))
    missing = [
        f"MLproject: {path}, which it names, does not exist. Add the file"
        for path in named
        if path not in layout.tree
    ]
    if "docker_env" in about and not listed:
        missing.append(
            "MLproject: its image has what the code needs. Add that to the group adopted of"
            " pyproject.toml"
        )
    found = from_conda(layout, listed[0]) if listed else Needs()
    if listed[1:]:
        note = f"{listed[0]} was read, and {', '.join(listed[1:])} was not"
        found += Needs(notes=(note,))
    return found + Needs(missing=tuple(missing))


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
    said = about.get("dependencies")
    entries = said if isinstance(said, list) else []
    is_python_env = isinstance(about.get("python"), str | float | int)
    if is_python_env:
        found.python = f"=={about['python']}"
        entries = [{"pip": entries}]
    for entry in entries:
        for line in entry.get("pip") or [] if isinstance(entry, dict) else []:
            listed = re.match(r"-r *(.+)", str(line))
            if listed and listed[1] in layout.tree:
                included += from_requirements(layout, listed[1])
            else:
                read_line(found, str(line))
        if isinstance(entry, str):
            read_conda(found, entry)
    return found.needs() + included


def read_conda(found: Found, entry: str) -> None:
    """Add a package of conda under its name on PyPI, with its version."""
    name, version = conda_specification(entry.partition("#")[0])
    if name == "python":
        found.python = version
    elif name in ON_PYPI:
        found.add(f"{ON_PYPI[name]}{version}")
    elif PROGRAMS.fullmatch(name):
        found.missing.append(
            f"{name} is a program of conda, not a package on PyPI. Install it by hand"
        )
    elif not LIBRARIES.fullmatch(name):
        found.add(f"{name}{version}")


def conda_specification(entry: str) -> tuple[str, str]:
    """Return the name and the version specifier of a match specification of conda."""
    matched = SPECIFICATION.match(entry)
    if not matched:
        return entry, ""
    name, version = matched[1].lower(), (matched[2] or matched[3]).strip().strip("\"'")
    exact = re.fullmatch(r"={0,2}\s*(\d[\w.!+*]*)(?:[=\s]\s*([\w.*]+))?", version)
    if not exact:
        return name, "" if "|" in version or version == "*" else version.replace(" ", "")
    number = exact[1].rstrip("*").rstrip(".")
    is_whole = version.startswith("==") or bool(exact[2]) or number.count(".") >= 2
    return name, f"=={number}" if is_whole and exact[1] == number else f"=={number}.*"
