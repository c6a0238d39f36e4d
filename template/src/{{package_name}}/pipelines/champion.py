"""Use a version of the registry, by default the champion: `make predict evaluate explain`."""

import argparse

from .. import problem
from ..errors import UserError, run
from ..evaluate import print_evaluation
from ..predict import add_file_arguments, predict_file
from . import registry, steps
from .comparison import fresh_split, origin
from .importance import feature_importance
from .parameters import read_params
from .tracking import NAME, tracking_store


def main() -> None:
    """Predict for a file, or evaluate or explain the version on the test set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", help="the number of a version; by default the champion")
    commands = parser.add_subparsers(dest="command", required=True)
    add_file_arguments(commands.add_parser("predict"))
    commands.add_parser("evaluate", help="on rows that the version was not trained on")
    commands.add_parser("explain", help="show the importance of the features")
    arguments = parser.parse_args()
    params = read_params()
    with tracking_store() as client:
        version = registry.champion_or(client, arguments.version)
        model = registry.load_model(version)
    name = f"{NAME} version {version.version}"
    if arguments.command == "predict":
        predict_file(model, name, arguments.rows, arguments.predictions)
        return
    rows = steps.validate(steps.ingest(params))
    split = fresh_split(rows, params.split.test_share, origin(version))
    if split.test.empty:
        raise UserError(f"version {version.version} was trained on all rows of the test set")
    if arguments.command == "evaluate":
        print_evaluation(model, name, split)
    else:
        print(f"{problem.METRIC} of {name} gets worse, if a feature is shuffled, by")
        print(feature_importance(model, split.test).round(4).to_string())


if __name__ == "__main__":
    run(main)
