"""The training pipeline on Kubeflow Pipelines: the same steps, one container each."""
