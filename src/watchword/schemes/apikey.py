"""Extracts API keys. No RFC defines a scheme for them, and `ApiKey` is not registered with IANA (decisions D17, D55)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from watchword.credentials import APIKeyCredentials, Carrier
from watchword.grammar import MAX_FIELD_OCTETS, CookieReader, FormReader, form_decode, is_token
from watchword.reason import Reason
from watchword.schemes.base import CredentialsError, Scheme
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Collection

    from watchword.credentials import Credentials
    from watchword.request import RequestView

_CONTROLS = bytes(range(0x20)) + b"\x7f"


class APIKey(Scheme[APIKeyCredentials]):
    """Keys of programs, in a header field, and as `Authorization: ApiKey <key>`.

    Every 401 needs a challenge (RFC 9110 §11.6.1). It is `ApiKey realm="..."`, which tells a client that it must send a key.

    Args:
        checker: called with `APIKeyCredentials`.
        header: the field that carries the key; None: no such field.
        query: the query parameter that carries it, too. Query strings end up in logs: avoid it.
        cookie: the cookie that carries it, too. A browser sends it by itself: explicit credentials win over it.
        realm: the protection space.

    Raises:
        ConfigurationError: a name or the realm cannot be sent.

    Trust: the key is untrusted until the checker accepts it.
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
                raise invalid(f"APIKey({what}=...)", "be a token (RFC 9110 §5.6.2)", given)
        # Field names compare without regard to case, and HTTP/2 sends them in lower case (RFC 9113 §8.2.1).
        self.header: str | None = None if header is None else header.lower()
        # A whole `Authorization` field taken as a key would accept another scheme's credentials as one.
        if self.header in {"authorization", "proxy-authorization", "cookie"}:
            fix = '"Authorization: ApiKey <key>" is always read; for a cookie use cookie="name".'
            raise invalid("APIKey(header=...)", "be a field without a grammar of its own", header, fix)
        if self.header is not None and "_" in self.header:
            # Gateways drop such a field, or merge it with its alias with a hyphen (threats H2).
            raise invalid("APIKey(header=...)", "be without underscores", header, f"Use {header.replace('_', '-')!r}." if header else "")
        if query is not None and (not isinstance(query, str) or not query):
            raise invalid("APIKey(query=...)", "be the name of a parameter, a non-empty string", query)
        self.parameters: tuple[bytes, ...] = () if query is None else (query.encode("utf-8"),)
        self.cookies: tuple[str, ...] = () if cookie is None else (cookie,)
        own = (self.header,) if self.header is not None else ()
        self._query_reader = FormReader(self.parameters) if self.parameters else None
        self._cookie_reader = CookieReader(self.cookies) if self.cookies else None
        self.fields: Collection[str] = ("authorization", *own, *(("cookie",) if cookie is not None else ()))

    def extract(self, view: RequestView) -> APIKeyCredentials | None:
        """Return the key, from the one place that holds it.

        Raises:
            CredentialsError: two places hold a key, or it is empty, too long, not UTF-8, or holds a comma or a control character.
        """
        found: list[tuple[bytes, Carrier]] = []
        sent = view.authorization
        if sent is not None and sent.scheme.lower() == "apikey":
            # `ApiKey key=...` has a name that no document defines, so another reader may pick another value.
            if sent.token68 is None:
                raise CredentialsError("one key after the scheme")
            found.append((sent.token68.encode("ascii"), "authorization"))
        value = None if self.header is None else view.field(self.header)
        if value is not None:
            found.append((_octets(value), "header"))
        # Every place is read even when a key was found: a second one must be seen to be refused.
        if self._query_reader is not None and view.query:
            found += [(one, "query") for one in self._query_reader.find(view.query)]
        cookies = None if self._cookie_reader is None else view.field("cookie")
        if self._cookie_reader is not None and cookies is not None:
            found += [(one, "cookie") for one in self._cookie_reader.find(cookies)]
        # A gateway that checks the field and an application that reads the query would see two callers (threats H1).
        if len(found) > 1:
            raise CredentialsError("the key once, in one place", reason=Reason.AMBIGUOUS_CREDENTIALS, bad_request=True)
        return _key(*found[0]) if found else None

    @staticmethod
    def read(value: str) -> APIKeyCredentials:
        """Return the key of a header field that holds nothing else.

        Args:
            value: of the field; untrusted.

        Raises:
            CredentialsError: it is not a key.
        """
        return _key(_octets(value), "header")

    def openapi(self) -> dict[str, dict[str, str]]:
        """Return the field, the parameter and the cookie. Documentation pages have no input for `Authorization: ApiKey`."""
        from watchword.schemes.openapi import forms_of  # for documents alone

        http = self.header is None and not self.parameters and not self.cookies
        return forms_of(self.name, http=http, header=self.header, parameters=self.parameters, cookies=self.cookies)


def _key(sent: bytes, carrier: Carrier) -> APIKeyCredentials:
    if len(sent) > MAX_FIELD_OCTETS:
        # Query parameters and cookies have no bound of their own, so that of fields is used (RFC 9110 §5.4).
        raise CredentialsError("a shorter key", reason=Reason.OVERSIZED_CREDENTIALS, bad_request=True)
    octets = form_decode(sent) if carrier == "query" else sent
    if b"," in octets:
        # A gateway joined two fields, or an attacker hopes that one did: only one of the keys would be checked (threats H1).
        raise CredentialsError("one key, without a comma", reason=Reason.AMBIGUOUS_CREDENTIALS, bad_request=True)
    # An empty key is an error, not an absent one: it comes from an empty variable in a client's settings.
    if not octets:
        raise CredentialsError("a key", bad_request=True)
    # Control characters would forge lines where a key or its prefix is logged (CWE-117).
    if len(octets.translate(None, _CONTROLS)) != len(octets):
        raise CredentialsError("a key without control characters", bad_request=True)
    return APIKeyCredentials(_text(octets), carrier)


# Both functions raise outside of the except clause: the UnicodeError, as __context__, would carry the key into a traceback.


def _octets(value: str) -> bytes:
    try:
        return value.strip(" \t").encode("latin-1")
    except UnicodeEncodeError:
        pass
    raise CredentialsError("a field value of octets", bad_request=True)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise CredentialsError("a key in UTF-8", bad_request=True)
