"""The loop rehearsed on the project's own rows, on a clock that runs fast: `make simulate`."""
