"""The jobs of CI: what starts them and what they run."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..inspection.commands import Line, joined
from ..inspection.files import as_list, as_mapping, mappings_in
from ..inspection.workflow import Workflow, is_on
from .other_files import all_mappings, commands_in
from .platforms import Platforms
from .tools import OTHER_CI

AZURE_STEP = re.compile(rb"(?m)^\s*-\s+(task:\s*[\w.-]+@\d|template:|deployment:)")
CLOUD_BUILD = re.compile(rb"cloud-builders|gcr\.io/|docker\.pkg\.dev|(?m:^substitutions:)")
APPLIES = re.compile(r"\b(terraform|tofu)\b.* apply\b")
LOCAL_EXEC = re.compile(
    r'"local-exec"\s*\{[^}]*?command\s*=\s*'
    r'(?:<<[-~]?"?(?P<end>\w+)"?\n(?P<block>.*?)\n\s*(?P=end)|"(?P<line>(?:[^"\\]|\\.)*)")',
    re.S,
)
SUBMITS = re.compile(r"\bgcloud (?:beta )?builds submit\b.* --config[= ](\S+)")
MERGED = re.compile(r"(?<!!)\bgithub\.event\.pull_request\.merged\b(?!\s*(!=\s*true|==\s*false))")
BY_SSH = re.compile(r"ssh-compute|appleboy/ssh-action|/ssh-(action|remote)|remote-ssh")
ELSEWHERE = re.compile(r"\bcd [~/$][^\s;&]*\s*(?:&&|;|(?=\n)|$)")
"""A folder of another machine that commands are run in."""
EVENT_IS = re.compile(r"github\.event_name\s*==\s*['\"](\w+)['\"]")
EVENT_IS_NOT = re.compile(r"github\.event_name\s*!=\s*['\"](\w+)['\"]")
INPUT = re.compile(r"\b(github\.event\.)?inputs\.\w+")
PUSHED = re.compile(r"CodeCommit|GitHub|CodeStarSourceConnection|Bitbucket", re.I)
ACTION = re.compile(r'"?(?P<name>Category|Provider)"?\s*[:=]\s*"(?P<value>\w+)"', re.I)

OF_JENKINS = re.compile(
    r"(sh|bat|powershell|echo|library|dir|checkout|git|junit|archiveArtifacts|publishHTML|stash"
    r"|unstash|cleanWs|timeout|retry|buildDiscarder|logRotator|triggers|cron|pollSCM|docker|error"
    r"|dockerfile|build|input|script|stage|steps?|when|branch|environment|expression|node|label"
    r"|with\w+|string|booleanParam|choice|parameters|options|parallel|image|args|if|else|for|return"
    r"|def|slackSend|mail|emailext|credentials)$"
)
"""What Jenkins itself or a common plugin of it provides; other steps are those of a library."""


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


class ContinuousIntegration(Platforms):
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
                    callers[name] |= self._triggers(workflow)
        for workflow in self.repository.workflows:
            triggers = self._triggers(workflow) | callers.get(workflow.file, set())
            for job in workflow.jobs:
                if is_on(job):
                    started = asked_for(when_merged(triggers, workflow.triggers, job), job)
                    found.append(self._github_job(workflow.file, job, started))
        read = {workflow.file for workflow in self.repository.workflows}
        for path in self.sizes:
            system = self._other_system(path) if path not in read else ""
            if system:
                found += self._other_job(path, system)
        return [*self._submitted(found), *self._code_pipelines()]

    def _triggers(self, workflow: Workflow, hops: int = 3) -> set[str]:
        """Return what starts a workflow, also by the end of another one."""
        found = triggers_in(workflow.triggers)
        after = as_list(as_mapping(workflow.triggers.get("workflow_run")).get("workflows"))
        for other in self.repository.workflows if hops else ():
            if other.name in after and other is not workflow:
                found |= self._triggers(other, hops - 1) - {"schedule"}
        return found

    def _submitted(self, jobs: list[Job]) -> Iterator[Job]:
        """Yield the jobs, those of Cloud Build with what starts the jobs that submit their file."""
        sent = [
            (found[1].removeprefix("./"), job.triggers)
            for job in jobs
            for line in job.lines
            if line.counts and (found := SUBMITS.search(line.text))
        ]
        for job in jobs:
            triggers = frozenset(one for path, by in sent if path == job.file for one in by)
            yield replace(job, triggers=triggers) if triggers else job

    def _other_system(self, path: str) -> str:
        """Return the name of the CI system that a file is for, by its name or its content."""
        for pattern, system in OTHER_CI.items():
            if pattern.search(path):
                return system
        if not path.endswith((".yml", ".yaml")) or path.startswith(".github/"):
            return ""
        body = self.repository.tree[path]
        if b"steps:" not in body or len(body) > 300_000:
            return ""
        if AZURE_STEP.search(body) and re.search(rb"(?m)^(trigger|pr|pool|stages|jobs):", body):
            return "Azure DevOps"
        if CLOUD_BUILD.search(body) and re.search(rb"(?m)^steps:", body) and b"name:" in body:
            return "Cloud Build"
        return ""

    def _code_pipelines(self) -> Iterator[Job]:
        """Yield a job for each pipeline of CodePipeline: its actions, and what starts it."""
        for one in self.created(r"^(AWS::CodePipeline::Pipeline|aws_codepipeline)$"):
            said = [(found["name"].lower(), found["value"]) for found in ACTION.finditer(one.text)]
            uses = [
                f"codepipeline/{value if name == 'category' else second}"
                f"/{second if name == 'category' else value}"
                for (name, value), (other, second) in zip(said[::2], said[1::2], strict=False)
                if name != other
            ]
            triggers = {"push"} if any(PUSHED.search(used) for used in uses) else {"outside"}
            approved = any("Approval" in used for used in uses)
            yield Job(one.file, one.name, frozenset(triggers), (), tuple(uses), {}, approved)

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
                if BY_SSH.search(str(step["uses"])):
                    lines += self._sent(as_mapping(step.get("with")), file)
            if "run" in step:
                folder = str(step.get("working-directory") or work_folder(job))
                folder = "" if "$" in folder else joined("", folder)
                run = self.commands.resolve(str(step["run"]), file, folder)
                lines += [*run, *self._provisioned(run, folder)]
        return Job(
            file, str(job.get("name", "")), frozenset(triggers), tuple(lines), tuple(uses), job
        )

    def _sent(self, given: dict[str, Any], file: str) -> list[Line]:
        """Return the commands that an action runs on a machine, in its copy of the repository."""
        text = str(given.get("script") or given.get("command") or "")
        return self.commands.resolve(ELSEWHERE.sub("", text), file)

    def _provisioned(self, lines: list[Line], folder: str) -> Iterator[Line]:
        """Yield the commands that resources of Terraform run where it applies them."""
        if not any(line.counts and APPLIES.search(line.text) for line in lines):
            return
        for path in self.sizes:
            if path.endswith(".tf") and path.startswith(f"{folder}/" if folder else ""):
                text = re.sub(r"(?m)^\s*(#|//).*$", "", self.repository.text(path))
                for found in LOCAL_EXEC.finditer(text):
                    yield from self.commands.resolve(found["block"] or found["line"], path)

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
            said = (
                in_workflows(as_mapping(document)) if system == "CircleCI" else as_mapping(document)
            )
            texts = list(dict.fromkeys(script_texts(said)))
            if system == "Azure DevOps":
                for step in self._azure_steps(path, said, 3):
                    texts += [text for text in script_texts(step) if text not in texts]
            if system == "Cloud Build":
                texts += [f"docker push {image}" for image in as_list(said.get("images"))]
            lines = self.commands.resolve("\n".join(texts), path)
            triggers = (
                {"push", "pull_request"} if system not in {"Cloud Build", "CodeBuild"} else set()
            )
            if system == "Azure DevOps":
                triggers = azure_triggers(said)
            elif system == "CodeBuild" and self._is_pushed():
                triggers = {"push"}
            if "schedule" in str(said.get("schedules", "")) or said.get("schedules"):
                triggers.add("schedule")
            if not triggers:
                triggers = {"hand" if system == "Azure DevOps" else "outside"}
            uses = tuple(
                " ".join([step["task"], *map(str, as_mapping(step.get("inputs")).values())])
                for step in self._azure_steps(path, said, 3)
                if isinstance(step.get("task"), str)
            )
            plugins = tuple(
                str(one["image"])
                for one in all_mappings(said)
                if system == "Drone" and str(one.get("image")).startswith("plugins/")
            )
            yield Job(path, system, frozenset(triggers), tuple(lines), uses + plugins, said)

    def _is_pushed(self) -> bool:
        """Tell whether a pipeline or a webhook of the repository starts CodeBuild on a push."""
        return bool(
            self.created(r"^(AWS::CodePipeline::Pipeline|aws_codepipeline)$", PUSHED.pattern)
            or self.created(r"^aws_codebuild_webhook$")
            or self.created(r"^AWS::CodeBuild::Project$", r'"Webhook": true')
        )

    def _azure_steps(self, path: str, said: Any, hops: int) -> Iterator[dict[str, Any]]:
        """Yield the steps of an Azure pipeline, with those of its templates."""
        for step in all_mappings(said):
            yield step
            name = step.get("template")
            if isinstance(name, str) and hops:
                for document in self._template(path, name):
                    yield from self._azure_steps(path, document, hops - 1)

    def _template(self, path: str, name: str) -> list[Any]:
        """Return the documents of a template that a pipeline names."""
        folder = path.rpartition("/")[0]
        for candidate in (f"{folder}/{name}", name.lstrip("/")):
            if candidate in self.sizes:
                return self.repository.documents(candidate)
        return []

    @cached_property
    def elsewhere(self) -> list[tuple[str, str]]:
        """The parts of CI that another repository holds: the file, and what it names there."""
        found = [
            (workflow.file, str(job["uses"]))
            for workflow in self.repository.workflows
            for job in workflow.jobs
            if is_on(job)
            and ".github/workflows/" in str(job.get("uses", "./"))[:200]
            and not str(job["uses"]).startswith("./")
        ]
        for path in self.repository.matching(".gitlab-ci.yml"):
            for document in self.repository.documents(path):
                for one in mappings_in(as_list(as_mapping(document).get("include"))):
                    named = one.get("project") or one.get("remote") or one.get("component")
                    if named:
                        found.append((path, f"{named} {one.get('file', '')}"))
        for job in self.jobs:
            for step in all_mappings(job.raw):
                if re.fullmatch(r"[^@\s]+@[\w-]+", str(step.get("template", ""))):
                    found.append((job.file, str(step["template"])))
        for path in self.repository.matching("Jenkinsfile*", "**/Jenkinsfile*"):
            text = self.repository.text(path)
            if re.search(r"(?m)^\s*(@Library\(|library[ (])", text):
                calls = re.findall(r"(?m)^\s*(\w+(?:\.\w+)?)(?=\(| [\w'\"]+:| ['\"])", text)
                found += [(path, call) for call in calls if not OF_JENKINS.match(call)]
        return found

    @cached_property
    def unread_ci(self) -> list[str]:
        """The files of CI systems that are not read."""
        name = re.compile(
            r"(^|/)(\.gitlab-ci\.ya?ml|Jenkinsfile[^/]*|bitbucket-pipelines\.ya?ml"
            r"|\.woodpecker\.ya?ml|\.buildkite/[^/]+|\.teamcity/[^/]+|appveyor\.ya?ml)$"
        )
        read = {workflow.file for workflow in self.repository.workflows} | {".gitlab-ci.yml"}
        return [path for path in self.sizes if name.search(path) and path not in read]

    def _scheduled_by_prefect(self) -> Iterator[tuple[str, list[Line]]]:
        """Yield the deployments of Prefect that have a schedule, with the file of their flow."""
        for path in self.yaml_files:
            if b"entrypoint:" not in self.repository.tree[path]:
                continue
            for document in self.repository.documents(path):
                for one in all_mappings(document):
                    entry = one.get("entrypoint")
                    times = [one.get("schedule"), *as_list(one.get("schedules"))]
                    off = one.get("is_schedule_active") is False or one.get("paused") is True
                    if isinstance(entry, str) and not off and any(map(recurs, times)):
                        file = entry.partition(":")[0]
                        yield path, self.commands.resolve(f"python {file}", path)

    def _scheduled_by_azure(self) -> Iterator[tuple[str, list[Line]]]:
        """Yield the schedules of Azure ML, with the commands of the job that each creates."""
        for path in self.yaml_files:
            if b"create_job:" not in self.repository.tree[path]:
                continue
            for document in self.repository.documents(path):
                said = as_mapping(document)
                made = said.get("create_job")
                if as_mapping(said.get("trigger")).get("type") not in ("cron", "recurrence"):
                    continue
                job = joined(path.rpartition("/")[0], made) if isinstance(made, str) else ""
                parts = self.repository.documents(job) if job in self.sizes else [made]
                texts = [text for part in parts for text in script_texts(part)]
                yield path, self.commands.resolve("\n".join(texts), job or path)

    def is_schedule_unsaid(self, job: Job) -> bool:
        """Tell whether GitLab, which keeps the schedules, may start a job and no file says so."""
        return job.file.endswith(".gitlab-ci.yml") and not re.search(
            r"(?m)^[^#\n]*schedule", self.repository.text(job.file)
        )

    def scheduled(self) -> list[tuple[str, list[Line]]]:
        """Return what runs on a schedule: the file that says so and the commands."""
        found = [
            (job.file, list(job.lines))
            for job in self.jobs
            if job.started_by("schedule")
            and not job.started_by("pull_request")  # a test
            and not self.is_schedule_unsaid(job)
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
        found += [*self._scheduled_by_azure(), *self._scheduled_by_prefect()]
        found += [(job.file, job.lines) for job in self.platform_jobs if job.recurs and job.lines]
        for path in self.repository.matching("**/crontab", "crontab", "**/*.cron", "**/cron.d/*"):
            lines = []
            for line in self.repository.text(path).split("\n"):
                entry = re.match(r"^\s*(?:[\d*/,-]+\s+){5}(.*)$|^\s*@\w+\s+(.*)$", line)
                if entry:
                    lines += self.commands.resolve(entry[1] or entry[2], path)
            found.append((path, lines))
        return found


def in_workflows(said: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration of CircleCI without the jobs that no workflow names."""
    named = {
        str(name)
        for flow in as_mapping(said.get("workflows")).values()
        for one in as_list(as_mapping(flow).get("jobs"))
        for name in (one if isinstance(one, dict) else [one])
    }
    jobs = as_mapping(said.get("jobs"))
    kept = {name: job for name, job in jobs.items() if not named or str(name) in named}
    return {**said, "jobs": kept}


def recurs(schedule: Any) -> bool:
    """Tell whether a schedule of Prefect has a rule and is on."""
    said = as_mapping(schedule)
    return said.get("active") is not False and any(
        said.get(name) for name in ("cron", "interval", "rrule")
    )


def work_folder(job: dict[str, Any]) -> str:
    """Return the folder in which the commands of a job run, if it says so."""
    return str(as_mapping(as_mapping(job.get("defaults")).get("run")).get("working-directory", ""))


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


def when_merged(triggers: set[str], said: dict[str, Any], job: dict[str, Any]) -> set[str]:
    """Return what starts a job: one for closed pull requests that are merged is for a push."""
    types = as_list(as_mapping(said.get("pull_request")).get("types"))
    if types != ["closed"] or not MERGED.search(str(job.get("if", ""))):
        return triggers
    return (triggers - {"pull_request"}) | {"push"}


def asked_for(triggers: set[str], job: dict[str, Any]) -> set[str]:
    """Return what starts a job whose condition names the events that it is for."""
    found: set[str] = set()
    for alternative in str(job.get("if", "")).split("||"):
        events = set(EVENT_IS.findall(alternative))
        if INPUT.search(alternative):
            events |= {"workflow_dispatch", "workflow_call"}
        if not events:
            return triggers - set(EVENT_IS_NOT.findall(str(job.get("if", ""))))
        found |= events | ({"tag"} if "push" in events else set())
    return triggers & found


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
                is_tool = "cloud-builders/" in str(value.get("name"))
                started = str(value.get("entrypoint") or (tool if is_tool else ""))
                is_shell = started.rpartition("/")[2] in {"bash", "sh"}
                words = words.removeprefix("-c ")
                yield words if is_shell else f"{started} {words}".strip()
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
