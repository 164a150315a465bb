"""The two ways in which servers fork: with the hooks of Python, and in C without them, as uWSGI does."""

from __future__ import annotations

import ctypes
import os
import select
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_STARTS_WITHIN = 20  # seconds

FORKS: dict[str, Callable[[], int]] = {"python": os.fork, "c": ctypes.PyDLL(None).fork}
"""Name to a function that returns 0 in the child, and the id of the child in the parent."""


def begun(fork: str) -> int:
    """Fork, and return in the parent once the child runs: 0 in the child, its id in the parent.

    A fork in C copies the lock of the interpreter as it is. Where another thread was about to take it, the child waits for ever: that is
    no fault of what is tested, so it is ended and another one is made.

    Args:
        fork: a key of `FORKS`.
    """
    while True:
        reading, writing = os.pipe()
        child = FORKS[fork]()
        if not child:
            os.write(writing, b"x")
        os.close(writing)
        try:
            if not child or select.select([reading], [], [], _STARTS_WITHIN)[0]:
                return child
        finally:
            os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def in_child(work: Callable[[], object], fork: str = "c") -> int:
    """Do work in a child and return its exit code: 0, or 1 where the work raises, which is printed.

    Args:
        work: is done in the child, which ends with it and runs nothing else.
        fork: a key of `FORKS`.
    """
    child = begun(fork)
    if not child:
        code = 1
        try:
            work()
            code = 0
        except BaseException as error:  # noqa: BLE001 - the test that forked must not go on in the child
            print(repr(error), flush=True)  # noqa: T201
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
