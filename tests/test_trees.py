"""Tests of the files of each level, and of the changes that a climb shows."""

import fnmatch
import itertools
from pathlib import Path

import pytest
import yaml

from conftest import Golden
from projects import (
    DEPLOY_TARGETS,
    LEVEL_FILES,
    LEVELS,
    ORCHESTRATORS,
    Ladder,
    commit_all,
    folders,
    git,
    tree,
)

GOLDENS = Path(__file__).parent


@pytest.mark.parametrize("level", LEVELS)
def test_the_files_of_a_level(ladder: Ladder, golden: Golden, level: int) -> None:
    listing = "".join(f"{name}\n" for name in tree(ladder.fresh(level)))
    golden.check(listing, GOLDENS / "trees" / f"{level}.txt")


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS[1:])
def test_what_a_climb_shows(ladder: Ladder, golden: Golden, level: int) -> None:
    """The golden file has the names of new files, and the changed lines of others."""
    project = ladder.project(level - 1)
    ladder.climb(project, level)
    arrived = git(project, "diff", "--no-renames", "--diff-filter=A", "--name-status", "HEAD~1")
    edited = git(project, "diff", "--no-renames", "--diff-filter=a", "HEAD~1")
    shown = "\n".join(line.rstrip() for line in edited.splitlines() if line[:6] != "index ")
    shown = shown.replace(str(ladder.template), "TEMPLATE")
    golden.check(f"{arrived}\n{shown}\n", GOLDENS / "climbs" / f"{level - 1}-to-{level}.diff")


def projects_at(ladder: Ladder, level: int) -> list[Path]:
    """Return projects that have, together, all files of the level."""
    providers = zip(["github", "gitlab", "jenkins"], ORCHESTRATORS[1:], strict=True)
    on_one_machine = [
        {"ci_provider": provider, "orchestrator": orchestrator}
        for provider, orchestrator in providers
    ]
    in_a_cluster = zip(["gitlab", "jenkins", "github"], DEPLOY_TARGETS[1:], strict=True)
    elsewhere = [
        {"ci_provider": provider, "deploy_target": target} for provider, target in in_a_cluster
    ]
    return [
        ladder.fresh(level, license="MIT", devcontainer=True, **answers)
        for answers in [*on_one_machine, *elsewhere, {"deploy_target": "kubernetes"}]
    ]


@pytest.mark.slow
def test_every_piece_belongs_to_exactly_one_level(ladder: Ladder) -> None:
    """A file stays at all higher levels, and the highest level has all files."""
    names = [
        {name for project in projects_at(ladder, level) for name in tree(project)}
        for level in LEVELS
    ]
    for below, above in itertools.pairwise(names):
        assert below < above
    shipped = {
        name.replace("{{package_name}}", "taxi_ride_duration")
        .replace("{{_copier_conf.answers_file}}", ".copier-answers.yml")
        .removesuffix(".jinja")
        for name in ladder.template_files
    }
    assert names[-1] == shipped


@pytest.mark.parametrize("level", LEVELS)
def test_no_empty_folder_is_left(ladder: Ladder, level: int) -> None:
    project = ladder.fresh(level)
    parents = {parent.as_posix() for name in tree(project) for parent in Path(name).parents}
    assert folders(project) <= parents


def excluded_paths() -> list[tuple[str, str]]:
    """Return every path in an `_exclude` block, with the file of its level."""
    found = []
    for file in LEVEL_FILES:
        for block in yaml.safe_load(file.read_text(encoding="utf-8"))["_exclude"]:
            paths = (line.strip() for line in block.splitlines())
            found += [(file.name, path) for path in paths if path and not path.startswith("{%")]
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("file", "path"), excluded_paths())
def test_every_excluded_path_exists_and_is_anchored(ladder: Ladder, file: str, path: str) -> None:
    assert path.startswith("/"), f"{path} of {file} would match in every folder"
    assert not path.endswith("/"), f"{path} of {file} would leave an empty folder behind"
    tops = projects_at(ladder, LEVELS[-1])
    known = {"/" + name for top in tops for name in [*tree(top), *folders(top)]}
    assert fnmatch.filter(known, path), f"{path} of {file} names nothing"


def test_no_path_is_excluded_by_two_levels() -> None:
    paths = [path for _, path in excluded_paths()]
    assert len(paths) == len(set(paths))


@pytest.mark.slow
def test_adding_a_level_edits_nothing_that_stands(ladder: Ladder, tmp_path: Path) -> None:
    """A new level needs its own file, its files in the template, and an entry in the menu."""
    top = LEVELS[-1] + 1
    template = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(ladder.template), str(template))
    settings = (template / "copier.yml").read_text(encoding="utf-8")
    entry = f"    {top}: {{title: X, for: x, costs: x, not: x, job: x, next: []}}"
    settings = settings.replace("\n\nlevel:\n", f"\n{entry}\n\nlevel:\n", 1)
    (template / "copier.yml").write_text(f"{settings}---\n!include levels/{top}-new.yml\n")
    (template / f"levels/{top}-new.yml").write_text(
        f'novelty:\n  type: bool\n  when: false\n  default: "{{{{ level >= {top} }}}}"\n\n'
        "_exclude:\n  - |\n    {% if not novelty %}\n    /make/novelty.mk\n    {% endif %}\n"
    )
    (template / "template/make/novelty.mk").write_text("novelty: ## Something new\n\t@echo new\n")
    commit_all(template, "A level more")
    git(template, "tag", "v0.0.2")
    taller = Ladder(template, tmp_path / "projects")
    for level in LEVELS:
        names = tree(ladder.fresh(level)).keys()
        assert tree(taller.fresh(level)).keys() == names
    project = taller.project(LEVELS[0])
    taller.climb(project, top)
    assert tree(project) == tree(taller.fresh(top))
    assert (project / "make/novelty.mk").exists()
