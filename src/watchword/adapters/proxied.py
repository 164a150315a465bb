"""Puts what trusted proxies state into a scope or an environ, before anything else reads it: the guard and the application see one client.

Forwarding fields that no trusted proxy has written are taken out, so that nothing further in believes them (threat H4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from watchword.adapters.variables import variable_of
from watchword.field_index import FieldIndex
from watchword.request import RequestView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.adapters.environ import Environ
    from watchword.adapters.scope import Scope
    from watchword.guard.policy import Policy
    from watchword.peer import Forwarded
    from watchword.protection.proxies import Proxies
    from watchword.request import RawHeaders

Stated: TypeAlias = "tuple[Proxies, Forwarded | None]"

KEY = "watchword.proxied"
"""Where a scope or an environ holds who has resolved it, and what was stated."""

_LEFT = "watchword.proxied.left"


def proxied_of(policy: Policy) -> Proxied | None:
    """Return the `proxies` step of a guard, for adapters; None: it has none."""
    return None if policy.proxies is None else Proxied(policy.proxies, policy)


class Proxied:
    """The `proxies` step of a guard, for the interfaces of servers.

    Args:
        proxies: the step.
        policy: of the guard.
    """

    __slots__ = ("_index", "_read", "_unbelieved", "_variables", "proxies")

    def __init__(self, proxies: Proxies, policy: Policy) -> None:
        self.proxies: Proxies = proxies
        self._read, self._unbelieved = policy.forwarded, policy.unbelieved
        self._index = FieldIndex(self._read | self._unbelieved)
        self._variables = {variable_of(name): name for name in self._read | self._unbelieved}

    def see_through_scope(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Put the client, the scheme and the fields that count into a scope. A second time does nothing.

        Args:
            scope: of an http or websocket connection, its headers a list.

        Returns:
            Its headers.
        """
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if self.has_seen(scope.get(KEY)):
            return headers
        client = scope.get("client")
        scheme = scope.get("scheme") or ("http" if scope["type"] == "http" else "ws")
        said, dropped = self.ask(headers, client[0] if client else None, scheme)
        scope[KEY] = self.proxies, said
        if said is not None:
            scope["client"] = None if said.client is None else (said.client, 0)
            scope["scheme"] = said.scheme or scheme
        scope["headers"] = kept = self.without(dropped, headers)
        return kept

    def see_through_environ(self, environ: Environ) -> None:
        """Put the client, the scheme and the fields that count into an environ. A second time does nothing.

        Args:
            environ: of the request.
        """
        # A server may use its environ again, for another request of another client.
        if self.has_seen(environ.get(KEY)) and environ.get(_LEFT) == self._left(environ):
            return
        sent = [(name, environ[variable]) for variable, name in self._variables.items() if variable in environ]
        scheme = environ.get("wsgi.url_scheme", "http")
        said, dropped = self.ask(sent, environ.get("REMOTE_ADDR") or None, scheme)
        environ[KEY] = self.proxies, said
        if said is not None:
            environ["REMOTE_ADDR"] = said.client or ""
            environ["wsgi.url_scheme"] = said.scheme or scheme
            for variable in ("REMOTE_HOST", "REMOTE_PORT"):  # of the proxy
                environ.pop(variable, None)
        for name, _ in sent:
            if name in dropped:
                del environ[variable_of(name)]
        environ[_LEFT] = self._left(environ)

    def _left(self, environ: Environ) -> tuple[object, ...]:
        """Return what an environ says of the client, once it states what the proxies state."""
        return tuple(environ.get(variable) for variable in ("REMOTE_ADDR", "wsgi.url_scheme", *self._variables))

    def without(self, dropped: frozenset[str], headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return header fields without some, as `ask` names them; aliases stay, for the firewall."""
        index = self._index
        return [field for field in headers if index[field[0]] not in dropped]

    def has_seen(self, stated: Stated | None) -> bool:
        """Tell whether what a scope, an environ or the like holds under `KEY` is of these proxies."""
        return stated is not None and stated[0] is self.proxies

    def ask(self, headers: RawHeaders, client: str | None, scheme: str) -> tuple[Forwarded | None, frozenset[str]]:
        """Return what the proxies state about a request, and the names of the fields that the application must not see.

        Args:
            headers: of the request.
            client: the address of the peer.
            scheme: of the connection to the peer.
        """
        view = RequestView.of_server(
            method="GET", path="/", raw_path=None, query=b"", mount="", headers=headers, client=client, scheme=scheme
        )
        view.scan_bounded(self._index)
        said = self.proxies.resolve(view)
        return said, self._unbelieved | self._read if said is None else self._unbelieved
