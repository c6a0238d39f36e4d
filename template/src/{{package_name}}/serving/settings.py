"""Settings of the service: `serving.yaml`, and environment variables."""

import os
from pathlib import Path

from pydantic import Field

from ..errors import UserError
from ..pipelines.parameters import Section, load_yaml, validated

SETTINGS = Path("serving.yaml")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Settings(Section):
    """Limits of the service, of the prediction log, and of what a bundle must prove."""

    max_body_bytes: int = Field(default=1_000_000, ge=1)
    max_rows: int = Field(default=1_000, ge=1)
    retention_days: int = Field(default=90, ge=1)
    proof_rows: int = Field(default=1_000, ge=2)
    max_difference: float = Field(default=1e-4, ge=0)
    latency_budget_ms: float = Field(default=100.0, gt=0)


def read_settings(path: Path = SETTINGS) -> Settings:
    """Read the settings; without a file they are the defaults."""
    values, root = load_yaml(path) if path.exists() else ({}, None)
    return validated(Settings, values, path, root)


def host() -> str:
    """Return the address to listen on: HOST, or this machine alone."""
    return os.environ.get("HOST") or "127.0.0.1"


def port() -> int:
    """Return the port to listen on: PORT, or 8000; 0 means any free one."""
    text = os.environ.get("PORT") or "8000"
    if not text.isdecimal() or int(text) > 65535:
        raise UserError(f"PORT: {text!r} must be a port between 0 and 65535")
    return int(text)


def workers() -> int:
    """Return the number of processes that serve: WORKERS, or one."""
    text = os.environ.get("WORKERS") or "1"
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"WORKERS: {text!r} must be a number of processes, such as 2")
    return int(text)


def token() -> str | None:
    """Return the token for writes, SERVICE_TOKEN; without one, writes are disabled."""
    return os.environ.get("SERVICE_TOKEN") or None


def allowed_hosts() -> frozenset[str]:
    """Return the names in requests' Host headers: ALLOWED_HOSTS, comma-separated, and loopback.

    A web page that points a name of its own at this machine is thereby refused; * allows all.
    """
    given = (os.environ.get("ALLOWED_HOSTS") or "").lower().split(",")
    return LOOPBACK | {name.strip() for name in given if name.strip()}
