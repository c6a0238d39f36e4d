"""A minimal FastAPI server with onnxruntime, without batching."""

import numpy as np
import onnxruntime
from fastapi import FastAPI

from .ride import BUNDLE, Ride, features_of
from .stack import serve

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(BUNDLE / "model.onnx", options)


async def predict(ride: Ride) -> dict[str, float]:
    """Predict one row."""
    feed = {
        name: values.reshape(-1, 1)
        if values.dtype == object
        else values.astype(np.float32).reshape(-1, 1)
        for name, values in features_of(ride).items()
    }
    return {"prediction": session.run(None, feed)[0].item()}


app = FastAPI()
app.add_api_route("/predict", predict, methods=["POST"])

if __name__ == "__main__":
    serve(app)
