"""Calls a sink in a thread of its own behind a bounded queue, so that a slow disk or network keeps no request waiting."""

from __future__ import annotations

import atexit
from collections import deque
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from watchword.clock import ticks
from watchword.observe.log import log_sink_failure
from watchword.process import PerProcess
from watchword.validators import check_number, check_whole

if TYPE_CHECKING:
    from watchword.observe.event import AuthEvent, EventSink

_MOST = 1_000_000  # events; one takes about 500 octets
_IDLE = 5.0  # seconds after which a thread without work ends
_AT_EXIT = 60.0  # seconds that a program may wait for its sinks at most


class Queued:
    """Takes events at once, and hands them to a sink in their order.

    Each process has a queue and a thread of its own: a child that was forked starts with an empty queue, and what was in the queue of its
    parent is written by the parent. A full queue drops the newest event and counts it.

    Args:
        sink: takes the events, one at a time. What it raises is counted and logged.
        size: how many events wait at most.
        at_exit: for how many seconds the end of the program waits for the queue at most; 0: what waits then is lost.
    """

    def __init__(self, sink: EventSink, *, size: int = 10_000, at_exit: float = 2.0) -> None:
        check_whole("Queued(size=...)", size, least=1, most=_MOST, unit="events")
        check_number("Queued(at_exit=...)", at_exit, most=_AT_EXIT, unit="seconds")
        self.name: str = getattr(sink, "name", None) or getattr(sink, "__name__", None) or type(sink).__name__
        self._state = PerProcess(lambda: _Queue(sink, size))
        if at_exit:
            atexit.register(_flush, WeakMethod(self.flush), at_exit)

    def __call__(self, event: AuthEvent, /) -> None:
        """Take an event; it never waits."""
        self._state.get().put(event)

    @property
    def dropped(self) -> int:
        """How many events of this process found the queue full."""
        return self._state.get().dropped

    @property
    def failed(self) -> int:
        """How many events of this process the sink raised for."""
        return self._state.get().failed

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return self._state.get().unfinished

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait until the sink has had every event so far.

        Args:
            timeout: for how many seconds at most.

        Returns:
            Whether it has.
        """
        return self._state.get().wait(timeout)

    def __repr__(self) -> str:
        return f"Queued({self.name})"


class _Queue:
    """The queue of one process. Its thread starts with the first event, which may come long after a fork."""

    def __init__(self, sink: EventSink, size: int) -> None:
        self._sink = sink
        self._size = size
        self._events: deque[AuthEvent] = deque()
        self._changed = Condition()
        self._thread: Thread | None = None
        self.unfinished = 0
        self.dropped = 0
        self.failed = 0

    def put(self, event: AuthEvent) -> None:
        with self._changed:
            if self.unfinished >= self._size:
                self.dropped += 1
                return
            if self._thread is None and not self._start():
                self.dropped += 1
                return
            self._events.append(event)
            self.unfinished += 1
            if self.unfinished == 1:
                self._changed.notify_all()

    def _start(self) -> bool:
        # A daemon: a sink that hangs must not keep the program from ending.
        self._thread = Thread(target=self._work, name="watchword-events", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the interpreter is ending, or the system has no thread left
            self._thread = None
        return self._thread is not None

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._events:
                    # A queue that is not used any more keeps no thread, and is collected.
                    if not self._changed.wait(_IDLE) and not self._events:
                        self._thread = None
                        return
                event = self._events.popleft()
            try:
                self._sink(event)
            except BaseException as error:  # noqa: BLE001 - `SystemExit` too: without its thread the queue would stand still
                self.failed += 1
                log_sink_failure(error, self.failed)
            with self._changed:
                self.unfinished -= 1
                if not self.unfinished:
                    self._changed.notify_all()

    def wait(self, timeout: float) -> bool:
        until = ticks() + timeout
        with self._changed:
            while self.unfinished and (left := until - ticks()) > 0:
                self._changed.wait(left)
            return not self.unfinished


def _flush(method: WeakMethod[Any], timeout: float) -> None:
    flush = method()
    if flush is not None:
        flush(timeout)


__all__ = ["Queued"]
