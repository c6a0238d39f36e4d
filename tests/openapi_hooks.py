"""Schemathesis hooks about the service; SCHEMATHESIS_HOOKS names this module."""

from datetime import datetime
from typing import Any

import schemathesis
from hypothesis import strategies as st

# OpenAPI's format registry has times without an offset; JSON Schema has no such format.
schemathesis.openapi.format("local-date-time", st.datetimes().map(datetime.isoformat))


@schemathesis.hook
def map_body(_context: Any, body: Any) -> Any:
    """Write whole numbers without a decimal point, which JSON Schema does not distinguish."""
    if isinstance(body, list):
        return [map_body(_context, value) for value in body]
    if isinstance(body, dict):
        return {name: map_body(_context, value) for name, value in body.items()}
    return int(body) if isinstance(body, float) and body.is_integer() else body
