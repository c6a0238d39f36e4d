"""Deployment: a registered model is exported, proven and released, or rolled back."""
