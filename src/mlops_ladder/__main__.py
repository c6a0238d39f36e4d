"""The same as the command `mlops-ladder`: `python -m mlops_ladder`."""

from .cli import main

if __name__ == "__main__":
    main()
