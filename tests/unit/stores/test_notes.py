"""Tests notes of logins and uses: collected during a write, and dropped when they are late (threat W13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from watchword import Unavailable
from watchword.stores.sql.notes import Notes
from watchword.stores.sql.statements import NOTE_LOGIN, NOTE_USE
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_700_000_000.0


class Desk:
    """Notes, their clock, and what was written of them in which transaction."""

    def __init__(self) -> None:
        self.clock = FixedClock(NOW)
        self.written: list[list[tuple[str, float]]] = []
        self.notes = Notes(self.write, self.clock)
        self.fails = False
        self.meanwhile: Callable[[], None] = lambda: None

    def write(self, work: Callable[[Any], None]) -> None:
        """Do the work in a transaction, in which others come with notes, unless the database does not answer."""
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        if self.fails:
            raise Unavailable("the store does not answer")
        self.written.append([])
        work(self)

    def execute(self, _statement: object, parameters: list[dict[str, Any]]) -> int:
        """Write down what would be set."""
        self.written[-1] += [(row["this"], row["at"]) for row in parameters]
        return len(parameters)

    count = execute

    def note(self, *names: str) -> None:
        """Note a use of each now."""
        for name in names:
            self.notes.add(NOTE_USE, name, self.clock.now())

    def note_in_vain(self, *names: str) -> None:
        """Note a use of each while the database does not answer."""
        self.fails = True
        for name in names:
            with pytest.raises(Unavailable):
                self.note(name)
        self.fails = False


def test_notes_during_a_write_are_written_after_it() -> None:
    """Their callers go on at once. The writing thread takes all notes in one transaction, each row once."""
    desk = Desk()
    desk.meanwhile = lambda: desk.note("b", "c", "b")
    desk.note("a")
    assert desk.written == [[("a", NOW)], [("b", NOW), ("c", NOW)]]


def test_notes_that_could_not_be_written_are_kept_for_a_minute() -> None:
    """After a minute a newer note of the same use follows."""
    desk = Desk()
    desk.note_in_vain("a")
    desk.clock.advance(59)
    desk.note_in_vain("b")
    desk.clock.advance(1)
    desk.note_in_vain("c")
    desk.note("d")
    assert desk.written == [[("b", NOW + 59), ("c", NOW + 60), ("d", NOW + 60)]]


def test_the_number_of_waiting_notes_is_bounded() -> None:
    """A long outage fills no memory, and the write lock is not held for long after it."""
    desk = Desk()
    desk.note_in_vain(*(f"key-{number:03}" for number in range(600)))
    desk.note("last")
    assert [len(rows) for rows in desk.written] == [500]


def test_another_thread_writes_after_a_failure() -> None:
    """It also writes notes of another kind."""
    desk = Desk()
    desk.note_in_vain("a")
    desk.notes.add(NOTE_LOGIN, "ann", NOW)
    assert [sorted(rows) for rows in desk.written] == [[("a", NOW), ("ann", NOW)]]
