"""Add a level to an existing repository, on a branch to review."""

import tempfile
from pathlib import Path
from typing import Any

import click

from .options import Level, answer_options, given_answers, may_ask

FIRST_LEVEL = 1


@click.command("adopt")
@click.argument(
    "path",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option("--level", type=Level(), help="0 to 4; default 1.")
@answer_options
@click.option("--template", metavar="SOURCE", help="A git address or a path.")
@click.option("--branch", metavar="NAME", help="The new branch; default adopt-level-N.")
@click.option("--dry-run", is_flag=True, help="List the new files without creating the branch.")
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
    """Add a level to the repository at PATH, as one commit on a new branch.

    Your files, your branch and the working tree are not changed. The commit adds the level's files
    beside yours, and docs/adoption.md, which reports what was found and what is proposed for your
    own files. Once the branch is merged, climb and upgrade work as in any project.

    \b
    Examples:
      mlops-ladder adopt
      mlops-ladder adopt ../old-project --level 2 --branch ladder
      mlops-ladder adopt --data package_name=churn_model --dry-run
    """
    from ..adopt.checks import check_adoptable, check_repository
    from ..adopt.commit import make_branch
    from ..adopt.layout import Layout
    from ..adopt.proposals import check_package, free, propose, renderings
    from ..adopt.report import report_adoption, report_layout, with_report
    from ..git import git
    from ..migration.merge import Contents, open_sandbox
    from ..project import Project
    from ..source.acceleration import shared_clones
    from ..source.selection import select_template
    from .migrate import check_git

    project = Project(path.resolve(), {})
    check_repository(project)
    if not dry_run:
        project.check_idle()
    given = given_answers(pairs, answers_file)
    if level is not None:
        given["level"] = level
    with (
        open_sandbox(project.root) as sandbox,
        tempfile.TemporaryDirectory(prefix="mlops-ladder-") as parent,
        shared_clones(),
    ):
        files = sandbox.files_of(git(project.root, "rev-parse", "HEAD:./"))
        theirs = Contents(sandbox, files)
        layout = Layout(project.root.name, theirs, frozenset(files.keys() - theirs.keys()))
        check_adoptable(project, layout)
        check_package(layout, str(given.get("package_name", "")))
        if branch:
            check_git(project, branch, commits=not dry_run)
        report_layout(project, layout)
        source = select_template(template)
        proposed: dict[str, Any] = {"level": FIRST_LEVEL, **layout.answers(given)}
        if project.prefix:
            proposed["ci_provider"] = "none"  # GitHub reads workflows at the top only
        now, top = renderings(source, Path(parent), given, proposed, may_ask(defaults))
        name = branch or f"adopt-level-{now.answers['level']}"
        check_git(project, name, commits=not dry_run)
        patch = free("docs/adoption.patch", layout.paths)
        adoption = with_report(propose(layout, theirs, now, top, sandbox, project), patch, sandbox)
        if not dry_run:
            message = f"Adopt at level {now.answers['level']}"
            make_branch(project, sandbox, adoption.added, name, message)
        report_adoption(project, adoption, name, patch, dry_run)
