"""Edits that take a piece out of a project's files, and what each criterion cannot do without."""

from collections.abc import Callable

Files = dict[str, bytes]
Edit = Callable[[Files], None]
PACKAGE = "src/taxi_ride_duration"
WORKFLOWS = ".github/workflows"
POLICY = "retraining.yaml"
LOCK = "uv.lock"


def gone(*paths: str) -> Edit:
    """Delete files."""

    def edit(files: Files) -> None:
        for path in paths:
            del files[path]

    return edit


def without(path: str, text: str, instead: str = "") -> Edit:
    """Replace a text wherever the file has it."""

    def edit(files: Files) -> None:
        assert text.encode() in files[path], f"{path} has no {text!r} to change"
        files[path] = files[path].replace(text.encode(), instead.encode())

    return edit


def both(*edits: Edit) -> Edit:
    """Make several edits."""

    def edit(files: Files) -> None:
        for one in edits:
            one(files)

    return edit


def below(folder: str) -> Edit:
    """Delete a folder."""

    def edit(files: Files) -> None:
        gone(*[path for path in files if path.startswith(folder)])(files)

    return edit


def with_file(path: str, body: bytes) -> Edit:
    """Add a file."""
    return lambda files: files.update({path: body})


def module(name: str, text: str, instead: str) -> Edit:
    """Replace a text in a module of the package."""
    return without(f"{PACKAGE}/{name}.py", text, instead)


def step(workflow: str, target: str, instead: str = "") -> Edit:
    """Replace a step of a workflow."""
    return without(f"{WORKFLOWS}/{workflow}.yml", f"- run: make {target}\n", instead)


def locked(files: Files) -> None:
    """Add a lock file as `make setup` writes it, with the names of packages only."""
    wanted = "mlflow optuna pydantic pyyaml scipy starlette sqlalchemy httpx onnx protobuf skl2onnx"
    wanted += " rich httptools msgspec numpy onnxruntime prometheus-client psycopg uvicorn uvloop"
    wanted += " holidays jinja2"
    wanted += " jupyterlab build mypy pre-commit pytest ruff types-pyyaml matplotlib pandas"
    wanted += " jinja2 packaging skops pandera pyarrow scikit-learn"
    entries = [f'[[package]]\nname = "{name}"\nversion = "1"\n' for name in wanted.split()]
    files[LOCK] = "\n".join(entries).encode()


# Edits with which a complete project no longer meets a criterion, by its name.
LOSSES: dict[str, Edit] = {
    "unit-tests": below("tests/"),
    "model-tested": gone("tests/test_problem.py", "tests/test_train_and_predict.py"),
    "scoring-tested": gone("tests/serving/test_service.py"),
    "challenger-beside-champion": module("serving/model", "variant_of", "nothing"),
    "decision-rule-written": without("experiment.yaml", "\nalpha: 0.05", "\nalpha: null"),
    "alerts-reach-people": without(
        "deploy/alertmanager/alertmanager.yml", "webhook_configs:", "webhook_configs: []\n    no:"
    ),
    "false-alarms-budgeted": without(POLICY, "false_alarms_per_year: 1.0", "tolerated: 1.0"),
    "signal-starts-training": without(POLICY, "pause: false", "pause: true"),
    "rollback-by-itself": gone("tests/retraining/test_guardrails.py"),
}
