"""Finds a proxy in front that no configuration declares: every client has its address then."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from watchword.grammar import MAX_FIELDS
from watchword.networks import NEAR, networks_of
from watchword.observe.log import log_mistake

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.request import RequestView

Field: TypeAlias = tuple[str | bytes, str | bytes]

_MOST: Final = 100  # refused requests that are looked at; where a proxy is in front, all of them have its fields
_FIELDS: Final = frozenset({"forwarded", "x-forwarded-for"})
_WORDS: Final = (
    "A request came from %s with %s, so a proxy seems to stand in front, and Guard(proxies=...) does not declare it: rules about networks, "
    "events and throttles take its address for that of every client. Give Guard(proxies=TrustedProxies([%r])) if it is your proxy. This "
    "warning is given once."
)


class UndeclaredProxy:
    """Warns once of such a proxy. Looks at the first refused requests, at no more."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = [True] * _MOST  # a list, because `pop` is one step for threads

    def look(self, view: RequestView) -> None:
        """Look at a request that is refused.

        Args:
            view: the request. That the peer is near and sends such a field proves nothing: nothing depends on it but the warning.
        """
        if not self._left:
            return
        try:
            self._left.pop()
        except IndexError:
            return
        address = view.address
        if not networks_of(NEAR).contains(address):
            return
        headers = islice(cast("Iterable[Field]", view.headers), MAX_FIELDS)
        sent = (raw if isinstance(raw, str) else raw.decode("latin-1") for raw, _ in headers)
        found = next((name.lower() for name in sent if len(name) <= len("x-forwarded-for") and name.lower() in _FIELDS), None)
        if found is not None:
            self._left.clear()
            log_mistake(_WORDS % (address, found, str(address)))
