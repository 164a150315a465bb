"""Writes notes of logins and uses so that no decision waits for them (threat W13).

Notes are collected, and one thread of a process at a time writes them, on a connection of their own and without waiting for locks. Notes
that cannot be written stay for the next thread, and are dropped when they are late.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from watchword.errors import Unavailable
from watchword.process import PerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Update

    from watchword.clock import Clock
    from watchword.stores.sql.change import Change

PATIENCE = 0.1  # seconds, for each wait of bookkeeping
_LATE = 60.0  # seconds: checkers note a use about once in that time, so a newer note follows
_MOST = 500  # notes that wait: some milliseconds of the write lock


class Notes:
    """Collects and writes the notes of one store.

    Args:
        write: does work in a transaction of its own that never waits.
        clock: tells when a note is late.
    """

    def __init__(self, write: Callable[[Callable[[Change], None]], None], clock: Clock) -> None:
        self._write = write
        self._clock = clock
        self._states = PerProcess(_State)

    def add(self, statement: Update, name: str, at: float) -> None:
        """Take a note, and write all notes unless another thread is writing.

        Args:
            statement: sets a time of one row; parameters `this` and `at`.
            name: the id of the row.
            at: Unix seconds.

        Raises:
            Unavailable: this thread wrote, and the database did not answer at once.
        """
        state = self._states.get()
        if not state.begin((statement, name), at):
            return
        try:
            while notes := state.take():
                self._write_all(state, notes)
        except BaseException:
            state.stop()
            raise

    def _write_all(self, state: _State, notes: Mapping[tuple[Update, str], float]) -> None:
        rows: dict[Update, list[dict[str, Any]]] = {}
        # In one order everywhere, so that two processes do not deadlock.
        for (statement, name), at in sorted(notes.items(), key=lambda note: note[0][1]):
            rows.setdefault(statement, []).append({"this": name, "at": at})

        def work(change: Change) -> None:
            for statement, parameters in rows.items():
                change.execute(statement, parameters)

        try:
            self._write(work)
        except Unavailable:
            state.put_back({note: at for note, at in notes.items() if abs(self._clock.now() - at) < _LATE})
            raise


class _State:
    """The notes of one process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._notes: dict[tuple[Update, str], float] = {}
        self._is_writing = False

    def begin(self, note: tuple[Update, str], at: float) -> bool:
        """Keep a note. Return whether this thread has to write."""
        with self._lock:
            self._keep(note, at)
            mine, self._is_writing = not self._is_writing, True
            return mine

    def take(self) -> dict[tuple[Update, str], float]:
        """Return the notes to write. If there are none, another thread may begin."""
        with self._lock:
            taken, self._notes = self._notes, {}
            if not taken:
                self._is_writing = False
            return taken

    def put_back(self, notes: Mapping[tuple[Update, str], float]) -> None:
        """Keep notes that could not be written."""
        with self._lock:
            for note, at in notes.items():
                self._keep(note, at)

    def stop(self) -> None:
        """Let another thread write after a failure of this one."""
        with self._lock:
            self._is_writing = False

    def _keep(self, note: tuple[Update, str], at: float) -> None:
        if note in self._notes or len(self._notes) < _MOST:
            self._notes[note] = max(at, self._notes.get(note, at))
