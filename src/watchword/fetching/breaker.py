"""Refuses callers at once while a server is silent, and lets one caller at a time try whether it answers again.

Each caller would wait for the time limit, and hold a thread meanwhile. Only silence counts: an answer that is an error is an answer.

Clients choose what is asked, and a server may be silent about one thing alone. So they must not be able to open the breaker for others:

* The server counts as silent after `MOST_SILENT` exchanges about different things. Each of them began after the last answer.
* Callers stand in lanes. Silence counts in the lane of its caller, and an answer counts in every lane.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.errors import Unavailable
from watchword.fetching.answer import NoAnswer
from watchword.locking import ProcessLock
from watchword.process import PerProcess

if TYPE_CHECKING:
    from watchword.fetching.answer import Fetched
    from watchword.operation import Operation, Steps

MOST_SILENT: Final = 5
"""Different things about which a server is silent, until it counts as silent itself."""

_RETRY_AFTER: Final = 1


class _Lane:
    """The things about which the server was silent since its last answer, and whether a caller tries."""

    __slots__ = ("silent", "trying", "why")

    def __init__(self) -> None:
        self.silent: set[bytes] = set()
        self.trying = False
        self.why = ""


class _State:
    """The answers and lanes of one process: an attempt of the parent does not end in a child."""

    __slots__ = ("answers", "lanes")

    def __init__(self) -> None:
        self.answers = 0
        self.lanes: dict[str, _Lane] = {}


class Breaker:
    """Records whether a server is silent."""

    __slots__ = ("_lock", "_states")

    def __init__(self) -> None:
        self._lock = ProcessLock()
        self._states = PerProcess(_State)

    def asking(self, operation: Operation[Fetched], about: bytes, lane: str = "") -> Steps[Fetched]:
        """Do an exchange, unless the server is silent and another caller of the lane tries.

        Args:
            operation: the exchange.
            about: the digest of what is asked. Silence about the same thing counts once.
            lane: the lane of the caller: one of a few names, which no client chooses.

        Raises:
            Unavailable: as above, or as the exchange.
        """
        state = self._states.get()
        own = state.lanes.setdefault(lane, _Lane())
        trying, answers = self._begin(own), state.answers
        try:
            fetched: Fetched = yield operation
        except NoAnswer as error:
            with self._lock:
                # An answer that came meanwhile shows that the server is silent about this alone.
                if state.answers == answers and len(own.silent) < MOST_SILENT:
                    own.silent.add(about)
                    own.why = error.why
            raise
        except Unavailable:
            self._note_answer(state)
            raise
        else:
            self._note_answer(state)
            return fetched
        finally:
            # Also where the caller is gone: the next one tries.
            if trying:
                own.trying = False

    def _begin(self, lane: _Lane) -> bool:
        """Return whether this is the one attempt while the server is silent."""
        if len(lane.silent) < MOST_SILENT:
            return False
        with self._lock:
            if len(lane.silent) < MOST_SILENT:
                return False
            if lane.trying:
                raise Unavailable(f"{lane.why} One request at a time tries again.", retry_after=_RETRY_AFTER)
            lane.trying = True
            return True

    def _note_answer(self, state: _State) -> None:
        with self._lock:
            state.answers += 1
            for lane in state.lanes.values():
                lane.silent.clear()


__all__ = ["MOST_SILENT", "Breaker"]
