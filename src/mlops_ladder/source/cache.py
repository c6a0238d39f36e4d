"""The cache of installed templates: a git repository with one tag for each version.

A project climbs by comparing two renderings of the version from which it was generated, so each
version must stay where the project remembers it. A wheel's files are therefore committed to one
repository in the user's data folder. The same version has the same commit on every machine.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import platformdirs
from filelock import FileLock
from packaging.version import Version

from ..errors import RefusedError
from ..git import GitError, git, run_git
from ..terminal import say

NAME = "mlops-ladder"
CONTENTS = ("CHANGELOG.md", "copier.yml", "levels", "questions", "template")
HOME = "MLOPS_LADDER_HOME"
SIGNATURE = b"mlops-ladder <mlops-ladder@localhost> 1700000000 +0000"
UNFINISHED = ".unfinished-"


def data_folder() -> Path:
    """Return the folder for persistent data: `MLOPS_LADDER_HOME`, or the platform's default."""
    named = os.environ.get(HOME)
    return Path(named).expanduser().absolute() if named else platformdirs.user_data_path(NAME)


def repository_path() -> Path:
    """Return the path of the repository of cached versions."""
    return data_folder() / "template.git"


def template_files(root: Path) -> dict[str, bytes]:
    """Return the template's files by path, without Python's own caches."""
    found = (path for name in CONTENTS for path in [root / name, *(root / name).rglob("*")])
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(found)
        if path.is_file() and "__pycache__" not in path.parts
    }


def cache_version(files: Mapping[str, bytes], version: str) -> tuple[Path, str]:
    """Cache the files as a version of the template.

    Versions in the cache stay. A damaged repository is moved aside, and what is intact in it is
    kept. If another build of the same version is cached, which projects may remember, the new one
    gets a tag of its own.

    Returns
    -------
    tuple of Path and str
        The repository, and the tag of the version.

    Raises
    ------
    RefusedError
        The folder cannot be written, or the tag was moved.
    """
    try:
        data_folder().mkdir(parents=True, exist_ok=True)
        with FileLock(data_folder() / "lock"):  # goes with the process that holds it
            kept = open_repository(repository_path())
            return kept, tag_commit(kept, commit_files(kept, files, version), version)
    except OSError as error:
        raise RefusedError(
            f"the template cannot be cached in {data_folder()}: {error.strerror}."
            f" Set the environment variable {HOME} to another folder"
        ) from error


def open_repository(repository: Path) -> Path:
    """Return the repository, created or repaired if need be. The caller holds the lock."""
    for unfinished in repository.parent.glob(f"{UNFINISHED}*"):
        shutil.rmtree(unfinished)
    if not repository.exists():
        return create_repository(repository)
    for left in repository.rglob("*.lock"):  # by a process that was killed
        left.unlink()
    try:
        run_in(repository, "fsck", "--no-dangling", "--no-progress")
    except GitError:
        return repair_repository(repository)
    return repository


def create_repository(repository: Path) -> Path:
    """Create an empty repository in one atomic step."""
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=repository.parent))
    git(unfinished, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", plain=True)
    unfinished.chmod(0o755)
    return unfinished.rename(repository)


def repair_repository(repository: Path) -> Path:
    """Move a damaged repository aside, and fetch each intact version from it into a new one."""
    aside = Path(tempfile.mkdtemp(prefix="damaged-", dir=repository.parent)) / repository.name
    repository.rename(aside)
    create_repository(repository)
    for file in sorted((aside / "refs" / "tags").glob("*")):
        tag = f"refs/tags/{file.name}"
        try:
            run_in(repository, "fetch", "--quiet", "--no-tags", str(aside), f"{tag}:{tag}")
        except GitError:
            say(f"note: cached template version {file.name} is damaged and was dropped")
    say(f"note: the template cache was damaged and was rebuilt; the damaged one is at {aside}")
    return repository


def commit_files(repository: Path, files: Mapping[str, bytes], version: str) -> str:
    """Commit the files; the commit depends on them and the version alone."""
    message = f"{NAME} {version}\n".encode()
    head = b"commit refs/heads/main\nmark :1\ncommitter %b\n" % SIGNATURE
    stream = [head, data_command(message)]
    for name, content in files.items():
        stream += [b"M 100644 inline %b\n" % name.encode(), data_command(content)]
    stream += [b"get-mark :1\n", b"done\n"]
    printed = run_in(
        repository, "fast-import", "--quiet", "--force", "--done", stdin=b"".join(stream)
    )
    return printed.strip()


def data_command(content: bytes) -> bytes:
    """Return the `data` command of git fast-import."""
    return b"data %d\n%b\n" % (len(content), content)


def tag_commit(repository: Path, commit: str, version: str) -> str:
    """Return the commit's tag, created if need be; each build of a version has its own."""
    known = run_in(repository, "tag", "--points-at", commit).split()
    tags = [f"v{version}", f"v{Version(version).public}+{commit[:8]}"]
    if chosen := [tag for tag in tags if tag in known]:
        return chosen[0]
    free = [tag for tag in tags if not run_in(repository, "tag", "--list", tag)]
    if not free:
        raise RefusedError(
            f"the template cache in {repository} was edited: its tag {tags[1]} is another commit."
            " Move the folder away to rebuild it"
        )
    run_in(repository, "update-ref", f"refs/tags/{free[0]}", commit, "0" * len(commit))
    return free[0]


def run_in(repository: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git in a bare repository; naming its folder works under `safe.bareRepository`, too."""
    return run_git(repository, "--git-dir=.", *arguments, stdin=stdin, plain=True).decode()
