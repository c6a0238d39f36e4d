"""The training pipeline: tracked, versioned, and gated."""

import atexit
import gc
import os

# What the libraries bring when they are imported lives to the end. To look through it for garbage,
# again and again and once more at the exit, would take a fifth of a short run.
gc.set_threshold(100_000)
atexit.register(gc.freeze)
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before the first import of mlflow
