"""Defines what is probed: a URL, and the credentials of the user."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from watchword.errors import ConfigurationError
from watchword.url import Url, came_from

_LONG: Final = 8  # characters
HIDDEN: Final = "(hidden)"
"""Stands in a report for a credential."""


@dataclass(frozen=True, slots=True)
class Presented:
    """Credentials of the user, as they are sent.

    Args:
        scheme: the scheme: `"Basic"`, `"Bearer"`, `"APIKey"`, or `"Cookie"`.
        name: the field that carries them.
        value: its value.
        secret: what the user typed: the password, the token, the key.
    """

    scheme: str
    name: str
    value: str = field(repr=False)
    secret: str = field(repr=False)

    @property
    def is_key(self) -> bool:
        """Whether they come in a field of their own, so that no challenge needs to name it."""
        return self.name.lower() != "authorization"

    def hide(self, text: str) -> str:
        """Return a text without the credentials, in the forms in which servers repeat them.

        Args:
            text: quotes a server.
        """
        for spelling in self._spellings:
            text = text.replace(spelling, HIDDEN)
        return text

    @property
    def is_long(self) -> bool:
        """Whether each form of the credentials is so long that no other text holds it by chance."""
        return min(map(len, self._spellings)) >= _LONG

    @property
    def _spellings(self) -> list[str]:
        from base64 import b64encode, urlsafe_b64encode
        from html import escape
        from json import dumps
        from urllib.parse import quote, quote_plus

        octets = self.secret.encode()
        carried = self.value.partition("=" if self.scheme == "Cookie" else " ")[2]
        found = {self.value, carried, carried.rstrip("="), self.secret, octets.decode("latin-1"), escape(self.secret)}
        found |= {quote(self.secret, safe=""), quote(self.secret), quote_plus(self.secret), dumps(self.secret)[1:-1]}
        found |= {encode(octets).decode("ascii").rstrip("=") for encode in (b64encode, urlsafe_b64encode)}
        # A server that cuts a token shows its segments.
        found |= {segment for segment in self.secret.split(".") if len(segment) >= _LONG}
        return sorted(found - {""}, key=len, reverse=True)


def basic(name: str, password: str) -> Presented:
    """Return a name and a password as Basic sends them (RFC 7617 §2).

    Args:
        name: the user-id.
        password: the password.

    Raises:
        ConfigurationError: the name has a colon, or one of them a control character.
    """
    from base64 import b64encode

    if ":" in name:
        raise ConfigurationError("the name has a colon, which Basic cannot send (RFC 7617 §2). Check the name.")
    pair = f"{name}:{password}"
    if any(character < " " or character == "\x7f" for character in pair):
        raise ConfigurationError("the name or the password has a control character, which Basic cannot send (RFC 7617 §2).")
    return Presented("Basic", "Authorization", f"Basic {b64encode(pair.encode()).decode('ascii')}", password)


def bearer(token: str) -> Presented:
    """Return a token as Bearer sends it (RFC 6750 §2.1).

    Args:
        token: the token, or what the user takes for one.
    """
    return Presented("Bearer", "Authorization", f"Bearer {_sendable('the token', token)}", token)


def api_key(field_name: str, key: str) -> Presented:
    """Return a key in a field of its own.

    Args:
        field_name: the field, such as `X-API-Key`.
        key: the key.

    Raises:
        ConfigurationError: the name is no field name, or the key cannot be sent.
    """
    from watchword.grammar import is_token

    if not is_token(field_name):
        raise ConfigurationError("the name of the field for the key must be a token (RFC 9110 §5.1), such as X-API-Key.")
    return Presented("APIKey", field_name, _sendable("the key", key), key)


def cookie(name: str, value: str) -> Presented:
    """Return a cookie.

    Args:
        name: its name.
        value: its value.

    Raises:
        ConfigurationError: the name is no token, or the value cannot be sent.
    """
    from watchword.grammar import is_token

    if not is_token(name) or ";" in value:
        raise ConfigurationError("the cookie must have a token as its name, and a value without a semicolon (RFC 6265 §4.1.1).")
    return Presented("Cookie", "Cookie", f"{name}={_sendable('the cookie', value)}", value)


def _sendable(what: str, text: str) -> str:
    if not text or any(character < " " or character == "\x7f" for character in text):
        raise ConfigurationError(f"{what} is empty, or has a control character, which no header field can hold (RFC 9110 §5.5).")
    return text.encode().decode("latin-1")


@dataclass(frozen=True, slots=True)
class Target:
    """What is probed.

    Args:
        url: the URL as it was typed.
        presented: credentials to try; None: none.
        mcp: whether it is a server of the Model Context Protocol.
    """

    url: Url
    presented: Presented | None = None
    mcp: bool = False

    @property
    def is_safe(self) -> bool:
        """Whether credentials may be sent: over TLS, or to this machine."""
        return self.url.scheme == "https" or self.url.local


def probed_url(text: str) -> Url:
    """Return the URL that is to be probed.

    Args:
        text: as it was typed.

    Raises:
        ConfigurationError: it is not an http or https URL, or has a user name. The message does not repeat it: it may hold a password.
    """
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise ConfigurationError("the URL has a user name or a password. Leave them out, and pass --user: the password is asked for.")
    url = came_from(text)
    if url is None:
        raise ConfigurationError("the URL must be an http or https URL of printable ASCII, such as https://api.example.com/orders.")
    return url


__all__ = ["HIDDEN", "Presented", "Target", "api_key", "basic", "bearer", "cookie", "probed_url"]
