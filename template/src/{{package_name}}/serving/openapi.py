"""The service as OpenAPI describes it, and a page on which a person can try it."""

from pathlib import Path
from typing import Any

import msgspec

from .deployment import EXAMPLES, Deployment
from .http import Answer, Failure
from .settings import Settings

PAGE = Path(__file__).with_name("page.html")
REFERENCE = "#/components/schemas/{name}"
# The page brings everything along, and may talk to nobody but its own service.
POLICY = (
    b"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
)


class Prediction(msgspec.Struct, frozen=True, gc=False):
    """The answer for one row. Keep the id: feedback names it."""

    id: str
    prediction: Any
    version: str
    variant: str
    probabilities: dict[str, float] | msgspec.UnsetType = msgspec.UNSET  # of a classifier's classes


class Accepted(msgspec.Struct):
    """How many true values were taken."""

    accepted: int


def page() -> Answer:
    """The page; it reads the description and asks the service itself."""
    headers = ((b"content-security-policy", POLICY),)
    return Answer(200, PAGE.read_bytes(), b"text/html; charset=utf-8", headers)


def description(deployment: Deployment, settings: Settings) -> dict[str, Any]:
    """The service in OpenAPI 3.1: https://spec.openapis.org/oas/v3.1.0"""
    types = [deployment.row, deployment.told, Prediction, Accepted, Failure]
    (row, told, prediction, accepted, failure), schemas = msgspec.json.schema_components(
        types, ref_template=REFERENCE
    )
    manifest = deployment.champion.manifest
    limits = (
        f"At most {settings.max_rows} rows and {settings.max_body_bytes} bytes. "
        "Whole numbers are written without a point: 4, not 4.0."
    )
    examples = (deployment.champion.folder / EXAMPLES).read_bytes()
    example = msgspec.json.decode(examples)[0]
    refusals = {
        status: content(failure, text)
        for status, text in {
            "400": "not JSON",
            "413": "too large",
            "422": "not what is asked; `where` names the place",
            "503": "no model is ready",
        }.items()
    }
    token_refusals = {
        "401": content(failure, "the token is wrong"),
        "403": content(failure, "the service has no token, so that nobody may do this"),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Predictions of {manifest.target.name}", "version": manifest.version},
        "paths": {
            "/predict": {
                "post": {
                    "summary": f"Predict {manifest.target.name} for a row, or for a list of rows",
                    "description": limits,
                    "requestBody": body_of(row, settings.max_rows, example),
                    "responses": {"200": one_or_many(prediction, "the predictions"), **refusals},
                }
            },
            "/feedback": {
                "post": {
                    "summary": "Tell the true value of a prediction, or of several",
                    "description": "Of several values for one id, the one told last counts.",
                    "security": [{"token": []}],
                    "requestBody": body_of(told, settings.max_rows, None),
                    "responses": {
                        "202": content(accepted, "taken"),
                        **refusals,
                        **token_refusals,
                    },
                }
            },
            **{path: reading(summary) for path, summary in READINGS.items()},
            "/model": reading(MODEL, refusals["503"]),
            "/readyz": reading(READY, refusals["503"]),
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


MODEL = "What serves: version, run, data, commit"
READY = "Whether there is a model to answer with"
READINGS = {"/healthz": "Whether the process lives", "/metrics": "What Prometheus asks for"}


def content(schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def one_or_many(schema: dict[str, Any], text: str) -> dict[str, Any]:
    return content({"anyOf": [schema, {"type": "array", "items": schema}]}, text)


def body_of(schema: dict[str, Any], max_rows: int, example: Any) -> dict[str, Any]:
    """A request's body: one of that schema, or a list."""
    many = {"type": "array", "items": schema, "maxItems": max_rows}
    asked: dict[str, Any] = {"schema": {"anyOf": [schema, many]}}
    if example is not None:
        asked["example"] = example
    return {"required": True, "content": {"application/json": asked}}


def reading(summary: str, unready: dict[str, Any] | None = None) -> dict[str, Any]:
    """A path that is only read; `unready` describes its answer as long as no model is ready."""
    responses = {"200": {"description": "as asked"}} | ({"503": unready} if unready else {})
    return {"get": {"summary": summary, "responses": responses}}
