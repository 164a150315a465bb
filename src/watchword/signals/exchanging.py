"""Exchanges counts with the other processes every few seconds, in a thread of its own: no request waits for the store."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weakref import WeakMethod


def start(method: WeakMethod[Any], every: float) -> bool:
    """Start a thread that calls a method until its object is collected.

    Args:
        method: of an object that may end.
        every: how many seconds are between two calls.

    Returns:
        False: the system has no thread left, or the interpreter is ending.
    """
    # A daemon: a store that hangs must not keep the program from ending.
    thread = Thread(target=_work, args=(method, every), name="watchword-signals", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return False
    return True


def _work(method: WeakMethod[Any], every: float) -> None:
    pause = Event()
    while (call := method()) is not None:
        call()
        del call
        pause.wait(every)


__all__ = ["start"]
