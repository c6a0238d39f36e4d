"""Remembers predictions and true values without keeping a request waiting.

A request puts its record into memory; a thread of its own writes what has come together. What is
in memory is bounded, and what does not find room is counted, never waited for.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from . import metrics
from .records import Feedback, Outcome, Prediction
from .store import RecordError, Store, StoreError

logger = logging.getLogger(__name__)

Record = Prediction | Feedback

# A process that is killed loses what it took in this time, and while the last write lasted.
FLUSH_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0  # between two attempts at a store that fails
CAPACITY = 50_000  # records in memory
BATCH = 1_000  # records in a transaction


class PredictionLog:
    """Records on their way into the store.

    `on_outcomes` is called by the writing thread with what became known of predictions.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        on_outcomes: Callable[[list[Outcome]], object],
        capacity: int = CAPACITY,
    ) -> None:
        self._open_store = open_store
        self._on_outcomes = on_outcomes
        self._capacity = capacity
        self._records: deque[Record] = deque()
        self._batches: list[list[Record]] = []  # being written: one, or parts of one
        self._store: Store | None = None
        self._failed_at: float | None = None
        self._deadline = float("inf")
        self._closing = threading.Event()
        self._writer = threading.Thread(target=self._work, name="prediction log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        metrics.log_waiting.set_function(self.waiting)
        self._writer.start()

    def add(self, record: Record) -> bool:
        """Take a record, in no time; False if it is lost, because there is no room."""
        if len(self._records) >= self._capacity or self._closing.is_set():
            metrics.log_dropped.inc()
            return False
        self._records.append(record)  # atomic, so that no lock is needed
        return True

    def waiting(self) -> int:
        """How many records are in memory and not yet in the store."""
        return len(self._records) + sum(map(len, self._batches))

    def close(self, seconds: float) -> int:
        """Take no more, write what is there, and say how many records are lost after all.

        Gives up after so many seconds; a write that hangs may still succeed afterwards.
        """
        if not self._closing.is_set():
            self._deadline = time.monotonic() + seconds
            self._closing.set()
            if self._writer.ident is not None:
                self._writer.join(seconds)
            metrics.log_dropped.inc(self.waiting())
        return self.waiting()

    def _work(self) -> None:
        pause = FLUSH_SECONDS
        while not self._closing.wait(pause):
            pause = FLUSH_SECONDS if self._flush() else min(2 * pause, LONGEST_PAUSE_SECONDS)
        while not self._flush() and time.monotonic() + FLUSH_SECONDS < self._deadline:
            time.sleep(FLUSH_SECONDS)
        self._let_go()

    def _flush(self) -> bool:
        """Write what is waiting; False if the store failed, and what is left is kept."""
        due = len(self._records)  # what comes meanwhile is left for the next time
        try:
            while self._batches or due:
                if not self._batches:
                    self._batches = [[self._records.popleft() for _ in range(min(due, BATCH))]]
                    due -= len(self._batches[0])
                self._write(self._batches[0])
        except StoreError as error:
            self._note_failure(str(error))
        except Exception:
            logger.exception("the prediction log met an error that nobody foresaw")
            self._note_failure("see above")
        else:
            self._note_success()
        return self._failed_at is None

    def _write(self, batch: list[Record]) -> None:
        """Write the first batch; if a record in it spoils it, halve it until it stands alone."""
        if self._store is None:
            self._store = self._open_store()
        try:
            outcomes = self._store.write(
                [record for record in batch if isinstance(record, Prediction)],
                [record for record in batch if isinstance(record, Feedback)],
            )
        except RecordError as error:
            half = len(batch) // 2
            self._batches[:1] = [batch[:half], batch[half:]] if half else []
            if not half:
                metrics.log_dropped.inc()
                logger.error("the record %s is lost: %s", batch[0].id, error)
            return
        del self._batches[0]
        metrics.log_written.inc(len(batch))
        known = {outcome.prediction.id for outcome in outcomes}
        for record in batch:
            if isinstance(record, Feedback):
                metrics.feedback.labels("known" if record.id in known else "unknown").inc()
        if outcomes:
            try:
                self._on_outcomes(outcomes)
            except Exception:
                logger.exception("%d true values could not be made use of", len(outcomes))

    def _note_failure(self, reason: str) -> None:
        metrics.log_failures.inc()
        if self._failed_at is None:
            self._failed_at = time.monotonic()
            logger.error("the prediction log waits for its store: %s", reason)
        self._let_go()

    def _note_success(self) -> None:
        if self._failed_at is not None:
            gone = time.monotonic() - self._failed_at
            self._failed_at = None
            logger.warning("the prediction log's store is back after %.1f s", gone)

    def _let_go(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
