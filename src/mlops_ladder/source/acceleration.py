"""Rendering the same files with less work.

Three quarters of copier's time for this template is spent on what gives the same result each time.
What is replaced is internal to copier, and only where its version is known; elsewhere, only the
speed is lost.
"""

import importlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import copier
from jinja2 import Environment
from packaging.version import Version

from ..git import GitError, git

UNKNOWN = Version("9.20")
"""The first version of copier whose internals have not been compared with what is replaced here."""
SETTINGS = [
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "line_statement_prefix"),
    *("line_comment_prefix", "trim_blocks", "lstrip_blocks", "newline_sequence"),
    *("keep_trailing_newline", "optimized", "autoescape", "finalize"),
]
"""Attributes of an environment that decide, with its class and extensions, what a text means."""

_compiled: dict[tuple[Any, ...], Any] = {}


@contextmanager
def accelerated() -> Iterator[None]:
    """Accelerate copier until the end of the block, for destinations that are new folders."""
    with ExitStack() as stack:
        stack.enter_context(compiled_once())
        stack.enter_context(plain_parts())
        stack.enter_context(without_index_updates())
        stack.enter_context(plain_answers_path())
        yield


@contextmanager
def compiled_once() -> Iterator[None]:
    """Compile each Jinja text once, for this block and later ones.

    Copier compiles each part of each path, and the name of the answers file with each of them:
    thousands of texts, of which a few hundred differ.
    """
    compile_text = Environment.compile

    def compile_once(
        self: Environment, source: Any, name: Any = None, filename: Any = None, *rest: Any
    ) -> Any:
        meaning = [getattr(self, setting) for setting in SETTINGS]
        key = (type(self), *meaning, *sorted(self.extensions), source, name, *rest)
        if key in _compiled:
            self.preprocess(source, name, filename)  # where copier's `yield` resets its loop
        else:
            _compiled[key] = compile_text(self, source, name, filename, *rest)
        return _compiled[key]

    with replaced(Environment, "compile", compile_once):
        yield


@contextmanager
def plain_parts() -> Iterator[None]:
    """Do not render the parts of paths that are no templates."""
    worker = internal("_main", "Worker")
    render = vars(worker).get("_render_string")

    def render_string(self: Any, string: Any, extra_context: Any = None) -> Any:
        env = self.jinja_env
        marks = (env.block_start_string, env.variable_start_string, env.comment_start_string)
        special = (*marks, "\n", env.line_statement_prefix, env.line_comment_prefix)
        if not isinstance(string, str) or any(mark in string for mark in special if mark):
            return render(self, string, extra_context)
        env.preprocess(string)  # where copier's `yield` resets its loop
        return string

    with replaced(worker, "_render_string", render_string):
        yield


@contextmanager
def shared_clones() -> Iterator[None]:
    """Clone each version of a template once until the end of the block.

    Clones of a repository on this machine borrow its objects instead of copying them.
    """
    module = internal("_template")
    clone, known = vars(module).get("clone"), dict[tuple[str, str], str]()

    def clone_once(url: str, ref: str = "HEAD", location: str | None = None) -> str:
        if ref == "HEAD":
            return str(clone(url, ref, location))
        if (url, ref) not in known:
            place = Path(folder) / str(len(known))
            if not borrowing_clone(url, ref, place):
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir()
                clone(url, ref, location=str(place))
            known[url, ref] = str(place)
        return known[url, ref]

    with (
        tempfile.TemporaryDirectory(prefix="mlops-ladder-") as folder,
        replaced(module, "clone", clone_once),
    ):
        yield


def borrowing_clone(url: str, ref: str, place: Path) -> bool:
    """Clone a repository on this machine without copying objects, and check out a version.

    Returns
    -------
    bool
        False if this is not possible, and copier's own way has to be taken.
    """
    if not Path(url).is_dir():
        return False
    try:
        options = ("--quiet", "--shared", "--no-checkout", "--template=")
        git(place.parent, "clone", *options, "--", url, place, plain=True)
        commit = git(place, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", plain=True)
        git(place, "checkout", "--quiet", "--force", "--detach", commit, plain=True)
    except GitError:
        return False
    return not (place / ".gitmodules").exists()


@contextmanager
def without_index_updates() -> Iterator[None]:
    """Do not run git for each file to update an index that a new folder does not have."""
    worker = internal("_main", "Worker")
    with replaced(worker, "_sync_git_index_executable_bit", lambda *_: None):
        yield


@contextmanager
def plain_answers_path() -> Iterator[None]:
    """Do not render the name of the answers file for each path, if it is no template."""
    worker = internal("_main", "Worker")
    original = vars(worker).get("answers_relpath")

    def answers_relpath(self: Any) -> Path:
        path = str(self.answers_file or "{")
        return Path(path) if "{" not in path else Path(original.fget(self))

    with replaced(worker, "answers_relpath", property(answers_relpath)):
        yield


def internal(module: str, name: str | None = None) -> Any:
    """Return a module of copier's, or something in it; an empty class if the version is unknown."""
    if Version(copier.__version__) >= UNKNOWN:
        return type("Unknown", (), {})
    found = importlib.import_module(f"copier.{module}")
    return getattr(found, name) if name else found


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Replace an attribute of a class or module until the end of the block, if it exists."""
    if name not in vars(owner):
        yield
        return
    original = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)
