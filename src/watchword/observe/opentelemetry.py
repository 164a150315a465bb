"""Counts events, and adds them to the spans of requests, for OpenTelemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import metrics, trace

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from watchword.observe.event import AuthEvent

SPAN_EVENT = "watchword.decision"
"""The name of the event that is added to the span of a request."""


class OpenTelemetry:
    """A sink that counts decisions in `watchword.decisions`, times them in `watchword.decision.duration`, and tells the current span.

    The attributes of the metrics are bounded by the configuration, as with `Prometheus`. The event in the span has the request id too, and
    the principal only where it is asked for. It needs the API of OpenTelemetry alone; without its SDK it does nothing.

    Args:
        meter_provider: makes the metrics; None: the global one.
        principal: whether the span gets `enduser.id`, which identifies a person.

    Raises:
        ModuleNotFoundError: `opentelemetry-api` is not installed.
    """

    name = "OpenTelemetry"

    def __init__(self, *, meter_provider: MeterProvider | None = None, principal: bool = False) -> None:
        meter = metrics.get_meter("watchword", meter_provider=meter_provider)
        self._decisions = meter.create_counter("watchword.decisions", "{decision}", "Decisions of the guard")
        self._duration = meter.create_histogram("watchword.decision.duration", "s", "Time to decide, without the application")
        self._principal = principal

    def __call__(self, event: AuthEvent, /) -> None:
        """Count an event, and add it to the current span."""
        timed = {"watchword.decision": event.decision, "watchword.scheme": event.scheme}
        bounded = {**timed, "watchword.route": event.route, "watchword.reason": "" if event.reason is None else event.reason.value}
        self._decisions.add(1, bounded)
        self._duration.record(event.duration, timed)
        span = trace.get_current_span()
        if span.is_recording():
            told: dict[str, str | bool] = {**bounded, "watchword.request_id": event.request_id, "watchword.cached": event.cached}
            if self._principal and event.principal:
                told["enduser.id"] = event.principal
            span.add_event(SPAN_EVENT, told)


__all__ = ["SPAN_EVENT", "OpenTelemetry"]
