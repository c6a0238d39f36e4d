"""Report where the cells tagged `problem` of notebook.ipynb and problem.py differ.

The notebook is yours to keep or to delete; nothing updates it. Nothing here is an error.
"""

import ast
import json
from pathlib import Path


def definitions(source: str) -> dict[str, str]:
    """Return the code of each function, class and constant by name, without its layout."""
    found: dict[str, str] = {}
    for node in ast.parse(source).body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        names = [getattr(node, "name", None), *(getattr(one, "id", None) for one in targets)]
        found |= {name: ast.dump(node) for name in names if name}
    return found


def main() -> None:
    """Print the functions that differ."""
    (problem,) = Path("src").glob("*/problem.py")
    notebook = Path("notebook.ipynb")
    if not notebook.exists():
        return
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "problem" in cell["metadata"].get("tags", [])]
    try:
        inside = definitions("\n".join("".join(cell["source"]) for cell in tagged))
    except SyntaxError as error:
        print(f"notebook.ipynb: the cells tagged `problem` are not plain Python: {error}")
        return
    outside = definitions(problem.read_text(encoding="utf-8"))
    differing = [name for name in inside if name in outside and inside[name] != outside[name]]
    if differing:
        print(f"notebook.ipynb and {problem} differ in {', '.join(differing)}")
        print("explore.ipynb imports the package instead, and cannot differ.")


if __name__ == "__main__":
    main()
