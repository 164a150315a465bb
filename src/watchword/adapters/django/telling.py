"""Tells a project who the caller is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.functional import SimpleLazyObject

from watchword.adapters.django.accounts import DjangoPrincipal, account_of, in_thread_of_request
from watchword.adapters.django.configuration import configured_user
from watchword.adapters.django.session import DjangoSession
from watchword.adapters.environ import tell
from watchword.guard.exchange import KEY, Exchange

if TYPE_CHECKING:
    from django.http import HttpRequest

    from watchword.adapters.django.configuration import FindUser
    from watchword.principal import Principal
    from watchword.schemes import Scheme


def exchange_around(request: HttpRequest) -> Exchange | None:
    """Return the exchange of the guard that stands in front, in this project or around it; None: there is none."""
    found = request.META.get(KEY) or getattr(request, "scope", {}).get(KEY)
    return found if isinstance(found, Exchange) else None


def inform(request: HttpRequest, exchange: Exchange) -> None:
    """Tell the project who the caller is: `request.principal`, the variables of WSGI, and `request.user` where it is an account."""
    request.META[KEY] = exchange
    tell(request.META, exchange.decision)
    request.principal = principal = exchange.principal
    if principal.is_authenticated:
        _set_user(request, exchange)
        _spare_csrf(request, exchange)
    # Else `request.user` stays Django's own: a session of which the rule asks nothing.


def is_account(exchange: Exchange) -> bool:
    """Tell whether `request.user` is the account of the caller."""
    return isinstance(exchange.principal, DjangoPrincipal) or configured_user() is not None


def _set_user(request: HttpRequest, exchange: Exchange) -> None:
    principal, is_account = exchange.principal, isinstance(exchange.principal, DjangoPrincipal)
    if is_account:
        # RemoteUserMiddleware looks for a user name, and the id is a number that may be the name of another account.
        request.META["REMOTE_USER"] = principal.display_name.encode().decode("latin-1")
    find_user = account_of if is_account else configured_user()
    if find_user is not None and not isinstance(_scheme_of(exchange), DjangoSession):  # whose account it is already
        request.user = SimpleLazyObject(partial(_user_of, find_user, principal))
        request.auser = partial(in_thread_of_request, partial(_user_of, find_user, principal))


def _spare_csrf(request: HttpRequest, exchange: Exchange) -> None:
    """Let a request pass CsrfViewMiddleware that holds nothing of what that guards: credentials that a browser sends by itself."""
    caller, scheme = exchange.decision.caller, _scheme_of(exchange)
    explicit = caller is not None and caller.carrier is not None and scheme is not None and not scheme.is_ambient(caller.carrier)
    if explicit and settings.SESSION_COOKIE_NAME not in request.COOKIES:
        request._dont_enforce_csrf_checks = True  # noqa: SLF001 - as Django's test client does; without it such a request is refused


def _user_of(find_user: FindUser, principal: Principal) -> Any:  # noqa: ANN401 - the user model is of the project
    from django.contrib.auth.models import AnonymousUser  # where a user is asked for, the application is installed

    user = find_user(principal)
    return AnonymousUser() if user is None else user


def _scheme_of(exchange: Exchange) -> Scheme[Any] | None:
    entry = exchange.guard.policy.by_scheme.get(exchange.decision.scheme)
    return None if entry is None else entry.scheme


__all__ = ["exchange_around", "inform", "is_account"]
