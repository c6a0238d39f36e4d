"""Makes the commit and its branch without a work tree, so that a person's own stays untouched."""

from collections.abc import Mapping

from .. import index
from ..applying import bring_object
from ..git import git
from ..merging import Entry, Scratch
from ..project import Project


def write_tree(scratch: Scratch, files: Mapping[str, Entry]) -> str:
    """Keep files as a tree, and name it."""
    own = {"GIT_INDEX_FILE": str(scratch.folder / "tree.index")}
    lines = [f"{entry.mode} {entry.content}\t{path}\0" for path, entry in files.items()]
    scratch.run("read-tree", "--empty", variables=own)
    stdin = "".join(lines).encode(errors="surrogateescape")
    scratch.run("update-index", "-z", "--index-info", stdin=stdin, variables=own)
    return scratch.run("write-tree", "--missing-ok", variables=own).decode().strip()


def difference(
    scratch: Scratch, prefix: str, before: Mapping[str, Entry], after: Mapping[str, Entry]
) -> bytes:
    """The patch that makes one tree of the other, to be applied anywhere in the repository."""
    sides = [{prefix + path: entry for path, entry in side.items()} for side in (before, after)]
    trees = [write_tree(scratch, side) for side in sides]
    options = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--binary")
    return scratch.run("diff", *options, "--src-prefix=a/", "--dst-prefix=b/", *trees)


def make_branch(
    project: Project, scratch: Scratch, arriving: Mapping[str, Entry], name: str, message: str
) -> None:
    """Commit on a branch that appears in one instant, when all that it needs is there.

    Raises:
        GitError: git refuses.
    """
    for entry in arriving.values():
        bring_object(scratch.folder / "objects", project.object_folder, entry.content)
    commit = index.commit(project, arriving, message, scratch.folder / "commit.index")
    git(project.root, "update-ref", f"refs/heads/{name}", commit, "")
