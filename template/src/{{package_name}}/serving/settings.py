"""What `serving.yaml` and the environment say about the service."""

import os
from pathlib import Path
from typing import Annotated

import msgspec

from ..errors import UserError

SETTINGS = Path("serving.yaml")
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of the service, and what a bundle must show before it may serve."""

    max_body_bytes: Positive = 1_000_000
    max_rows: Positive = 1_000
    proof_rows: Annotated[int, msgspec.Meta(ge=2)] = 1_000
    max_difference: Annotated[float, msgspec.Meta(ge=0)] = 1e-4
    latency_budget_ms: Annotated[float, msgspec.Meta(gt=0)] = 100.0


def read_settings(path: Path = SETTINGS) -> Settings:
    """The settings in the file; the defaults if there is no file.

    Raises:
        UserError: it is not YAML, or holds a key or value that means nothing.
    """
    try:
        text = path.read_bytes() if path.exists() else b""
        return msgspec.yaml.decode(text.strip() or b"{}", type=Settings)
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(f"{path} does not fit: {error}") from error


def host() -> str:
    """Where to listen: on this machine alone, unless HOST says otherwise."""
    return os.environ.get("HOST") or "127.0.0.1"


def port(variable: str = "PORT", default: str = "8000") -> int:
    """The port to listen on, as the variable says; 0 takes a free one.

    Raises:
        UserError: it is no port.
    """
    text = os.environ.get(variable) or default
    if not text.isdecimal() or int(text) > 65535:
        raise UserError(
            f"{variable} is {text}, which is no port: a number from 0 to 65535 is asked"
        )
    return int(text)


def token() -> str | None:
    """What who changes anything must show. Without one, nobody can."""
    return os.environ.get("SERVICE_TOKEN") or None
