"""Make a course in which students climb, and grade it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import RefusedError, UsageError
from ..terminal import escape, say
from .options import Level, answer_options, given_answers
from .own_data import OwnData, own_data_options

if TYPE_CHECKING:
    from ..source.render import Rendering
    from ..teach.content import Content
    from ..teach.grading import Grade, Grader
    from ..teach.roster import Student

Folder = click.Path(file_okay=False, path_type=Path)
ExistingFolder = click.Path(exists=True, file_okay=False, path_type=Path)
course_argument = click.argument("course", type=ExistingFolder)
repositories_argument = click.argument("repositories", type=ExistingFolder)
roster_option = click.option(
    "--roster", required=True, type=click.Path(path_type=Path), help="The CSV file."
)
content_option = click.option(
    "--content",
    "content_folder",
    type=ExistingFolder,
    help="A folder with your own lessons and tasks, instead of those that come with the program.",
)
python_option = click.option(
    "--python",
    metavar="FILE",
    help="The Python that has the project's packages; by default that of COURSE/.venv.",
)


@click.group("teach")
def command() -> None:
    """Make a course in which students climb, and grade it.

    \b
    Examples:
      mlops-ladder teach build course
      mlops-ladder teach enrol course roster.csv students
      mlops-ladder teach grade course students --roster roster.csv --level 0 --csv grades.csv
    """


@command.command("build")
@click.argument("destination", metavar="DEST", type=Folder)
@click.option("--to", "highest", type=Level(), default=4, show_default=True, help="The last level.")
@content_option
@answer_options
@own_data_options
@click.option("--template", metavar="SOURCE", help="A git address or a path of the template.")
def build_course(
    own: OwnData,
    destination: Path,
    highest: int,
    content_folder: Path | None,
    pairs: tuple[str, ...],
    answers_file: Path | None,
    defaults: bool,
    template: str | None,
) -> None:
    """Create the course's repository DEST: a branch for each level, with lessons and tasks.

    The same inputs give the same commits. Answers and hidden tests are never in it.
    """
    from ..source.acceleration import shared_clones
    from ..source.selection import select_template
    from ..teach.build import build
    from .new import insert_problem

    problem = own.read(ask=False)
    own_answers = problem.answers | {"data_file": problem.data_name} if problem else {}

    def prepare(rendering: "Rendering") -> None:
        assert problem is not None and own.data_file is not None
        insert_problem(problem, own.data_file, rendering)

    with shared_clones():
        tasks = build(
            destination.absolute(),
            course_content(content_folder),
            select_template(template),
            highest,
            own_answers | given_answers(pairs, answers_file),
            prepare if problem else None,
        )
    say(f"Built the course in {destination}")
    for level, names in tasks.items():
        say(f"  level {level}: {', '.join(names) or 'no tasks for this problem'}")
    say(f"\nNext:\n\n    mlops-ladder teach enrol {destination} roster.csv students")


@command.command("fix")
@course_argument
@click.option("--message", "-m", required=True, help="What was wrong, for students to read.")
@content_option
def fix_course(course: Path, message: str, content_folder: Path | None) -> None:
    """Commit your changes in COURSE on their level, and merge them into the higher levels.

    Edit files on the branch of the lowest level that has them. Students get the fix by `make
    update`, and with their next climb.
    """
    from ..teach.fix import fix

    tags = fix(course, course_content(content_folder), message)
    say(f"Fixed: {', '.join(tags)}\n\nNext:\n\n    git -C {course} push --all --follow-tags")


@command.command("enrol")
@course_argument
@click.argument("roster", type=click.Path(path_type=Path))
@click.argument("destination", metavar="OUT", type=Folder)
@click.option("--address", metavar="URL", help="Where students fetch the course from.")
@click.option("--pseudonyms", is_flag=True, help="Name the folders by a hash of the name.")
@content_option
def enrol_students(
    course: Path,
    roster: Path,
    destination: Path,
    address: str | None,
    pseudonyms: bool,
    content_folder: Path | None,
) -> None:
    """Create a repository in OUT for each student of ROSTER, a CSV file with the column student.

    Repositories that exist stay as they are, so that late students can be added to the roster.
    """
    from ..teach.enrol import enrol, push_commands
    from ..teach.roster import read_roster

    students, content = read_roster(roster), course_content(content_folder)
    made = enrol(course, content, students, destination, address, pseudonyms)
    say(f"{len(made)} repositories created, {len(students) - len(made)} were there before")
    for line in push_commands(destination, made):
        click.echo(line)


@command.command("prove")
@course_argument
@python_option
@content_option
def prove_course(course: Path, python: str | None, content_folder: Path | None) -> None:
    """Prove each task of COURSE: red at first, green with its answer, red with each wrong one."""
    from ..teach.prove import prove
    from ..teach.repository import levels

    content, interpreter, failed = course_content(content_folder), python_of(course, python), 0
    with services(course, content, levels(course), interpreter) as urls:
        for proof in prove(course, content, interpreter, urls):
            failed += bool(proof.problems)
            click.echo(f"{proof.task}  {proof.student:5}  {'; '.join(proof.problems) or 'proven'}")
    if failed:
        raise RefusedError(f"{failed} proofs failed")


@command.command("grade")
@course_argument
@repositories_argument
@roster_option
@click.option("--level", required=True, type=Level(), help="The level to grade.")
@click.option("--due", metavar="TIME", help="The due date, such as 2030-01-31T23:59+01:00.")
@click.option("--collected", metavar="TIME", help="When you fetched the repositories; default now.")
@click.option("--late-percent", default=0.0, show_default=True, help="Loss of points a day late.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write the grades here.")
@click.option("--gradescope", type=Folder, help="Write results for students into this folder.")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1), help="At once.")
@python_option
@content_option
def grade_students(
    course: Path,
    repositories: Path,
    roster: Path,
    level: int,
    due: str | None,
    collected: str | None,
    late_percent: float,
    csv_file: Path | None,
    gradescope: Path | None,
    jobs: int,
    python: str | None,
    content_folder: Path | None,
) -> None:
    """Grade the folders in REPOSITORIES: the commit tagged level-N, or the last one of main.

    The checks are the teacher's, and a student's code only returns values to them. Lateness is
    judged by when you collected, because a commit's date is whatever its author says.
    """
    from ..teach.results import write_csv, write_gradescope

    content, interpreter = course_content(content_folder), python_of(course, python)
    until = moment(due, "--due") if due else None
    at = moment(collected, "--collected") if collected else datetime.now(UTC)
    students = folders_of(roster, repositories)
    with services(course, content, [level], interpreter) as urls:
        grader = make_grader(course, content, level, interpreter, urls.get(level, ""))
        grades = run_grader(grader, students, until, at, jobs)
    if csv_file:
        write_csv(csv_file, grades, late_percent)
    if gradescope:
        write_gradescope(gradescope, grades, late_percent)


@command.command("status")
@course_argument
@repositories_argument
@roster_option
@click.option("--level", required=True, type=Level(), help="The level whose tasks are checked.")
@python_option
@content_option
def show_status(
    course: Path,
    repositories: Path,
    roster: Path,
    level: int,
    python: str | None,
    content_folder: Path | None,
) -> None:
    """Show who is stuck where: level reached, tasks that pass, the next one, days of silence."""
    from ..teach.progress import progress_of

    content, interpreter = course_content(content_folder), python_of(course, python)
    students, now = folders_of(roster, repositories), datetime.now(UTC)
    with services(course, content, [level], interpreter) as urls:
        grader = make_grader(course, content, level, interpreter, urls.get(level, ""), hidden=False)
        grades = run_grader(grader, students, None, now, jobs=2, quiet=True)
    click.echo(f"{'student':20} {'level':>5} {'tasks':>7} {'next':>5} {'days since a commit':>20}")
    for grade in grades:
        at = progress_of(grade, students[grade.student], now)
        days = "none yet" if at.days_since_commit is None else at.days_since_commit
        columns = f"{at.level:5} {at.solved:>7} {at.next_task:>5} {days:>20}"
        click.echo(escape(f"{at.student:20} {at.note or columns}"))


@command.command("release")
@course_argument
@click.argument("level", type=Level())
@content_option
def release_answers(course: Path, level: int, content_folder: Path | None) -> None:
    """Publish the answers of LEVEL on a branch, with the reasons why tempting ones are wrong."""
    from ..teach.release import release

    name = release(course, course_content(content_folder), level)
    say(f"Committed on the branch {name}\n\nNext:\n\n    git -C {course} push origin {name}")


@command.command("similar")
@course_argument
@repositories_argument
@click.argument("destination", metavar="OUT", type=Folder)
def export_similar(course: Path, repositories: Path, destination: Path) -> None:
    """Export to OUT the lines that students added, for a comparison by JPlag or Dolos."""
    from ..teach.progress import export_changes

    found = sorted(path for path in repositories.iterdir() if (path / "variant.json").exists())
    idle = export_changes(course, found, destination)
    say(f"Exported {len(found) - len(idle)} students; {len(idle)} added nothing")


@command.command("leaks")
@course_argument
@content_option
def find_leaks(course: Path, content_folder: Path | None) -> None:
    """Search every git object of COURSE for answers and hidden tests."""
    from ..teach.leaks import check_leaks
    from ..teach.repository import levels

    levels(course)
    check_leaks(course, course_content(content_folder))
    say("no answer and no hidden test is in the course")


@command.command("bundle")
@course_argument
@click.argument("destination", metavar="OUT", type=Folder)
@click.option("--wheels", type=Level(), help="Download the packages of this level, too.")
def bundle_course(course: Path, destination: Path, wheels: int | None) -> None:
    """Write COURSE into OUT as files for a class without a network."""
    from ..teach.offline import bundle

    say("\n".join(bundle(course, destination, wheels)))


def course_content(folder: Path | None) -> "Content":
    """Return the content of a course."""
    from ..teach import content

    return content.course_content(folder)


def python_of(course: Path, named: str | None) -> str:
    """Return the Python for students' code.

    Raises
    ------
    RefusedError
        There is none.
    """
    if find_spec("psutil") is None:
        from ..source.selection import own_requirement

        needed = own_requirement("teach")
        raise RefusedError(f"psutil is not installed: uv tool install '{needed}'")
    found = Path(named) if named else course / ".venv/bin/python"
    if not found.exists():
        raise RefusedError(
            f"{found} does not exist. Run git switch level-{{N}} and make setup in {course}, with "
            "the highest level, or name another environment with --python"
        )
    return str(found.absolute())


def moment(text: str, option: str) -> datetime:
    """Return a time with a time zone.

    Raises
    ------
    UsageError
        The text is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text} is no time, such as 2030-01-31T23:59+01:00") from error
    if found.tzinfo is None:
        raise UsageError(f"{option} {text} has no time zone: add one, such as +01:00 or Z")
    return found


def folders_of(roster: Path, repositories: Path) -> dict["Student", Path]:
    """Return the repository of each student on the roster, by name or pseudonym."""
    from ..teach.roster import read_roster

    hidden = (repositories / "pseudonyms.csv").exists()
    return {one: repositories / one.folder(hidden) for one in read_roster(roster)}


@contextmanager
def services(
    course: Path, content: "Content", levels: Sequence[int], python: str
) -> Iterator[dict[int, str]]:
    """Provide the address of a running service for each of the levels whose tasks need one."""
    from ..teach.service import running_service

    with ExitStack() as stack:
        urls = {}
        for level in levels:
            if any(task.about.get("service") for task in content.tasks_of(level)):
                say(f"Deploying the service of level {level} ...")
                urls[level] = stack.enter_context(running_service(course, level, python))
        yield urls


def make_grader(
    course: Path, content: "Content", level: int, python: str, url: str, hidden: bool = True
) -> "Grader":
    """Return a grader for a level of the course.

    Raises
    ------
    RefusedError
        The course has no such level.
    """
    from ..teach.grading import Grader
    from ..teach.repository import levels

    if level not in levels(course):
        raise RefusedError(f"{course} has no level {level}")
    return Grader(course.absolute(), content, level, python, url, hidden)


def run_grader(
    grader: "Grader",
    students: dict["Student", Path],
    due: datetime | None,
    collected: datetime,
    jobs: int,
    quiet: bool = False,
) -> "list[Grade]":
    """Grade all students, with a line for each as it is done."""
    from ..teach.grading import grade_all

    def report(grade: "Grade") -> None:
        points = sum(mark.points for mark in grade.marks)
        most = sum(mark.most for mark in grade.marks)
        note = f"  {grade.note}" if grade.note else ""
        if not quiet:
            click.echo(escape(f"{grade.student.name:20} {points:3} of {most}{note}"))

    return grade_all(grader, students, due, collected, jobs, report)
