"""Say which maturity level a repository has reached, and on what evidence."""

from pathlib import Path

import click


@click.command("assess")
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for programs.")
@click.option("--sarif", "as_sarif", is_flag=True, help="Print what is missing as SARIF.")
@click.option("--all", "everything", is_flag=True, help="List the criteria of all levels.")
@click.option(
    "--rubric",
    "rubric_name",
    type=click.Choice(["zoomcamp"]),
    help="Fill in the rubric of a course, as far as files show it.",
)
@click.option("--badge", type=click.Path(path_type=Path), help="Write a badge (SVG) to this file.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a page (HTML) to this file.")
@click.option(
    "--min-level",
    type=click.IntRange(0, 4),
    help="Exit with 1 if the level is lower, for CI.",
)
def command(
    path: Path,
    as_json: bool,
    as_sarif: bool,
    everything: bool,
    rubric_name: str | None,
    badge: Path | None,
    html: Path | None,
    min_level: int | None,
) -> None:
    """Assess the repository in the folder PATH, ours or any other; none of its code is run.

    Printed are a profile of three dimensions from 0 to 4, the level reached and what blocks the
    next, and each criterion as met, missing, unknown or not applicable, with file and line. Of
    several projects in a repository each is assessed; the details are about one that trains.

    In the repository, `[tool.mlops-ladder.ignore]` of pyproject.toml, or `[ignore]` of
    .mlops-ladder.toml, may leave out a criterion for a reason; `stated` tells what files cannot
    show.

    \b
    Examples:
      mlops-ladder assess
      mlops-ladder assess ../other --json | jq .level
      mlops-ladder assess --min-level 2
      mlops-ladder assess --rubric zoomcamp
    """
    import gc

    from ..assess.projects import assess_repository
    from ..assess.rubric import RUBRICS
    from ..errors import RefusedError, UsageError
    from ..inspection.walk import read_folder
    from ..report.assessment import as_document, print_assessment
    from ..report.badge import as_badge
    from ..report.page import as_page
    from ..report.projects import print_projects, projects_data
    from ..report.sarif import as_sarif_log

    if as_json and as_sarif:
        raise UsageError("--json and --sarif exclude each other: call the command twice")
    tree = read_folder(path)
    projects = assess_repository(tree, tree.sizes)
    gc.freeze()  # nothing of it is garbage: Python need not look through all of it at its end
    found = projects[0].assessment
    rubric = RUBRICS[rubric_name](found.findings, tree) if rubric_name else None
    notes = [*tree.notes, *found.notes]
    if badge is not None:
        write(badge, as_badge(found))
    if html is not None:
        write(html, as_page(projects, path.resolve().name, tree.left_out, notes, rubric))
    if as_json or as_sarif:
        import json

        document = (
            as_sarif_log(found, tree)
            if as_sarif
            else as_document(found, tree.left_out, notes, rubric)
        )
        if as_json and len(projects) > 1:
            document |= projects_data(projects)
        click.echo(json.dumps(document, indent=2))
    else:
        if len(projects) > 1:
            print_projects(projects)
        print_assessment(found, tree.left_out, notes, rubric, everything=everything)
    if min_level is not None and found.profile.level < min_level:
        raise RefusedError(f"level {found.profile.level} is below {min_level}")


def write(file: Path, text: str) -> None:
    """Write a file, or refuse."""
    from ..errors import RefusedError

    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RefusedError(f"{file} cannot be written: {error.strerror}") from error
