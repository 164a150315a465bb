"""Lets a test act as a caller: the guard takes its requests for those of a principal, and decides all else as ever.

The guard is an argument, and no request field, environment variable or option of a guard does the same. A switch for all
guards of a process would be one call away from opening an application that it was not meant for (decision page 44).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.errors import ConfigurationError
from watchword.guard import Guard
from watchword.principal import Principal
from watchword.validators import check_bool, check_type

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def acting_as(principal: Principal, guard: Guard, *, everywhere: bool = False) -> AbstractContextManager[Principal]:
    """Take the requests of a block for requests of a principal.

        with acting_as(Principal("ann", roles={"admin"}), guard):
            assert client.get("/admin").status_code == 200

    The principal takes the place of the credentials alone. What a request shows is not looked at; no checker, throttle or cache is asked.
    The firewall, the rules, the requirements of views, networks, `fresh`, `via` and the cross-site test decide as for a real caller.

    A block acts for the requests that its own thread or task makes, and for what these start: other tests that run meanwhile are not
    affected. Every client that calls the application in the process works, also through an event loop in another thread as Starlette's.
    Blocks can be nested; the innermost one counts.

    Args:
        principal: the caller; `ANONYMOUS`: an anonymous one, whatever the requests show. Its `evidence` says how it has logged in. Without
            `evidence.scheme` it came by the first scheme of the guard.
        guard: the guard of the application under test.
        everywhere: act for every request to the guard, also where a server in another thread or task decides about it (a live server,
            aiohttp's test server). Then no other test may use this guard meanwhile.

    Returns:
        A context manager, for `with`, `ExitStack` or `TestCase.enterContext`; it yields the principal. A warning in the log says that a
        guard acts.

    Raises:
        ConfigurationError: an argument is something else, or the evidence names a scheme that the guard does not have.
        RuntimeError: on entering: the block is entered already, or another block acts everywhere for this guard.

    Trust: code that can call this can already do anything in the process. Import it in tests only.
    """
    from watchword.testing.standing_in import Block  # with its lock, which needs threading

    if isinstance(principal, Guard) and not isinstance(guard, Guard):
        raise ConfigurationError("acting_as(principal, guard): the arguments are swapped. Put the principal first and the guard second.")
    check_type("acting_as(principal, guard)", principal, Principal, 'Principal("ann", roles={"admin"})')
    check_type("acting_as(principal, guard)", guard, Guard, "the one that the application uses")
    check_bool("acting_as(everywhere=...)", everywhere)
    return Block(principal, guard, everywhere=everywhere)


__all__ = ["acting_as"]
