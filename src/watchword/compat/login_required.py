"""Checks views of Flask by a guard of their own, which the decorator asks: no extension stands in front of the application."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial, wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, overload

from flask import after_this_request, current_app, has_request_context, make_response, request, request_started

from watchword.adapters.application import accepts
from watchword.adapters.environ import place, strings_of, tell, view_of
from watchword.adapters.variables import Variables
from watchword.authorization import authenticated, public, where
from watchword.authorization import optional as anyone
from watchword.authorization.marks import layers
from watchword.compat.callbacks import answer_of, holds_one, login_of, role_sets
from watchword.errors import ConfigurationError
from watchword.guard import Guard
from watchword.guard.exchange import KEY, Exchange
from watchword.principal import ANONYMOUS
from watchword.refusal import styled_headers
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from flask import Flask, Response

    from watchword.authorization import Requirement
    from watchword.principal import Principal
    from watchword.refusal import Refusal
    from watchword.schemes.base import Scheme

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = frozenset(signature(Guard).parameters) - {"schemes", "default", "order"}
_EXCHANGES: Final = "watchword.compat.exchanges"  # by guard, in the attributes of Flask's request
_DEMANDED: Final = "__watchword_login_required__"  # of a view: who demands what
_CHECKED: Final = "__watchword_login_checked__"  # of a function that checks: the demands that it knows
_STYLED: Final = frozenset({401, 403})  # what an error handler is asked about
_REDIRECTION: Final = 300  # a handler may send its callers elsewhere, and never say that all is well


class Callbacks:
    """The functions of an application for one way to log in, and the schemes that ask them.

    Args:
        schemes: what callers log in by.
    """

    def __init__(self, schemes: Sequence[Scheme[Any]]) -> None:
        self.schemes: Sequence[Scheme[Any]] = schemes
        self.get_user_roles_callback: Callable[..., Any] | None = None
        self.auth_error_callback: Callable[..., Any] | None = None

    def get_user_roles(self, f: F) -> F:
        """Register the function that returns the role or the roles of a user, for `login_required(role=...)`.

        Args:
            f: called with what the verify callback returned; where that was True, with the `Authorization` of the request. It may be async.
        """
        self.get_user_roles_callback = f
        return f

    def error_handler(self, f: F) -> F:
        """Register the function that makes the response to refused callers, 401 and 403.

        Args:
            f: called with the status, or without arguments; it returns what a view may return, and may be async. A status below 300 becomes
                that of the refusal, because caches and clients take it for success (RFC 9110 §15.3). A `WWW-Authenticate` field of its own
                takes the place of the challenges. `Cache-Control` is `no-store`.
        """
        self.auth_error_callback = f
        return f


class LoginRequired:
    """The decorator, and the guard that it asks.

    Args:
        ways: to log in; the first one answers callers without credentials.
        options: further options of the guard.

    Raises:
        ConfigurationError: two of them have the same scheme, or an option is not valid.
    """

    def __init__(self, ways: Sequence[Callbacks], options: Mapping[str, Any] | None) -> None:
        schemes = [scheme for way in ways for scheme in way.schemes]
        for name in options or {}:
            if name not in _OPTIONS:
                raise invalid("options={...}", f"name options of the guard: {', '.join(sorted(_OPTIONS))}", name)
        self.guard: Guard = Guard(*schemes, default=public, order=[scheme.name for scheme in schemes], **options or {})
        self._first = ways[0]
        self._by_scheme = {scheme.name: way for way in ways for scheme in way.schemes}
        self._variables = Variables(self.guard.policy.index, self.guard.fast_path)

    @overload
    def login_required(self, f: F) -> F: ...
    @overload
    def login_required(self, f: None = None, role: object = None, optional: bool | None = None) -> Callable[[F], F]: ...  # noqa: FBT001 - the signature of Flask-HTTPAuth
    def login_required(self, f: F | None = None, role: object = None, optional: bool | None = None) -> F | Callable[[F], F]:  # noqa: FBT001 - as above
        """Demand a login of the callers of a view, and a role where one is named.

        Args:
            f: the view, where the decorator has no arguments.
            role: a role; or a list of roles, of which one suffices. A list within the list demands all of its roles.
            optional: True lets callers without credentials pass as well. False credentials are refused all the same (decision D18), and a
                role is demanded all the same.

        Returns:
            The view that checks its callers, or the decorator.

        Raises:
            ConfigurationError: the view or the role is of another kind. When a request comes: the decorator stands above the one that made
                the route, or no function is registered by `get_user_roles`.
        """
        if f is not None and (role is not None or optional is not None):
            raise ConfigurationError("login_required(f, ...) takes the view alone. Write @auth.login_required(role=..., optional=...).")
        demand: Requirement = anyone if optional else authenticated
        if role is not None:
            wanted = role_sets(role)
            demand = authenticated & where(lambda principal: self._has_role(principal, wanted), name=f"role={role!r}")
        return cast("Callable[[F], F]", partial(self._required, demand=demand)) if f is None else self._required(f, demand)

    def current_user(self) -> Any:  # noqa: ANN401 - what the application calls a user
        """Return what the callback returned for the caller, or the user name where it returned True; None: the caller is not logged in."""
        caller = self._caller()
        login = login_of(caller)
        # A test may act as a principal of its own: `acting_as(principal, auth.guard)`.
        return (caller.id or None) if login is None else login.current

    def _caller(self) -> Principal:
        """Return the caller who was let in last, by any object; anonymous: none was."""
        if not has_request_context():
            return ANONYMOUS
        own: list[Exchange] = [*request.__dict__.get(_EXCHANGES, {}).values()]
        outer = request.environ.get(KEY)
        # The extension may have another guard, whose callers are no users of these objects.
        if isinstance(outer, Exchange) and (outer.guard is self.guard or login_of(outer.principal) is not None):
            own.insert(0, outer)
        granted = (one.principal for one in reversed(own) if one.decision.granted)
        return next((principal for principal in granted if principal.is_authenticated), ANONYMOUS)

    def _required(self, view: F, demand: Requirement) -> F:
        if not callable(view) or isinstance(view, type):
            raise invalid("login_required(f)", "be a view function", view, 'Name a role by login_required(role="admin").')
        request_started.connect(_check_order)
        mark = {(self, str(demand))}  # in words: a decorator that is made within a request makes another requirement each time
        for layer in layers(view):
            with suppress(AttributeError, TypeError):  # a method or a builtin takes no attributes
                setattr(layer, _DEMANDED, getattr(layer, _DEMANDED, frozenset()) | mark)

        @wraps(view)
        def checked(*args: object, **kwargs: object) -> object:
            refused = self._check(demand)
            return current_app.ensure_sync(view)(*args, **kwargs) if refused is None else refused

        setattr(checked, _CHECKED, getattr(view, _CHECKED, frozenset()) | mark)
        return cast("F", checked)

    def _check(self, demand: Requirement) -> Response | None:
        """Return the response to a caller who is refused; None: the view may run."""
        environ = request.environ
        exchange = environ.get(KEY)
        if not isinstance(exchange, Exchange) or exchange.guard is not self.guard:  # else the extension of this guard has decided already
            exchange = self._exchange()
        refusal = exchange.authorize(demand)
        if KEY not in environ:
            tell(environ, exchange.decision)
        return None if refusal is None else _styled(self._by_scheme.get(exchange.decision.scheme, self._first), refusal)

    def _exchange(self) -> Exchange:
        """Return the exchange of this guard about the request, one for all views: no caller is asked for twice."""
        exchanges = request.__dict__.setdefault(_EXCHANGES, {})
        known: Exchange | None = exchanges.get(self.guard)
        if known is None:
            target, misplaced = place(request.environ, None)
            view = view_of(strings_of(request.environ), target, self._variables, misplaced=misplaced)
            known = self.guard.exchange(view, views=True)
            known.decide()
            exchanges[self.guard] = known
            after_this_request(partial(_end, known))
        return known

    def _has_role(self, principal: Principal, wanted: Sequence[frozenset[Hashable]]) -> bool:
        login, evidence = login_of(principal), principal.evidence
        if login is None or evidence is None:  # an anonymous caller, who has no roles, or one as whom a test acts
            return holds_one(principal.roles, wanted)
        callback = self._by_scheme[evidence.scheme].get_user_roles_callback
        if callback is None:
            raise ConfigurationError("login_required(role=...) needs the roles of a user. Register a function by @auth.get_user_roles.")
        return holds_one(answer_of(callback, login.authorization if login.user is True else login.user), wanted)


def _styled(way: Callbacks, refusal: Refusal) -> Response:
    """Return the response of the application's error handler, with the fields of the refusal."""
    first = {challenge.scheme for scheme in way.schemes for challenge in scheme.challenges()}
    # The challenge of the scheme that was tried stands first: Flask-HTTPAuth sends no other, and its clients may read no other.
    headers = sorted(refusal.headers, key=lambda field: field[0] == "WWW-Authenticate" and field[1].partition(" ")[0] not in first)
    handler = way.auth_error_callback
    if handler is None or refusal.status not in _STYLED:
        return current_app.response_class(refusal.body, refusal.status, headers)
    response = make_response(current_app.ensure_sync(handler)(*((refusal.status,) if accepts(handler, 1) else ())))
    if response.status_code < _REDIRECTION:
        response.status_code = refusal.status
    own = [value for value in response.headers.getlist("WWW-Authenticate") if value]
    fields = styled_headers(headers, response.headers.to_wsgi_list())
    response.headers.clear()
    response.headers.extend(fields)
    if own:
        response.headers.setlist("WWW-Authenticate", own)
    return response


def _check_order(app: Flask, **_: object) -> None:
    """Refuse to serve a route that was made below `@auth.login_required`: its view would run unchecked (threats N11)."""
    view = app.view_functions.get(request.endpoint or "")
    demanded: frozenset[object] = getattr(view, _DEMANDED, frozenset())
    if not demanded <= getattr(view, _CHECKED, frozenset()):
        raise ConfigurationError(
            f"the route of {getattr(view, '__qualname__', view)}() was made below @auth.login_required, or is a second one without it. The "
            "view would run unchecked. Put the decorator below @app.route(...), and give an open route a function of its own."
        )


def _end(exchange: Exchange, response: Response) -> Response:
    """Tell caches whom a response is for, and what listens of the decision."""
    exchange.conclude()
    if exchange.decision.granted:
        _, headers = exchange.response_start(response.status_code, response.headers.to_wsgi_list())
        response.headers.clear()
        response.headers.extend(headers)
    response.call_on_close(exchange.finish)
    return response


__all__ = ["Callbacks", "LoginRequired"]
