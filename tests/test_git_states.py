"""Tests of climbs in unusual git repositories: they succeed, or are refused and change nothing.

Each test runs the command in its own process.
"""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import NAMED
from forked import run
from projects import Ladder, answers_of, commit_all, git, tree
from small import make_project, make_template, state, write
from tools import installed

pytestmark = pytest.mark.slow

HOOK = "#!/bin/sh\nexec {python} -m mlops_ladder plan 2 > {output} 2>&1\n"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the template, in a path with a space."""
    return make_template(tmp_path_factory.mktemp("small") / "the template")


@pytest.fixture(scope="module")
def made(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Return a function that provides a project at each level, made once."""
    folder, known = tmp_path_factory.mktemp("made"), dict[int, Path]()

    def at_level(level: int) -> Path:
        if level not in known:
            known[level] = make_project(template, folder / str(level), level)
        return known[level]

    return at_level


@pytest.fixture
def project(made: Callable[[int], Path], tmp_path: Path) -> Path:
    """Return a project at level 1."""
    return Path(shutil.copytree(made(1), tmp_path / "project", symlinks=True))


def succeeds(*arguments: str | Path, cwd: Path, **variables: str) -> str:
    """Run a command that must succeed, and return what it prints."""
    finished = run(*arguments, cwd=cwd, **variables)
    assert finished.returncode == 0, finished.stderr
    return finished.stderr + finished.stdout


def refuses(*arguments: str | Path, cwd: Path, **variables: str) -> str:
    """Run a command that must be refused and change nothing, and return its message."""
    before = state(cwd)
    finished = run(*arguments, cwd=cwd, **variables)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert "Traceback" not in finished.stderr, finished.stderr
    assert state(cwd) == before
    return finished.stderr


def config(tmp_path: Path, text: str) -> dict[str, str]:
    """Return environment variables with which the text is git's global configuration."""
    (tmp_path / "gitconfig").write_text(text, encoding="utf-8")
    return {"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig")}


def commit(project: Path, **files: str) -> None:
    """Write files, and commit everything."""
    write(project, files)
    commit_all(project, "Our work")


# Hooks, and environment variables that name another repository.


@pytest.mark.parametrize("command", ["plan", "climb", "adopt"])
def test_an_index_named_by_the_environment_is_not_used(project: Path, command: str) -> None:
    write(project, {"own.py": "OWN = 1\n"})
    git(project, "add", "own.py")
    if command != "plan":
        commit_all(project, "Our work")
    before = state(project)
    index = {"GIT_INDEX_FILE": str(project / ".git/index"), "GIT_PREFIX": ""}
    arguments = {"plan": ["2"], "climb": ["2", "--dry-run"], "adopt": []}[command]
    finished = run(command, *arguments, cwd=project, **index)
    assert finished.returncode == (1 if command == "adopt" else 0), finished.stderr
    assert state(project) == before


@pytest.mark.parametrize("where", ["work tree", "linked work tree", "subfolder"])
def test_a_hook_may_plan(project: Path, tmp_path: Path, where: str) -> None:
    output = tmp_path / "output"
    hook = project / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK.format(python=sys.executable, output=output))
    hook.chmod(0o755)
    place = project
    if where == "linked work tree":
        place = tmp_path / "linked"
        git(project, "worktree", "add", "--quiet", "-b", "linked", str(place))
    write(place, {"README.md": "# Ours\n", "own.py": "OWN = 1\n"})
    git(place, "add", "own.py")
    command = ["git", "commit", "--quiet", "-a", "-m", "Our work"]
    cwd = place / "src" if where == "subfolder" else place
    finished = subprocess.run(command, cwd=cwd, env=os.environ | NAMED, capture_output=True)
    assert finished.returncode == 0, output.read_text()
    assert "From level 1 to level 2" in output.read_text()
    assert git(place, "show", "--format=", "--name-only").split() == ["README.md", "own.py"]
    assert git(place, "status", "--porcelain") == ""


def test_a_climb_inside_a_commit_is_refused(project: Path) -> None:
    """A commit in progress holds the lock on the index, and writes its own index later."""
    (project / ".git/index.lock").write_bytes(b"")
    assert "index.lock" in refuses("climb", "2", cwd=project)
    assert (project / ".git/index.lock").exists()


def test_make_runs_outside_the_hook_too(project: Path, tmp_path: Path) -> None:
    recipe = "setup:\ntest:\n\t@git rev-parse --absolute-git-dir > seen\n"
    commit(project, **{"Makefile": recipe, ".gitignore": "/seen\n"})
    git(tmp_path, "init", "--quiet", "other")
    succeeds("climb", "2", "--test", cwd=project, GIT_DIR=str(tmp_path / "other/.git"))
    assert Path((project / "seen").read_text().strip()) == project / ".git"


# Edits that git does not show.


@pytest.mark.parametrize("flag", ["skip-worktree", "assume-unchanged"])
@pytest.mark.parametrize(
    ("file", "level"), [("pyproject.toml", 2), ("docs/1-ci.md", 0)], ids=["changed", "removed"]
)
def test_hidden_edits_are_refused(project: Path, flag: str, file: str, level: int) -> None:
    git(project, "update-index", f"--{flag}", file)
    with (project / file).open("a") as opened:
        opened.write("# ours\n")
    assert f"--no-assume-unchanged {file}" in refuses("climb", str(level), cwd=project)
    shown = run("plan", str(level), "--json", cwd=project)
    (blocked,) = json.loads(shown.stdout)["blocked"]
    assert blocked.startswith(file)


def test_a_hidden_edit_of_another_file_stays(project: Path, made: Callable[[int], Path]) -> None:
    git(project, "update-index", "--skip-worktree", "README.md")
    (project / "README.md").write_text("# Ours\n")
    succeeds("climb", "2", "--commit", cwd=project)
    assert (project / "README.md").read_text() == "# Ours\n"
    assert git(project, "ls-files", "-v", "README.md") == "S README.md\n"


def test_a_flag_on_a_file_that_nobody_edited_stays(project: Path) -> None:
    git(project, "update-index", "--assume-unchanged", "pyproject.toml")
    succeeds("climb", "2", "--commit", cwd=project)
    assert "number = 2" in git(project, "show", "HEAD:pyproject.toml")
    assert git(project, "ls-files", "-v", "pyproject.toml") == "h pyproject.toml\n"
    assert "number = 2" in (project / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    "settings",
    ["[core]\ncheckStat = minimal\ntrustctime = false\n", "[core]\nfsmonitor = true\n"],
    ids=["times", "monitor"],
)
def test_an_edit_that_git_takes_for_none_is_refused(
    project: Path, tmp_path: Path, settings: str
) -> None:
    """Git does not read a file whose size and time are as before."""
    variables = config(tmp_path, settings)
    file = project / "pyproject.toml"
    was = file.stat()
    subprocess.run(["git", "status"], cwd=project, env=os.environ | variables, check=True)
    body = file.read_bytes()
    file.write_bytes(body.replace(b"0.1.0", b"0.9.0"))
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    finished = run("climb", "2", cwd=project, **variables)
    assert finished.returncode == 1 and "pyproject.toml" in finished.stderr
    assert b"0.9.0" in file.read_bytes()


def test_status_settings_hide_nothing(project: Path, tmp_path: Path) -> None:
    settings = "[status]\nshowUntrackedFiles = no\n[core]\nuntrackedCache = true\n"
    write(project, {"own.py": "OWN = 1\n"})
    assert "own.py" in refuses("climb", "2", cwd=project, **config(tmp_path, settings))


# Files that git ignores.


@pytest.mark.parametrize("where", ["core.excludesFile", "init.templateDir"])
def test_new_commits_everything_that_it_makes(template: Path, tmp_path: Path, where: str) -> None:
    ignored = "*.md\nsrc/\nMakefile\n"
    if where == "core.excludesFile":
        (tmp_path / "ignore").write_text(ignored)
        variables = config(tmp_path, f"[core]\nexcludesFile = {tmp_path}/ignore\n")
    else:
        write(tmp_path / "git template", {"info/exclude": ignored})
        variables = config(tmp_path, f"[init]\ntemplateDir = {tmp_path}/git template\n")
    called = ["new", "project", "--level", "1", "--template", str(template)]
    succeeds(*called, cwd=tmp_path, **variables)
    assert set(git(tmp_path / "project", "ls-files").splitlines()) == set(
        tree(tmp_path / "project")
    )


def test_new_leaves_large_data_to_the_projects_own_rules(ladder: Ladder, tmp_path: Path) -> None:
    rows = "x,y\n" + "".join(f"{n % 977},{n % 499}\n" for n in range(1_500_000))
    (tmp_path / "large.csv").write_text(rows)
    called = ["new", "project", "--defaults", "--from", "large.csv", "--target", "y"]
    succeeds(*called, "--template", ladder.template, cwd=tmp_path)
    project = tmp_path / "project"
    assert "data/large.csv" not in git(project, "ls-files")
    assert (project / "data/large.csv").exists() and git(project, "status", "--porcelain") == ""


def test_new_in_a_repository_says_what_that_ignores(template: Path, tmp_path: Path) -> None:
    commit(tmp_path, **{".gitignore": "docs/\n"})
    said = succeeds("new", "project", "--level", "1", "--template", template, cwd=tmp_path)
    assert "docs/1-ci.md" in said and "git add --force" in said


def test_a_notebook_that_git_ignores_comes_along(ladder: Ladder, tmp_path: Path) -> None:
    project = ladder.project(0)
    edit_notebook(project)
    git(project, "rm", "--quiet", "--cached", "notebook.ipynb")
    (tmp_path / "ignore").write_text("*.ipynb\n")
    variables = config(tmp_path, f"[core]\nexcludesFile = {tmp_path}/ignore\n")
    git(project, "commit", "--quiet", "--message", "The notebook stays here")
    before = (project / "notebook.ipynb").read_bytes()
    said = succeeds("climb", "1", cwd=project, **variables)
    assert "there is no notebook.ipynb" not in said and "stays deleted" not in said
    problem = (project / "src/taxi_ride_duration/problem.py").read_text()
    assert "BY_US = 17" in problem
    assert (project / "notebook.ipynb").read_bytes() == before


def edit_notebook(project: Path) -> None:
    """Add a line to the last cell that is part of the problem."""
    file = project / "notebook.ipynb"
    notebook = json.loads(file.read_text(encoding="utf-8"))
    cells = [c for c in notebook["cells"] if "problem" in c["metadata"].get("tags", [])]
    cells[-1]["source"].append("\n\nBY_US = 17\n")
    file.write_text(json.dumps(notebook, indent=1) + "\n", encoding="utf-8")


# Settings of git.


def test_bare_repositories_that_nobody_named(project: Path, tmp_path: Path, template: Path) -> None:
    """With `safe.bareRepository = explicit`, git uses only bare repositories that are named."""
    variables = config(tmp_path, "[safe]\nbareRepository = explicit\n")
    succeeds("plan", "2", cwd=project, **variables)
    succeeds("climb", "2", "--commit", cwd=project, **variables)
    commit(template_copy(template, tmp_path), **{"template/new.txt": "new\n"})
    git(tmp_path / "newer", "tag", "v0.2.0")
    succeeds("upgrade", "--template", tmp_path / "newer", cwd=project, **variables)
    repository = foreign(tmp_path)
    succeeds("adopt", "--template", template, cwd=repository, **variables)


def template_copy(template: Path, tmp_path: Path) -> Path:
    """Return a copy of the template, for a new release."""
    return Path(shutil.copytree(template, tmp_path / "newer"))


def foreign(tmp_path: Path) -> Path:
    """Return a repository that was not generated from a template."""
    repository = tmp_path / "foreign"
    repository.mkdir()
    commit(repository, **{"train.py": "print('fit')\n", "README.md": "# Churn\n"})
    return repository


@pytest.mark.parametrize("kind", ["split", "many files", "detached"])
def test_other_forms_of_git_s_own_files(
    project: Path, made: Callable[[int], Path], kind: str
) -> None:
    if kind == "split":
        git(project, "config", "core.splitIndex", "true")
        git(project, "update-index", "--split-index")
    elif kind == "many files":
        git(project, "config", "feature.manyFiles", "true")
        git(project, "update-index", "--index-version", "4", "--untracked-cache")
    else:
        git(project, "checkout", "--quiet", "--detach")
    (project / ".git/info/exclude").write_text("/broken\n/uv.lock\n")
    write(project, {"broken": ""})
    refuses("climb", "2", "--test", "--branch", "up", cwd=project)
    (project / "broken").unlink()
    for level in (2, 0):
        succeeds("climb", str(level), "--commit", cwd=project)
        assert git(project, "status", "--porcelain") == ""
        found = tree(project)
        found.pop("uv.lock", None)
        assert found == tree(made(level))


def test_a_work_tree_of_a_bare_repository(
    project: Path, made: Callable[[int], Path], tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(project), "bare.git")
    git(tmp_path / "bare.git", "--git-dir=.", "worktree", "add", "--quiet", str(tmp_path / "tree"))
    variables = config(tmp_path, "[safe]\nbareRepository = explicit\n")
    succeeds("climb", "2", "--commit", cwd=tmp_path / "tree", **variables)
    assert tree(tmp_path / "tree") == tree(made(2))


def test_a_repository_of_another_object_format(made: Callable[[int], Path], tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(made(1), project, ignore=shutil.ignore_patterns(".git"))
    git(project, "init", "--quiet", "--object-format=sha256", "--initial-branch=main")
    commit_all(project, "Start")
    for level in (2, 0):
        succeeds("climb", str(level), "--commit", cwd=project)
        assert tree(project) == tree(made(level))


CREDENTIALS = {
    "GIT_ASKPASS": "{folder}/askpass",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_SSL_CAINFO": "{folder}/certificate.pem",
    "GIT_HTTP_USER_AGENT": "ours",
    "GIT_SSH_VARIANT": "simple",
    "GIT_PROXY_SSL_CERT": "{folder}/proxy.pem",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "http.extraHeader",
    "GIT_CONFIG_VALUE_0": "Authorization: none",
}


def test_what_authenticates_reaches_git_and_what_locates_does_not(
    project: Path, tmp_path: Path, template: Path
) -> None:
    """A script in place of git records the environment."""
    seen, real = tmp_path / "seen", shutil.which("git")
    write(tmp_path / "bin", {"git": f'#!/bin/sh\nenv >> "{seen}"\nexec "{real}" "$@"\n'})
    (tmp_path / "bin/git").chmod(0o755)
    given = {name: value.format(folder=tmp_path) for name, value in CREDENTIALS.items()}
    locating = {"GIT_DIR": "/nowhere", "GIT_WORK_TREE": "/nowhere", "GIT_OBJECT_DIRECTORY": "/no"}
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    git(template_copy(template, tmp_path), "tag", "v0.2.0")
    options = ["--template", str(tmp_path / "newer")]
    succeeds("upgrade", *options, cwd=project, PATH=path, **given, **locating)
    lines = seen.read_text().splitlines()
    for name, value in given.items():
        if name != "GIT_CONFIG_COUNT":
            assert lines.count(f"{name}={value}") > 10, name
    assert not [line for line in lines if line.endswith("=/nowhere")]


def test_an_address_that_only_the_environment_can_open(
    project: Path, tmp_path: Path, template: Path
) -> None:
    """The URL works only with a git setting, which copier's git needs as well."""
    git(template_copy(template, tmp_path), "tag", "v0.2.0")
    (tmp_path / "newer/template/new.txt").write_text("new\n")
    commit_all(tmp_path / "newer", "News")
    git(tmp_path / "newer", "tag", "v0.3.0")
    shutil.copytree(tmp_path / "newer/.git", tmp_path / "served/newer.git")
    variables = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{tmp_path}/served/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://secret.example.org/",
        "COPIER_CACHE_DIR": str(tmp_path / "cache"),
        "GIT_TERMINAL_PROMPT": "0",
    }
    options = ["--template", "https://secret.example.org/newer.git", "--commit"]
    succeeds("upgrade", *options, cwd=project, **variables)
    assert (project / "new.txt").exists()


@pytest.mark.parametrize("how", ["core.autocrlf", "eol attribute"])
def test_line_ends_of_a_checkout_stay(
    project: Path, made: Callable[[int], Path], tmp_path: Path, how: str
) -> None:
    """Files are checked out with CRLF, and a refused climb leaves them as they are."""
    variables = {}
    if how == "core.autocrlf":
        variables = config(tmp_path, "[core]\nautocrlf = true\nsafecrlf = true\n")
        git(project, "config", "core.autocrlf", "true")
    else:
        commit(project, **{".gitattributes": "*.md text eol=crlf\n*.toml text eol=crlf\n"})
    for name in ("README.md", "pyproject.toml", "docs/1-ci.md"):
        (project / name).unlink()
        git(project, "checkout", "--", name)
    assert b"\r\n" in (project / "pyproject.toml").read_bytes()
    (project / ".git/info/exclude").write_text("/broken\n/uv.lock\n")
    write(project, {"broken": ""})
    for options in (["2", "--test", "--branch", "up"], ["0", "--test"]):
        assert "tests fail" in refuses("climb", *options, cwd=project, **variables)
    (project / "broken").unlink()
    succeeds("climb", "2", "--test", "--commit", cwd=project, **variables)
    assert git(project, "status", "--porcelain") == ""
    lines = (project / "pyproject.toml").read_bytes().splitlines(keepends=True)
    assert b"number = 2\r\n" in lines and all(line.endswith(b"\r\n") for line in lines)
    assert "\r" not in git(project, "show", "HEAD:pyproject.toml")


@pytest.mark.parametrize("edit", [b"", b"# ours\r\n"], ids=["as it was", "edited"])
@pytest.mark.parametrize("mixed", [False, True], ids=["everywhere", "in one line"])
def test_committed_line_ends_stay(project: Path, edit: bytes, mixed: bool) -> None:
    """Line endings that were committed as CRLF do not count as edits."""
    git(project, "config", "core.autocrlf", "false")
    file = project / "pyproject.toml"
    count = 1 if mixed else -1
    file.write_bytes(edit + file.read_bytes().replace(b"\n", b"\r\n", count))
    commit_all(project, "Our line ends")
    before = file.read_bytes().splitlines(keepends=True)
    succeeds("climb", "2", "--commit", cwd=project)
    after = file.read_bytes().splitlines(keepends=True)
    assert [line for line in after if line not in before] == [
        b"number = 2\n" if mixed else b"number = 2\r\n"
    ]
    succeeds("climb", "1", "--commit", cwd=project)
    assert file.read_bytes().splitlines(keepends=True) == before


def test_a_file_of_which_only_line_ends_changed_goes_with_its_level(project: Path) -> None:
    git(project, "config", "core.autocrlf", "false")
    for file in (project / "docs/1-ci.md", project / "src/rides/rows.py"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    commit_all(project, "Our line ends")
    succeeds("climb", "0", "--commit", cwd=project)
    assert not (project / "docs").exists() and not (project / "src").exists()


def test_line_ends_in_a_conflict_stay(project: Path) -> None:
    file = project / "pyproject.toml"
    body = file.read_bytes().replace(b"number = 1", b"number = 7").replace(b"\n", b"\r\n")
    file.write_bytes(body)
    git(project, "config", "core.autocrlf", "false")
    commit_all(project, "Our number")
    finished = run("climb", "2", cwd=project)
    assert finished.returncode == 3
    (place,) = [line for line in finished.stderr.splitlines() if "pyproject.toml:" in line]
    assert "you and the template changed the same lines" in place
    merged = file.read_bytes()
    assert merged.count(b"<<<<<<< yours\r\n") == 1 and b"number = 7\r\n=======\r\n" in merged


# Sparse checkouts.


@pytest.mark.parametrize("index", ["--no-sparse-index", "--sparse-index"])
def test_a_sparse_checkout_climbs_up_and_down(
    project: Path, made: Callable[[int], Path], index: str
) -> None:
    git(project, "update-index", "--refresh")
    git(project, "sparse-checkout", "set", "--cone", index, "src")
    assert not (project / "docs").exists()
    succeeds("climb", "2", "--commit", cwd=project)
    assert git(project, "status", "--porcelain") == ""
    succeeds("climb", "0", "--commit", cwd=project)
    assert git(project, "status", "--porcelain") == ""
    git(project, "sparse-checkout", "disable")
    assert tree(project) == tree(made(0))


def test_a_sparse_checkout_without_a_file_that_changes(
    project: Path, made: Callable[[int], Path]
) -> None:
    git(project, "update-index", "--refresh")
    git(project, "sparse-checkout", "set", "--no-cone", "/*", "!/pyproject.toml")
    assert not (project / "pyproject.toml").exists()
    succeeds("climb", "2", "--commit", cwd=project)
    assert not (project / "pyproject.toml").exists()
    assert git(project, "status", "--porcelain") == ""
    git(project, "sparse-checkout", "disable")
    assert tree(project) == tree(made(2))


def test_a_conflict_in_a_file_that_a_sparse_checkout_leaves_out(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.level]\nnumber = 7\n")
    commit_all(project, "Our number")
    git(project, "update-index", "--refresh")
    git(project, "sparse-checkout", "set", "--no-cone", "/*", "!/pyproject.toml")
    before = state(project)
    finished = run("climb", "2", cwd=project)
    assert finished.returncode == 3
    assert b"<<<<<<< " in (project / "pyproject.toml").read_bytes()
    undo = finished.stderr.rpartition("To undo all: ")[2].strip()
    assert undo.startswith("git restore ")
    subprocess.run(undo, shell=True, cwd=project, check=True)
    git(project, "sparse-checkout", "reapply")
    assert state(project) == before


# Git operations in progress.

OPERATIONS: dict[str, list[str]] = {
    "merge": ["git merge --no-commit --no-ff --strategy=ours side"],
    "cherry-pick": ["git cherry-pick empty || true"],
    "revert": ["git revert --no-commit empty"],
    "rebase": ["git rebase --exec false HEAD^ || true"],
    "am": ["git format-patch -1 --stdout side > ../patch", "git am ../patch || true"],
    "bisect": ["git bisect start"],
}


@pytest.mark.parametrize(
    ("command", "operation"),
    [*(("climb", name) for name in OPERATIONS), ("upgrade", "merge"), ("adopt", "cherry-pick")],
)
def test_an_operation_under_way_is_not_finished(
    project: Path, tmp_path: Path, template: Path, operation: str, command: str
) -> None:
    if command == "adopt":
        project = foreign(tmp_path)
    git(project, "commit", "--quiet", "--allow-empty", "--message", "Nothing")
    git(project, "branch", "empty")
    git(project, "switch", "--quiet", "--create", "side", "HEAD^")
    write(project, {"README.md": "# Theirs\n"})
    commit_all(project, "Theirs")
    git(project, "switch", "--quiet", "main")
    write(project, {"README.md": "# Ours\n"})
    commit_all(project, "Ours")
    for line in OPERATIONS[operation]:
        subprocess.run(line, shell=True, cwd=project, env=os.environ | NAMED, capture_output=True)
    assert git(project, "status", "--porcelain") == ""
    git(template_copy(template, tmp_path), "tag", "v0.2.0")
    arguments = {
        "climb": ["2", "--commit"],
        "upgrade": ["--commit", "--template", str(tmp_path / "newer")],
        "adopt": ["--template", str(template)],
    }[command]
    said = refuses(command, *arguments, cwd=project)
    assert f"a git {operation} is in progress" in said


# The package moved.


def rename_package(project: Path, target: str) -> None:
    """Move the package, adapt its imports, and commit."""
    (project / target).parent.mkdir(exist_ok=True)
    git(project, "mv", "src/rides", target)
    train = project / target / "train.py"
    train.write_text(train.read_text().replace("from rides", f"from {Path(target).name}"))
    commit_all(project, "Rename the package")


def test_a_renamed_package_is_noticed_and_taken_over(project: Path, tmp_path: Path) -> None:
    rename_package(project, "src/trips")
    for command in (["climb", "2"], ["climb", "0"]):
        assert "--data package_name=trips" in refuses(*command, cwd=project)
    assert run("plan", "2", cwd=project).returncode == 1
    succeeds("climb", "2", "--data", "package_name=trips", "--commit", cwd=project)
    assert answers_of(project)["package_name"] == "trips"
    assert not (project / "src/rides").exists()
    assert "from trips" in (project / "src/trips/train.py").read_text()
    succeeds("climb", "1", "--commit", cwd=project)
    succeeds("climb", "0", "--commit", "--edited", "drop", cwd=project)
    assert not (project / "src").exists()


def test_a_package_that_was_moved_elsewhere_is_noticed(project: Path) -> None:
    rename_package(project, "lib/rides")
    assert "git mv lib/rides src/rides" in refuses("climb", "2", cwd=project)


def test_a_package_whose_files_went_one_by_one_climbs(project: Path) -> None:
    git(project, "rm", "--quiet", "-r", "src")
    commit_all(project, "No package")
    succeeds("climb", "2", "--commit", cwd=project)


# Filters: Git LFS and others.


def test_a_notebook_under_git_lfs_comes_along(ladder: Ladder, tmp_path: Path) -> None:
    installed("git-lfs")
    variables = config(tmp_path, "")
    subprocess.run(["git", "lfs", "install"], env=os.environ | variables, check=True, cwd=tmp_path)
    project = ladder.project(0)
    edit_notebook(project)
    (project / ".gitattributes").write_text("*.ipynb filter=lfs diff=lfs merge=lfs -text\n")
    for arguments in (["add", "--all", "--renormalize"], ["add", "--all"], ["commit", "-m", "LFS"]):
        subprocess.run(
            ["git", *arguments], cwd=project, env=os.environ | NAMED | variables, check=True
        )
    assert "git-lfs" in git(project, "cat-file", "blob", "HEAD:notebook.ipynb")
    before = (project / "notebook.ipynb").read_bytes()
    succeeds("climb", "1", "--commit", cwd=project, **variables)
    assert "BY_US = 17" in (project / "src/taxi_ride_duration/problem.py").read_text()
    assert (project / "notebook.ipynb").read_bytes() == before
    status = ["git", "status", "--porcelain"]
    printed = subprocess.run(
        status, cwd=project, env=os.environ | variables, capture_output=True, text=True
    )
    assert printed.stdout == ""


def test_a_notebook_that_git_lfs_has_not_brought(ladder: Ladder) -> None:
    project = ladder.project(0)
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    attributes = "*.ipynb filter=nowhere\n"
    write(project, {"notebook.ipynb": pointer, ".gitattributes": attributes})
    commit_all(project, "A clone without git-lfs")
    assert "git lfs pull" in refuses("climb", "1", cwd=project)


FILTER = '[filter "upper"]\nclean = tr a-z A-Z\nsmudge = tr A-Z a-z\nrequired = true\n'


def test_what_arrives_goes_through_the_projects_filters(project: Path, tmp_path: Path) -> None:
    commit(project, **{".gitattributes": "params.yaml filter=upper\n"})
    variables = config(tmp_path, FILTER)
    succeeds("climb", "2", "--commit", cwd=project, **variables)
    assert git(project, "show", "HEAD:params.yaml") == "TREES: 10\n"
    assert (project / "params.yaml").read_text() == "trees: 10\n"
    status = ["git", "status", "--porcelain"]
    shown = subprocess.run(status, cwd=project, env=os.environ | variables, capture_output=True)
    assert shown.stdout == b""
    succeeds("climb", "1", "--commit", cwd=project, **variables)
    assert not (project / "params.yaml").exists()


def test_a_file_under_a_filter_is_merged_as_it_is_on_disk(project: Path, tmp_path: Path) -> None:
    variables = config(tmp_path, FILTER)
    git(project, "config", "--file", ".git/config", "filter.upper.clean", "tr a-z A-Z")
    git(project, "config", "--file", ".git/config", "filter.upper.smudge", "tr A-Z a-z")
    commit(project, **{".gitattributes": "pyproject.toml filter=upper\n"})
    (project / "pyproject.toml").write_text("# ours\n" + (project / "pyproject.toml").read_text())
    git(project, "add", "--renormalize", ".")
    commit_all(project, "Upper")
    succeeds("climb", "2", "--commit", cwd=project, **variables)
    text = (project / "pyproject.toml").read_text()
    assert "number = 2" in text and "# ours" in text
    assert "NUMBER = 2" in git(project, "show", "HEAD:pyproject.toml")
    assert git(project, "status", "--porcelain") == ""


def test_what_arrives_is_written_in_the_projects_encoding(project: Path) -> None:
    encoding = "UTF-16LE-BOM"
    commit(project, **{".gitattributes": f"*.md text working-tree-encoding={encoding}\n"})
    git(project, "rm", "--quiet", "--cached", "-r", ".")
    for file in [*project.glob("*.md"), *project.glob("docs/*.md")]:
        file.write_bytes(b"\xff\xfe" + file.read_text().encode("utf-16-le"))
    commit_all(project, "Sixteen bits")
    succeeds("climb", "2", "--commit", cwd=project)
    assert (project / "docs/2-pipelines.md").read_text(encoding="utf-16") == "# Level 2\n"
    assert git(project, "show", "HEAD:docs/2-pipelines.md") == "# Level 2\n"
    assert git(project, "status", "--porcelain") == ""


# Signatures and hooks.

SIGNING = "[commit]\ngpgsign = true\n[gpg]\nformat = ssh\n[user]\nsigningKey = {key}\n"


@pytest.fixture
def signing(tmp_path: Path) -> dict[str, str]:
    """Return settings with which every commit is signed with an SSH key."""
    key = tmp_path / "key"
    command = [installed("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(command, check=True)
    return config(tmp_path, SIGNING.format(key=key))


def is_signed(project: Path, revision: str = "HEAD") -> bool:
    """Tell whether a commit is signed."""
    return "\ngpgsig " in git(project, "cat-file", "commit", revision)


def test_commits_are_signed(
    project: Path, tmp_path: Path, template: Path, signing: dict[str, str]
) -> None:
    succeeds("new", "signed", "--defaults", "--template", template, cwd=tmp_path, **signing)
    succeeds("climb", "2", "--commit", cwd=project, **signing)
    repository = foreign(tmp_path)
    succeeds("adopt", "--template", template, "--branch", "ladder", cwd=repository, **signing)
    assert is_signed(tmp_path / "signed") and is_signed(project) and is_signed(repository, "ladder")


def test_a_signature_that_fails(project: Path, tmp_path: Path, template: Path) -> None:
    broken = config(tmp_path, "[commit]\ngpgsign = true\n[gpg]\nprogram = false\n")
    said = succeeds("new", "made", "--defaults", "--template", template, cwd=tmp_path, **broken)
    assert "no commit was made" in said and "Everything is staged; commit it: git commit" in said
    made = tmp_path / "made"
    assert set(git(made, "diff", "--cached", "--name-only").splitlines()) == set(tree(made))
    said = refuses("climb", "2", "--commit", "--branch", "up", cwd=project, **broken)
    assert said.startswith("error: git commit-tree failed")
    repository = foreign(tmp_path)
    assert "commit-tree" in refuses("adopt", "--template", template, cwd=repository, **broken)


@pytest.mark.parametrize("where", ["init.templateDir", "core.hooksPath"])
def test_hooks_do_not_run_in_temporary_clones(
    project: Path, tmp_path: Path, template: Path, where: str
) -> None:
    hooks = tmp_path / "git template/hooks"
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        write(hooks, {name: f"#!/bin/sh\npwd >> '{tmp_path}/ran'\nexit 1\n"})
        (hooks / name).chmod(0o755)
    place = hooks if where == "core.hooksPath" else hooks.parent
    section, _, name = where.partition(".")
    variables = config(tmp_path, f"[{section}]\n{name} = {place}\n")
    succeeds("plan", "2", cwd=project, **variables)
    git(template_copy(template, tmp_path), "tag", "v0.2.0")
    upgrade = ["upgrade", "--dry-run", "--template", str(tmp_path / "newer")]
    succeeds(*upgrade, cwd=project, **variables)
    ran = (tmp_path / "ran").read_text().splitlines() if (tmp_path / "ran").exists() else []
    assert [folder for folder in ran if not folder.startswith(str(project))] == []


# Monorepos and nested repositories.


@pytest.fixture
def monorepo(made: Callable[[int], Path], tmp_path: Path) -> Path:
    """Return a repository with a project in a subfolder and other files."""
    top = tmp_path / "all our work"
    shutil.copytree(made(1), top / "services/rides", ignore=shutil.ignore_patterns(".git"))
    write(top, {"services/other/main.py": "print(1)\n", "README.md": "# All\n"})
    commit_all(top, "Everything")
    return top


def test_work_elsewhere_in_the_repository_does_not_count(monorepo: Path) -> None:
    project, other = monorepo / "services/rides", monorepo / "services/other"
    write(other, {"draft.py": "print(2)\n", "main.py": "print(3)\n", "staged.py": "print(4)\n"})
    git(monorepo, "add", "services/other/staged.py")
    succeeds("climb", "2", "--commit", cwd=project)
    changed = git(monorepo, "show", "--format=", "--name-only").splitlines()
    assert changed and all(name.startswith("services/rides/") for name in changed)
    assert git(monorepo, "status", "--porcelain").splitlines() == [
        " M services/other/main.py",
        "A  services/other/staged.py",
        "?? services/other/draft.py",
    ]


def test_undoing_touches_nothing_elsewhere(monorepo: Path) -> None:
    project, other = monorepo / "services/rides", monorepo / "services/other"
    write(project, {"params.yaml": "trees: 99\n"})
    commit_all(monorepo, "Our parameters")
    write(other, {"main.py": "print(3)\n"})
    before = tree(monorepo)
    finished = run("climb", "2", cwd=project)
    assert finished.returncode == 3
    undo = finished.stderr.rpartition("To undo all: ")[2].strip()
    assert undo == "git restore --source=HEAD --staged --worktree ."
    subprocess.run(undo, shell=True, cwd=project, check=True)
    assert tree(monorepo) == before
    assert git(monorepo, "status", "--porcelain") == " M services/other/main.py\n"


@pytest.mark.parametrize("kind", ["nested", "submodule", "submodule that is not there"])
def test_a_repository_inside_the_project(project: Path, tmp_path: Path, kind: str) -> None:
    """Level 2 has a file in `docs`, which is another repository here."""
    git(project, "rm", "--quiet", "-r", "docs")
    commit_all(project, "No guides")
    git(project, "init", "--quiet", "docs")
    write(project / "docs", {"theirs.md": "theirs\n"})
    commit_all(project / "docs", "Theirs")
    if kind == "nested":
        (project / ".git/info/exclude").write_text("/docs\n")
    else:
        subprocess.run(["git", "add", "docs"], cwd=project, check=True, capture_output=True)
        commit_all(project, "A submodule")
    if kind == "submodule that is not there":
        shutil.rmtree(project / "docs")
        (project / "docs").mkdir()
    assert "docs is a git repository" in refuses("climb", "2", cwd=project)


# The file of answers.


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("level: 1", 'level: "1"'),
        ("_commit: v0.1.0", "_commit: 1234567"),
        ("_commit: v0.1.0", "_commit: 0123456"),
        ("_commit: v0.1.0", "_commit: 12e4567"),
    ],
)
def test_answers_as_people_and_tools_write_them(
    project: Path, template: Path, tmp_path: Path, old: str, new: str
) -> None:
    text = (project / ".copier-answers.yml").read_text()
    assert old in text
    if "_commit" in new:
        tagged = template_copy(template, tmp_path)
        git(tagged, "tag", new.split()[1])
        text = text.replace(str(template), str(tagged))
    write(project, {".copier-answers.yml": text.replace(old, new)})
    commit_all(project, "Our answers")
    succeeds("climb", "2", "--commit", cwd=project)
    assert answers_of(project)["level"] == 2
    if "_commit" in new:
        assert str(answers_of(project)["_commit"]) == new.split()[1]


@pytest.mark.parametrize("level", ["true", "1.5", "[1]", "one", "-1", "null", "''"])
def test_a_level_that_is_none(project: Path, level: str) -> None:
    text = (project / ".copier-answers.yml").read_text()
    write(project, {".copier-answers.yml": text.replace("level: 1", f"level: {level}")})
    commit_all(project, "Our answers")
    said = refuses("climb", "2", cwd=project)
    assert "level" in said and len(said.splitlines()) == 1


@pytest.mark.parametrize("name", [".copier-answers.ladder.yml", "answers.yaml"])
def test_a_file_of_answers_by_another_name(
    project: Path, made: Callable[[int], Path], name: str
) -> None:
    git(project, "mv", ".copier-answers.yml", name)
    write(project, {".copier-answers.yml": "_src_path: gh:other/template\n_commit: v1\n"})
    commit_all(project, "Two templates")
    succeeds("climb", "2", "--commit", cwd=project)
    assert "level: 2" in (project / name).read_text()
    assert "other/template" in (project / ".copier-answers.yml").read_text()
    found = tree(project)
    found[".copier-answers.yml"] = found.pop(name)
    assert found == tree(made(2))


# Missing objects.


def test_an_object_that_is_missing(project: Path) -> None:
    write(project, {"pyproject.toml": "# ours\n" + (project / "pyproject.toml").read_text()})
    commit_all(project, "Ours")
    lost = git(project, "rev-parse", "HEAD:pyproject.toml").strip()
    (project / ".git/objects" / lost[:2] / lost[2:]).unlink()
    said = run("climb", "2", cwd=project).stderr
    assert lost in said and len(said.splitlines()) == 1


def test_a_blobless_clone_fetches_what_it_lacks(project: Path, tmp_path: Path) -> None:
    write(project, {"pyproject.toml": "# ours\n" + (project / "pyproject.toml").read_text()})
    commit_all(project, "Ours")
    server, clone = tmp_path / "server.git", tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--bare", str(project), str(server))
    git(server, "--git-dir=.", "config", "uploadpack.allowFilter", "true")
    git(server, "--git-dir=.", "config", "uploadpack.allowAnySHA1InWant", "true")
    partial = ("--quiet", "--filter=blob:none", "--no-checkout")
    git(tmp_path, "clone", *partial, f"file://{server}", str(clone))
    git(clone, "sparse-checkout", "set", "--no-cone", "/*", "!/pyproject.toml")
    git(clone, "checkout", "--quiet", "main")
    lost = git(project, "rev-parse", "HEAD:pyproject.toml").strip()
    server.rename(tmp_path / "gone.git")
    said = run("climb", "2", "--commit", cwd=clone).stderr
    assert lost in said and len(said.splitlines()) == 1
    assert git(clone, "status", "--porcelain") == ""
    (tmp_path / "gone.git").rename(server)
    succeeds("climb", "2", "--commit", cwd=clone)
    assert "number = 2" in git(clone, "show", "HEAD:pyproject.toml")


# The lock that `make setup` writes.


@pytest.mark.parametrize("known", ["untracked", "changed", "staged"])
@pytest.mark.parametrize("options", [[], ["--commit"], ["--commit", "--test"]], ids=str)
def test_a_lock_that_make_setup_wrote_is_carried_along(
    project: Path, known: str, options: list[str]
) -> None:
    if known == "changed":
        commit(project, **{"uv.lock": "old\n"})
    write(project, {"uv.lock": "written by make setup\n"})
    if known == "staged":
        git(project, "add", "uv.lock")
    said = succeeds("climb", "2", *options, cwd=project)
    expected = "lock\n" if "--test" in options else "written by make setup\n"
    assert (project / "uv.lock").read_text() == expected
    assert ("git add uv.lock" in said) == ("--test" not in options)
    if "--test" in options:
        assert git(project, "status", "--porcelain") == ""


def test_a_lock_is_as_it_was_after_tests_that_fail(project: Path) -> None:
    (project / ".git/info/exclude").write_text("/broken\n")
    write(project, {"uv.lock": "written by make setup\n", "broken": ""})
    refuses("climb", "2", "--test", cwd=project)
    (project / "uv.lock").unlink()
    refuses("climb", "2", "--test", cwd=project)


# Control characters in output.

ESCAPE = "\x1b]0;pwned\x07\x1b[31m"


def test_escapes_are_shown_and_not_obeyed(
    project: Path, template: Path, tmp_path: Path, ladder: Ladder
) -> None:
    said = []
    write(project, {f"own{ESCAPE}.py": "OWN = 1\n", "new\nline.py": ""})
    said.append(refuses("climb", "2", cwd=project))
    made = ["--template", str(template), "--defaults"]
    for arguments in (
        ["new", f"to{ESCAPE}", *made],
        ["new", "x", *made, "--data", f"project_name=Rides{ESCAPE}"],
        ["new", "x", *made, "--data", f"name{ESCAPE}=x"],
        ["plan", f"2{ESCAPE}"],
        [f"pl{ESCAPE}"],
        [f"--opt{ESCAPE}"],
        ["climb", "2", "--project", f"no{ESCAPE}"],
        ["new", "x", *made, "--answers", f"no{ESCAPE}"],
        ["new", "y", *made, "--from", f"no{ESCAPE}", "--target", f"t{ESCAPE}"],
    ):
        finished = run(*arguments, cwd=tmp_path)
        said.append(finished.stderr + finished.stdout)
    table = "x,colour,y\n" + "".join(f"{n},r{ESCAPE}{n % 3},{n % 7}\n" for n in range(200))
    (tmp_path / "table.csv").write_text(table + f"1,r,{ESCAPE}\n")
    for target in ("y", "colour", f"z{ESCAPE}"):
        options = ["--from", "table.csv", "--target", target, "--template", str(ladder.template)]
        finished = run("new", f"from-{target[0]}", "--defaults", *options, cwd=tmp_path)
        said.append(finished.stderr + finished.stdout)
    repository = foreign(tmp_path)
    commit(repository, **{f"own{ESCAPE}.py": "OWN = 1\n", f"data/{ESCAPE}.csv": "x\n"})
    finished = run("adopt", "--template", template, cwd=repository)
    said.append(finished.stderr + finished.stdout)
    for text in said:
        assert "\x1b" not in text and "\x07" not in text, text
    assert sum("\\x1b" in text for text in said) > 8


# Signals.


def hear_signals() -> None:
    """Undo what nohup or a shell's background sets, because a process inherits it."""
    for name in ("SIGHUP", "SIGTERM", "SIGINT"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM", "SIGINT"])
def test_a_signal_at_a_question_leaves_nothing(template: Path, tmp_path: Path, name: str) -> None:
    parent, child = pty.openpty()
    folder = tmp_path / "here"
    folder.mkdir()
    asking = subprocess.Popen(
        [sys.executable, "-m", "mlops_ladder", "new", "deep/project", "--template", str(template)],
        cwd=folder,
        env=os.environ | NAMED | {"TERM": "xterm", "TMPDIR": str(tmp_path)},
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
        preexec_fn=hear_signals,
    )
    os.close(child)
    shown = b""
    while b"project_name" not in shown and b"Rides" not in shown:
        shown += os.read(parent, 4096)
    assert [*folder.rglob("*")] != []
    asking.send_signal(getattr(signal, name))
    asking.wait(timeout=60)
    os.close(parent)
    assert asking.returncode != 0
    assert [*folder.rglob("*")] == []
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("mlops")] == []


def test_a_signal_ends_a_climb_as_before(project: Path) -> None:
    recipe = "setup:\ntest:\n\t@kill -TERM $$(cat pid); sleep 61.25; echo late > README.md\n"
    commit(project, Makefile=recipe)
    (project / ".git/info/exclude").write_text("/pid\n")
    before = state(project)
    command = [sys.executable, "-m", "mlops_ladder", "climb", "2", "--test"]
    climbing = subprocess.Popen(
        command, cwd=project, env=os.environ | NAMED, stderr=subprocess.PIPE
    )
    (project / "pid").write_text(str(climbing.pid))
    _, said = climbing.communicate(timeout=120)
    assert climbing.returncode == 128 + signal.SIGTERM, said
    (project / "pid").unlink()
    assert state(project) == before
    sleeping = subprocess.run(["pgrep", "-f", f"{project}|sleep 61.25"], capture_output=True)
    assert sleeping.stdout == b"", "a process that make started is still running"
