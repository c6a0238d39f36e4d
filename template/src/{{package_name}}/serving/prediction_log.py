"""The prediction log: records are written by a thread of its own, so that no request waits.

Memory is bounded. If predictions come faster than they can be written, one in `SAMPLED` is kept,
chosen by a hash of its id, and its weight says for how many it stands. What finds no room even
then is counted as dropped.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from zlib import crc32

import msgspec

from . import metrics
from .records import Feedback, Outcome, Prediction, Score
from .store import RecordError, Store, StoreError

logger = logging.getLogger(__name__)

Record = Prediction | Feedback

# A process that is killed loses the records of this time, and of the last write.
FLUSH_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0  # between attempts while the database fails
CAPACITY = 50_000  # records in memory
BATCH = 1_000  # records in a transaction
SAMPLED = 10  # under overload, one in so many predictions is kept
OVERLOAD, RELIEF = 0.5, 0.1  # shares of the capacity at which sampling begins and ends


class PredictionLog:
    """Records on their way into the database.

    `score` is called by the writing thread with outcomes that have become known.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        score: Callable[[list[Outcome]], list[Score]],
        capacity: int = CAPACITY,
    ) -> None:
        self._open_store = open_store
        self._score = score
        self._capacity = capacity
        self._records: deque[Record] = deque()
        self._batches: list[list[Record]] = []  # being written: one, or parts of one
        self._sampling = False
        self._store: Store | None = None
        self._failed_at: float | None = None
        self._deadline = float("inf")
        self._closing = threading.Event()
        self._writer = threading.Thread(target=self._work, name="prediction log", daemon=True)

    def start(self) -> None:
        """Start to write."""
        self._writer.start()

    def add(self, record: Record) -> bool:
        """Take a record without waiting; False if there is no room."""
        waiting = len(self._records)
        if waiting >= self._capacity or self._closing.is_set():
            metrics.log_dropped.inc()
            return False
        if waiting >= self._capacity * (RELIEF if self._sampling else OVERLOAD):
            self._sampling = True
            if isinstance(record, Prediction):
                if crc32(record.id.encode()) % SAMPLED:
                    metrics.log_sampled_out.inc()
                    return True
                record = msgspec.structs.replace(record, weight=float(SAMPLED))
        else:
            self._sampling = False
        self._records.append(record)  # atomic, so that no lock is needed
        return True

    def waiting(self) -> int:
        """Return the number of records in memory."""
        return len(self._records) + sum(map(len, self._batches))

    def close(self, seconds: float) -> int:
        """Write what is in memory, within so many seconds; return the number of lost records."""
        if not self._closing.is_set():
            self._deadline = time.monotonic() + seconds
            self._closing.set()
            if self._writer.ident is not None:
                self._writer.join(seconds)
            metrics.log_dropped.inc(self.waiting())
            metrics.log_waiting.set(0)
        return self.waiting()

    def _work(self) -> None:
        pause = FLUSH_SECONDS
        while not self._closing.wait(pause):
            pause = FLUSH_SECONDS if self._flush() else min(2 * pause, LONGEST_PAUSE_SECONDS)
        while not self._flush() and time.monotonic() + FLUSH_SECONDS < self._deadline:
            time.sleep(FLUSH_SECONDS)
        self._close_store()

    def _flush(self) -> bool:
        """Write the records in memory; False if the database failed, and the rest is kept."""
        metrics.log_waiting.set(self.waiting())
        reason = None
        try:
            self._write_due(len(self._records))  # what comes meanwhile is left for the next time
        except StoreError as error:
            reason = str(error)
        except BaseException:
            logger.exception("unexpected error in the prediction log")
            reason = "see above"
        if reason is not None:
            metrics.log_failures.inc()
            if self._failed_at is None:
                self._failed_at = time.monotonic()
                logger.error("the prediction log waits for its store: %s", reason)
            self._close_store()
        elif self._failed_at is not None:
            gone = time.monotonic() - self._failed_at
            logger.warning("the prediction log's store is back after %.1f s", gone)
            self._failed_at = None
        metrics.log_waiting.set(self.waiting())
        return reason is None

    def _write_due(self, due: int) -> None:
        while self._batches or due:
            if not self._batches:
                self._batches = [[self._records.popleft() for _ in range(min(due, BATCH))]]
                due -= len(self._batches[0])
            if self._store is None:
                self._store = self._open_store()
            self._write(self._batches[0], self._store)

    def _write(self, batch: list[Record], store: Store) -> None:
        """Write the first batch; halve it if one of its records can never be written."""
        received = [record for record in batch if isinstance(record, Feedback)]
        try:
            made = [record for record in batch if isinstance(record, Prediction)]
            outcomes = store.write(made, received)
        except RecordError as error:
            half = len(batch) // 2
            self._batches[:1] = [batch[:half], batch[half:]] if half else []
            if not half:
                metrics.log_dropped.inc()
                logger.error("record %s is lost: %s", batch[0].id, error)
            return
        del self._batches[0]
        metrics.log_written.inc(len(batch))
        known = {outcome.prediction.id for outcome in outcomes}
        for one in received:
            metrics.feedback.labels("known" if one.id in known else "unknown").inc()
        if outcomes:
            try:
                scores = self._score(outcomes)
            except Exception:
                logger.exception("%d predictions could not be scored", len(outcomes))
            else:
                store.write_scores(scores)

    def _close_store(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
