"""Which commands a shell line runs in the end: task runners and called scripts are followed."""

import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

from .files import as_list, as_mapping, as_strings, mappings_in, strings_in
from .repository import MAKE_FILES, MAKE_NAMES, Repository

MOST_HOPS = 5
MOST_TEXT = 4_000  # of a command
QUOTED = re.compile(r"""["'\\#]""")
MOST_LINES = 400  # of a script that is followed
OF_ENVIRONMENT = re.compile(r"^(?:[\w.~${}()-]*/)*(?:bin|Scripts)/(?=\w)")
"""The folder of an environment or of the system in which a command is found."""
CHANGE = re.compile(r"^(?:cd|pushd)\s+[\"']?(?P<folder>[\w./-]+)[\"']?$")
PREFIX = re.compile(
    r"^(?:sudo(?: -\w+)*|time|exec|env|nohup|command"
    r"|uv run(?: --(?:extra|group|only-group|no-group|with|with-requirements|with-editable|python"
    r"|package|project|directory|env-file|index-url|no-extra)[= ]\S+| -[pC] \S+| --?[\w-]+)*"
    r"|(?:poetry|pdm|pipenv|rye|hatch|pixi|conda|micromamba|mamba) run(?: -\w+ [\w.-]+)*"
    r"|xvfb-run(?: -\w+)*|coverage run(?: [^\s]+)*? -m|python3? -m coverage run(?: [^\s]+)*? -m"
    r"|[A-Z_][A-Z0-9_]*=(?:\"[^\"]*\"|'[^']*'|\S*))\s+"
)
LOST = re.compile(
    r"\|\|\s*(?:true|:|exit 0|echo)(?![\w-])(?!.*exit [1-9])"
    r"|;\s*(?:true|exit 0|echo\b[^;&|]*)\s*$"
)
READ_LATER = re.compile(r"\bexit (1\b|\$)|\boutputs\.exit_?code\b")
PIPED = re.compile(r"(?<!\|)\|\s*tee\b")
SCRIPT = re.compile(
    r"^(?:(?:bash|sh|zsh|source|\.)\s+(?:-\w+\s+)*)?(?P<path>[\w./${}-]+\.(?:sh|bash))\b"
)
PRINTED = re.compile(r"^(?:echo|printf|Write-(?:Host|Output))\b[^|`]*$(?<!\))")
SEPARATOR = re.compile(r"\s*(?:&&|;(?!;)|\|\|)\s*")
HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)")
ASSIGNED = re.compile(
    r"^(?:export\s+|override\s+)*([\w.-]+)\s*(?::{0,3}|\?|\+)=[ \t]*(.*)$", re.MULTILINE
)


@dataclass(frozen=True)
class Line:
    """A command, where it is written, and whether its failure is noticed."""

    text: str
    file: str
    counts: bool = True
    folder: str = ""
    """The folder in which it is run, as far as it is written; empty for the root."""


class Commands:
    """The task runners of a repository, and what their tasks run."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._targets: dict[str, dict[str, tuple[str, list[str], str]]] = {}

    def resolve(self, text: str, file: str, folder: str = "") -> list[Line]:
        """Return every command that a shell text runs, with those of tasks and scripts.

        `folder` is where the text is run.
        """
        found: list[Line] = []
        self._follow(text, file, folder, True, MOST_HOPS, set(), found)
        return found

    def _is_lost_in_pipe(self, line: str, text: str, file: str) -> bool:
        """Tell whether a shell takes the exit code of `tee` for that of what it copies."""
        if not PIPED.search(line) or "pipefail" in text:
            return False
        whole = self.repository.text(file)
        is_bash = file.startswith(".github/") and "shell: bash" in whole
        is_read = "PIPESTATUS" in whole and READ_LATER.search(whole)
        return not is_bash and not is_read

    def _follow(
        self,
        text: str,
        file: str,
        folder: str,
        counts: bool,
        hops: int,
        known: set[tuple[str, str]],
        found: list[Line],
    ) -> None:
        outside = folder
        is_recipe = file.endswith((*MAKE_NAMES, ".mk"))
        for whole in logical_lines(text):
            noticed = (
                counts and not LOST.search(whole) and not self._is_lost_in_pipe(whole, text, file)
            )
            if is_recipe or whole.startswith("("):
                folder = outside  # each line has a shell of its own
            for part in SEPARATOR.split(whole):
                command = stripped(part)[:MOST_TEXT]
                if not command or PRINTED.match(command):
                    continue
                if change := CHANGE.match(command):
                    folder = joined(folder, change["folder"])
                found.append(Line(command, file, noticed, folder))
                if hops and (folder, command) not in known and len(found) < 5_000:
                    known.add((folder, command))
                    for inner, where in self._inside(command, file, folder):
                        lost = inner.startswith("-")
                        inside = folder_of_make(command, folder)
                        self._follow(
                            inner.lstrip("-@ "),
                            where,
                            inside,
                            noticed and not lost,
                            hops - 1,
                            known,
                            found,
                        )

    def _inside(self, command: str, file: str, at: str) -> Iterator[tuple[str, str]]:
        """Yield what a command runs in turn, one hop away, and the file that says so."""
        repository = self.repository
        words = split_words(command)
        if not words:
            return
        if script := SCRIPT.match(command):
            path = self._existing(script["path"], file, at)
            if path:
                yield "\n".join(repository.text(path).split("\n")[:MOST_LINES]), path
            return
        tool, arguments = (
            words[0].rpartition("/")[2],
            [w for w in words[1:] if not w.startswith("-")],
        )
        if tool in {"make", "gmake"}:
            yield from self._make(words[1:], folder_of_make(command, at))
        elif tool in {"just", "poe", "invoke", "inv", "task", "doit"}:
            for name in arguments:
                yield from self._task(name)
        elif tool in {"mise", "pixi", "npm", "yarn", "pnpm", "hatch", "pdm", "rye", "poetry", "uv"}:
            for name in arguments:
                if name not in {"run", "r", "task"}:
                    yield from self._task(name)
        elif tool in {"tox", "nox"} or command.startswith(("python -m tox", "python -m nox")):
            yield from self._sessions(environments(words))
        elif tool == "dvc" and set(arguments) & {"repro", "exp", "reproduce"}:
            for path in repository.matching("dvc.yaml", "**/dvc.yaml"):
                for line in stage_commands(repository, path, set(arguments)):
                    yield line, path
        elif tool == "pre-commit" and arguments[:1] in (["autoupdate"], ["install"], ["clean"]):
            return
        elif tool == "pre-commit" or command.startswith(("python -m pre_commit", "prek")):
            for path in repository.matching(".pre-commit-config.y*ml"):
                for text in strings_in(repository.documents(path)):
                    yield text, path
                for entry in hook_entries(repository, path):
                    yield entry, path
        elif tool in {"papermill", "jupyter"} or " -c " in f" {command} ":
            inner = re.search(r"\s-c\s+(['\"])(.*)\1", command)
            if inner and tool in {"bash", "sh"}:
                yield inner[2], file
        elif tool in self.tasks and len(words) == 1:
            yield from self._task(tool)
        elif tool in {"bash", "sh"} and words[1:]:
            path = self._existing(words[-1], file, at)
            if path:
                yield repository.text(path)[:20_000], path

    def _existing(self, path: str, beside: str, at: str) -> str | None:
        """Return the path of a script in the repository, by its end if need be."""
        clean = re.sub(r"^(?:\$\{?\w+\}?/|\./|\$\(\w+\)/)+", "", path)
        folder = beside.rpartition("/")[0]
        for candidate in (joined(at, clean), clean, f"{folder}/{clean}"):
            if candidate in self.repository.tree:
                return candidate
        ends = [one for one in self.repository.tree if one.endswith(f"/{clean}")]
        return ends[0] if len(ends) == 1 else None

    def _make(self, arguments: list[str], folder: str) -> Iterator[tuple[str, str]]:
        """Yield the recipes of make targets, with those of their prerequisites."""
        names, skip = [], False
        for word in arguments:
            if skip:
                skip = False
            elif word in {"-C", "-f", "--directory"}:
                skip = True
            elif not word.startswith("-") and "=" not in word:
                names.append(word)
        targets = self.targets_of(folder)
        if not names and targets:
            names = [next(iter(targets))]
        waiting, known = list(names), set()
        while waiting:
            name = waiting.pop(0)
            if name in known or name not in targets:
                continue
            known.add(name)
            file, needs, recipe = targets[name]
            waiting += needs
            yield recipe, file

    def targets_of(self, folder: str) -> dict[str, tuple[str, list[str], str]]:
        """Return the make targets of a folder: file, prerequisites and expanded recipe."""
        if not folder:
            return self.make_targets
        if folder not in self._targets:
            self._targets[folder] = self._targets_in(folder)
        return self._targets[folder]

    def _targets_in(self, folder: str) -> dict[str, tuple[str, list[str], str]]:
        files = {
            path.removeprefix(f"{folder}/"): self.repository.tree[path]
            for path in self.repository.matching(
                *(f"{folder}/{name}" for name in (*MAKE_FILES, "*.mk"))
            )
        }
        found = Commands(Repository(files)).make_targets if files else {}
        return {
            name: (f"{folder}/{file}", needs, recipe)
            for name, (file, needs, recipe) in found.items()
        }

    @cached_property
    def make_targets(self) -> dict[str, tuple[str, list[str], str]]:
        """The make targets at the root, with variables replaced by their values."""
        repository, found = self.repository, {}
        for name, target in repository.targets.items():
            needs = self.expand(target.needs).split()
            found[name] = (target.file, needs, self.expand(target.recipe))
        return found

    @cached_property
    def variables(self) -> dict[str, str]:
        """The make variables; of several definitions the last, unless it is a default."""
        found: dict[str, str] = {}
        for file in self.repository.matching(*MAKE_FILES, "*.mk"):
            for line in ASSIGNED.finditer(self.repository.text(file).replace("\\\n", " ")):
                if "?=" in line[0].partition(line[1])[2][:6] and line[1] in found:
                    continue
                found[line[1]] = line[2].partition(" #")[0].strip()
        return found

    def expand(self, text: str, depth: int = 0) -> str:
        """Replace make's variables and the functions that choose between texts."""
        if depth > 12 or "$" not in text or len(text) > 100_000:
            return text
        out, place = [], 0
        while (start := text.find("$", place)) >= 0:
            out.append(text[place:start])
            opening = text[start + 1 : start + 2]
            if opening in {"(", "{"}:
                end = closing(text, start + 1)
                out.append(self._value(text[start + 2 : end], depth))
                place = end + 1
            elif opening == "$":
                out.append("$")
                place = start + 2
            else:
                place = start + 2
        return "".join([*out, text[place:]])

    def _value(self, inner: str, depth: int) -> str:
        function, _, rest = inner.partition(" ")
        parts = split_arguments(rest)
        if function == "if" and len(parts) > 1:
            chosen = 1 if self.expand(parts[0], depth + 1).strip() else 2
            return self.expand(parts[chosen], depth + 1) if len(parts) > chosen else ""
        if function == "or":
            values = (self.expand(part, depth + 1).strip() for part in parts)
            return next(filter(None, values), "")
        if function == "wildcard":
            glob = self.expand(rest, depth + 1).strip()
            inside = any(path.startswith(f"{glob.rstrip('/')}/") for path in self.repository.tree)
            return glob if inside or self.repository.matching(glob) else ""
        if function == "shell" and rest.startswith(("command -v ", "which ")):
            return rest.split()[-1 if "2>" not in rest else -2]
        if function in {"shell", "error", "warning", "info", "eval", "foreach", "call"}:
            return ""
        if rest:
            return self.expand(parts[-1], depth + 1)
        return self.expand(self.variables.get(inner.partition(":")[0], ""), depth + 1)

    @cached_property
    def tasks(self) -> dict[str, tuple[str, str]]:
        """The tasks of runners other than make: the file and the commands of each."""
        repository, found = self.repository, dict[str, tuple[str, str]]()

        def add(file: str, name: Any, what: Any) -> None:
            found.setdefault(str(name), (file, "\n".join(task_lines(what))))

        for path in repository.matching("justfile", "Justfile", ".justfile"):
            for name, recipe in recipes_of(repository.text(path)):
                add(path, name, recipe)
        tool = as_mapping(repository.pyproject.get("tool"))
        for table in ("poe", "pixi", "taskipy", "pdm"):
            said = as_mapping(tool.get(table))
            for name, what in as_mapping(said.get("tasks", said.get("scripts"))).items():
                add("pyproject.toml", name, what)
        for env in as_mapping(as_mapping(tool.get("hatch")).get("envs")).values():
            for name, what in as_mapping(as_mapping(env).get("scripts")).items():
                add("pyproject.toml", name, what)
        for path in repository.matching(
            "mise.toml",
            ".mise.toml",
            ".config/mise.toml",
            "pixi.toml",
            "tasks.toml",
            "mise/*.toml",
            "poe_tasks.toml",
        ):
            for name, what in as_mapping(repository.toml(path).get("tasks")).items():
                add(path, name, what)
        for path in repository.matching("package.json"):
            for name, what in as_mapping(as_mapping(repository.json(path)).get("scripts")).items():
                add(path, name, what)
        for path in repository.matching("Taskfile.y*ml"):
            for document in repository.documents(path):
                for name, what in as_mapping(as_mapping(document).get("tasks")).items():
                    add(path, name, what)
        for path in repository.matching("mise-tasks/*", ".mise/tasks/*", "tasks/*.sh"):
            add(path, path.rpartition("/")[2].partition(".")[0], repository.text(path))
        for path in repository.matching("tasks.py", "tasks/*.py"):
            for name, lines in shell_strings(repository.text(path)):
                add(path, name.replace("_", "-"), lines)
                add(path, name, lines)
        return found

    def _task(self, name: str) -> Iterator[tuple[str, str]]:
        if name in self.tasks:
            file, lines = self.tasks[name]
            yield lines, file

    def _sessions(self, asked: list[str]) -> Iterator[tuple[str, str]]:
        """Yield what tox and nox run; for tox, of the selected environments."""
        repository = self.repository
        for path in repository.matching("tox.ini", "setup.cfg"):
            for block in tox_commands(repository.text(path), asked):
                plain = re.sub(r"(?m)^(\s*)[\w{},!.-]+:\s+", r"\1", block)  # without factors
                yield plain.replace("{posargs}", ""), path
        tox = as_mapping(as_mapping(repository.pyproject.get("tool")).get("tox"))
        yield "\n".join(text for text in strings_in(tox)), "pyproject.toml"
        for path in repository.matching("tox.toml"):
            for command in command_lists(repository.toml(path)):
                yield command, path
        for path in repository.matching("noxfile.py"):
            for _, lines in shell_strings(repository.text(path)):
                yield lines, path


def environments(words: list[str]) -> list[str]:
    """Return the environments that a command of tox selects."""
    asked = [after for word, after in pairwise(words) if word in {"-e", "--env", "-s"}]
    asked += [word.partition("=")[2] for word in words if word.startswith(("--env=", "-e="))]
    return [name for each in asked for name in each.split(",")]


def tox_commands(text: str, asked: list[str]) -> Iterator[str]:
    """Yield the commands of the selected environments, or else of those that are listed.

    A list with factors in braces may have any environment.
    """
    listed = re.search(r"(?m)^env_?list\s*=(.*(?:\n[ \t]+.*)*)", text)
    wanted = asked or (re.split(r"[\s,]+", listed[1].strip()) if listed else [])
    for section in re.split(r"(?m)^(?=\[)", text):
        named = re.match(r"\[testenv:([\w-]+)\]", section)
        if named and wanted and named[1] not in wanted and not any("{" in one for one in wanted):
            continue
        yield from re.findall(r"(?m)^commands\s*=(.*(?:\n[ \t]+.*)*)", section)


def hook_entries(repository: Repository, path: str) -> Iterator[str]:
    """Yield the commands of the local hooks of pre-commit."""
    for document in repository.documents(path):
        for repo in mappings_in(as_mapping(document).get("repos")):
            for hook in mappings_in(repo.get("hooks")):
                if hook.get("entry"):
                    yield " ".join([str(hook["entry"]), *map(str, as_list(hook.get("args")))])


def logical_lines(text: str) -> Iterator[str]:
    """Yield the lines of a shell text: joined, without comments and here-documents."""
    until = None
    for line in text.replace("\\\n", " ").replace("`\n", " ").split("\n"):
        stripped_line = line.strip()
        if until:
            until = None if stripped_line == until else until
            continue
        if not stripped_line or stripped_line.startswith(("#", "::", "REM ")):
            continue
        if here := HEREDOC.search(stripped_line):
            until = here[1]
        yield re.sub(r"\s#\s.*$", "", stripped_line)


def stripped(command: str) -> str:
    """Return a command without what only prepares it, such as `uv run` or variables."""
    command = command.strip().lstrip("@({").strip()
    command = re.sub(r"^(?:if|then|do|else|while|!)\s+", "", command)
    before = None
    while before != command:
        before = command
        command = PREFIX.sub("", OF_ENVIRONMENT.sub("", command))
    return command.strip()


def joined(folder: str, path: str) -> str:
    """Return a path that is written relative to a folder; empty for the root or what is above."""
    clean = posixpath.normpath(posixpath.join(folder, path))
    return "" if clean == "." or clean.startswith(("/", "..")) else clean


def folder_of_make(command: str, folder: str) -> str:
    """Return the folder in which what a command runs is run: make may change it."""
    changed = re.match(r"g?make\b.*?\s(?:-C|--directory)[ =]*(\S+)", command)
    return joined(folder, changed[1]) if changed else folder


@lru_cache(maxsize=50_000)  # the same commands stand in many jobs, and are followed often
def split_words(command: str) -> list[str]:
    """Split a command into words, which must not be changed; at spaces if quotes do not match."""
    if not QUOTED.search(command):
        return command.split()  # as shlex would, which is slow
    try:
        return shlex.split(command, comments=True)
    except ValueError:
        return command.split()


def closing(text: str, start: int) -> int:
    """Return the place of the bracket that closes the one at `start`."""
    opening, depth = text[start], 0
    closer = ")" if opening == "(" else "}"
    for place in range(start, len(text)):
        depth += (text[place] == opening) - (text[place] == closer)
        if not depth:
            return place
    return len(text)


def split_arguments(text: str) -> list[str]:
    """Split the arguments of a make function at commas outside of brackets."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "({") - (sign in ")}")
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def task_lines(what: Any) -> Iterator[str]:
    """Yield the commands of a task, which may be a text, a list or a table."""
    if isinstance(what, dict):
        for name in (
            "cmd",
            "run",
            "shell",
            "script",
            "command",
            "cmds",
            "sequence",
            "depends",
            "depends-on",
            "depends_on",
            "composite",
            "chain",
            "deps",
            "steps",
        ):
            if name in what:
                inner = [what[name]] if isinstance(what[name], str) else as_list(what[name])
                names_tasks = name in {"depends", "depends-on", "depends_on", "sequence", "deps"}
                for one in inner:
                    if names_tasks and isinstance(one, str):
                        yield f"task {one}"
                    else:
                        yield from task_lines(one)
    elif isinstance(what, list):
        for one in what:
            yield from task_lines(one)
    elif isinstance(what, str):
        yield what


def command_lists(value: Any) -> Iterator[str]:
    """Yield lists of words in nested tables as commands."""
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        yield " ".join(value)
    elif isinstance(value, list):
        for one in value:
            yield from command_lists(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from command_lists(one)


def recipes_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and commands of each recipe of a justfile."""
    name, needs, lines = "", "", list[str]()
    for line in [*text.split("\n"), "end:"]:
        head = re.match(r"^@?([A-Za-z][\w-]*)[^:=\n]*:(?!=)(.*)$", line)
        if head:
            if name:
                yield name, "\n".join([*lines, *(f"just {one}" for one in needs.split())])
            name, needs, lines = head[1], re.sub(r"[^\w\s-]", " ", head[2]), []
        elif line.startswith((" ", "\t")):
            lines.append(line.strip().lstrip("@-"))


def shell_strings(text: str) -> Iterator[tuple[str, str]]:
    """Yield each function of a task file with the commands in its texts."""
    for part in re.split(r"^(?=def )", text, flags=re.MULTILINE)[1:]:
        name = re.match(r"def (\w+)", part)
        if name is None:
            continue
        calls = re.findall(r"\.run(?:_always)?\(((?:[^()]|\([^()]*\))*)\)", part)
        commands = [" ".join(re.findall(r"[\"']([^\"']+)[\"']", call)) for call in calls]
        yield name[1], "\n".join(commands)


def stage_commands(repository: Repository, path: str, named: set[str]) -> Iterator[str]:
    """Yield the commands of the stages in a dvc.yaml: of those named, and what they depend on."""
    for document in repository.documents(path):
        stages = {
            name: as_mapping(stage)
            for name, stage in as_mapping(as_mapping(document).get("stages")).items()
        }
        for name in needed_stages(stages, named & stages.keys()) or stages:
            said = stages[name]
            for command in [said.get("cmd"), as_mapping(said.get("do")).get("cmd")]:
                yield from (
                    [command]
                    if isinstance(command, str)
                    else [one for one in as_list(command) if isinstance(one, str)]
                )


def needed_stages(stages: dict[str, dict[str, Any]], named: set[str]) -> list[str]:
    """Return some stages of DVC and those whose outputs they need, in the order of the file."""
    found, waiting = set[str](), list(named)
    while waiting:
        name = waiting.pop()
        found.add(name)
        needs = set(as_strings(stages[name].get("deps")))
        makers = [
            one
            for one, said in stages.items()
            if not needs.isdisjoint([*strings_in(said.get("outs")), *as_mapping(said.get("outs"))])
        ]
        waiting += [one for one in makers if one not in found]
    return [name for name in stages if name in found]
