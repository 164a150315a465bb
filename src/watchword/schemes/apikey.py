"""API keys. No RFC gives them a scheme: `ApiKey` is not registered with IANA, and says what it is (decisions D17, D55)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from watchword.credentials import APIKeyCredentials, Carrier
from watchword.errors import ConfigurationError
from watchword.grammar import MAX_FIELD_OCTETS, is_token, parse_cookies, parse_form
from watchword.reason import Reason
from watchword.schemes.base import CredentialsError, Scheme

if TYPE_CHECKING:
    from watchword.credentials import Credentials
    from watchword.request import RequestView


class APIKey(Scheme[APIKeyCredentials]):
    """Keys of programs, in a header field of one's choice, and as `Authorization: ApiKey <key>`.

    A 401 needs a challenge whatever the scheme (RFC 9110 §11.6.1), so there is one: `ApiKey realm="..."`. The name is not
    registered; it stands for itself so that a client which reads challenges sees what is wanted.

    Args:
        checker: called with `APIKeyCredentials`.
        header: the field that carries the key; None: no such field.
        query: the query parameter that carries it, too. Query strings end up in logs: avoid it.
        cookie: the cookie that carries it, too. A browser sends it by itself: explicit credentials win over it.
        realm: the protection space.

    Raises:
        ConfigurationError: a name that cannot be sent, or a realm that cannot.

    Trust: the key is untrusted until the checker has spoken.
    """

    name = "ApiKey"
    credentials: ClassVar[type[Credentials] | None] = APIKeyCredentials
    rank = 50

    def __init__(
        self, checker: object, *, header: str | None = "X-API-Key", query: str | None = None, cookie: str | None = None, realm: str = "api"
    ) -> None:
        super().__init__(checker, realm=realm)
        for what, given in (("header", header), ("cookie", cookie)):
            if given is not None and (not isinstance(given, str) or not is_token(given)):
                raise ConfigurationError(f"the {what} of APIKey is a token (RFC 9110 §5.6.2), not {given!r}")
        self._header = None if header is None else header.lower()
        if self._header in {"authorization", "proxy-authorization", "cookie"}:
            raise ConfigurationError(
                f'{header} has a grammar of its own; "Authorization: ApiKey <key>" is always read, and a cookie by cookie="name"'
            )
        if self._header is not None and "_" in self._header:
            raise ConfigurationError(f"gateways drop or merge field names with an underscore: write {self._header.replace('_', '-')!r}")
        if query is not None and (not isinstance(query, str) or not query):
            raise ConfigurationError(f"the query parameter of APIKey has a name, a non-empty string, not {query!r}")
        self.parameters: tuple[bytes, ...] = () if query is None else (query.encode("utf-8"),)
        self.cookies: tuple[str, ...] = () if cookie is None else (cookie,)
        own = (self._header,) if self._header is not None else ()
        self.fields: tuple[str, ...] = ("authorization", *own, *(("cookie",) if cookie is not None else ()))

    def extract(self, view: RequestView) -> APIKeyCredentials | None:
        """Return the key, from the one place where it was sent."""
        found: list[APIKeyCredentials] = []
        sent = view.authorization
        if sent is not None and sent.scheme.lower() == "apikey":
            if sent.token68 is None:
                raise CredentialsError("one key after the scheme")
            found.append(_key(sent.token68, "authorization"))
        if self._header is not None:
            value = view.field(self._header)
            if value is not None:
                found.append(_key(_text(_octets(value.strip(" \t"))), "header"))
        if self.parameters and view.query:
            found += [_key(_text(value), "query") for name, value in parse_form(view.query) if name in self.parameters]
        if self.cookies:
            cookies = view.field("cookie")
            if cookies is not None:
                # An emptied cookie is how a browser is told to forget one: it counts as none.
                found += [_key(_text(_octets(value)), "cookie") for name, value in parse_cookies(cookies) if name in self.cookies and value]
        if len(found) > 1:
            raise CredentialsError("the key once, in one place", reason=Reason.AMBIGUOUS_CREDENTIALS, bad_request=True)
        return found[0] if found else None


def _key(value: str, carrier: Carrier) -> APIKeyCredentials:
    if "," in value:
        # A gateway that joined two fields, or somebody who hopes that it did (threats H1).
        raise CredentialsError("one key, without a comma", reason=Reason.AMBIGUOUS_CREDENTIALS, bad_request=True)
    if not value:
        raise CredentialsError("a key", bad_request=True)
    if len(value) > MAX_FIELD_OCTETS:
        # The bound of fields, for the carriers that are none of their own (RFC 9110 §5.4).
        raise CredentialsError("a shorter key", reason=Reason.OVERSIZED_CREDENTIALS, bad_request=True)
    if any(character < " " or character == "\x7f" for character in value):
        raise CredentialsError("a key without control characters", bad_request=True)
    return APIKeyCredentials(value, carrier)


# Both raise outside of the except clause: as a __context__ the error would carry the key.


def _octets(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        pass
    raise CredentialsError("a field value of octets", bad_request=True)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise CredentialsError("a key in UTF-8", bad_request=True)
