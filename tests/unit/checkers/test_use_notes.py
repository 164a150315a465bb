"""When a key was last used: noted after the response, once in a while, by one thread, and within bounds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.issued import NOW, CountingStore, Desk
from watchword import APIKeyCredentials, Unavailable
from watchword.checkers import APIKeys
from watchword.checkers.use_notes import MOST, UseNotes

if TYPE_CHECKING:
    from watchword.operation import Operation


def do(operation: Operation[Any] | None) -> None:
    """Do what is left to do, if there is anything."""
    if operation is not None:
        operation.run()


def last_used(desk: Desk, name: str) -> float | None:
    """Return when a key was last used, as the store has it."""
    return desk.checker.get(name).last_used_at


def test_the_use_of_a_key_is_noted_after_the_response() -> None:
    """Never while the request waits."""
    desk = Desk()
    made = desk.checker.create("ann")
    verdict = desk.accept(made.key)
    assert desk.store.times("note_key_use") == 0
    assert verdict.after_response is not None
    verdict.after_response.run()
    assert last_used(desk, made.record.id) == NOW


def test_the_use_of_a_key_is_noted_once_a_minute() -> None:
    """However often it is used; by what the store says, so that it is once a minute for all processes together."""
    desk = Desk()
    made = desk.checker.create("ann")
    for second in range(180):
        desk.clock.set(NOW + second)
        # Every request by a process that has just started.
        do(APIKeys(desk.store, clock=desk.clock).check(APIKeyCredentials(made.key)).after_response)  # type: ignore[union-attr]
    assert desk.store.times("note_key_use") == 3
    assert last_used(desk, made.record.id) == NOW + 120


@pytest.mark.parametrize("order", [1, -1], ids=["first first", "last first"])
def test_a_burst_of_uses_is_noted_once(order: int) -> None:
    """A hundred requests that were let in before the first note was taken leave one, whichever comes first."""
    desk = Desk()
    made = desk.checker.create("ann")
    left = []
    for _ in range(100):
        left.append(desk.accept(made.key).after_response)
        desk.clock.advance(0.1)
    for operation in left[::order]:
        do(operation)
    assert desk.store.times("note_key_use") == 1
    # And one that was read from the store before, but is answered now, has nothing left to do.
    assert desk.checker._uses.after_response(made.record.id, None, desk.clock.now()) is None


def test_a_burst_of_threads_notes_once() -> None:
    """Sixteen threads at the same moment: one does it, and none waits for it."""
    desk = Desk()
    made = desk.checker.create("ann")
    left = [desk.accept(made.key).after_response for _ in range(16)]
    together = threading.Barrier(16)

    def work(operation: Any) -> None:
        together.wait()
        operation.run()

    threads = [threading.Thread(target=work, args=(operation,)) for operation in left]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.store.times("note_key_use") == 1


def test_while_one_thread_notes_no_other_waits() -> None:
    """A slow disk holds one thread and not all of them."""

    class Slow(CountingStore):
        def note_key_use(self, id: str, at: float) -> None:  # noqa: A002 - the name in the protocol
            super().note_key_use(id, at)
            do(left.pop())  # meanwhile

    store = Slow()
    keys = APIKeys(store)
    credentials = APIKeyCredentials(keys.create("ann").key)
    left: list[Any] = [keys.check(credentials).after_response for _ in range(2)]  # type: ignore[union-attr]
    do(left.pop())
    assert (store.times("note_key_use"), left) == (1, [])


def test_a_note_that_failed_is_taken_with_the_next_use() -> None:
    """An outage after the response is somebody else's to report; nothing is taken for noted that is not."""
    desk = Desk()
    made = desk.checker.create("ann")
    left = desk.accept(made.key).after_response
    desk.store.is_down = True
    with pytest.raises(Unavailable):
        do(left)
    desk.store.is_down = False
    do(desk.accept(made.key).after_response)
    assert last_used(desk, made.record.id) == NOW


@pytest.mark.parametrize("used_every", [0, 10, 3600.0])
def test_how_often_a_use_is_noted_is_a_setting(used_every: float) -> None:
    """In seconds; 0 notes every use."""
    desk = Desk(used_every=used_every)
    made = desk.checker.create("ann")
    do(desk.accept(made.key).after_response)
    desk.clock.set(NOW + used_every - 0.5)
    do(desk.accept(made.key).after_response)
    assert desk.store.times("note_key_use") == 1
    for count in (2, 3) if not used_every else (2, 2):
        desk.clock.set(NOW + used_every)
        do(desk.accept(made.key).after_response)
        assert desk.store.times("note_key_use") == count


def test_a_clock_that_is_set_back_does_not_stop_the_notes_of_other_keys() -> None:
    """What was noted in a future that did not come is no reason to be silent, and a note of the store is never set back."""
    desk = Desk()
    made = desk.checker.create("ann")
    do(desk.accept(made.key).after_response)
    desk.clock.set(NOW - 1000)
    do(desk.accept(made.key).after_response)
    assert last_used(desk, made.record.id) == NOW
    assert desk.checker._uses.after_response(made.record.id, None, NOW - 1000) is not None


@pytest.mark.anyio
async def test_a_store_that_answers_at_once_needs_no_thread_for_the_note() -> None:
    """Awaited, it is done here; one that may block is done in a worker thread."""
    for blocking in (False, True):
        desk = Desk(blocking=blocking)
        made = desk.checker.create("ann")
        after_response = desk.accept(made.key).after_response
        assert after_response is not None
        assert after_response.arun is not None
        await after_response.arun()
        assert (desk.store.threads[-1] is threading.main_thread()) is not blocking
        assert last_used(desk, made.record.id) == NOW


def test_what_was_noted_is_remembered_within_bounds() -> None:
    """However many keys are used, no more than some thousands are in mind, and nothing of those that are being noted stays."""
    taken: list[str] = []
    notes = UseNotes(lambda name, _: taken.append(name), every=60, blocking=True)
    for number in range(MOST + 100):
        do(notes.after_response(f"{number}", None, NOW))
    assert len(taken) == MOST + 100
    assert len(notes._noted) == MOST
    assert notes._noting.get() == {}
