"""Makes the record of a new family of refresh tokens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypedDict

from watchword.checkers.key_format import make_id
from watchword.checkers.record_checks import check_grants, check_text
from watchword.errors import ConfigurationError
from watchword.stores.ports import FamilyRecord
from watchword.validators import check_number, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class GrantOptions(TypedDict, total=False):
    """What a client may be granted beside the tokens of a subject; see `TokenIssuer.issue`."""

    scopes: Iterable[str]
    claims: Mapping[str, Any] | None
    absolute: float | None


class FamilyOptions(GrantOptions, total=False):
    """What a family may be given beside its subject and its client; see `RefreshTokens.start`."""

    jkt: str | None


def new_family(subject: str, client: str, now: float, absolute: float, options: FamilyOptions) -> FamilyRecord:
    """Return the record of a family that begins now.

    Args:
        subject: the id of the account.
        client: the id of the client.
        now: Unix seconds.
        absolute: seconds until it ends, if the options do not say.
        options: as above.

    Raises:
        ConfigurationError: an argument is wrong.
    """
    lasts, jkt = options.get("absolute"), options.get("jkt")
    return FamilyRecord(
        id=make_id(),
        owner=check_text("the subject", subject),
        client=check_text("the client", client),
        jkt=None if jkt is None else check_text("jkt", jkt),
        scopes=check_grants(scopes=options.get("scopes", ()))["scopes"],
        claims=_as_json(options.get("claims")),
        created_at=now,
        expires_at=now + (absolute if lasts is None else check_number("absolute", lasts, above=True)),
    )


def _as_json(claims: Mapping[str, Any] | None) -> str:
    try:
        return json.dumps({} if claims is None else dict(claims), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise invalid("claims", "be a mapping that JSON can hold", claims, f"{error}."[:200]) from None
    except RecursionError:
        raise ConfigurationError("claims must be a mapping that JSON can hold, got one that is nested too deeply.") from None
