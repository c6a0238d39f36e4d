"""Check 3.2: predictions from your own service, and what it says of an invalid row."""

from typing import Any

ROW = {
    "pickup_time": "2025-03-05T08:30:00",
    "pickup_zone": "4",
    "dropoff_zone": "33",
    "distance_miles": 3.1,
}


def cases(variant: dict[str, Any]) -> list[dict[str, Any]]:
    """Return rows for the service at `url`, of which the first answer is compared one by one."""
    url = variant["url"]
    short = {**ROW, "distance_miles": 0.4}
    bad = {**ROW, "distance_miles": "far"}
    return [
        {
            "did": "ask(url, rows) of two rides",
            "given": [url, [ROW, short]],
            "expected": "as one by one",
        },
        {
            "did": "ask(url, rows), the second with a distance of 'far'",
            "given": [url, [ROW, bad]],
            "expected": "InvalidRowError that names distance_miles",
        },
    ]


def observe(given: list[Any]) -> str:
    """Compare the answers with those of single requests."""
    import json
    import urllib.request

    from exercises import client

    url, rows = given
    if not url:
        return "the service does not run: make pipeline promote deploy"

    def single(row: dict[str, Any]) -> float:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{url}/predict", json.dumps(row).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            return float(json.load(response)["prediction"])

    try:
        found = client.ask(url, rows)
    except client.InvalidRowError as error:
        named = "distance_miles" in str(error)
        return f"InvalidRowError that names {'distance_miles' if named else 'no field'}"
    if len(found) != len(rows):
        return f"{len(found)} predictions for {len(rows)} rows"
    shown = [0, len(rows) - 1]
    equal = all(abs(found[i] - single(rows[i])) < 1e-6 for i in shown)
    return "as one by one" if equal else "other predictions than one by one"
