"""`watchword audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import CHEAP, NOW
from tests.support.passwords import MAKERS, stored
from watchword.cli.findings import CODES, FAST_FORMATS, SEVERITIES, Limits, examine_store
from watchword.stores.ports import AccountRecord, KeyRecord, TokenRecord

if TYPE_CHECKING:
    from tests.support.command import Inside

DAY = 86_400
LIMITS = Limits(now=NOW, unused_after=90 * DAY, max_password_age=365 * DAY)
GOOD = CHEAP.hash("x")


def account(**facts: Any) -> AccountRecord:
    """An account about which there is nothing to say, but for what is given."""
    usual: dict[str, Any] = {
        "id": "ann",
        "names": ("ann",),
        "password_hash": GOOD,
        "password_changed_at": NOW,
        "created_at": NOW,
        "last_login_at": NOW,
    }
    return AccountRecord(**usual | facts)


def key(**facts: Any) -> KeyRecord:
    """A key about which there is nothing to say, but for what is given."""
    usual: dict[str, Any] = {"id": "k", "digest": bytes(32), "owner": "ann", "created_at": NOW, "expires_at": NOW + DAY}
    return KeyRecord(**usual | facts)


def token(**facts: Any) -> TokenRecord:
    """A token about which there is nothing to say, but for what is given."""
    usual: dict[str, Any] = {"id": "t", "digest": bytes(32), "owner": "ann", "created_at": NOW, "expires_at": NOW + DAY}
    return TokenRecord(**usual | facts)


def codes(*records: AccountRecord | KeyRecord | TokenRecord, limits: Limits = LIMITS) -> list[str]:
    """The codes of what is found, beside an account ann where none is given."""
    accounts = [record for record in records if isinstance(record, AccountRecord)] or [account()]
    keys = [record for record in records if isinstance(record, KeyRecord)]
    tokens = [record for record in records if isinstance(record, TokenRecord)]
    return [finding.code for finding in examine_store(accounts, keys, tokens, CHEAP, limits)]


FOUND: dict[str, list[AccountRecord | KeyRecord | TokenRecord]] = {
    "plain_password": [account(password_hash="{PLAIN}hunter2")],
    "unusable_hash": [account(password_hash="hunter2")],
    "weak_hash": [account(password_hash=stored("apr1"))],
    "outdated_hash": [account(password_hash=stored("bcrypt"))],
    "password_over_age": [account(password_changed_at=NOW - 365 * DAY)],
    "account_never_used": [account(last_login_at=None, created_at=NOW - 90 * DAY)],
    "account_unused": [account(last_login_at=NOW - 90 * DAY)],
    "key_owner_gone": [key(owner="zoe")],
    "key_never_expires": [key(expires_at=None)],
    "key_never_used": [key(created_at=NOW - 90 * DAY)],
    "key_unused": [key(last_used_at=NOW - 90 * DAY)],
    "key_leftover": [key(expires_at=NOW)],
    "token_subject_gone": [token(owner="zoe")],
    "token_never_expires": [token(expires_at=None)],
    "token_leftover": [token(revoked_at=NOW - 1)],
}


@pytest.mark.parametrize("code", FOUND)
def test_each_is_found_by_itself(code: str) -> None:
    """What is wrong with one record is one finding."""
    assert codes(*FOUND[code]) == [code]


@pytest.mark.parametrize(
    "record",
    [
        account(),
        account(password_hash=None, password_changed_at=None, created_at=NOW - 89 * DAY, last_login_at=None),
        account(password_changed_at=NOW - 365 * DAY + 1, last_login_at=NOW - 90 * DAY + 1, created_at=0),
        account(disabled=True, last_login_at=None, created_at=0),
        key(created_at=NOW - 90 * DAY + 1),
        key(created_at=0, not_before=NOW + 1),
        key(last_used_at=NOW - 1, created_at=0),
        key(owner="shop", kind="client"),
        token(owner="job", kind="client"),
        token(created_at=0),
    ],
)
def test_what_is_in_order_is_not_found(record: AccountRecord | KeyRecord | TokenRecord) -> None:
    """One second before it is too long, and where it does not matter, nothing is said."""
    assert codes(record) == []


def test_a_disabled_account_that_holds_something() -> None:
    """Keys and tokens that come alive again with the account are found once for the account; those that ended do not count."""
    shut = account(disabled=True)
    assert codes(shut, token()) == ["disabled_holds_credentials"]
    assert codes(shut, key()) == ["disabled_holds_credentials", "key_owner_disabled"]
    assert codes(shut, key(revoked_at=1)) == ["key_leftover"]
    assert codes(shut, token(expires_at=NOW)) == ["token_leftover"]


def test_every_code_is_tried() -> None:
    """No finding hides from the tests above."""
    assert {*FOUND, "disabled_holds_credentials", "key_owner_disabled"} == CODES.keys()
    assert [severity for severity, _ in CODES.values()] == sorted((severity for severity, _ in CODES.values()), key=SEVERITIES.index)


@pytest.mark.parametrize("name", MAKERS)
def test_every_format_has_its_severity(name: str) -> None:
    """What is made for speed is weak, what is merely not Argon2id is outdated, and what new hashes are is fine."""
    expected = [] if name == "argon2id" else ["weak_hash"] if name in FAST_FORMATS else ["outdated_hash"]
    assert codes(account(password_hash=stored(name))) == expected


def test_no_age_no_finding() -> None:
    """Passwords age only where it is said how."""
    assert codes(account(password_changed_at=0), limits=Limits(now=NOW, unused_after=DAY)) == []


def test_the_command(ann: Inside) -> None:
    """Findings come with severity, code, and whose they are; the exit code tells a CI of them."""
    assert ann("audit").stdout == "nothing is weak or stale\n"
    made = ann.json("key", "create", "ann", "--expires", "never")
    assert ann.json("audit", code=1) == [
        {"severity": "medium", "code": "key_never_expires", "kind": "key", "id": made["id"], "owner": "ann", "detail": "it does not expire"}
    ]
    assert ann.json("audit", "--ignore", "key_never_expires") == []
    assert len(ann.json("audit", "--fail-on", "high")) == 1
    assert len(ann.json("audit", "--fail-on", "never")) == 1
    text = ann("audit", code=1)
    assert text.stdout.splitlines()[1].split()[:2] == ["medium", "key_never_expires"]
    assert text.stderr == "0 high, 1 medium, 0 low\n"


def test_its_limits(ann: Inside) -> None:
    """How long is long, and what new hashes cost, are told by options."""
    ann.clock.advance(10 * DAY)
    assert [one["code"] for one in ann.json("audit", "--unused-after", "10d")] == ["account_never_used"]
    assert [one["code"] for one in ann.json("audit", "--unused-after", "10d", "--fail-on", "low", code=1)] == ["account_never_used"]
    assert ann.json("audit", "--unused-after", "11d", "--max-password-age", "11d") == []
    assert [one["code"] for one in ann.json("audit", "--max-password-age", "10d", code=1)] == ["password_over_age"]
    assert [one["code"] for one in ann.json("audit", "--memory-cost", "128", code=1)] == ["outdated_hash"]


def test_a_finding_that_is_none(ann: Inside) -> None:
    """A code that was mistyped is not ignored silently."""
    code, words = ann.error("audit", "--ignore", "key_never_expire", code=2)
    assert code == "usage"
    assert "key_never_expires" in words


def test_no_stored_password_shows(inside: Inside) -> None:
    """A password that is stored as it is is found, and not printed."""
    with inside.open() as store:
        store.add_account(AccountRecord(id="ann", names=("ann",), password_hash="hunter2-in-the-clear"))
        store.add_account(AccountRecord(id="bob", names=("bob",), password_hash="{PLAIN}hunter2-in-the-clear"))
    result = inside("audit", "--unused-after", "9999999d", code=1)
    assert "unusable_hash" in result.stdout
    assert "plain_password" in result.stdout
    assert "hunter2" not in result.output
