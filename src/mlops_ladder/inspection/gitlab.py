"""GitLab's pipelines: each job is a workflow, because each has rules of its own.

Rules are evaluated for each kind of pipeline. What only GitLab knows, such as the variables of a
project, may have any value; then a rule may apply.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from .files import Tree, as_list, as_mapping, as_strings, mappings_in
from .workflow import Source, Workflow, targets_of, triggers_of

CONFIGURATION = ".gitlab-ci.yml"
SETTINGS = {"default", "image", "include", "services", "spec", "stages", "variables", "workflow"}
STAGES = [".pre", "build", "test", "deploy", ".post"]
ON_MAIN = {"CI_COMMIT_BRANCH": "main", "CI_COMMIT_REF_NAME": "main", "CI_DEFAULT_BRANCH": "main"}
ON_TAG = {"CI_COMMIT_TAG": "v1.0.0", "CI_COMMIT_REF_NAME": "v1.0.0", "CI_DEFAULT_BRANCH": "main"}
ON_REQUEST = {"CI_DEFAULT_BRANCH": "main", "CI_MERGE_REQUEST_IID": "1"}
# What starts a pipeline, as GitHub names it: its source, and variables that GitLab sets.
PIPELINES = {
    "push": ("push", ON_MAIN),
    "pull_request": ("merge_request_event", ON_REQUEST),
    "tag": ("push", ON_TAG),
    "schedule": ("schedule", ON_MAIN),
    "workflow_dispatch": ("web", ON_MAIN),
    "repository_dispatch": ("trigger", ON_MAIN),
}
ONLY = {
    "branches": {"push", "schedule", "workflow_dispatch", "repository_dispatch"},
    "merge_requests": {"pull_request"},
    "pushes": {"push", "tag"},
    "schedules": {"schedule"},
    "tags": {"tag"},
    "triggers": {"repository_dispatch"},
    "web": {"workflow_dispatch"},
}
WITHOUT_RULES = ONLY["branches"] | {"tag"}
CHOSEN = re.compile(r"\$(?!CI_|GITLAB_)(\w+) *== *[\"'](\w[^\"']*)[\"']")
TOKEN = re.compile(
    r" *(?:(?P<symbol>&&|\|\||==|!=|=~|!~|\(|\))|\$(?P<name>\w+)|(?P<null>null\b)"
    r"|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|/(?P<pattern>(?:[^/\\]|\\.)*)/\w*)"
)
TRAINING = {"pipeline", "train"}

Job = dict[str, Any]


def workflows(source: Source) -> Iterator[Workflow]:
    """Yield the jobs that can start."""
    entries, files = read(source)
    limits = as_mapping(entries.get("workflow"))
    shared = as_mapping(entries.get("default"))
    stages = as_strings(entries.get("stages")) or STAGES
    jobs = {
        name: resolved
        for name, said in entries.items()
        if name not in SETTINGS and not name.startswith(".") and isinstance(said, dict)
        for resolved in [shared | extended(said, entries)]
    }
    for name, job in jobs.items():
        events = started(job, source.tree)
        if "rules" in limits:
            events &= started(limits, source.tree)
        before = [jobs[one] for one in all_before(name, jobs, stages)]
        trainings = [one for one in before if TRAINING & {*targets_of(script(one))}]
        if events and any(follows(job, one) for one in trainings):
            events = {*events, "workflow_run"} - {"schedule"}
        if events:
            steps = [{"run": line} for line in script(job)]
            body = {"continue-on-error": bool(job.get("allow_failure")), "steps": steps}
            triggers = triggers_of(events, schedules(job))
            yield Workflow(files[name], name, triggers, [body], secrets(job))


def read(source: Source) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the entries of the configuration and what it includes, and the file of each."""
    entries: dict[str, Any] = {}
    files: dict[str, str] = {}
    waiting, known = [CONFIGURATION], set()
    while waiting:
        file = waiting.pop()
        known.add(file)
        for said in mappings_in(source.documents(file) if file in source.tree else []):
            for name, value in as_mapping(said).items():
                entries[name] = merged(entries.get(name), value)
                files[name] = file
            found = source.matching(*included(said.get("include")))
            waiting += [path for path in found if path not in known]
    return entries, files


def included(said: Any) -> Iterator[str]:
    """Yield the globs of local includes."""
    for entry in said if isinstance(said, list) else [said]:
        path = entry.get("local") if isinstance(entry, dict) else entry
        if isinstance(path, str) and ":" not in path:
            yield path.removeprefix("/")


def merged(below: Any, above: Any) -> Any:
    """Merge mappings as GitLab does: a list or text is replaced."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    both = {name: merged(below.get(name), value) for name, value in above.items()}
    return {**below, **both}


def extended(said: Job, entries: dict[str, Any], depth: int = 0) -> Job:
    """Return a job with what it extends, and with the lists that it refers to."""
    job: Job = {}
    for name in as_strings(listed(said.get("extends"))) if depth < 10 else []:
        job = merged(job, extended(as_mapping(entries.get(name)), entries, depth + 1))
    own = {
        key: list(referred(value, entries)) if isinstance(value, list) else value
        for key, value in as_mapping(said).items()
    }
    return merged(job, own)


def referred(values: list[Any], entries: dict[str, Any], depth: int = 0) -> Iterator[Any]:
    """Yield the entries of a list, with those of each `!reference` in its place."""
    for value in values:
        name, key = value if isinstance(value, list) and len(value) == 2 else ("", "")
        there = as_mapping(entries.get(str(name))).get(str(key))
        if isinstance(there, list) and depth < 10:
            yield from referred(there, entries, depth + 1)
        else:
            yield value


def listed(value: Any) -> list[Any]:
    """Return a list, or the single value of one."""
    return value if isinstance(value, list) else [value]


def script(job: Job) -> list[str]:
    """Return the lines of a job that can fail it."""
    lines = [*listed(job.get("before_script")), *listed(job.get("script"))]
    return [line for line in lines if isinstance(line, str)]


def secrets(job: Job) -> list[str]:
    """Return the variables that are declared empty, for GitLab to set."""
    return [name for name, value in as_mapping(job.get("variables")).items() if value == ""]


def schedules(job: Job) -> list[str]:
    """Describe the schedules, whose times GitLab keeps, by the variables that rules ask for."""
    texts = [condition(rule) for rule in rules(job)]
    asked = [
        pair
        for text in texts
        if holds(text, "schedule") is not False
        for pair in CHOSEN.findall(text)
    ]
    chosen = ",".join(dict.fromkeys(f"{name}={value}" for name, value in asked))
    return [f"pipeline schedule with {chosen}" if chosen else "pipeline schedule"]


def all_before(name: str, jobs: dict[str, Job], stages: list[str]) -> set[str]:
    """Return the jobs before a job, also those before these."""
    found, waiting = set[str](), [name]
    while waiting:
        new = {*needed(waiting.pop(), jobs, stages)} - found
        found |= new
        waiting += new
    return found


def needed(name: str, jobs: dict[str, Job], stages: list[str]) -> list[str]:
    """List the jobs before a job, by its needs or by its stage."""
    if "needs" in jobs[name]:
        needs = as_list(jobs[name]["needs"])
        named = [one.get("job") if isinstance(one, dict) else one for one in needs]
        return [one for one in named if isinstance(one, str) and one in jobs]
    place = {one: jobs[one].get("stage", "test") for one in jobs}
    if place[name] not in stages:
        return []
    earlier = stages[: stages.index(place[name])]
    return [one for one in jobs if place[one] in earlier]


def follows(job: Job, before: Job) -> bool:
    """Tell whether a job starts by each rule by which the one before it starts."""
    own, others = (
        {condition(rule) for rule in rules(one) if is_automatic(rule)} for one in (job, before)
    )
    return others <= own


def rules(job: Job) -> list[Job]:
    """Return the rules of a job."""
    return [as_mapping(rule) for rule in mappings_in(job.get("rules"))]


def condition(rule: Job) -> str:
    """Return the condition of a rule."""
    return str(rule.get("if", ""))


def is_automatic(rule: Job) -> bool:
    """Tell whether a rule starts a job by itself, and lets it fail the pipeline."""
    return rule.get("when") not in ("never", "manual") and not rule.get("allow_failure")


def started(job: Job, tree: Tree) -> set[str]:
    """Return the kinds of pipelines that run a job by itself."""
    if job.get("when") in ("never", "manual"):
        return set()
    if "rules" in job:
        return {event for event in PIPELINES if applies(rules(job), event, tree)}
    only = job.get("only")
    if only is None:
        return set(WITHOUT_RULES)
    names = as_strings(listed(only.get("refs") if isinstance(only, dict) else only))
    return set().union(*(ONLY.get(name, {"push"}) for name in names)) or set(WITHOUT_RULES)


def applies(listed_rules: Iterable[Job], event: str, tree: Tree) -> bool:
    """Tell whether the first rule that applies runs the job, or one that may apply."""
    for rule in listed_rules:
        verdict = holds(condition(rule), event)
        if "exists" in rule and verdict is not False:
            wanted = as_strings(listed(rule["exists"]))
            verdict = verdict if any(path in tree for path in wanted) else False
        if "changes" in rule and verdict:
            verdict = None
        if verdict is not False and is_automatic(rule):
            return True
        if verdict:
            return False
    return False


def holds(text: str, event: str) -> bool | None:
    """Tell whether a condition holds in a kind of pipeline; None if files do not say it."""
    source, given = PIPELINES[event]
    return Condition(text, {"CI_PIPELINE_SOURCE": source} | given).verdict()


class Condition:
    """A condition of a rule; its verdict is None where it depends on what files do not say."""

    def __init__(self, text: str, variables: dict[str, str]) -> None:
        """Split the text into tokens."""
        self.variables = variables
        self.tokens = list(TOKEN.finditer(text))
        self.is_read = "".join(token[0] for token in self.tokens).strip() == text.strip()

    def verdict(self) -> bool | None:
        """Evaluate the condition; without one, a rule applies."""
        if not self.is_read:
            return None
        return self._either() if self.tokens else True

    def _next(self, *symbols: str) -> str | None:
        if self.tokens and self.tokens[0]["symbol"] in symbols:
            return self.tokens.pop(0)["symbol"]
        return None

    def _either(self) -> bool | None:
        found = self._both()
        while self._next("||"):
            other = self._both()
            found = True if found or other else None if None in (found, other) else False
        return found

    def _both(self) -> bool | None:
        found = self._single()
        while self._next("&&"):
            other = self._single()
            found = False if False in (found, other) else None if None in (found, other) else True
        return found

    def _single(self) -> bool | None:
        if self._next("("):
            found = self._either()
            self._next(")")
            return found
        (known, left), sign = self._value(), self._next("==", "!=", "=~", "!~")
        if sign is None:
            return bool(left) if known else None
        other_known, right = self._value()
        if not (known and other_known):
            return None
        if sign in ("==", "!="):
            return (left == right) == (sign == "==")
        try:
            return bool(re.search(right or "", left or "")) == (sign == "=~")
        except re.error:
            return None

    def _value(self) -> tuple[bool, str | None]:
        """Return whether a value is known, and the value."""
        if not self.tokens:
            return False, None
        token = self.tokens.pop(0)
        if name := token["name"]:
            known = name in self.variables or name.startswith(("CI_", "GITLAB_"))
            return known, self.variables.get(name)
        values = (token["double"], token["single"], token["pattern"])
        return True, next((value for value in values if value is not None), None)
