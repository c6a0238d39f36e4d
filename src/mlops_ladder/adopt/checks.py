"""Checks that a repository can be adopted."""

from ..errors import RefusedError, listed
from ..git import GitError, git, run_git, succeeds
from ..project import ANSWERS_FILE, Project, answers_file_in, remembers_level
from .layout import Layout

SHOWN = 10
OF_A_PROJECT = {"pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "environment.yml"}


def check_repository(project: Project) -> None:
    """Check that the repository has a commit, and is not a project of the ladder yet.

    Raises
    ------
    RefusedError
        It has none, or it is one.
    """
    root = project.root
    try:
        git(root, "rev-parse", "--git-dir")
    except GitError as error:
        if "not a git repository" not in error.message:
            raise
        raise RefusedError(
            f"{root} is not a git repository. Create one: git init, git add --all, git commit."
            " Or add a new project to the folder: mlops-ladder new --into"
        ) from error
    if git(root, "rev-parse", "--is-inside-work-tree") != "true":
        raise RefusedError(f"{root} is a bare repository, without a working tree; adopt a clone")
    if not succeeds(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
        raise RefusedError(f"{root} has no commit: git add --all, git commit")
    if not succeeds(root, "rev-parse", "--verify", "--quiet", "HEAD:./"):
        raise RefusedError(f"the last commit has no file in {root}: git add, git commit")
    file = answers_file_in(root)
    if file and remembers_level(file):
        raise RefusedError(
            f"{root} is already a project of the ladder: use mlops-ladder climb or upgrade"
        )
    if file or ANSWERS_FILE in project.committed():
        raise RefusedError(
            f"{root / ANSWERS_FILE} belongs to another copier template, and both need that file"
            " name: git rm the file, commit, then adopt"
        )


def check_adoptable(project: Project, layout: Layout) -> None:
    """Check that there is code to adopt, and that new folders change nothing for it.

    Raises
    ------
    RefusedError
        There is none, or they would.
    """
    if project.prefix and not OF_A_PROJECT & layout.paths:
        top = git(project.root, "rev-parse", "--show-toplevel")
        raise RefusedError(
            f"{project.root} is a part of a repository but no project of its own: it has no"
            f" pyproject.toml or requirements.txt. Add one, or adopt the whole repository: {top}"
        )
    if not layout.code and (ignored := ignored_code(project)):
        raise RefusedError(
            listed("git ignores all code here; git add --force adds it:", ignored[:SHOWN])
        )
    if not layout.code:
        raise RefusedError(
            "there is no Python file and no notebook in git here, so there is nothing to adopt."
            " To add a new project to the folder: mlops-ladder new . --into"
        )
    if missing := layout.unclear_packages():
        raise RefusedError(
            "setuptools discovers your packages automatically, and would discover others once the"
            f" level adds folders. List yours first: {missing}"
        )


def ignored_code(project: Project) -> list[str]:
    """List Python files and notebooks on disk that git ignores."""
    options = ("--others", "--ignored", "--exclude-standard", "-z")
    printed = run_git(project.root, "ls-files", *options, "--", "*.py", "*.ipynb")
    return list(filter(None, printed.decode(errors="surrogateescape").split("\0")))
