"""Builds schemes under names that an application has chosen, as the libraries in whose place this package stands let it do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from watchword.credentials import APIKeyCredentials, BasicCredentials, BearerToken, Credentials
from watchword.field import Field
from watchword.grammar import MAX_TOKEN_OCTETS, Challenge, is_token
from watchword.schemes.apikey import APIKey
from watchword.schemes.base import NO_PARAMS, ChallengeParams, CredentialsError, Scheme
from watchword.schemes.basic import Basic
from watchword.schemes.bearer import Bearer
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Collection

    from watchword.request import RequestView

S = TypeVar("S", bound="Scheme[Credentials]")


def basic_schemes(name: str, checker: object, realm: str) -> tuple[Scheme[Credentials], ...]:
    """Return the schemes for user name and password.

    Args:
        name: the scheme of the challenge. Another name than `Basic` keeps browsers from opening their dialog. Clients then send the
            credentials as `Basic` or by that name (RFC 9110 §11.4).
        checker: called with `BasicCredentials`.
        realm: the protection space.

    Raises:
        ConfigurationError: the name is not a token, or the realm is not printable ASCII.
    """
    if _is(name, Basic.name):
        # No charset and a fallback: old clients send ISO 8859-1 (RFC 7617 §2.1 leaves open what they do without a charset).
        return (Basic(checker, realm=realm, charset=None, fallback="latin-1"),)
    named = _named(_NamedBasic, name)(checker, realm=realm, charset=None, fallback="latin-1")
    return named, _SilentBasic(checker, realm=realm, charset=None, fallback="latin-1")


def token_scheme(name: str, checker: object, realm: str, header: str | None = None) -> Scheme[Credentials]:
    """Return the scheme for tokens.

    Args:
        name: the scheme of the challenge, and of the Authorization field.
        checker: called with `BearerToken`, or with `APIKeyCredentials` where there is a header.
        realm: the protection space.
        header: the field that holds a token and nothing else; None: Authorization.

    Raises:
        ConfigurationError: a name is not a token, or the realm is not printable ASCII.
    """
    if header is not None and not _is(header, "Authorization"):
        return _named(_HeaderToken, header)(checker, challenged=name, realm=realm, header=header)
    return Bearer(checker, realm=realm) if _is(name, Bearer.name) else _named(_NamedToken, name)(checker, realm=realm)


def _is(name: object, known: str) -> bool:
    return isinstance(name, str) and name.lower() == known.lower()


def _named(kind: type[S], name: str) -> type[S]:
    """Return a scheme class under another name: the guard finds schemes by the name of their class."""
    return cast("type[S]", type(kind.__name__, (kind,), {"name": name}))


class _NamedBasic(Basic):
    prompts = False  # a browser opens no dialog for a name that it does not know

    def extract(self, view: RequestView) -> BasicCredentials | None:
        sent = view.authorization
        return self.read(sent) if sent is not None and _is(sent.scheme, self.name) else None


class _SilentBasic(Basic):
    prompts = False

    def challenges(self, params: ChallengeParams = NO_PARAMS) -> tuple[Challenge, ...]:
        return ()


class _NamedToken(Scheme[BearerToken]):
    credentials: ClassVar[type[Credentials] | None] = BearerToken
    fields: Collection[str] = {"authorization": Field(limit=MAX_TOKEN_OCTETS)}  # as those of Bearer: a JWT may be long

    def extract(self, view: RequestView) -> BearerToken | None:
        sent = view.authorization
        if sent is None or not _is(sent.scheme, self.name):
            return None
        if sent.token68 is None:
            raise CredentialsError("one token after the scheme (RFC 9110 §11.4)")
        return BearerToken(sent.token68)


class _HeaderToken(APIKey):
    def __init__(self, checker: object, *, challenged: str, realm: str, header: str) -> None:
        super().__init__(checker, header=header, realm=realm)
        if not isinstance(challenged, str) or not is_token(challenged):
            raise invalid("HTTPTokenAuth(scheme=...)", "be the name of a scheme, a token (RFC 9110 §11.1)", challenged)
        self.fields = (header.lower(),)
        self._plain = Challenge(challenged, {"realm": realm})

    def extract(self, view: RequestView) -> APIKeyCredentials | None:
        value = None if self.header is None else view.field(self.header)
        if value is not None and not value.strip(" \t"):
            raise CredentialsError("a token")  # 401 and not 400: the libraries that this stands in for ask for another token
        return None if value is None else self.read(value)


__all__ = ["basic_schemes", "token_scheme"]
