"""The template's A/B test statistics, imported from the template: they need nothing but NumPy."""

import importlib.util
import sys
from types import ModuleType

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
