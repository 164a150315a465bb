"""Resolves names in threads of its own, a few at a time.

Resolving cannot be interrupted: a resolver that does not answer holds its thread for as long as it likes. So lookups take none of the
threads in which stores and hashes work, and there is a bound for them. Callers who want the same name share a lookup, so one name whose
servers are silent holds one thread. Other names wait for a thread until the exchange that wants them has ended.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final, TypeAlias

from watchword.clock import ticks
from watchword.fetching.answer import NoAnswer
from watchword.process import PerProcess
from watchword.protection.flight import caller_of, copy_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watchword.fetching.addresses import Resolver

MOST_THREADS: Final = 8
"""Threads of one fetcher. It asks the servers of a few issuers."""

MOST_WAITING: Final = 200
"""Names that wait for a thread."""

SHARED_FOR: Final = 30.0
"""Seconds for which a lookup is joined. One that takes longer may never end, and the next caller begins another."""

_RETRY_AFTER: Final = 1
_Addresses: TypeAlias = "Future[Sequence[str]]"


class _Lookup:
    """One name that is being resolved, or waits for a thread."""

    __slots__ = ("begun", "found", "name", "wanted_until")

    def __init__(self, name: tuple[str, int]) -> None:
        self.name = name
        self.found: _Addresses = Future()
        self.begun: float | None = None
        self.wanted_until = 0.0


class _State:
    """The lookups of one process: a child has none of the threads of its parent."""

    __slots__ = ("lock", "lookups", "threads", "waiting")

    def __init__(self) -> None:
        self.lock = Lock()
        self.lookups: dict[tuple[str, int], _Lookup] = {}
        self.waiting: deque[_Lookup] = deque()
        self.threads = 0


class Lookups:
    """Resolves names for threads, and for tasks of asyncio and trio.

    Args:
        resolve: returns the addresses of a host and a port; it may block.
    """

    __slots__ = ("_resolve", "_states")

    def __init__(self, resolve: Resolver) -> None:
        self._resolve = resolve
        self._states = PerProcess(_State)

    def addresses(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Return the addresses of a host; this may block.

        Args:
            host: the name.
            port: the port.
            seconds: how long it may take.

        Raises:
            TimeoutError: it took longer.
            NoAnswer: too many names wait, or no thread can be started.
            Exception: any exception of the resolver.
        """
        found = self._begun(host, port, seconds)
        return _result(found, found.exception(seconds))

    async def aaddresses(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Return the addresses of a host without blocking the event loop; see `addresses`. The caller ends the wait."""
        from anyio import Event
        from anyio.lowlevel import current_token

        found, event = self._begun(host, port, seconds), Event()
        found.add_done_callback(_waking(caller_of(current_token()), event.set))
        await event.wait()
        return _result(found, found.exception(0))

    def _begun(self, host: str, port: int, seconds: float) -> _Addresses:
        """Join a lookup, or begin one."""
        state, now = self._states.get(), ticks()
        with state.lock:
            lookup = state.lookups.get((host, port))
            if lookup is None or (lookup.begun is not None and now - lookup.begun > SHARED_FOR):
                lookup = self._added(state, (host, port))
            lookup.wanted_until = max(lookup.wanted_until, now + seconds)
            return lookup.found

    def _added(self, state: _State, name: tuple[str, int]) -> _Lookup:
        if state.threads < MOST_THREADS:
            try:
                Thread(target=self._work, args=(state,), name="watchword-resolver", daemon=True).start()
            except RuntimeError as error:
                raise NoAnswer(f"the name {name[0]} cannot be resolved: {error}.", retry_after=_RETRY_AFTER) from None
            state.threads += 1
        elif len(state.waiting) >= MOST_WAITING:
            why = f"the name {name[0]} cannot be resolved: {MOST_WAITING} names wait. Check the resolver."
            raise NoAnswer(why, retry_after=_RETRY_AFTER)
        lookup = state.lookups[name] = _Lookup(name)
        state.waiting.append(lookup)
        return lookup

    def _work(self, state: _State) -> None:
        """Resolve names until none waits."""
        while (lookup := _next(state)) is not None:
            try:
                found, failure = tuple(self._resolve(*lookup.name)), None
            except Exception as error:  # noqa: BLE001 - every caller gets it
                found, failure = (), copy_of(error)  # without its traceback
            with state.lock:
                _forget(state, lookup)
            if failure is None:
                lookup.found.set_result(found)
            else:
                lookup.found.set_exception(failure)

    def __repr__(self) -> str:
        return f"Lookups({self._resolve!r})"


def _next(state: _State) -> _Lookup | None:
    """Return the next lookup that is still wanted; None: the thread ends."""
    with state.lock:
        while state.waiting:
            lookup = state.waiting.popleft()
            if lookup.wanted_until > ticks():
                lookup.begun = ticks()
                return lookup
            _forget(state, lookup)
        state.threads -= 1
        return None


def _forget(state: _State, lookup: _Lookup) -> None:
    if state.lookups.get(lookup.name) is lookup:
        del state.lookups[lookup.name]


def _waking(call: Callable[[Callable[[], object]], object], wake: Callable[[], object]) -> Callable[[_Addresses], None]:
    def done(_: _Addresses) -> None:
        with suppress(RuntimeError):  # its event loop has ended
            call(wake)

    return done


def _result(found: _Addresses, failure: BaseException | None) -> Sequence[str]:
    if isinstance(failure, Exception):
        raise copy_of(failure)  # several callers raise it
    return found.result(0)


__all__ = ["Lookups"]
