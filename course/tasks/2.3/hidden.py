"""Hidden tests of 2.3."""

from random import Random
from typing import Any


def cases(variant: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return a registry with four versions, two of them with the same data."""
    random = Random(seed)
    versions = [[f"d{random.randrange(10**6)}", f"c{random.randrange(10**6)}"] for _ in range(3)]
    versions.append([versions[0][0], "c7"])
    return [
        {
            "did": "lineage of one of four versions",
            "given": [versions, wanted],
            "expected": {
                "run_id": f"run of version {wanted}",
                "data_version": versions[wanted - 1][0],
                "git_commit": versions[wanted - 1][1],
            },
        }
        for wanted in (2, 4)
    ]
