"""The template's A/B test statistics, imported from the template: they need nothing but NumPy."""

import importlib.util
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from projects import TEMPLATE


def load_sequential() -> ModuleType:
    """Import the template's `sequential.py`."""
    (path,) = TEMPLATE.glob("src/*/experiments/sequential.py")
    spec = importlib.util.spec_from_file_location("sequential", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look their module up
    spec.loader.exec_module(module)
    return module


sequential = load_sequential()


@dataclass(frozen=True)
class Plan:
    """The settings of an experiment that decide, with their defaults in `plan.py`."""

    alpha: float = 0.05
    smallest_effect: float = 0.01
    block_days: int = 3
    min_days: int = 14
    max_days: int = 84

    @property
    def threshold(self) -> float:
        """Return the e-value that a promotion requires."""
        return 1 / (2 * self.alpha)


def decide(differences: np.ndarray, champion: np.ndarray, plan: Plan, settled: int) -> Any:
    """Return the verdict on blocks."""
    return sequential.decide(sequential.weigh(differences, champion, plan.alpha), plan, settled)
