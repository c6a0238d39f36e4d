"""A runtime of MLServer for ONNX, which gets computed features."""

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class OnnxModel(MLModel):  # type: ignore[misc]  # MLServer is not in the development environment
    """The model that the folder's model-settings.json names."""

    async def load(self) -> bool:
        """Load the model."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri, options)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Predict one row."""
        matrix = NumpyCodec.decode_input(payload.inputs[0])
        prediction = self.session.run(None, {"features": matrix})[0]
        output = NumpyCodec.encode_output("prediction", prediction)
        return InferenceResponse(model_name=self.name, outputs=[output])
