"""Tests of `adopt`: it adds a level to a repository and changes none of its files."""

import os
import random
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import yaml

from commands import NAMED, done, refused
from foreign import (
    CHECKED,
    CLEAN,
    GENERATED,
    PACKAGED,
    README,
    REPOSITORIES,
    SCRIPTS,
    SERVED,
    TRAIN,
    Files,
    make_repository,
    own_tests,
    visits,
)
from installation import Installation, install
from mlops_ladder.adopt.answers import answers, name_of
from mlops_ladder.adopt.layout import Layout, import_name
from mlops_ladder.adopt.proposals import extended
from mlops_ladder.adopt.requirements import read_needs
from mlops_ladder.commands.adopt import asked_data
from mlops_ladder.errors import RefusedError
from mlops_ladder.migration.fitting import fit, fit_checks, fit_imports
from mlops_ladder.migration.manifest import Manifest, check_pieces, read_manifest
from mlops_ladder.migration.merge import ORDINARY, Entry, open_sandbox
from mlops_ladder.migration.pieces import EXAMPLE, OF_EXAMPLE, PIECES
from mlops_ladder.migration.pyproject import (
    NoPlaceError,
    with_new_requirements,
    with_own_requirements,
)
from projects import DEPLOY_TARGETS, ORCHESTRATORS, TEMPLATE, Ladder, commit_all, git
from service import serve

BRANCH = "adopt-level-1"
LEVEL = '[project]\nname = "x"\ndependencies = [\n    "skops>=0.13",\n    "scikit-learn>=1.6",\n]\n'
HIGHER = f'{LEVEL}[project.optional-dependencies]\npipelines = ["mlflow>=3"]\n'


def layout_of(files: Files, folder: str = "some-folder") -> Layout:
    """Return the layout of files, without a repository."""
    return Layout(folder, {path: text.encode() for path, text in files.items()})


def adopt(ladder: Ladder, repository: Path, *options: str) -> str:
    """Adopt the repository, and return what the command says."""
    options = ("--template", str(ladder.template), *options)
    return done("adopt", repository, *options, cwd=repository)


def state(repository: Path) -> tuple[object, ...]:
    """Return what must not change: branch, commit, working tree and index."""
    files = {
        path.relative_to(repository): path.read_bytes()
        for path in repository.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }
    shown = [git(repository, "status", "--branch", "--short"), git(repository, "rev-parse", "HEAD")]
    return files, *shown


@pytest.mark.parametrize("level", [0, 1, 2, 3, 4])
def test_no_text_that_an_adopted_repository_gets_names_the_example(
    ladder: Ladder, tmp_path: Path, level: int
) -> None:
    repository = make_repository(tmp_path / "theirs", SCRIPTS)
    manifest = Manifest(without=[EXAMPLE])
    providers = ["github", "gitlab", "jenkins", "none"]
    elsewhere = [*zip(ORCHESTRATORS, DEPLOY_TARGETS, providers, strict=True)]
    for orchestrator, target, provider in elsewhere if level == 4 else elsewhere[:1]:
        chosen = {"orchestrator": orchestrator, "deploy_target": target, "ci_provider": provider}
        project = ladder.fresh(level, data_file="none", project_name="X", description="", **chosen)
        with open_sandbox(repository) as sandbox:
            fitted = fit(manifest, sandbox, sandbox.tree_of(project))
            texts = {path: sandbox.read(entry.content) for path, entry in fitted.items()}
        found = {path for path, body in texts.items() if TAXIS.search(body.decode())}
        assert found == set()


def contents(repository: Path, files: Files) -> dict[str, bytes]:
    """Return the current contents of the files."""
    return {name: (repository / name).read_bytes() for name in files}


def expected(files: Files) -> dict[str, bytes]:
    """Return the original contents of the files."""
    return {name: text.encode() for name, text in files.items()}


def changes(repository: Path, old: str, new: str) -> set[str]:
    """Return the letters of `git diff --name-status`: `A` alone if files were only added."""
    return {line[0] for line in git(repository, "diff", "--name-status", old, new).splitlines()}


TAXIS = re.compile(r"taxi|\bTLC\b|pickup|\btrips?\b|\brides?\b|borough|new york", re.IGNORECASE)


def mentions(repository: Path, files: Files) -> list[str]:
    """List lines about taxis, in files that are not the repository's own."""
    listed = git(repository, "ls-files", "-z").split("\0")[:-1]
    texts = {path: (repository / path).read_text() for path in listed if path not in files}
    return [
        f"{path}: {line}"
        for path, text in texts.items()
        for line in text.splitlines()
        if TAXIS.search(line) and not path.startswith(("docs/adoption", ".mlops-ladder"))
    ]


def adopt_and_merge(ladder: Ladder, repository: Path, files: Files, *options: str) -> str:
    """Adopt a repository and merge the branch; nothing that was there changes or breaks."""
    tested = any("test" in path for path in files)
    passing = 0 if tested else pytest.ExitCode.NO_TESTS_COLLECTED
    before = state(repository)
    assert own_tests(repository)[0] == passing
    said = adopt(ladder, repository, "--without", "release", *options)
    assert state(repository) == before
    changed = git(repository, "diff", "--name-status", "main", BRANCH).splitlines()
    theirs = [line for line in changed if line[0] != "A"]
    assert theirs == (["M\tpyproject.toml"] if "pyproject.toml" in files else [])
    assert git(repository, "rev-list", "--count", f"main..{BRANCH}").strip() == "1"
    assert "missing" not in git(repository, "fsck", "--full")
    git(repository, "merge", "--quiet", BRANCH)
    if tested:
        code, output = own_tests(repository)
        assert code == 0, output
    return said


def check_climbed(repository: Path, files: Files) -> None:
    """Check that climbs left the repository's own files, and left out what is left out."""
    assert not git(repository, "status", "--porcelain")
    assert mentions(repository, files) == []
    listed = git(repository, "ls-files").split()
    example = {"data/download.py", "explore.ipynb", "notebook.ipynb"} - files.keys()
    assert not [path for path in listed if path in example or "release.yml" in path]
    assert len([*repository.glob("README*")]) == 1
    after = contents(repository, files)
    pyproject = after.pop("pyproject.toml", b"").decode()
    assert after == {path: body for path, body in expected(files).items() if path in after}
    if old := files.get("pyproject.toml", ""):
        assert adds_only(pyproject, old), "the climb only adds to it"
        result = tomllib.loads(pyproject)
        assert result["project"] == tomllib.loads(old)["project"]
        assert any(entry.startswith("mlflow") for entry in result["dependency-groups"]["pipelines"])
        assert "default-groups" not in result["tool"]["uv"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["generated", "checked"])
def test_nothing_of_theirs_changes_and_a_climb_works(
    ladder: Ladder, tmp_path: Path, name: str
) -> None:
    files = REPOSITORIES[name]
    repository = make_repository(tmp_path / f"their {name}", files)
    adopt_and_merge(ladder, repository, files)
    assert mentions(repository, files) == []
    said = done("climb", "4", "--commit", "--defaults", cwd=repository)
    assert (repository / "make/retraining.mk").is_file(), said
    assert "stays deleted" not in said
    assert "was kept" not in said or "README" in said or ".gitignore" in said
    check_climbed(repository, files)
    code, output = own_tests(repository)
    assert code == 0, output


@pytest.mark.slow
def test_from_level_0_to_the_highest_their_tests_still_pass(ladder: Ladder, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "theirs", CHECKED)
    adopt(ladder, repository, "--level", "0")
    git(repository, "merge", "--quiet", "adopt-level-0")
    done("climb", "4", "--commit", "--defaults", cwd=repository)
    assert contents(repository, CHECKED) == expected(CHECKED)
    assert (repository / "docs/ladder/params.yaml").is_file()
    assert own_tests(repository)[0] == 0


@pytest.mark.slow
def test_an_upgrade_reaches_ours_where_they_stand(ladder: Ladder, tmp_path: Path) -> None:
    template = shutil.copytree(ladder.template, tmp_path / "template")
    repository = make_repository(tmp_path / "theirs", PACKAGED)
    done("adopt", "--template", template, cwd=repository)
    git(repository, "merge", "--quiet", BRANCH)
    for name in ("Makefile.jinja", ".gitignore", "tests/test_release.py"):
        with (template / "template" / name).open("a", encoding="utf-8") as file:
            file.write("# newer\n")
    commit_all(template, "Newer")
    git(template, "tag", "v0.0.2")
    said = done("upgrade", "--commit", "--defaults", cwd=repository)
    assert ".gitignore was kept as yours. The template's version adds: # newer" in said
    changed = git(repository, "diff", "--name-only", "HEAD~1").split()
    assert changed == [".copier-answers.yml", "ladder.mk", "tests/ladder/level/test_release.py"]
    changed = git(repository, "diff", "--name-only", "HEAD~2", "--", *PACKAGED).split()
    assert changed == ["pyproject.toml"]


@pytest.mark.slow
def test_scripts_work_at_their_level_straight_away(ladder: Ladder, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "theirs", SCRIPTS)
    adopt(ladder, repository)
    git(repository, "switch", "--quiet", BRANCH)
    installation = Installation(repository)
    install(installation)
    installation.make("lint types")
    said = installation.make("test")
    assert "tests/ladder/level/test_problem.py" in said
    assert "tests/test_clean.py" in said
    sentence = "problem.py is not written yet: say in it what to predict and from which rows"
    assert f"The tests of the level are skipped: src/customer_churn/{sentence}" in said
    assert sentence in installation.refused("train")
    assert git(repository, "status", "--porcelain").split() == ["??", "uv.lock"]


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVED)
def test_a_repository_climbs_and_serves_its_own_model(
    ladder: Ladder, installed: Path, tmp_path: Path, name: str
) -> None:
    file, package, files = SERVED[name]
    repository = make_repository(tmp_path / "theirs", files)
    said = adopt_and_merge(
        ladder, repository, files, "--from", str(repository / file), "--target", "left"
    )
    assert f"{file} is read where it is" in said
    for level in ("2", "3"):
        done("climb", level, "--commit", "--defaults", cwd=repository)
    check_climbed(repository, files)
    (place,) = git(repository, "ls-files", "*/problem.py").split()
    assert place.removeprefix("src/") == f"{package.replace('.', '/')}/problem.py"
    assert f'DATA = os.environ.get("DATA_URL") or "{file}"' in (repository / place).read_text()

    settings = repository / "params.yaml"
    settings.write_text(settings.read_text().replace("min_test_rows: 100", "min_test_rows: 30"))
    commit_all(repository, "Expect few rows")
    installation = Installation(repository, borrowed=installed)
    tasks = "-f ladder.mk" if "Makefile" in files else ""
    assert installation.run("uv lock").returncode == 0, "their requirements and the level's fit"
    installation.make(f"{tasks} lint pipeline promote deploy")
    sources = f"{repository / 'src'}:{repository}"
    with serve(installation, repository / "live", package=package, PYTHONPATH=sources) as service:
        few, many = (service.predict({"age": 40, "visits": seen}) for seen in (0, 22))
    assert few["probabilities"]["yes"] > 0.5 > many["probabilities"]["yes"]


@pytest.mark.slow
def test_killed_at_any_moment_it_leaves_no_branch_or_all_of_it(
    ladder: Ladder, tmp_path: Path
) -> None:
    repository = make_repository(tmp_path / "theirs", SCRIPTS)
    before, moments = state(repository), random.Random(5)
    variables = os.environ | NAMED | {"MLOPS_LADDER_TEMPLATE": str(ladder.template)}
    (tmp_path / "visits.csv").write_text(visits(150))
    options = ("--from", str(tmp_path / "visits.csv"), "--target", "left")
    begun = time.monotonic()
    adopt(ladder, repository, *options, "--branch", "whole")
    whole, length = git(repository, "rev-parse", "whole^{tree}"), time.monotonic() - begun
    assert git(repository, "ls-tree", "whole", "data/visits.csv"), "a copy, because it is outside"
    for number in range(3):
        running = subprocess.Popen(
            [sys.executable, "-m", "mlops_ladder", "adopt", *options, "--branch", f"try-{number}"],
            cwd=repository,
            env=variables,
            stderr=subprocess.DEVNULL,
        )
        try:
            running.wait(moments.uniform(0.5, 1.1) * length)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        assert state(repository) == before
    made = git(repository, "for-each-ref", "--format=%(tree)", "refs/heads/try-*").split()
    assert set(made) <= {whole.strip()}
    adopt(ladder, repository, *options)
    assert git(repository, "rev-parse", f"{BRANCH}^{{tree}}") == whole


@pytest.mark.slow
def test_what_is_in_the_way_on_disk_is_named(ladder: Ladder, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "theirs", {**SCRIPTS, ".gitignore": "Makefile\n"})
    (repository / "Makefile").write_text("mine:\n")
    (repository / "half done.py").write_text("draft = True\n")
    before = state(repository)
    said = adopt(ladder, repository, "--dry-run")
    assert "Move these untracked files before you switch to the branch:" in said
    assert "- Makefile\n" in f"{said}\n"
    assert "uncommitted changes are not considered" in said
    assert state(repository) == before
    assert git(repository, "branch", "--list", "adopt*") == ""


@pytest.mark.slow
def test_a_project_in_a_subfolder_stays_there(ladder: Ladder, tmp_path: Path) -> None:
    files = {f"churn/{path}": text for path, text in PACKAGED.items()} | {"Makefile": "all:\n"}
    repository = make_repository(tmp_path / "theirs", files)
    adopt(ladder, repository / "churn")
    git(repository, "switch", "--quiet", BRANCH)
    added = git(repository, "diff", "--name-status", "main", BRANCH).splitlines()
    assert "M\tchurn/pyproject.toml" in added
    assert all(re.match(r"A\tchurn/|M\tchurn/pyproject.toml", line) for line in added)
    answers = yaml.safe_load((repository / "churn/.copier-answers.yml").read_text())
    assert answers["ci_provider"] == "none"
    git(repository / "churn", "apply", "docs/adoption.patch")
    assert git(repository, "diff", "--name-only").split() == ["churn/.gitignore", "churn/Makefile"]


def refusal(repository: Path, *options: str | Path) -> str:
    """Return the reason of a refusal, and check that no branch was made."""
    said = refused("adopt", repository, *options, cwd=repository)
    assert "adopt-level" not in git(repository, "for-each-ref")
    return said


def test_what_is_no_repository_is_refused(tmp_path: Path) -> None:
    assert "is not a git repository" in refused("adopt", tmp_path, cwd=tmp_path)


def test_a_repository_without_a_commit_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert "has no commit: git add --all, git commit" in refusal(tmp_path)


def test_a_bare_repository_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare")
    assert "is a bare repository, without a working tree; adopt a clone" in refusal(tmp_path)


def test_a_project_of_the_ladder_is_refused(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path, {".copier-answers.yml": "_src_path: /t\n_commit: v1\nlevel: 1\n"}
    )
    said = refusal(repository)
    assert "already a project of the ladder: use mlops-ladder climb or upgrade" in said


def test_a_project_of_another_template_is_refused(tmp_path: Path) -> None:
    files = {".copier-answers.yml": "_src_path: gh:a/b\n", "train.py": TRAIN}
    assert "belongs to another copier template" in refusal(make_repository(tmp_path, files))


def test_a_repository_without_python_is_refused(tmp_path: Path) -> None:
    assert "nothing to adopt" in refusal(make_repository(tmp_path, {"README.md": README}))


def test_a_folder_that_is_no_project_of_its_own_is_refused(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, PACKAGED)
    assert f"adopt the whole repository: {repository}" in refusal(repository / "src")


@pytest.mark.parametrize(
    ("files", "advice"),
    [
        (
            {"pyproject.toml": '[build-system]\nrequires = []\n[project]\nname = "a"\n'},
            '[tool.setuptools] packages = ["churn"]',
        ),
        ({"setup.py": "from setuptools import setup\nsetup(name='a')\n"}, "packages=['churn']"),
    ],
    ids=["pyproject.toml", "setup.py"],
)
def test_packages_that_setuptools_would_lose_are_refused(
    tmp_path: Path, files: Files, advice: str
) -> None:
    package = {"churn/__init__.py": "", "churn/train.py": TRAIN}
    assert advice in refusal(make_repository(tmp_path, {**files, **package}))


def test_a_branch_that_is_there_is_refused(ladder: Ladder, tmp_path: Path) -> None:
    repository = make_repository(tmp_path, SCRIPTS)
    git(repository, "branch", "mine")
    said = refusal(repository, "--branch", "mine", "--template", ladder.template)
    assert "branch mine already exists" in said


def test_a_package_name_of_theirs_is_refused(ladder: Ladder, tmp_path: Path) -> None:
    repository = make_repository(tmp_path, SCRIPTS)
    options = ("--data", "package_name=clean", "--template", ladder.template)
    said = refusal(repository, *options)
    assert "the name clean is already used by code in this repository" in said


def test_a_piece_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, SCRIPTS)
    said = refused("adopt", repository, "--without", "tets", cwd=repository, code=2)
    assert "there is no piece tets; the pieces are tests, lint, ci, release" in said


def test_a_piece_that_a_level_imports_is_not_left_out(ladder: Ladder, tmp_path: Path) -> None:
    repository = make_repository(tmp_path, SCRIPTS)
    options = ("--template", ladder.template, "--level", "3", "--without", "pipeline")
    assert "level 3 and those above import the piece pipeline" in refusal(repository, *options)


def test_what_is_said_of_a_project_is_proposed() -> None:
    assert answers(layout_of(PACKAGED), {}) == {
        "project_name": "Customer churn",
        "package_name": "churn",
        "description": "Which customers leave, and when?",
        "author_name": "Ada Lovelace",
        "author_email": "ada@example.org",
        "license": "MIT",
    }


def test_an_answer_that_was_given_is_not_proposed() -> None:
    assert "license" not in answers(layout_of(PACKAGED), {"license": "none"})


def test_a_package_of_theirs_is_the_one_to_live_in() -> None:
    assert answers(layout_of(GENERATED), {})["package_name"] == "churn_forecast"
    assert layout_of(GENERATED).own_package == "churn_forecast"
    assert layout_of(PACKAGED).own_package == "src/churn"
    assert layout_of(SCRIPTS).own_package is None
    two = {"a/__init__.py": "", "b/__init__.py": ""}
    assert layout_of(two).own_package is None
    assert layout_of({**two, "setup.cfg": "[metadata]\nname = b\n"}).own_package == "b"
    assert layout_of({"docs/__init__.py": "", "c/__init__.py": ""}).own_package == "c"
    assert layout_of({"src/acme/churn/__init__.py": ""}).own_package == "src/acme/churn"
    far = {"acme/churn/__init__.py": ""}
    assert layout_of(far).own_package is None
    said = {"pyproject.toml": '[project]\nname = "acme-churn"\n'}
    assert layout_of({**far, **said}).own_package == "acme/churn"
    dashed = {"setup.cfg": "[metadata]\nname = churn-model-2\n", "churn_model_2/__init__.py": ""}
    assert layout_of({**dashed, "extra/__init__.py": ""}).own_package == "churn_model_2"
    assert import_name("src/acme/churn/ladder") == "acme.churn.ladder"


@pytest.mark.parametrize(
    ("heading", "folder", "package"),
    [
        ("Clean", "sales", "sales"),  # clean.py is theirs
        ("Predicting the churn of all the customers we have", "churn", "churn"),
        (
            "Predicting the churn of all the customers",
            "Predicting " * 4,
            "predicting_the_churn_of_model",
        ),
    ],
)
def test_a_name_of_a_package_is_never_cut_off(heading: str, folder: str, package: str) -> None:
    files = {"README.md": f"# {heading}\n", "clean.py": CLEAN}
    assert answers(layout_of(files, folder), {})["package_name"] == package


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"README.md": "# [![CI](a.svg)](b) *Our* [sales](c)\n"}, "Our sales"),
        ({"README.rst": "Our sales\n=========\n"}, "Our sales"),
        ({"README.md": "Nothing.\n", "setup.cfg": "[metadata]\nname = our-sales\n"}, "Our sales"),
        ({"README.md": "# {{ cookiecutter.name }}\n"}, "Some folder"),
        ({"README.md": "<h1>A</h1>\n```bash\n# Inside .env\n```\n"}, "Some folder"),
        ({"README.md": "# :ship: Titanic\n"}, "Titanic"),
        ({"README.md": f"# {'long ' * 30}\n"}, "Some folder"),
        ({}, "Some folder"),
    ],
)
def test_a_name_is_found_that_the_template_accepts(files: Files, name: str) -> None:
    assert name_of(layout_of(files)) == name


def test_another_service_that_checks_is_left_its_work() -> None:
    assert answers(layout_of({**SCRIPTS, ".gitlab-ci.yml": "a: b\n"}), {})["ci_provider"] == "none"
    assert "ci_provider" not in answers(layout_of(CHECKED), {})


def test_packages_that_setuptools_is_told_of_are_clear() -> None:
    for files in (SCRIPTS, PACKAGED, GENERATED, CHECKED):
        assert layout_of(files).unclear_packages() is None


THEIRS = """\
# Ours since 2019
[project]
name = "churn"   # two blanks
dependencies = ["Scikit_Learn"]
"""


def adds_only(longer: str, shorter: str) -> bool:
    """Tell whether a text has every line of another one, in the same order."""
    lines = iter(longer.splitlines())
    return all(line in lines for line in shorter.splitlines())


def test_a_level_only_adds_to_pyproject() -> None:
    adopted = with_new_requirements(THEIRS, "", LEVEL)
    climbed = with_new_requirements(adopted, LEVEL, HIGHER)
    assert adds_only(adopted, THEIRS)
    assert adds_only(climbed, adopted)
    said = tomllib.loads(climbed)
    groups = {"ladder": ["skops>=0.13", "scikit-learn>=1.6"], "pipelines": ["mlflow>=3"]}
    assert said["dependency-groups"] == groups
    assert said["project"] == tomllib.loads(THEIRS)["project"], "their metadata stay"
    recent = {"requires-python": ">=3.11"}
    assert said["tool"]["uv"] == {"dependency-groups": {"ladder": recent, "pipelines": recent}}


def test_settings_alone_gain_a_project() -> None:
    theirs = "# Black\n[tool.black]\nline-length = 79 # as ever\n"
    said = with_own_requirements(theirs, ["six>=1"], {"name": "x", "version": "1"})
    assert adds_only(said, theirs)
    assert tomllib.loads(said)["project"] == {
        "name": "x",
        "version": "1",
        "dependencies": ["six>=1"],
    }


def test_a_step_that_needs_nothing_new_leaves_pyproject_alone() -> None:
    assert with_new_requirements(THEIRS, LEVEL, LEVEL) == THEIRS


@pytest.mark.parametrize("theirs", ['[tool.poetry]\nname = "churn"\n', "[project\n"])
def test_where_uv_could_not_install_nothing_is_added(theirs: str) -> None:
    with pytest.raises(NoPlaceError, match=r"no \[project\] table|not valid TOML"):
        with_new_requirements(theirs, LEVEL, HIGHER)


def test_a_broken_memory_of_the_adoption_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".mlops-ladder.yml").write_text("kept: [a\n")
    with pytest.raises(RefusedError, match=r"git log -- \.mlops-ladder\.yml"):
        read_manifest(tmp_path)


def test_each_piece_has_files_and_none_has_the_package() -> None:
    listed = [path.relative_to(TEMPLATE).as_posix() for path in TEMPLATE.rglob("*")]
    paths = [path.removesuffix(".jinja") for path in listed]
    for name, piece in {**PIECES, "example": OF_EXAMPLE}.items():
        assert any(map(piece.has, paths)), name
        modules = [path for path in paths if path.startswith("src/") and piece.has(path)]
        assert name == "pipeline" or not modules


def test_an_unknown_piece_in_the_memory_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".mlops-ladder.yml").write_text("without: [relaese]\n")
    with pytest.raises(RefusedError, match="without: there is no piece relaese; they are tests"):
        read_manifest(tmp_path)


def test_a_level_that_imports_a_piece_needs_it() -> None:
    check_pieces(["pipeline", "release"], 2, "here")
    with pytest.raises(RefusedError, match="here: level 3 and those above import"):
        check_pieces(["pipeline"], 3, "here")


def test_modules_live_in_a_package_under_any_folder() -> None:
    manifest = Manifest(moved={"src/x": "lib/a/ladder"}, package="a.ladder")
    assert (manifest.package_base, manifest.package_name) == ("lib", "x")
    assert Manifest(moved={"src/x": "src/ladder"}, package="src.ladder").package_base == "."
    texts = {
        "tests/test_a.py": (b"from x import a\nfrom x.b import x\n", b"from a.ladder import a"),
        "make/ci.mk": (b"PACKAGE := x\n\t$(RUN) -m $(PACKAGE).train\n", b"-m $(MODULE).train"),
        "Dockerfile": (
            b'ENV PACKAGE=x\nCMD ["x.serving"]\n',
            b'PACKAGE=a.ladder\nCMD ["a.ladder.s',
        ),
    }
    for path, (before, expected) in texts.items():
        assert expected in fit_imports(manifest, path, before), path


def test_ci_knows_the_branch_and_the_versions_of_python() -> None:
    manifest = Manifest(branch="master", pythons=["3.12", "3.14"], without=["lint"])
    before = b'    branches: [main]\n        python: ["3.11", "3.14"]\n      - run: make lint\n'
    after = b'    branches: [master]\n        python: ["3.12", "3.14"]\n'
    assert fit_checks(manifest, ".github/workflows/ci.yml", before) == after


def test_a_climb_lets_an_early_adoption_install_groups(tmp_path: Path) -> None:
    early = Manifest(kept=["pyproject.toml"])
    recent = Manifest(kept=["pyproject.toml"], without=[EXAMPLE])
    with open_sandbox(make_repository(tmp_path, SCRIPTS)) as sandbox:
        task = sandbox.write(b"setup::\n\t$(uv) sync --all-extras $(if $(CI),--locked)\n")
        files = {"Makefile": Entry(ORDINARY, task)}
        for manifest, before, count in [(early, True, 0), (early, False, 1), (recent, True, 1)]:
            fitted = fit(manifest, sandbox, files, before=before)["Makefile"]
            assert sandbox.read(fitted.content).count(b"--all-groups") == count


TOOLS = """\
# Ours since 2019
[tool.black]
line-length = 79   # as ever


[tool.isort]
profile="black" # the end"""
POETRY = """\
[tool.poetry]
name = "churn"   # two blanks
version = "1"

[tool.poetry.dependencies]
python = "^3.9"
six = "^1.16"

[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""


@pytest.mark.parametrize(
    ("files", "adopted", "has_project"),
    [
        ({"pyproject.toml": TOOLS, "requirements.txt": "six\n"}, None, True),
        ({"pyproject.toml": POETRY}, ["six<2.0,>=1.16"], False),
        (
            {"setup.py": "from setuptools import setup\nsetup(install_requires='six')\n"},
            ["six"],
            False,
        ),
        ({"pyproject.toml": TOOLS, "setup.cfg": "[metadata]\nname = a\n"}, None, False),
        ({"pyproject.toml": f"{TOOLS}\n\n{THEIRS}", "requirements.txt": "no\n"}, None, True),
    ],
    ids=["tools", "poetry", "setup.py", "tools and setup.cfg", "project"],
)
def test_pyproject_gains_what_uv_needs_and_keeps_its_layout(
    files: Files, adopted: list[str] | None, has_project: bool
) -> None:
    layout = layout_of(files)
    manifest = Manifest(kept=["pyproject.toml"], without=[EXAMPLE])
    said = extended(layout, manifest, LEVEL, read_needs(layout))
    assert adds_only(said, files.get("pyproject.toml", ""))
    result = tomllib.loads(said)
    assert result["dependency-groups"].get("adopted") == adopted
    assert result["dependency-groups"]["ladder"] == ["skops>=0.13", "scikit-learn>=1.6"]
    assert ("project" in result) == has_project
    assert ("workspace" in result["tool"].get("uv", {})) != has_project
    assert "default-groups" not in said


def test_the_data_are_asked_for_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter(["data/a.csv", "left", ""])
    monkeypatch.setattr("click.prompt", lambda *_, **__: next(said))
    assert asked_data(["data/a.csv"], None, None) == (Path("data/a.csv"), "left", None)
    assert asked_data([], None, None) == (None, None, None)
