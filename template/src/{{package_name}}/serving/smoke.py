"""Test a running service after a deployment: `make smoke`."""

import argparse
import json
import urllib.error
import urllib.request
from typing import Any

from ..errors import UserError, run

DEFAULT = "http://127.0.0.1:8000"
HEADERS = {"Content-Type": "application/json", "Synthetic-Request": "smoke"}


def ask(url: str, body: Any = None) -> Any:
    """Send a request marked as synthetic, and return the JSON of its response."""
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(url, data, HEADERS)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        reason = error.read(500).decode(errors="replace")
        raise UserError(f"{url}: {error.code}: {reason}") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{url}: no answer of the service: {error}") from error


def smoke(url: str) -> str:
    """Predict the example of the description, and describe the model that serves."""
    ask(f"{url}/readyz")
    described = ask(f"{url}/openapi.json")["paths"]["/predict"]["post"]["requestBody"]
    answer = ask(f"{url}/predict", described["content"]["application/json"]["example"])
    champion = ask(f"{url}/model")["champion"]
    return (
        f"{url} serves version {champion['version']} (run {champion['run_id']}, data "
        f"{champion['data_version']}) and predicts {answer['prediction']} for its example"
    )


def main() -> None:
    """Test the service at a URL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default=DEFAULT, help=f"by default {DEFAULT}")
    print(smoke(parser.parse_args().url.rstrip("/")))


if __name__ == "__main__":
    run(main)
