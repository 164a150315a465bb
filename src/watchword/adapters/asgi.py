"""The guard in front of any ASGI application: Starlette, FastAPI, Litestar, Quart … on asyncio and trio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from watchword.adapters.answering import Answering, advise, fail_startup, respond
from watchword.adapters.application import check_arguments
from watchword.adapters.marks import are_marked, check_order, demand_at
from watchword.adapters.placing import Placing
from watchword.adapters.proxied import proxied_of
from watchword.adapters.refusing import Refusing
from watchword.adapters.scope import Auth, Content, Message, Receive, Scope, Send, forward, tell, view_of
from watchword.adapters.stacking import warn_of_mistakes
from watchword.adapters.starting import check_routes
from watchword.adapters.subprotocols import selecting
from watchword.clock import ticks
from watchword.errors import ConfigurationError
from watchword.guard.cache import Grant
from watchword.guard.exchange import KEY, Exchange, refuse_again
from watchword.guard.forwarding import UNCHANGED
from watchword.guard.outcome import Pass

if TYPE_CHECKING:
    from watchword.guard import Guard
    from watchword.guard.forwarding import Forwarding
    from watchword.mount import Place

ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

# What this guard has let through, kept in the scope that it hands over: guard, method, mount, path and how that was placed.
Marker: TypeAlias = "tuple[Guard, str, str, str, Place | None]"


class GuardMiddleware(Refusing):
    """Puts a guard in front of an ASGI application.

    `scope["user"]` is the `Principal`, `scope["auth"].scopes` its scopes, `scope["watchword.decision"]` the decision. The
    lifespan passes; any other kind of connection but http and websocket is an error.

    The same keys are set in the scope of the middlewares around the guard, for their logs: `user` also where the request was refused
    and the caller is known, `auth` without scopes then.

    Args:
        app: the application.
        guard: decides.
        mount: the prefix under which the application is served, such as `"/api"`; `""`: none. Neither the server nor a client moves
            it then. None: the `root_path` that the server states.
        views: whether views have requirements of their own: `scope["watchword.exchange"]` is the `Exchange` then, on which they call
            `authorize`. None: it looks for views that are marked by `requires`, before the first request.

    Raises:
        ConfigurationError: the application is not an ASGI application, or sets another mount by itself.

    Trust: `client`, `scheme` and, without `mount`, `root_path` are taken from the server. Behind a proxy let the server set them, from that
    proxy alone. What stands outside the guard must not decide by what it finds in the scope.
    """

    renders: bool = False
    """Whether the application gets to see refusals, so that a CORS layer inside it adds its fields to them."""

    def __init__(self, app: ASGIApp, guard: Guard, *, mount: str | None = None, views: bool | None = None) -> None:
        self.guard: Guard = check_arguments(app, guard, "ASGI")
        self.app = app
        self._proxied = proxied_of(self.guard.policy)
        self._placing = Placing(app, self.guard.policy.rules, mount)
        self._fast_path = self.guard.fast_path
        self._listens = self.guard.sinks is not None
        self._finds_views = views is None
        self._views = bool(views)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: C901 - each call costs every request
        """Serve one connection.

        Raises:
            ConfigurationError: the application turns out to set a mount by itself, or to have a route below `@requires(...)`.
        """
        placing = self._placing
        if not placing.inspected:
            await self._inspect_first(scope, receive, send)
        pinned = placing.pinned
        root = scope.get("root_path") or "" if pinned is None else pinned()
        kind = scope["type"]
        if kind != "http" and kind != "websocket":  # noqa: PLR1714 - a set would be built for every request
            if kind != "lifespan":
                raise ValueError(f"the guard serves http and websocket, and nothing passes it as {kind!r}")
            await self.app(scope, receive, send)
            return
        guard = self.guard
        path = scope["path"]
        method = scope["method"] if kind == "http" else "GET"
        where = None if pinned is None and not root else placing.place(scope, path, root)
        marker = (guard, method, root, path, where)
        headers = self._headers(scope)
        if "watchword.guard" in scope and self._has_let_through(scope, marker):
            await self.app(scope if placing.settled else placing.child(scope), receive, send)
            placing.settled = True
            return
        fast_path = self._fast_path
        query = scope.get("query_string")
        if kind == "http" and (fast_path.open_to(query) if query else fast_path.in_use):
            started = ticks() if self._listens and guard.listens else 0.0
            raw_path = scope.get("raw_path") or None
            target = (method, path, raw_path, "") if where is None else where.target(method, raw_path)
            decided = None if target is None else fast_path.decide(target, headers)
            if isinstance(decided, Grant):
                if placing.settled:
                    granted = decided.granted
                    auth = decided.told
                    if type(auth) is not Auth:  # made once; the WSGI adapter of the same guard tells something else
                        auth = decided.told = Auth(granted.principal)
                    scope["user"], scope["auth"], scope["watchword.decision"] = granted.principal, auth, granted
                    if started or self._views:
                        exchange = Exchange(guard, partial(view_of, scope, method, where), granted, started=started, views=self._views)
                        await self._serve(exchange, UNCHANGED, marker, scope, receive, send)
                        return
                    child = dict(scope)
                    child.pop(KEY, None)  # of another guard further out, which does not decide about the views in here
                    if pinned is not None:
                        child["root_path"] = root
                    child["watchword.guard"] = marker
                    await self.app(child, receive, send if decided.advice is None else partial(advise, send, decided.advice))
                    return
            elif decided is not None and not self._views:
                tell(scope, decided)
                view_later = partial(view_of, scope, method, where)
                await respond(scope, receive, send, refuse_again(guard, decided, method, fast_path.said(headers), view_later, started))
                return
        await self._decide(marker, scope, receive, send)

    def _headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Return the header section of a connection, once the scope states what trusted proxies state."""
        headers = scope.get("headers")
        if type(headers) is not list:
            # Any iterable may come, or none, and it is read more than once.
            headers = scope["headers"] = list(headers or ())
        return headers if self._proxied is None else self._proxied.see_through_scope(scope)

    async def _decide(self, marker: Marker, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection about which nothing is known yet."""
        _, method, _, _, where = marker
        view = view_of(scope, method, where)
        if self.guard.policy.reads_content and scope["type"] == "http":
            receive = content = Content(receive)
            view.reader = content.reader
        exchange = Exchange(self.guard, view, views=self._views)
        outcome = await exchange.adecide()
        tell(scope, exchange.decision)
        if isinstance(outcome, Pass):
            await self._serve(exchange, outcome.forwarding, marker, scope, receive, send)
            self._placing.settled = True
            return
        demanded = demand_at(self.app, self._placing.child(scope)) if self._views else None
        if demanded is not None:
            exchange.demand(demanded)
            outcome = exchange.outcome()
        try:
            await self._turn_away(exchange, outcome, scope, receive, send)
        finally:
            if exchange.is_open:
                await exchange.afinish()

    def exchange(self, scope: Scope) -> Exchange:
        """Return the exchange of a request, about which nothing is decided yet; for what reaches the application without its middlewares.

        Args:
            scope: of the request, which is read.
        """
        self._headers(scope)
        pinned = self._placing.pinned
        root = scope.get("root_path") or "" if pinned is None else pinned()
        where = self._placing.place(scope, scope["path"], root) if root else None
        return Exchange(self.guard, view_of(scope, scope.get("method", "GET"), where), views=True)

    def inspect(self) -> None:
        """Look at the application before the first connection: it has its settings and its routes by now.

        Raises:
            ConfigurationError: as when it is called.
        """
        check_order(self.app)
        warn_of_mistakes(self.app, self.guard, self)
        check_routes(self.app, self.guard)
        self._placing.inspect()
        if self._finds_views:
            self._views = are_marked(self.app)

    async def _inspect_first(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self.inspect()
        except ConfigurationError as error:
            if scope["type"] == "lifespan":
                await fail_startup(receive, send, error)
            raise

    def _has_let_through(self, scope: Scope, marker: Marker) -> bool:
        """Tell whether this very guard has let this very request through, further out, and views find its exchange, if they need one."""
        if scope["watchword.guard"] != marker or (self._placing.pinned is not None and scope.get("root_path") != marker[2]):
            return False
        return not self._views or (KEY in scope and scope[KEY].guard is self.guard)

    async def _serve(  # noqa: PLR0917 - one request and what was decided about it
        self, exchange: Exchange, taken: Forwarding, marker: Marker, scope: Scope, receive: Receive, send: Send
    ) -> None:
        told = exchange.decision
        child = self._placing.child(scope)
        child["watchword.guard"] = marker
        if exchange.views:
            child[KEY] = exchange
            # What the application changes in its headers must not change what a view that is reached later is decided by.
            child["headers"] = [*scope["headers"]]
        else:
            child.pop(KEY, None)  # as above
            exchange.conclude()
        is_socket = scope["type"] == "websocket"
        answers = selecting(send, self.guard.policy.markers, exchange.view) if is_socket and self.guard.policy.markers else send
        if exchange.changes_response or (is_socket and exchange.is_open):
            answers = Answering(scope, answers, exchange, partial(self._hide, exchange, scope, send))
        try:
            await self.app(child, receive if taken is UNCHANGED else forward(child, receive, taken), answers)
            if isinstance(answers, Answering):
                await answers.end()
        finally:
            if exchange.decision is not told:
                tell(scope, exchange.decision)
            # Also where the application failed: who it was had logged in all the same.
            if exchange.is_open:
                await exchange.afinish()


__all__ = ["ASGIApp", "Auth", "GuardMiddleware", "Message", "Receive", "Scope", "Send"]
