"""Check 3.1: an alert on slow predictions, run by Prometheus' own promtool."""

from typing import Any

RULES = "deploy/prometheus/rules/course.yml"
SLOW = 'http_request_seconds_bucket{job="service",path="/predict",le="%s"}'
BUCKETS = ["0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "+Inf"]


def cases(variant: dict[str, Any]) -> list[dict[str, Any]]:
    """Return series of requests, and the minute at which the alert must fire, or not."""
    limit = variant["objective_ms"]
    return [
        case(f"5 % of requests slower than {limit} ms for 30 minutes", limit, 0.05, 30, True),
        case(f"5 % of requests slower than {limit} ms for 4 minutes", limit, 0.05, 4, False),
        case("all requests fast", limit, 0, 30, False),
    ]


def case(what: str, limit: int, share: float, minutes: int, fires: bool) -> dict[str, Any]:
    """Return a case: the share of slow requests, for how long, and whether the alert fires."""
    return {
        "did": f"promtool test rules {RULES}: {what}",
        "given": [limit, share, minutes],
        "expected": f"SlowPredictions {'fires' if fires else 'is quiet'}",
    }


def observe(given: list[Any]) -> str:
    """Run promtool with the series, and return whether the alert fires at minute 25."""
    import json
    import shutil
    import subprocess
    import tempfile
    from pathlib import Path

    if not Path(RULES).exists():
        return "the file is missing"
    promtool = shutil.which("promtool")
    if promtool is None:
        return "not checked: promtool is not installed, see https://prometheus.io/download/"
    limit, share, minutes = given
    series = []
    for bucket in BUCKETS:
        below = bucket != "+Inf" and float(bucket) <= limit / 1000
        slow = 6000 * (1 - share) if below else 6000  # requests a minute
        quick = minutes < 30
        values = f"0+{slow:.0f}x{minutes}" + (
            f" {slow * minutes + 6000:.0f}+6000x40" if quick else ""
        )
        series.append({"series": SLOW % bucket, "values": values})
    count = {
        "series": SLOW.replace("_bucket", "_count").split(",le=")[0] + "}",
        "values": "0+6000x60",
    }
    seconds = 6000 * ((1 - share) * 0.001 + share * 2 * limit / 1000)
    total = {"series": count["series"].replace("_count", "_sum"), "values": f"0+{seconds:.3f}x60"}
    at = {"eval_time": "25m", "alertname": "SlowPredictions", "exp_alerts": []}
    test = {"interval": "1m", "input_series": [*series, count, total], "alert_rule_test": [at]}
    with tempfile.TemporaryDirectory() as folder:
        content = {"rule_files": [str(Path(RULES).absolute())], "tests": [test]}
        file = Path(folder) / "test.yml"
        file.write_text(json.dumps(content), encoding="utf-8")
        run = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True)
    printed = run.stdout + run.stderr
    if run.returncode == 0:
        return "SlowPredictions is quiet"
    if "got:" in printed and "SlowPredictions" in printed.partition("got:")[2]:
        return "SlowPredictions fires"
    return f"promtool: {' '.join(printed.split())[-200:]}"
