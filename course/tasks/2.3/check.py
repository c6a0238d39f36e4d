"""Check 2.3: the lineage of a version, in a registry with several of them."""

from typing import Any

TAGS = ["data_version", "git_commit"]


def cases(variant: dict[str, Any]) -> list[dict[str, Any]]:
    """Return versions of a model, and one of them to look up."""
    return [case([["d1", "c1"], ["d2", "c2"]], 1), case([["d1", "c1"], ["d2", "c2"]], 2)]


def case(versions: list[list[str]], wanted: int) -> dict[str, Any]:
    """Return a case: the data and the commit of each version."""
    data, commit = versions[wanted - 1]
    return {
        "did": f"lineage(client, 'rides', '{wanted}') of {len(versions)} versions",
        "given": [versions, wanted],
        "expected": {
            "run_id": f"run of version {wanted}",
            "data_version": data,
            "git_commit": commit,
        },
    }


def prepare() -> str:
    """Return the file of an empty registry: creating one takes seconds."""
    import tempfile
    from pathlib import Path

    from mlflow import MlflowClient

    file = Path(tempfile.mkdtemp(prefix="registry-")) / "registry.db"
    MlflowClient(f"sqlite:///{file}").search_registered_models()
    return str(file)


def observe(given: list[Any], empty: str) -> dict[str, str]:
    """Register the versions in a store of their own, and return the lineage of one."""
    import shutil
    import tempfile

    from mlflow import MlflowClient

    from exercises.lineage import lineage

    versions, wanted = given
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(empty, f"{folder}/registry.db")
        client = MlflowClient(f"sqlite:///{folder}/registry.db")
        client.create_registered_model("rides")
        runs = {}
        for number, tags in enumerate(versions, 1):
            run_id = client.create_run("0").info.run_id
            runs[run_id] = f"run of version {number}"
            named = dict(zip(TAGS, tags, strict=True))
            client.create_model_version("rides", f"{folder}/{number}", run_id, named)
        found = dict(lineage(client, "rides", str(wanted)))
    return {**found, "run_id": runs.get(found.get("run_id", ""), "another run")}
