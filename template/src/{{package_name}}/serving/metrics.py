"""What Prometheus is told. Every name that the rules and the dashboard use is defined here.

Labelled children that a request touches are looked up once and kept: looking them up each time
costs more than counting.
"""

from prometheus_client import Counter, Gauge, Histogram, Summary

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

requests = Counter("http_requests", "Answered requests", ["path", "status"])
request_seconds = Histogram(
    "http_request_seconds", "From a request's arrival to its answer", ["path"], buckets=SECONDS
)
rejected_requests = Counter("rejected_requests", "Requests to /predict refused", ["reason"])
invalid_fields = Counter("invalid_fields", "Fields that made a request invalid", ["field"])
missing_values = Counter("missing_values", "Values left out of valid rows", ["field"])

predictions = Counter("predictions", "Predicted rows", ["version", "variant"])
shadow_predictions = Counter("shadow_predictions", "Rows the challenger saw too", ["version"])
shadow_failures = Counter("shadow_failures", "Rows the challenger failed at")
feature_drift = Gauge(
    "feature_drift", "Population stability index of a field of the recent rows", ["field"]
)

feedback = Counter("feedback", "True values told", ["result"])  # known or unknown prediction
model_score = Summary("model_score", "Scores of predictions by their truth", ["version", "variant"])
reference_score = Gauge("model_reference_score", "Mean score on held-out rows", ["version"])
score_sign = Gauge("model_score_sign", "1 if lower scores are better, -1 if higher ones are")

model_info = Gauge(
    "model_info", "What serves", ["version", "variant", "run_id", "data_version", "git_commit"]
)
ready = Gauge("service_ready", "1 if there is a model that answers")
bundle_loads = Counter("bundle_loads", "Attempts to take up another bundle", ["result"])

log_written = Counter("prediction_log_written", "Records in the store")
log_dropped = Counter("prediction_log_dropped", "Records lost: the store did not take them in time")
log_failures = Counter("prediction_log_failures", "Attempts to write that the store refused")
log_waiting = Gauge("prediction_log_waiting", "Records in memory, not yet in the store")
