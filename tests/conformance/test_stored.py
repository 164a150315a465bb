"""What the standards say of secrets that are stored, revoked and looked up: accounts, keys and tokens, through every adapter."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING

import pytest

from tests.support.drive import Request, basic, bearer
from tests.support.logins import DAY, CountingHasher, Desk, write_htpasswd
from tests.support.wire import request_view
from watchword import APIKey, Basic, Bearer, ConfigurationError, Guard, Overloaded
from watchword.checkers import Accounts, APIKeys, Htpasswd, OpaqueTokens
from watchword.checkers.adapt import nonblocking
from watchword.stores import MemoryStore, SQLStore
from watchword.stores.ports import AccountRecord
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.drive import Answer, Driver, Through

NOW = 1_700_000_000


def send(driver: Driver, field: tuple[str, str]) -> Answer:
    """Send one field."""
    return driver(Request(target="/me", headers=(field,), client="192.0.2.7"))


def key(value: str) -> tuple[str, str]:
    """A key in its usual field."""
    return "X-API-Key", value


def sent(answer: Answer) -> tuple[object, ...]:
    """All that a client gets."""
    return answer.status, tuple(answer.headers), answer.body


def test_R7617_4_1_accounts_keep_salted_slow_hashes(through: Through, tmp_path: Path) -> None:
    """Two accounts of one password have two hashes, of Argon2; plain text and bare digests are taken by no store and no file."""
    desk = Desk()
    stored = {desk.accounts.add(name, "s3cret").password_hash or "" for name in ("ann", "bob")}
    assert len(stored) == 2
    assert all(hash_.startswith("$argon2id$") for hash_ in stored)
    assert send(through(Guard(Basic(desk.accounts, realm="r"))), basic("ann", "s3cret")).status == 200
    for bare in ("s3cret", md5(b"s3cret", usedforsecurity=False).hexdigest()):
        with pytest.raises(ConfigurationError, match="eve"):
            desk.accounts.add("eve", password_hash=bare)
        with pytest.raises(ConfigurationError, match="no line can be used to log in"):
            Htpasswd(write_htpasswd(tmp_path / "users", {"ann": bare}))


@pytest.mark.parametrize(("kept", "typed"), [("caf\u00e9", "cafe\u0301"), ("cafe\u0301", "caf\u00e9")])
def test_R7617_2_1_4_accounts_are_found_in_either_form(kept: str, typed: str, through: Through) -> None:
    """Composed and decomposed are one name and one password; a compatibility form is another."""
    desk = Desk()
    desk.accounts.add(kept, kept)
    driver = through(Guard(Basic(desk.accounts, realm="r")))
    assert send(driver, basic(typed, typed)).status == 200
    desk.accounts.add("\ufb01", "s3cret")
    assert [send(driver, basic(name, "s3cret")).status for name in ("\ufb01", "fi")] == [200, 401]


def test_R7617_2_5_accounts_refuse_empty_passwords(through: Through) -> None:
    """An account without a password is open to no password, the empty one included."""
    desk = Desk()
    desk.accounts.add("ann")
    driver = through(Guard(Basic(desk.accounts, realm="r")))
    assert [send(driver, basic(*shown)).status for shown in (("ann", ""), ("", ""), ("", "x"))] == [401] * 3


def test_R9110_T_1_accounts_in_every_state_cost_as_much(through: Through) -> None:
    """One verification of equal cost, whether the account is unknown, shut in some way, or the password is wrong, long or odd."""
    desk = Desk(max_age=DAY)
    desk.shut_some()
    driver = through(Guard(Basic(desk.accounts, realm="r")))
    desk.hasher.take()
    names = ["ann", "disabled", "locked", "expired", "nobody", "Ann", "a" * 500]
    for name in names:
        for password in ("wrong", "x" * 2000, "\u00e9" * 600):
            assert send(driver, basic(name, password)).status == 401
            assert desk.hasher.take() == ["argon2id m=64 t=1 p=1"], name
    for name in names[1:]:
        assert send(driver, basic(name, "s3cret")).status == 401
        assert desk.hasher.take() == ["argon2id m=64 t=1 p=1"], name


def test_R9110_11_4_2_accounts_look_alike(through: Through) -> None:
    """Unknown, wrong, disabled, locked and expired: one answer, to the last octet."""
    desk = Desk(max_age=DAY)
    desk.shut_some()
    driver = through(Guard(Basic(desk.accounts, realm="r"), request_id=lambda: "x"))
    shown = [("nobody", "s3cret"), ("ann", "wrong"), *((name, "s3cret") for name in ("disabled", "locked", "expired"))]
    assert len({sent(send(driver, basic(*one))) for one in shown}) == 1


def test_RKEY_3_stored_keys_look_alike(through: Through) -> None:
    """Unknown, mistyped, revoked, expired, early, from elsewhere, of a disabled account: one answer, to the last octet."""
    store, clock = MemoryStore(), FixedClock(NOW)
    keys = APIKeys(store, clock=clock)
    store.add_account(AccountRecord(id="bob", names=("bob",), disabled=True))
    good, revoked = keys.create("ann").key, keys.create("ann")
    keys.revoke(revoked.record.id)
    unknown = APIKeys(MemoryStore()).create("ann").key
    refused = [
        *("nothing like a key", unknown, good[:-1], good.swapcase(), revoked.key, keys.create("bob").key),
        keys.create("ann", not_before=NOW + 1).key,
        keys.create("ann", not_before=NOW - 2, expires_at=NOW).key,
        keys.create("ann", networks=["10.0.0.0/8"]).key,
    ]
    driver = through(Guard(APIKey(keys), clock=clock, request_id=lambda: "x"))
    assert send(driver, key(good)).status == 200
    answers = {sent(send(driver, key(one))) for one in refused}
    assert [answer[0] for answer in answers] == [401]


def test_R9700_4_9_3_1_a_store_holds_no_key_and_no_token(tmp_path: Path) -> None:
    """After they were made and used, no file of the database holds a key, a token, or the secret part of either."""
    with SQLStore(f"sqlite:///{tmp_path / 'auth.db'}") as store:
        keys, tokens = APIKeys(store), OpaqueTokens(store)
        made, issued = keys.create("ann").key, tokens.create("ann").token
        guard = Guard(APIKey(keys), Bearer(tokens))
        for field in (key(made), bearer(issued)) * 5:
            decision = guard.decide(request_view(Request(target="/me", headers=(field,))))
            assert decision.granted
            guard.finish(decision)
        octets = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        id_ = keys.recognise(made)
        assert id_ is not None
        assert id_.encode() in octets
        for secret in (made.rpartition("_")[2], issued.rpartition("_")[2]):
            assert secret[:20].encode() not in octets


def test_R6750_3_1_3_stored_tokens_are_invalid_alike(through: Through) -> None:
    """Unknown, mistyped and revoked tokens are one 401 with `invalid_token`; of one that has expired the client is told so."""
    clock = FixedClock(NOW)
    tokens = OpaqueTokens(MemoryStore(), clock=clock)
    revoked, expired = tokens.create("ann").token, tokens.create("ann", expires_in=1).token
    tokens.revoke(revoked)
    clock.advance(1)
    driver = through(Guard(Bearer(tokens, realm="r"), clock=clock, request_id=lambda: "x"))
    alike = {sent(send(driver, bearer(one))) for one in (revoked, revoked[:-1], OpaqueTokens(MemoryStore()).create("ann").token)}
    assert len(alike) == 1
    answer = send(driver, bearer(revoked))
    assert answer.challenges == ['Bearer realm="r", error="invalid_token", error_description="The access token is not valid"']
    answer = send(driver, bearer(expired))
    assert answer.challenges == ['Bearer realm="r", error="invalid_token", error_description="The access token expired"']


def test_R9110_15_6_4_1_a_store_that_is_gone_is_503(through: Through, tmp_path: Path) -> None:
    """For passwords, keys and tokens alike: never 401, and no word that they were bad."""
    store = SQLStore(f"sqlite:///{tmp_path / 'auth.db'}")
    accounts, keys, tokens = Accounts(store, hasher=CountingHasher()), APIKeys(store), OpaqueTokens(store)
    accounts.add("ann", "s3cret")
    shown = basic("ann", "s3cret"), key(keys.create("ann").key), bearer(tokens.create("ann").token)
    driver = through(Guard(Basic(accounts, realm="r"), APIKey(keys), Bearer(tokens)))
    store.close()
    for field in shown:
        answer = send(driver, field)
        assert (answer.status, answer.challenges, answer.called) == (503, [], False)


@pytest.mark.parametrize("wait", [None, 0, 7])
def test_R9110_10_2_3_1_retry_after_is_whole_seconds(wait: int | None, through: Through) -> None:
    """Retry-After holds digits alone, whatever its source."""

    @nonblocking
    def check(credentials: object) -> None:
        raise Overloaded("too much", retry_after=wait)

    answer = send(through(Guard(Bearer(check))), bearer("t"))
    assert (answer.status, (answer.one("retry-after") or "").isdecimal()) == (503, True)
    with pytest.raises(ConfigurationError, match="retry_after"):
        Overloaded("too much", retry_after=1.5)  # type: ignore[arg-type]  # what is refused
