"""Add a level to an existing repository, on a branch to review."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..errors import UsageError
from .options import Level, answer_options, given_answers, may_ask
from .own_data import OwnData, own_data_options

FIRST_LEVEL = 1
NOT_IN_DATA = "none"  # the answer to data_file where the rows are the owner's


@click.command("adopt")
@click.argument(
    "path",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option("--level", type=Level(), help="0 to 4; default 1.")
@answer_options
@own_data_options
@click.option(
    "--without",
    multiple=True,
    metavar="PIECE",
    help="Leave a piece out, here and at later climbs: tests, lint, ci, release, ...",
)
@click.option("--template", metavar="SOURCE", help="A git address or a path.")
@click.option("--branch", metavar="NAME", help="The new branch; default adopt-level-N.")
@click.option("--dry-run", is_flag=True, help="List the new files without creating the branch.")
def command(
    own: OwnData,
    path: Path,
    level: int | None,
    pairs: tuple[str, ...],
    answers_file: Path | None,
    defaults: bool,
    without: tuple[str, ...],
    template: str | None,
    branch: str | None,
    dry_run: bool,
) -> None:
    """Add a level to the repository at PATH, as one commit on a new branch.

    Your branch and the working tree are not changed. The commit adds the level's files beside
    yours, and requirements to your pyproject.toml; docs/adoption.md reports what was found and what
    is proposed for other files of yours. With --from, problem.py is written for your data; without
    it, problem.py says what to write. Once the branch is merged, climb and upgrade work as in any
    project.

    \b
    Examples:
      mlops-ladder adopt --from data/customers.csv --target left
      mlops-ladder adopt ../old-project --level 2 --branch ladder
      mlops-ladder adopt --without release --without editor --dry-run
    """
    from ..adopt.answers import answers
    from ..adopt.checks import check_adoptable, check_repository
    from ..adopt.commit import make_branch
    from ..adopt.layout import Layout
    from ..adopt.own_problem import own_problem
    from ..adopt.proposals import Wishes, free, propose, renderings, wants_own_package
    from ..adopt.report import report_adoption, report_layout, with_report
    from ..git import git
    from ..migration.manifest import check_pieces
    from ..migration.merge import Contents, open_sandbox
    from ..project import Project
    from ..source.acceleration import shared_clones
    from ..source.selection import select_template
    from .migrate import check_git

    check_known(without)
    project = Project(path.resolve(), {})
    check_repository(project)
    if not dry_run:
        project.check_idle()
    given = given_answers(pairs, answers_file)
    if level is not None:
        given["level"] = level
    if "ci" in without:
        given.setdefault("ci_provider", "none")
    with (
        open_sandbox(project.root) as sandbox,
        tempfile.TemporaryDirectory(prefix="mlops-ladder-") as parent,
        shared_clones(),
    ):
        files = sandbox.files_of(git(project.root, "rev-parse", "HEAD:./"))
        theirs = Contents(sandbox, files)
        layout = Layout(project.root.name, theirs, frozenset(files.keys() - theirs.keys()))
        check_adoptable(project, layout)
        if branch:
            check_git(project, branch, commits=not dry_run)
        report_layout(project, layout)
        has_problem = str(given.get("level", FIRST_LEVEL)) != "0"
        if own.data_file is None and may_ask(defaults) and has_problem:
            data_file, target, time = asked_data(layout.data, own.target, own.time)
            own = replace(own, data_file=data_file, target=target, time=time)
        scaffolded = own.read(may_ask(defaults))
        problem = (
            own_problem(scaffolded, own.data_file, project.root)
            if scaffolded and own.data_file
            else None
        )
        source = select_template(template)
        proposed: dict[str, Any] = {"level": FIRST_LEVEL, **answers(layout, given, project.root)}
        if project.prefix:
            proposed["ci_provider"] = "none"  # GitHub reads workflows at the top only
        asked = {**given, "data_file": NOT_IN_DATA}
        now, top = renderings(source, Path(parent), asked, proposed, may_ask(defaults))
        now.check_names(given)
        check_pieces(list(without), now.answers["level"], "--without")
        name = branch or f"adopt-level-{now.answers['level']}"
        check_git(project, name, commits=not dry_run)
        patch = free("docs/adoption.patch", layout.paths)
        wishes = Wishes(without, wants_own_package(layout, given), problem)
        found = propose(layout, theirs, now, top, sandbox, project, wishes)
        adoption = with_report(found, patch, sandbox, problem)
        if not dry_run:
            message = f"Adopt at level {now.answers['level']}"
            make_branch(project, sandbox, adoption.added, name, message)
        report_adoption(project, adoption, name, patch, problem, dry_run)


def check_known(without: tuple[str, ...]) -> None:
    """Check that each piece to leave out exists.

    Raises
    ------
    UsageError
        One does not.
    """
    from ..migration.pieces import PIECES

    if unknown := [name for name in without if name not in PIECES]:
        raise UsageError(f"there is no piece {unknown[0]}; the pieces are {', '.join(PIECES)}")


def asked_data(
    files: list[str], target: str | None, time: str | None
) -> tuple[Path | None, str | None, str | None]:
    """Ask for the data to predict from; without an answer, problem.py is to be written."""
    shown = f" ({', '.join(files[:3])}, ...)" if files else ""
    said = click.prompt(
        f"From which data file should it predict{shown}? Leave empty to write problem.py yourself",
        default="",
        show_default=False,
    )
    if not said:
        return None, target, time
    target = target or click.prompt("Which column should it predict?")
    return Path(said), target, time
