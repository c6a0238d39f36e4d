"""Tests of `upgrade`: it shows the changelog of a newer version and keeps the user's work."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import copier
import pytest
import yaml

from commands import call, done, refused
from mlops_ladder.source.changelog import new_sections
from projects import REPOSITORY, TEMPLATE, Ladder, answers_of, commit_all, git, tree

OLD = """\
# Changelog

Newest first.

## Unreleased

- A table of contents, which is
  told in two lines.

## 0.1.0

- The beginning.
"""
NEW = """\
# Changelog

## [0.2.0] - 2026-11-20

Read this first.

- A table of contents, which
  is told in two lines.
- A glossary.

  With a second paragraph.
* An index.

## v0.1.0

- The beginning, as we say now.
"""
COPIER_YML = """\
_subdirectory: template
ladder:
  type: yaml
  when: false
  default: {0: {title: Low, next: [make]}, 1: {title: High, next: [make]}}
level: {type: int, default: 0}
"""
ANSWERS = "template/{{_copier_conf.answers_file}}.jinja"
BOOK = "".join(f"Page {number}\n" for number in range(20))


def write(root: Path, files: dict[str, str]) -> None:
    """Write text files below a folder."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def release(template: Path, version: str, files: dict[str, str], *removed: str) -> None:
    """Write and remove files of the template, commit, and tag the version."""
    write(template, files)
    for name in removed:
        (template / name).unlink()
    commit_all(template, version)
    git(template, "tag", version)


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a template of one release and a project generated from it."""
    root = tmp_path_factory.mktemp("beginning")
    files = {"copier.yml": COPIER_YML, ANSWERS: "{{ _copier_answers | to_nice_yaml }}"}
    pages = {"template/book.txt": BOOK, "template/notes.txt": BOOK.replace("Page", "Note")}
    release(root / "the template", "v0.1.0", {**files, **pages, "CHANGELOG.md": OLD})
    copier.run_copy(
        str(root / "the template"), root / "a project", data={"level": 1}, defaults=True, quiet=True
    )
    return root


@pytest.fixture
def template(beginning: Path, tmp_path: Path) -> Path:
    """Return a copy of the template, for one test."""
    return shutil.copytree(beginning / "the template", tmp_path / "the template")


@pytest.fixture
def project(beginning: Path, template: Path, tmp_path: Path) -> Path:
    """Return a copy of the project that remembers that template, for one test."""
    root = shutil.copytree(beginning / "a project", tmp_path / "a project")
    answers = (root / ".copier-answers.yml").read_text()
    moved = answers.replace(str(beginning / "the template"), str(template))
    write(root, {".copier-answers.yml": moved})
    commit_all(root, "Start")
    return root


def release_new(template: Path, version: str = "v0.2.0") -> None:
    """Release a version with a longer book, an index and a changelog entry."""
    book = {"template/book.txt": BOOK + "Page 20\n", "template/index.txt": "A: 1\n"}
    release(template, version, {**book, "CHANGELOG.md": NEW})


def edit(project: Path, name: str, old: str, new: str) -> None:
    """Replace a text that the file has once, and commit."""
    text = (project / name).read_text()
    assert text.count(old) == 1
    (project / name).write_text(text.replace(old, new))
    commit_all(project, "Our work")


# The changelog.


def test_what_is_new_is_what_somebody_was_not_told() -> None:
    (told,) = new_sections(NEW, OLD)
    assert told.title == "[0.2.0] - 2026-11-20"
    glossary = ["- A glossary.", "  With a second paragraph."]
    assert told.entries == ["Read this first.", *glossary, "* An index."]


def test_what_is_not_released_is_told_where_it_is_taken() -> None:
    (told,) = new_sections(OLD, "")[:1]
    assert told.version == "unreleased" and told.entries[0].startswith("- A table")
    assert new_sections(OLD, OLD) == [] and new_sections("", OLD) == []
    (more,) = new_sections(OLD.replace("\n## 0.1.0", "- An index.\n\n## 0.1.0"), OLD)
    assert more.entries == ["- An index."]


def test_several_versions_are_told_newest_first() -> None:
    changelog = "## 0.3.0\n\n- Three.\n\n## 0.2.0\n\n- Two.\n\n## 0.1.0\n\n- One.\n"
    told = new_sections(changelog, "## 0.1.0\n\n- One.\n")
    assert [str(section) for section in told] == ["0.3.0\n\n- Three.", "0.2.0\n\n- Two."]


def test_our_own_changelog_can_be_read() -> None:
    told = new_sections((REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8"), "")
    assert told[-1].version == "0.1.0" and all(section.entries for section in told)


# The command.


def test_it_takes_the_newest_version_and_shows_what_is_new_first(
    template: Path, project: Path
) -> None:
    edit(project, "book.txt", "Page 3\n", "Page 3, as we see it\n")
    release_new(template)
    release_new(template, "v0.3.0rc1")
    said = done("upgrade", "--commit", cwd=project)
    assert said.index("from v0.1.0 to v0.2.0") < said.index("- A glossary.")
    assert "A table of contents" not in said and "The beginning" not in said
    assert answers_of(project)["_commit"] == "v0.2.0" and answers_of(project)["level"] == 1
    book = (project / "book.txt").read_text()
    assert "as we see it" in book and book.endswith("Page 20\n")
    assert (project / "index.txt").exists() and not git(project, "status", "--porcelain")


def test_on_a_branch_it_leaves_the_others_alone(template: Path, project: Path) -> None:
    release_new(template)
    before = git(project, "rev-parse", "HEAD")
    done("upgrade", "--branch", "newer", "--commit", cwd=project)
    assert git(project, "branch", "--show-current") == "newer\n"
    assert git(project, "rev-parse", "newer~1") == before


def test_a_dry_run_touches_nothing(template: Path, project: Path) -> None:
    release_new(template)
    before = tree(project)
    shown = call("upgrade", "--dry-run", cwd=project)
    assert shown.exit_code == 0, shown.output
    assert "- A glossary." in shown.stderr and "index.txt" in shown.stdout
    assert tree(project) == before and not git(project, "status", "--porcelain")


def test_the_newest_version_is_there_already(template: Path, project: Path) -> None:
    commit_all(template, "After the release")
    before = tree(project)
    assert "the project already has the newest version: v0.1.0" in done("upgrade", cwd=project)
    assert tree(project) == before


def test_a_project_ahead_of_the_newest_release_stays(template: Path, project: Path) -> None:
    """The project was generated from a commit after the release."""
    commit_all(template, "After the release")
    later = git(template, "describe", "--tags").strip()
    edit(project, ".copier-answers.yml", "v0.1.0", later)
    assert f"the project already has the newest version: {later}" in done("upgrade", cwd=project)


def test_it_goes_to_the_version_that_is_asked_for(template: Path, project: Path) -> None:
    release_new(template)
    release(template, "v0.3.0", {"template/index.txt": "B: 2\n"})
    done("upgrade", "--to", "0.2.0", "--commit", cwd=project)
    assert answers_of(project)["_commit"] == "v0.2.0"
    assert (project / "index.txt").read_text() == "A: 1\n"


def test_a_version_that_is_not_there_is_refused_with_those_that_are(
    template: Path, project: Path
) -> None:
    release_new(template)
    said = refused("upgrade", "--to", "v7", cwd=project, code=2)
    assert "no version v7; it has v0.2.0, v0.1.0" in said


def test_it_does_not_go_back(template: Path, project: Path) -> None:
    release_new(template)
    done("upgrade", "--commit", cwd=project)
    said = refused("upgrade", "--to", "v0.1.0", cwd=project)
    assert "v0.1.0 is older than the project's version v0.2.0" in said
    commit = git(template, "rev-parse", "v0.1.0").strip()
    said = refused("upgrade", "--to", commit, cwd=project)
    assert f"{commit} is older than the project's version v0.2.0" in said
    assert answers_of(project)["_commit"] == "v0.2.0"


def test_a_version_that_the_template_lost_is_refused(template: Path, project: Path) -> None:
    release_new(template)
    edit(project, ".copier-answers.yml", "v0.1.0", "0a1b2c3d")
    said = refused("upgrade", cwd=project)
    assert f"generated from version 0a1b2c3d of the template in {template}" in said
    said = refused("upgrade", "--template", template, cwd=project)
    assert "does not have version 0a1b2c3d, from which the project was generated" in said


def test_a_template_that_moved_is_found_when_somebody_says_where(
    template: Path, project: Path
) -> None:
    release_new(template)
    moved = template.rename(template.parent / "moved")
    assert f"{template}, which is not on this machine" in refused("upgrade", cwd=project)
    done("upgrade", "--template", "../moved", "--commit", cwd=project)
    assert answers_of(project)["_src_path"] == str(moved)


def test_work_that_is_not_committed_stops_it(template: Path, project: Path) -> None:
    release_new(template)
    (project / "book.txt").write_text("draft")
    assert "commit or stash" in refused("upgrade", cwd=project)
    assert (project / "book.txt").read_text() == "draft"


def test_both_sides_of_a_conflict_stay_and_the_exit_code_tells(
    template: Path, project: Path
) -> None:
    edit(project, "book.txt", "Page 19\n", "Page 19, as we see it\n")
    release(template, "v0.2.0", {"template/book.txt": BOOK.replace("19", "nineteen")})
    assert "book.txt:20" in refused("upgrade", cwd=project, code=3)
    assert {"as we see it", "nineteen"} <= set(
        re.split(r"\n|, |Page ", (project / "book.txt").read_text())
    )


def test_a_file_that_the_template_renames_is_not_taken_away_edited(
    template: Path, project: Path
) -> None:
    edit(project, "notes.txt", "Note 3\n", "Note 3, as we see it\n")
    notes = (template / "template/notes.txt").read_text()
    release(template, "v0.2.0", {"template/remarks.txt": notes}, "template/notes.txt")
    assert "notes.txt" in refused("upgrade", cwd=project)
    assert not (project / "remarks.txt").exists()
    done("upgrade", "--edited", "keep", "--commit", cwd=project)
    assert "as we see it" in (project / "notes.txt").read_text()
    assert (project / "remarks.txt").read_text() == notes


def test_a_file_that_the_template_drops_is_not_taken_away_edited(
    template: Path, project: Path
) -> None:
    edit(project, "notes.txt", "Note 3\n", "Note 3, as we see it\n")
    release(template, "v0.2.0", {}, "template/notes.txt")
    before = tree(project)
    assert "notes.txt" in refused("upgrade", cwd=project)
    assert tree(project) == before
    done("upgrade", "--edited", "keep", "--commit", cwd=project)
    assert "as we see it" in (project / "notes.txt").read_text()


# A question that has no default.


def ask_more(template: Path) -> None:
    """Release a version that asks one more question, which has no default."""
    release(template, "v0.2.0", {"copier.yml": COPIER_YML + "team: {type: str}\n"})


def test_copier_alone_breaks_on_it(template: Path, project: Path) -> None:
    ask_more(template)
    with pytest.raises(ValueError, match='Question "team" is required'):
        copier.run_update(project, defaults=True, overwrite=True, quiet=True)


def test_a_question_without_a_default_is_named(template: Path, project: Path) -> None:
    ask_more(template)
    before = tree(project)
    assert "--data team=" in refused("upgrade", "--defaults", cwd=project)
    assert tree(project) == before
    done("upgrade", "--defaults", "--data", "team=Ours", "--commit", cwd=project)
    assert answers_of(project)["team"] == "Ours"


# The generated project's own check for newer versions.

GH = '#!/bin/sh\necho "$@" >> calls\necho "[]"\n'


@pytest.mark.slow
def test_a_project_says_when_the_template_has_a_newer_version(
    template: Path, project: Path, tmp_path: Path
) -> None:
    write(tmp_path / "bin", {"gh": GH})
    (tmp_path / "bin/gh").chmod(0o755)
    path = [str(tmp_path / "bin"), sysconfig.get_path("scripts"), os.environ["PATH"]]

    def check() -> str:
        script = str(TEMPLATE / "make/check_update.py")
        return subprocess.run(
            [sys.executable, script, "--issue"],
            cwd=project,
            env=os.environ | {"PATH": os.pathsep.join(path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert "has the newest version" in check()
    release_new(template)
    assert "a newer version: 0.2.0. This project has 0.1.0." in check()
    assert "The template has a newer version: 0.2.0" in (project / "calls").read_text()
    assert git(project, "status", "--porcelain") == "?? calls\n"


@pytest.mark.slow
def test_every_line_of_the_workflow_passes(ladder: Ladder) -> None:
    project = ladder.project(1)
    workflow = (project / ".github/workflows/check-update.yml").read_text(encoding="utf-8")
    (job,) = yaml.safe_load(workflow)["jobs"].values()
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    for line in [step["run"] for step in job["steps"] if "run" in step]:
        ran = subprocess.run(
            line.split(),
            cwd=project,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        assert "has the newest version" in ran.stdout
    assert not git(project, "status", "--porcelain")


def test_the_check_asks_for_the_copier_that_the_template_needs() -> None:
    settings = (REPOSITORY / "copier.yml").read_text(encoding="utf-8").partition("\n---")[0]
    target = (TEMPLATE / "make/ci.mk.jinja").read_text(encoding="utf-8")
    assert f"copier>={yaml.safe_load(settings)['_min_copier_version']}," in target
