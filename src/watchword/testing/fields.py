"""Builds the request fields that show credentials, for any client: `client.get("/orders", headers=basic_auth("ann", "sesame"))`."""

from __future__ import annotations

from base64 import b64encode

from watchword.grammar import Authorization, is_token
from watchword.validators import invalid


def basic_auth(username: str, password: str) -> dict[str, str]:
    """Return the field that shows a user name and a password (RFC 7617 §2), in UTF-8.

    Args:
        username: without a colon, which would end it.
        password: any text without control characters.

    Returns:
        A new dictionary with `Authorization`.

    Raises:
        ConfigurationError: a client cannot send them so.
    """
    _check_text("basic_auth(username)", username)
    _check_text("basic_auth(password)", password)
    if ":" in username:
        fix = "A server takes what follows it for the password. Use another name."
        raise invalid("basic_auth(username)", "be without a colon (RFC 7617 §2)", username, fix)
    return {"Authorization": Authorization("Basic", b64encode(f"{username}:{password}".encode()).decode()).serialize()}


def bearer(token: str) -> dict[str, str]:
    """Return the field that shows a bearer token (RFC 6750 §2.1).

    Args:
        token: letters, digits and `-._~+/`, with `=` only at its end.

    Returns:
        A new dictionary with `Authorization`.

    Raises:
        ConfigurationError: a client cannot send it so.
    """
    if not isinstance(token, str):
        raise invalid("bearer(token)", "be a string", token, secret=True)
    return {"Authorization": Authorization("Bearer", token).serialize()}


def api_key(key: str, header: str = "X-API-Key") -> dict[str, str]:
    """Return the field that shows an API key.

    Args:
        key: printable ASCII without spaces at its ends.
        header: the field, as in `APIKey(header=...)`.

    Returns:
        A new dictionary with the field.

    Raises:
        ConfigurationError: a client cannot send it so.
    """
    if not isinstance(header, str) or not is_token(header):
        raise invalid("api_key(header=...)", "be a token (RFC 9110 §5.6.2)", header)
    if not isinstance(key, str) or not key or not key.isascii() or not key.isprintable() or " " in {key[:1], key[-1:]}:
        raise invalid("api_key(key)", "be printable ASCII without spaces at its ends, and not empty", key, secret=True)
    return {header: key}


def _check_text(argument: str, text: object) -> None:
    if not isinstance(text, str):
        raise invalid(argument, "be a string", text, secret=True)
    if any(ord(one) < 0x20 or ord(one) == 0x7F or 0xD800 <= ord(one) <= 0xDFFF for one in text):  # noqa: PLR2004 - CTL and surrogates
        raise invalid(argument, "be text without control characters (RFC 7617 §2)", text, secret=True)


__all__ = ["api_key", "basic_auth", "bearer"]
