"""Puts a guard into a Quart application, and checks the requirements of its views, WebSockets too.

The guard stands around `app.asgi_app` and decides before Quart makes a request. Where a rule refuses, the application is called all the
same, so that the refusal passes its error handlers and its `after_request` functions, such as those of a CORS extension.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from quart import Quart, current_app

from watchword.adapters.pallets import NAME, Extension, Refused, caller, demand_of, is_automatic, is_decided, refused
from watchword.adapters.quart_context import connection, is_serving, scope_of
from watchword.adapters.quart_views import check_mark, requires, watch
from watchword.adapters.rendering import OUTCOME, RAISED, RenderingMiddleware
from watchword.adapters.scope import tell
from watchword.guard.exchange import KEY
from watchword.guard.outcome import Imitate, Pass
from watchword.principal import ANONYMOUS

if TYPE_CHECKING:
    from quart import Response

    from watchword.adapters.asgi import ASGIApp
    from watchword.adapters.scope import Scope
    from watchword.authorization import Requirement
    from watchword.guard.exchange import Exchange
    from watchword.guard.outcome import Outcome
    from watchword.principal import Principal


class Watchword(Extension["Quart"]):
    """The extension of Quart: `Watchword(app, guard)`, or `Watchword(guard).init_app(app)`. See `Extension` for the arguments."""

    kind = Quart

    def _put_into(self, app: Quart) -> RenderingMiddleware:
        renders = cast("ASGIApp", partial(type(app).asgi_app, app))
        middleware = RenderingMiddleware(cast("ASGIApp", app.asgi_app), self.guard, mount=self._mount, renders=renders)
        app.asgi_app = middleware  # type: ignore[method-assign,assignment]
        watch()
        # First, so that no function of the application runs for a caller who is refused.
        app.before_request_funcs.setdefault(None, []).insert(0, _begin)
        app.before_websocket_funcs.setdefault(None, []).insert(0, _begin)
        app.error_handler_spec[None][None][cast("Any", Refused)] = _as_it_is
        return middleware


def _current() -> Principal:
    if not is_serving():
        return ANONYMOUS
    scope = scope_of(connection())
    if NAME in current_app.extensions and not is_decided(current_app, scope):
        exchange = _exchange(scope)  # in a test where no request was dispatched
        _note(scope, exchange, exchange.decide())
    decision = scope[KEY].decision if KEY in scope else scope.get("watchword.decision")
    return ANONYMOUS if decision is None else cast("Principal", decision.principal)


current_principal: Principal = caller(_current)
"""The caller of the current request or WebSocket; anonymous outside of one."""


def _exchange(scope: Scope) -> Exchange:
    """Return the exchange of a request that came to the application without its middlewares."""
    return cast("RenderingMiddleware", current_app.extensions[NAME]).exchange(scope)


def _note(scope: Scope, exchange: Exchange, outcome: Outcome) -> None:
    scope[KEY] = exchange
    tell(scope, exchange.decision)
    scope.pop(OUTCOME, None)  # of another guard around the application
    if not isinstance(outcome, Pass):
        scope[OUTCOME] = outcome


async def _begin() -> Response | None:
    """Refuse where the rule does; the route that Quart has chosen says what its view demands."""
    asked = connection()
    outcome = await _outcome(scope_of(asked))
    if outcome is None:
        await check_mark(asked)
    elif not (isinstance(outcome, Imitate) and outcome.is_preflight):
        raise _refused(scope_of(asked), demand_of(current_app, asked))
    elif not is_automatic(outcome, asked.url_rule):
        return current_app.response_class(status=404)
    return None


async def _outcome(scope: Scope) -> Outcome | None:
    """Return what to do in place of the view; None: the rule lets it run."""
    if not is_decided(current_app, scope):
        exchange = _exchange(scope)
        _note(scope, exchange, await exchange.adecide())
    outcome: Outcome | None = scope.get(OUTCOME)
    return outcome


def _refused(scope: Scope, demanded: Requirement | None) -> Exception:
    """Return the refusal of the rule; its challenges name what the view demands as well."""
    if demanded is not None:
        scope[KEY].demand(demanded)
    scope[RAISED] = True
    return refused(current_app, scope[KEY])


async def _as_it_is(error: Any) -> Any:  # noqa: ANN401 - an error of werkzeug, and its response
    return error.get_response()


__all__ = ["Watchword", "current_principal", "requires"]
