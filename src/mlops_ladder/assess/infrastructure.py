"""Find the resources that CloudFormation and Terraform create, with their places and texts."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ..inspection.files import as_mapping
from .other_files import DOCS_PATH, OtherFiles

MOST_READ = 300_000  # bytes of a file of infrastructure
TERRAFORM = re.compile(r'^(?:resource|data)\s+"(?P<kind>[\w-]+)"\s+"(?P<name>[\w-]+)"\s*\{', re.M)
OFF = re.compile(
    r'"?\bState"?\s*[:=]\s*"?DISABLED|\bis_enabled\s*=\s*false|\bstate\s*=\s*"(DISABLED|PAUSED)"'
    r"|\bpaused\s*=\s*true"
)
SCHEDULED = re.compile(
    r"^(AWS::Events::Rule|AWS::Scheduler::Schedule|aws_cloudwatch_event_rule"
    r"|aws_scheduler_schedule|google_cloud_scheduler_job)$"
)
RECURS = re.compile(
    r'ScheduleExpression|schedule_expression|\bschedule"?\s*[:=]|^Schedule$', re.I | re.M
)
NEW_DATA = re.compile(r"aws\.s3|Object Created|PutObject|google\.cloud\.storage\.object", re.I)
ALARM = re.compile(
    r"CloudWatch Alarm State Change|aws\.cloudwatch|SageMaker Model(?! Package)\w* .*Change"
)
STARTS_PIPELINE = re.compile(
    r"pipeline|state_?machine|:states:|codebuild|train|sagemaker|aiplatform", re.I
)


STARTED = re.compile(r"StateMachine|state_machine|Lambda::Function|Serverless::Function")
TRAINS = re.compile(r"train|sagemaker|aiplatform|pipeline|batch:submitJob", re.I)


@dataclass(frozen=True)
class Resource:
    """A resource: its file and line, its type and name, and its text."""

    file: str
    line: int
    kind: str
    name: str
    text: str

    @property
    def is_on(self) -> bool:
        """Tell whether it is not switched off."""
        return not OFF.search(self.text)


class Infrastructure(OtherFiles):
    """The resources of clouds. Everything is computed at most once."""

    @cached_property
    def resources(self) -> list[Resource]:
        """The resources of CloudFormation templates and Terraform files."""
        found: list[Resource] = []
        for path, size in self.sizes.items():
            if DOCS_PATH.search(path) or size > MOST_READ:
                continue
            if path.endswith(".tf"):
                found += self._terraform(path)
            elif path.endswith((".yml", ".yaml", ".json", ".template")):
                body = self.repository.tree[path]
                if b"AWS::" in body and b"Resources" in body:
                    found += self._cloudformation(path)
        return found

    def created(self, kind: str, said: str = "") -> list[Resource]:
        """Return the resources that are on, whose type and text match two expressions."""
        return [
            one
            for one in self.resources
            if re.search(kind, one.kind) and one.is_on and (not said or re.search(said, one.text))
        ]

    def rules(self, reason: re.Pattern[str]) -> list[Resource]:
        """Return the rules that start a pipeline for a reason: a schedule, new data, an alarm."""
        return [
            one
            for one in self.resources
            if SCHEDULED.match(one.kind)
            and one.is_on
            and reason.search(one.text)
            and STARTS_PIPELINE.search(self._with_targets(one))
            and self._may_train(one)
        ]

    def _may_train(self, rule: Resource) -> bool:
        """Tell whether a rule starts what trains, as far as what it starts is in the same file."""
        started = [
            one
            for one in self.resources
            if one.file == rule.file
            and STARTED.search(one.kind)
            and re.search(rf"\b{re.escape(one.name)}\b", rule.text)
        ]
        return not started or any(TRAINS.search(one.text) for one in started)

    def _with_targets(self, rule: Resource) -> str:
        """Return the text of a rule with that of the targets that name it."""
        name = f"{rule.kind}.{rule.name}"
        targets = [one.text for one in self.resources if name in one.text]
        return "\n".join([rule.text.replace(rule.name, ""), *targets])

    def _cloudformation(self, path: str) -> Iterator[Resource]:
        is_json = path.endswith(".json")
        documents = [self.repository.json(path)] if is_json else self.repository.documents(path)
        for document in documents:
            for name, said in as_mapping(as_mapping(document).get("Resources")).items():
                kind = str(as_mapping(said).get("Type", ""))
                if kind:
                    line = self.line_of(path, f'"{name}"' if is_json else f"{name}:")
                    yield Resource(path, line, kind, str(name), json.dumps(said, default=str))

    def _terraform(self, path: str) -> Iterator[Resource]:
        text = re.sub(r"(?m)^\s*(#|//).*$", "", self.repository.text(path))
        starts = list(TERRAFORM.finditer(text))
        for number, found in enumerate(starts):
            end = starts[number + 1].start() if number + 1 < len(starts) else len(text)
            line = text.count("\n", 0, found.start()) + 1
            body = text[found.start() : end]
            yield Resource(path, line, found["kind"], found["name"], body)
