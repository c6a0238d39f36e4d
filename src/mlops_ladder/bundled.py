"""The template that a wheel carries, laid down as a git repository that projects can climb from.

A project climbs by comparing two renderings of the version that it was made from, so every version
must stay where the project remembers it. So each is kept, as a tag, in one repository among the
person's data. The same version has the same commit on every machine.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import platformdirs
from filelock import FileLock
from packaging.version import Version

from .errors import Refused
from .git import GitError, git, run_git
from .terminal import say

NAME = "mlops-ladder"
PIECES = ("CHANGELOG.md", "copier.yml", "levels", "questions", "template")
HOME = "MLOPS_LADDER_HOME"
SIGNATURE = b"mlops-ladder <mlops-ladder@localhost> 1700000000 +0000"
UNFINISHED = ".unfinished-"


def home() -> Path:
    """The folder for what must outlive the program: $MLOPS_LADDER_HOME, or where data belongs."""
    named = os.environ.get(HOME)
    return Path(named).expanduser().absolute() if named else platformdirs.user_data_path(NAME)


def kept_repository() -> Path:
    """The repository of the versions that were laid down."""
    return home() / "template.git"


def pieces(root: Path) -> dict[str, bytes]:
    """The template's files by their paths, without what programs leave beside them."""
    found = (path for name in PIECES for path in [root / name, *(root / name).rglob("*")])
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(found)
        if path.is_file() and "__pycache__" not in path.parts
    }


def lay_down(files: Mapping[str, bytes], version: str) -> tuple[Path, str]:
    """Keep the files as a version of the template; the repository that has it, and its tag.

    What is there already stays. A repository that git finds damaged is put aside, and what is
    whole in it is taken over. If another build of the same version is there, which projects may
    remember, this one's tag tells the two apart.

    Raises:
        Refused: the folder cannot be written, or the tag was moved.
    """
    try:
        home().mkdir(parents=True, exist_ok=True)
        with FileLock(home() / "lock"):  # goes with the process that holds it
            kept = whole_repository(kept_repository())
            return kept, tagged(kept, committed(kept, files, version), version)
    except OSError as error:
        raise Refused(
            f"the template cannot be kept in {home()}: {error.strerror}."
            f" Name another folder in the environment variable {HOME}"
        ) from error


def whole_repository(repository: Path) -> Path:
    """The repository, made if it is missing and mended if it is damaged. Only for who is alone."""
    for unfinished in repository.parent.glob(f"{UNFINISHED}*"):
        shutil.rmtree(unfinished)
    if not repository.exists():
        return new_repository(repository)
    for left in repository.rglob("*.lock"):  # by a process that was killed
        left.unlink()
    try:
        in_repository(repository, "fsck", "--no-dangling", "--no-progress")
    except GitError:
        return mended(repository)
    return repository


def new_repository(repository: Path) -> Path:
    """An empty repository, which is there at once or not at all."""
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=repository.parent))
    git(unfinished, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", plain=True)
    unfinished.chmod(0o755)
    return unfinished.rename(repository)


def mended(repository: Path) -> Path:
    """A new repository with each version that is whole in the damaged one, which is put aside."""
    aside = Path(tempfile.mkdtemp(prefix="damaged-", dir=repository.parent)) / repository.name
    repository.rename(aside)
    new_repository(repository)
    for file in sorted((aside / "refs" / "tags").glob("*")):
        tag = f"refs/tags/{file.name}"
        try:
            in_repository(repository, "fetch", "--quiet", "--no-tags", str(aside), f"{tag}:{tag}")
        except GitError:
            say(f"note: version {file.name} of the template is lost")
    say(f"note: the kept template was damaged and is made anew; it is at {aside}")
    return repository


def committed(repository: Path, files: Mapping[str, bytes], version: str) -> str:
    """The commit of the files, the same wherever and whenever it is made."""
    message = f"{NAME} {version}\n".encode()
    head = b"commit refs/heads/main\nmark :1\ncommitter %b\n" % SIGNATURE
    stream = [head, data(message)]
    for name, content in files.items():
        stream += [b"M 100644 inline %b\n" % name.encode(), data(content)]
    stream += [b"get-mark :1\n", b"done\n"]
    printed = in_repository(
        repository, "fast-import", "--quiet", "--force", "--done", stdin=b"".join(stream)
    )
    return printed.strip()


def data(content: bytes) -> bytes:
    """Bytes as git's fast-import reads them."""
    return b"data %d\n%b\n" % (len(content), content)


def tagged(repository: Path, commit: str, version: str) -> str:
    """The tag of the commit, which tells it from another build of the same version."""
    known = in_repository(repository, "tag", "--points-at", commit).split()
    tags = [f"v{version}", f"v{Version(version).public}+{commit[:8]}"]
    if chosen := [tag for tag in tags if tag in known]:
        return chosen[0]
    free = [tag for tag in tags if not in_repository(repository, "tag", "--list", tag)]
    if not free:
        raise Refused(
            f"the template kept in {repository} was edited: its tag {tags[1]} is another commit."
            " Move the folder away, and it is made anew"
        )
    in_repository(repository, "update-ref", f"refs/tags/{free[0]}", commit, "0" * len(commit))
    return free[0]


def in_repository(repository: Path, *arguments: str, stdin: bytes = b"") -> str:
    """What git prints; it is told the folder, because people may forbid it to look for one."""
    return run_git(repository, "--git-dir=.", *arguments, stdin=stdin, plain=True).decode()
