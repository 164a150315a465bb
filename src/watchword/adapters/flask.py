"""Puts a guard into a Flask application, and checks the requirements of its views.

The extension decides before the first `before_request` function of the application. So refusals pass the error handlers and the
`after_request` functions, such as those of a CORS extension.
"""

from __future__ import annotations

from functools import cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import current_app, has_request_context, request, request_started
from flask.views import View
from werkzeug.exceptions import HTTPException, NotFound, default_exceptions
from werkzeug.local import LocalProxy

from watchword.adapters.environ import forward, tell
from watchword.adapters.marks import both, exchange_of, mark, requirement_of
from watchword.adapters.wsgi import GuardMiddleware
from watchword.decision import Hidden
from watchword.errors import ConfigurationError
from watchword.guard import Guard
from watchword.guard.exchange import KEY
from watchword.guard.outcome import Imitate, Pass
from watchword.principal import ANONYMOUS

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response

    from watchword.adapters.environ import Environ
    from watchword.authorization import Requirement
    from watchword.guard.exchange import Exchange
    from watchword.principal import Principal

V = TypeVar("V", bound="Callable[..., Any]")

_NAME = "watchword"
_DECIDED = "watchword.decided"  # the exchange, in the attributes of Flask's request
_FROM_ENVIRON = ("args", "cookies", "full_path", "url", "values")  # what a request keeps once it was read
_PREFLIGHT = "watchword.preflight"  # what a CORS extension is asked, in the environ


class Watchword:
    """The extension: `Watchword(app, guard)`, or `Watchword(guard).init_app(app)` where a factory makes the application.

    Args:
        app: the application; or the guard, where there is no application yet.
        guard: decides.
        mount: the prefix under which the application is served; None: the server states it.

    Raises:
        ConfigurationError: an argument is missing or of another type, or the application has this extension already.
    """

    def __init__(self, app: Flask | Guard | None = None, guard: Guard | None = None, *, mount: str | None = None) -> None:
        if isinstance(app, Guard):
            app, guard = None, app
        if not isinstance(guard, Guard):
            raise ConfigurationError(f"Watchword(app, guard) must have a Guard, got {type(guard).__name__}. Use Guard(Basic(...)).")
        self.guard = guard
        self._mount = mount
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Put the guard into an application.

        Args:
            app: the application.

        Raises:
            ConfigurationError: it has this extension already.
        """
        if _NAME in app.extensions:
            raise ConfigurationError("this application has the extension Watchword already. Give one guard all rules, and add it once.")
        app.extensions[_NAME] = GuardMiddleware(app.wsgi_app, self.guard, mount=self._mount, views=True)
        # First, so that no function of the application runs for a caller who is refused; and last, so that none changes a refusal.
        app.before_request_funcs.setdefault(None, []).insert(0, _begin)
        app.after_request_funcs.setdefault(None, []).insert(0, _answer)
        app.teardown_request(_end)
        app.error_handler_spec[None][None][cast("Any", _Refused)] = HTTPException.get_response


def requires(requirement: Requirement) -> Callable[[V], V]:
    """Demand something of the callers of a view, beside the rule of its path. The order of decorators makes no difference.

    Args:
        requirement: what the view demands, such as `role("admin")`.

    Raises:
        ConfigurationError: it is not a requirement, it is `public`, or the view is a class that Flask does not know as a view. When a
            request comes: no guard stands in front of the view.
    """
    # Another decorator may have handed the view to the router before this one: then the mark is all that is left of it.
    request_started.connect(_check_mark)

    def marked(view: V) -> V:
        if isinstance(view, type) and not issubclass(view, View):
            raise ConfigurationError(
                f"requires(...) needs a function or a subclass of flask.views.View, got the class {view.__qualname__}. "
                "Mark the function or the methods that serve the request."
            )
        mark(view, requirement)
        if not isinstance(view, type):
            return cast("V", _checked(view, requirement))
        known = cast("Any", view)
        as_view = known.as_view.__func__

        # The router shows the class only where no decorator without functools.wraps stands around what `as_view` returns.
        @wraps(as_view)
        def checked_view(cls: type[View], *args: object, **kwargs: object) -> Callable[..., Any]:
            return _checked(as_view(cls, *args, **kwargs), requirement)

        known.as_view = classmethod(cast("Any", checked_view))
        return view

    return marked


def _checked(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    """Return a view that checks its caller in every call."""

    @wraps(view)
    def checked(*args: object, **kwargs: object) -> object:
        _check(requirement)
        return current_app.ensure_sync(view)(*args, **kwargs)

    return checked


def _current() -> Principal:
    if not has_request_context():
        return ANONYMOUS
    environ = request.environ
    exchange = environ.get(KEY)
    if exchange is None and _NAME in current_app.extensions:
        exchange = _decide(environ)  # before the guard: in a url_value_preprocessor, or in a test where no request was dispatched
    principal: Principal = environ.get("watchword.principal", ANONYMOUS) if exchange is None else exchange.principal
    return principal


current_principal: Principal = cast("Principal", LocalProxy(_current))
"""The caller of the current request; anonymous outside of one."""


def _decide(environ: Environ) -> Exchange:
    """Decide by the rule of the path, once for each request: a nonce is used up, and a failed login is counted."""
    kept = request.__dict__  # not the environ: an application that is called within another one may get the same
    exchange: Exchange | None = kept.get(_DECIDED)
    if exchange is None:
        exchange = cast("GuardMiddleware", current_app.extensions[_NAME]).exchange(environ)
        exchange.decide()
        kept[_DECIDED] = exchange
    environ[KEY] = exchange
    tell(environ, exchange.decision)
    return exchange


def _begin() -> None:
    """Decide about the request; the route that Flask has chosen says what its view demands."""
    environ = request.environ
    exchange = _decide(environ)
    outcome = exchange.outcome()
    if isinstance(outcome, Pass):
        forward(environ, outcome.forwarding)
        # The session was opened by the cookies; the view sees what is forwarded.
        request.query_string = environ.get("QUERY_STRING", "").encode("latin-1")
        for name in _FROM_ENVIRON:
            request.__dict__.pop(name, None)
        _check_mark(current_app)
    elif isinstance(outcome, Imitate) and _is_automatic(outcome):
        environ[_PREFLIGHT] = outcome, exchange
        environ[KEY] = exchange.beside(outcome.told)
    else:
        demanded = _demand()
        if demanded is not None:
            exchange.demand(demanded)
        _refuse(exchange)


def _is_automatic(outcome: Imitate) -> bool:
    """Tell whether Flask itself answers a preflight for the CORS extension: no view runs then (decision D57)."""
    return outcome.is_preflight and bool(getattr(request.url_rule, "provide_automatic_options", False))


def _demand() -> Requirement | None:
    """Return what the view demands that the router has chosen; None: nothing, or there is none."""
    view = None if request.endpoint is None else current_app.view_functions.get(request.endpoint)
    of_class, requirement = requirement_of(getattr(view, "view_class", None)), requirement_of(view)
    return requirement if of_class is None else both(requirement, of_class)


def _check_mark(_app: object, **_: object) -> None:
    """Check what the view demands, before it is called."""
    requirement = _demand()
    if requirement is not None and (KEY in request.environ or _NAME not in current_app.extensions):
        _check(requirement)


def _check(requirement: Requirement) -> None:
    exchange = exchange_of(request.environ, requirement)
    if exchange.authorize(requirement) is not None:
        _refuse(exchange)
    tell(request.environ, exchange.decision)


def _refuse(exchange: Exchange) -> None:
    """Raise the refusal, so that the error handlers of the application may replace its content."""
    if isinstance(exchange.decision, Hidden) and _NAME in current_app.extensions:
        # As if the router had found nothing: no blueprint handles the error, and no view is known.
        request.routing_exception = NotFound()
        request.url_rule = request.view_args = None
        raise request.routing_exception
    response = _response(exchange)
    raise _error_of(response.status_code)(response=response)


class _Refused:
    """Marks the errors that are refusals: with TRAP_HTTP_EXCEPTIONS Flask answers 500 where no handler is registered for an error."""


@cache
def _error_of(status: int) -> type[HTTPException]:
    known = default_exceptions.get(status, HTTPException)
    # Last of its bases: all handlers of the application come first.
    return type(known.__name__, (known, _Refused), {})


def _response(exchange: Exchange) -> Response:
    refusal = exchange.refusal
    return current_app.response_class(refusal.body, refusal.status, refusal.headers)


def _answer(response: Response) -> Response:
    """Add what the guard has to say to a response, after all functions of the application."""
    preflight = request.environ.get(_PREFLIGHT)
    if preflight is not None:
        outcome, exchange = preflight
        fields = outcome.accept(response.status_code, response.headers.to_wsgi_list())
        return _response(exchange) if fields is None else current_app.response_class(b"", response.status_code, fields)
    exchange = request.__dict__.get(_DECIDED)
    if exchange is not None:
        status, headers = exchange.response_start(response.status_code, response.headers.to_wsgi_list())
        response.status_code = status
        response.headers.clear()
        response.headers.extend(headers)
        response.call_on_close(exchange.finish)
    return response


def _end(error: BaseException | None) -> None:
    exchange = request.__dict__.get(_DECIDED)
    if exchange is None:
        return
    if error is None:
        exchange.conclude()
    else:
        exchange.finish()  # there may be no response whose end could be waited for


__all__ = ["Watchword", "current_principal", "requires"]
