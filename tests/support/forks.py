"""The two ways in which servers fork: with the hooks of Python, and in C without them, as uWSGI does."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FORKS: dict[str, Callable[[], int]] = {"python": os.fork, "c": ctypes.PyDLL(None).fork}
"""Name to a function that returns 0 in the child, and the id of the child in the parent."""


def in_child(work: Callable[[], object], fork: str = "c") -> int:
    """Do work in a child and return its exit code: 0, or 1 where the work raises, which is printed.

    Args:
        work: is done in the child, which ends with it and runs nothing else.
        fork: a key of `FORKS`.
    """
    child = FORKS[fork]()
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
