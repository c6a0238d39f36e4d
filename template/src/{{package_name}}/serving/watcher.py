"""Takes up a new release while the old one answers, and tells Prometheus what serves."""

import inspect
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..monitoring.profile import PROFILE, read_profile, stability_index
from . import metrics
from .bundle import Release, read_release
from .deployment import Deployment
from .fields import columns_of
from .records import Outcome

logger = logging.getLogger(__name__)

WATCH_SECONDS = 0.5  # how long a new release may wait until it is noticed
RETRY_SECONDS = 5.0  # until a release that could not be taken up is tried again
DRIFT_SECONDS = 15.0  # between two measurements of drift
RECENT_ROWS = 2_000  # over which drift is measured
FEWEST_ROWS = 500  # with fewer, chance alone looks like drift


class Watcher:
    """Keeps `deployment` what the release file says: a thread that looks, loads, and swaps.

    The new release is loaded and warmed up aside; then one assignment puts it in place. If it
    cannot be loaded, the one that serves goes on serving.
    """

    def __init__(self, live: Path, max_rows: int) -> None:
        self.live = live
        self.max_rows = max_rows
        self.deployment: Deployment | None = None
        self.reason = "no release has been looked for yet"
        self.recent: deque[Any] = deque(maxlen=RECENT_ROWS)
        self._refused: Release | None = None
        self._refused_at = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def start(self) -> None:
        """Take up what is live before the first request, and look again from then on."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        measured = time.monotonic()
        while not self._stopped.wait(WATCH_SECONDS):
            self.look()
            if time.monotonic() - measured > DRIFT_SECONDS:
                measured = time.monotonic()
                try:
                    self._measure_drift()
                except Exception:  # without this thread, no release would be taken up any more
                    logger.exception("drift could not be measured")

    def look(self) -> None:
        """Take up the release if it is another one than before. Never raises."""
        release = None
        try:
            release = read_release(self.live)
            if release is None:
                self.reason = "nothing is deployed yet: run make deploy"
            elif not self._known(release):
                self._take_up(release)
        except UserError as error:
            self._refuse(release, str(error))
        except Exception as error:
            self._refuse(release, f"the release cannot be loaded: {error}")
        metrics.ready.set(self.deployment is not None)

    def _known(self, release: Release) -> bool:
        """Whether the release serves, or has been refused a moment ago."""
        if self.deployment is not None and release == self.deployment.release:
            return True
        waits = time.monotonic() - self._refused_at < RETRY_SECONDS
        return release == self._refused and waits

    def _take_up(self, release: Release) -> None:
        deployment = Deployment(self.live, release, self.max_rows)
        self.recent.clear()
        self.deployment = deployment
        metrics.bundle_loads.labels("taken").inc()
        report(deployment)
        logger.info("%s serves", release.champion)

    def _refuse(self, release: Release | None, reason: str) -> None:
        now = time.monotonic()
        if release is None and reason == self.reason and now - self._refused_at < RETRY_SECONDS:
            return
        self._refused, self._refused_at = release, now
        self.reason = reason
        metrics.bundle_loads.labels("refused").inc()
        logger.error("%s", reason)

    def _measure_drift(self) -> None:
        deployment, rows = self.deployment, list(self.recent)
        if deployment is None or len(rows) < FEWEST_ROWS:
            return
        profile = read_profile(deployment.champion.folder / PROFILE)
        columns = columns_of(rows, deployment.fields)
        for field, index in stability_index(profile, columns).items():
            metrics.feature_drift.labels(field).set(index)

    def score(self, outcomes: Sequence[Outcome]) -> None:
        """Tell Prometheus how predictions did whose true value has become known."""
        deployment = self.deployment
        if deployment is None:
            return
        score_rows = deployment.champion.runtime.problem.score_rows
        takes_rows = len(inspect.signature(score_rows).parameters) > 2
        for outcome in outcomes:
            asked = outcome.prediction
            given: list[Any] = [np.array([outcome.actual]), np.array([asked.prediction])]
            if takes_rows:
                given.append({name: np.array([value]) for name, value in asked.row.items()})
            scores = score_rows(*given)
            metrics.model_score.labels(asked.version, asked.variant).observe(float(scores[0]))


def report(deployment: Deployment) -> None:
    """Tell Prometheus what serves, and how it did on held-out rows."""
    metrics.model_info.clear()
    metrics.reference_score.clear()
    for model in deployment.models:
        about = model.manifest
        metrics.model_info.labels(
            about.version, model.variant, about.run_id, about.data_version, about.git_commit
        ).set(1)
        metrics.reference_score.labels(about.version).set(about.reference_score)
        metrics.score_sign.set(1 if about.lower_is_better else -1)
