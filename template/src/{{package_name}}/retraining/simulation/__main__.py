"""Run the whole loop through a story, on a clock that runs fast: `make simulate`.

Writes reports/simulation.html, .png and .json, and fails if the loop did not do what the story
promises. The project itself is left alone: everything happens in a folder beside it.
"""

import argparse
import io
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stdout
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from ...deployment.deploy import deploy
from ...errors import UserError, run
from ...pipelines import promotion, registry
from ...pipelines.parameters import Params, read_params
from ...pipelines.tracking import tracking_store
from ...pipelines.training import train_and_register
from ...serving.settings import read_settings, token
from ...serving.store import store_url
from ..journal import Line
from ..policy import read_policy
from .report import REPORTS, TOLD, Tale, gist, promises, write_reports
from .scratch import differences, fill, inside, story_policy
from .service import Clock, serving
from .story import STORY, Story, Told, Users, day_of
from .traffic import project_traffic

LIVE = Path("live")


def first_champion(params: Params, day: date) -> Any:
    """Train, promote and deploy a model as the commands do, on that day; the model itself."""
    train_and_register(params, force=True)
    with tracking_store() as client:
        version = registry.numbered(client, None)
        promotion.promote(client, version, params)
    deploy(LIVE, now=datetime.combine(day, datetime.min.time(), UTC))
    return registry.load_model(version)


class Stage:
    """Tells in the terminal how the story goes: a bar at the foot, or plain lines without one."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("days"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self.task = self.progress.add_task("", total=sum(chapter.days for chapter in STORY))
        self.chapter = -1

    def say(self, text: str, style: str = "") -> None:
        """A line that stays."""
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def show(self, day: Told, lines: list[Line]) -> None:
        """A day, and what the loop decided on its first morning hour about the one before."""
        for line in lines:
            if line.kind in TOLD:
                self.say(f"  {day_of(line)}  {line.kind}: {line.words}")
        if day.chapter != self.chapter:
            self.chapter = day.chapter
            left = sum(chapter.days for chapter in STORY[day.chapter :])
            title = f"{day.chapter + 1}. {STORY[day.chapter].title}"
            done = self.progress.tasks[0].completed
            self.progress.update(self.task, description=title, total=done + left)
            self.say(f"{title}: {STORY[day.chapter].happens}", "bold")
        self.progress.advance(self.task)


def perform(project: Path, folder: Path, stage: Stage) -> Tale:
    """Play the story in the folder."""
    started = time.monotonic()
    shipped = read_policy()
    policy = story_policy(shipped)
    fill(folder, project, policy)
    with inside(folder):
        params = read_params()
        traffic = project_traffic(params.data)
        stage.say("Training and deploying the first model")
        with redirect_stdout(io.StringIO()):
            alone = first_champion(params, traffic.first)
        clock = Clock(folder / "clock")
        clock.set(0.0)
        with serving(clock, folder / "service.log") as url:
            os.environ["SERVICE_URL"] = url
            users = Users(url, token() or "", read_settings().max_rows)
            story = Story(LIVE, store_url(), clock, users, traffic, policy, alone)
            with closing(story):
                for day, lines in story.play():
                    stage.show(day, lines)
                whole = story.journal.broken() is None
        with tracking_store() as client:
            trained = len(registry.versions(client))
    return Tale(
        days=story.told,
        lines=story.lines,
        requests=users.requests,
        failures=users.failures,
        whole=whole,
        trained=trained,
        policy=differences(shipped, policy),
        seconds=time.monotonic() - started,
    )


@contextmanager
def folder_for(kept: Path | None) -> Iterator[Path]:
    """The folder that was asked for, which stays, or one that goes.

    Raises:
        UserError: there is something in it.
    """
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="simulation-") as made:
            yield Path(made).resolve()
        return
    kept.mkdir(parents=True, exist_ok=True)
    if any(kept.iterdir()):
        raise UserError(f"{kept} is not empty: name a folder that the story can have to itself")
    yield kept.resolve()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="play there, and leave everything to look at")
    arguments = parser.parse_args()
    stage = Stage(Console(file=sys.stdout))
    with folder_for(arguments.folder) as folder, stage.progress:
        tale = perform(Path.cwd(), folder, stage)
    for path in write_reports(tale, REPORTS):
        stage.say(str(path))
    stage.say(gist(tale), "bold")
    stage.say(f"{tale.requests:,} requests, {len(tale.failures)} failed; {tale.seconds:.0f} s")
    broken = [promise.words for promise in promises(tale) if not promise.kept]
    if broken:
        failures = [f"a request failed: {failure}" for failure in tale.failures[:3]]
        raise UserError("\n  ".join(["the story did not end as promised:", *broken, *failures]))


if __name__ == "__main__":
    run(main)
