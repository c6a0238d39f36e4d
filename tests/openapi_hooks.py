"""What Schemathesis must be told of the service: SCHEMATHESIS_HOOKS names this module."""

from datetime import datetime
from typing import Any

import schemathesis
from hypothesis import strategies as st

# The OpenAPI registry's name for times without an offset, which JSON Schema has no word for.
schemathesis.openapi.format("local-date-time", st.datetimes().map(datetime.isoformat))


@schemathesis.hook
def map_body(_context: Any, body: Any) -> Any:
    """Write whole numbers without a point, as is asked in words: to JSON Schema it is all one."""
    if isinstance(body, list):
        return [map_body(_context, value) for value in body]
    if isinstance(body, dict):
        return {name: map_body(_context, value) for name, value in body.items()}
    return int(body) if isinstance(body, float) and body.is_integer() else body
