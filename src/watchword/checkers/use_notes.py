"""Records when a key was last used: after the response, and at most once per interval."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from watchword.cache import Bounded
from watchword.operation import Operation, in_steps
from watchword.process import PerProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from watchword.operation import Steps

MOST = 10_000  # records; for others the store has the time of the last use


class UseNotes:
    """Limits the notes of uses that one checker writes.

    Args:
        write: takes a note in the store: an id, and when.
        every: how many seconds pass at least between two notes of one record.
        blocking: whether a note may wait for a disk or a network.
        awaited: takes a note on an event loop, so that it costs no thread; None: a worker thread takes it there.
    """

    def __init__(
        self,
        write: Callable[[str, float], None],
        *,
        every: float,
        blocking: bool,
        awaited: Callable[[str, float], Awaitable[None]] | None = None,
    ) -> None:
        self._write = write
        self._awaited = awaited
        self._every = every
        self._blocking = blocking
        self._noted: Bounded[bytes, float] = Bounded(MOST)
        # A thread that writes in the parent does not exist in a forked child.
        self._noting: PerProcess[dict[str, object]] = PerProcess(dict)

    def after_response(self, id: str, last: float | None, now: float) -> Operation[None] | None:  # noqa: A002 - the name of the field
        """Return the operation that writes a note; None: there is a recent one.

        Args:
            id: the id of the record.
            last: the last use by any process, as the store has it.
            now: the present.
        """
        if (last is not None and now < last + self._every) or self._is_noted(id, now):
            return None

        def note() -> Steps[None]:
            # Of several threads and tasks one does it: `setdefault` is atomic. The others do not wait for it.
            mine, noting = object(), self._noting.get()
            if noting.setdefault(id, mine) is not mine:
                return
            try:
                if not self._is_noted(id, now):
                    if self._blocking:
                        awaited = self._awaited
                        yield Operation(partial(self._write, id, now), None if awaited is None else partial(awaited, id, now))
                    else:
                        self._write(id, now)
                    self._noted.keep(id.encode(), now)
            finally:
                del noting[id]

        return in_steps(note)

    def _is_noted(self, id: str, now: float) -> bool:  # noqa: A002 - as above
        noted = self._noted.get(id.encode())
        # In both directions: the last of a burst may be noted first, and a clock may be set back.
        return noted is not None and abs(now - noted) < self._every
