"""The pieces of a level, by purpose, that the owner of an adopted repository may leave out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

EXAMPLE = "example"


@dataclass(frozen=True)
class Piece:
    """Files of the template with one purpose."""

    purpose: str
    patterns: tuple[str, ...]
    """Files or folders, as the template has them; `*` stands for anything."""
    needed_from: int | None = None
    """The level from which the rest of the package imports the piece."""

    def has(self, path: str) -> bool:
        """Tell whether a file of the template belongs to the piece."""
        return any(
            fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern}/*")
            for pattern in self.patterns
        )


def jobs(name: str) -> tuple[str, ...]:
    """Return the patterns of a job's files, for each service that runs CI."""
    return (
        f".github/workflows/{name}.yml",
        f".gitlab/ci/{name}.yml",
        f"jenkins/{name}.Jenkinsfile",
    )


PIECES = {
    "tests": Piece("tests of the level's code", ("tests",)),
    "lint": Piece(
        "style and type checks: ruff, mypy, pre-commit",
        (".pre-commit-config.yaml", "make/ruff.toml", "make/mypy.toml"),
    ),
    "ci": Piece(
        "checks on every push, and other scheduled jobs",
        (
            *(".github", ".gitlab", ".gitlab-ci.yml", "docs/gitlab.md", "make/gitlab.mk"),
            *("jenkins", "docs/jenkins.md", "make/jenkins.mk"),
        ),
    ),
    "release": Piece("releases of tags, with a changelog", (*jobs("release"), "CHANGELOG.md")),
    "updates": Piece(
        "news about versions of libraries and of the template",
        (".github/dependabot.yml", *jobs("check-update"), "make/check_update.py"),
    ),
    "editor": Piece("settings for editors", (".vscode", ".devcontainer")),
    "docs": Piece("guides to the level", ("docs",)),
    "pipeline": Piece(
        "tracked training pipeline, model registry, quality gate",
        (
            *("src/*/pipelines", "tests/pipelines", "make/pipelines.mk", "params.yaml"),
            *("docs/2-pipelines.md", *jobs("train"), *jobs("check-model")),
            *("*/kubeflow", "*/sagemaker", "*/tfx", ".devcontainer/pipelines"),
            *("docs/kubeflow.md", "docs/sagemaker.md", "docs/tfx.md"),
            *("make/kubeflow.mk", "make/sagemaker.mk", "make/tfx.mk"),
        ),
        needed_from=3,
    ),
    "deployment": Piece(
        "image of the service, and files to run it",
        ("Dockerfile", ".dockerignore", "deploy", *jobs("deploy*")),
    ),
}
OF_EXAMPLE = Piece(
    "the taxi example",
    (
        *("data/.gitignore", "data/download.py", "notebook.ipynb", "explore.ipynb"),
        "make/check_notebook.py",
    ),
)


def is_left_out(path: str, without: Iterable[str]) -> bool:
    """Tell whether a file of the template belongs to a piece that is left out."""
    known = {**PIECES, EXAMPLE: OF_EXAMPLE}
    return any(known[name].has(path) for name in without if name in known)


def counted(paths: Iterable[str]) -> Mapping[str, int]:
    """Count the files of each piece among files of the template, without empty pieces."""
    files = list(paths)
    counts = {name: sum(map(piece.has, files)) for name, piece in PIECES.items()}
    return {name: count for name, count in counts.items() if count}
