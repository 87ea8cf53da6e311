"""What is measured of requests, and the metrics as text (docs/decisions/0023-metrics.md).

prometheus_client chooses when it is imported whether the processes of a server add up what they count:
`manage.py serve` names the directory for it before. So this module is imported late, by whoever needs it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from django.db import DatabaseError, InterfaceError
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from researchmind import __version__
from researchmind.serving import METRICS_DIRECTORY
from sessions.models.site_numbers import SiteNumbers, read_site_numbers

_OWN = CollectorRegistry()
_REQUESTS = Counter(
    "researchmind_http_requests", "Requests that were answered.", ("method", "route", "status"), registry=_OWN
)
_SECONDS = Histogram(
    "researchmind_http_request_duration_seconds",
    "From a request's arrival in Django to its answer's first byte.",
    ("method", "route"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=_OWN,
)


def note(method: str, route: str, status: int, seconds: float) -> None:
    """Count one request."""
    _REQUESTS.labels(method, route, str(status)).inc()
    _SECONDS.labels(method, route).observe(seconds)


def as_text(accept: str) -> tuple[bytes, str]:
    """All metrics in the format that a scraper accepts, and its content type."""
    registry = CollectorRegistry()
    registry.register(_RequestsOfAll() if METRICS_DIRECTORY in os.environ else _Requests())
    registry.register(_Site())
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Requests(Collector):
    """What this process has counted alone."""

    def collect(self) -> Iterator[Metric]:
        yield from _OWN.collect()


class _RequestsOfAll(Collector):
    """What all web workers have counted."""

    def collect(self) -> Iterator[Metric]:
        files = Path(os.environ[METRICS_DIRECTORY]).glob("*.db")
        begun = [str(file) for file in files if file.stat().st_size]  # one that a worker makes just now is empty
        yield from MultiProcessCollector.merge(begun)  # type: ignore[no-untyped-call]  # prometheus_client's


class _Site(Collector):
    """What the database knows, which is the same whichever process is asked."""

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("researchmind_info", "Which version answers.", labels=("version",))
        info.add_metric((__version__,), 1)
        yield info
        try:
            numbers = read_site_numbers()
        except (DatabaseError, InterfaceError):
            yield GaugeMetricFamily("researchmind_database_up", "Whether the database answers.", 0)
            return
        yield GaugeMetricFamily("researchmind_database_up", "Whether the database answers.", 1)
        yield from _families(numbers)


def _families(numbers: SiteNumbers) -> Iterator[Metric]:
    for name, text, label, values in (
        ("sessions", "Sessions by status.", "status", numbers.sessions),
        ("jobs", "Jobs by state; finished ones are kept for two weeks.", "state", numbers.jobs),
        ("removals_waiting", "Workspaces and collections that are still to be removed.", "kind", numbers.removals),
    ):
        family = GaugeMetricFamily(f"researchmind_{name}", text, labels=(label,))
        for word, amount in sorted(values.items()):
            family.add_metric((word,), amount)
        yield family
    at = numbers.retention_applied_at
    single: tuple[tuple[str, str, float], ...] = (
        ("messages_estimate", "Messages: exact up to 10,000, then about.", numbers.messages),
        ("job_oldest_waiting_seconds", "How long the oldest waiting job waits.", numbers.oldest_job_seconds),
        ("vector_collections", "Vector collections; 10,001 stands for more.", numbers.collections),
        ("vector_points_estimate", "Vectors in the database: exact up to 10,000, then about.", numbers.points),
        ("retention_last_run_timestamp_seconds", "When retention ran last; 0: never.", at.timestamp() if at else 0),
    )
    for name, text, value in single:
        yield GaugeMetricFamily(f"researchmind_{name}", text, value)
