"""Tests of locating the template, caching its versions, and finding a project's version later."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import copier
import pytest
from copier._vcs import get_latest_tag

from mlops_ladder.errors import RefusedError, UsageError
from mlops_ladder.source import cache, location, selection
from mlops_ladder.source.location import Template
from mlops_ladder.source.versions import has_version, list_versions
from projects import REPOSITORY, answers_of, commit_all, git

VERSION = metadata.version("mlops-ladder")
FILES = {
    "CHANGELOG.md": b"# Changelog\n",
    "copier.yml": b"_subdirectory: template\nname: {default: x}\n",
    "levels/0-notebook.yml": b"{}\n",
    "questions/one_line.jinja": b"yes\r\n",
    "template/.gitignore": b"*.txt\n",
    "template/README.md": b"A project\n",
    "template/ignored.txt": b"and yet a part of the template\n",
    "template/{{_copier_conf.answers_file}}.jinja": b"{{ _copier_answers | to_nice_yaml }}",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the user's data folder, whose path has a space."""
    monkeypatch.setenv(cache.HOME, str(tmp_path / "user data"))
    monkeypatch.delenv(selection.VARIABLE, raising=False)
    return tmp_path / "user data"


def write(root: Path, files: dict[str, bytes] = FILES) -> Path:
    """Write files below a folder, and return the folder."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a template with a release and a commit after it."""
    root = write(tmp_path / "a template")
    commit_all(root, "First")
    git(root, "tag", "v0.1.0")
    commit_all(root, "After the release")
    return root


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the program run as from a wheel, and return the template packed into it."""
    package = tmp_path / "site packages/mlops_ladder"
    monkeypatch.setattr(selection, "PACKAGE", package)
    return write(package / "_template")


@pytest.fixture
def installed_from(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Return a function that records where the program was installed from (PEP 610)."""

    class Distribution:
        recorded = ""
        version = VERSION

        def read_text(self, name: str) -> str:
            return self.recorded if name == "direct_url.json" else ""

    def record(origin: object) -> None:
        Distribution.recorded = json.dumps(origin)
        monkeypatch.setattr(metadata, "distribution", lambda name: Distribution())

    return record


def head(repository: Path, revision: str = "HEAD") -> str:
    """Return the commit of a revision."""
    return git(repository, "rev-parse", revision).strip()


def tags(repository: Path) -> list[str]:
    """Return the names of the tags."""
    return git(repository, "tag").split()


# A checkout.


def test_the_package_under_test_is_the_working_tree() -> None:
    assert location.CHECKOUT == REPOSITORY and not (location.PACKAGE / "_template").exists()
    assert selection.installed_template() == Template(str(REPOSITORY), head(REPOSITORY))


def test_a_checkout_gives_its_last_commit(repository: Path) -> None:
    assert selection.checkout_template(repository) == Template(str(repository), head(repository))
    assert head(repository) != head(repository, "v0.1.0")


def test_what_is_not_committed_is_not_used_and_that_is_said(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "template/README.md").write_text("draft")
    with pytest.warns(copier.errors.DirtyLocalWarning):
        lost = copier.run_copy(str(repository), tmp_path / "copier", vcs_ref="HEAD", defaults=True)
    assert (lost.dst_path / "README.md").read_text() == "draft"
    assert not has_version(str(repository), answers_of(lost.dst_path)["_commit"])

    template = selection.checkout_template(repository)
    said = capsys.readouterr().err
    assert f"uncommitted changes of the template in {repository} are not used" in said
    ours = copier.run_copy(
        template.location, tmp_path / "ours", vcs_ref=template.version, defaults=True
    )
    assert (ours.dst_path / "README.md").read_text() == "A project\n"
    assert has_version(str(repository), answers_of(ours.dst_path)["_commit"])


def test_a_folder_that_is_no_checkout_is_kept_like_a_wheel(tmp_path: Path, home: Path) -> None:
    template = selection.checkout_template(write(tmp_path / "unpacked"))
    assert template == Template(str(home / "template.git"), f"v{VERSION}")


# A wheel.


def test_a_wheel_lays_its_template_down(wheel: Path, home: Path, tmp_path: Path) -> None:
    template = selection.installed_template()
    assert template == Template(str(home / "template.git"), f"v{VERSION}")
    (wheel / "template/__pycache__").mkdir()
    (wheel / "template/__pycache__/x.pyc").write_bytes(b"")
    assert selection.installed_template() == template
    listed = git(home / "template.git", "ls-tree", "-r", "--name-only", f"v{VERSION}")
    assert listed.splitlines() == sorted(FILES)
    made = copier.run_copy(
        template.location, tmp_path / "made", vcs_ref=template.version, defaults=True
    )
    assert answers_of(made.dst_path)["_commit"] == f"v{VERSION}"
    assert answers_of(made.dst_path)["_src_path"] == str(home / "template.git")


def test_a_version_is_the_same_commit_on_every_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = head(cache.cache_version(FILES, "1.0")[0], "v1.0")
    config = tmp_path / "config"
    config.write_text(
        "[core]\n autocrlf = true\n[user]\n name = Else\n[init]\n defaultBranch = x\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv(cache.HOME, str(tmp_path / "elsewhere"))
    second = head(cache.cache_version(FILES, "1.0")[0], "v1.0")
    assert first == second == "360947ac801b14c6f93b30df4bd851f4183f547c"


def test_older_versions_stay(home: Path) -> None:
    cache.cache_version(FILES, "1.0")
    first = head(home / "template.git", "v1.0")
    cache.cache_version(FILES | {"CHANGELOG.md": b"new"}, "1.1")
    assert tags(home / "template.git") == ["v1.0", "v1.1"]
    assert head(home / "template.git", "v1.0") == first


def test_another_build_of_a_version_does_not_move_its_tag(home: Path) -> None:
    cache.cache_version(FILES, "1.0")
    first = head(home / "template.git", "v1.0")
    other = FILES | {"CHANGELOG.md": b"another build"}
    _, tag = cache.cache_version(other, "1.0")
    assert cache.cache_version(other, "1.0")[1] == tag and tag.startswith("v1.0+")
    assert cache.cache_version(FILES, "1.0")[1] == "v1.0"
    assert head(home / "template.git", "v1.0") == first != head(home / "template.git", tag)


def test_an_edited_one_is_refused(home: Path) -> None:
    cache.cache_version(FILES, "1.0")
    other = FILES | {"CHANGELOG.md": b"another build"}
    _, tag = cache.cache_version(other, "1.0")
    git(home / "template.git", "tag", "--force", tag, "v1.0")
    with pytest.raises(RefusedError, match="was edited: its tag"):
        cache.cache_version(other, "1.0")


def break_head(repository: Path) -> None:
    """Remove `HEAD`, without which git finds no repository."""
    (repository / "HEAD").unlink()


def break_object(repository: Path) -> None:
    """Remove an object that only version 1.1 has."""
    changelog = head(repository, "v1.1:CHANGELOG.md")
    (repository / "objects" / changelog[:2] / changelog[2:]).unlink()


@pytest.mark.parametrize(("damage", "kept"), [(break_object, ["v1.0"]), (break_head, [])])
def test_a_damaged_one_is_made_anew_with_what_is_whole(
    home: Path,
    damage: Callable[[Path], None],
    kept: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    cache.cache_version(FILES, "1.0")
    cache.cache_version(FILES | {"CHANGELOG.md": b"new"}, "1.1")
    damage(home / "template.git")
    repository, tag = cache.cache_version(FILES | {"CHANGELOG.md": b"newer"}, "1.2")
    assert (repository, tag) == (home / "template.git", "v1.2")
    assert tags(repository) == [*kept, "v1.2"]
    git(repository, "fsck")
    said = capsys.readouterr().err
    assert "the template cache was damaged and was rebuilt" in said
    assert "cached template version v1.1 is damaged and was dropped" in said
    (aside,) = home.glob("damaged-*/template.git")
    assert str(aside) in said


KILLER = """\
#!/bin/sh
count=$(($(cat '{count}') - 1)); echo $count > '{count}'
[ $count = 0 ] && kill -9 $PPID && exit
PATH='{path}' exec git "$@"
"""
CACHE_VERSION = """\
import sys
from mlops_ladder.source import cache
cache.cache_version({"copier.yml": b""}, sys.argv[1])
"""


def cache_in_process(version: str, **variables: str) -> subprocess.Popen[bytes]:
    """Start another process that caches a version."""
    path = {"PYTHONPATH": str(REPOSITORY / "src")}
    return subprocess.Popen(
        [sys.executable, "-c", CACHE_VERSION, version], env=os.environ | path | variables
    )


@pytest.mark.slow
@pytest.mark.parametrize("older", [[], ["v1.0"]])
def test_killed_before_any_of_its_steps_it_leaves_nothing_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, older: list[str]
) -> None:
    """Git on the PATH kills its caller, at each call in turn."""
    killer, count = tmp_path / "bin/git", tmp_path / "count"
    killer.parent.mkdir()
    killer.write_text(KILLER.format(count=count, path=os.environ["PATH"]))
    killer.chmod(0o755)
    codes = []
    for call in range(1, 8):
        home = tmp_path / str(call)
        monkeypatch.setenv(cache.HOME, str(home))
        if older:
            cache.cache_version(FILES, "1.0")
        count.write_text(str(call))
        path = f"{killer.parent}:{os.environ['PATH']}"
        codes.append(cache_in_process("1.1", PATH=path).wait())
        cache.cache_version({"copier.yml": b""}, "1.1")
        assert tags(home / "template.git") == [*older, "v1.1"]
        git(home / "template.git", "fsck")
        assert {path.name for path in home.iterdir()} == {"lock", "template.git"}
    assert codes == [-9] * 6 + [0], "there are as many calls"


def test_a_lock_of_a_killed_git_is_taken_away(home: Path) -> None:
    cache.cache_version(FILES, "1.0")
    (home / "template.git/refs/tags/v1.1.lock").touch()
    (home / "template.git/refs/heads/main.lock").touch()
    assert cache.cache_version(FILES | {"CHANGELOG.md": b"new"}, "1.1")[1] == "v1.1"


def test_several_at_once_wait_for_each_other(home: Path) -> None:
    versions = ["1.0", "1.1", "1.2"]
    running = [cache_in_process(version) for version in versions * 2]
    assert [process.wait() for process in running] == [0] * len(running)
    assert tags(home / "template.git") == [f"v{version}" for version in versions]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(RefusedError, match=f"cannot be cached in {home}.*MLOPS_LADDER_HOME"):
        cache.cache_version(FILES, "1.0")


def test_a_wheel_holds_what_is_laid_down() -> None:
    pyproject = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    included = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    course = {"course": "mlops_ladder/_course"}
    assert included == {name: f"mlops_ladder/_template/{name}" for name in cache.CONTENTS} | course


def test_the_template_needs_no_other_file_modes() -> None:
    """Cached files have one mode, so that a version is the same on every file system."""
    listed = git(REPOSITORY, "ls-files", "--stage", "--", *cache.CONTENTS).splitlines()
    assert {line.split()[0] for line in listed} == {"100644"}


# An installation from a git address.

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://github.com/ada/ladder", "https://github.com/ada/ladder"),
        ("https://example.org/ladder.git", "https://example.org/ladder.git"),
        ("https://example.org/ladder", "git+https://example.org/ladder"),
        ("ssh://git@example.org/ladder", "git+ssh://git@example.org/ladder"),
        ("file:///somewhere%20else/ladder", "/somewhere else/ladder"),
    ],
)
@pytest.mark.usefixtures("wheel")
def test_installed_from_git_it_is_that_address_and_commit(
    installed_from: Callable[[object], None], url: str, location: str
) -> None:
    installed_from({"url": url, "vcs_info": {"vcs": "git", "commit_id": COMMIT}})
    assert selection.installed_template() == Template(location, COMMIT)


@pytest.mark.usefixtures("wheel")
def test_installed_from_a_folder_it_carries_its_template(
    installed_from: Callable[[object], None], home: Path
) -> None:
    installed_from({"url": "file:///somewhere/ladder", "dir_info": {}})
    assert selection.installed_template().location == str(home / "template.git")


# A template named by the user.


@pytest.mark.parametrize(
    ("named", "location"),
    [
        ("gh:ada/ladder", "gh:ada/ladder"),
        ("gl:ada/ladder", "gl:ada/ladder"),
        ("git@example.org:ladder", "git@example.org:ladder"),
        ("ada@example.org:ladder", "git+ada@example.org:ladder"),
        ("ssh://git@example.org/ladder", "git+ssh://git@example.org/ladder"),
        ("https://example.org/ladder", "git+https://example.org/ladder"),
    ],
)
def test_an_address_stays_as_copier_knows_it(named: str, location: str) -> None:
    assert selection.select_template(named) == Template(location, None)


@pytest.mark.parametrize("named", ["a template", "./a template", "~/a template", "file://"])
def test_a_path_becomes_absolute(
    repository: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.chdir(repository.parent)
    monkeypatch.setenv("HOME", str(repository.parent))
    name = repository.as_uri() if named == "file://" else named
    assert selection.select_template(name) == Template(str(repository), None)


def test_a_template_without_releases_is_taken_at_its_last_commit(repository: Path) -> None:
    git(repository, "tag", "--delete", "v0.1.0")
    (repository / "draft").touch()
    assert selection.select_template(str(repository)).version == head(repository)


def test_the_option_comes_before_the_environment_and_that_before_the_own(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert selection.select_template(None).location == str(REPOSITORY)
    monkeypatch.setenv(selection.VARIABLE, str(repository))
    assert selection.select_template(None).location == str(repository)
    assert selection.select_template("gh:ada/ladder").location == "gh:ada/ladder"


def test_what_no_project_could_climb_from_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no template at"):
        selection.select_template(str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="is not the top folder of a git repository"):
        selection.select_template(str(repository / "template"))
    git(tmp_path, "init", "--quiet", "empty")
    with pytest.raises(UsageError, match="has no commit"):
        selection.select_template(str(tmp_path / "empty"))
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"the template at .*file cannot be read"):
        selection.select_template(str(tmp_path / "file"))


@pytest.mark.parametrize("user", ["ada:secret", "token"])
def test_no_password_is_answers(user: str) -> None:
    with pytest.raises(UsageError, match="credential helper") as refusal:
        selection.select_template(f"https://{user}@example.org/ladder.git")
    assert user not in refusal.value.message


# The template that a project remembers.


def answers(location: str | Path, version: str = "v0.1.0") -> dict[str, str]:
    """Return a project's answers about its template."""
    return {"_src_path": str(location), "_commit": version}


def test_a_project_finds_its_template(repository: Path) -> None:
    found = selection.template_of(answers(repository))
    assert found == Template(str(repository), "v0.1.0")
    described = git(repository, "describe", "--tags").strip()
    assert selection.template_of(answers(repository, described)).version == described
    assert selection.template_of(answers("gh:ada/ladder")) == Template("gh:ada/ladder", "v0.1.0")


@pytest.mark.usefixtures("wheel")
def test_the_own_template_stands_in_for_one_on_another_machine(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = selection.template_of(answers("/her machine/template.git", f"v{VERSION}"))
    assert found == Template(str(home / "template.git"), f"v{VERSION}")
    said = capsys.readouterr().err
    assert f"/her machine/template.git is not on this machine; using version v{VERSION}" in said


@pytest.mark.usefixtures("wheel")
def test_a_template_of_ours_that_was_wiped_away_comes_back(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = selection.template_of(answers(home / "template.git", f"v{VERSION}"))
    assert found == Template(str(home / "template.git"), f"v{VERSION}")
    assert not capsys.readouterr().err


@pytest.mark.usefixtures("wheel")
def test_a_newer_program_brings_its_version_to_older_ones(home: Path) -> None:
    cache.cache_version(FILES, "0.0.9")
    found = selection.template_of(answers(home / "template.git", "v0.0.9"))
    assert found == Template(str(home / "template.git"), "v0.0.9")
    assert selection.newest_version(found) == f"v{VERSION}"


@pytest.mark.usefixtures("wheel")
def test_a_version_that_nobody_has_is_refused_with_what_to_do(home: Path) -> None:
    with pytest.raises(RefusedError, match=r"v0\.0\.7 .*is not on this machine.*--template"):
        selection.template_of(answers(home / "template.git", "v0.0.7"))


def test_a_relative_path_is_refused_with_what_to_do(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copier says only `Local template must be a directory`."""
    monkeypatch.chdir(repository.parent)
    with pytest.raises(
        RefusedError, match=r"'\.\./a template', which depends on the current folder.*--template"
    ):
        selection.template_of(answers("../a template"))
    found = selection.template_of(answers("../a template"), "a template")
    assert found == Template(str(repository), "v0.1.0")


# Versions.


def test_versions_are_ordered_as_copier_orders_them(repository: Path) -> None:
    for tag in ("v0.10.0", "v0.9.0", "1.0.0rc1", "v2.0.dev1", "nightly", "v0.10.0.post1"):
        git(repository, "tag", tag)
    template = Template(str(repository), None)
    assert list_versions(template) == ["v0.10.0.post1", "v0.10.0", "v0.9.0", "v0.1.0"]
    assert selection.newest_version(template) == get_latest_tag(str(repository))


def test_without_releases_the_last_commit_is_the_newest(repository: Path) -> None:
    git(repository, "tag", "--delete", "v0.1.0")
    assert selection.newest_version(Template(str(repository), None)) == head(repository)


def test_the_checkout_that_the_program_runs_from_is_ahead_of_its_releases(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert selection.newest_version(Template(str(repository), None)) == "v0.1.0"
    monkeypatch.setattr(selection, "CHECKOUT", repository)
    assert selection.newest_version(Template(str(repository), None)) == head(repository)


def test_a_template_out_of_reach_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="git ls-remote failed"):
        selection.newest_version(Template(str(tmp_path / "gone.git"), None))
