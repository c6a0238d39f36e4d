"""The service: what is served, how it is asked, and how a new model takes its place."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the first import of onnxruntime
