"""Run the training pipeline, from data to a registered model: `make pipeline`."""

import argparse

from ..errors import run
from .parameters import read_params


def main() -> None:
    """Check the settings, which takes no time, before loading what takes seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="train even if nothing is new")
    parser.add_argument("--sample", action="store_true", help="use the rows of problem.sample()")
    parser.add_argument("--gate", action="store_true", help="exit with 1 if the gate would refuse")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="set parameters")
    arguments = parser.parse_args()
    params = read_params(changes=arguments.set)
    print("loading libraries ...", flush=True)
    from .training import train_and_register

    train_and_register(params, arguments.force, arguments.sample, arguments.gate)


if __name__ == "__main__":
    run(main)
