"""A route that a higher level adds to the service: refused without the token, and counted."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from taxi_ride_duration.serving.app import Service
from taxi_ride_duration.serving.prediction_log import PredictionLog
from taxi_ride_duration.serving.requests import HEADERS, check_token, json_response
from taxi_ride_duration.serving.settings import Settings
from taxi_ride_duration.serving.watcher import Watcher

TOKEN = "a secret"


async def ring(request: Request) -> Response:
    check_token(request.scope[HEADERS], TOKEN)
    return json_response("rung")


@pytest.mark.parametrize(("token", "status"), [("a guess", 401), (TOKEN, 200)])
def test_a_further_route_has_the_service_s_token_and_metrics(
    tmp_path: Path, token: str, status: int
) -> None:
    def no_store() -> Any:
        raise AssertionError("nothing is logged")

    watcher = Watcher(tmp_path, max_rows=1)
    log = PredictionLog(no_store, watcher.score)
    others = [Route("/ring", ring, methods=["POST"])]
    service = Service(watcher, log, Settings(), TOKEN, others=others)

    async def ask() -> int:
        transport = httpx.ASGITransport(app=service)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.post("/ring", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code

    assert asyncio.run(ask()) == status
    labels = {"path": "/ring", "status": str(status)}
    assert REGISTRY.get_sample_value("http_requests_total", labels) == 1
