"""The training pipeline: tracked, versioned, and gated."""

import gc
import os

# What the libraries bring when they are imported lives on: looking through it for garbage, again
# and again, would take a tenth of a short run.
gc.set_threshold(100_000)
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before the first import of mlflow
