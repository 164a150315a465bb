"""Reads a token as far as that goes without a key: its syntax, its header, and that its payload is a set of claims.

Nothing that is read here is verified. It costs a few passes over at most 16 KiB. For a token that fails, no key is fetched and no signature
verified.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from watchword.checkers.jwt.algorithms import find_algorithm
from watchword.errors import GrammarError
from watchword.grammar import MAX_TOKEN_OCTETS
from watchword.grammar.compact_jws import parse_compact_jws
from watchword.grammar.strict_json import parse_json_object
from watchword.reason import Reason
from watchword.verdict import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.checkers.jwt.algorithms import Algorithm, Algorithms

_ACCESS: Final = "at+jwt"
_PLAIN: Final = "jwt"


@dataclass(slots=True, eq=False)
class UnverifiedToken:
    """A token that was read, and not verified.

    Args:
        segment: its header, as it came.
        header: its header (RFC 7515 §4).
        claims: its claims (RFC 7519 §4).
        signing_input: what was signed.
        signature: the signature.
    """

    segment: bytes = field(repr=False)
    header: Mapping[str, Any] = field(repr=False)
    claims: dict[str, Any] = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


class Selection(NamedTuple):
    """What the header says about the key.

    Args:
        algorithm: the algorithm, one of those that are allowed.
        kid: the id of the key; None: none is named.
    """

    algorithm: Algorithm
    kid: str | None


def read_token(token: str | bytes, known: Mapping[bytes, Mapping[str, Any]]) -> UnverifiedToken | Refused:
    """Return the parts of a token, or why it is none.

    Args:
        token: the token, from an untrusted source.
        known: headers of tokens that were accepted, by their segment.
    """
    if not isinstance(token, (str, bytes)):
        return Refused(Reason.MALFORMED_TOKEN, detail="a token is text")
    try:
        parts = parse_compact_jws(token, known=known)
    except GrammarError as error:
        return Refused(Reason.MALFORMED_TOKEN, detail=str(error))
    try:
        claims = parse_json_object(parts.payload, limit=MAX_TOKEN_OCTETS)
    except GrammarError as error:
        return Refused(Reason.MALFORMED_TOKEN, detail=f"the claims: {error}")
    return UnverifiedToken(parts.signing_input.partition(b".")[0], parts.header, claims, parts.signing_input, parts.signature)


def looks_like_token(text: str) -> bool:
    """Tell whether a text has the form of a signed token: three segments, of which the first is a JSON object.

    It says nothing about the header: one without an algorithm is a JWT too, and refused as one.

    Args:
        text: any text.
    """
    if len(text) > MAX_TOKEN_OCTETS:
        return False
    head, _, rest = text.partition(".")
    if rest.count(".") != 1:
        return False
    try:
        parse_compact_jws(f"{head}..")
    except GrammarError:
        return False
    return True


def select_key(header: Mapping[str, Any], algorithms: Algorithms, *, strict: bool, typ: str = _ACCESS) -> Selection | Refused:
    """Return what a header says about the key, or why it is refused.

    Only `alg`, `kid`, `typ`, `crit` and `b64` are read. `jku`, `jwk`, `x5u` and `x5c` would let a token bring its own key (RFC 8725
    §3.10, threats T3); `zip` means nothing in a JWS (RFC 7516 §4.1.3). They are ignored like every other member (RFC 7515 §4).

    Args:
        header: the header, from an untrusted source.
        algorithms: those that are allowed.
        strict: whether there must be a `typ`, and it must be this one.
        typ: the media type, without `application/`; that of access tokens (RFC 9068 §4), or of another document that an issuer signs.
    """
    # No extension is understood, so every list of them names one that is not, and an empty list is not allowed (RFC 7515 §4.1.11).
    if "crit" in header:
        return Refused(Reason.MALFORMED_TOKEN, detail="it has crit, and no extension is supported (RFC 7515 §4.1.11)")
    # RFC 7797 §7: a JWT is never unencoded. `true` is what holds without it.
    if header.get("b64", True) is not True:
        return Refused(Reason.MALFORMED_TOKEN, detail="it has b64, which is not for JWTs (RFC 7797 §7)")
    algorithm = find_algorithm(header.get("alg"))
    if algorithm is None or algorithm not in algorithms:
        return Refused(Reason.WRONG_ALGORITHM, detail="its alg is none of JWT(algorithms=...)")
    kid = header.get("kid")
    if "kid" in header and not isinstance(kid, str):
        return Refused(Reason.MALFORMED_TOKEN, detail="its kid is no string (RFC 7515 §4.1.4)")
    return _check_type(header, typ, strict=strict) or Selection(algorithm, kid)


def _check_type(header: Mapping[str, Any], wanted: str, *, strict: bool) -> Refused | None:
    """Refuse a token of another kind: an ID token, a log-out token, a proof (RFC 8725 §3.11)."""
    typ = header.get("typ")
    if "typ" not in header:
        return Refused(Reason.WRONG_TOKEN_TYPE, detail=_no_type("no typ", wanted)) if strict else None
    if not isinstance(typ, str):
        return Refused(Reason.MALFORMED_TOKEN, detail="its typ is no string (RFC 7515 §4.1.9)")
    media_type = typ.lower().removeprefix("application/") if typ.isascii() else ""
    if media_type == wanted or (media_type == _PLAIN and not strict):
        return None
    words = "typ JWT" if media_type == _PLAIN else "another typ"
    return Refused(Reason.WRONG_TOKEN_TYPE, detail=_no_type(words, wanted) if strict else "its typ is neither JWT nor at+jwt")


def _no_type(words: str, wanted: str) -> str:
    why = f"it has {words}, and not {wanted}"
    return f'{why} (RFC 9068 §4). JWT(profile="any") is for issuers that do not say it' if wanted == _ACCESS else why
