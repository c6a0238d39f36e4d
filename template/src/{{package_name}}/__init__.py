"""Predicts what `problem.py` describes."""
