"""A queue before a sink that may block."""

from __future__ import annotations

import gc
from threading import Event, Thread, active_count
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

from tests.support.core import ask
from tests.support.events import event
from tests.support.forks import FORKS, in_child
from watchword import Bearer, ConfigurationError, Guard
from watchword.observe import Queued, queued

if TYPE_CHECKING:
    from watchword import AuthEvent


class Blocked:
    """A sink that waits until it may go on."""

    blocking = True

    def __init__(self) -> None:
        self.may_go_on = Event()
        self.is_asked = Event()
        self.events: list[AuthEvent] = []

    def __call__(self, event: AuthEvent) -> None:
        """Wait, and keep the event."""
        self.is_asked.set()
        assert self.may_go_on.wait(20)
        self.events.append(event)


def test_a_sink_that_blocks_keeps_no_request_waiting() -> None:
    """The guard puts a queue before it by itself; what does not fit is dropped, counted, and nothing else happens."""
    sink = Blocked()
    guard = Guard(Bearer(lambda _: None), on_event=sink)
    assert guard.sinks is not None
    for _ in range(3):
        assert not guard.decide(ask("/")).granted
    assert sink.is_asked.wait(20)
    assert sink.events == []
    assert guard.sinks.status()[0][1:] == (0, 0, 3)
    assert not guard.sinks.flush(0.01)
    sink.may_go_on.set()
    assert guard.sinks.flush(20)
    assert len(sink.events) == 3
    assert guard.sinks.status() == (("Blocked", 0, 0, 0),)


def test_a_full_queue_drops_the_newest_and_counts_them() -> None:
    """The order of the others stays."""
    sink = Blocked()
    waiting = Queued(sink, size=3)
    for number in range(10):
        waiting(event(request_id=f"r{number}"))
    assert (waiting.dropped, waiting.waiting) == (7, 3)
    sink.may_go_on.set()
    assert waiting.flush(20)
    assert [one.request_id for one in sink.events] == ["r0", "r1", "r2"]


def test_what_a_sink_raises_is_counted_and_the_next_event_is_tried(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged for the first time, the second, the fourth, and so on: not for each request."""

    def broken(_: object) -> None:
        raise OSError("full")

    waiting = Queued(broken)
    for _ in range(9):
        waiting(event())
    assert waiting.flush(20)
    assert (waiting.failed, waiting.dropped) == (9, 0)
    assert caplog.messages == [
        "the event sink failed: OSError",
        *(f"the event sink failed: OSError ({count} times so far)" for count in (2, 4, 8)),
    ]


@pytest.mark.parametrize("fork", FORKS)
def test_a_forked_child_has_a_queue_of_its_own(fork: str) -> None:
    """Nothing of the parent's queue is written twice, and the child's thread starts although the parent's does not exist there."""
    sink = Blocked()
    waiting = Queued(sink)
    waiting(event(request_id="parent"))
    assert sink.is_asked.wait(20)

    def work() -> None:
        assert waiting.waiting == 0
        sink.may_go_on = Event()
        sink.may_go_on.set()
        waiting(event(request_id="child"))
        assert waiting.flush(20)
        assert [one.request_id for one in sink.events] == ["child"]

    assert in_child(work, fork) == 0
    sink.may_go_on.set()
    assert waiting.flush(20)
    assert [one.request_id for one in sink.events] == ["parent"]


def test_a_queue_without_work_keeps_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is collected with its sink, and starts again where events come again."""
    monkeypatch.setattr(queued, "_IDLE", 0.01)
    kept: list[AuthEvent] = []
    waiting = Queued(kept.append)
    before = active_count()
    for number in (1, 2):
        waiting(event())
        assert waiting.flush(20)
        thread = waiting._state.get()._thread
        if thread is not None:
            thread.join(20)
        assert active_count() == before
        assert len(kept) == number
    gone = ref(waiting)
    del waiting
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt, BaseException])
def test_a_sink_cannot_end_the_thread(raised: type[BaseException]) -> None:
    """Timeouts of gevent and exits are no `Exception`; the next event is taken all the same."""
    taken: list[AuthEvent] = []

    def sink(event: AuthEvent) -> None:
        taken.append(event)
        if len(taken) == 1:
            raise raised

    waiting = Queued(sink)
    waiting(event())
    waiting(event())
    assert waiting.flush(20)
    assert (len(taken), waiting.failed, waiting.waiting) == (2, 1, 0)


def test_no_thread_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of the interpreter, for instance: the event is dropped, and counted."""

    def refuse(_: object) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(Thread, "start", refuse)
    waiting = Queued(print)
    waiting(event())
    assert (waiting.dropped, waiting.waiting) == (1, 0)


@pytest.mark.parametrize("odd", [{"size": 0}, {"size": 1.5}, {"at_exit": -1}, {"at_exit": 61}])
def test_odd_arguments_are_refused(odd: dict[str, Any]) -> None:
    """With the argument that is wrong."""
    with pytest.raises(ConfigurationError, match=rf"Queued\({next(iter(odd))}=\.\.\.\) must be"):
        Queued(print, **odd)
