"""Fix, format and lint a module with ruff, by the rules of the generated project."""

import ast
import json
import re
import subprocess
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RULES = "E,F,W,I,B,UP,SIM,N,RUF,S301"
"""The rules of the generated pyproject.toml for problem.py; level 0 does not have them yet."""
SETTINGS = [
    "--config=line-length = 100",
    "--config=target-version = 'py311'",
    "--config=lint.extend-safe-fixes = ['E731']",
]
MOST_ROUNDS = 3  # a comment may make `ruff format` split its line, and so on
BARE_EXCEPT = "E722"
EXCEPT_REMARK = "problem.py: `except:` became `except Exception:`. Name the errors that you expect"


@dataclass(frozen=True)
class Formatted:
    """A formatted module, with remarks about the rules that it does not follow."""

    text: str
    remarks: list[str]


def format_module(text: str, modules: Collection[str] = ()) -> Formatted | None:
    """Fix and format a module, and add `noqa` comments to what cannot be fixed.

    The ruff that was installed with this program is run, without any settings of the user.

    Parameters
    ----------
    text
        The source of the module.
    modules
        Modules beside the notebook, whose imports are sorted as the project's own.

    Returns
    -------
    Formatted or None
        None if ruff is not installed or fails.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            return run_steps(Path(folder) / "problem.py", text, modules)
    except (ImportError, OSError, ValueError, subprocess.CalledProcessError):
        return None


def run_steps(file: Path, text: str, modules: Collection[str]) -> Formatted:
    """Fix and format the text in a file."""
    own = f"--config=lint.isort.known-first-party = {json.dumps(sorted(modules))}"
    check = ["check", f"--select={RULES}", own, "--no-cache"]
    write(file, text)
    fix(file, check)
    remarks = []
    found = find_violations(file, check)
    if any(one["code"] == BARE_EXCEPT for one in found):
        replace_bare_excepts(file, found)
        remarks.append(EXCEPT_REMARK)
        found = find_violations(file, check)
    remarks += describe(found, file.read_text(encoding="utf-8"))
    for _ in range(MOST_ROUNDS):
        if not found:
            break
        ruff(file, *check, "--add-noqa")
        fix(file, check)
        found = find_violations(file, check)
    return Formatted(file.read_text(encoding="utf-8"), remarks)


def fix(file: Path, check: Sequence[str]) -> None:
    """Format the file and fix what ruff can fix."""
    ruff(file, *check, "--fix-only")
    ruff(file, "format")
    ruff(file, *check, "--fix-only")  # formatting moves `noqa` comments away from their code


def ruff(file: Path, *command: str) -> str:
    """Run ruff on a file and return what it prints.

    Raises
    ------
    ImportError, OSError, subprocess.CalledProcessError
        Ruff is not installed or fails.
    """
    from ruff.__main__ import find_ruff_bin

    return subprocess.run(
        [find_ruff_bin(), *command, "--isolated", *SETTINGS, "--quiet", str(file)],
        cwd=file.parent,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout


def find_violations(file: Path, check: Sequence[str]) -> list[dict[str, Any]]:
    """Return the violations of the rules, as ruff reports them."""
    return json.loads(ruff(file, *check, "--output-format=json", "--exit-zero"))


def write(file: Path, text: str) -> None:
    """Write a text file with the same line endings on every system."""
    file.write_text(text, encoding="utf-8", newline="\n")


def replace_bare_excepts(file: Path, found: Sequence[dict[str, Any]]) -> None:
    """Replace `except:` by `except Exception:`."""
    lines = file.read_text(encoding="utf-8").split("\n")
    for row in {one["location"]["row"] for one in found if one["code"] == BARE_EXCEPT}:
        lines[row - 1] = re.sub(r"\bexcept\s*:", "except Exception:", lines[row - 1], count=1)
    write(file, "\n".join(lines))


def describe(found: Sequence[dict[str, Any]], text: str) -> list[str]:
    """Describe the violations in a text, in one line for each rule."""
    statements = ast.parse(text).body
    remarks = []
    for code in sorted({one["code"] for one in found}):
        same = [one for one in found if one["code"] == code]
        rows = {one["location"]["row"] for one in same}
        names = [name_of(s) for s in statements if not rows.isdisjoint(lines_of(s))]
        where = f" (in {', '.join(names)})" if all(names) and names else ""
        message, _, _ = same[0]["message"].partition(". ")
        remarks.append(
            f"problem.py: {message.rstrip('.')}{where}. Fix it, and remove `# noqa: {code}`"
        )
    return remarks


def lines_of(statement: ast.stmt) -> range:
    """Return the numbers of the statement's lines."""
    decorators = getattr(statement, "decorator_list", [])
    first = min(node.lineno for node in [statement, *decorators])
    return range(first, (statement.end_lineno or statement.lineno) + 1)


def name_of(statement: ast.stmt) -> str:
    """Return the name that the statement defines first, or an empty string."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return statement.name
    names = [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return names[0] if isinstance(statement, ast.Assign | ast.AnnAssign) else ""
