"""The training pipeline: tracked, versioned, and gated."""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before the first import of mlflow
