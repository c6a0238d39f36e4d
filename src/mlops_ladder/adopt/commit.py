"""The commit and branch of an adoption, made without touching the working tree."""

from collections.abc import Mapping

from ..git import git
from ..migration import index
from ..migration.merge import Entry, Sandbox
from ..migration.transaction import copy_object
from ..project import Project


def write_tree(sandbox: Sandbox, files: Mapping[str, Entry]) -> str:
    """Store files as a git tree, and return its name."""
    own = {"GIT_INDEX_FILE": str(sandbox.folder / "tree.index")}
    lines = [f"{entry.mode} {entry.content}\t{path}\0" for path, entry in files.items()]
    sandbox.run("read-tree", "--empty", variables=own)
    stdin = "".join(lines).encode(errors="surrogateescape")
    sandbox.run("update-index", "-z", "--index-info", stdin=stdin, variables=own)
    return sandbox.run("write-tree", "--missing-ok", variables=own).decode().strip()


def difference(
    sandbox: Sandbox, prefix: str, before: Mapping[str, Entry], after: Mapping[str, Entry]
) -> bytes:
    """Return the patch between two trees, to be applied anywhere in the repository."""
    sides = [{prefix + path: entry for path, entry in side.items()} for side in (before, after)]
    trees = [write_tree(sandbox, side) for side in sides]
    options = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--binary")
    return sandbox.run("diff", *options, "--src-prefix=a/", "--dst-prefix=b/", *trees)


def make_branch(
    project: Project, sandbox: Sandbox, added: Mapping[str, Entry], name: str, message: str
) -> None:
    """Commit the added files on a new branch.

    Raises
    ------
    GitError
        Git refuses.
    """
    for entry in added.values():
        copy_object(sandbox.folder / "objects", project.object_folder, entry.content)
    commit = index.commit(project, added, message, sandbox.folder / "commit.index")
    git(project.root, "update-ref", f"refs/heads/{name}", commit, "")
