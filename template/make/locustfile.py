"""The load test of the service, for locust: `make load-test`."""

from typing import Any

from locust import FastHttpUser, task

SYNTHETIC = {"Synthetic-Request": "load test"}  # answered, counted apart, and never logged


class Client(FastHttpUser):  # type: ignore[misc]
    """A client that sends one request after the other."""

    row: Any

    def on_start(self) -> None:
        """Read an example from the description of the service."""
        described = self.client.get("/openapi.json", headers=SYNTHETIC).json()
        body = described["paths"]["/predict"]["post"]["requestBody"]
        self.row = body["content"]["application/json"]["example"]

    @task  # type: ignore[untyped-decorator]
    def predict(self) -> None:
        """Send the example."""
        self.client.post("/predict", json=self.row, headers=SYNTHETIC)
