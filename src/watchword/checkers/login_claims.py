"""Says what an opaque access token says of its login, by the names that claims have in RFC 9068 and RFC 7662."""

from __future__ import annotations

import json
from math import inf
from typing import TYPE_CHECKING, Any, Final

from watchword.verdict import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.stores.ports import TokenRecord

_LEEWAY: Final = 60.0  # seconds: the times of a login may come from another machine


def login_claims(record: TokenRecord) -> dict[str, Any] | None:
    """Return the claims of an access token; None: the token belongs to no login.

    Args:
        record: the record, with its family.
    """
    family = record.family
    if family is None:
        return None
    claims = {
        **json.loads(family.claims),
        "sub": record.owner,
        "aud": record.audience[0] if len(record.audience) == 1 else list(record.audience),
        "client_id": family.client,
        "iat": int(record.created_at),
        "jti": record.id,
        "sid": family.id,
    }
    # A login that claims these does not hold them.
    claims.pop("scope", None)
    claims.pop("exp", None)
    claims |= {} if record.expires_at is None else {"exp": int(record.expires_at)}
    return claims | {"scope": " ".join(sorted(record.scopes))} if record.scopes else claims


def why_wrong_login(claims: Mapping[str, Any], now: float) -> Refused | None:
    """Return why the claims of an access token refuse it, as those of a JWT would; None: they do not.

    Args:
        claims: the claims.
        now: Unix seconds.
    """
    from watchword.checkers.jwt.claims import check_claims, check_times, check_unbound

    wrong = check_claims(claims, ()) or check_unbound(claims)
    if wrong is not None:
        return wrong
    times = check_times({"exp": inf, **claims}, now, _LEEWAY)
    return times if isinstance(times, Refused) else None
