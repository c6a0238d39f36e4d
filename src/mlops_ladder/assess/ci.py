"""The jobs of CI: what starts them and what they run."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..inspection.commands import Line
from ..inspection.files import as_mapping, mappings_in
from ..inspection.workflow import is_on
from .other_files import OtherFiles, all_mappings, commands_in
from .tools import OTHER_CI


@dataclass(frozen=True)
class Job:
    """A job of CI: what starts it and what it runs."""

    file: str
    name: str
    triggers: frozenset[str]
    lines: tuple[Line, ...]
    uses: tuple[str, ...]
    raw: dict[str, Any] = field(hash=False, compare=False)
    approved: bool = False
    """A person has to approve it."""

    def started_by(self, *triggers: str) -> bool:
        """Tell whether one of the events starts it."""
        return not self.triggers.isdisjoint(triggers)

    def runs(self, pattern: re.Pattern[str]) -> Line | None:
        """Return the first command that matches and whose failure is noticed."""
        return next((one for one in self.lines if one.counts and pattern.search(one.text)), None)


class ContinuousIntegration(OtherFiles):
    """The jobs of every CI system that can be read, and what runs on a schedule."""

    @cached_property
    def jobs(self) -> list[Job]:
        """The jobs of every CI system that can be read, those that are switched off left out."""
        found: list[Job] = []
        callers: dict[str, set[str]] = defaultdict(set)
        for workflow in self.repository.workflows:
            for job in workflow.jobs:
                if str(job.get("uses", "")).startswith("./") and is_on(job):
                    name = str(job["uses"]).removeprefix("./").partition("@")[0]
                    callers[name] |= triggers_in(workflow.triggers)
        for workflow in self.repository.workflows:
            triggers = triggers_in(workflow.triggers) | callers.get(workflow.file, set())
            for job in workflow.jobs:
                if is_on(job):
                    found.append(self._github_job(workflow.file, job, triggers))
        read = {workflow.file for workflow in self.repository.workflows}
        for path in self.sizes:
            for pattern, system in OTHER_CI.items():
                if pattern.search(path) and path not in read:
                    found += self._other_job(path, system)
        return found

    def _github_job(self, file: str, job: dict[str, Any], triggers: set[str]) -> Job:
        lines: list[Line] = []
        uses: list[str] = []
        for step in self._steps(job, 3):
            if not is_on(step):
                continue
            if "uses" in step:
                given = as_mapping(step.get("with")).items()
                told = " ".join(f"{name}: {value}" for name, value in given)
                uses.append(f"{step['uses']} {told}")
            if "run" in step:
                lines += self.commands.resolve(str(step["run"]), file)
        return Job(
            file, str(job.get("name", "")), frozenset(triggers), tuple(lines), tuple(uses), job
        )

    def _steps(self, job: dict[str, Any], hops: int) -> Iterator[dict[str, Any]]:
        """Yield the steps of a job, with those of the repository's own actions."""
        for step in mappings_in(job.get("steps")):
            yield step
            used = str(step.get("uses", ""))
            if used.startswith("./") and hops and is_on(step):
                folder = used.removeprefix("./").rstrip("/")
                for path in self.repository.matching(f"{folder}/action.y*ml"):
                    for document in self.repository.documents(path):
                        yield from self._steps(
                            as_mapping(as_mapping(document).get("runs")), hops - 1
                        )

    def _other_job(self, path: str, system: str) -> Iterator[Job]:
        """Yield the jobs of a CI system other than GitHub's."""
        for document in self.repository.documents(path):
            said = as_mapping(document)
            texts = list(dict.fromkeys(script_texts(said)))
            lines = self.commands.resolve("\n".join(texts), path)
            triggers = (
                {"push", "pull_request"} if system not in {"Cloud Build", "CodeBuild"} else set()
            )
            if system == "Azure DevOps":
                triggers = azure_triggers(said)
            if "schedule" in str(said.get("schedules", "")) or said.get("schedules"):
                triggers.add("schedule")
            if not triggers:
                triggers = {"outside"}
            uses = tuple(
                str(step["task"])
                for step in all_mappings(said)
                if isinstance(step.get("task"), str)
            )
            yield Job(path, system, frozenset(triggers), tuple(lines), uses, said)

    @cached_property
    def unread_ci(self) -> list[str]:
        """The files of CI systems that are not read."""
        name = re.compile(
            r"(^|/)(\.gitlab-ci\.ya?ml|Jenkinsfile[^/]*|\.drone\.ya?ml|bitbucket-pipelines\.ya?ml"
            r"|\.woodpecker\.ya?ml|\.buildkite/[^/]+|\.teamcity/[^/]+|appveyor\.ya?ml)$"
        )
        read = {workflow.file for workflow in self.repository.workflows} | {".gitlab-ci.yml"}
        return [path for path in self.sizes if name.search(path) and path not in read]

    def scheduled(self) -> list[tuple[str, list[Line]]]:
        """Return what runs on a schedule: the file that says so and the commands."""
        found = [
            (job.file, list(job.lines))
            for job in self.jobs
            if job.started_by("schedule") and not job.started_by("pull_request")  # a test
        ]
        for path, document in self.manifests:
            spec = as_mapping(document.get("spec"))
            recurs = document.get("kind") in {"CronJob", "CronWorkflow", "ScheduledWorkflow"}
            if recurs and spec.get("schedule") and not spec.get("suspend"):
                lines = [
                    line
                    for command in commands_in(document)
                    for line in self.commands.resolve(command, path)
                ]
                found.append((path, lines))
        for path in self.repository.matching("**/crontab", "crontab", "**/*.cron", "**/cron.d/*"):
            lines = []
            for line in self.repository.text(path).split("\n"):
                entry = re.match(r"^\s*(?:[\d*/,-]+\s+){5}(.*)$|^\s*@\w+\s+(.*)$", line)
                if entry:
                    lines += self.commands.resolve(entry[1] or entry[2], path)
            found.append((path, lines))
        return found


def triggers_in(said: dict[str, Any]) -> set[str]:
    """Return what starts a workflow: a push of tags is `tag`, one to branches is `push`."""
    found = set(said)
    if "push" in said:
        push = as_mapping(said["push"])
        if push.get("tags") or push.get("tags-ignore"):
            found.add("tag")
            if not (push.get("branches") or push.get("branches-ignore")):
                found.discard("push")
        elif not push or not push.get("branches"):
            found.add("tag")
    if "schedule" in said and not any(entry.get("cron") for entry in mappings_in(said["schedule"])):
        found.discard("schedule")
    return found


def azure_triggers(said: dict[str, Any]) -> set[str]:
    """Return what starts an Azure pipeline; `none` switches the default off."""
    found = set()
    if said.get("trigger", "main") != "none":
        found.add("push")
    if said.get("pr", "main") != "none":
        found.add("pull_request")
    if mappings_in(as_mapping(said.get("resources")).get("pipelines")):
        found.add("workflow_run")
    return found


def script_texts(value: Any) -> Iterator[str]:
    """Yield the shell texts in a CI file of any system."""
    names = {
        *("script", "run", "command", "commands", "before_script", "after_success", "install"),
        *("bash", "pwsh", "inlineScript", "args", "deploy", "after_script", "scripts"),
    }
    if isinstance(value, dict):
        for name, entry in value.items():
            if name in names and isinstance(entry, str):
                yield entry
            elif name == "args" and isinstance(entry, list):
                tool = str(value.get("name", "")).rpartition("/")[2]
                words = " ".join(str(one) for one in entry)
                yield (
                    f"{tool} {words.removeprefix('-c ')}"
                    if tool == "docker"
                    else words.removeprefix("-c ")
                )
            elif name in names and isinstance(entry, list):
                for one in entry:
                    if isinstance(one, str):
                        yield one
                    else:
                        yield from script_texts(one)
            else:
                yield from script_texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from script_texts(entry)
