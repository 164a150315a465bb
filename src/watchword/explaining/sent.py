"""Decodes the credentials of a request for people: names, claims and lengths, never a secret.

A token is read without its signature, so nothing in it is verified. Of an opaque one four characters and the length are shown; of a
password, a key and a cookie nothing but the length. A user name is shown if the guard knows it: people type passwords into the wrong field.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64decode
from binascii import Error
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from watchword.errors import GrammarError
from watchword.grammar import MAX_TOKEN_OCTETS
from watchword.grammar.strict_json import parse_json_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword.guard.policy import Policy
    from watchword.recorded import Recorded

_KNOWN: Final = {"basic", "bearer", "digest", "dpop", "apikey", "negotiate", "ntlm", "token", "jwt", "hoba", "mutual", "signature"}
"""Scheme names that may be shown. Another first word may be a token that was sent without a scheme."""

_SHOWN: Final = 4  # characters of an opaque token
_LEAST: Final = 16  # characters: of a shorter text four are too many
_MOST_CLAIMS: Final = 64
_LONGEST_VALUE: Final = 300
_JWS: Final = 3
_JWE: Final = 5


@dataclass(frozen=True, slots=True)
class Sent:
    """One credential of a request.

    Args:
        place: the header field, or `cookie NAME`, or `query parameter NAME`.
        scheme: the scheme in lower case; empty: none, or one that may be a token itself.
        form: `basic`, `jwt`, `jwe`, `opaque`, `key` or `cookie`; empty: nothing after the scheme.
        length: characters of the value.
        prefix: the first characters of an opaque token; empty: not shown.
        header: of a token.
        claims: of a token, not verified.
        pair: user name and password as octets, for suggestions alone; None: not Basic, or not base64.
        value: the value, for suggestions alone.
    """

    place: str
    scheme: str
    form: str
    length: int
    prefix: str = ""
    header: Mapping[str, Any] | None = None
    claims: Mapping[str, Any] | None = None
    pair: bytes | None = field(default=None, repr=False)
    value: str = field(default="", repr=False)

    def facts(self) -> dict[str, object]:
        """Return what may be shown."""
        facts: dict[str, object] = {"field": self.place, "scheme": self.scheme, "form": self.form, "length": self.length}
        facts |= {"prefix": self.prefix} if self.prefix else {}
        facts |= {name: dict(found) for name, found in (("header", self.header), ("claims", self.claims)) if found is not None}
        return facts


def list_sent(recorded: Recorded, policy: Policy) -> tuple[Sent, ...]:
    """Return the credentials of a request, in the order in which they came.

    Args:
        recorded: the request; untrusted.
        policy: says which fields, parameters and cookies hold credentials.
    """
    return tuple(_found(recorded, policy))


def _found(recorded: Recorded, policy: Policy) -> Iterator[Sent]:
    schemes = _KNOWN | {entry.key for entry in policy.entries}
    for name, value in recorded.headers:
        lower = name.lower()
        if lower in {"authorization", "proxy-authorization"}:
            yield _authorization(lower, value, schemes)
        elif lower == "cookie":
            yield from _cookies(value, policy)
        elif lower in policy.credential_fields and lower != "sec-websocket-protocol":
            yield Sent(lower, "", "key", len(value), value=value)
    from urllib.parse import parse_qsl

    names = {name.decode("latin-1") for name in policy.parameters} | {"access_token"}
    query = recorded.target.partition("?")[2][: MAX_TOKEN_OCTETS * 2]
    for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=None):
        if name in names:
            yield _token(f"query parameter {name}", "", value)


def _authorization(name: str, value: str, schemes: set[str]) -> Sent:
    first, _, rest = value.partition(" ")
    scheme = first.lower().rstrip(":")
    if scheme not in schemes:
        return _token(name, "", value)
    rest = rest.strip(" ")
    if not rest:
        return Sent(name, scheme, "", len(value), value=value)
    if scheme == "basic":
        return Sent(name, scheme, "basic", len(rest), pair=_pair(rest), value=rest)
    return _token(name, scheme, rest)


def _cookies(value: str, policy: Policy) -> Iterator[Sent]:
    read = {name for entry in policy.entries for name in entry.scheme.cookies}
    for part in value.split(";")[:_MOST_CLAIMS]:
        name, _, content = part.strip().partition("=")
        if name in read:
            yield Sent(f"cookie {name}", "", "cookie", len(content), value=content)


def _token(name: str, scheme: str, value: str) -> Sent:
    segments = value.split(".") if len(value) <= MAX_TOKEN_OCTETS else []
    header = _object(segments[0]) if len(segments) in {_JWS, _JWE} else None
    if header is not None and len(segments) == _JWE:
        return Sent(name, scheme, "jwe", len(value), header=_bounded(header), value=value)
    if header is not None:
        claims = _object(segments[1])
        return Sent(
            name, scheme, "jwt", len(value), header=_bounded(header), claims=None if claims is None else _bounded(claims), value=value
        )
    shown = value[:_SHOWN] if len(value) >= _LEAST and value[:_SHOWN].isprintable() else ""
    return Sent(
        name, scheme, "key" if scheme == "apikey" else "opaque", len(value), "" if scheme in {"digest", "apikey"} else shown, value=value
    )


def _object(segment: str) -> dict[str, Any] | None:
    try:
        return parse_json_object(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)), limit=MAX_TOKEN_OCTETS)
    except (GrammarError, Error, ValueError):
        return None


def _bounded(members: dict[str, Any]) -> dict[str, Any]:
    """Return members of which none is long: a header may hold a chain of certificates."""
    return {name[:_LONGEST_VALUE]: _shortened(value) for name, value in list(members.items())[:_MOST_CLAIMS]}


def _shortened(value: Any) -> Any:  # noqa: ANN401 - of JSON
    text = value if isinstance(value, str) else str(value)
    if len(text) <= _LONGEST_VALUE:
        return value
    return f"{text[:_LONGEST_VALUE]}…"


def _pair(text: str) -> bytes | None:
    plain = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (Error, ValueError):
        return None
