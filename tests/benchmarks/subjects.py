"""Lists what is measured: in process first, then from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from tests.benchmarks import bearer, jwts, keys, outside_flood, outside_freeze, outside_share, passwords, refusals, starting, wsgi

if TYPE_CHECKING:
    from tests.benchmarks.measuring import Figure


class Subject(Protocol):
    """Measures one subject."""

    def __call__(self, *, short: bool) -> list[Figure]:
        """Return the figures; `short`: only try whether it runs."""
        ...


IN_PROCESS: Final[dict[str, tuple[str, Subject]]] = {
    "granted": ("granted over ASGI, added cost", bearer.figures),
    "wsgi": ("granted over WSGI, added cost", wsgi.figures),
    "jwt": ("access tokens that are JWTs", jwts.figures),
    "refusals": ("refusals over ASGI, whole cost", refusals.figures),
    "passwords": ("names and passwords", passwords.figures),
    "stores": ("checks in SQLite, CPU time", keys.figures),
    "starting": ("before the first request", starting.figures),
}
OUTSIDE: Final[dict[str, tuple[str, Subject]]] = {
    "share": ("throughput that is left", outside_share.figures),
    "flood": ("a flood of wrong passwords", outside_flood.figures),
    "freeze": ("a frozen database", outside_freeze.figures),
}
SUBJECTS: Final = IN_PROCESS | OUTSIDE
