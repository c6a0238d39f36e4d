"""A project under the ladder: what it remembers of the template, and its state in git."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from .errors import Refused, listed
from .git import git, succeeds
from .rendering import ANSWERS_FILE

SHOWN = 10


@dataclass(frozen=True)
class Project:
    """A folder with the answers that its template was rendered with."""

    root: Path
    answers: dict[str, Any]

    @property
    def level(self) -> int:
        return int(self.answers["level"])

    @property
    def own_answers(self) -> dict[str, Any]:
        """The answers to questions, without what copier notes for itself."""
        return {name: value for name, value in self.answers.items() if not name.startswith("_")}

    @cached_property
    def prefix(self) -> str:
        """Where the project lies in its repository: empty, or a path with a slash at its end."""
        return git(self.root, "rev-parse", "--show-prefix")

    @cached_property
    def git_folder(self) -> Path:
        """The folder in which git keeps the index and the branch of this work tree."""
        return Path(git(self.root, "rev-parse", "--absolute-git-dir"))

    @cached_property
    def object_folder(self) -> Path:
        """The folder in which git keeps what was committed."""
        return self.root / git(self.root, "rev-parse", "--git-path", "objects")

    @cached_property
    def index(self) -> Path:
        """The file in which git keeps what is staged."""
        return self.root / git(self.root, "rev-parse", "--git-path", "index")

    def uncommitted(self) -> list[str]:
        """What git does not have in the last commit, one line a file, as `git status` shows it."""
        return git(self.root, "status", "--porcelain", "--untracked-files=all").splitlines()

    def check_clean(self) -> None:
        """Make sure that everything is committed, so that nothing can be lost.

        Raises:
            Refused: something is not.
        """
        if found := self.uncommitted():
            more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
            raise Refused(listed("commit or stash your work first:", [*found[:SHOWN], *more]))


def open_project(path: Path) -> Project:
    """The project in the folder, or in the nearest folder above that has one.

    Raises:
        Refused: there is none; what it remembers cannot be read; or it has no commit yet.
    """
    start = path.resolve()
    found = [folder for folder in [start, *start.parents] if (folder / ANSWERS_FILE).is_file()]
    if not found:
        raise Refused(
            f"no project of the ladder here: {start} has no {ANSWERS_FILE}. Make one with"
            " mlops-ladder new, or bring an existing repository with mlops-ladder adopt"
        )
    project = Project(found[0], read_answers(found[0] / ANSWERS_FILE))
    if not succeeds(project.root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
        raise Refused(
            f"{project.root} has no commit to go back to: git init, git add --all, git commit"
        )
    return project


def read_answers(file: Path) -> dict[str, Any]:
    """What a project remembers.

    Raises:
        Refused: the file is no YAML, or lacks the template, its version or the level.
    """
    try:
        answers = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"{file} cannot be read: {error}") from error
    for name, kind in {"_src_path": str, "_commit": str, "level": int}.items():
        if not isinstance(answers, dict) or not isinstance(answers.get(name), kind):
            raise Refused(
                f"{file} does not say `{name}`: was the project made from this template?"
                f" Its history has the file as it was: git log -- {ANSWERS_FILE}"
            )
    return dict(answers)
