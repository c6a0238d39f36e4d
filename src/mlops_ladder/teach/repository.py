"""The course as a git repository: a branch for each level, which the next one continues.

A student climbs by merging the next branch. `level-0` is the default branch; the annotated tag
`level-N-start` is where a level begins, and `level-N-start.1` its first fix. Tags never move.
"""

import io
import shutil
import tarfile
from pathlib import Path

from ..errors import RefusedError
from ..git import git, run_git, succeeds

NAME, EMAIL, DATE = "mlops-ladder", "mlops-ladder@localhost", "2000-01-01T00:00:00+00:00"
SIGNATURE = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", NAME), ("EMAIL", EMAIL), ("DATE", DATE))
}


def branch(level: int) -> str:
    """Return the branch of a level."""
    return f"level-{level}"


def commit_levels(destination: Path, projects: dict[int, Path], messages: dict[int, str]) -> None:
    """Create a repository with one commit for each level.

    Author, date and content are fixed, so the same projects have the same commits.
    """
    destination.mkdir(parents=True, exist_ok=True)
    lowest = min(projects)
    git(destination, "init", "--quiet", f"--initial-branch={branch(lowest)}", plain=True)
    for level, project in sorted(projects.items()):
        if level > lowest:
            git(destination, "switch", "--quiet", "--create", branch(level), plain=True)
        clear(destination)
        shutil.copytree(project, destination, dirs_exist_ok=True)
        git(destination, "add", "--all", "--force", plain=True)
        commit = ("commit", "--quiet", "--no-gpg-sign", "--message", messages[level])
        git(destination, *commit, variables=SIGNATURE, plain=True)
        tag(destination, level, f"level-{level}-start", SIGNATURE)
    git(destination, "switch", "--quiet", branch(lowest), plain=True)


def tag(repository: Path, level: int, name: str, variables: dict[str, str]) -> None:
    """Tag the tip of a level's branch."""
    words = ("tag", "--annotate", "--no-sign", "--message", f"Level {level}", name, branch(level))
    git(repository, *words, variables=variables, plain=True)


def clear(destination: Path) -> None:
    """Remove all files but git's own."""
    for path in destination.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def levels(repository: Path) -> list[int]:
    """Return the levels of a course.

    Raises
    ------
    RefusedError
        The folder is no course.
    """
    if not (repository / ".git").exists():
        raise RefusedError(f"{repository} is no course: build one with mlops-ladder teach build")
    names = git(repository, "for-each-ref", "--format=%(refname:short)", "refs/heads/level-*")
    found = sorted(int(name.removeprefix("level-")) for name in names.split())
    if not found or not succeeds(repository, "cat-file", "-e", f"{branch(found[0])}:check.py"):
        raise RefusedError(f"{repository} is no course: it has no branches level-0, level-1, ...")
    return found


def next_tag(repository: Path, level: int) -> str:
    """Return the name of the tag of the next fix of a level."""
    names = git(repository, "tag", "--list", f"level-{level}-start*").split()
    return f"level-{level}-start.{len(names)}"


def extract_level(repository: Path, level: int, folder: Path, paths: tuple[str, ...] = ()) -> Path:
    """Write the files of a level's branch, or those at the paths, into a folder and return it."""
    archive = run_git(repository, "archive", "--format=tar", branch(level), *paths, plain=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder
