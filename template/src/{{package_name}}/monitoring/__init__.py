"""Monitoring of the served model: data drift and the metric by day."""
