"""MLServer, which KServe and Seldon Core run, as a second door to the service of `serving/`."""

# MLServer reloads the module that its settings name for each model: this one, which has no state.
from .runtime import Bundle

__all__ = ["Bundle"]
