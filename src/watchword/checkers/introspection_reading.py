"""Reads what an authorization server answers about a token: JSON (RFC 7662), or JSON in a JWT that it has signed (RFC 9701)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from watchword.errors import FieldTooLong, GrammarError
from watchword.fetching import LIMIT
from watchword.grammar.strict_json import parse_json_object
from watchword.verdict import Refused

if TYPE_CHECKING:
    from watchword.checkers.jwt import JWT
    from watchword.fetching import Fetched
    from watchword.operation import Steps

SIGNED: Final = "application/token-introspection+jwt"
_TYP: Final = SIGNED.removeprefix("application/")
_LONGEST: Final = 60.0
"""Seconds for which a server may use one signed answer again: as long as an accepted token is remembered here."""


def read_answer(fetched: Fetched) -> dict[str, Any]:
    """Return the members of a plain answer.

    Args:
        fetched: the answer, with status 200.

    Raises:
        Unavailable: it cannot be read.
    """
    if not fetched.is_json:
        raise fetched.failed("its answer is not JSON. Check the URL.")
    try:
        return parse_json_object(fetched.content, limit=LIMIT)
    except (GrammarError, FieldTooLong) as error:
        raise fetched.failed(f"its answer cannot be read: {error}.") from None


def read_signed_answer(fetched: Fetched, signed: JWT, now: float, leeway: float) -> Steps[dict[str, Any]]:
    """Return the members of a signed answer (RFC 9701 §5).

    An answer that is not signed, or not for this application, says nothing about the token: it is an outage. A machine on the way
    could have taken the signature off.

    Args:
        fetched: the answer, with status 200.
        signed: verifies it.
        now: Unix seconds, from before the question.
        leeway: by how many seconds clocks may differ.

    Raises:
        Unavailable: it is refused, or the keys of the server cannot be had.
    """
    if fetched.media_type != SIGNED:
        raise fetched.failed(f"its answer is not signed ({SIGNED}, RFC 9701 §5), as Introspection(signed=...) demands.")
    claims = yield from signed.read_signed(fetched.content, _TYP)
    if isinstance(claims, Refused):
        raise fetched.failed(f"its signed answer is refused, {claims.reason.value}: {claims.detail}.")
    issued, members = claims.get("iat"), claims.get("token_introspection")
    if isinstance(issued, bool) or not isinstance(issued, (int, float)) or not -_LONGEST - leeway <= issued - now <= leeway + _LONGEST:
        raise fetched.failed("its signed answer has no iat of now. Check the clocks of both.")
    if not isinstance(members, dict):
        raise fetched.failed("its signed answer has no object token_introspection (RFC 9701 §5).")
    return members


__all__ = ["SIGNED", "read_answer", "read_signed_answer"]
