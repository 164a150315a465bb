"""C8: whatever a key server answers, the last good set stays, and clients cannot make it ask often."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.each import noting
from tests.support.hostile import WORLDS
from tests.support.issuer import Issuer
from tests.support.tokens import public_jwk
from watchword import Unavailable
from watchword.checkers.jwt.remote import RemoteKeys
from watchword.checkers.jwt.schedule import COOL_DOWN
from watchword.fetching import Fetcher
from watchword.operation import in_steps
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from watchword.checkers.jwt.keys import KeySet
    from watchword.observe.notice import OperatorNotice

GOOD = json.dumps({"keys": [public_jwk("ES256", "a", kid="a")]})
POISON: dict[str, bytes | str] = {
    "an empty set": '{"keys": []}',
    "no set": "{}",
    "null": "null",
    "a list": "[]",
    "keys that are no list": '{"keys": {"a": 1}}',
    "nothing": "",
    "HTML": "<!doctype html><title>Sign in</title>",
    "truncated": GOOD[:-10],
    "two sets": GOOD + GOOD,
    "keys twice": GOOD[:-1] + ', "keys": []}',
    "odd keys alone": '{"keys": [7, null, {}, {"kty": "RSA", "kid": "a"}, {"kty": "none", "kid": "a"}]}',
    "keys for encryption alone": json.dumps({"keys": [public_jwk("ES256", "b", kid="a", use="enc")]}),
    "a shared secret": json.dumps({"keys": [public_jwk("HS256", "a", kid="a", alg="HS256")]}),
    "UTF-16": GOOD.encode("utf-16"),
    "deep": "[" * 20_000 + "]" * 20_000,
    "long": "[" + " " * (1 << 20) + "]",
    "a number of 6,000 digits": '{"keys": [' + "9" * 6000 + "]}",
}


def ask(source: RemoteKeys, kid: str, world: str = "sync") -> KeySet:
    """Return the set for a token that names a key."""
    found: KeySet = WORLDS[world](in_steps(lambda: source.keys(kid)))
    return found


def test_C8_a_failed_fetch_removes_no_key() -> None:  # noqa: N802 - the row
    """After a fetch that a client forced the good key still verifies, whatever the server answered; and the operator is told, once."""
    for world in WORLDS:
        with Issuer("a", cache_control="max-age=86400") as issuer:
            clock = FixedClock()
            for row, content in {**POISON, "status 404": GOOD, "status 500": GOOD, "closed": GOOD}.items():
                told: list[OperatorNotice] = []
                source = RemoteKeys(issuer.keys_url, clock=clock, fetcher=Fetcher(timeout=60), on_event=told.append)
                issuer.content, issuer.status, issuer.broken = GOOD, 200, None
                with noting(world, row):
                    assert ask(source, "a", world).has_kid("a")
                    clock.advance(COOL_DOWN)
                    issuer.content = content
                    issuer.status = int(row[-3:]) if row.startswith("status") else 200
                    issuer.broken = (lambda connection: connection.send(b"HTTP/1.1 200 OK\r\n")) if row == "closed" else None
                    before = issuer.fetches
                    with pytest.raises(Unavailable):
                        ask(source, "forged", world)
                    assert issuer.fetches == before + 1
                    found = ask(source, "a", world)
                    assert found.has_kid("a")
                    assert source.fresh() is found
                    assert issuer.fetches == before + 1
                    assert [notice.kind for notice in told] == ["key_set_kept"]


def test_C8_clients_force_one_fetch_in_a_cool_down() -> None:  # noqa: N802 - the row
    """Tokens with random key ids cause one fetch in 30 seconds together, also while the server fails, and without any set at hand."""
    for status in (200, 500):
        with Issuer("a", cache_control="max-age=86400") as issuer:
            clock = FixedClock()
            source = RemoteKeys(issuer.keys_url, clock=clock, fetcher=Fetcher(timeout=60), on_event=lambda _: None)
            ask(source, "a")
            issuer.status = status
            for second in range(90):
                for number in range(20):
                    try:
                        ask(source, f"{second}-{number}")
                    except Unavailable:
                        assert status == 500
                clock.advance(1)
            with noting(status):
                assert issuer.fetches == 1 + 3  # the set, and a look after 0, 30 and 60 seconds
