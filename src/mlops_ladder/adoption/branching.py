"""Makes the commit and its branch without a work tree, so that a person's own stays untouched."""

from collections.abc import Mapping

from ..applying import bring_object
from ..git import git, run_git
from ..merging import Entry, Scratch
from ..project import Project


def write_tree(scratch: Scratch, files: Mapping[str, Entry]) -> str:
    """Keep files as a tree, and name it."""
    index = {"GIT_INDEX_FILE": str(scratch.folder / "tree.index")}
    lines = [f"{entry.mode} {entry.content}\t{path}\0" for path, entry in files.items()]
    run_git(scratch.folder, "read-tree", "--empty", variables=index)
    stdin = "".join(lines).encode(errors="surrogateescape")
    run_git(scratch.folder, "update-index", "-z", "--index-info", variables=index, stdin=stdin)
    return git(scratch.folder, "write-tree", variables=index)


def difference(
    scratch: Scratch, prefix: str, before: Mapping[str, Entry], after: Mapping[str, Entry]
) -> bytes:
    """The patch that makes one tree of the other, to be applied anywhere in the repository."""
    sides = [{prefix + path: entry for path, entry in side.items()} for side in (before, after)]
    trees = [write_tree(scratch, side) for side in sides]
    options = ("--no-color", "--no-ext-diff", "--no-renames", "--binary")
    return run_git(scratch.folder, "diff", *options, "--src-prefix=a/", "--dst-prefix=b/", *trees)


def make_branch(
    project: Project, scratch: Scratch, arriving: Mapping[str, Entry], name: str, message: str
) -> None:
    """Commit on a branch that appears in one instant, when all that it needs is there.

    Raises:
        GitError: git refuses.
    """
    head = git(project.root, "rev-parse", "HEAD")
    files = scratch.files_of(f"{head}^{{tree}}")
    files |= {project.prefix + path: entry for path, entry in arriving.items()}
    tree = write_tree(scratch, files)
    for line in git(scratch.folder, "rev-list", "--objects", tree, f"^{head}").splitlines():
        bring_object(scratch.folder / "objects", project.object_folder, line.split()[0])
    commit = git(project.root, "commit-tree", tree, "-p", head, "-m", message)
    git(project.root, "update-ref", f"refs/heads/{name}", commit, "0" * len(commit))
