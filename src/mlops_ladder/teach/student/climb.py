"""Merge the next level of the course, or the teacher's fixes, into the project."""

import shutil
import subprocess
import sys
from pathlib import Path

from . import requirements, terminal

REMOTE = "course"
PYPROJECT, LOCK = "pyproject.toml", "uv.lock"
HELP = """\
Your work is kept, and both versions are marked in these files. Edit them, then:

    git add --all
    git commit

or undo everything: git merge --abort"""


class RefusedError(Exception):
    """The reason why nothing was changed, and what to do."""


def main(command: str, address: str | None = None) -> int:
    """Climb or update, and return the exit code: 0 done, 1 refused, 3 conflicts."""
    level = terminal.level()
    target = level + 1 if command == "climb" else level
    try:
        check_state()
        fetch(address)
        if f"{REMOTE}/level-{target}" not in branches():
            raise RefusedError(f"the course has no level {target}: you have reached its end")
        join(level)
        conflicts = merge(target)
    except RefusedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if conflicts:
        print("\n  ".join(["These files have conflicts:", *conflicts]), file=sys.stderr)
        print(HELP, file=sys.stderr)
        return 3
    words = f"You are at level {target}: make setup lesson" if command == "climb" else "Up to date"
    print(words)
    return 0


def git(*arguments: str) -> str:
    """Run git, and return what it prints."""
    finished = subprocess.run(["git", *arguments], capture_output=True, text=True)
    if finished.returncode != 0:
        reason = " ".join(finished.stderr.split())[-300:]
        raise RefusedError(f"git {arguments[0]} failed: {reason}")
    return finished.stdout


def succeeds(*arguments: str) -> bool:
    """Tell whether git ends with exit code 0."""
    return subprocess.run(["git", *arguments], capture_output=True).returncode == 0


def check_state() -> None:
    """Refuse a working tree with changes, so that nothing of the student's can be lost."""
    if not succeeds("rev-parse", "--verify", "HEAD"):
        raise RefusedError("this is no git repository with a commit: clone yours again")
    if succeeds("rev-parse", "--verify", "MERGE_HEAD"):
        raise RefusedError("a merge is under way: finish it with git commit, or git merge --abort")
    changed = git("status", "--porcelain").splitlines()
    if changed:
        raise RefusedError(
            f"{len(changed)} files are not committed, such as {changed[0][3:]}. First run: "
            'git add --all; git commit -m "My work"'
        )


def fetch(address: str | None) -> None:
    """Fetch the course's levels, from its address if that is new."""
    if address:
        succeeds("remote", "remove", REMOTE)
        git("remote", "add", REMOTE, address)
    if REMOTE not in git("remote").split():
        raise RefusedError("the address of the course is not known: make climb COURSE=ADDRESS")
    git("fetch", "--quiet", REMOTE)


def branches() -> list[str]:
    """Return the course's branches."""
    found = git("for-each-ref", "--format=%(refname:short)", f"refs/remotes/{REMOTE}")
    return found.split()


def join(level: int) -> None:
    """Connect a copy of the course, which has no history in common with it, once."""
    if succeeds("merge-base", "HEAD", f"{REMOTE}/level-0"):
        return
    roots = set(git("rev-list", "--max-parents=0", "HEAD").split())
    trees = {git("rev-parse", f"{root}^{{tree}}").strip() for root in roots}
    for branch in (f"{REMOTE}/level-{number}" for number in range(level + 1)):
        for line in git("log", "--format=%H %T", branch).splitlines():
            commit, tree = line.split()
            if tree in trees:
                join = ("-s", "ours", "--allow-unrelated-histories", "-m", "Join the course")
                git("merge", "--quiet", *join, commit)
                return
    raise RefusedError(
        "this repository has no commit in common with the course. Ask your teacher for a new one, "
        "and copy your files into it"
    )


def merge(level: int) -> list[str]:
    """Merge a level and commit; return the files with conflicts."""
    message = f"Climb to level {level}" if level > terminal.level() else "Merge the course's fixes"
    branch = f"{REMOTE}/level-{level}"
    if succeeds("merge-base", "--is-ancestor", branch, "HEAD"):
        return []
    succeeds("merge", "--no-ff", "--no-commit", "--quiet", branch)
    if not succeeds("rev-parse", "--verify", "MERGE_HEAD"):
        git("merge", "--no-ff", "--no-commit", "--quiet", branch)  # raises git's own reason
    conflicts = [name for name in unmerged() if not resolve(name)]
    if conflicts:
        return conflicts
    if Path(LOCK).exists() and shutil.which("uv"):
        subprocess.run(["uv", "lock", "--quiet"], check=False)
        git("add", LOCK)
    git("commit", "--quiet", "--no-verify", "--message", message)
    return []


def unmerged() -> list[str]:
    """Return the files with conflicts."""
    return git("diff", "--name-only", "--diff-filter=U", "-z").split("\0")[:-1]


def resolve(name: str) -> bool:
    """Resolve a conflict in the lists of requirements."""
    if name != PYPROJECT:
        return False
    merged = requirements.merge(*(git("show", f":{stage}:{name}") for stage in (1, 2, 3)))
    if merged is None:
        return False
    Path(name).write_text(merged, encoding="utf-8")
    git("add", name)
    return True
