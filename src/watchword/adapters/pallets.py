"""Shares what the extensions of Flask and Quart do alike: the extension, the mark of a view, and the errors that are refusals."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar, cast

from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.local import LocalProxy

from watchword.adapters import marks
from watchword.errors import ConfigurationError
from watchword.guard import Guard
from watchword.guard.exchange import KEY, Exchange
from watchword.guard.outcome import Imitate
from watchword.routes.werkzeug import views_of
from watchword.validators import check_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from watchword.authorization import Requirement
    from watchword.guard.outcome import Outcome
    from watchword.principal import Principal
    from watchword.refusal import Refusal
    from watchword.refusal.data import RefusalData

App = TypeVar("App")

NAME: Final = "watchword"
"""The name of the extension in `app.extensions`."""


class Extension(Generic[App]):
    """The extension: `Watchword(app, guard)`, or `Watchword(guard).init_app(app)` where a factory makes the application.

    Args:
        app: the application; or the guard, where there is no application yet.
        guard: decides.
        mount: the prefix under which the application is served; None: the server states it.

    Raises:
        ConfigurationError: an argument is missing or of another type, or the application has this extension already.
    """

    kind: ClassVar[type]
    """The class of the framework's applications."""

    def __init__(self, app: App | Guard | None = None, guard: Guard | None = None, *, mount: str | None = None) -> None:
        if isinstance(app, Guard):
            app, guard = None, app
        if not isinstance(guard, Guard):
            raise ConfigurationError(f"Watchword(app, guard) must have a Guard, got {type(guard).__name__}. Use Guard(Basic(...)).")
        self.guard = guard
        self._mount = mount
        if app is not None:
            self.init_app(app)

    def init_app(self, app: App) -> None:
        """Put the guard into an application.

        Raises:
            ConfigurationError: it has this extension already, or it is an application of another framework.
        """
        known: Any = check_type("Watchword(app)", app, self.kind, f"{self.kind.__name__}(__name__)")
        if NAME in known.extensions:
            raise ConfigurationError("this application has the extension Watchword already. Give one guard all rules, and add it once.")
        known.extensions[NAME] = self._put_into(app)

    def _put_into(self, app: App) -> object:
        """Return the middleware that decides, once the hooks of the application ask it."""
        raise TypeError(f"{type(self).__name__} must define _put_into()")  # pragma: no cover - both extensions do


def demand_of(app: Any, asked: Any) -> Requirement | None:  # noqa: ANN401 - of either framework
    """Return what the view demands that the router has chosen, with its class and its method; None: nothing, or there is none."""
    return None if asked.endpoint is None else marks.demand_of(views_of(app.view_functions.get(asked.endpoint), asked.method))


def is_automatic(outcome: Outcome, rule: object) -> bool:
    """Tell whether the framework itself answers a preflight for the CORS extension: no view runs then (decision D57)."""
    return isinstance(outcome, Imitate) and outcome.is_preflight and bool(getattr(rule, "provide_automatic_options", False))


class Refused:
    """Marks the errors that are refusals: with TRAP_HTTP_EXCEPTIONS an error is answered with 500 where no handler is registered for it."""


@cache
def _error_of(status: int) -> type[HTTPException]:
    known = default_exceptions.get(status, HTTPException)
    # Last of its bases: all handlers of the application come first.
    return type(known.__name__, (known, Refused), {"refusal": property(_data_of), "description": property(_words_of)})


def _data_of(error: Any) -> RefusalData:  # noqa: ANN401 - an error of the class above
    return cast("Exchange", error.exchange).refusal_data


def _words_of(error: Any) -> str:  # noqa: ANN401 - as above
    return _data_of(error).text


def response_of(app: Any, refusal: Refusal) -> Any:  # noqa: ANN401 - an application and a response of either framework
    """Return a refusal as a response of an application."""
    response = app.response_class(refusal.body, refusal.status)
    # After the content: to HEAD a refusal says the length of what GET would get (RFC 9110 §8.6).
    put_fields(response, refusal.headers)
    return response


def put_fields(response: Any, fields: Iterable[tuple[str, str]]) -> None:  # noqa: ANN401 - as above
    """Give a response these header fields, and no others."""
    response.headers.clear()
    response.headers.extend(fields)


def refused(app: Any, exchange: Exchange) -> HTTPException:  # noqa: ANN401 - as above
    """Return a refusal as an error, so that the error handlers of an application may replace its content.

    Its `refusal` is what a visitor is told, as `RefusalData`; its `description` is the same in a few sentences.
    """
    refusal = exchange.refusal
    error: Any = _error_of(refusal.status)(response=response_of(app, refusal))
    error.exchange = exchange
    return cast("HTTPException", error)


def this(proxy: App) -> App:
    """Return what a proxy of Flask or Quart stands for: each attribute of the proxy is looked up anew."""
    return cast("App", cast("Any", proxy)._get_current_object())  # noqa: SLF001 - as werkzeug documents it


def caller(current: Callable[[], Principal]) -> Principal:
    """Return `current_principal`."""
    return cast("Principal", LocalProxy(current))


def is_decided(app: Any, request: Mapping[str, Any]) -> bool:  # noqa: ANN401 - Flask or Quart
    """Tell whether the guard of the extension has decided. Another one around the application decides nothing about its views.

    Args:
        app: the application, with the extension.
        request: the ASGI scope or the WSGI environ.
    """
    exchange = request.get(KEY)
    return isinstance(exchange, Exchange) and exchange.guard is app.extensions[NAME].guard
