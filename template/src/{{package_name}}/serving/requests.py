"""A request's body, read by the one schema of `problem.py`: decoded, valid, or refused."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from . import metrics
from .deployment import Deployment
from .fields import Field, columns_of
from .http import RefusedError

PLACE = re.compile(r"^(?P<reason>.*?)(?: - at `(?P<where>\$.*)`)?$", re.DOTALL)
MISSING = re.compile(r"missing required field `(?P<name>.*)`")


def decode(decoder: "msgspec.json.Decoder[Any]", body: bytes, fields: Sequence[Field]) -> Any:
    """What the body says.

    Raises:
        RefusedError: 400 if it is not JSON, 422 with the place if it is not what is asked.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        found = PLACE.match(str(error))
        assert found is not None  # the expression matches any text
        where = found["where"] or "$"
        metrics.invalid_fields.labels(blamed_field(found["reason"], where, fields)).inc()
        raise RefusedError(422, "invalid", found["reason"], where) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(400, "malformed", f"the body is not JSON: {error}") from error


def blamed_field(reason: str, where: str, fields: Sequence[Field]) -> str:
    """The field that is at fault, of those that the schema knows; otherwise `other`."""
    missing = MISSING.search(reason)
    place = missing["name"] if missing else where.partition(".")[2]
    return place if place in {field.name for field in fields} else "other"


def refuse_rows(deployment: Deployment, rows: Sequence[Any]) -> None:
    """Count what is missing, and refuse what only the whole schema can tell.

    Raises:
        RefusedError: 422, the schema's own words.
    """
    for attribute, missing in deployment.optional_fields:
        count = sum(getattr(row, attribute) is None for row in rows)
        if count:
            missing.inc(count)
    if deployment.champion.manifest.needs_schema and rows:
        objection = deployment.champion.runtime.objection(columns_of(rows, deployment.fields))
        if objection:
            metrics.invalid_fields.labels("other").inc()
            raise RefusedError(422, "invalid", objection, "$")


def units_of(deployment: Deployment, rows: Sequence[Any], ids: Sequence[str]) -> Sequence[str]:
    """What stays with one variant through a split: the experiment's field, or each prediction."""
    if deployment.unit is None:
        return ids
    return [str(getattr(row, deployment.unit)).replace("\0", "\N{SYMBOL FOR NULL}") for row in rows]
