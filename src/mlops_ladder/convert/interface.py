"""The names that a problem defines; `docs/another-problem.md` of a project describes them."""

TAG = "problem"
"""The tag of the notebook's cells that hold the problem."""
FUNCTIONS = ["load", "features", "build_model", "score_rows", "baseline", "slices"]
INTERFACE = [*FUNCTIONS, "SCHEMA", "TARGET", "TIME", "METRIC", "LOWER_IS_BETTER"]
PACKAGE_NAMES = ["SEARCH_SPACE", "TRUSTED_TYPES"]
"""Names that a package needs and a notebook may omit."""
OPTIONAL_NAMES = ["TASK", "CLASSES", "THRESHOLD", "METRICS", "sample"]
"""Names that a problem may define in tagged cells."""
