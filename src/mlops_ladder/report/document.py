"""The JSON document that describes a plan to other programs."""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from difflib import unified_diff
from functools import cached_property
from typing import Any

from ..assess.engine import assess
from ..assess.finding import Criterion, Finding
from ..inspection.impact import Difference, Impact, compute_impact
from ..migration.plan import Plan
from ..project import Project

SCHEMA = 2


@dataclass(frozen=True)
class Judged:
    """A maturity criterion, with what was found in the project and in the target."""

    criterion: Criterion
    before: Finding
    after: Finding

    @property
    def is_new(self) -> bool:
        """Tell whether the plan meets it, and the project does not."""
        return self.after.status == "met" != self.before.status


@dataclass(frozen=True)
class PlanReport:
    """A plan with everything that is reported about it, computed when it is asked for."""

    project: Project
    plan: Plan

    @cached_property
    def impact(self) -> Impact:
        """Dependencies, commands, services, secrets and schedules that come, go or change."""
        return compute_impact(self.plan.before, self.plan.after)

    @cached_property
    def criteria(self) -> list[Judged]:
        """The maturity criteria up to the target level, in the project and in the target."""
        before, after = assess(self.plan.before), assess(self.plan.after)
        return [
            Judged(one, before.findings[one.id], after.findings[one.id])
            for one in after.criteria
            if one.level <= self.plan.level
        ]

    @cached_property
    def diffs(self) -> dict[str, str]:
        """The diff of each changed file by its path; empty for a binary file."""
        before, after = self.plan.before, self.plan.after
        return {path: diff(before[path], after[path]) for path in self.plan.changed}

    @property
    def questions(self) -> Iterator[dict[str, Any]]:
        """The questions that the target asks for the first time, with their defaults."""
        target = self.plan.target
        for name in self.plan.questions:
            question = target.questions.get(name, {})
            choices = question.get("choices") or {}
            values = list(choices.values()) if isinstance(choices, dict) else list(choices)
            yield {
                "name": name,
                "help": str(question.get("help", "")).strip(),
                "default": target.answers[name],
                "choices": values if isinstance(values, list) else [],
            }

    @property
    def notes(self) -> list[str]:
        """Notes of the plan and of its impact."""
        return [*self.plan.notes, *self.impact.notes]

    @property
    def heading(self) -> str:
        """The levels, or the versions of the template, that the plan leads from and to."""
        old, new = self.project.level, self.plan.level
        if old != new:
            return f"From level {old} to level {new}"
        versions = [self.project.answers["_commit"], self.plan.target.answers["_commit"]]
        if versions[0] == versions[1]:
            return f"Level {new}, template version {versions[1]}"
        return f"Level {new}, from template version {versions[0]} to {versions[1]}"

    @property
    def title(self) -> str:
        """The title of the target level."""
        return str(self.plan.target.ladder[self.plan.level]["title"])


def diff(before: bytes, after: bytes) -> str:
    """Return the hunks of a unified diff, without the lines that name the file.

    The result is empty if one side is not UTF-8 text.
    """
    try:
        old, new = lines_of(before), lines_of(after)
    except UnicodeDecodeError:
        return ""
    shown = list(unified_diff(old, new))[2:]
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in shown
    )


def lines_of(body: bytes) -> list[str]:
    """Split text into lines with their ends as git does: at line feeds only."""
    return list(io.StringIO(body.decode(), newline="\n"))


def document(report: PlanReport) -> dict[str, Any]:
    """Return the plan as JSON values. A change that could break readers raises `schema`."""
    plan = report.plan
    return {
        "schema": SCHEMA,
        "from": {"level": report.project.level, "version": report.project.answers["_commit"]},
        "to": {
            "level": plan.level,
            "version": plan.target.answers["_commit"],
            "title": report.title,
        },
        "files": {
            "added": plan.added,
            "changed": [{"path": path, "diff": text} for path, text in report.diffs.items()],
            "removed": plan.removed,
        },
        "conflicts": [asdict(conflict) for conflict in plan.conflicts],
        "edited_and_removed": plan.edited_and_removed,
        "blocked": plan.blocked,
        "unconverted": plan.unconverted,
        "questions": list(report.questions),
        "dependencies": difference_data(report.impact.dependencies),
        "commands": difference_data(report.impact.commands),
        "costs": {
            "services": difference_data(report.impact.services),
            "secrets": difference_data(report.impact.secrets),
            "schedules": difference_data(report.impact.schedules),
        },
        "criteria": [
            {
                "id": one.criterion.id,
                "name": one.criterion.name,
                "level": one.criterion.level,
                "kind": one.criterion.kind,
                "description": one.criterion.title,
                "before": one.before.status,
                "status": one.after.status,
                "reason": one.after.reason,
                "files": list(dict.fromkeys(place.path for place in one.after.evidence)),
            }
            for one in report.criteria
        ],
        "notes": report.notes,
    }


def difference_data(difference: Difference[Any]) -> dict[str, Any]:
    """Return a difference as JSON values; a change has its `before` and `after`."""
    changed = [{"before": asdict(old), "after": asdict(new)} for old, new in difference.changed]
    return {
        "added": [asdict(thing) for thing in difference.added],
        "removed": [asdict(thing) for thing in difference.removed],
        "changed": changed,
    }


def print_plan_as_json(project: Project, plan: Plan) -> None:
    """Print the plan as JSON on standard output."""
    print(json.dumps(document(PlanReport(project, plan)), indent=2, default=str))
