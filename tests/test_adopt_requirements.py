"""Tests of the requirements that `adopt` reads from a repository's own files."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from commands import done
from foreign import CHECKED, SCRIPTS, TRAIN, make_repository
from installation import environment
from mlops_ladder.adopt.answers import author_of
from mlops_ladder.adopt.layout import Layout
from mlops_ladder.adopt.needs import Needs
from mlops_ladder.adopt.proposals import unusable
from mlops_ladder.adopt.requirements import fitted, read_needs
from projects import Ladder, git

LEVEL = ["numpy>=2", "pandas>=2.2", "scikit-learn>=1.7", "mlflow>=3.17,<4"]


def layout_of(files: Mapping[str, str | bytes]) -> Layout:
    """Return the layout of files, without a repository."""
    return Layout("x", {p: t if isinstance(t, bytes) else t.encode() for p, t in files.items()})


def needs_of(**files: str | bytes) -> Needs:
    """Return the needs of files; `__` is a dot and `_s_` a slash in their names."""
    return read_needs(
        layout_of({n.replace("_s_", "/").replace("__", "."): text for n, text in files.items()})
    )


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("six>=1  # for Ada", ["six>=1"]),
        ("six==1.16.0 --hash=sha256:00 \\\n    --hash=sha256:11", ["six==1.16.0"]),
        ("-e .", []),
        (".[dev]", []),
        ("-e git+https://h.org/a/b.git@v1#egg=b", ["b @ git+https://h.org/a/b.git@v1"]),
        ("numpy @ file:///opt/conda/numpy_1.whl", ["numpy"]),
        ("pywin32==306", ["pywin32==306; sys_platform == 'win32'"]),
        ("pkg-resources==0.0.0", []),
        ("sklearn", ["scikit-learn"]),
        ("six ; python_version < '3.9'", ["six ; python_version < '3.9'"]),
        ("six=1.16", ["six==1.16"]),  # as `conda list --export` writes it
        ("numpy==1.19.2=py38_0", ["numpy==1.19.2"]),
        ("torch==1.10.0+cu113", ["torch==1.10.0"]),
        ("six==1.16 --global-option=x", ["six==1.16"]),
        (
            "git+https://h.org/b@v1#egg=b&subdirectory=c",
            ["b @ git+https://h.org/b@v1#subdirectory=c"],
        ),
        ("https://h.org/b-2.0.tar.gz#egg=b", ["b @ https://h.org/b-2.0.tar.gz"]),
        ("--prefer-binary", []),
        ("-c limits.txt\nsix\nattrs>1", ["six<2", "attrs>1"]),
        ("-rbase.txt", ["attrs"]),
    ],
)
def test_a_line_of_a_requirements_file_is_read(line: str, wanted: list[str]) -> None:
    others = {"base.txt": "attrs\n", "limits.txt": "six<2\nidna==1\n"}
    found = read_needs(layout_of({"requirements.txt": line, **others}))
    assert (list(found.wanted), found.missing) == (wanted, ())
    assert ("-c" in line) == any("versions of idna" in note for note in found.notes)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("git+https://h.org/a/b.git", "does not say which package it is"),
        ("-e git://h.org/a.git#egg=a", "is no address that uv takes"),
        ("--index-url https://h.org", "is an option of pip"),
        ("./wheels/a.whl", "is a path. Add it to pyproject.toml, in [tool.uv.sources]"),
        ("-e ../libs/a", "is a path"),
        ("six 1.16", "is not a requirement"),
        ("--pre", "is an option of pip"),
        ("-c missing.txt", "missing.txt, which it includes, does not exist"),
        ("https://h.org/a.whl", "Add it to pyproject.toml as: name @ https://h.org/a.whl"),
        ("-r missing.txt", "missing.txt, which it includes, does not exist"),
    ],
)
def test_a_line_that_cannot_be_taken_over_is_named(line: str, sentence: str) -> None:
    (said,) = needs_of(requirements__txt=line).missing
    assert said.startswith("requirements.txt: ")
    assert sentence in said


def test_requirements_files_are_found_and_include_each_other() -> None:
    both = {"requirements.txt": "-r base.txt\nsix\n", "base.txt": "-r requirements.txt\nattrs\n"}
    tools = {"requirements-dev.txt": "pytest\n", "requirements-gpu.txt": "torch\n"}
    assert read_needs(layout_of({**both, **tools})).wanted == ("six", "attrs", "pytest")
    assert read_needs(layout_of({"src/requirements.txt": "six\n"})).wanted == ("six",)
    folder = {"requirements/base.txt": "six\n", "requirements/test.txt": "-r base.txt\npytest\n"}
    assert read_needs(layout_of(folder)).wanted == ("six", "pytest")
    compiled = {"requirements.in": "six\n", "requirements.txt": "six==1.16\nidna==3.1\n"}
    assert read_needs(layout_of(compiled)).wanted == ("six",)
    utf_16 = "six\r\n".encode("utf-16")
    assert read_needs(layout_of({"requirements.txt": utf_16})).wanted == ("six",)


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ("numpy=1.19", "numpy==1.19.*"),
        ("numpy=1.19.2=py38_0", "numpy==1.19.2"),
        ("numpy>=1.14.3", "numpy>=1.14.3"),
        ("conda-forge::numpy", "numpy"),
        ("numpy  # for Ada", "numpy"),
        ("pytorch", "torch"),
        ("numpy 1.19.*", "numpy==1.19.*"),
        ("scikit-learn =0.24", "scikit-learn==0.24.*"),
        ("'pandas[version=\">=1\"]'", "pandas>=1"),
        ("openssl=1.1.1k", None),
        ("pip", None),
    ],
)
def test_a_package_of_conda_is_read(entry: str, wanted: str | None) -> None:
    found = needs_of(environment__yml=f"dependencies:\n  - {entry}\n")
    assert list(found.wanted) == ([wanted] if wanted else [])


def test_conda_has_pips_packages_and_python_and_programs() -> None:
    text = "dependencies:\n - python=3.8\n - nodejs\n - pip:\n   - six==1.16\n"
    found = needs_of(conda__yaml=text, MLproject="name: x\nconda_env: conda.yaml\n")
    assert (found.wanted, found.python, found.files) == (("six==1.16",), "==3.8.*", ("conda.yaml",))
    assert found.missing == (
        "conda.yaml: nodejs is a program of conda, not a package on PyPI. Install it by hand",
    )
    named = needs_of(MLproject="conda_env: envs/a.yml\n", envs_s_a__yml=text)
    assert named.files == ("envs/a.yml",)
    other = needs_of(**{"environment-cpu__yml": text, "ci__yml": "dependencies: 1\n"})
    assert other.files == ("environment-cpu.yml",)


def test_an_mlproject_names_its_environment() -> None:
    text = "python: '3.8.15'\ndependencies:\n - -r requirements.txt\n - idna\n"
    files = {"python_env__yaml": text, "requirements__txt": "six\n"}
    found = needs_of(MLproject="python_env: python_env.yaml\n", **files)
    assert (found.wanted, found.python, found.missing) == (("six", "idna"), "==3.8.15", ())
    (missing,) = needs_of(MLproject="conda_env: gone.yml\n").missing
    assert missing == "MLproject: gone.yml, which it names, does not exist. Add the file"
    assert "its image has what" in needs_of(MLproject="docker_env:\n  image: a\n").missing[0]


@pytest.mark.parametrize(
    ("version", "specifier"),
    [
        ("^1.5.3", "<2.0.0,>=1.5.3"),
        ("^0.2.3", "<0.3.0,>=0.2.3"),
        (">=1 <2", "<2,>=1"),
        ("~1.4", "<1.5,>=1.4"),
        ("1.0.0a3", "==1.0.0a3"),
        (">=1.14.3,<1.21.0", "<1.21.0,>=1.14.3"),
        ("*", ""),
        ("1.*", "==1.*"),
    ],
)
def test_versions_of_poetry_are_read(version: str, specifier: str) -> None:
    from packaging.requirements import Requirement

    text = f'[tool.poetry.dependencies]\npython = ">=3.9,<3.13"\nsix = "{version}"\n'
    found = needs_of(pyproject__toml=text)
    assert found.python == ">=3.9,<3.13"
    (wanted,) = map(Requirement, found.wanted)
    assert str(wanted.specifier) == specifier


def test_groups_extras_git_and_paths_of_poetry_are_read() -> None:
    found = needs_of(
        pyproject__toml='[tool.poetry.dependencies]\na = {version = "^1", extras = ["x"]}\n'
        'b = {git = "https://h.org/b.git", tag = "v1"}\nc = {path = "../c"}\n'
        '[tool.poetry.group.dev.dependencies]\npytest = "^8"\n'
    )
    assert found.wanted == ("a[x]<2,>=1", "b @ git+https://h.org/b.git@v1", "pytest<9,>=8")
    assert found.missing[0].startswith("pyproject.toml: c is a path")


def test_what_poetry_says_of_one_package_is_kept_or_named() -> None:
    found = needs_of(
        pyproject__toml="""\
[tool.poetry.dependencies]
a = [{ version = "1.0", python = "<3.9" }, { version = "2.0", python = ">=3.9" }]
b = { url = "https://h.org/b.whl" }
c = { version = "^1", platform = "win32", optional = true }
d = "^1.2 || ^3"
[[tool.poetry.source]]
name = "ours"
url = "https://h.org/ours"
"""
    )
    assert found.wanted == (
        'a==1.0; python_version < "3.9"',
        'a==2.0; python_version >= "3.9"',
        "b @ https://h.org/b.whl",
        'c<2,>=1; sys_platform == "win32"',
    )
    assert [text[:33] for text in found.missing] == [
        "pyproject.toml: packages come fro",
        "pyproject.toml: 'd (>=1.2,<2.0 ||",
    ]


def test_groups_of_poetry_beside_a_project_are_read() -> None:
    text = '[project]\nname = "x"\ndependencies = ["six"]\n[tool.poetry.group.dev.dependencies]\n'
    assert needs_of(pyproject__toml=f'{text}pytest = "8.1"\n').wanted == ("pytest==8.1",)


def test_setup_py_is_read_and_not_executed() -> None:
    text = """\
from setuptools import setup
raise SystemExit("executed")
BASE = ["six>=1"]
setup(
    name="x",
    install_requires=BASE + ["attrs"],
    python_requires=">=3.9",
    extras_require={"test": ["pytest"], "plots": ["matplotlib"]},
)
"""
    found = needs_of(setup__py=text)
    assert (found.wanted, found.python) == (("six>=1", "attrs", "pytest"), ">=3.9")


def test_what_setup_py_computes_is_read_elsewhere_or_named() -> None:
    text = "import setuptools\nsetuptools.setup(install_requires=open('r').readlines())\n"
    (missing,) = needs_of(setup__py=text).missing
    assert "setup.py: it computes install_requires" in missing
    found = needs_of(setup__py=text, requirements__txt="six\n")
    assert (found.wanted, found.missing) == (("six",), ())


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("def main():\n    r = ['six']\n    setup(install_requires=r)", ("six",)),
        ("kw = dict(install_requires=['six'])\nsetup(**kw)", ("six",)),
        ("kw = {'install_requires': 'six'}\nsetup(**kw)", ("six",)),
        ("r = ['six']\nr.append('a')\nsetup(install_requires=r)", ("idna",)),
        ("r = ['six']\nr += ['a']\nsetup(install_requires=r)", ("idna",)),
        ("r = []\nfor l in open('r'):\n    r.append(l)\nsetup(install_requires=r)", ("idna",)),
        ("kw = read()\nsetup(**kw)", ("idna",)),
        ("setup(name='x')", ("idna",)),
    ],
)
def test_setup_py_counts_where_it_is_clear(code: str, wanted: tuple[str, ...]) -> None:
    files = {"setup.py": f"from setuptools import setup\n{code}\n", "requirements.txt": "idna\n"}
    found = read_needs(layout_of(files))
    assert (found.wanted, found.missing) == (wanted, ())


def test_setup_cfg_names_files_and_lists() -> None:
    text = "[metadata]\nname = x\n[options]\ninstall_requires = file: a.txt, b.txt\n"
    files = {"setup.cfg": text, "a.txt": "six\n", "b.txt": "idna\n", "requirements.txt": "no\n"}
    assert read_needs(layout_of(files)).wanted == ("six", "idna")
    assert needs_of(setup__cfg=text.replace("file: a.txt, b.txt", "six; idna>=1")).wanted == (
        "six",
        "idna>=1",
    )


def test_setup_cfg_and_pipfile_are_read() -> None:
    text = "[metadata]\nname = x\n[options]\npython_requires = >=3.8\ninstall_requires =\n    six\n"
    assert needs_of(setup__cfg=text).wanted == ("six",)
    assert needs_of(setup__cfg=text).python == ">=3.8"
    pipfile = '[packages]\nsix = "*"\n[dev-packages]\npytest = "==8.1"\n'
    assert needs_of(Pipfile=pipfile).wanted == ("six", "pytest==8.1")
    full = '[packages]\na = {git = "https://h.org/a", ref = "v1"}\nb = {path = "."}\n'
    found = needs_of(Pipfile=f'{full}[requires]\npython_full_version = "3.9.1"\n')
    assert (found.wanted, found.python) == (("a @ git+https://h.org/a@v1",), "==3.9.1")
    assert "b is a path" in found.missing[0]


def test_a_project_with_dependencies_is_left_to_uv() -> None:
    text = '[project]\nname = "x"\ndependencies = ["six"]\n'
    assert needs_of(pyproject__toml=text, requirements__txt="attrs\n").wanted == ()
    empty = text.replace('"six"', "")
    assert needs_of(pyproject__toml=empty, requirements__txt="attrs\n").wanted == ("attrs",)


def test_what_code_and_settings_need_without_saying_is_added() -> None:
    cfg = "[tool:pytest]\naddopts = --cov=x\n"
    found = read_needs(layout_of({"setup.cfg": cfg, "a.py": "import pkg_resources\n"}))
    assert found.wanted == ("setuptools<81", "pytest-cov")
    assert len(found.notes) == 2
    assert needs_of(setup__cfg=cfg, requirements__txt="pytest-cov\n").wanted == ("pytest-cov",)


def test_versions_that_the_level_cannot_use_are_replaced_and_the_set_loosened() -> None:
    frozen = Needs(("numpy==1.20.0", "six==1.16.0", "attrs~=20.1"), files=("requirements.txt",))
    found = fitted(frozen, LEVEL)
    assert found.wanted == ("six>=1.16.0", "attrs>=20.1")
    assert found.notes[0] == "numpy==1.20.0 is replaced: the level needs numpy>=2"
    kept = Needs(("numpy==2.1.0", "six==1.16.0", "pandas<3"))
    assert fitted(kept, LEVEL) == kept
    old = fitted(Needs(("six==1.16.0",), python="==3.8.*", files=("conda.yaml",)), LEVEL)
    assert old.wanted == ("six>=1.16.0",)
    assert old.notes[0] == "Python ==3.8.* is declared, but the level runs on 3.11 and later"


@pytest.mark.parametrize("name", ["Your Name", "author", "<name>", "TODO", ""])
def test_the_author_is_gits_where_the_metadata_have_a_placeholder(
    tmp_path: Path, name: str
) -> None:
    text = f'[project]\nname = "x"\nauthors = [{{ name = "{name}", email = "you@example.com" }}]\n'
    repository = make_repository(tmp_path, {"pyproject.toml": text, "train.py": TRAIN})
    layout = layout_of({"pyproject.toml": text})
    assert author_of(layout, repository) == ("Test", "test@example.org")
    git(repository, "config", "user.name", "Somebody Else")
    assert author_of(layout, repository) == ("Test", "test@example.org"), "the history's"


def test_a_python_that_is_too_old_for_the_level_is_named() -> None:
    for version, count in {"3.7.12": 1, "3.8": 1, "3.12": 0, "3.11.4": 0, "pypy3": 0}.items():
        assert len(list(unusable(layout_of({".python-version": f"{version}\n"})))) == count
    narrow = '[project]\nname = "x"\nrequires-python = ">=3.8,<3.11"\n'
    (said,) = unusable(layout_of({"pyproject.toml": narrow}))
    assert "requires-python is >=3.8,<3.11, but the level runs on Python 3.11 and later" in said


@pytest.mark.slow
def test_make_setup_says_what_could_not_be_taken_over(ladder: Ladder, tmp_path: Path) -> None:
    files = {**SCRIPTS, "requirements.txt": "git+https://h.org/a/b.git\n"}
    repository = make_repository(tmp_path, files)
    said = done("adopt", repository, "--template", ladder.template, cwd=repository)
    sentence = "'git+https://h.org/a/b.git' does not say which package it is"
    assert f"make setup fails until this is done: requirements.txt: {sentence}" in said
    git(repository, "switch", "--quiet", "adopt-level-1")
    made = subprocess.run(
        ["make", "setup"], cwd=repository, env=environment(), capture_output=True, text=True
    )
    assert made.returncode == 2
    assert sentence in made.stderr
    assert not (repository / ".venv").exists()


@pytest.mark.slow
def test_a_package_of_setup_py_keeps_its_metadata(ladder: Ladder, tmp_path: Path) -> None:
    files = {**CHECKED, "pyproject.toml": "[tool.black]\nline-length = 79 # as ever\n"}
    repository = make_repository(tmp_path, files)
    done("adopt", repository, "--template", ladder.template, cwd=repository)
    text = git(repository, "show", "adopt-level-1:pyproject.toml")
    assert text.startswith(files["pyproject.toml"])
    assert "[project]" not in text
    assert "members = []" in text
