"""Configuration of the documentation site."""

import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
# The extension below, and the package of this checkout, never an installed copy.
sys.path[:0] = [str(DOCS / "_ext"), str(DOCS.parent / "src")]

project = "mlops-ladder"
author = "the mlops-ladder authors"
release = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"]["version"]

extensions = ["myst_parser", "generated"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True
myst_heading_anchors = 3  # the headings that other pages may link to, as in `gates.md#level-2`
myst_enable_extensions = ["deflist"]
smartquotes = False  # `--data` in a sentence keeps its two hyphens

html_theme = "furo"
html_title = f"mlops-ladder {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_use_index = False
