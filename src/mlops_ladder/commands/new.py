"""Generate a project."""

import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import RefusedError, UsageError, listed
from ..git import GitError, git, has_identity, run_git, succeeds
from ..make import LOCK, make
from ..terminal import say
from .options import Level, answer_options, given_answers, may_ask
from .own_data import OwnData, own_data_options

if TYPE_CHECKING:
    from ..scaffold import ScaffoldedProblem
    from ..source.location import Template
    from ..source.render import Rendering

COMMITTED_AT_MOST = 10_000_000  # bytes of data in the first commit
LONGEST_NAME = 80
ELSEWHERE = (
    "A clone has to get a copy there, or DATA_URL in .env and in the secrets of CI has to be its"
    " path or address"
)


@click.command("new")
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
@click.option("--level", type=Level(), help="0 to 4; asked if it is not given.")
@answer_options
@own_data_options
@click.option("--into", is_flag=True, help="Allow files in DEST; none is overwritten.")
@click.option(
    "--git/--no-git",
    "uses_git",
    default=True,
    help="Create a git repository with a first commit, unless DEST has files.",
)
@click.option("--run", "runs", is_flag=True, help="Install the project and train, too.")
@click.option(
    "--template",
    metavar="SOURCE",
    help="A git address or a path; also the environment variable MLOPS_LADDER_TEMPLATE.",
)
@click.option("--template-version", metavar="VERSION", help="A tag, branch or commit of it.")
def command(
    own: OwnData,
    destination: Path,
    level: int | None,
    pairs: tuple[str, ...],
    answers_file: Path | None,
    defaults: bool,
    into: bool,
    uses_git: bool,
    runs: bool,
    template: str | None,
    template_version: str | None,
) -> None:
    """Generate a project in the folder DEST, at the level you need now.

    \b
    Examples:
      mlops-ladder new my-project
      mlops-ladder new my-project --level 2 --defaults --data license=MIT
      mlops-ladder new churn --from customers.csv --target churned --level 2 --run
    """
    from ..source.acceleration import shared_clones
    from ..source.render import check_level, render
    from ..source.selection import select_template
    from ..source.versions import last_commit

    destination = Path(os.path.abspath(destination))
    check_destination(destination, into)
    given = given_answers(pairs, answers_file)
    if level is not None:
        given["level"] = level
    ask = may_ask(defaults)
    check_level_known(given, ask, defaults)
    problem = own.read(ask)
    if problem:
        given["data_file"] = problem.data_name
    source = select_template(template)
    if template_version:
        # Copier's own HEAD would put uncommitted changes into a commit that no climb finds.
        version = last_commit(source) if template_version == "HEAD" else template_version
        source = replace(source, version=version)
    proposed = problem.answers if problem else proposed_answers(destination.name)
    with staging_folder(destination) as parent, shared_clones():
        project = parent / destination.name
        rendering = render(source, project, given, defaults=proposed, ask=ask)
        rendering.check_names(given.keys() - {"data_file"})
        check_level(rendering.answers["level"], rendering)
        if problem and own.data_file:
            insert_problem(problem, own.data_file, rendering)
        files = files_to_commit(project, problem)
        if is_inside_repository(destination):
            move(project, destination)
            report_ignored(destination, files)
        else:
            if uses_git and is_free(destination):
                make_first_commit(project, destination, rendering, files)
            move(project, destination)
    report_project(destination, rendering, source, problem)
    done = run_main_job(destination, rendering) if runs else []
    report_next(destination, rendering, done)


def check_destination(destination: Path, into: bool) -> None:
    """Check that the destination is free, or that the user allowed files in it.

    Raises
    ------
    RefusedError
        It is neither.
    """
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise RefusedError(f"{destination} exists and is not a folder")
    if not is_free(destination) and not into:
        raise RefusedError(
            f"{destination} is not empty. Choose another folder, or use --into to add the project"
            " to what is there; no file is overwritten"
        )


def is_free(destination: Path) -> bool:
    """Tell whether the destination is absent or an empty folder."""
    return not destination.exists() or not any(destination.iterdir())


def check_level_known(given: Mapping[str, Any], ask: bool, defaults: bool) -> None:
    """Check that the level is given, can be asked, or that the default is wanted.

    Raises
    ------
    UsageError
        None of these.
    """
    if "level" not in given and not ask and not defaults:
        raise UsageError(
            "the level is missing and there is no terminal to ask for it: add --level N, or"
            " --defaults for the template's default"
        )


def proposed_answers(folder_name: str) -> dict[str, str]:
    """Propose the folder's name as the project's: `my-rides` becomes `My rides`."""
    words = re.sub(r"[-_.\s]+", " ", folder_name).strip()
    # copier renders defaults as templates, in which a brace would have a meaning
    usable = words and words.isprintable() and "{" not in words and len(words) <= LONGEST_NAME
    return {"project_name": words[0].upper() + words[1:]} if usable else {}


@contextmanager
def staging_folder(destination: Path) -> Iterator[Path]:
    """Provide a hidden folder beside the destination, from which the project is moved at once."""
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


def insert_problem(problem: "ScaffoldedProblem", data_file: Path, rendering: "Rendering") -> None:
    """Replace the example's problem and data by the user's."""
    notebook = rendering.folder / "notebook.ipynb"
    notebook.write_bytes(problem.notebook(notebook.read_bytes()))
    for generated in rendering.folder.glob("src/*/problem.py"):
        generated.write_text(problem.problem, encoding="utf-8")
    data = rendering.folder / "data"
    shutil.copyfile(data_file, data / problem.data_name)
    if data_file.stat().st_size <= COMMITTED_AT_MOST:
        with (data / ".gitignore").open("a", encoding="utf-8") as ignored:
            ignored.write(f"!{problem.data_name}\n")


def is_inside_repository(destination: Path) -> bool:
    """Tell whether the project will be part of a git repository that exists."""
    return succeeds(destination.parent, "rev-parse", "--git-dir")


def files_to_commit(project: Path, problem: "ScaffoldedProblem | None") -> list[str]:
    """List every generated file, without the user's data if they are large."""
    large = None
    if problem and (project / "data" / problem.data_name).stat().st_size > COMMITTED_AT_MOST:
        large = project / "data" / problem.data_name
    files = (path for path in sorted(project.rglob("*")) if not path.is_dir() and path != large)
    return [path.relative_to(project).as_posix() for path in files]


def report_ignored(project: Path, files: list[str]) -> None:
    """List the files that the surrounding repository ignores."""
    stdin = "\0".join(files).encode(errors="surrogateescape")
    command = ("check-ignore", "-z", "--stdin")
    printed = run_git(project, *command, stdin=stdin, passing=(0, 1))
    ignored = list(filter(None, printed.decode(errors="surrogateescape").split("\0")))
    if ignored:
        say(listed("note: git ignores these files; add them with git add --force:", ignored))


def make_first_commit(
    project: Path, destination: Path, rendering: "Rendering", files: list[str]
) -> None:
    """Create a git repository and commit all files, or stage them if git cannot commit.

    The user's global ignore files do not apply.
    """
    git(project, "init", "--quiet", "--initial-branch=main")
    add = ("-c", "core.safecrlf=false", "--literal-pathspecs", "add", "--force")
    paths = "\0".join(files).encode(errors="surrogateescape")
    run_git(project, *add, "--pathspec-from-file=-", "--pathspec-file-nul", stdin=paths)
    level = rendering.answers["level"]
    command = ["commit", "--quiet", "--no-verify", "--message", f"Start at level {level}"]
    advice = f'Everything is staged; commit it: git commit -m "Start at level {level}"'
    if not has_identity(project):
        say(
            "note: no commit was made, because git user.name and user.email are not set: git"
            ' config --global user.name "Your Name"; git config --global user.email'
            f" you@example.org. {advice}"
        )
        return
    try:
        git(project, *command)
    except GitError as error:
        reason = error.message.replace(str(project), str(destination))
        say(f"note: no commit was made, because {reason}. {advice}")


def move(project: Path, destination: Path) -> None:
    """Move the project from the staging folder to its destination.

    Raises
    ------
    RefusedError
        Another file of the same name exists.
    """
    if is_free(destination):
        project.rename(destination)
        return
    files = [path.relative_to(project) for path in project.rglob("*") if not path.is_dir()]
    if differing := [str(file) for file in files if would_overwrite(project, destination, file)]:
        raise RefusedError(listed(f"these files in {destination} are different:", differing))
    for file in files:
        if not (destination / file).exists():
            (destination / file).parent.mkdir(parents=True, exist_ok=True)
            (project / file).rename(destination / file)


def would_overwrite(project: Path, destination: Path, file: Path) -> bool:
    """Tell whether another file is at the place of the project's file, or of one of its folders."""
    blocked = [
        folder
        for folder in file.parents
        if (destination / folder).is_symlink()
        or ((destination / folder).exists() and not (destination / folder).is_dir())
    ]
    there = destination / file
    same = there.is_file() and there.read_bytes() == (project / file).read_bytes()
    return bool(blocked) or ((there.exists() or there.is_symlink()) and not same)


def run_main_job(project: Path, rendering: "Rendering") -> list[str]:
    """Install the project, run its level's main job, and commit the lock file that this writes.

    Returns
    -------
    list of str
        The commands that were run.

    Raises
    ------
    RefusedError
        They fail; the project stays as it was generated.
    """
    job = rendering.ladder[rendering.answers["level"]]["job"]
    say(f"\n$ make setup {job}")
    if not make(project, "setup", *job.split()):
        raise RefusedError(
            f"make setup {job} failed in {project} (output above); the project was generated"
        )
    if (project / ".git").exists() and has_identity(project):
        commit_lock(project)
    return ["make setup", f"make {job}"]


def commit_lock(project: Path) -> None:
    """Commit the lock file that `make setup` wrote, if git can."""
    try:
        git(project, "add", "--force", "--", LOCK)
        git(project, "commit", "--quiet", "--no-verify", "--message", "Lock the dependencies")
    except GitError as error:
        say(f"note: {LOCK} was not committed, because {error.message}")


def report_project(
    destination: Path,
    rendering: "Rendering",
    source: "Template",
    problem: "ScaffoldedProblem | None",
) -> None:
    """Report what was generated, and what was found in the user's data."""
    level = rendering.answers["level"]
    title, version = rendering.ladder[level]["title"], rendering.answers["_commit"]
    lines = [f"Generated {rendering.answers['project_name']} at level {level} in {destination}"]
    lines += [f"  {title}; template {source.location} at {version}"]
    if problem:
        where = destination / "data" / problem.data_name
        committed = where.stat().st_size <= COMMITTED_AT_MOST
        kept = (
            "is committed" if committed else f"is not committed, because it is large. {ELSEWHERE}"
        )
        lines += ["", f"data/{problem.data_name} {kept}. Findings:"]
        lines += [f"  - {finding}" for finding in problem.findings]
    say("\n".join(lines))


def report_next(destination: Path, rendering: "Rendering", done: list[str]) -> None:
    """Print the next commands, without those that were run."""
    relative = os.path.relpath(destination)
    shown = relative if not relative.startswith("..") else str(destination)
    commands = rendering.ladder[rendering.answers["level"]]["next"]
    left = [command for command in commands if command not in done]
    lines = ["", "Next:", "", f"    cd {shlex.quote(shown)}", *(f"    {one}" for one in left)]
    say("\n".join(lines))
