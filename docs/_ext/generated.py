"""Fill the parts of the pages that are generated from the code, the template and the tests.

A page has a comment on a line of its own, which is replaced by Markdown when the page is read:

    <!-- generated: commands -->
    <!-- generated: section template/docs/2-pipelines.md The gate -->

So these parts cannot differ from what they describe, and are never committed.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import cleandoc
from pathlib import Path
from textwrap import dedent
from typing import Any

import click
from sphinx.application import Sphinx

from mlops_ladder.assess.criteria import criteria
from mlops_ladder.cli import ladder
from mlops_ladder.source.questions import level_titles, settings
from mlops_ladder.teach.content import course_content

CHECKOUT = Path(__file__).parents[2]
PLACE = re.compile(r"^<!-- generated: (?P<name>\w+)(?: (?P<argument>.+))? -->$", re.MULTILINE)
KINDS = {"must": "Required", "should": "Recommended", "conditional": "Required, if it applies"}
PIPE = r"\|"  # in a table
DERIVED = "derived from the other answers"


def code(text: object) -> str:
    """Return text as inline code."""
    fence = "````" if "`" in str(text) else "`"
    return f"{fence}{text}{fence}"


def codes(texts: str | Sequence[object], between: str = ", ") -> str:
    """Return one or several texts as inline code."""
    return between.join(map(code, [texts] if isinstance(texts, str) else texts))


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    for cells in (heading, ["---"] * len(heading), *rows):
        yield f"| {' | '.join(cell.replace('|', PIPE) for cell in cells)} |"
    yield ""


def commands(_: str) -> Iterator[str]:
    """Describe every command: what it does, its options, and examples."""
    context = click.Context(ladder, info_name="mlops-ladder", **ladder.context_settings)
    for name in ladder.list_commands(context):
        command = ladder.get_command(context, name)
        assert command is not None
        inside = click.Context(command, context, info_name=name)
        yield from [f"## {name}", ""]
        yield from described(command, inside)
        if isinstance(command, click.Group):
            for subcommand, one in command.commands.items():
                yield from [f"### {name} {subcommand}", ""]
                yield from described(one, click.Context(one, inside, info_name=subcommand))


def described(command: click.Command, context: click.Context) -> Iterator[str]:
    """Describe a command, in the order of its help text."""
    usage = " ".join(command.collect_usage_pieces(context))
    paragraphs = cleandoc(command.help or "").split("\n\n")
    yield from [code_block(f"$ {context.command_path} {usage}"), ""]
    for paragraph in (one for one in paragraphs if not is_preformatted(one)):
        yield from [" ".join(paragraph.split()), ""]
    records = [option.get_help_record(context) for option in command.get_params(context)]
    yield from table(
        ["option", "meaning"],
        [[code(names), text] for names, text in filter(None, records) if text],
    )
    for paragraph in (one for one in paragraphs if is_preformatted(one)):
        heading, _, lines = paragraph.lstrip("\b\n").partition("\n")
        yield from [heading, "", code_block(prompted(dedent(lines))), ""]


def is_preformatted(paragraph: str) -> bool:
    """Tell whether click leaves the lines of a paragraph as they are."""
    return paragraph.startswith("\b")


def prompted(lines: str) -> str:
    """Return commands with a prompt before each."""
    return "\n".join(f"$ {line}" for line in lines.splitlines())


def code_block(text: str) -> str:
    """Return a block of a terminal session."""
    return f"```console\n{text}\n```"


def levels(_: str) -> Iterator[str]:
    """List the levels: what each is for, what it costs, and when not to climb to it."""
    rows = [
        [f"**{number}**", *(str(entry[name]) for name in ("title", "for", "costs", "not"))]
        for number, entry in settings()["ladder"]["default"].items()
    ]
    yield from table(["level", "title", "for", "costs", "not"], rows)


def questions(_: str) -> Iterator[str]:
    """Describe every question in the order in which it is asked."""
    for name, question in asked():
        yield from [f"## {name}", ""]
        yield from [f"{str(question['help']).splitlines()[0].strip()}", ""]
        either = ", `true` or `false`" if question["type"] == "bool" else ""
        facts = [f"Type: {code(question['type'])}{either}", f"default: {default_of(question)}"]
        yield from [f"{'; '.join([*facts, asked_from(question)])}.", ""]
        if rows := list(choices_of(question)):
            yield from table(["answer", "meaning"], rows)


def asked() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the questions that are asked; flags of levels are computed."""
    for name, question in settings().items():
        if isinstance(question, dict) and "help" in question:
            yield name, question


def default_of(question: Mapping[str, Any]) -> str:
    """Return a question's default."""
    default = question.get("default", "")
    if "{%" in str(default) or "{{" in str(default):
        return DERIVED
    if isinstance(default, bool):
        return code(str(default).lower())
    return "empty" if default == "" else code(default)


def asked_from(question: Mapping[str, Any]) -> str:
    """Return from which level on a question is asked."""
    flag = re.fullmatch(r"\{\{ (\w+) \}\}", str(question.get("when", "")))
    if not flag:
        return "asked at every level"
    level = re.search(r"level >= (\d)", str(settings()[flag[1]]["default"]))
    assert level, f"{flag[1]} is no flag of a level"
    return f"asked from level {level[1]} on"


def choices_of(question: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the choices of a question with their meanings."""
    choices = question.get("choices") or {}
    if isinstance(choices, str):  # the levels, which copier.yml writes with a template
        choices = {title: level for level, title in level_titles().items()}
    for meaning, answer in choices.items():
        yield [code(answer), str(meaning)]


def assessment(_: str) -> Iterator[str]:
    """Describe the keys of the JSON document of an assessment, from its schema."""
    schema = json.loads((CHECKOUT / "docs/reference/assess.schema.json").read_text("utf-8"))
    for name, part in {"": schema, **schema["$defs"]}.items():
        yield from [f"## {f'A {name}' if name else 'Keys'}", "", f"{part['description']}.", ""]
        rows = [[code(key), key_of(one)] for key, one in part["properties"].items()]
        yield from table(["key", "value"], rows)


def key_of(one: Mapping[str, Any]) -> str:
    """Describe a key of a JSON document."""
    inside = [*one.get("properties", ())]
    choices = [choice for choice in one.get("enum", ()) if choice]
    said = ", ".join(f"`{each}`" for each in inside or choices)
    return one["description"] + (f": {said}" if said else "")


def maturity(_: str) -> Iterator[str]:
    """Describe every criterion: what it asks for, and how it is detected."""
    titles = level_titles()
    for level in sorted({one.level for one in criteria()}):
        yield from [f"## Level {level}", "", f"{titles[level]}.", ""]
        for one in (one for one in criteria() if one.level == level):
            sources = f" Sources: {one.sources}." if one.sources else ""
            yield from [f"### {one.name}", "", f"{one.id}. **{KINDS[one.kind]}.** {one.title}", ""]
            yield from [f"{one.how}{sources}", ""]


def files(_: str) -> Iterator[str]:
    """List the files that arrive with each level, from the trees that the tests hold."""
    known: set[str] = set()
    for level, title in level_titles().items():
        tree = (CHECKOUT / f"tests/trees/{level}.txt").read_text(encoding="utf-8").split("\n")
        paths = [path for path in tree if path]
        new = [path for path in paths if path not in known]
        known |= {*paths}
        yield from [f"## Level {level}", "", f"{title}."]
        yield from [f"{len(new)} files more, {len(paths)} in all.", "", "```text", *new, "```", ""]


def tasks(_: str) -> Iterator[str]:
    """List the tasks of the course, and the wrong answers that they refuse."""
    rows = [
        [
            f"{task.name} {task.about['title']}",
            codes(task.about["files"]),
            f"{task.about['points']}, {task.about['minutes']} min",
            str(task.about["hidden"]),
            ", ".join(name.replace("-", " ") for name in task.wrong),
        ]
        for task in course_content(CHECKOUT / "course").tasks
    ]
    heading = ["task", "what a student edits", "points, time", "hidden tests", "refused answers"]
    yield from table(heading, rows)


def section(argument: str) -> Iterator[str]:
    """Copy what is below a heading of another Markdown file, up to the next heading."""
    file, _, heading = argument.partition(" ")
    found, fenced = False, False
    for line in (CHECKOUT / file).read_text(encoding="utf-8").splitlines():
        fenced ^= line.startswith("```")
        is_heading = not fenced and line.startswith("#")
        if found and is_heading:
            return
        if found:
            yield re.sub(r"\{\{ package_name \}\}", "<package>", line)
        found = found or (is_heading and line.lstrip("# ") == heading)
    if not found:
        raise LookupError(f"{file} has no heading {heading!r}")


GENERATORS: dict[str, Callable[[str], Iterator[str]]] = {
    "commands": commands,
    "files": files,
    "levels": levels,
    "maturity": maturity,
    "assessment": assessment,
    "questions": questions,
    "section": section,
    "tasks": tasks,
}
SOURCES = ["copier.yml", "course", "levels", "src/mlops_ladder", "template/docs", "tests/trees"]


def fill(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace the comments of a page by what they name."""
    if not PLACE.search(source[0]):
        return
    for name in SOURCES:  # an incremental build reads the page again when one of them changes
        for file in [CHECKOUT / name, *(CHECKOUT / name).rglob("*.*")]:
            if file.is_file() and file.suffix != ".pyc":
                app.env.note_dependency(str(file), docname=page)
    source[0] = PLACE.sub(
        lambda found: "\n".join(GENERATORS[found["name"]](found["argument"] or "")), source[0]
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("source-read", fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
