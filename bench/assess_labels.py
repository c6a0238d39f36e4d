"""Measure `assess` on repositories labelled by hand: precision, recall, dimensions and level.

    python bench/assess_labels.py FOLDER [--disagreements]

FOLDER holds a copy of each repository at the labelled commit, named `owner-name`, for example by
`git archive COMMIT | tar x -C FOLDER/owner-name`, then `git init` and `git add --force .` in it:
what is committed counts, whatever `.gitignore` has. What has no copy is named and left out.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import yaml

from mlops_ladder.assess.criteria import criteria
from mlops_ladder.assess.engine import Assessment, assess
from mlops_ladder.inspection.walk import read_folder

LABELS = Path(__file__).parents[1] / "tests" / "assess" / "labels"
SETS = ("development", "held-out", *(f"held-out-{number}" for number in range(2, 18)))
Z = 1.959964  # of a two-sided interval of 95 %
MUSTS = frozenset(one.id for one in criteria() if one.kind == "must")


@dataclass(frozen=True)
class Judged:
    """A labelled repository beside what `assess` says."""

    label: dict[str, Any]
    found: Assessment

    @property
    def name(self) -> str:
        """The owner and the name."""
        return str(self.label["repository"])

    def pairs(self) -> list[tuple[str, str, str]]:
        """Return each criterion with its labelled and its found status."""
        said = {"not applicable": "na"}
        return [
            (id, one["status"], said.get(status := self.found.findings[id].status, status))
            for id, one in self.label["criteria"].items()
        ]

    def errors(self) -> list[int]:
        """Return how far each dimension is off."""
        found = self.found.profile.dimensions
        return [abs(found[name] - said) for name, said in self.label["dimensions"].items()]


def labels() -> list[dict[str, Any]]:
    """Return the labels of all repositories."""
    return [
        one
        for path in sorted(LABELS.glob("*.yml"))
        for one in yaml.safe_load(path.read_text(encoding="utf-8"))["repositories"]
    ]


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Return the interval of 95 % of a share, by Wilson."""
    if not trials:
        return 0.0, 1.0
    share, square = hits / trials, Z * Z / trials
    middle = (share + square / 2) / (1 + square)
    half = Z * sqrt(share * (1 - share) / trials + square / (4 * trials)) / (1 + square)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def shown(hits: int, trials: int) -> str:
    """Return a share with its interval and counts."""
    if not trials:
        return "-"
    low, high = wilson(hits, trials)
    return f"{hits / trials:.2f} ({low:.2f} to {high:.2f}; {hits} of {trials})"


def counts(pairs: Iterable[tuple[str, str, str]]) -> Counter[str]:
    """Count what precision and recall of "met" and the share of answers need.

    A "met" is right only where the label is met. Recall counts the criteria that are answered: what
    is found unknown lowers the share of answers instead.
    """
    found: Counter[str] = Counter()
    for id, said, got in pairs:
        found["all"] += 1
        found["same"] += said == got
        found["claimed"] += got == "met"
        found["right"] += said == got == "met"
        found["there"] += said == "met" and got != "unknown"
        found["musts"] += id in MUSTS
        found["answered"] += id in MUSTS and got != "unknown"
    return found


def summary(judged: Sequence[Judged]) -> list[tuple[str, str]]:
    """Return the figures of a set of repositories."""
    found = counts(pair for one in judged for pair in one.pairs())
    errors = [error for one in judged for error in one.errors()]
    exact = sum(one.found.profile.level == one.label["level"] for one in judged)
    return [
        ("repositories", str(len(judged))),
        ('precision of "met"', shown(found["right"], found["claimed"])),
        ('recall of "met"', shown(found["right"], found["there"])),
        ("required criteria answered", shown(found["answered"], found["musts"])),
        ("status as labelled", shown(found["same"], found["all"])),
        ("mean absolute error of a dimension", f"{sum(errors) / max(len(errors), 1):.2f}"),
        ("level as labelled", shown(exact, len(judged))),
    ]


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table of Markdown."""
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def print_criteria(judged: Sequence[Judged]) -> None:
    """Print precision and recall of each criterion."""
    rows = []
    for one in criteria():
        found = counts(pair for each in judged for pair in each.pairs() if pair[0] == one.id)
        right = found["right"]
        precision = f"{right}/{found['claimed']}" if found["claimed"] else "-"
        recall = f"{right}/{found['there']}" if found["there"] else "-"
        rows.append([one.id, one.name, precision, recall, f"{found['same']}/{found['all']}"])
    print_table(["id", "criterion", "precision", "recall", "as labelled"], rows)


def print_disagreements(judged: Sequence[Judged]) -> None:
    """Print each criterion that is found otherwise than labelled, with both reasons."""
    for one in judged:
        profile = one.found.profile
        print(f"## {one.name}: level {one.label['level']} and {profile.level}")
        print(f"   {one.label['dimensions']}\n   {profile.dimensions}")
        for id, said, got in one.pairs():
            if said != got:
                finding, label = one.found.findings[id], one.label["criteria"][id]
                places = ", ".join(f"{each.place} {each.what}" for each in finding.evidence)
                print(f"{id} {said} -> {got}: {label['reason']} {label.get('evidence', [])}")
                print(f"    {finding.reason} [{places}]")


def main() -> int:
    """Assess the copies in a folder and print how they compare with the labels."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--disagreements", action="store_true")
    asked = parser.parse_args()
    judged = []
    for label in labels():
        folder = asked.folder / label["repository"].replace("/", "-")
        if not folder.is_dir():
            print(f"not measured, no copy: {label['repository']}", file=sys.stderr)
            continue
        tree = read_folder(folder)
        judged.append(Judged(label, assess(tree, tree.sizes)))
    groups = {name: [one for one in judged if one.label["set"] == name] for name in SETS}
    groups = {name: group for name, group in groups.items() if group}
    if len(groups) > 1:
        groups["all"] = judged
    columns = [dict(summary(group)) for group in groups.values()]
    if not columns:
        parser.error(f"{asked.folder} has no copy of a labelled repository")
    print_table(["", *groups], [[name, *(one[name] for one in columns)] for name in columns[0]])
    print_criteria(judged)
    if asked.disagreements:
        print_disagreements(judged)
    return 0


if __name__ == "__main__":
    sys.exit(main())
