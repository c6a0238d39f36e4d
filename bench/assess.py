"""Benchmark of `assess` on repositories of 200, 1,000, 3,000 and 20,000 files.

The first three are a project of the highest level, and copies of the modules of its package below
other names until there are as many Python files; in the fourth, 17,000 small files of data and
text come on top of 3,000 modules. Each is assessed by a process of its own, imports included; the
smallest again beside each of the others, so that ratios are of the same minutes. The last row is
what Python needs to parse the 3,000 modules, which no assessment of them all can do without.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from projects import LEVELS, Ladder, snapshot, tree

from .measurement import circumstances, load, spread, table, verdict

SIZES = [200, 1_000, 3_000]
TARGETS = {200: 1.0, 3_000: 5.0}
MOST_FILES = 20_000
PARSED = "3,000 modules, parsed only"
MEMORY_TARGET = 300  # MB
PARSE = """
import ast, gc, pathlib
gc.disable()
for file in pathlib.Path({folder!r}).rglob("*.py"):
    ast.parse(file.read_text())
"""
ASSESS = "from mlops_ladder.cli import main; main()"


@dataclass(frozen=True)
class Cost:
    """The CPU seconds and the megabytes of an assessment."""

    cpu: float
    memory: float


def write_tree(folder: Path, project: dict[str, bytes], modules: int, others: int = 0) -> Path:
    """Write a project with copies of its modules, and other files, below a folder."""
    own = [path for path in project if path.startswith("src/") and path.endswith(".py")]
    (package,) = {path.split("/")[1] for path in own}
    files = dict(project)
    count, copy = sum(path.endswith(".py") for path in files), 0
    while count < modules:
        copy += 1
        for path in own[: modules - count]:
            name = f"part_{copy}"
            body = project[path].replace(package.encode(), name.encode())
            files[f"src/{name}/{path.split('/', 2)[2]}"] = body
        count += len(own[: modules - count])
    for number in range(others):
        files[f"data/{number % 100}/{number}.json"] = b'{"rows": [1, 2, 3]}\n'
    for path, body in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(body)
    return folder


def cost_of_assessing(folder: Path) -> Cost:
    """Return what the command costs in a process of its own."""
    arguments = ["mlops-ladder", "assess", str(folder), "--json"]
    return cost_of(f"import sys; sys.argv = {arguments!r}; {ASSESS}")


def cost_of_parsing(folder: Path) -> Cost:
    """Return what parsing all modules costs in a process of its own."""
    return cost_of(PARSE.format(folder=str(folder)))


def cost_of(code: str) -> Cost:
    """Return what running code costs in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    measured = f"""
import resource
try:
    exec({code!r})
finally:
    import sys
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""
    finished = subprocess.run(
        [sys.executable, "-c", measured], capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return Cost(cpu, int(finished.stderr.split()[-1]) / unit)


def row(name: str, modules: int, costs: list[tuple[Cost, Cost]]) -> list[str]:
    """Return a row of the table."""
    cpu = median(one.cpu for one, _ in costs)
    memory = max(one.memory for one, _ in costs)
    target = TARGETS.get(modules) if name == f"{modules:,} modules" else None
    return [
        name,
        spread([one.cpu for one, _ in costs]),
        verdict(cpu, target, " s") if target else "",
        spread([one.cpu / smallest.cpu for one, smallest in costs]),
        f"{memory:.0f}",
        verdict(memory, MEMORY_TARGET, " MB"),
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    load_before = load()
    with tempfile.TemporaryDirectory() as parent:
        made = Path(parent) / "projects"
        made.mkdir()
        ladder = Ladder(template=snapshot(Path(parent) / "template"), folder=made)
        project = tree(ladder.fresh(LEVELS[-1]))
        top = Path(parent)
        trees = {
            f"{size:,} modules": (size, write_tree(top / str(size), project, size))
            for size in SIZES
        }
        most = write_tree(top / "most", project, SIZES[-1], MOST_FILES - SIZES[-1])
        trees[f"{SIZES[-1]:,} modules, {MOST_FILES:,} files"] = (SIZES[-1], most)
        smallest = trees[f"{SIZES[0]:,} modules"][1]
        cost_of_assessing(smallest)  # compiles the package
        costs: dict[str, list[tuple[Cost, Cost]]] = {name: [] for name in [*trees, PARSED]}
        for _ in range(rounds):
            for name, (_size, folder) in trees.items():
                costs[name].append((cost_of_assessing(folder), cost_of_assessing(smallest)))
            costs[PARSED].append((cost_of_parsing(most), cost_of_assessing(smallest)))
    print(circumstances({}))
    print(f"Medians of {rounds} rounds; load {load_before} before and {load()} after.\n")
    header = ["", "CPU seconds", "target", "times the smallest", "memory, MB", "target"]
    rows = {name: size for name, (size, _) in trees.items()} | {PARSED: SIZES[-1]}
    print(table(header, [row(name, size, costs[name]) for name, size in rows.items()]))


if __name__ == "__main__":
    main()
