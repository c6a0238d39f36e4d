"""Style, hooks, tasks and notices of new packages."""

import re
from collections.abc import Iterator

from ....inspection.commands import hook_entries
from ....inspection.files import as_mapping, mappings_in
from ...evidence import fitting_places, reached_by
from ...finding import Evidence, Finding, any_of, criterion, met, missing
from ...other_files import all_mappings
from ...places import at_text, uncommented
from ...tools import AUDIT_COMMAND, FORMATTER, LINT_ACTION, LINT_COMMAND, TEST_COMMAND
from ...wiring import Wiring
from .delivery import AUTOMATIC, by_ci
from .testing import names_no_test

MAKES_HOOK = re.compile(
    r"\b(ln|cp)\b.*(\.git/hooks|\$\w*(HOOK|GIT_DIR)\w*)|core\.hooksPath|\.git/hooks/pre-commit",
    re.I,
)
SESSIONS = (
    ("tox.ini", "commands", "tox"),
    ("noxfile.py", "session", "nox"),
    ("dodo.py", "def task_", "doit"),
)
"""Files with tasks, a word of each that has any, and what runs them."""


@criterion("L1-08", "style-enforced", "should", "ZC")
def style_enforced(wiring: Wiring) -> Finding:
    """CI or a hook checks style or types.

    ruff, black, flake8, mypy and others in a job, or in the hooks of pre-commit.
    """
    found = by_ci(wiring, LINT_COMMAND, LINT_ACTION, AUTOMATIC, "checks the style")
    named = hooks(wiring, re.compile(r"ruff|black|flake8|mypy|pylint|isort"))
    return any_of(found, named, local_hooks(wiring))


def local_hooks(wiring: Wiring) -> Finding:
    """Return met if a hook of the repository's own leads to a check of style."""
    for path in pre_commit_files(wiring):
        for entry in hook_entries(wiring.repository, path):
            for line in wiring.commands.resolve(entry, path):
                if LINT_COMMAND.search(line.text) or FORMATTER.search(line.text):
                    return met(
                        [
                            at_text(wiring, path, entry.split()[0], entry),
                            *([at_text(wiring, line.file, line.text)] if line.file != path else []),
                        ]
                    )
    return missing("no hook checks the style")


@criterion("L1-09", "pre-commit-hooks", "should", "ZC")
def pre_commit_hooks(wiring: Wiring) -> Finding:
    """Hooks check each commit before it is made.

    `.pre-commit-config.yaml` with hooks, lefthook or husky.
    """
    return hooks(wiring, re.compile(""))


def pre_commit_files(wiring: Wiring) -> list[str]:
    """Return the configuration of pre-commit at the root, else of the project in a folder."""
    names = ("{}.pre-commit-config.y*ml", "{}prek.toml")
    for folder in ("", "**/"):
        if found := wiring.repository.matching(*(name.format(folder) for name in names)):
            return found
    return []


def hooks(wiring: Wiring, named: re.Pattern[str]) -> Finding:
    """Return met if a hook whose name matches is set up."""
    for path in pre_commit_files(wiring):
        for document in wiring.repository.documents(path):
            for repo in mappings_in(as_mapping(document).get("repos")):
                for hook in mappings_in(repo.get("hooks")):
                    if named.search(str(hook.get("id", ""))):
                        return met([at_text(wiring, path, str(hook.get("id")))])
    for path in wiring.repository.matching("**/*hook*.sh", "**/*hook*.bash"):
        found = MAKES_HOOK.search(uncommented(wiring, path))
        if found and not named.pattern:
            return met([at_text(wiring, path, found[0])])
    for path in wiring.repository.matching("lefthook.y*ml", ".lefthook.y*ml", ".husky/*"):
        for command in hook_commands(wiring, path):
            if any(named.search(line.text) for line in wiring.commands.resolve(command, path)):
                return met([at_text(wiring, path, command.split("\n")[0])])
    return missing("no hooks are set up" if not named.pattern else "no hook checks the style")


def hook_commands(wiring: Wiring, path: str) -> Iterator[str]:
    """Yield the commands of hooks that lefthook or husky runs."""
    if path.startswith(".husky/"):
        name = path.rpartition("/")[2]
        if re.fullmatch(r"(pre|post|commit|prepare)-[\w-]+", name):
            yield uncommented(wiring, path).strip()
        return
    for document in wiring.repository.documents(path):
        for one in all_mappings(document):
            if isinstance(one.get("run"), str):
                yield one["run"]


@criterion("L1-10", "one-task-runner", "should", "ZC")
def one_task_runner(wiring: Wiring) -> Finding:
    """One command runs each task of the project: its tests, and its training.

    A Makefile, justfile, noxfile, tox.ini or task table, with a target that tests and one that
    trains.
    """
    commands = wiring.commands
    tasks = {name: (file, recipe) for name, (file, _, recipe) in commands.make_targets.items()}
    tasks |= {name: said for name, said in commands.tasks.items() if name not in tasks}
    for path, word, runner in SESSIONS:
        if word in uncommented(wiring, path):
            tasks.setdefault(path, (path, runner))
    if not tasks:
        return missing("there is no task runner")
    file = next(iter(tasks.values()))[0]
    place = at_text(wiring, file, next(iter(tasks)), f"{len(tasks)} tasks")
    lines = {name: commands.resolve(recipe, file) for name, (file, recipe) in tasks.items()}
    every = [line for inside in lines.values() for line in inside]
    tests = [line for line in every if TEST_COMMAND.search(line.text)]
    if not any(not names_no_test(wiring, line) for line in tests):
        return missing("there are tasks, but none tests", [place], "E1")
    wanted = fitting_places(wiring)
    others = [name for name in tasks if not re.match(r"(run_)?tests?($|[_-])", name)]
    trains = any(re.search(r"(^|[_-])(re)?train|fit$|pipeline|repro", name) for name in others)
    if not trains:
        inside = [line for name in others for line in lines[name]]
        reached = reached_by(wiring, inside, "task")
        if wanted.isdisjoint(reached):
            return missing("there are tasks, but none trains", [place], "E1")
    return met([place])


@criterion("L1-12", "dependency-notices", "should", "N1")
def dependency_updates(wiring: Wiring) -> Finding:
    """Newer or vulnerable packages are reported.

    Dependabot, Renovate, or an audit in CI.
    """
    repository = wiring.repository
    for path in repository.matching(".github/dependabot.y*ml"):
        for document in repository.documents(path):
            updates = mappings_in(as_mapping(document).get("updates"))
            if any(one.get("package-ecosystem") for one in updates):
                return met([at_text(wiring, path, "package-ecosystem")])
    if bot := renovate(wiring):
        return met([bot])
    return by_ci(
        wiring, AUDIT_COMMAND, re.compile("pip-audit|snyk|trivy"), AUTOMATIC, "audits packages"
    )


def renovate(wiring: Wiring) -> Evidence | None:
    """Return the file that switches Renovate on, if there is one."""
    repository = wiring.repository
    for path in repository.matching("renovate.json*", ".github/renovate.json*", ".renovaterc*"):
        off = re.search(
            r"""(?m)^\s*\{?\s*["']?enabled["']?\s*:\s*false""", uncommented(wiring, path)
        )
        if not off:
            return Evidence(path, 1, "Renovate")
    return None
