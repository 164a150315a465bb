"""Lets authentication classes of Django REST framework check the credentials of a guard."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, ClassVar

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from watchword.adapters.django.accounts import asking, is_active, is_text, principal_of
from watchword.checkers.adapt import FlowChecker
from watchword.credentials import APIKeyCredentials, BasicCredentials, BearerToken
from watchword.grammar import Authorization, is_token
from watchword.validators import check_type, invalid
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from watchword.credentials import Credentials
    from watchword.operation import Steps
    from watchword.verdict import Verdict


class AuthenticationClass(FlowChecker[Any]):
    """An authentication class as a checker: `Bearer(AuthenticationClass(TokenAuthentication))`.

    The class gets a request that holds the credentials in `Authorization`, and nothing else: by the keyword of the class, such as `Token`,
    whatever the client wrote. The principal is the account that it returns.

    Args:
        authentication: the class, or an object of it.
        keyword: the scheme that the class expects before a token; None: its attribute `keyword`, or `Bearer`.

    Raises:
        ConfigurationError: it is not an authentication class.

    Trust: what the class accepts is accepted, if the account is active.
    """

    takes_credentials: ClassVar[tuple[type[Credentials], ...]] = (BasicCredentials, BearerToken, APIKeyCredentials)
    finds_users: ClassVar[bool] = True
    """Whether its principals are accounts of the project."""

    def __init__(self, authentication: type[BaseAuthentication] | BaseAuthentication, *, keyword: str | None = None) -> None:
        made = authentication() if isinstance(authentication, type) else authentication
        self._class = check_type("AuthenticationClass(...)", made, BaseAuthentication, "TokenAuthentication")
        self._keyword = getattr(made, "keyword", "Bearer") if keyword is None else keyword
        if not is_token(self._keyword):
            raise invalid("AuthenticationClass(keyword=...)", "be the name of a scheme, a token (RFC 9110 §11.1)", self._keyword)

    def flow(self, credentials: BasicCredentials | BearerToken | APIKeyCredentials) -> Steps[Verdict]:
        """Ask the class, in the thread that has the database connections of the request."""
        # No local variable holds the secret: error trackers collect the variables of frames.
        user = yield asking(lambda: self._user_of(credentials))
        return Accepted(user) if user is not None else Refused()

    def _user_of(self, credentials: BasicCredentials | BearerToken | APIKeyCredentials) -> Any:  # noqa: ANN401 - a principal
        if isinstance(credentials, BasicCredentials) and ":" in credentials.username:
            return None  # the class would find another name and another password (RFC 7617 §2), and attempts are counted by this name
        if not all(map(is_text, _texts(credentials))):
            return None
        user = self._authenticated(_request_with(_field(credentials, self._keyword)))
        return principal_of(user) if is_active(user) else None

    def _authenticated(self, asked: Request) -> Any:  # noqa: ANN401 - a user of the project
        try:
            found = self._class.authenticate(asked)
        except APIException:  # AuthenticationFailed, and what a class raises in its place
            return None
        return None if found is None else found[0]


def _request_with(field: str) -> Request:
    asked = HttpRequest()
    # Octets as PEP 3333 writes them; classes encode them by Latin-1, and fail on other characters.
    asked.META["HTTP_AUTHORIZATION"] = field.encode().decode("latin-1")
    return Request(asked)


def _texts(credentials: BasicCredentials | BearerToken | APIKeyCredentials) -> tuple[str, ...]:
    if isinstance(credentials, BasicCredentials):
        return credentials.username, credentials.password
    return (credentials.token if isinstance(credentials, BearerToken) else credentials.key,)


def _field(credentials: BasicCredentials | BearerToken | APIKeyCredentials, keyword: str) -> str:
    if isinstance(credentials, BasicCredentials):
        return Authorization("Basic", b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()).serialize()
    return f"{keyword} {_texts(credentials)[0]}"


__all__ = ["AuthenticationClass"]
