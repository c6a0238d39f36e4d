"""Generates the project with copier, from the answers. Cookiecutter runs this hook last."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Cookiecutter renders this. JSON escapes quotes, so it never contains three in a row.
CONTEXT: dict[str, Any] = json.loads(
    r"""{{ dict(cookiecutter, repository=working_folder()) | jsonify }}"""
)
SHORTHANDS = ("gh:", "gl:")
REMOTES = ("git@", "git+", "git://", "https://github.com/", "https://gitlab.com/")
TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)+(?:[\w.]+: )?")


def origin(clone: str) -> str:
    """Return the URL from which cookiecutter cloned the template."""
    command = ["git", "-C", clone, "config", "--get", "remote.origin.url"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def template_source(typed: str, found: str, repository: str) -> str:
    """Return the template in a form that copier finds again when the project climbs.

    Parameters
    ----------
    typed
        The template as the user named it to cookiecutter.
    found
        The folder that cookiecutter found.
    repository
        The same folder as an absolute path.
    """
    if typed == found:
        return typed if os.path.isabs(typed) else repository
    if typed.startswith((*SHORTHANDS, *REMOTES)):
        return typed
    url = origin(repository)
    return url if url.startswith(REMOTES) or url.endswith(".git") else f"git+{url}"


def copier_arguments(context: dict[str, Any], project: Path, keep_files: bool) -> Iterator[str]:
    """Yield the arguments with which copier generates the project without questions."""
    yield from ["copy", "--defaults", "--overwrite"]
    if context["_checkout"]:
        yield f"--vcs-ref={context['_checkout']}"
    if keep_files:
        yield "--skip=*"
    for question, answer in context.items():
        if not question.startswith("_") and question != "repository":
            yield f"--data={question}={answer}"
    yield template_source(context["_template"], context["_repo_dir"], context["repository"])
    yield str(project)


def main() -> None:
    """Run copier, and exit with its exit code."""
    project = Path.cwd()
    mark = project / "hooks-did-not-run.txt"
    keep_files = mark.read_text(encoding="utf-8") == "keep"
    mark.unlink()
    copier = [sys.executable, "-m", "copier"] if find_spec("copier") else ["copier"]
    command = [*copier, *copier_arguments(CONTEXT, project, keep_files)]
    finished = subprocess.run(command, stderr=subprocess.PIPE)
    message = finished.stderr.decode("utf-8", errors="replace")
    print(TRACEBACK.sub("error: ", message), file=sys.stderr)
    sys.exit(finished.returncode)


if __name__ == "__main__":
    main()
