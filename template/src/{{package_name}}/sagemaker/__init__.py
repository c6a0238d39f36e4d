"""The training pipeline on SageMaker Pipelines: containers that call the steps of `pipelines/`."""
