"""Refuses queries at once while a database is silent, and lets one query at a time try whether it answers again (threats O3).

A frozen server blocks every thread that queries it until the time-out. After the first stall other threads do not wait for it. A stall is
silence: no answer to a statement, or to an attempt to connect. An error is an answer, and so is a lock that is not released.
"""

from __future__ import annotations

from threading import Lock, get_ident
from time import monotonic
from typing import TYPE_CHECKING

from sqlalchemy.exc import TimeoutError as PoolTimeout

from watchword.errors import Unavailable
from watchword.process import PerProcess
from watchword.stores.sql.failures import FAILURES, is_stall

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

_RETRY_AFTER = 1


class Breaker:
    """Records, for this process, whether the database was silent at the last query."""

    def __init__(self) -> None:
        self._states = PerProcess(_State)

    def asking(self) -> AbstractContextManager[None]:
        """Return a context in which the database is queried.

        Raises:
            Unavailable: on entry: it was silent a moment ago, and another thread is trying already.
        """
        return self._states.get()

    def connecting(self) -> None:
        """Refuse to open a connection for a query that began before the stall.

        Raises:
            Unavailable: the database was silent a moment ago, and another thread is trying.
        """
        self._states.get().refuse()


class _State:
    """The state of one process: a context for any number of threads at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._silent_since: float | None = None
        self._trying: int | None = None

    def __enter__(self) -> None:
        if self._silent_since is None:
            return
        with self._lock:
            if self._silent_since is not None and self._trying is None:
                self._trying = get_ident()
                return
        self.refuse()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # No lock in the normal case: every read passes here. A stall noted meanwhile is newer than this answer, and stays.
        if error is not None:
            is_answer = isinstance(error, FAILURES) and not isinstance(error, PoolTimeout)
            self.note(silent=isinstance(error, FAILURES) and is_stall(error), answered=is_answer)
        elif self._silent_since is not None or self._trying is not None:
            self.note(silent=False, answered=True)

    def refuse(self) -> None:
        since = self._silent_since
        if since is not None and self._trying != get_ident():
            ago = monotonic() - since
            raise Unavailable(
                f"the store does not answer: it was silent {ago:.1f} s ago. One request at a time tries again.", retry_after=_RETRY_AFTER
            )

    def note(self, *, silent: bool, answered: bool) -> None:
        with self._lock:
            tried = self._trying == get_ident()
            if silent:
                self._silent_since = monotonic()
            elif answered and (tried or self._trying is None):
                self._silent_since = None
            if tried:
                self._trying = None
