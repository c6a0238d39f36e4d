"""Ask the service as any client would, over HTTP."""

import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

from ..errors import UserError

DEFAULT = "http://127.0.0.1:8000"
SECONDS = 30


class Client:
    """A connection to the service at an address such as http://127.0.0.1:8000.

    Raises:
        UserError: the address is none, or the service does not answer.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise UserError(f"{url} is no address of a service, such as http://127.0.0.1:8000")
        self.url = url
        self.path = parts.path.rstrip("/")
        self.connection: http.client.HTTPConnection = (
            http.client.HTTPConnection(parts.netloc, timeout=SECONDS)
            if parts.scheme == "http"
            else http.client.HTTPSConnection(
                parts.netloc, timeout=SECONDS, context=ssl.create_default_context()
            )
        )

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and what the answer's JSON says; `body` is bytes, or what JSON can say."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        try:
            self.connection.request(method, self.path + path, sent, headers)
            answer = self.connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
            self.connection.close()
            raise UserError(
                f"{self.url}{path} does not answer as the service does: {error}"
            ) from error

    def example(self) -> Any:
        """A row that the service describes itself with.

        Raises:
            UserError: it is not ready.
        """
        status, description = self.ask("GET", "/openapi.json")
        if status != 200:
            raise UserError(f"{self.url} is not ready: {description.get('message', description)}")
        body = description["paths"]["/predict"]["post"]["requestBody"]
        return body["content"]["application/json"]["example"]


def value_of(answer: dict[str, Any]) -> Any:
    """The number that was answered, or the probabilities."""
    probabilities = answer.get("probabilities")
    return list(probabilities.values()) if probabilities else answer.get("prediction")
