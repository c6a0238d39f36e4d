"""Benchmark of generating and climbing, against the smallest template and other generators.

The commands run alternately, in rounds, so that other load on the machine affects all of them.
Ratios are computed within a round.
"""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from statistics import median

import copier

from projects import LEVELS, Ladder, answers_of, commit_all, git, snapshot, tree

from .measurement import Cost, circumstances, cost_of, load, spread, table, verdict

COPY = ["copier", "copy", "--defaults"]
UPDATE = ["copier", "update", "--vcs-ref=:current:", "--defaults"]
ONE_FILE = "copier: one file"
ONE_FILE_UPDATE = "copier: one file, updated"
TARGETS = {"mlops-ladder: level 2": 1.5}

PEERS = ["cookiecutter", "cookiecutter-data-science", "kedro"]
PEER_VERSION = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
QUIET_PEERS = {"DO_NOT_TRACK": "1"}  # disables the telemetry of kedro
JINJA_OPENING = re.compile(r"\{[{%#]")


@dataclass(frozen=True)
class Case:
    """A command that runs in a new folder, empty or a copy of the project `start`.

    Its CPU time is divided by that of the case `against`.
    """

    name: str
    command: list[str]
    start: Path | None = None
    against: str = ONE_FILE


def one_file_template(folder: Path) -> Path:
    """Create the smallest template: one file, and the answers file that updates need."""
    files = {
        "copier.yml": "title:\n  type: str\n  default: A title\n",
        "README.md.jinja": "# {{ title }}\n",
        "{{_copier_conf.answers_file}}.jinja": "{{ _copier_answers | to_nice_yaml }}",
    }
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    commit_all(folder, "The template")
    git(folder, "tag", "v0.0.1")
    return folder


def one_file_project(template: Path, folder: Path) -> Path:
    """Generate a project from the one-file template, for an update."""
    copier.run_copy(str(template), folder, defaults=True, quiet=True)
    commit_all(folder, "The project")
    return folder


def as_cookiecutter_template(project: Path, folder: Path) -> Path:
    """Create a cookiecutter template with the project's files.

    Its only variable is in folder names, as cookiecutter takes some small text files for binary.
    """
    package = answers_of(project)["package_name"]
    variable = "{{cookiecutter.package_name}}"
    for name, body in tree(project).items():
        file = folder / variable / name.replace(package, variable)
        file.parent.mkdir(parents=True, exist_ok=True)
        text = JINJA_OPENING.sub(r"{{ '\g<0>' }}", body.decode())
        file.write_text(text, encoding="utf-8", newline="")
    (folder / "cookiecutter.json").write_text(json.dumps({"package_name": package}))
    return folder


def copier_cases(one_file: Path, one_file_start: Path, ladder: Ladder) -> list[Case]:
    """Return every level and every climb, with their baselines."""
    source = str(ladder.template)
    return [
        Case(ONE_FILE, [*COPY, str(one_file), "project"]),
        *(
            Case(f"mlops-ladder: level {level}", [*COPY, f"--data=level={level}", source, "p"])
            for level in LEVELS
        ),
        Case(
            ONE_FILE_UPDATE,
            [*UPDATE, "--data=title=Another"],
            one_file_start,
            against=ONE_FILE_UPDATE,
        ),
        *(
            Case(
                f"mlops-ladder: from level {low} to {high}",
                [*UPDATE, f"--data=level={high}"],
                ladder.project(low),
                against=ONE_FILE_UPDATE,
            )
            for low, high in pairwise(LEVELS)
        ),
    ]


def install_peers(folder: Path) -> Path:
    """Install other generators into a virtual environment, and return its folder of commands."""
    subprocess.run(["uv", "venv", "--quiet", str(folder)], check=True)
    install = ["uv", "pip", "install", "--quiet", "--python", str(folder), *PEERS]
    subprocess.run(install, check=True)
    return folder / "bin"


def peer_version(commands: Path, peer: str) -> str:
    """Return the installed version."""
    command = [str(commands / "python"), "-c", PEER_VERSION, peer]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def peer_cases(commands: Path, same_tree: Path, ccds_template: Path | None) -> list[Case]:
    """Return the other generators, without network access."""
    kedro = ["new", "--name=project", "--tools=none", "--example=n", "--telemetry=no"]
    cases = [
        Case(
            "cookiecutter: the files of level 2",
            [str(commands / "cookiecutter"), "--no-input", str(same_tree)],
        ),
        Case("kedro: new, without tools", [str(commands / "kedro"), *kedro]),
    ]
    if ccds_template is not None:
        ccds = [str(commands / "ccds"), "--no-input", str(ccds_template)]
        cases.append(Case("cookiecutter-data-science, local template", ccds))
    return cases


def check_same_tree(case: Case, project: Path, folder: Path) -> None:
    """Check that the case writes the project's files, so that the costs are comparable."""
    folder.mkdir()
    cost_of(case.command, folder, HOME=str(folder.parent))
    assert tree(folder / answers_of(project)["package_name"]) == tree(project)


def run_once(case: Case, variables: dict[str, str]) -> Cost:
    """Return the cost of a command in a temporary folder."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "here"
        if case.start is None:
            folder.mkdir()
        else:
            shutil.copytree(case.start, folder)
        return cost_of(case.command, folder, **variables)


def measure(cases: list[Case], rounds: int, home: Path) -> dict[str, list[float]]:
    """Return the CPU seconds of each case in each round, after a warm-up round.

    The commands get their own home folder, so that the user's settings have no effect.
    """
    variables = {"HOME": str(home), **QUIET_PEERS}
    for case in cases:
        run_once(case, variables)
    costs: dict[str, list[float]] = {case.name: [] for case in cases}
    for _ in range(rounds):
        for case in cases:
            costs[case.name].append(run_once(case, variables).cpu)
    return costs


def row(case: Case, costs: dict[str, list[float]]) -> list[str]:
    """Return a row of the table."""
    pairs = zip(costs[case.name], costs[case.against], strict=True)
    ratios = [own / other for own, other in pairs]
    target = TARGETS.get(case.name)
    return [
        case.name,
        f"{median(costs[case.name]):.2f}",
        "1" if case.name == case.against else spread(ratios),
        "" if target is None else verdict(median(ratios), target, " times"),
    ]


def not_measured(ccds_template: Path | None) -> list[list[str]]:
    """Return rows for what is not measured."""
    if ccds_template is not None:
        return []
    reason = "not measured: it downloads its template"
    return [["cookiecutter-data-science", "", reason, ""]]


def read_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--no-peers", action="store_true", help="do not install and measure other generators"
    )
    parser.add_argument(
        "--ccds-template",
        type=lambda path: Path(path).resolve(),
        help="a clone of cookiecutter-data-science, whose wheel does not contain its template",
    )
    return parser.parse_args()


def main() -> None:
    """Measure, and print the table."""
    arguments = read_arguments()
    load_before = load()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        projects, home = folder / "projects", folder / "home"
        projects.mkdir()
        home.mkdir()
        ladder = Ladder(template=snapshot(folder / "template"), folder=projects)
        one_file = one_file_template(folder / "one-file")
        cases = copier_cases(one_file, one_file_project(one_file, folder / "start"), ladder)
        versions = {"copier": version("copier"), "git": git(folder, "version").split()[2]}
        unmeasured = []
        if not arguments.no_peers:
            commands = install_peers(folder / "peers")
            same_tree = as_cookiecutter_template(ladder.fresh(2), folder / "same-tree")
            peers = peer_cases(commands, same_tree, arguments.ccds_template)
            check_same_tree(peers[0], ladder.fresh(2), folder / "check")
            cases += peers
            unmeasured = not_measured(arguments.ccds_template)
            versions |= {peer: peer_version(commands, peer) for peer in PEERS}
        costs = measure(cases, arguments.rounds, home)
    print(circumstances(versions))
    print(f"Medians of {arguments.rounds} rounds; load {load_before} before and {load()} after.\n")
    header = ["", "CPU seconds", "times the one file", "target"]
    print(table(header, [*(row(case, costs) for case in cases), *unmeasured]))


if __name__ == "__main__":
    main()
