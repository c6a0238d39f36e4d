"""A minimal FastAPI server with the registered scikit-learn model, without batching."""

import os

import joblib
import pandas as pd
from fastapi import FastAPI

from .ride import Ride, features_of
from .stack import serve

model = joblib.load(os.environ["MODEL"])


async def predict(ride: Ride) -> dict[str, float]:
    """Predict one row."""
    return {"prediction": float(model.predict(pd.DataFrame(features_of(ride)))[0])}


app = FastAPI()
app.add_api_route("/predict", predict, methods=["POST"])

if __name__ == "__main__":
    serve(app)
