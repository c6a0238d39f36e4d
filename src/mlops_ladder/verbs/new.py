"""Make a project at the level that is needed now."""

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..answers import answer_options, given_answers, may_ask
from ..errors import Misused, Refused, listed
from ..git import GitError, git, has_identity, run_git, succeeds
from ..making import LOCK, make
from ..rendering import Rendering, render
from ..source import Template, chosen_template, last_commit
from ..stepping import check_level
from ..terminal import say

if TYPE_CHECKING:
    from ..own_data import OwnProblem

COMMITTED_AT_MOST = 10_000_000  # bytes of data that a first commit may carry


@click.command("new")
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
@click.option("--level", type=int, help="0 to 4; asked if it is not given.")
@answer_options
@click.option(
    "--from",
    "data_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Your own CSV or Parquet file: the project's problem is written for it.",
)
@click.option("--target", metavar="COLUMN", help="The column of the file to predict.")
@click.option("--time", metavar="COLUMN", help="The column of the file that orders its rows.")
@click.option("--into", is_flag=True, help="DEST may hold files already; none is written over.")
@click.option(
    "--git/--no-git",
    "uses_git",
    default=True,
    help="Make a repository with a first commit, or not. A folder with files in it never gets one.",
)
@click.option(
    "--run", "runs", is_flag=True, help="Install it, too, and do the level's main job: train."
)
@click.option(
    "--template",
    metavar="SOURCE",
    help="A git address or a path; MLOPS_LADDER_TEMPLATE says it, too.",
)
@click.option("--template-version", metavar="VERSION", help="A tag, branch or commit of it.")
def command(
    destination: Path,
    level: int | None,
    pairs: tuple[str, ...],
    answers_file: Path | None,
    defaults: bool,
    data_file: Path | None,
    target: str | None,
    time: str | None,
    into: bool,
    uses_git: bool,
    runs: bool,
    template: str | None,
    template_version: str | None,
) -> None:
    """Make a project in the folder DEST, at the level you need now.

    \b
    Examples:
      mlops-ladder new my-project
      mlops-ladder new my-project --level 2 --defaults --data license=MIT
      mlops-ladder new churn --from customers.csv --target churned --level 2 --run
    """
    destination = Path(os.path.abspath(destination))
    check_destination(destination, into)
    given = given_answers(pairs, answers_file)
    if level is not None:
        given["level"] = level
    problem = own_problem(data_file, target, time)
    source = chosen_template(template)
    if template_version:
        # Copier's own HEAD would put what nobody committed into a commit that no climb finds.
        version = last_commit(source) if template_version == "HEAD" else template_version
        source = replace(source, version=version)
    with folder_beside(destination) as parent:
        project = parent / destination.name
        rendering = render(
            source,
            project,
            given,
            defaults=problem.answers if problem else {},
            ask=may_ask(defaults),
        )
        rendering.check_names(given)
        check_level(rendering.answers["level"], rendering)
        if problem and data_file:
            bring_problem(problem, data_file, rendering)
        made = files_to_commit(project, problem)
        if is_inside_repository(destination):
            move(project, destination)
            say_what_git_ignores(destination, made)
        else:
            if uses_git and is_free(destination):
                make_first_commit(project, rendering, made)
            move(project, destination)
    say_what_was_made(destination, rendering, source, problem)
    done = run_main_job(destination, rendering) if runs else []
    say_what_next(destination, rendering, done)


def check_destination(destination: Path, into: bool) -> None:
    """Make sure that the folder is free, or that its owner knows that it is not.

    Raises:
        Refused: it is neither.
    """
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise Refused(f"{destination} is there already, and is no folder")
    if not is_free(destination) and not into:
        raise Refused(
            f"{destination} is not empty. Name another folder; or --into puts the project beside"
            " what is there, if no file would be written over"
        )


def is_free(destination: Path) -> bool:
    """Whether nothing is there, or an empty folder."""
    return not destination.exists() or not any(destination.iterdir())


def own_problem(
    data_file: Path | None, target: str | None, time: str | None
) -> "OwnProblem | None":
    """The problem in a person's own file, if they named one."""
    if data_file is None:
        if target or time:
            raise Misused("--target and --time name columns of a file: --from FILE is missing")
        return None
    if target is None:
        raise Misused("--from needs --target COLUMN: which column is to be predicted?")
    from ..own_data import read_problem  # brings pandas, which takes its time

    return read_problem(data_file, target, time)


@contextmanager
def folder_beside(destination: Path) -> Iterator[Path]:
    """A hidden folder on the same disk, from which the project appears in one instant."""
    missing = [folder for folder in destination.parents if not folder.exists()]
    destination.parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f".{destination.name}-", dir=destination.parent)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if not destination.exists():
            for parent in missing:
                parent.rmdir()


def bring_problem(problem: "OwnProblem", data_file: Path, rendering: Rendering) -> None:
    """Let the project's problem be the one in the person's file."""
    notebook = rendering.folder / "notebook.ipynb"
    notebook.write_bytes(problem.notebook(notebook.read_bytes()))
    for generated in rendering.folder.glob("src/*/problem.py"):
        generated.write_text(problem.problem, encoding="utf-8")
    data = rendering.folder / "data"
    shutil.copyfile(data_file, data / problem.data_name)
    if data_file.stat().st_size <= COMMITTED_AT_MOST:
        with (data / ".gitignore").open("a", encoding="utf-8") as ignored:
            ignored.write(f"!{problem.data_name}\n")
    describe_data(rendering.folder / "README.md", problem.data_name)


def describe_data(readme: Path, name: str) -> None:
    """Let the README say where the rows come from, instead of what the example's are."""
    text = readme.read_text(encoding="utf-8")
    before, heading, rest = text.partition("\n## Data\n")
    _, following, after = rest.partition("\n## ")
    if heading and following:
        section = f"\nThe rows are those of `data/{name}`, which the problem's `load` reads.\n"
        readme.write_text(before + heading + section + following + after, encoding="utf-8")


def is_inside_repository(destination: Path) -> bool:
    """Whether the project will lie in somebody's repository, which then keeps its history."""
    return succeeds(destination.parent, "rev-parse", "--git-dir")


def files_to_commit(project: Path, problem: "OwnProblem | None") -> list[str]:
    """Return every file that was made, without the user's data where they are large."""
    large = None
    if problem and (project / "data" / problem.data_name).stat().st_size > COMMITTED_AT_MOST:
        large = project / "data" / problem.data_name
    files = (path for path in sorted(project.rglob("*")) if not path.is_dir() and path != large)
    return [path.relative_to(project).as_posix() for path in files]


def say_what_git_ignores(project: Path, made: list[str]) -> None:
    """Name the files that the repository around the project would leave out of every commit."""
    stdin = "\0".join(made).encode(errors="surrogateescape")
    command = ("check-ignore", "-z", "--stdin")
    printed = run_git(project, *command, stdin=stdin, passing=(0, 1))
    ignored = list(filter(None, printed.decode(errors="surrogateescape").split("\0")))
    if ignored:
        heading = "note: git ignores these files of the project here; git add --force adds them:"
        say(listed(heading, ignored))


def make_first_commit(project: Path, rendering: Rendering, made: list[str]) -> None:
    """Put the project under git; where git cannot commit, everything is staged.

    All that was made is committed, whatever the user's git ignores elsewhere.
    """
    git(project, "init", "--quiet", "--initial-branch=main")
    add = ("-c", "core.safecrlf=false", "--literal-pathspecs", "add", "--force")
    paths = "\0".join(made).encode(errors="surrogateescape")
    run_git(project, *add, "--pathspec-from-file=-", "--pathspec-file-nul", stdin=paths)
    level = rendering.answers["level"]
    command = ["commit", "--quiet", "--no-verify", "--message", f"Start at level {level}"]
    advice = f'Everything is staged: git commit -m "Start at level {level}"'
    if not has_identity(project):
        say(
            "note: git user.name and user.email are not set, so there is no commit yet. Set them"
            ' (git config --global user.name "Your Name"; git config --global user.email'
            f" you@example.org). {advice}"
        )
        return
    try:
        git(project, *command)
    except GitError as error:
        say(f"note: there is no commit yet, because {error.message}. {advice}")


def move(project: Path, destination: Path) -> None:
    """Let the project appear where it belongs.

    Raises:
        Refused: a file of the same name is there and says something else.
    """
    if is_free(destination):
        project.rename(destination)
        return
    files = [path.relative_to(project) for path in project.rglob("*") if not path.is_dir()]
    if differing := [str(file) for file in files if would_lose(project, destination, file)]:
        raise Refused(listed(f"{destination} has other files in these places:", differing))
    for file in files:
        if not (destination / file).exists():
            (destination / file).parent.mkdir(parents=True, exist_ok=True)
            (project / file).rename(destination / file)


def would_lose(project: Path, destination: Path, file: Path) -> bool:
    """Whether something else stands where the project's file, or one of its folders, should."""
    blocked = [
        folder
        for folder in file.parents
        if (destination / folder).is_symlink()
        or ((destination / folder).exists() and not (destination / folder).is_dir())
    ]
    there = destination / file
    same = there.is_file() and there.read_bytes() == (project / file).read_bytes()
    return bool(blocked) or ((there.exists() or there.is_symlink()) and not same)


def run_main_job(project: Path, rendering: Rendering) -> list[str]:
    """Install the project and do what its level is there for; commit the lock that this writes.

    Returns:
        The commands that nobody needs to run any more.

    Raises:
        Refused: it fails; the project stays as it was made.
    """
    job = rendering.ladder[rendering.answers["level"]]["job"]
    say(f"\n$ make setup {job}")
    if not make(project, "setup", *job.split()):
        raise Refused(f"make setup {job} failed in {project}; the project itself is made")
    if (project / ".git").exists() and has_identity(project):
        commit_lock(project)
    return ["make setup", f"make {job}"]


def commit_lock(project: Path) -> None:
    """Commit the lock that `make setup` wrote, if git can."""
    try:
        git(project, "add", "--force", "--", LOCK)
        git(project, "commit", "--quiet", "--no-verify", "--message", "Lock the dependencies")
    except GitError as error:
        say(f"note: {LOCK} is not committed, because {error.message}")


def say_what_was_made(
    destination: Path, rendering: Rendering, source: Template, problem: "OwnProblem | None"
) -> None:
    """Say what was made, from what, and what was found in the person's data."""
    level = rendering.answers["level"]
    title, version = rendering.ladder[level]["title"], rendering.answers["_commit"]
    lines = [f"{rendering.answers['project_name']} stands at level {level} in {destination}."]
    lines += [f"  {title}; template {source.location} at {version}"]
    if problem:
        where = destination / "data" / problem.data_name
        committed = where.stat().st_size <= COMMITTED_AT_MOST
        kept = "is part of the project" if committed else "stays out of git"
        lines += ["", f"data/{problem.data_name} {kept}. Found in it:"]
        lines += [f"  - {finding}" for finding in problem.findings]
    say("\n".join(lines))


def say_what_next(destination: Path, rendering: Rendering, done: list[str]) -> None:
    """Say the next commands: three, if none is done yet."""
    relative = os.path.relpath(destination)
    shown = relative if not relative.startswith("..") else str(destination)
    commands = rendering.ladder[rendering.answers["level"]]["next"]
    left = [command for command in commands if command not in done]
    lines = ["", "Next:", "", f"    cd {shlex.quote(shown)}", *(f"    {one}" for one in left)]
    say("\n".join(lines))
