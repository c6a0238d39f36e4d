"""A small template with three levels that renders fast, for tests of git operations."""

from dataclasses import dataclass
from pathlib import Path

import copier

from projects import commit_all, git

COPIER_YML = """\
_min_copier_version: "9.18"
_subdirectory: template
_envops: {trim_blocks: true, keep_trailing_newline: true}
_exclude:
  - "{% if level < 1 %}/src{% endif %}"
  - "{% if level < 1 %}/docs{% endif %}"
  - "{% if level < 2 %}/params.yaml{% endif %}"
  - "{% if level < 2 %}/docs/2-pipelines.md{% endif %}"
project_name: {type: str, default: Rides}
package_name: {type: str, default: rides}
ladder:
  type: yaml
  when: false
  default:
    0: {title: Low, next: [make setup, make notebook]}
    1: {title: Middle, next: [make setup, make train]}
    2: {title: High, next: [make setup, make pipeline]}
level: {type: int, default: 0}
"""
PYPROJECT = """\
[project]
name = "{{ package_name }}"
version = "0.1.0"

dependencies = [
    "numpy",
{% if level >= 1 %}
    "pandas",
{% endif %}
    "scipy",
]

[tool.level]
number = {{ level }}
"""
MAKEFILE = "setup:\n\t@echo lock > uv.lock\ntest:\n\t@test ! -e broken\n"
CODE = "from {{ package_name }} import problem\n\n\ndef train() -> None:\n    print(problem)\n"
FILES = {
    "copier.yml": COPIER_YML,
    "CHANGELOG.md": "# Changelog\n\n## 0.1.0\n\n- The beginning.\n",
    "template/{{_copier_conf.answers_file}}.jinja": "{{ _copier_answers | to_nice_yaml }}",
    "template/pyproject.toml.jinja": PYPROJECT,
    "template/Makefile": MAKEFILE,
    "template/README.md": "# Rides\n\nAsk Ada.\n",
    "template/notebook.txt": "cells\n",
    "template/src/{{package_name}}/__init__.py": "",
    "template/src/{{package_name}}/rows.py": "ROWS = 3\n",
    "template/src/{{package_name}}/train.py.jinja": CODE,
    "template/docs/1-ci.md": "# Level 1\n",
    "template/docs/2-pipelines.md": "# Level 2\n",
    "template/params.yaml": "trees: 10\n",
}


def write(root: Path, files: dict[str, str]) -> None:
    """Write text files below a folder."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def make_template(folder: Path) -> Path:
    """Create the template's repository, with one release."""
    write(folder, FILES)
    commit_all(folder, "v0.1.0")
    git(folder, "tag", "v0.1.0")
    return folder


def make_project(template: Path, folder: Path, level: int, **answers: str) -> Path:
    """Generate a project in its own repository."""
    data = {"level": level, **answers}
    copier.run_copy(str(template), folder, data=data, defaults=True, quiet=True)
    commit_all(folder, f"Level {level}")
    return folder


@dataclass(frozen=True)
class State:
    """Everything that a refused climb must not change."""

    files: dict[str, tuple[bytes, int]]
    index: str
    status: str
    head: str
    branches: str


def state(project: Path) -> State:
    """Return the project's state."""
    paths = (path for top in project.iterdir() if top.name != ".git" for path in walk(top))
    return State(
        files={
            path.relative_to(project).as_posix(): (path.read_bytes(), path.stat().st_mode)
            for path in sorted(paths)
            if path.is_file()
        },
        index=git(project, "ls-files", "-s", "-v"),
        status=git(project, "status", "--porcelain", "--untracked-files=all"),
        head=git(project, "rev-parse", "HEAD") + git(project, "branch", "--show-current"),
        branches=git(project, "for-each-ref", "--format=%(refname) %(objectname)"),
    )


def walk(path: Path) -> list[Path]:
    """Return the path and everything below it."""
    return [path, *path.rglob("*")]
