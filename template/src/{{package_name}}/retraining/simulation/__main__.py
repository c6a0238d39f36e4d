"""Simulate the loop on the project's own rows, on a clock that runs fast: `make simulate`.

Service, prediction log, registry and loop are the real ones, in a temporary folder.
"""

import io
import sys
import tempfile
import time
from contextlib import closing, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

from rich.console import Console
from rich.progress import track

from ...dataset import load_rows, validate_rows
from ...deployment.deploy import deploy
from ...errors import UserError, run
from ...pipelines import promotion, registry
from ...pipelines.parameters import read_params
from ...pipelines.tracking import tracking_store
from ...pipelines.training import train_and_register
from ...serving.store import store_url
from ..journal import open_journal
from ..policy import read_policy
from ..state import midnight
from .report import NOTED, Outcome, headline, promises, write_reports
from .sandbox import sandbox, scenario_policy, serving
from .scenario import CHAPTERS, Scenario, Told, day_of
from .traffic import Traffic

LIVE = Path("live")


def simulate(folder: Path, console: Console) -> Outcome:
    """Run the scenario in the folder."""
    started, clock = time.monotonic(), SimpleNamespace(now=0.0)
    with sandbox(folder, Path.cwd(), scenario_policy(read_policy())):
        params = read_params()
        traffic = Traffic(validate_rows(load_rows(params.data.start, params.data.end)))
        console.print("Training and deploying the first model")
        with redirect_stdout(io.StringIO()):
            train_and_register(params, force=True)
            with tracking_store() as client:
                version = registry.numbered(client, None)
                promotion.promote(client, version, params)
            deploy(LIVE, now=midnight(traffic.first))
        service = serving(lambda: clock.now)
        with service as (http, written), closing(open_journal(store_url())) as journal:
            days: list[Told] = []
            alone = registry.load_model(version)
            scenario = Scenario(LIVE, journal, clock, http, written, traffic, alone)
            total = sum(chapter.days for chapter in CHAPTERS)
            played = track(scenario.play(), "days", total, console=console, transient=True)
            for told, lines in played:
                if not days or days[-1].chapter != told.chapter:
                    console.print(f"{told.chapter + 1}. {CHAPTERS[told.chapter].title}")
                for line in lines:
                    if line.kind in NOTED:
                        console.print(f"  {day_of(line)}  {line.kind}: {line.words}")
                days.append(told)
            whole = journal.broken() is None
    seconds = time.monotonic() - started
    return Outcome(days, scenario.lines, scenario.requests, scenario.failures, whole, seconds)


def main() -> None:
    """Simulate, and write the reports."""
    console = Console(file=sys.stdout, markup=False, highlight=False, soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="simulation-") as folder:
        outcome = simulate(Path(folder).resolve(), console)
    console.print(*write_reports(outcome), headline(outcome), sep="\n")
    console.print(f"{outcome.requests:,} requests, {len(outcome.failures)} failed")
    broken = [promise.words for promise in promises(outcome) if not promise.kept]
    if broken:
        failures = [f"a request failed: {failure}" for failure in outcome.failures[:3]]
        raise UserError("\n  ".join(["a promise was broken:", *broken, *failures]))


if __name__ == "__main__":
    run(main)
