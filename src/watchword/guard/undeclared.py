"""Finds a proxy in front that no configuration declares: every client has its address then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.observe.log import log_mistake
from watchword.protection.proxies import undeclared

if TYPE_CHECKING:
    from watchword.request import RequestView

_MOST: Final = 100  # refused requests that are looked at; where a proxy is in front, all of them have its fields
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
        found = undeclared(view)
        if found:
            self._left.clear()
            log_mistake(_WORDS % (view.address, found, str(view.address)))
