"""Accepts Django's own session as credentials, so that the site's login counts for the guard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url

from watchword.adapters.django.accounts import asking, is_active, principal_of
from watchword.checkers.adapt import FlowChecker
from watchword.credentials import HIDDEN, Carrier, Credentials
from watchword.errors import ConfigurationError
from watchword.schemes import Scheme
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from watchword.operation import Steps
    from watchword.request import RequestView
    from watchword.verdict import Verdict

_LONGEST_TARGET = 2048  # octets


@dataclass(frozen=True, slots=True, repr=False)
class SessionCredentials(Credentials):
    """A request with the cookie of a session.

    Args:
        request: of Django.
    """

    request: HttpRequest
    carrier: Carrier = "cookie"

    def __repr__(self) -> str:
        return f"SessionCredentials({HIDDEN})"


class _OfSession(FlowChecker[SessionCredentials]):
    """Answers with the account of the session, which Django has proven: by the cookie, and by the hash of the account's password."""

    takes_credentials: ClassVar[tuple[type[Credentials], ...]] = (SessionCredentials,)
    finds_users: ClassVar[bool] = True

    def flow(self, credentials: SessionCredentials) -> Steps[Verdict]:
        user = getattr(credentials.request, "user", None)
        if user is None:
            raise ConfigurationError(
                "DjangoSession needs request.user, which is not there yet. Put SessionMiddleware and AuthenticationMiddleware before "
                "GuardMiddleware in the setting MIDDLEWARE."
            )
        # `request.user` is lazy: this reads the session and the account.
        principal = yield asking(lambda: principal_of(user) if is_active(user) else None)
        return Refused(absent=True) if principal is None else Accepted(principal)


class DjangoSession(Scheme[SessionCredentials]):
    """The session of `django.contrib.auth`: `Guard(Bearer(...), DjangoSession())`.

    A browser sends its cookie by itself, so it counts for a method that changes something only from the site's own pages (decision D61). A
    session without an account is no credentials. Explicit credentials, such as a token, win over it.

    A browser that navigates is sent to the page `LOGIN_URL`; a program gets 401.

    Args:
        realm: the protection space.

    Raises:
        ConfigurationError: the realm cannot be sent. When a request comes: `AuthenticationMiddleware` is not before the guard.

    Trust: `request.user` of `AuthenticationMiddleware`, which compares the hash of the session with that of the account.
    """

    name = "Cookie"
    credentials: ClassVar[type[Credentials] | None] = SessionCredentials
    fields: Collection[str] = ("cookie",)

    def __init__(self, *, realm: str = "site") -> None:
        super().__init__(_OfSession(), realm=realm)
        self.cookies: tuple[str, ...] = (settings.SESSION_COOKIE_NAME,)

    def extract(self, view: RequestView) -> SessionCredentials | None:
        """Return the request, if it has the cookie of a session."""
        request = getattr(view, "connection", None)
        has_session = isinstance(request, HttpRequest) and settings.SESSION_COOKIE_NAME in request.COOKIES
        return SessionCredentials(request) if has_session else None

    def login_location(self, view: RequestView) -> str | None:
        """Return the login page, which leads back to a page that was asked for by GET."""
        path: str = resolve_url(settings.LOGIN_URL)
        target = view.target
        if path.partition("?")[0] == target.partition("?")[0]:
            return None  # the rules close the login page itself: no redirect without end
        if view.method != "GET" or len(target) > _LONGEST_TARGET or not _is_local(target):
            return path
        return f"{path}{'&' if '?' in path else '?'}next={quote(target, safe='/')}"


def _is_local(target: str) -> bool:
    """Tell whether a browser stays on this site when it follows a target."""
    return target[:1] == "/" and target[1:2] not in {"/", "\\"} and "\\" not in target and all("!" <= one <= "~" for one in target)


__all__ = ["DjangoSession", "SessionCredentials"]
