"""`POST /predict`, the request that counts, as a plain ASGI application."""

import itertools
import logging
import secrets
from base64 import b32encode
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from . import metrics
from .model import ActiveRelease, Model
from .prediction_log import PredictionLog
from .records import Prediction
from .requests import HEADERS, JSON, SYNTHETIC, check_json, decode, encode, read_body
from .settings import Settings
from .watcher import Watcher

logger = logging.getLogger(__name__)

MOST_IN_SHADOW = 200  # requests that wait for a slow challenger; it does not see further ones


class PredictionResponse(msgspec.Struct, frozen=True, gc=False):
    """The prediction for a row. Feedback refers to its id."""

    id: str
    prediction: Any
    version: str
    variant: str
    probabilities: dict[str, float] | msgspec.UnsetType = msgspec.UNSET  # of a classifier


class Predict:
    """Predicts a row, or a list of rows, and logs the predictions; `now` is in POSIX seconds."""

    def __init__(
        self, watcher: Watcher, log: PredictionLog, settings: Settings, now: Callable[[], float]
    ) -> None:
        self.watcher = watcher
        self.log = log
        self.settings = settings
        self.now = now
        prefix = b32encode(secrets.token_bytes(5)).decode().lower()  # short: it is stored twice
        self._ids = map((prefix + "{:x}").format, itertools.count())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        headers = scope[HEADERS]
        check_json(headers)
        body = await read_body(headers, receive, self.settings.max_body_bytes)
        active = self.watcher.release()
        decoded = decode(active.decoder, body, active.attributes)
        rows = decoded if isinstance(decoded, list) else [decoded]
        active.check(rows)
        ids = [next(self._ids) for _ in rows]
        units = active.units_of(rows, ids)
        models = active.models_of(units)
        if active.split is None:
            values = await active.champion.batcher.submit(rows)
        else:
            values = await predictions_by(models, rows)
        now = self.now()
        records = [
            Prediction(id, now, model.version, model.variant, unit, row, value, model.label(value))
            for id, model, unit, row, value in zip(ids, models, units, rows, values, strict=True)
        ]
        answers = [response_of(one, model) for one, model in zip(records, models, strict=True)]
        content = encode(answers if isinstance(decoded, list) else answers[0])
        length = str(len(content)).encode()
        sent_headers = [(b"content-type", JSON), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": sent_headers})
        await send({"type": "http.response.body", "body": content})
        if SYNTHETIC not in headers:
            for model in models:
                model.predictions.inc()
            active.count_missing(rows)
            self.watcher.recent.extend(rows)
            await self._log(active, records)

    async def _log(self, active: ActiveRelease, records: Sequence[Prediction]) -> None:
        """Log predictions beside those of a shadow, whose failure affects no client."""
        shadow = active.shadow
        try:
            if shadow is not None and len(shadow.batcher.waiting) >= MOST_IN_SHADOW:
                metrics.shadow_failures.inc(len(records))
            elif shadow is not None:
                records = await in_shadow(shadow, records)
        finally:  # also if the service stops meanwhile
            for record in records:
                self.log.add(record)


async def in_shadow(shadow: Model, records: Sequence[Prediction]) -> Sequence[Prediction]:
    """Return the records with the challenger's predictions; unchanged if it fails."""
    try:
        values = await shadow.batcher.submit([record.row for record in records])
    except Exception:
        metrics.shadow_failures.inc(len(records))
        if not shadow.failed:  # one traceback says why; all failures are counted
            shadow.failed = True
            logger.exception("shadow challenger failed; the client was not affected")
        return records
    shadow.shadowed.inc(len(records))
    replace, version = msgspec.structs.replace, shadow.version
    return [
        replace(record, shadow_version=version, shadow_prediction=value)
        for record, value in zip(records, values, strict=True)
    ]


async def predictions_by(models: Sequence[Model], rows: Sequence[Any]) -> list[Any]:
    """Return the predictions for the rows, each by its own model."""
    found = {}
    for model in set(models):
        own = [row for row, chosen in zip(rows, models, strict=True) if chosen is model]
        found[model] = iter(await model.batcher.submit(own))
    return [next(found[model]) for model in models]


def response_of(record: Prediction, model: Model) -> PredictionResponse:
    """Return the response for a row."""
    classes, version, variant = model.manifest.classes, record.version, record.variant
    if classes is None:
        return PredictionResponse(record.id, record.prediction, version, variant)
    probabilities = dict(zip(map(str, classes), record.prediction, strict=True))
    return PredictionResponse(record.id, record.label, version, variant, probabilities)
