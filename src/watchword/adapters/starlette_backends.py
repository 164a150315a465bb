"""Identifies callers by an authentication backend of Starlette, which reads the connection itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from starlette.authentication import AuthenticationError, BaseUser
from starlette.requests import HTTPConnection

from watchword.credentials import Carrier, Credentials
from watchword.errors import ConfigurationError
from watchword.grammar import CookieReader, is_token
from watchword.principal import Principal
from watchword.reason import Reason
from watchword.schemes.base import NO_PARAMS, ChallengeParams, CredentialsError, Scheme
from watchword.schemes.basic import Basic
from watchword.schemes.bearer import Bearer
from watchword.validators import check_methods, invalid
from watchword.verdict import Refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.authentication import AuthCredentials, AuthenticationBackend

    from watchword.adapters.scope import Scope
    from watchword.grammar import Challenge
    from watchword.request import RequestView

_AUTHENTICATED: Final = "authenticated"  # Starlette's examples have it among the scopes of each user; `request.auth` adds it


@dataclass(frozen=True, slots=True, repr=False)
class ConnectionCredentials(Credentials):
    """A connection that shows credentials somewhere: its ASGI scope. It does not print."""

    scope: Scope
    carrier: Carrier


class Backend(Scheme[ConnectionCredentials]):
    """An `AuthenticationBackend` of Starlette, by ASGI. It is called where the request shows credentials, and only then.

    `request.user` is the principal. Its id is the `identity` or `display_name` of the user whom the backend returns, and that user is
    `request.user.claims["user"]`. Its scopes are those of the `AuthCredentials`. `AuthenticationError` is 401 with the challenge. Where the
    backend returns None, or a user who is not authenticated, a cookie counts as absent, and other credentials are refused.

    Args:
        backend: what `AuthenticationMiddleware` had.
        scheme: the scheme of the challenge, and of the Authorization field that the backend reads, such as `"Bearer"`. Use `"Cookie"` for
            sessions.
        realm: the protection space.
        header: another field from which it takes credentials; None: there is none.
        cookie: the cookie from which it takes them, such as `"session"`; None: there is none.

    Raises:
        ConfigurationError: the backend has no `authenticate`, or a name or the realm cannot be sent. The WSGI middleware refuses a guard
            with such a scheme: WSGI has no event loop.

    Trust: what the backend returns is believed, and never cached. It sees the whole connection, so name every place that it reads: the
    guard refuses what came twice, and requests that a page of another origin makes a browser send with a cookie.
    """

    credentials: ClassVar[type[Credentials] | None] = ConnectionCredentials

    def __init__(
        self, backend: AuthenticationBackend, *, scheme: str, realm: str = "api", header: str | None = None, cookie: str | None = None
    ) -> None:
        _check_arguments(backend, scheme, header, cookie)
        model = {"basic": Basic, "bearer": Bearer}.get(scheme.lower())
        vars(self).update(name=scheme, prompts=model is Basic, explains_errors=model is Bearer)  # facts of a class elsewhere
        super().__init__(self.authenticate, realm=realm)
        self._backend = backend
        # The challenge of a standard scheme says what its RFC demands, such as `error` (RFC 6750 §3).
        self._asking: Scheme[Any] | None = Bearer(backend, realm=realm) if model is Bearer else None
        self.header: str | None = None if header is None or header.lower() == "authorization" else header.lower()
        self.cookies: tuple[str, ...] = () if cookie is None else (cookie,)
        self._cookie_reader = CookieReader(self.cookies) if self.cookies else None
        self.fields: Collection[str] = [name for name in ("authorization", self.header, "cookie" if cookie else None) if name is not None]

    def extract(self, view: RequestView) -> ConnectionCredentials | None:
        """Return the connection, where it shows credentials of this scheme."""
        shown: list[Carrier] = []
        if view.authorization is not None and view.authorization.scheme.lower() == self.name.lower():
            shown.append("authorization")
        if self.header is not None and view.carries(self.header):
            shown.append("header")
        if not shown and self._cookie_reader is not None:
            shown += ["cookie"] * len(self._cookie_reader.find(view.field("cookie") or ""))
        # The backend takes one of them, and a gateway may have checked the other one (threats H1).
        if len(shown) > 1:
            raise CredentialsError("credentials once, in one place", reason=Reason.AMBIGUOUS_CREDENTIALS, bad_request=True)
        return ConnectionCredentials(_scope_of(view), shown[0]) if shown else None

    def challenge(self, params: ChallengeParams = NO_PARAMS) -> Challenge:
        """Return the challenge, for Bearer with its error (RFC 6750 §3)."""
        return self._plain if self._asking is None else self._asking.challenge(params)

    async def authenticate(self, shown: ConnectionCredentials) -> Principal | Refused:
        """Ask the backend.

        Args:
            shown: the connection; untrusted.

        Raises:
            TypeError: the backend returned neither None nor a pair of `AuthCredentials` and a user.
            Exception: as the backend does.
        """
        try:
            answer = await self._backend.authenticate(HTTPConnection(shown.scope))
        except AuthenticationError:
            return Refused()  # its words may hold what the client sent: they are neither sent nor logged
        return Refused(absent=True) if answer is None else _principal_of(*answer)


def _check_arguments(backend: object, scheme: object, header: object, cookie: object) -> None:
    check_methods("Backend(backend)", backend, "be an AuthenticationBackend with authenticate()", "authenticate")
    if not isinstance(scheme, str) or not is_token(scheme):
        raise invalid("Backend(scheme=...)", "be the name of a scheme, a token (RFC 9110 §11.1)", scheme, 'Use "Cookie" for sessions.')
    for what, given in (("header", header), ("cookie", cookie)):
        if given is not None and (not isinstance(given, str) or not is_token(given)):
            raise invalid(f"Backend({what}=...)", "be a token (RFC 9110 §5.6.2)", given)


def _principal_of(auth: AuthCredentials, user: BaseUser) -> Principal | Refused:
    if user.is_authenticated is not True:  # not `not`: a method that is not called is true
        return Refused(absent=True)
    name = _name_of(user)
    if not name:  # of credentials without a user name, in backends that return it as it came
        return Refused()
    return Principal(name, scopes=frozenset(auth.scopes) - {_AUTHENTICATED}, claims={"user": user})


def _scope_of(view: RequestView) -> Scope:
    scope: Scope | None = getattr(view, "connection", None)
    if scope is None:
        raise ConfigurationError("Backend(...) reads the ASGI scope, and this request has none. Use adapters.asgi.GuardMiddleware.")
    return scope


def _name_of(user: BaseUser) -> Any:  # noqa: ANN401 - Principal refuses what is no text
    try:
        name: Any = user.identity
    except NotImplementedError:  # as in the base class
        name = user.display_name
    return str(name) if type(name) is int else name  # the key of a row


__all__ = ["Backend", "ConnectionCredentials"]
