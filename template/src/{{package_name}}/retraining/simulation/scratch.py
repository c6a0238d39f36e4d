"""A project beside the project: what the simulation writes stays out of the real one."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ...experiments.plan import PLAN, Experiment
from ..policy import POLICY, Policy

# What the commands write, and what would change the story: the scratch project has its own.
OWN = ["live", "mlruns", "models", "reports", PLAN.name, POLICY.name]
SCHEDULE = 42  # days: in the quiet weeks, and not again before somebody asks for a retraining
SOURCES = Path(__file__).parents[3]  # where children of this process find the package


def story_policy(policy: Policy) -> Policy:
    """The project's policy, with waits short enough for a story and nothing that forbids one."""
    limits, data, gates, rollback = policy.limits, policy.data, policy.gates, policy.rollback
    return replace(
        policy,
        pause=False,
        evidence="replay",
        triggers=replace(policy.triggers, performance=True, schedule_days=SCHEDULE, new_rows=None),
        detector=replace(
            policy.detector, calibration_days=min(policy.detector.calibration_days, 14)
        ),
        limits=replace(
            limits,
            cooldown_days=min(limits.cooldown_days, 3),
            max_retrainings_per_month=max(limits.max_retrainings_per_month, 4),
            freeze=[],
        ),
        data=replace(
            data,
            source="log",
            window_days=min(data.window_days, 14),
            min_rows=min(data.min_rows, 50),
        ),
        gates=replace(
            gates, offline=replace(gates.offline, min_rows=min(gates.offline.min_rows, 100))
        ),
        rollback=replace(rollback, watch_days=min(rollback.watch_days, 14)),
    )


def differences(shipped: Policy, story: Policy) -> list[str]:
    """Where the story's policy is another one, as `section.key: was, is`."""
    one, other = flat(msgspec.to_builtins(shipped)), flat(msgspec.to_builtins(story))
    return [f"{key}: {other[key]} instead of {one[key]}" for key in one if one[key] != other[key]]


def flat(sections: dict[str, object], before: str = "") -> dict[str, object]:
    """Every value by its dotted name."""
    found: dict[str, object] = {}
    for key, value in sections.items():
        found |= (
            flat(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
        )
    return found


def fill(folder: Path, project: Path, policy: Policy) -> None:
    """Link into the folder what the project has, and write down the policy."""
    for path in project.iterdir():
        if path.name not in OWN and not path.name.startswith("."):
            (folder / path.name).symlink_to(path.resolve())
    (folder / POLICY).write_bytes(msgspec.yaml.encode(policy))
    (folder / PLAN).write_bytes(msgspec.yaml.encode(Experiment()))  # none runs by hand


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in the folder, with stores of its own and a token that nobody else knows."""
    environment, before = dict(os.environ), Path.cwd()
    os.environ |= {
        "LIVE": str(folder / "live"),
        "DATABASE_URL": f"sqlite:///{folder}/live/predictions.db",
        "MLFLOW_TRACKING_URI": "",
        "PROMETHEUS_URL": "",
        "SERVICE_TOKEN": secrets.token_urlsafe(),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(SOURCES), os.environ.get("PYTHONPATH")])),
    }
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ |= environment
