"""A runtime of MLServer around the released bundles.

It translates between the Open Inference Protocol (V2) and `POST /predict` of the service, which
validates, predicts, counts and logs. The service's own requests are below /service, such as
/service/feedback. MLServer has to run without parallel workers.
"""

import atexit
import os
from collections.abc import Iterable
from copy import copy
from functools import cache
from importlib import import_module
from math import inf
from typing import Any

import msgspec
from mlserver import MLModel
from mlserver.errors import MLServerError
from mlserver.handlers import custom_handler
from mlserver.types import InferenceRequest, InferenceResponse, MetadataTensor, ResponseOutput
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from ..serving.app import CLOSE_SECONDS, Service
from ..serving.model import ActiveRelease
from ..serving.predict import Predict
from ..serving.records import CHALLENGER, CHAMPION
from ..serving.requests import SYNTHETIC, Failure
from ..serving.watcher import Watcher

SHARES = {CHAMPION: 0.0, CHALLENGER: 1.0}  # of the units, where the platform splits the requests
DATATYPES = {"int": "INT64", "float": "FP64", "bool": "BOOL"}  # others are text: BYTES


@cache
def running_service() -> Service:
    """Start the service of the module SERVE, as in the Makefile, for all models of the server."""
    module = os.environ.get("SERVE") or "serving.server"
    service: Service = import_module(f"..{module}", __package__).make_worker()
    service.log.start()
    service.watcher.start()
    # MLServer does not tell its models that it stops. The log's thread still runs at this point.
    atexit.register(service.log.close, CLOSE_SECONDS)
    return service


class Side:
    """A watcher whose releases have all units of an A/B test on one side."""

    def __init__(self, watcher: Watcher, variant: str) -> None:
        self._watcher, self._share, self.recent = watcher, SHARES[variant], watcher.recent

    def release(self) -> ActiveRelease:
        """Return the active release, which assigns every unit to the side's model."""
        active = copy(self._watcher.release())
        if active.split is not None:
            active.split = msgspec.structs.replace(active.split, share=self._share)
        return active


class Below(Response):
    """The response of the service to a request for a path below /service."""

    def __init__(self, service: Service, path: str) -> None:
        super().__init__()
        self._service, self._path = service, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the service respond."""
        await self._service({**scope, "path": f"/{self._path}", "root_path": ""}, receive, send)


class Bundle(MLModel):  # type: ignore[misc]  # MLServer is in an environment of its own
    """A model of MLServer: what the release in LIVE serves, or one `variant` of its A/B test."""

    async def load(self) -> bool:
        """Start the service; raise the reason if it cannot load the release."""
        self.service = running_service()
        if variant := (self.settings.parameters.extra or {}).get("variant"):
            shared, self.service = self.service, copy(self.service)
            side: Any = Side(shared.watcher, variant)
            self.service.predict = Predict(side, shared.log, shared.settings, shared.now)
        if (active := self.service.watcher.active) is None:
            raise MLServerError(self.service.watcher.reason, 503)
        self.inputs = [
            MetadataTensor(name=one.name, datatype=DATATYPES.get(one.kind, "BYTES"), shape=[-1])
            for one in active.fields
        ]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Predict the rows of a request."""
        try:
            body = msgspec.json.encode(rows_of(payload.inputs))  # NaN becomes null, as in JSON
        except (UnicodeError, OverflowError, RecursionError) as error:
            raise MLServerError(f"inputs: {error}", 422) from error
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        if SYNTHETIC.decode() in ((payload.parameters and payload.parameters.headers) or {}):
            headers.append((SYNTHETIC, b"mlserver"))
        status, content = await predicted(self.service, headers, body)
        if status != 200:
            failure = msgspec.json.decode(content, type=Failure)
            raise MLServerError(f"{failure.where or failure.error}: {failure.message}", status)
        outputs = [ResponseOutput(**one) for one in outputs_of(msgspec.json.decode(content))]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)

    @custom_handler("/service/{path:path}", "GET")  # type: ignore[untyped-decorator]
    async def get(self, path: str) -> Below:
        """Let the service respond to a request that reads."""
        return Below(self.service, path)

    @custom_handler("/service/{path:path}")  # type: ignore[untyped-decorator]
    async def post(self, path: str) -> Below:
        """Let the service respond to a request that writes, or predicts rows of JSON."""
        return Below(self.service, path)


def rows_of(inputs: Iterable[Any]) -> list[dict[str, Any]]:
    """Return the rows of tensors, each of which has the values of one column."""
    columns = {one.name: values_of(one) for one in inputs}
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise MLServerError("inputs: one tensor per column is required, all of one length", 422)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def values_of(tensor: Any) -> list[Any]:
    """Return the values of a tensor of shape (rows,) or (rows, 1)."""
    given = tensor.data.root if isinstance(tensor.data.root, list) else [tensor.data.root]
    values = [value for one in given for value in (one if isinstance(one, list) else [one])]
    if tensor.shape not in ([len(values)], [len(values), 1]):
        raise MLServerError(f"inputs: {tensor.name}: the shape must be [{len(values)}]", 422)
    if any(value in (inf, -inf) for value in values):
        raise MLServerError(f"inputs: {tensor.name}: a number must be finite, or NaN", 422)
    return [value.decode() if isinstance(value, bytes) else value for value in values]


def outputs_of(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tensors of responses: a column each, and the probabilities of all classes."""
    names = ("id", "prediction", "version", "variant")
    outputs = [tensor(name, [answer[name] for answer in answers]) for name in names]
    if answers and "probabilities" in answers[0]:
        given = [answer["probabilities"] for answer in answers]
        flat = tensor("probabilities", [value for one in given for value in one.values()])
        parameters = {"classes": list(given[0])}
        outputs.append({**flat, "shape": [len(given), len(given[0])], "parameters": parameters})
    return outputs


def tensor(name: str, values: list[Any]) -> dict[str, Any]:
    """Return a tensor of shape (rows,); text is BYTES."""
    made = {"name": name, "shape": [len(values)], "datatype": "BYTES", "data": values}
    if values and (datatype := DATATYPES.get(type(values[0]).__name__)):
        return made | {"datatype": datatype}
    text = [str(value).encode() for value in values]  # gRPC does not take other text
    return made | {"data": text, "parameters": {"content_type": "str"}}


async def predicted(
    service: Service, headers: list[tuple[bytes, bytes]], body: bytes
) -> tuple[int, bytes]:
    """Send a request to /predict of the service in this process; return status and body."""
    status, parts = 0, []
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/predict"}

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        parts.append(message.get("body", b""))

    await service({**scope, "headers": headers}, receive, send)
    return status, b"".join(parts)
