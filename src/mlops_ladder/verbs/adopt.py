"""Put an existing repository under the ladder, on a branch to review."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..adoption.branching import make_branch
from ..adoption.bringing import Adoption, bring, check_package, free, in_the_way
from ..adoption.looking import Repository
from ..adoption.wording import decisions, found_in, next_commands, report
from ..answers import answer_options, given_answers, may_ask
from ..errors import Refused, listed
from ..git import GitError, git, run_git, succeeds
from ..merging import ORDINARY, Contents, Entry, Scratch, scratch_repository
from ..project import ANSWERS_FILE, Project, answers_file_in, remembers_level
from ..rendering import Rendering, render
from ..source import Template, chosen_template
from ..step_command import check_git
from ..stepping import check_level
from ..terminal import say, visible, visible_lines

FIRST_LEVEL = 1
SHOWN = 10
OF_A_PROJECT = {"pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "environment.yml"}


@click.command("adopt")
@click.argument(
    "path",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option("--level", type=int, help="0 to 4; 1 if you do not say it.")
@answer_options
@click.option("--template", metavar="SOURCE", help="A git address or a path.")
@click.option("--branch", metavar="NAME", help="The new branch; adopt-level-N without it.")
@click.option("--dry-run", is_flag=True, help="Say what would come, and make no branch.")
def command(
    path: Path,
    level: int | None,
    pairs: tuple[str, ...],
    answers_file: Path | None,
    defaults: bool,
    template: str | None,
    branch: str | None,
    dry_run: bool,
) -> None:
    """Put the repository at PATH under the ladder, as one commit on a new branch.

    What is there stays as it is: your files, the branch you are on and the work tree. The pieces
    of the level come beside them; docs/adoption.md on the branch says what was found, and what is
    proposed for files of yours. Merge the branch, and climb and upgrade work as in any project.

    \b
    Examples:
      mlops-ladder adopt
      mlops-ladder adopt ../old-project --level 2 --branch ladder
      mlops-ladder adopt --data package_name=churn_model --dry-run
    """
    project = Project(path.resolve(), {})
    check_repository(project)
    if not dry_run:
        project.check_idle()
    given = given_answers(pairs, answers_file)
    if level is not None:
        given["level"] = level
    with (
        scratch_repository(project.root) as scratch,
        tempfile.TemporaryDirectory(prefix="mlops-ladder-") as parent,
    ):
        files = scratch.files_of(git(project.root, "rev-parse", "HEAD:./"))
        theirs = Contents(scratch, files)
        repository = Repository(project.root.name, theirs, frozenset(files.keys() - theirs.keys()))
        check_adoptable(project, repository)
        check_package(repository, str(given.get("package_name", "")))
        if branch:
            check_git(project, branch, commits=not dry_run)
        say_what_was_found(project, repository)
        source = chosen_template(template)
        proposed: dict[str, Any] = {"level": FIRST_LEVEL, **repository.answers(given)}
        if project.prefix:
            proposed["ci_provider"] = "none"  # GitHub reads workflows at the top alone
        now, top = renderings(source, Path(parent), given, proposed, may_ask(defaults))
        name = branch or f"adopt-level-{now.answers['level']}"
        check_git(project, name, commits=not dry_run)
        adoption = bring(repository, theirs, now, top, scratch, project)
        patch = free("docs/adoption.patch", repository.paths)
        adoption = with_report(adoption, patch, scratch)
        if not dry_run:
            message = f"Adopt at level {now.answers['level']}"
            make_branch(project, scratch, adoption.arriving, name, message)
        say_what_came(project, adoption, name, patch, dry_run)


def check_repository(project: Project) -> None:
    """Make sure that there is a commit to start from, and that the ladder has it not yet.

    Raises:
        Refused: there is none, or it has.
    """
    root = project.root
    try:
        git(root, "rev-parse", "--git-dir")
    except GitError as error:
        if "not a git repository" not in error.message:
            raise
        raise Refused(
            f"{root} is in no git repository. Make it one: git init, git add --all, git commit."
            " Or put a new project beside what is there: mlops-ladder new --into"
        ) from error
    if git(root, "rev-parse", "--is-inside-work-tree") != "true":
        raise Refused(f"{root} has no work tree, as a bare repository; adopt a clone of it")
    if not succeeds(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
        raise Refused(f"{root} has no commit to start from: git add --all, git commit")
    if not succeeds(root, "rev-parse", "--verify", "--quiet", "HEAD:./"):
        raise Refused(f"git has nothing of {root} in its last commit: git add, git commit")
    file = answers_file_in(root)
    if file and remembers_level(file):
        raise Refused(f"{root} is under the ladder already: mlops-ladder climb, or upgrade")
    if file or ANSWERS_FILE in project.committed():
        raise Refused(
            f"{root / ANSWERS_FILE} is another copier template's. Both need a file of that name:"
            " take the project out of the other template first (git rm the file), then adopt it"
        )


def check_adoptable(project: Project, repository: Repository) -> None:
    """Make sure that there is something to adopt, and that new folders change nothing for it.

    Raises:
        Refused: there is not, or they would.
    """
    if project.prefix and not OF_A_PROJECT & repository.paths:
        top = git(project.root, "rev-parse", "--show-toplevel")
        raise Refused(
            f"{project.root} is a part of a repository, and no project of its own: it has no"
            f" pyproject.toml or requirements.txt. Give it one, or adopt the whole: {top}"
        )
    if not repository.code and (ignored := ignored_code(project)):
        raise Refused(
            listed("git ignores all the code here; git add --force adds it:", ignored[:SHOWN])
        )
    if not repository.code:
        raise Refused(
            "git has no Python file and no notebook here, so there is nothing to adopt. Start a"
            " project beside what is there: mlops-ladder new . --into"
        )
    if missing := repository.unclear_packages():
        raise Refused(
            "setuptools finds your packages by looking at the folders there are, and would find"
            f" others as soon as the level brings some. Name yours first: {missing}"
        )


def ignored_code(project: Project) -> list[str]:
    """List Python files and notebooks that are on disk and that git ignores."""
    options = ("--others", "--ignored", "--exclude-standard", "-z")
    printed = run_git(project.root, "ls-files", *options, "--", "*.py", "*.ipynb")
    return list(filter(None, printed.decode(errors="surrogateescape").split("\0")))


def renderings(
    source: Template,
    folder: Path,
    given: Mapping[str, Any],
    proposed: Mapping[str, Any],
    ask: bool,
) -> tuple[Rendering, Rendering]:
    """The project at its level, and at the highest, where all that can ever arrive is seen."""
    now = render(source, folder / "level", given, defaults=proposed, ask=ask)
    now.check_names(given)
    check_level(now.answers["level"], now)
    known = {name: value for name, value in now.answers.items() if not name.startswith("_")}
    return now, render(source, folder / "highest", {**known, "level": max(now.ladder)})


def with_report(adoption: Adoption, patch: str, scratch: Scratch) -> Adoption:
    """The adoption with the report of itself, and with the patch."""
    place = free("docs/adoption.md", adoption.repository.paths)
    arriving = dict(adoption.arriving)
    if adoption.patch:
        arriving[patch] = Entry(ORDINARY, scratch.write(adoption.patch))
    text = visible_lines(report(adoption, patch)).encode("utf-8", "surrogateescape")
    arriving[place] = Entry(ORDINARY, scratch.write(text))
    return replace(adoption, arriving=arriving)


def say_what_was_found(project: Project, repository: Repository) -> None:
    """Say what is there, before anything is asked."""
    lines = [f"Found in {project.root}:"]
    width = max(len(kind) for kind, _ in found_in(repository))
    lines += [f"  {kind:{width}}  {names}" for kind, names in found_in(repository)]
    if not repository.trains:
        lines.append("note: nothing here seems to fit a model; the level's example does")
    if project.uncommitted():
        lines.append(
            "note: only what is committed is looked at; your other changes stay as they are"
        )
    say("\n".join([*lines, ""]))


def say_what_came(
    project: Project, adoption: Adoption, branch: str, patch: str, dry_run: bool
) -> None:
    """Say what the branch brings, and what to do with it."""
    answers = adoption.rendering.answers
    said = {name: value for name, value in answers.items() if name[0] != "_" and value != ""}
    lines = ["Answers:", *(f"  {name}: {value}" for name, value in said.items()), ""]
    would = "would bring" if dry_run else "brings"
    lines.append(
        f"Branch {branch} {would} {len(adoption.arriving)} files in one commit;"
        " none of yours changes."
    )
    if decided := list(decisions(adoption)):
        lines += ["", "Left to you:", *(f"  - {sentence}" for sentence in decided)]
    if blocked := in_the_way(project.root, adoption.arriving):
        lines += ["", "Move these away before you switch; git does not have them:"]
        lines += [f"  - {path}" for path in blocked]
    if dry_run:
        say("\n".join(lines))
        click.echo("\n".join(map(visible, sorted(adoption.arriving))))
        return
    current = git(project.root, "branch", "--show-current") or "HEAD"
    lines += ["", "Next:", "", f"    git switch {branch}", f"    git diff {current}..."]
    lines += ["    less docs/adoption.md"]
    lines += [f"    {command}" for command in next_commands(adoption, patch)]
    say("\n".join(lines))
