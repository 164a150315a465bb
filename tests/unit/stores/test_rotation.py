"""The table of refresh tokens: what a presented one is, and what is kept from then on."""

from __future__ import annotations

from dataclasses import replace
from math import nan

from tests.support.each import each
from watchword.stores.ports import Kept, State
from watchword.stores.rotation import GRACE, MOST_USES, decide
from watchword.testing.stores import family, first, presented

NOW = 1_000_100.0
FRESH = Kept(family=family(), token=first())
USED = Kept(
    family=family(),
    token=first(rotated_at=NOW, successor=first("f1", "f1+").digest, nonce=b"n", key_id="k"),
    successor=first("f1", "f1+"),
)
SPENT = replace(USED, successor=first("f1", "f1+", rotated_at=NOW + 1))
END = family().expires_at


@each(
    ("name", "given", "kept", "now", "state"),
    [
        ("never used", presented(), FRESH, NOW, State.LIVE),
        ("another client", presented(client="x"), FRESH, NOW, State.WRONG),
        ("the client in another case", presented(client="App"), FRESH, NOW, State.WRONG),
        ("a key that was not asked for", presented(jkt="k"), FRESH, NOW, State.WRONG),
        ("no key", presented(), replace(FRESH, family=family(jkt="k")), NOW, State.WRONG),
        ("the right key", presented(jkt="k"), replace(FRESH, family=family(jkt="k")), NOW, State.LIVE),
        # Another client learns nothing, and ends nothing.
        ("another client, ended", presented(client="x"), replace(FRESH, family=family(revoked_at=NOW)), NOW, State.WRONG),
        ("another client, reuse", presented(client="x"), USED, NOW + GRACE, State.WRONG),
        ("ended", presented(), replace(FRESH, family=family(revoked_at=NOW + 9)), NOW, State.ENDED),
        ("ended, and used", presented(), replace(USED, family=family(revoked_at=NOW)), NOW + GRACE, State.ENDED),
        ("one moment before the end", presented(), FRESH, END - 0.001, State.LIVE),
        ("the end of the family", presented(), replace(FRESH, token=first(expires_at=END + 9)), END, State.ENDED),
        ("the end of the token", presented(), replace(FRESH, token=first(expires_at=NOW)), NOW, State.ENDED),
        ("an end that is no number", presented(), replace(FRESH, token=first(expires_at=nan)), NOW, State.ENDED),
        ("disabled", presented(), replace(FRESH, family=family(owner_disabled=True)), NOW, State.DISABLED),
        ("used just now", presented(), USED, NOW, State.GRACE),
        ("used by a clock that was ahead", presented(), USED, NOW - 5, State.GRACE),
        ("used by a clock that was 30 s ahead", presented(), USED, NOW - GRACE, State.GRACE),
        ("used by a clock that was further ahead", presented(), USED, NOW - GRACE - 0.001, State.LATE),
        ("used by a clock that was a day ahead", presented(), USED, NOW - 86_400, State.LATE),
        ("the successor was used, by a clock that was a day ahead", presented(), SPENT, NOW - 86_400, State.LATE),
        ("used 29.999 s ago", presented(), USED, NOW + GRACE - 0.001, State.GRACE),
        ("used 30 s ago", presented(), USED, NOW + GRACE, State.REUSE),
        ("used at a time that is no number", presented(), replace(USED, token=replace(USED.token, rotated_at=nan)), NOW, State.REUSE),
        ("the successor was used, too", presented(), SPENT, NOW + GRACE - 0.001, State.LATE),
        ("the successor was used, 30 s ago", presented(), SPENT, NOW + GRACE, State.REUSE),
        ("the successor is gone", presented(), replace(USED, successor=None), NOW, State.LATE),
        ("used 255 times", presented(), replace(USED, token=replace(USED.token, uses=MOST_USES - 1)), NOW, State.GRACE),
        ("used 256 times", presented(), replace(USED, token=replace(USED.token, uses=MOST_USES)), NOW, State.LATE),
        ("fewer scopes", presented(scopes=frozenset({"read"})), FRESH, NOW, State.LIVE),
        ("no scope", presented(scopes=frozenset()), USED, NOW, State.GRACE),
        ("more scopes", presented(scopes=frozenset({"read", "x"})), FRESH, NOW, State.SCOPE),
        ("more scopes, again", presented(scopes=frozenset({"x"})), USED, NOW, State.SCOPE),
        # Whoever has a copy does not escape by asking for too much.
        ("more scopes, reuse", presented(scopes=frozenset({"x"})), USED, NOW + GRACE, State.REUSE),
    ],
)
def test_each_row(name: str, given: object, kept: Kept, now: float, state: State) -> None:
    """Each state follows from the records, the client and the time, and changes what it may, no more."""
    rotation = decide(given, kept, now)  # type: ignore[arg-type]
    after = rotation.kept
    assert (rotation.state, after is None) == (state, False)
    assert after is not None
    match state:
        case State.LIVE:
            ends = min(now + 3600.0, kept.family.expires_at)
            made = first("f1", "f1+", expires_at=ends)
            token = replace(kept.token, rotated_at=now, successor=made.digest, nonce=b"n" * 16, key_id="k")
            assert after == Kept(family=kept.family, token=token, successor=made)
        case State.GRACE:
            assert after == replace(kept, token=replace(kept.token, uses=kept.token.uses + 1))
        case State.REUSE:
            assert after.family == replace(kept.family, revoked_at=now)
            assert repr((after.token, after.successor)) == repr((kept.token, kept.successor))
        case _:
            assert repr(after) == repr(kept)  # a time that is no number equals nothing
