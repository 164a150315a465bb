"""Reads the parameters of a request to an endpoint, and the credentials of its client (RFC 6749 §2.3.1, §3.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from watchword.errors import GrammarError
from watchword.grammar import decode_base64, form_decode, parse_authorization, parse_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORM_LIMIT: Final = 16_384
"""Octets of a form. An access token is the longest parameter."""

_MOST_PARAMETERS: Final = 32
_FORM: Final = "application/x-www-form-urlencoded"


class OAuthError(Exception):
    """An error response of RFC 6749 §5.2.

    Args:
        code: the error code.
        description: what is wrong, for the developer of the client; nothing that was sent is in it.
        status: the status.
    """

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(code)
        self.code: str = code
        self.description: str = description
        self.status: int = status

    def members(self) -> dict[str, Any]:
        """Return the members of the response."""
        return {"error": self.code, "error_description": self.description}


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """What a client says of itself.

    Args:
        id: its id.
        secret: its secret; None: it gave none, as a public client does.
    """

    id: str
    secret: str | None = field(repr=False)


def read_parameters(content_type: Sequence[str], content: bytes) -> dict[str, str]:
    """Return the parameters of a form.

    A parameter without a value counts as one that was not sent (RFC 6749 §3.1).

    Args:
        content_type: the Content-Type fields; untrusted.
        content: the form, `FORM_LIMIT` octets at most; untrusted.

    Raises:
        OAuthError: it is no form, repeats a parameter (RFC 6749 §3.2), or is not UTF-8.
    """
    if len(content_type) != 1 or content_type[0].partition(";")[0].strip().lower() != _FORM:
        raise OAuthError("invalid_request", f"the content must be {_FORM}")
    if content.count(b"&") >= _MOST_PARAMETERS:
        raise OAuthError("invalid_request", f"there are more than {_MOST_PARAMETERS} parameters")
    read: dict[str, str] = {}
    for name, value in ((_text(name), _text(value)) for name, value in parse_form(content)):
        if name in read:
            raise OAuthError("invalid_request", "a parameter is repeated")
        read[name] = value
    return {name: value for name, value in read.items() if value}


def read_client(authorization: Sequence[str | bytes], parameters: Mapping[str, str]) -> ClientCredentials:
    """Return who a client says it is: by Basic, or by parameters, never by both (RFC 6749 §2.3).

    Args:
        authorization: the Authorization fields; untrusted.
        parameters: of the form.

    Raises:
        OAuthError: it says so twice, in another scheme, or not at all.
    """
    in_form, secret = parameters.get("client_id"), parameters.get("client_secret")
    if "client_assertion" in parameters or "client_assertion_type" in parameters:
        raise OAuthError("invalid_client", "client assertions are not supported", 401)
    if not authorization:
        if in_form is None:
            raise OAuthError("invalid_client", "the client must authenticate: send its id and secret by Basic", 401)
        return ClientCredentials(in_form, secret)
    if secret is not None:
        raise OAuthError("invalid_request", "the client must authenticate in one way: by Basic or in the form")
    by_basic = _read_basic(authorization)
    if in_form is not None and in_form != by_basic.id:
        raise OAuthError("invalid_request", "the form names another client than the Authorization field")
    return by_basic


def _read_basic(authorization: Sequence[str | bytes]) -> ClientCredentials:
    wrong = OAuthError("invalid_client", "the Authorization field must hold Basic with a form-encoded id and secret", 401)
    try:
        sent = parse_authorization(authorization[0]) if len(authorization) == 1 else None
        octets = b"" if sent is None or sent.scheme.lower() != "basic" or sent.token68 is None else decode_base64(sent.token68)
    except GrammarError:
        octets = b""
    id_, colon, secret = octets.partition(b":")
    if not colon or not id_ or not secret:
        raise wrong
    # RFC 6749 §2.3.1: both are form-encoded before they are joined, so an id may hold a colon.
    return ClientCredentials(_text(form_decode(id_)), _text(form_decode(secret)))


def _text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        pass
    raise OAuthError("invalid_request", "the parameters must be UTF-8 (RFC 6749 §B)")
