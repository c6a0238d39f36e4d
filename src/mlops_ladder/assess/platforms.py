"""Jobs of platforms that run a repository's notebooks and files: Databricks and Mage."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..inspection.commands import Line, joined
from ..inspection.files import as_mapping, mappings_in
from .infrastructure import Infrastructure
from .other_files import all_mappings

MAGE_PIPELINE = re.compile(r"(?P<top>.*?/|)pipelines/[^/]+/metadata\.ya?ml")
MAGE_FOLDERS = {"custom": "custom"}
"""The folders of blocks by their kind, if they are not its plural."""


@dataclass(frozen=True)
class PlatformJob:
    """A job of a platform: its file, what it runs, and whether a schedule or trigger starts it."""

    file: str
    lines: list[Line]
    recurs: bool


class Platforms(Infrastructure):
    """The jobs that files declare for a platform."""

    @cached_property
    def platform_jobs(self) -> list[PlatformJob]:
        """The jobs that run notebooks or files of the repository."""
        return [*self._databricks_bundles(), *self._databricks_templates(), *self.mage_pipelines]

    @cached_property
    def platform_lines(self) -> list[Line]:
        """The notebooks and files that jobs of platforms run."""
        return [line for job in self.platform_jobs for line in job.lines]

    def _databricks_bundles(self) -> Iterator[PlatformJob]:
        """Yield the jobs of Databricks in YAML."""
        for path in self.yaml_files:
            if b"task_key:" not in self.repository.tree[path]:
                continue
            for document in self.repository.documents(path):
                for one in all_mappings(document):
                    if tasks := mappings_in(one.get("tasks")):
                        said = as_mapping(one.get("schedule"))
                        on = said.get("pause_status") != "PAUSED"
                        lines = [line for task in tasks for line in self._notebook_of(path, task)]
                        timed = bool(said.get("quartz_cron_expression")) and on
                        yield PlatformJob(path, lines, timed or bool(one.get("trigger")))

    def _databricks_templates(self) -> Iterator[PlatformJob]:
        """Yield the jobs of Databricks in JSON, as its interface takes them."""
        for path in self.repository.matching("**/*job*.json"):
            said = as_mapping(self.repository.json(path))
            times = as_mapping(said.get("schedule"))
            on = bool(times) and times.get("pause_status") != "PAUSED"
            if lines := list(self._notebook_of(path, said)):
                yield PlatformJob(path, lines, on)

    def _notebook_of(self, path: str, task: dict[str, Any]) -> Iterator[Line]:
        """Yield what a task of Databricks runs; where it is installed, it may have another path."""
        written = as_mapping(task.get("notebook_task")).get("notebook_path") or as_mapping(
            task.get("spark_python_task")
        ).get("python_file")
        if not isinstance(written, str):
            return
        for folder in (path.rpartition("/")[0], ""):
            for ending in ("", ".ipynb", ".py"):
                file = joined(folder, f"{written.removeprefix('/')}{ending}")
                if file in self.sizes:
                    yield Line(f"run {file}", path, True, "")
                    return
        name = re.sub(r"\.(py|ipynb)$", "", written.rpartition("/")[2])
        alike = [one for one in self.sizes if re.search(rf"/{re.escape(name)}\.(py|ipynb)$", one)]
        if len(alike) == 1:
            yield Line(f"run {alike[0]}", path, True, "")

    @cached_property
    def mage_pipelines(self) -> list[PlatformJob]:
        """The pipelines of Mage, whose blocks are files, with the triggers beside them."""
        found = []
        for path in self.yaml_files:
            named = MAGE_PIPELINE.fullmatch(path)
            if not named or b"blocks:" not in self.repository.tree[path]:
                continue
            blocks = [
                block
                for document in self.repository.documents(path)
                for block in mappings_in(as_mapping(document).get("blocks"))
            ]
            files = [self._block_of(named["top"], block) for block in blocks]
            lines = [Line(f"run {file}", path, True, "") for file in files if file in self.sizes]
            triggers = path.replace("metadata.", "triggers.")
            found.append(PlatformJob(path, lines, self._is_triggered(triggers)))
        return found

    @staticmethod
    def _block_of(top: str, block: dict[str, Any]) -> str:
        """Return the file of a block of Mage."""
        source = as_mapping(as_mapping(block.get("configuration")).get("file_source")).get("path")
        kind = str(block.get("type"))
        own = f"{MAGE_FOLDERS.get(kind, f'{kind}s')}/{block.get('uuid')}.py"
        return f"{top}{source or own}"

    def _is_triggered(self, path: str) -> bool:
        """Tell whether a file of Mage has a trigger that is on."""
        documents = self.repository.documents(path) if path in self.sizes else []
        return any(
            one.get("status") == "active" and one.get("schedule_type") in ("time", "event")
            for document in documents
            for one in mappings_in(as_mapping(document).get("triggers"))
        )
