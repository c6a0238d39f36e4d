"""Generates machine-learning projects at the MLOps level you need now, and lets them climb."""
