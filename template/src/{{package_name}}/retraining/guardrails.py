"""Guardrails of a new champion: the failures and the latency of requests to the service.

They come from Prometheus if PROMETHEUS_URL names one. Without it, the service's counters are
compared with those at the promotion, which live/loop-counters.json keeps; it must be one
instance then, at SERVICE_URL.
"""

import json
import logging
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from math import inf, isfinite, nan
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from ..serving.bundle import LIVE
from ..serving.smoke import DEFAULT
from .policy import Policy, Rollback

COUNTERS = "loop-counters.json"
SECONDS = 5.0  # how long an answer may take: the loop does not wait for a service that hangs
SHARE = 0.99
SELECTED = 'job="service", path="/predict"'

logger = logging.getLogger(__name__)


class Traffic(msgspec.Struct, frozen=True):
    """Requests to /predict: how many, how many of them failed, and the slowest 1 % in seconds."""

    requests: float
    failed: float
    p99: float


class Counters(msgspec.Struct, frozen=True):
    """Counters of /predict: requests, failed ones, and those answered within so many seconds."""

    requests: float = 0
    failed: float = 0
    within: dict[str, float] = {}


class Kept(msgspec.Struct, frozen=True):
    """The counts since a promotion, and the counters as they were last read."""

    since: float
    seen: Counters
    gained: Counters = Counters()


def broken(policy: Policy, since: float, live: Path = LIVE) -> str | None:
    """Describe the guardrail that broke since a promotion; None if none did, or nothing is known.

    `since` is the promotion's POSIX time.
    """
    try:
        traffic = measured(since, live)
    except (OSError, ValueError, LookupError) as error:
        logger.warning("the guardrails cannot be checked: %s", error)
        return None
    return verdict(traffic, policy.rollback)


def measured(since: float, live: Path) -> Traffic:
    """Return the traffic since that time.

    Raises
    ------
    OSError
        The metrics cannot be read, or the counters cannot be stored.
    ValueError, LookupError
        The metrics are in no known form.
    """
    prometheus = os.environ.get("PROMETHEUS_URL")
    if prometheus:
        return from_prometheus(prometheus.rstrip("/"), since)
    service = os.environ.get("SERVICE_URL") or DEFAULT
    return from_service(service.rstrip("/"), since, live / COUNTERS)


def verdict(traffic: Traffic, limits: Rollback) -> str | None:
    """Describe the guardrail that the traffic breaks, if there are enough requests to tell."""
    if traffic.requests < limits.min_requests:
        return None
    share = traffic.failed / traffic.requests
    if share > limits.max_error_share:
        return (
            f"{share:.1%} of {traffic.requests:,.0f} requests to /predict have failed since the "
            f"promotion; {limits.max_error_share:.1%} is allowed"
        )
    if traffic.p99 > limits.max_p99_seconds:
        return (
            f"1 % of the responses of /predict took longer than {traffic.p99:.3g} s since the "
            f"promotion; {limits.max_p99_seconds:.3g} s is allowed"
        )
    return None


def from_prometheus(url: str, since: float) -> Traffic:
    """Return the traffic since that time from Prometheus."""
    window = f"[{max(60, round(time.time() - since))}s]"
    requests = f"sum(increase(http_requests_total{{{SELECTED}}}{window}))"
    failed = f'sum(increase(http_requests_total{{{SELECTED}, status=~"5.."}}{window}))'
    within = f"sum by (le) (increase(http_request_seconds_bucket{{{SELECTED}}}{window}))"
    return Traffic(
        requests=ask_prometheus(url, requests),
        failed=ask_prometheus(url, failed),
        p99=ask_prometheus(url, f"histogram_quantile({SHARE}, {within})"),
    )


def ask_prometheus(url: str, query: str) -> float:
    """Return the value of an expression in Prometheus; 0 if it has none."""
    answer = json.loads(get(f"{url}/api/v1/query?{urlencode({'query': query})}"))
    found = answer["data"]["result"]
    value = float(found[0]["value"][1]) if found else 0.0
    return value if isfinite(value) else 0.0


def from_service(url: str, since: float, file: Path) -> Traffic:
    """Return the traffic since that time from the service's counters, as far as they were read."""
    seen = counters_in(get(f"{url}/metrics").decode())
    kept = read_kept(file)
    if kept is None or kept.since != since:
        kept = Kept(since, seen)
    kept = Kept(since, seen, plus(kept.gained, minus(seen, kept.seen)))
    write_kept(file, kept)
    gained = kept.gained
    return Traffic(gained.requests, gained.failed, quantile(SHARE, gained.within))


def counters_in(text: str) -> Counters:
    """Return the counters of /predict in the service's metrics."""
    requests = failed = 0.0
    within: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.labels.get("path") != "/predict":
                continue
            if sample.name == "http_requests_total":
                requests += sample.value
                failed += sample.value if sample.labels["status"].startswith("5") else 0
            elif sample.name == "http_request_seconds_bucket":
                within[sample.labels["le"]] = sample.value
    return Counters(requests, failed, within)


def minus(seen: Counters, before: Counters) -> Counters:
    """Return the difference of two counters; after a restart of the service, the later ones."""
    if seen.requests < before.requests:
        return seen
    return Counters(
        seen.requests - before.requests,
        seen.failed - before.failed,
        {most: count - before.within.get(most, 0) for most, count in seen.within.items()},
    )


def plus(one: Counters, other: Counters) -> Counters:
    """Return the sum of two counters."""
    bounds = one.within | other.within
    return Counters(
        one.requests + other.requests,
        one.failed + other.failed,
        {most: one.within.get(most, 0) + other.within.get(most, 0) for most in bounds},
    )


def quantile(share: float, within: Mapping[str, float]) -> float:
    """Return a quantile of the latency in seconds, as Prometheus's `histogram_quantile` does.

    `within` has the number of responses by the most seconds that they took, of which one is "+Inf".
    """
    counts = sorted((float(most), count) for most, count in within.items())
    wanted = share * counts[-1][1] if counts else nan
    below, fewer = 0.0, 0.0
    for most, count in counts:
        if count >= wanted > 0:
            if most == inf:
                return below
            return below + (most - below) * (wanted - fewer) / (count - fewer)
        below, fewer = most, count
    return 0.0


def read_kept(file: Path) -> Kept | None:
    """Return the stored counters; None if they cannot be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Kept)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write_kept(file: Path, kept: Kept) -> None:
    """Store the counters."""
    part = file.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(kept))
    part.replace(file)


def get(url: str) -> bytes:
    """Return the body of the response of a URL.

    Raises
    ------
    OSError
        There is no response, or an error. The message names the host only, because a URL
        may have a password.
    """
    host = urlsplit(url).hostname
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        raise OSError(f"{host} answers with {error.code}") from None
    except urllib.error.URLError as error:
        raise OSError(f"{host} does not answer: {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise OSError(f"{host} does not answer: {type(error).__name__}") from None
