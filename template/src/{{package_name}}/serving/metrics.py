"""The metrics of the service, for Prometheus: the names that rules and dashboards use.

Labelled children that a request needs are looked up once and kept, because a look-up costs more
than counting. With several workers, prometheus_client shares the values in files.
"""

import os
from contextlib import suppress
from pathlib import Path

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Summary,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

PROM_FILES = "metrics"  # the folder beside the release with other programs' metrics
SHARED = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

requests = Counter("http_requests", "Answered requests", ["path", "status"])
request_seconds = Histogram(
    "http_request_seconds", "Time from arrival to response", ["path"], buckets=SECONDS
)
synthetic_requests = Counter("synthetic_requests", "Requests of tests", ["path", "status"])
rejected_requests = Counter("rejected_requests", "Requests to /predict refused", ["reason"])
invalid_fields = Counter("invalid_fields", "Fields that made a request invalid", ["field"])
missing_values = Counter("missing_values", "Missing values in valid rows", ["field"])

predictions = Counter("predictions", "Predicted rows", ["version", "variant"])
shadow_predictions = Counter("shadow_predictions", "Rows predicted in the shadow", ["version"])
shadow_failures = Counter("shadow_failures", "Rows at which the shadow challenger failed")
feedback = Counter("feedback", "Ground truth received", ["result"])  # known, unknown prediction
model_score = Summary("model_score", "Scores of predictions", ["version", "variant"])
bundle_loads = Counter("bundle_loads", "Attempts to load a release", ["result"])

log_written = Counter("prediction_log_written", "Records in the database")
log_dropped = Counter("prediction_log_dropped", "Records lost")
log_sampled_out = Counter("prediction_log_sampled_out", "Predictions that a sampled one stands for")
log_failures = Counter("prediction_log_failures", "Failed attempts to write")
log_waiting = Gauge(
    "prediction_log_waiting", "Records in memory, not yet written", multiprocess_mode="livesum"
)


def exposition(release: Collector, folder: Path) -> bytes:
    """Return all metrics: of the workers, of the release, and of other programs' .prom files."""
    registry = CollectorRegistry()
    if SHARED in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    registry.register(release)
    return b"".join([generate_latest(registry), *map(valid_text, sorted(folder.glob("*.prom")))])


def valid_text(file: Path) -> bytes:
    """Return the metrics in a file in Prometheus' text format; nothing if they are not."""
    with suppress(OSError, ValueError, IndexError):  # the parser raises both
        text = file.read_text(encoding="utf-8")
        list(text_string_to_metric_families(text))
        return text.encode()
    return b""
