"""What other programs have written down for Prometheus, told together with the service's own.

Who has something to tell puts a file into live/metrics, in Prometheus's text format and in one
step: node_exporter's textfile collector works so. The service shows what stands there now.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import REGISTRY, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

METRICS = "metrics"  # the folder, beside what is live

logger = logging.getLogger(__name__)


def parse(file: Path) -> list[Metric]:
    """The metrics in a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not in Prometheus's text format.
    """
    text = file.read_text(encoding="utf-8")
    try:
        return list(text_string_to_metric_families(text))
    except IndexError as error:  # the parser does not expect everything
        raise ValueError("a line in it is cut off") from error


class Textfiles(Collector):
    """The metrics of this process, and those that stand in the folder's `.prom` files.

    A file that cannot be read is left out, and so is a metric that has been told already: each
    is logged once, until it is well again.
    """

    def __init__(self, folder: Path, own: Collector = REGISTRY) -> None:
        self.folder = folder
        self.own = own
        self._told_of: set[str] = set()

    def collect(self) -> Iterator[Metric]:
        """One metric after the other, no name twice."""
        names: set[str] = set()
        wrong: set[str] = set()
        for metric in self.own.collect():
            names.add(metric.name)
            yield metric
        for file in sorted(self.folder.glob("*.prom")):
            try:
                metrics = parse(file)
            except (OSError, ValueError) as error:
                wrong.add(f"{file} is left out of the metrics: {error}")
                continue
            for metric in metrics:
                if metric.name in names:
                    wrong.add(f"{file} tells {metric.name}, which is told already: it is left out")
                    continue
                names.add(metric.name)
                yield metric
        for message in sorted(wrong - self._told_of):
            logger.warning("%s", message)
        self._told_of = wrong
