"""The service's model without validation, metrics, log and experiments.

With the argument `batched` after the port, concurrent requests share a call of the model, as in the
service; without it, each request calls the model.
"""

import importlib
import os
import sys
from pathlib import Path

import msgspec

from .asgi import application
from .stack import serve

PACKAGE = os.environ["PACKAGE"]
loaded = importlib.import_module(f"{PACKAGE}.serving.model")
fields = importlib.import_module(f"{PACKAGE}.serving.fields")

model = loaded.Model(Path(os.environ["BUNDLE"]), "champion")
names = {f"field_{i}": field.name for i, field in enumerate(model.manifest.fields)}
types = [fields.TYPES[field.kind] for field in model.manifest.fields]
row = msgspec.defstruct("Row", list(zip(names, types, strict=True)), rename=names)
decode = msgspec.json.Decoder(row).decode
encode = msgspec.json.Encoder().encode


async def alone(body: bytes) -> bytes:
    """Predict one row."""
    return encode({"prediction": model.predict([decode(body)])[0]})


async def together(body: bytes) -> bytes:
    """Predict one row in a batch with concurrent requests."""
    return encode({"prediction": (await model.batcher.submit([decode(body)]))[0]})


if __name__ == "__main__":
    serve(application(together if "batched" in sys.argv else alone))
