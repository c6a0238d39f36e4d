"""What every problem has, by name. The docstring of a generated `problem.py` tells what each is."""

TAG = "problem"
"""The tag of those cells in the notebook that make the problem."""
FUNCTIONS = ["load", "features", "build_model", "score_rows", "baseline", "slices"]
INTERFACE = [*FUNCTIONS, "SCHEMA", "TARGET", "TIME", "METRIC", "LOWER_IS_BETTER"]
FOR_A_PACKAGE = ["SEARCH_SPACE", "TRUSTED_TYPES"]
"""What a problem has, too, but a notebook needs not."""
