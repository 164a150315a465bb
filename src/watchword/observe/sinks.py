"""Gives events to several sinks, so that none of them touches the answer or another sink."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from watchword.observe.log import log_sink_failure
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.observe.event import AuthEvent, EventSink


class SinkStatus(NamedTuple):
    """What became of the events for one sink in this process.

    Args:
        name: of the sink.
        dropped: how many it did not get, because its queue was full.
        failed: how many it raised for.
        waiting: how many are in its queue.
    """

    name: str
    dropped: int
    failed: int
    waiting: int


class Sinks:
    """The sinks of one guard.

    Args:
        given: one sink, or several.
        argument: where they were given, for messages.
        has_event_key: whether credentials have the same names in all processes.

    Raises:
        ConfigurationError: one of them cannot be called.
    """

    __slots__ = ("_asked", "_failed", "_sinks")

    def __init__(
        self, given: EventSink | Iterable[EventSink], argument: str = "Guard(on_event=...)", *, has_event_key: bool = True
    ) -> None:
        sinks: list[Any] = list(given) if isinstance(given, Iterable) and not callable(given) else [given]
        for sink in sinks:
            if not callable(sink) or isinstance(sink, type):
                raise invalid(argument, "be a function that takes an AuthEvent, or several", sink)
            if not has_event_key and getattr(sink, "needs_event_key", False):
                fix = "Processes that count together must name the same credential alike."
                raise invalid("Guard(event_key=...)", "be the same 16 to 64 octets in all processes for Signals(store=...)", None, fix)
        self._sinks: list[EventSink] = [_beside(sink) if getattr(sink, "blocking", False) else sink for sink in sinks]
        asked: list[Callable[[], bool] | None] = [getattr(sink, "is_enabled", None) for sink in sinks]
        # Empty: one of them takes every event, so nothing is asked.
        self._asked: tuple[Callable[[], bool], ...] = () if None in asked else tuple(one for one in asked if one is not None)
        self._failed = [0] * len(sinks)

    @property
    def are_enabled(self) -> bool:
        """Whether any sink takes events now."""
        # A plain loop: this is asked for each request, and a generator costs as much as an answer.
        for enabled in self._asked:
            if enabled():
                return True
        return not self._asked and bool(self._sinks)

    def emit(self, event: AuthEvent) -> None:
        """Give an event to each sink. What one raises is logged and counted.

        Args:
            event: the event.
        """
        for number, sink in enumerate(self._sinks):
            try:
                sink(event)
            except Exception as error:  # noqa: BLE001 - whatever a sink does, the decision stands
                self._failed[number] += 1
                log_sink_failure(error, self._failed[number])

    def status(self) -> tuple[SinkStatus, ...]:
        """Return what became of the events, for each sink."""
        return tuple(_status(sink, failed) for sink, failed in zip(self._sinks, self._failed, strict=True))

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait until the queues are empty.

        Args:
            timeout: for how many seconds at most, for each queue.

        Returns:
            Whether they are.
        """
        waits: list[Callable[[float], bool]] = [sink.flush for sink in self._sinks if hasattr(sink, "flush")]
        return sum(wait(timeout) for wait in waits) == len(waits)


def _beside(sink: EventSink) -> EventSink:
    from watchword.observe.queued import Queued  # threads are imported for guards that need one

    return Queued(sink)


def _status(sink: Any, failed: int) -> SinkStatus:  # noqa: ANN401 - a sink with the attributes of a queue, or without
    return SinkStatus(
        name=getattr(sink, "name", None) or getattr(sink, "__name__", None) or type(sink).__name__,
        dropped=getattr(sink, "dropped", 0),
        failed=failed + getattr(sink, "failed", 0),
        waiting=getattr(sink, "waiting", 0),
    )


__all__ = ["SinkStatus", "Sinks"]
