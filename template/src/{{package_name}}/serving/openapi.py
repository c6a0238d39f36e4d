"""The OpenAPI description, from the types that requests are decoded into, and a page for it."""

from pathlib import Path
from typing import Any

import msgspec
from starlette.responses import Response

from .bundle import EXAMPLES
from .model import ActiveRelease
from .predict import PredictionResponse
from .requests import Failure
from .settings import Settings

PAGE = Path(__file__).with_name("page.html")
REFERENCE = "#/components/schemas/{name}"
# The page loads nothing from elsewhere, and sends requests to its own service only.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
)
READ = {
    "/healthz": "200 as long as the process lives",
    "/metrics": "Metrics for Prometheus",
    "/model": "Version, run, data and commit of the models that serve",
    "/readyz": "200 if a model serves",
}
REFUSALS = {
    "400": "not JSON, or an unknown host",
    "413": "too large",
    "415": "not declared as plain JSON",
    "422": "invalid; `where` is the place",
    "503": "no model is ready",
}
TOKEN_REFUSALS = {"401": "wrong token", "403": "the service has no token, so writes are disabled"}


class Accepted(msgspec.Struct):
    """The number of labels received."""

    accepted: int


def page() -> Response:
    """Return the page, which reads the description and can send requests."""
    headers = {"content-security-policy": POLICY}
    return Response(PAGE.read_bytes(), headers=headers, media_type="text/html")


def description(active: ActiveRelease, settings: Settings) -> dict[str, Any]:
    """Describe the service in OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0)."""
    types = [active.row, active.feedback, PredictionResponse, Accepted, Failure]
    (row, feedback, prediction, accepted, failure), schemas = msgspec.json.schema_components(
        types, ref_template=REFERENCE
    )
    target, most = active.champion.manifest.target.name, settings.max_rows
    refusals = {status: content(failure, text) for status, text in REFUSALS.items()}
    refusals_of_token = {status: content(failure, text) for status, text in TOKEN_REFUSALS.items()}
    example = msgspec.json.decode((active.champion.folder / EXAMPLES).read_bytes())[0]
    predict = {
        "summary": f"Predict {target} for a row, or for a list of rows",
        "description": f"At most {most} rows and {settings.max_body_bytes} bytes. Integers are "
        "written without a point: 4, not 4.0.",
        "requestBody": body_of(row, most, example),
        "responses": {"200": content(one_or_many(prediction), "the predictions"), **refusals},
    }
    receive = {
        "summary": "Send the ground truth of a prediction, or of several",
        "description": "Of several values for one id, the last one counts.",
        "security": [{"token": []}],
        "requestBody": body_of(feedback, most, None),
        "responses": {"202": content(accepted, "received"), **refusals, **refusals_of_token},
    }
    unready = {"503": refusals["503"]}
    ok = {"200": {"description": "OK"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Predictions of {target}",
            "version": active.champion.manifest.version,
        },
        "paths": {
            "/predict": {"post": predict},
            "/feedback": {"post": receive},
            **{
                path: {"get": {"summary": summary, "responses": ok | unready}}
                for path, summary in READ.items()
            },
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def content(schema: dict[str, Any], text: str) -> dict[str, Any]:
    """Describe a response with JSON."""
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def one_or_many(schema: dict[str, Any], **limits: int) -> dict[str, Any]:
    """Return the schema of one or of a list."""
    return {"anyOf": [schema, {"type": "array", "items": schema, **limits}]}


def body_of(schema: dict[str, Any], most: int, example: Any) -> dict[str, Any]:
    """Describe a request's body: one of the schema, or a list."""
    described: dict[str, Any] = {"schema": one_or_many(schema, maxItems=most)}
    if example is not None:
        described["example"] = example
    return {"required": True, "content": {"application/json": described}}
