"""Fit a rendering of the template to a repository that was there before.

Files of pieces that are left out stay away, others move, and texts follow the moves. The same is
done with both renderings of a migration, so that what was fitted is no edit.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from .manifest import PYPROJECT, Manifest
from .merge import ORDINARY, Entry, Sandbox
from .pieces import EXAMPLE, is_left_out
from .problem_stub import stub, with_skips

RUFF, MYPY = "make/ruff.toml", "make/mypy.toml"
CI = (".github/workflows/", ".gitlab", "jenkins/", "Jenkinsfile")
ALL_GROUPS = b"sync --all-extras --all-groups"
# The notebook that the template brings stays away, and so does the step that runs it.
STEPS = {"lint": "lint|types", "tests": "test", EXAMPLE: "notebook"}


def fit(
    manifest: Manifest,
    sandbox: Sandbox,
    files: Mapping[str, Entry],
    *,
    converted: bool = False,
    before: bool = False,
) -> dict[str, Entry]:
    """Fit a rendering to the repository of a manifest.

    Parameters
    ----------
    manifest
        What is known of the repository.
    sandbox
        Where the files are.
    files
        The rendering.
    converted
        Whether its `problem.py` is the repository's own, from a notebook.
    before
        Whether it is what the project has, rather than what it will have.
    """
    if manifest == Manifest():
        return dict(files)
    staying = {
        path: entry for path, entry in files.items() if not is_left_out(path, manifest.without)
    }
    placed = {manifest.place(path): entry for path, entry in staying.items()}
    texts = {manifest.place(path): path for path in staying}
    fitted = {}
    for path, entry in placed.items():
        body = sandbox.read(entry.content)
        text = fit_text(manifest, path, texts[path], body, placed, converted)
        if PYPROJECT in manifest.kept and not (before and manifest.is_early):
            text = with_groups(texts[path], text)
        fitted[path] = entry if text == body else Entry(entry.mode, sandbox.write(text))
    if PYPROJECT in manifest.kept and PYPROJECT in files and "lint" not in manifest.without:
        rendered = sandbox.read(files[PYPROJECT].content).decode()
        for path, settings in own_settings(manifest, rendered, placed).items():
            fitted[path] = Entry(ORDINARY, sandbox.write(settings.encode()))
    return fitted


def fit_text(
    manifest: Manifest,
    path: str,
    source: str,
    body: bytes,
    placed: Iterable[str],
    converted: bool,
) -> bytes:
    """Fit the text of a file; `source` is its path in the template."""
    if not manifest.has_example:
        if re.fullmatch(r"src/[^/]+/problem\.py", source):
            return body if converted else stub(path)
        if source == "tests/conftest.py":
            body = with_skips(body)
    if source.startswith(CI) or source == ".pre-commit-config.yaml":
        body = fit_checks(manifest, source, body)
    if source == ".python-version" and manifest.pythons:
        body = f"{manifest.pythons[0]}\n".encode()
    if manifest.package:
        body = fit_imports(manifest, source, body)
    if PYPROJECT in manifest.kept:
        body = fit_tasks(manifest, source, body, placed)
    elif path == PYPROJECT:
        body = fit_settings(manifest, body.decode(), placed).encode()
    return body


def fit_checks(manifest: Manifest, source: str, body: bytes) -> bytes:
    """Let CI run what there is, where it is."""
    for piece, targets in STEPS.items():
        if piece in manifest.without and (piece != "tests" or "tests" not in manifest.moved):
            step = rf"(?m)^ *(- run: |- |sh ')make ({targets})'?\n"
            body = re.sub(step.encode(), b"", body)
    if tasks := manifest.moved.get("Makefile"):
        called = rb"(?m)(\brun: |^ *- |sh ['\"])make (?=[a-z])"
        body = re.sub(called, rb"\1make -f " + tasks.encode() + b" ", body)
    if manifest.branch:
        body = re.sub(rb"\bbranches: \[main\]", f"branches: [{manifest.branch}]".encode(), body)
    if manifest.pythons:
        listed = json.dumps(list(dict.fromkeys(manifest.pythons))).encode()
        body = re.sub(rb"\bpython: \[.*\]", b"python: " + listed, body)
    if manifest.package:
        body = body.replace(b'"src/**"', f'"{manifest.package_folder}/**"'.encode())
    if source == ".pre-commit-config.yaml" and PYPROJECT in manifest.kept:
        body = body.replace(b"run mypy", f"run mypy --config-file {MYPY}".encode())
        for word in (b"check --fix", b"format"):
            body = body.replace(
                b"ruff " + word + b"\n", b"ruff " + word + f" --config {RUFF}\n".encode()
            )
    return body


def fit_imports(manifest: Manifest, source: str, body: bytes) -> bytes:
    """Let a file name the ladder's modules as they are imported from the repository's package."""
    name, dotted = manifest.package_name.encode(), manifest.package.encode()
    folder, base = manifest.package_folder.encode(), manifest.package_base.encode()
    if source.startswith("tests/") and source.endswith(".py"):
        body = re.sub(rb"\b(from |import sys, |-m )" + name + rb"(?=[. ])", rb"\1" + dotted, body)
    elif source.startswith("make/") and source.endswith(".mk"):
        body = body.replace(b"-m $(PACKAGE)", b"-m $(MODULE)")
        body = re.sub(rb"(?m)^PACKAGE := .*\n", rb"\g<0>MODULE := " + dotted + b"\n", body)
    elif source == "Dockerfile":
        top = folder.split(b"/")[0]
        body = body.replace(b"PACKAGE=" + name, b"PACKAGE=" + dotted)
        body = body.replace(b'"' + name + b".", b'"' + dotted + b".")
        body = body.replace(b"/app/src", b"/app" if base == b"." else b"/app/" + base)
        body = body.replace(b"COPY src/ src/", b"COPY " + top + b"/ " + top + b"/")
    elif source == ".dockerignore":
        body = body.replace(b"!src\n", b"!" + folder.split(b"/")[0] + b"\n")
    return body.replace(b"src/" + name + b"/", folder + b"/")


def with_groups(source: str, body: bytes) -> bytes:
    """Let `make setup` install the groups with the level's requirements.

    Early adoptions installed by settings in pyproject.toml, which are not written any more.
    """
    if source != "Makefile":
        return body
    failure = (
        " || { echo 'error: the requirements of this repository and of the level could not be"
        " installed together: change what uv names above in pyproject.toml, and run make setup"
        " again' >&2; exit 1; }"
    )
    line = rb"(?m)^(\t\$\(uv\) )sync --all-extras (.*)$"
    return re.sub(line, rb"\1" + ALL_GROUPS + rb" \2" + failure.encode(), body)


def fit_tasks(manifest: Manifest, source: str, body: bytes, placed: Iterable[str]) -> bytes:
    """Let targets install and check the level's part, where pyproject.toml is the repository's."""
    if source == "make/ci.mk":
        places = " ".join(checked_places(manifest, placed)).encode()
        config = f" --config {RUFF} ".encode()
        body = re.sub(
            rb"(\bruff (?:check|format)(?: --check| --fix)?) \.", rb"\1" + config + places, body
        )
        body = body.replace(b"$(RUN) mypy", f"$(RUN) mypy --config-file {MYPY}".encode())
        own = (
            "$(RUN) pytest || test $$? -eq 5 || { echo 'error: your own tests fail (above), perhaps"
            " with newer versions of libraries: pyproject.toml can name older ones; make test-level"
            " runs the tests of the level alone' >&2; exit 1; }\n"
        )
        return body.replace(b"$(RUN) pytest\n", own.encode())
    if source == "Dockerfile":
        return body.replace(b"--no-dev --extra serving", b"--group ladder --group serving")
    return body


def checked_places(manifest: Manifest, placed: Iterable[str]) -> list[str]:
    """Return the folders with code of the level."""
    found = {
        part for path in placed if path not in manifest.kept and (part := place_of(manifest, path))
    }
    return sorted(found)


def place_of(manifest: Manifest, path: str) -> str | None:
    """Return the folder in which a file of the level is checked; None if it is not Python."""
    parts = path.split("/")
    depths = {"src": 2, "make": 1, "data": 2, "tests": 3 if "tests" in manifest.moved else 1}
    if not path.endswith(".py"):
        return None
    if manifest.package and path.startswith(f"{manifest.package_folder}/"):
        return manifest.package_folder
    return "/".join(parts[: depths[parts[0]]]) if parts[0] in depths else None


def fit_settings(manifest: Manifest, pyproject: str, placed: Iterable[str]) -> str:
    """Fit the level's pyproject.toml, so that it leaves the repository's tests and code alone."""
    import tomlkit  # a step of a project that was not adopted does not wait for it

    document = tomlkit.parse(pyproject)
    tool: Any = document.get("tool", {})
    if "tests" in manifest.moved:
        tool.pop("pytest", None)
    if "lint" in manifest.without:
        tool.pop("ruff", None)
        tool.pop("mypy", None)
    if manifest.exempt and "ruff" in tool:
        excluded = tomlkit.array().multiline(True)
        excluded.extend(manifest.exempt)
        tool["ruff"]["extend-exclude"] = excluded
        tool["ruff"]["force-exclude"] = True
    if "mypy" in tool:
        for name, value in mypy_settings(manifest, placed).items():
            tool["mypy"][name] = value
    if manifest.package and "hatch" in tool:
        wheel = tool["hatch"]["build"]["targets"]["wheel"]
        top = manifest.package.partition(".")[0]
        wheel["packages"] = [str(PurePosixPath(manifest.package_base, top))]
    return tomlkit.dumps(document)


def mypy_settings(manifest: Manifest, placed: Iterable[str]) -> dict[str, Any]:
    """Return settings that let mypy check the level's code and pass by the repository's."""
    found: dict[str, Any] = {}
    if manifest.exempt:
        found["files"] = checked_places(manifest, placed)
    if manifest.package:
        owner = manifest.package.rpartition(".")[0]
        found["mypy_path"] = manifest.package_base
        found["overrides"] = [
            {"module": [owner, f"{owner}.*"], "ignore_errors": True},
            {"module": [manifest.package, f"{manifest.package}.*"], "ignore_errors": False},
        ]
    return found


def own_settings(manifest: Manifest, rendered: str, placed: Iterable[str]) -> dict[str, str]:
    """Return files with the settings of ruff and mypy, where pyproject.toml is the repository's."""
    import tomlkit

    tool: Any = tomlkit.parse(rendered).get("tool", {})
    if "ruff" not in tool:
        return {}
    mypy = {**tool["mypy"].unwrap(), **mypy_settings(manifest, placed)}
    mypy["files"] = checked_places(manifest, placed)
    heading = "# Settings for the level's code alone: those in pyproject.toml are for yours.\n"
    return {
        RUFF: heading + tomlkit.dumps(tool["ruff"].unwrap()),
        MYPY: heading + tomlkit.dumps({"tool": {"mypy": mypy}}),
    }
