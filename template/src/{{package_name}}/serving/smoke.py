"""Ask a running service one of everything, after it was deployed: `make smoke`."""

import argparse

from ..errors import UserError, run
from .client import DEFAULT, Client


def smoke(url: str) -> str:
    """What serves there, in words.

    Raises:
        UserError: the service is not ready, or does not answer its own example.
    """
    client = Client(url)
    status, ready = client.ask("GET", "/readyz")
    if status != 200:
        raise UserError(f"{url} is not ready: {ready.get('message', ready)}")
    _, model = client.ask("GET", "/model")
    status, answer = client.ask("POST", "/predict", client.example())
    if status != 200:
        raise UserError(f"{url} answers its own example with {status}: {answer}")
    champion = model["champion"]
    return (
        f"{url} serves version {champion['version']} (run {champion['run_id']}, data "
        f"{champion['data_version']}) and predicts {answer['prediction']} for its example"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default=DEFAULT, help=f"without it, {DEFAULT}")
    print(smoke(parser.parse_args().url))


if __name__ == "__main__":
    run(main)
