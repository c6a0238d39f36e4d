"""Projects made from the template as it stands in the working tree, for the tests to look at."""

import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import copier
import yaml

REPOSITORY = Path(__file__).parent.parent
TEMPLATE = REPOSITORY / "template"
LEVEL_FILES = sorted((REPOSITORY / "levels").glob("*.yml"))
LEVELS = [int(file.name.partition("-")[0]) for file in LEVEL_FILES]
IDENTITY = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]


def git(folder: Path, *arguments: str) -> str:
    """What git prints; its failure is the test's."""
    command = ["git", *IDENTITY, "-c", "commit.gpgsign=false", *arguments]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return finished.stdout


def commit_all(folder: Path, message: str) -> None:
    """Make a commit of everything in the folder, which becomes a repository if it is none."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


def snapshot(folder: Path) -> Path:
    """The working tree, uncommitted changes included, as a released version of the template."""
    listed = git(REPOSITORY, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    commit_all(folder, "The template")
    git(folder, "tag", "v0.0.1")
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below the folder by its path, without git's own."""
    paths = (path for top in folder.iterdir() if top.name != ".git" for path in below(top))
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(paths)
        if path.is_file()
    }


def below(path: Path) -> list[Path]:
    """The path and everything below it."""
    return [path, *path.rglob("*")]


def folders(folder: Path) -> set[str]:
    """Every folder below the folder, empty ones too, without git's own."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_dir())
    return {path.as_posix() for path in paths if path.parts[0] != ".git"}


def answers_of(project: Path) -> dict[str, Any]:
    """The answers that the project remembers."""
    return yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))


def update(project: Path, level: int, **answers: Any) -> None:
    """Climb or step down, as `copier update --vcs-ref=:current:` does."""
    copier.run_update(
        project,
        data={"level": level, **answers},
        vcs_ref=copier.VcsRef.CURRENT,
        defaults=True,
        overwrite=True,
        quiet=True,
        unsafe=False,
    )


@dataclass
class Ladder:
    """The template under test, and a folder for what is made from it.

    Everything is rendered with `unsafe=False`: a template that asked for trust would fail.
    """

    template: Path
    folder: Path
    _count: int = 0
    _rendered: dict[tuple[Any, ...], Path] = field(default_factory=dict)

    def new_folder(self) -> Path:
        """A path that nothing has been written to yet."""
        self._count += 1
        return self.folder / str(self._count)

    def fresh(self, level: int, **answers: Any) -> Path:
        """A project of that level; shared by the tests of a run, so only to be looked at."""
        key = (level, *sorted(answers.items()))
        if key not in self._rendered:
            self._rendered[key] = self.generate(self.new_folder(), level, **answers)
        return self._rendered[key]

    def generate(self, destination: Path, level: int, **answers: Any) -> Path:
        """Generate a project of that level, as `copier copy --defaults` does."""
        copier.run_copy(
            str(self.template),
            destination,
            data={"level": level, **answers},
            defaults=True,
            quiet=True,
            unsafe=False,
        )
        return destination

    def project(self, level: int, **answers: Any) -> Path:
        """A project of that level in its own git repository, to be edited and climbed."""
        destination = self.new_folder()
        shutil.copytree(self.fresh(level, **answers), destination)
        commit_all(destination, f"Level {level}")
        return destination

    def climb(self, project: Path, level: int, **answers: Any) -> None:
        """Climb or step down, and commit."""
        update(project, level, **answers)
        commit_all(project, f"Climb to level {level}")

    @cached_property
    def template_files(self) -> dict[str, str]:
        """The text of every file of the template, by its path in `template/`."""
        files = tree(self.template / "template")
        return {name: body.decode() for name, body in files.items()}
