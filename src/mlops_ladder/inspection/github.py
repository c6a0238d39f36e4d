"""GitHub's workflows."""

import re
from collections.abc import Iterator
from typing import Any

from .files import mappings_in, strings_in
from .workflow import Source, Workflow

WORKFLOWS = [".github/workflows/*.yml", ".github/workflows/*.yaml"]
SECRET_USED = re.compile(r"\bsecrets(?:\.([A-Za-z_]\w*)|\[['\"](\w+)['\"]\])")
GIVEN_BY_GITHUB = "GITHUB_TOKEN"


def workflows(source: Source) -> Iterator[Workflow]:
    """Yield the workflows that can be read."""
    for file in source.matching(*WORKFLOWS):
        for said in mappings_in(source.documents(file)):
            triggers, jobs = triggers_of(said), jobs_of(said)
            yield Workflow(
                file, str(said.get("name", file)), triggers, jobs, secrets_in([jobs, triggers])
            )


def triggers_of(workflow: dict[Any, Any]) -> dict[str, Any]:
    """Return the triggers of a workflow. YAML 1.1 reads the key `on` as true."""
    said = workflow.get("on", workflow.get(True))
    if isinstance(said, dict):
        return {str(name): narrowed for name, narrowed in said.items()}
    return dict.fromkeys(map(str, said if isinstance(said, list) else [said] if said else []))


def jobs_of(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    """Return the jobs of a workflow, with the defaults of the workflow that they do not replace."""
    jobs = workflow.get("jobs")
    found = mappings_in(list(jobs.values())) if isinstance(jobs, dict) else []
    defaults = {"defaults": workflow["defaults"]} if "defaults" in workflow else {}
    return [defaults | job for job in found]


def secrets_in(value: Any) -> list[str]:
    """List the secrets that expressions name, without GitHub's own."""
    named = [
        found[1] or found[2] for text in strings_in(value) for found in SECRET_USED.finditer(text)
    ]
    return [name for name in dict.fromkeys(named) if name != GIVEN_BY_GITHUB]
