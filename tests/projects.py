"""Projects generated from the template in the working tree."""

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import copier
import yaml
from filelock import FileLock

REPOSITORY = Path(__file__).parent.parent
TEMPLATE = REPOSITORY / "template"
LEVEL_FILES = sorted((REPOSITORY / "levels").glob("*.yml"))
LEVELS = [int(file.name.partition("-")[0]) for file in LEVEL_FILES]
CI_PROVIDERS = ["github", "gitlab", "jenkins", "none"]
ORCHESTRATORS = ["local", "kubeflow", "sagemaker", "tfx"]
DEPLOY_TARGETS = ["compose", "kubernetes", "kserve", "seldon"]
IDENTITY = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]


def git(folder: Path, *arguments: str) -> str:
    """Run git, which must succeed, and return what it prints."""
    command = ["git", *IDENTITY, "-c", "commit.gpgsign=false", *arguments]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return finished.stdout


def commit_all(folder: Path, message: str) -> None:
    """Commit everything in the folder, which becomes a repository if need be."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--no-verify", "--allow-empty", "--message", message)


def snapshot(folder: Path) -> Path:
    """Copy the working tree, including uncommitted changes, and tag it as a release."""
    listed = git(REPOSITORY, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    commit_all(folder, "The template")
    git(folder, "tag", "v0.0.1")
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below the folder, without `.git`."""
    paths = (path for top in folder.iterdir() if top.name != ".git" for path in below(top))
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(paths)
        if path.is_file()
    }


def below(path: Path) -> list[Path]:
    """Return the path and everything below it."""
    return [path, *path.rglob("*")]


def folders(folder: Path) -> set[str]:
    """Return every folder below the folder, including empty ones, without `.git`."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_dir())
    return {path.as_posix() for path in paths if path.parts[0] != ".git"}


def answers_of(project: Path) -> dict[str, Any]:
    """Return the project's remembered answers."""
    return yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))


def update(project: Path, level: int, **answers: Any) -> None:
    """Change the level as `copier update --vcs-ref=:current:` does."""
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
    """The template under test, and a folder for generated projects.

    Everything is rendered with `unsafe=False`, so a template that needs trust would fail.
    """

    template: Path
    folder: Path
    shared: Path | None = None
    """The folder for projects that all workers of a test run share; `folder` if there is none."""
    _count: int = 0

    def new_folder(self) -> Path:
        """Return a path that does not exist yet."""
        self._count += 1
        return self.folder / str(self._count)

    def fresh(self, level: int, **answers: Any) -> Path:
        """Return a generated project that tests share and must not change."""
        key = repr((level, *sorted(answers.items())))
        project = (self.shared or self.folder) / hashlib.sha256(key.encode()).hexdigest()[:16]
        with FileLock(project.with_suffix(".lock")):
            if not project.exists():
                self.generate(self.new_folder(), level, **answers).rename(project)
        return project

    def generate(self, destination: Path, level: int, **answers: Any) -> Path:
        """Generate a project, as `copier copy --defaults` does."""
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
        """Return a new project in its own git repository, which the test may change."""
        destination = self.new_folder()
        shutil.copytree(self.fresh(level, **answers), destination)
        commit_all(destination, f"Level {level}")
        return destination

    def climb(self, project: Path, level: int, **answers: Any) -> None:
        """Change the level with copier, and commit."""
        update(project, level, **answers)
        commit_all(project, f"Climb to level {level}")

    @cached_property
    def template_files(self) -> dict[str, str]:
        """The text of the template's files, by their path in `template/`."""
        files = tree(self.template / "template")
        return {name: body.decode() for name, body in files.items()}
