"""Puts a guard into a Flask application, and checks the requirements of its views.

It decides before the first `before_request` function, so refusals pass the error handlers, and `after_request` as CORS extensions have it.
"""

from __future__ import annotations

from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, current_app, has_request_context, request, request_started
from flask.views import View
from werkzeug.exceptions import HTTPException

from watchword.adapters.environ import forward, tell, tell_again
from watchword.adapters.flask_answers import DECIDED, PREFLIGHT, answer, end, refuse, refused_by_rule
from watchword.adapters.marks import exchange_of
from watchword.adapters.pallets import NAME, Extension, Refused, caller, demand_of, is_automatic, is_decided, this
from watchword.adapters.requiring import V, requiring
from watchword.adapters.wsgi import GuardMiddleware
from watchword.guard.exchange import KEY
from watchword.guard.forwarding import UNCHANGED
from watchword.guard.outcome import Imitate, Pass
from watchword.principal import ANONYMOUS

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response

    from watchword.adapters.environ import Environ
    from watchword.authorization import Requirement
    from watchword.guard.exchange import Exchange
    from watchword.guard.forwarding import Forwarding
    from watchword.principal import Principal

_FROM_ENVIRON = ("args", "cookies", "full_path", "url", "values")  # what a request keeps once it was read


class Watchword(Extension["Flask"]):
    """The extension of Flask: `Watchword(app, guard)`, or `Watchword(guard).init_app(app)`. See `Extension` for the arguments."""

    kind = Flask

    def _put_into(self, app: Flask) -> GuardMiddleware:
        # First, so that no function of the application runs for a caller who is refused; and last, so that none changes a refusal.
        app.before_request_funcs.setdefault(None, []).insert(0, _begin)
        app.after_request_funcs.setdefault(None, []).insert(0, answer)
        app.teardown_request(end)
        app.error_handler_spec[None][None][cast("Any", Refused)] = HTTPException.get_response
        return GuardMiddleware(app.wsgi_app, self.guard, mount=self._mount, views=True)


def requires(requirement: Requirement) -> Callable[[V], V]:
    """Demand something of the callers of a view, beside the rule of its path. The order of decorators makes no difference.

    Args:
        requirement: what the view demands, such as `role("admin")`.

    Raises:
        ConfigurationError: it is not a requirement, it is `public`, or the class is no view of Flask; at a request: the view has no guard.
    """
    # Another decorator may have handed the view to the router before this one: then the mark is all that is left of it.
    request_started.connect(_check_mark)
    return requiring(requirement, _checked, {"flask.views.View": View})


def _checked(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    """Return a view that checks its caller in every call."""
    waits = iscoroutinefunction(view)

    @wraps(view)
    def checked(*args: object, **kwargs: object) -> object:
        _check(request.environ, requirement)
        return current_app.ensure_sync(view)(*args, **kwargs) if waits else view(*args, **kwargs)

    return checked


def _check_mark(app: Flask, **_: object) -> None:
    """Check what the view demands, before it is called."""
    asked = this(request)
    is_early = NAME in app.extensions and not is_decided(app, asked.environ)
    requirement = None if is_early else demand_of(app, asked)
    if requirement is not None:
        _check(asked.environ, requirement)


def _check(environ: Environ, requirement: Requirement) -> None:
    exchange = exchange_of(environ, requirement)
    if exchange.authorize(requirement) is not None:
        refuse(exchange)
    if not tell_again(environ, exchange.decision):
        tell(environ, exchange.decision)


def _current() -> Principal:
    if not has_request_context():
        return ANONYMOUS
    environ = request.environ
    exchange = environ.get(KEY)
    if NAME in current_app.extensions and not is_decided(current_app, environ):
        exchange = _decide(environ)  # before the guard: in a url_value_preprocessor, or in a test where no request was dispatched
    return cast("Principal", environ.get("watchword.principal", ANONYMOUS) if exchange is None else exchange.principal)


current_principal: Principal = caller(_current)
"""The caller of the current request; anonymous outside of one."""


def _decide(environ: Environ) -> Exchange:
    """Decide by the rule of the path, once for each request: a nonce is used up, and a failed login is counted."""
    # Not in the environ: an application that is called within another one may get the same.
    exchange: Exchange | None = request.__dict__.get(DECIDED)
    if exchange is None:
        exchange = cast("GuardMiddleware", current_app.extensions[NAME]).exchange(environ)
        request.remote_addr, request.scheme = environ.get("REMOTE_ADDR"), environ["wsgi.url_scheme"]  # as trusted proxies state them
        request.__dict__[DECIDED] = exchange if exchange.is_decided else (exchange.decide(), exchange)[1]
    environ[KEY] = exchange
    tell(environ, exchange.decision)
    return exchange


def _begin() -> Response | None:
    """Decide about the request, and return the document with which the guard answers by itself; None: the view may run."""
    exchange = _decide(request.environ)
    outcome = exchange.outcome()
    if isinstance(outcome, Pass):
        _forward(outcome.forwarding)
        _check_mark(this(current_app))
    elif isinstance(outcome, Imitate) and is_automatic(outcome, request.url_rule):
        request.environ.update({PREFLIGHT: (outcome, exchange), KEY: exchange.beside(outcome.told)})
    else:
        return refused_by_rule(exchange)
    return None


def _forward(taken: Forwarding) -> None:
    """Take out of the request what the view must not see. The session was opened by the cookies."""
    if taken is UNCHANGED:
        return
    forward(request.environ, taken)
    request.query_string = request.environ.get("QUERY_STRING", "").encode("latin-1")
    for name in _FROM_ENVIRON:
        request.__dict__.pop(name, None)


__all__ = ["Watchword", "current_principal", "requires"]
