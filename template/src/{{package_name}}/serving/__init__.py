"""The service: predictions over HTTP, the prediction log, and releases taken over while it runs."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the first import of onnxruntime
