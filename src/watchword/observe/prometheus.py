"""Counts events for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, Counter, Histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from watchword.observe.event import AuthEvent

# A decision of the fast path takes microseconds, a password hash a quarter of a second, an outage seconds.
_BUCKETS = (0.00001, 0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Prometheus:
    """A sink that counts decisions in `watchword_decisions_total` and times them in `watchword_decision_seconds`.

    The labels are `decision`, `reason`, `scheme` and `route` (the rule as written), all of which the configuration bounds. No label is a
    principal or an address: a client would choose how many time series there are. In the multiprocess mode of `prometheus_client`
    (`PROMETHEUS_MULTIPROC_DIR`) the numbers are those of all processes.

    Args:
        registry: where the metrics are registered; None: the default one. Make one sink for each registry.

    Raises:
        ModuleNotFoundError: `prometheus_client` is not installed.
    """

    name = "Prometheus"

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        where = REGISTRY if registry is None else registry
        labels = ("decision", "reason", "scheme", "route")
        self._decisions = Counter("watchword_decisions", "Decisions of the guard", labels, registry=where)
        self._cached = Counter("watchword_cached", "Callers whom the credential cache identified", ("scheme",), registry=where)
        self._seconds = Histogram(
            "watchword_decision_seconds",
            "Time to decide, without the application",
            ("decision", "scheme"),
            registry=where,
            buckets=_BUCKETS,
        )

    def __call__(self, event: AuthEvent, /) -> None:
        """Count an event."""
        reason = "" if event.reason is None else event.reason.value
        self._decisions.labels(event.decision, reason, event.scheme, event.route).inc()
        self._seconds.labels(event.decision, event.scheme).observe(event.duration)
        if event.cached:
            self._cached.labels(event.scheme).inc()


__all__ = ["Prometheus"]
