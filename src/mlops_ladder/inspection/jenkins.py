"""Jenkins's declarative pipelines: each stage with steps is a workflow, because of its conditions.

A Jenkinsfile is Groovy, of which only blocks, calls and texts are read. A stage whose condition
cannot be evaluated may run.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .files import Tree
from .workflow import Source, Workflow, triggers_of

JENKINSFILES = ["Jenkinsfile", "*/Jenkinsfile", "jenkins/*.Jenkinsfile"]
TOKEN = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/)"
    r"|(?P<text>'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\")"
    r"|(?P<mark>[{}\n;])|(?P<code>[^'\"/{}\n;]+|.)",
    re.DOTALL,
)
TEXT = re.compile(
    r"'''(.*?)'''|\"\"\"(.*?)\"\"\"|'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\"", re.DOTALL
)
SHELL = re.compile(r"(?:sh|bat|powershell)\b")
CREDENTIAL = re.compile(r"\b(?:credentials *\(|credentialsId *:) *['\"]([^'\"]+)['\"]")
FAILS_UNNOTICED = ("catchError", "warnError", "try", "catch", "if (false)", "if(false)")
CAUSES = {
    "TimerTrigger": "schedule",
    "SCMTrigger": "push",
    "UpstreamCause": "workflow_run",
    "BuildUpstreamCause": "workflow_run",
    "UserIdCause": "workflow_dispatch",
}
MANUAL = {"workflow_dispatch", "repository_dispatch"}
ZONE = "by Jenkins's clock"


@dataclass
class Block:
    """A block: what stands before its brace, and its statements and blocks."""

    head: str
    entries: list["str | Block"] = field(default_factory=list)

    def blocks(self, *heads: str) -> Iterator["Block"]:
        """Yield the blocks inside, of these names or of any."""
        for entry in self.entries:
            if isinstance(entry, Block) and (not heads or name_of(entry.head) in heads):
                yield entry

    def statements(self) -> Iterator[str]:
        """Yield every statement, also of the blocks inside."""
        for entry in self.entries:
            if isinstance(entry, str):
                yield entry
            else:
                yield entry.head
                yield from entry.statements()


@dataclass(frozen=True)
class Stage:
    """A stage with steps, and the conditions of it and the stages around it."""

    conditions: list[Block]
    steps: list[dict[str, Any]]


def workflows(source: Source) -> Iterator[Workflow]:
    """Yield the stages that can run."""
    for file in source.matching(*JENKINSFILES):
        try:
            outside = parse(source.text(file))
        except ValueError as error:
            source.notes.append(f"{file} cannot be read: {error}")
            continue
        for pipeline in outside.blocks("pipeline"):
            yield from stages_of(file, pipeline, source.tree)


def stages_of(file: str, pipeline: Block, tree: Tree) -> Iterator[Workflow]:
    """Yield the stages of a pipeline, each with what can start it."""
    name = file.rpartition("/")[2].removesuffix(".Jenkinsfile")
    lines = list(pipeline.statements())
    secrets = list(dict.fromkeys(name for line in lines for name in CREDENTIAL.findall(line)))
    events, crons = started(file, pipeline)
    if any(name_of(line) in ("buildingTag", "tag") for line in lines):
        events.add("tag")
    for stage in stages_in(pipeline, []):
        own = {
            event
            for event in events
            if all(verdict(one, event, tree) is not False for one in stage.conditions)
        }
        if own:
            jobs = [{"steps": stage.steps}]
            yield Workflow(file, name, triggers_of(own, crons), jobs, secrets, ZONE)


def parse(text: str) -> Block:
    """Parse Groovy into blocks. Raises ValueError if braces do not match."""
    stack, waiting, depth = [Block("")], "", 0
    for token in TOKEN.finditer(text):
        mark = token["mark"]
        if token["comment"]:
            continue
        if mark is None or (mark != "{" and mark != "}" and depth > 0):
            waiting += token[0]
            code = token["code"] or ""
            depth += len(re.findall(r"[(\[]", code)) - len(re.findall(r"[)\]]", code))
            continue
        if mark == "{":
            stack.append(Block(waiting.strip()))
        elif waiting.strip():
            stack[-1].entries.append(waiting.strip())
        waiting, depth = "", 0
        if mark == "}":
            if len(stack) == 1:
                raise ValueError("a brace is closed that is not open")
            closed = stack.pop()
            stack[-1].entries.append(closed)
    if len(stack) > 1:
        raise ValueError(f"the brace of {stack[-1].head or 'a block'!r} is not closed")
    return stack[0]


def name_of(head: str) -> str:
    """Return the name of what is called."""
    return re.split(r"[ (]", head, maxsplit=1)[0]


def texts_in(statement: str) -> list[str]:
    """List the texts of a statement, without quotes."""
    found = (one[one.lastindex or 0] for one in TEXT.finditer(statement))
    return [re.sub(r"\\(.)", r"\1", one) for one in found]


def started(file: str, pipeline: Block) -> tuple[set[str], list[str]]:
    """Return what can start a pipeline, and its cron expressions.

    One without triggers, and the Jenkinsfile at the top, is for every branch and change request.
    """
    calls = [line for block in pipeline.blocks("triggers") for line in block.statements()]
    names = {name_of(call) for call in calls}
    events = set(MANUAL)
    if not calls or file == "Jenkinsfile":
        events |= {"push", "pull_request"}
    if names - {"cron", "parameterizedCron", "upstream"}:  # pollSCM, and the pushes of hosts
        events.add("push")
    if "upstream" in names:
        events.add("workflow_run")
    crons = [text for call in calls if name_of(call) == "cron" for text in texts_in(call)[:1]]
    lines = [cron.splitlines()[-1].strip() for cron in crons if cron.strip()]
    return events | ({"schedule"} if lines else set()), lines


def stages_in(block: Block, conditions: list[Block]) -> Iterator[Stage]:
    """Yield the stages with steps in a block."""
    own = [*conditions, *block.blocks("when")]
    for inner in block.blocks("stages", "stage", "parallel", "matrix", "steps"):
        if inner.head == "steps":
            yield Stage(own, [{"run": line} for line in shell_lines(inner)])
        else:
            yield from stages_in(inner, own)


def shell_lines(block: Block) -> Iterator[str]:
    """Yield the shell commands whose failure fails the build."""
    for entry in block.entries:
        if isinstance(entry, Block):
            if not entry.head.startswith(FAILS_UNNOTICED):
                yield from shell_lines(entry)
        elif SHELL.match(entry) and "returnStatus" not in entry:
            told = re.search(r"\bscript *: *(.*)", entry, re.DOTALL)
            yield from texts_in(told[1] if told else entry)[:1]


def verdict(block: Block, event: str, tree: Tree) -> bool | None:
    """Tell whether the conditions of a block are met; None if files do not say it."""
    return all_of([condition_met(entry, event, tree) for entry in block.entries])


def all_of(found: list[bool | None]) -> bool | None:
    """Return the conjunction of verdicts."""
    return False if False in found else None if None in found else True


def condition_met(entry: "str | Block", event: str, tree: Tree) -> bool | None:
    """Evaluate one condition of a `when`."""
    if isinstance(entry, str):
        return statement_met(entry, event)
    inner = [condition_met(one, event, tree) for one in entry.entries]
    match entry.head:
        case "allOf":
            return all_of(inner)
        case "anyOf":
            return True if True in inner else None if None in inner else False
        case "not":
            return None if None in inner else not all_of(inner)
        case "expression":
            said = " ".join(entry.statements()).removeprefix("return ").strip()
            if asked := re.fullmatch(r"fileExists *\(?['\"]([^'\"]+)['\"]\)?", said):
                return asked[1] in tree
            return {"true": True, "false": False}.get(said)
    return None


def statement_met(statement: str, event: str) -> bool | None:
    """Evaluate a condition without conditions inside."""
    match name_of(statement):
        case "branch":
            return event not in ("pull_request", "tag")
        case "changeRequest":
            return event == "pull_request"
        case "buildingTag" | "tag":
            return event == "tag"
        case "triggeredBy":
            cause = (texts_in(statement) or [""])[0]
            return event == CAUSES[cause] if cause in CAUSES else None
    return True if re.match(r"before(Agent|Input|Options)\b", statement) else None
