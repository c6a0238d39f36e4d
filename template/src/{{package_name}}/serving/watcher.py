"""Loads a new release while the old one serves, and measures data drift."""

import inspect
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ..errors import UserError
from ..monitoring.profile import FEWEST_ROWS, PROFILE, read_profile, stability_index
from . import metrics
from .bundle import Release, read_release
from .fields import columns_of
from .model import ActiveRelease
from .records import Outcome, Score
from .requests import RequestError
from .runtimes import contained

logger = logging.getLogger(__name__)

WATCH_SECONDS = 0.5  # between two looks for a new release
RETRY_SECONDS = 5.0  # before a refused release is tried again
DRIFT_SECONDS = 15.0  # between two measurements of data drift
RECENT_ROWS = 2_000  # on which data drift is measured
ORIGIN = ("run_id", "data_version", "git_commit")


class Watcher(Collector):
    """Keeps `active` at what the release file says; exports metrics of what serves.

    A new release is loaded and warmed up first; then one assignment makes it active. If it cannot
    be loaded, the active one continues to serve.
    """

    def __init__(self, live: Path, max_rows: int) -> None:
        self.live = live
        self.max_rows = max_rows
        self.active: ActiveRelease | None = None
        self.reason = "no release has been looked for yet"
        self.recent: deque[Any] = deque(maxlen=RECENT_ROWS)
        self.drift: dict[str, float] = {}
        self._refused: Release | None = None
        self._retry_at = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def start(self) -> None:
        """Load the release before the first request, and watch for others from then on."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()
        self._thread.join()

    def release(self) -> ActiveRelease:
        """Return the active release, or refuse the request."""
        if self.active is None:
            raise RequestError(503, "not ready", self.reason)
        return self.active

    def _watch(self) -> None:
        measured = time.monotonic()
        while not self._stopped.wait(WATCH_SECONDS):
            self.look()
            if time.monotonic() - measured > DRIFT_SECONDS:
                measured = time.monotonic()
                try:
                    self._measure_drift()
                except Exception:
                    logger.exception("data drift could not be measured")

    def look(self) -> None:
        """Load the release if it has changed. Never raises, so that the thread goes on."""
        release, now = None, time.monotonic()
        known = self.active.release if self.active else None
        try:
            release = read_release(self.live)
            if release is None:
                self.reason = "nothing is deployed yet: run make deploy"
            elif release != known and (release != self._refused or now >= self._retry_at):
                self._load(release)
        except BaseException as error:  # a bundle's code may raise anything, SystemExit included
            reason = str(error)
            if not isinstance(error, UserError):
                reason = f"the release cannot be loaded: {type(error).__name__}: {error}"
            if release is not None or reason != self.reason or now >= self._retry_at:
                self.reason, self._refused = reason, release
                self._retry_at = time.monotonic() + RETRY_SECONDS
                metrics.bundle_loads.labels("refused").inc()
                logger.error("release refused: %s", reason)

    def _load(self, release: Release) -> None:
        active = ActiveRelease(self.live, release, self.max_rows)
        self.recent.clear()
        self.drift = {}
        self.active = active
        metrics.bundle_loads.labels("taken").inc()
        logger.info("%s serves", release.champion)

    def _measure_drift(self) -> None:
        active, rows = self.active, list(self.recent)
        if active is None or len(rows) < FEWEST_ROWS:
            return
        profile = read_profile(active.champion.folder / PROFILE)
        self.drift = stability_index(profile, columns_of(rows, active.fields))

    def score(self, outcomes: Sequence[Outcome]) -> list[Score]:
        """Score predictions whose ground truth has become known, with `problem.score_rows`."""
        if self.active is None:
            return []
        score_rows = self.active.champion.runtime.problem.score_rows
        takes_rows = len(inspect.signature(score_rows).parameters) > 2

        def score_of(outcome: Outcome, prediction: Any) -> float:
            given: list[Any] = [np.array([outcome.actual]), np.array([prediction])]
            if takes_rows:
                row = outcome.prediction.row
                given.append({name: np.array([value]) for name, value in row.items()})
            with contained():
                return float(score_rows(*given)[0])

        scores = []
        for outcome in outcomes:
            made = outcome.prediction
            score, shadow = score_of(outcome, made.prediction), None
            if made.shadow_version is not None:
                shadow = score_of(outcome, made.shadow_prediction)
            metrics.model_score.labels(made.version, made.variant).observe(score)
            scores.append(Score(made.id, score, shadow))
        return scores

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of what serves."""
        active, drift = self.active, self.drift
        yield GaugeMetricFamily("service_ready", "1 if a model serves", float(active is not None))
        psi = GaugeMetricFamily("feature_drift", "PSI of recent rows", labels=["field"])
        for field, index in drift.items():
            psi.add_metric([field], index)
        yield psi
        if active is None:
            return
        info = GaugeMetricFamily("model_info", "Models", labels=["version", "variant", *ORIGIN])
        score = GaugeMetricFamily("model_reference_score", "Mean on test set", labels=["version"])
        for model in active.models:
            about = model.manifest
            origin = [about.run_id, about.data_version, about.git_commit]
            info.add_metric([about.version, model.variant, *origin], 1)
        for version, value in {
            m.version: m.manifest.reference_score for m in active.models
        }.items():
            score.add_metric([version], value)
        sign = 1 if active.champion.manifest.lower_is_better else -1
        help = "1 if lower scores are better, -1 if higher ones are"
        yield from (info, score, GaugeMetricFamily("model_score_sign", help, sign))
