"""The names that every problem defines; the docstring of `problem.py` describes them."""

TAG = "problem"
"""The tag of the notebook's cells that hold the problem."""
FUNCTIONS = ["load", "features", "build_model", "score_rows", "baseline", "slices"]
INTERFACE = [*FUNCTIONS, "SCHEMA", "TARGET", "TIME", "METRIC", "LOWER_IS_BETTER"]
PACKAGE_NAMES = ["SEARCH_SPACE", "TRUSTED_TYPES"]
"""Names that a package needs and a notebook may omit."""
