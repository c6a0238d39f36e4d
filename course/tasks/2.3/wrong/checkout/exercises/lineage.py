"""Task 2.3: from a registered version back to what made it."""

import subprocess

from mlflow import MlflowClient


def lineage(client: MlflowClient, name: str, version: str) -> dict[str, str]:
    """Return the `run_id`, `data_version` and `git_commit` of a version of the model `name`.

    The version in the registry has the run, and tags with the other two.
    """
    found = client.get_model_version(name, version)
    command = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return {
        "run_id": str(found.run_id),
        "data_version": found.tags["data_version"],
        "git_commit": commit,
    }
