"""The guard in front of any ASGI application: Starlette, FastAPI, Litestar, Quart … on asyncio and trio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from watchword.adapters.answering import Answering, Imitating, advise, respond
from watchword.adapters.application import check_arguments
from watchword.adapters.marks import are_marked, check_order, demand_at
from watchword.adapters.placing import Placing
from watchword.adapters.scope import (
    Auth,
    Content,
    Message,
    Receive,
    Scope,
    Send,
    forward,
    move,
    tell,
    view_of,
    without_content,
)
from watchword.adapters.subprotocols import selecting
from watchword.clock import ticks
from watchword.errors import ConfigurationError
from watchword.guard.cache import Grant
from watchword.guard.exchange import KEY, Exchange, refuse_again
from watchword.guard.forwarding import UNCHANGED
from watchword.guard.outcome import Imitate, Pass
from watchword.mount import Place
from watchword.observe.log import log_failure

if TYPE_CHECKING:
    from watchword.guard import Guard
    from watchword.guard.forwarding import Forwarding
    from watchword.guard.outcome import Outcome

ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

# What this guard has let through, kept in the scope that it hands over: guard, method, mount, path and how that was placed.
Marker: TypeAlias = "tuple[Guard, str, str, str, Place | None]"


class GuardMiddleware:
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

    def __init__(self, app: ASGIApp, guard: Guard, *, mount: str | None = None, views: bool | None = None) -> None:
        self.guard: Guard = check_arguments(app, guard, "ASGI")
        self.app = app
        self._placing = Placing(app, self.guard.policy.rules, mount)
        self._fast_path = self.guard.fast_path
        self._listens = self.guard.listens
        self._finds_views = views is None
        self._views = bool(views)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: C901, PLR0912, PLR0915 - each call costs every request
        """Serve one connection.

        Raises:
            ConfigurationError: the application turns out to set a mount by itself, or to have a route below `@requires(...)`.
        """
        placing = self._placing
        if not placing.inspected:
            self._inspect()
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
        headers = scope.get("headers")
        if type(headers) is not list:
            # Any iterable may come, or none, and it is read more than once.
            headers = scope["headers"] = list(headers or ())
        if (
            "watchword.guard" in scope
            and scope["watchword.guard"] == marker
            and (pinned is None or scope.get("root_path") == root)
            and self._is_served(scope)
        ):
            # This very guard has let this very request through, further out.
            await self.app(scope if placing.settled else placing.child(scope), receive, send)
            placing.settled = True
            return
        fast_path = self._fast_path
        query = scope.get("query_string")
        if kind == "http" and (fast_path.open_to(query) if query else fast_path.in_use):
            started = ticks() if self._listens else 0.0
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
                        exchange = Exchange(
                            guard, partial(view_of, scope, method, where or Place(path)), granted, started=started, views=self._views
                        )
                        await self._serve(exchange, UNCHANGED, marker, scope, receive, send)
                        return
                    child = dict(scope)
                    if pinned is not None:
                        child["root_path"] = root
                    child["watchword.guard"] = marker
                    await self.app(child, receive, send if decided.advice is None else partial(advise, send, decided.advice))
                    return
            elif decided is not None and not self._views:
                tell(scope, decided)
                view_later = partial(view_of, scope, method, where or Place(path))
                refusal = refuse_again(guard, decided, method, fast_path.said(headers), view_later, started)
                await respond(scope, receive, send, refusal)
                return
        view = view_of(scope, method, where or Place(path))
        if guard.policy.content_readers and kind == "http":
            receive = content = Content(receive)
            view.reader = content.reader
        exchange = Exchange(guard, view, views=self._views)
        outcome = await exchange.adecide()
        tell(scope, exchange.decision)
        if isinstance(outcome, Pass):
            await self._serve(exchange, outcome.forwarding, marker, scope, receive, send)
            placing.settled = True
        else:
            demanded = demand_at(self.app, scope) if self._views else None
            if demanded is not None:
                exchange.demand(demanded)
                outcome = exchange.outcome()
            try:
                await self._refuse(exchange, outcome, scope, receive, send)
            finally:
                if exchange.is_open:
                    await exchange.afinish()

    def _inspect(self) -> None:
        """Look at the application before the first connection: it has its settings and its routes by now."""
        check_order(self.app)
        self._placing.inspect()
        if self._finds_views:
            self._views = are_marked(self.app)

    def _is_served(self, scope: Scope) -> bool:
        """Tell whether views find an exchange of this guard, if they need one."""
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
            exchange.conclude()
        is_socket = scope["type"] == "websocket"
        answers = selecting(send, self.guard.policy.markers, exchange.view) if is_socket and self.guard.policy.markers else send
        if exchange.changes_response or (is_socket and exchange.is_open):
            answers = Answering(answers, exchange)
        try:
            await self.app(child, forward(child, receive, taken), answers)
            if isinstance(answers, Answering) and answers.imitates:
                await self._refuse(exchange, exchange.outcome(), scope, without_content(receive), send)
        finally:
            if exchange.decision is not told:
                tell(scope, exchange.decision)
            # Also where the application failed: who it was had logged in all the same.
            await exchange.afinish()

    async def _refuse(self, exchange: Exchange, outcome: Outcome, scope: Scope, receive: Receive, send: Send) -> None:
        while isinstance(outcome, Imitate):
            if not self._placing.is_routed(scope):
                await self._imitate(exchange, outcome, scope, receive, send)
                return
            # A middleware of a route, or of Litestar: the handler of the real path would run, whatever the path.
            outcome = outcome.otherwise
        if not isinstance(outcome, Pass):
            await respond(scope, receive, send, outcome.refusal)

    async def _imitate(self, exchange: Exchange, imitate: Imitate, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer for a path at which it has nothing, so that no handler runs that is kept from this caller."""
        child = self._placing.child(scope)
        tell(child, imitate.told)
        if exchange.views:
            child[KEY] = exchange.beside(imitate.told)
        move(child, imitate)
        answers = Imitating(send, imitate, partial(self._refuse, exchange, imitate.otherwise, scope, receive, send))
        try:
            await self.app(child, forward(child, receive, imitate.forwarding), answers)
        except ConfigurationError:
            raise
        except Exception as error:
            if not answers.is_stopped:
                if not imitate.is_preflight:
                    raise
                log_failure("the application failed on a preflight", error)
        await answers.end()


__all__ = ["ASGIApp", "Auth", "GuardMiddleware", "Message", "Receive", "Scope", "Send"]
