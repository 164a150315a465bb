"""The guard in front of any WSGI application: Flask, Django, Pyramid, Bottle … (PEP 3333)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from watchword.adapters.application import check_arguments
from watchword.adapters.environ import Environ, caller_of, forward, place, read_ahead, strings_of, tell, view_of, without_content
from watchword.adapters.imitating import refuse
from watchword.adapters.marks import are_marked, demand_at_path
from watchword.adapters.proxied import proxied_of
from watchword.adapters.responses import Starting, StartResponse, advising, close_response, ending, respond
from watchword.adapters.stacking import warn_of_mistakes
from watchword.adapters.starting import check_routes
from watchword.adapters.variables import Variables
from watchword.clock import ticks
from watchword.errors import ConfigurationError
from watchword.guard.cache import Grant
from watchword.guard.exchange import KEY, Exchange, refuse_again
from watchword.guard.forwarding import UNCHANGED
from watchword.guard.outcome import Pass
from watchword.mount import check_mount
from watchword.operation import Operation
from watchword.target import encode_path

if TYPE_CHECKING:
    from watchword.guard import Guard
    from watchword.guard.fast_path import TargetKey
    from watchword.guard.forwarding import Forwarding
    from watchword.request import RequestView

# What this guard has let through.
Marker: TypeAlias = "tuple[Guard, TargetKey]"
WSGIApp: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]


class GuardMiddleware:
    """Puts a guard in front of a WSGI application.

    `environ["watchword.principal"]` is the `Principal`; `REMOTE_USER` and `AUTH_TYPE` are its id and scheme, as the bytes of UTF-8 in a
    native string (PEP 3333), and absent for an anonymous caller; `environ["watchword.decision"]` is the decision. All are set where the
    request is refused as well, for the logs of the middlewares around the guard.

    Args:
        app: the application.
        guard: decides.
        mount: the prefix under which the application is served, such as `"/api"`; `""`: none. Neither the server nor a client moves
            it then. None: the `SCRIPT_NAME` that the server states.
        views: whether views have requirements of their own: `environ["watchword.exchange"]` is the `Exchange` then, on which they call
            `authorize`. None: it looks for views that are marked by `requires`, before the first request.

    Raises:
        ConfigurationError: the application is not a WSGI application, or a checker of the guard is async, and WSGI has no event loop.

    Trust: `REMOTE_ADDR`, `wsgi.url_scheme` and, without `mount`, `SCRIPT_NAME` are taken from the server. What stands outside the guard
    must not decide by what it finds in the environ. A server that keeps one of two equal fields, or merges `X_Api_Key` with `X-Api-Key`,
    does so before anyone can see it.
    """

    def __init__(self, app: WSGIApp, guard: Guard, *, mount: str | None = None, views: bool | None = None) -> None:
        guard = check_arguments(app, guard, "WSGI")
        warn_of_mistakes(app, guard)
        if guard.async_checkers:
            names = ", ".join(guard.async_checkers)
            raise ConfigurationError(
                f"WSGI has no event loop, and {names} can only be awaited: give the guard a plain function, or use the ASGI adapter"
            )
        self.app = app
        self.guard = guard
        self._mount = None if mount is None else encode_path(check_mount(mount)).decode("latin-1")
        self._fast_path = guard.fast_path
        self._listens = guard.sinks is not None
        self._proxied = proxied_of(guard.policy)
        self._variables = Variables(guard.policy.index, guard.fast_path)
        self._finds_views = views is None
        self._views = bool(views)
        self._is_started = False

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        guard = self.guard
        target, misplaced = self._place(environ)
        marker = (guard, target)
        outer = environ.get("watchword.guard")
        if outer is not None and outer == marker and (not self._views or (KEY in environ and environ[KEY].guard is guard)):
            # This very guard has let this very request through, further out.
            return self.app(environ, start_response)
        # What the application changes must not change what a view that is reached later is decided by.
        seen = dict(environ) if self._views else environ
        fast_path = self._fast_path
        query = environ.get("QUERY_STRING")
        if not misplaced and (fast_path.open_to(query) if query else fast_path.in_use):
            started = ticks() if self._listens and guard.listens else 0.0
            credentials = self._variables.credentials(environ)
            decided = None if credentials is None else fast_path.decide(target, credentials)
            if isinstance(decided, Grant):
                caller = decided.told
                if type(caller) is not tuple:  # made once; the ASGI adapter of the same guard tells something else
                    caller = decided.told = caller_of(decided.granted)
                tell(environ, decided.granted, caller)
                if started or self._views:
                    view_later = partial(view_of, seen, target, self._variables, misplaced=False)
                    exchange = Exchange(guard, view_later, decided.granted, started=started, views=self._views)
                    return self._serve(exchange, UNCHANGED, environ, seen, start_response, marker)
                return self._call(environ, start_response if decided.advice is None else advising(start_response, decided.advice), marker)
            if decided is not None and not self._views:
                tell(environ, decided)
                view_later = partial(view_of, seen, target, self._variables, misplaced=False)
                refusal = refuse_again(guard, decided, target[0], self._variables.said(environ), view_later, started)
                return respond(refusal, start_response)
        exchange = Exchange(guard, self._view(environ, seen, target, misplaced=misplaced), views=self._views)
        outcome = exchange.decide()
        tell(environ, exchange.decision)
        if isinstance(outcome, Pass):
            return self._serve(exchange, outcome.forwarding, environ, seen, start_response, marker)
        demanded = demand_at_path(self.app, target[0], target[1], environ.get("HTTP_HOST", "")) if self._views else None
        if demanded is not None:
            exchange.demand(demanded)
            outcome = exchange.outcome()
        return ending(exchange, refuse(self.app, exchange, outcome, environ, start_response))

    def exchange(self, environ: Environ) -> Exchange:
        """Return the exchange of a request, decided only where the fast path knows the caller; for extensions inside the application."""
        target, misplaced = self._place(environ)
        seen = strings_of(environ)
        exchange = Exchange(self.guard, partial(self._view, environ, seen, target, misplaced=misplaced), views=True)
        credentials = None if misplaced else self._variables.credentials(seen)
        if credentials is not None:
            exchange.repeat(target, seen.get("QUERY_STRING", ""), credentials)
        return exchange

    def _place(self, environ: Environ) -> tuple[TargetKey, bool]:
        """Return the target of a request, and whether it lies outside its mount, once the environ states what trusted proxies state."""
        if not self._is_started:
            self._start()
        if self._proxied is not None:
            self._proxied.see_through_environ(environ)
        return place(environ, self._mount)

    def _start(self) -> None:
        """Look at the application before the first request: it has its routes by now."""
        check_routes(self.app, self.guard)
        if self._finds_views:
            self._views = are_marked(self.app)
        self._is_started = True

    def _view(self, environ: Environ, seen: Environ, target: TargetKey, *, misplaced: bool) -> RequestView:
        view = view_of(seen, target, self._variables, misplaced=misplaced)
        if self.guard.policy.reads_content:
            view.reader = lambda limit: Operation(lambda: read_ahead(environ, limit))
        return view

    def _call(self, environ: Environ, start_response: StartResponse, marker: Marker) -> Iterable[bytes]:
        """Call the application, known as let through for as long as the call lasts: a server may use its environ again."""
        environ["watchword.guard"] = marker
        # Another guard further out does not decide about the views in here.
        outer = None if self._views else environ.pop(KEY, None)
        try:
            return self.app(environ, start_response)
        finally:
            environ.pop("watchword.guard", None)
            if outer is not None:
                environ[KEY] = outer

    def _serve(  # noqa: PLR0917 - one request and what was decided about it
        self, exchange: Exchange, taken: Forwarding, environ: Environ, seen: Environ, start_response: StartResponse, marker: Marker
    ) -> Iterable[bytes]:
        told = exchange.decision
        if exchange.views:
            environ[KEY] = exchange
        else:
            exchange.conclude()
        forward(environ, taken)
        starting = Starting(start_response, exchange)
        try:
            response = self._call(environ, starting if exchange.changes_response else start_response, marker)
            starting.is_early = False
            if exchange.decision is not told:
                tell(environ, exchange.decision)
                if starting.held:
                    close_response(response)
                    response = refuse(self.app, exchange, exchange.outcome(), without_content(seen), start_response)
        except BaseException:
            exchange.finish()  # there is no response whose end could be waited for
            raise
        return ending(exchange, response)


__all__ = ["Environ", "GuardMiddleware", "StartResponse", "WSGIApp"]
