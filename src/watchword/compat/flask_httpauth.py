"""Offers the names of Flask-HTTPAuth over a guard, so that an application moves by changing the import.

    from watchword.compat.flask_httpauth import HTTPBasicAuth

Each object makes a `Guard` of its schemes, and its callbacks are the checkers. `login_required` asks the exchange of the request, so that
credentials are parsed, refused and logged as everywhere else. Where Flask-HTTPAuth lets callers in that a guard refuses, the guard stands:
docs/moving.md lists the differences. Digest comes with a later version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from watchword.adapters.application import accepts
from watchword.compat.callbacks import accepted, answer_of, equal_secrets, login_of, token_of
from watchword.compat.login_required import Callbacks, LoginRequired
from watchword.compat.named_schemes import basic_schemes, token_scheme
from watchword.errors import ConfigurationError
from watchword.validators import check_type
from watchword.verdict import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.datastructures import Authorization

    from watchword.credentials import APIKeyCredentials, BasicCredentials, BearerToken
    from watchword.principal import Principal
    from watchword.schemes.base import Scheme

F = TypeVar("F", bound=Callable[..., Any])

_REALM: Final = "Authentication Required"
_NOT_CALLED: Final = frozenset(
    {"authenticate", "authenticate_header", "authorize", "ensure_sync", "get_auth", "get_auth_password", "is_compatible_auth"}
)


class HTTPAuth(Callbacks, LoginRequired):
    """The base of the classes for one scheme.

    Args:
        scheme: the scheme of the challenge.
        realm: the protection space; None: `Authentication Required`.
        header: the field that holds the credentials; None: Authorization.
        schemes: of the guard.
        options: further options of the guard.
    """

    def __init__(
        self, scheme: str, realm: str | None, header: str | None, schemes: Sequence[Scheme[Any]], options: Mapping[str, Any] | None
    ) -> None:
        self.scheme: str = scheme
        self.realm: str = realm or _REALM
        self.header: str | None = header
        Callbacks.__init__(self, schemes)
        LoginRequired.__init__(self, [self], options)

    def __init_subclass__(cls) -> None:
        """Refuse what a subclass overrides in vain: in Flask-HTTPAuth it may refuse callers.

        Raises:
            ConfigurationError: the class defines a method that Flask-HTTPAuth calls and a guard does not.
        """
        super().__init_subclass__()
        vain = sorted(_NOT_CALLED & vars(cls).keys())
        if vain:
            raise ConfigurationError(
                f"{cls.__qualname__}.{vain[0]}() would not be called, because a guard authenticates. Write a checker or a scheme, or "
                "register a function by verify_password, verify_token or get_user_roles."
            )

    def authenticate_header(self) -> str:
        """Return the challenge, for a response of the application's own."""
        challenge: str = self.schemes[0].challenge().serialize()
        return challenge

    def get_auth(self) -> Authorization | None:
        """Return the credentials of the caller who is logged in; None: none is. Flask-HTTPAuth returns unverified ones too."""
        login = login_of(self._caller())
        return None if login is None else login.authorization

    def username(self) -> str:
        """Return the user name of the caller who is logged in; empty: none is. Flask-HTTPAuth returns unverified ones too."""
        auth = self.get_auth()
        return (auth and auth.username) or ""


class HTTPBasicAuth(HTTPAuth):
    """User name and password (RFC 7617), by the callbacks of the application.

    Args:
        scheme: the scheme of the challenge; None: `Basic`. By another name browsers open no dialog.
        realm: the protection space; None: `Authentication Required`.
        options: further options of the `Guard`, by name, such as `{"origins": ["https://app.example.com"]}`.

    Raises:
        ConfigurationError: the scheme is not a token, or the realm is not printable ASCII.

    Trust: a callback is never called without a user name. What it returns is believed.
    """

    def __init__(self, scheme: str | None = None, realm: str | None = None, *, options: Mapping[str, Any] | None = None) -> None:
        self.get_password_callback: Callable[..., Any] | None = None
        self.hash_password_callback: Callable[..., Any] | None = None
        self.verify_password_callback: Callable[..., Any] | None = None
        super().__init__(scheme or "Basic", realm, None, basic_schemes(scheme or "Basic", self._verdict, realm or _REALM), options)

    def verify_password(self, f: F) -> F:
        """Register the function that verifies a password.

        Args:
            f: called with user name and password. It returns the user, or True. None, False and any other false value refuse the caller.
                It may be async. With it, `get_password` and `hash_password` are not used.
        """
        self.verify_password_callback = f
        return f

    def get_password(self, f: F) -> F:
        """Register the function that returns the stored password of a user.

        Args:
            f: called with the user name; None or an empty password refuses the caller. It may be async.
        """
        self.get_password_callback = f
        return f

    def hash_password(self, f: F) -> F:
        """Register the function that hashes the password of a client as the stored one is.

        Args:
            f: called with the password, or with user name and password. It may be async.
        """
        self.hash_password_callback = f
        return f

    def _verdict(self, shown: BasicCredentials) -> Principal | None:
        # Applications return True or a guest for an empty name, and Flask-HTTPAuth asks them where nothing was sent (threats N1).
        if not shown.username:
            return None
        verify = self.verify_password_callback
        user = self._named(shown) if verify is None else answer_of(verify, shown.username, shown.password)
        return accepted(user, shown, shown.username)

    def _named(self, shown: BasicCredentials) -> str | None:
        stored = None if self.get_password_callback is None else answer_of(self.get_password_callback, shown.username)
        given: object = shown.password
        hashing = self.hash_password_callback
        if hashing is not None:  # for unknown users too, or the time would tell which names exist (threats W2)
            given = answer_of(hashing, given) if accepts(hashing, 1) else answer_of(hashing, shown.username, given)
        return shown.username if equal_secrets(given, stored) else None


class HTTPTokenAuth(HTTPAuth):
    """Tokens, by a callback of the application.

    Args:
        scheme: the scheme of the challenge, and of the Authorization field.
        realm: the protection space; None: `Authentication Required`.
        header: a field that holds a token and nothing else, such as `X-API-Key`; None: the Authorization field.
        options: further options of the `Guard`, by name.

    Raises:
        ConfigurationError: scheme or header is not a token, or the realm is not printable ASCII.

    Trust: the callback is never called without a token. In the Authorization field a token consists of the characters of token68
    (RFC 9110 §11.2); another one is answered 400.
    """

    def __init__(
        self, scheme: str = "Bearer", realm: str | None = None, header: str | None = None, *, options: Mapping[str, Any] | None = None
    ) -> None:
        self.verify_token_callback: Callable[..., Any] | None = None
        super().__init__(scheme, realm, header, (token_scheme(scheme, self._verdict, realm or _REALM, header),), options)

    def verify_token(self, f: F) -> F:
        """Register the function that verifies a token.

        Args:
            f: called with the token. What it returns counts as in `HTTPBasicAuth.verify_password`. It may be async.
        """
        self.verify_token_callback = f
        return f

    def _verdict(self, shown: BearerToken | APIKeyCredentials) -> Principal | Refused | None:
        if self.verify_token_callback is None:
            return Refused(detail="no function is registered by verify_token")
        return accepted(answer_of(self.verify_token_callback, token_of(shown)), shown, self.scheme)


class HTTPDigestAuth(HTTPAuth):
    """Digest (RFC 7616), which comes with a later version.

    Raises:
        ConfigurationError: always.
    """

    def __init__(
        self,
        scheme: str | None = None,
        realm: str | None = None,
        use_ha1_pw: bool = False,  # noqa: FBT001, FBT002 - the signature of Flask-HTTPAuth
        qop: object = "auth",
        algorithm: str = "MD5",
    ) -> NoReturn:
        raise ConfigurationError(
            "HTTPDigestAuth is not supported yet: Digest comes with a later version of watchword. Use HTTPBasicAuth over https, or import "
            "HTTPDigestAuth from flask_httpauth for the views that need it."
        )


class MultiAuth(LoginRequired):
    """Several ways to log in to one view: one guard with all schemes, which offers every one of them.

    Args:
        main_auth: whose error handler answers callers without credentials, and whose challenge comes first.
        additional_auths: the others.
        options: further options of the `Guard`, by name.

    Raises:
        ConfigurationError: an argument is of another kind, or two have the same scheme.
    """

    def __init__(self, main_auth: HTTPAuth, *additional_auths: HTTPAuth, options: Mapping[str, Any] | None = None) -> None:
        ways = [check_type("MultiAuth(...)", auth, HTTPAuth, "HTTPBasicAuth()") for auth in (main_auth, *additional_auths)]
        self.main_auth: HTTPAuth = main_auth
        self.additional_auths: tuple[HTTPAuth, ...] = additional_auths
        super().__init__(ways, options)


__all__ = ["HTTPAuth", "HTTPBasicAuth", "HTTPDigestAuth", "HTTPTokenAuth", "MultiAuth"]
