"""The training pipeline on TFX: what its components call in the project's own environment."""
