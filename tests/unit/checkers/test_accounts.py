"""Accounts with passwords, in a store (equal work: tests/threats/test_W2; rehash: test_W8; with memory as without: tests/properties)."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from math import inf, nan
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ask
from tests.support.each import each
from tests.support.logins import DAY, NOW, CountingHasher, Desk, bytes_of, guarded, log_in
from tests.support.passwords import PASSWORD, stored
from tests.support.wire import Request, basic
from watchword import Accepted, Basic, BasicCredentials, ConfigurationError, Guard, Principal, Reason, Refused, Unavailable, role
from watchword.checkers import Accounts
from watchword.stores.memory import MemoryStore
from watchword.stores.ports import AccountRecord
from watchword.testing import CheckerContract

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.drive import Behind

STANDING = {"disabled": Reason.DISABLED, "locked": Reason.LOCKED, "expired": Reason.PASSWORD_EXPIRED}


class Noting(MemoryStore):
    """A store that notes what it is asked, by which thread.

    Args:
        blocking: what it says about itself.
    """

    def __init__(self, *, blocking: bool = False) -> None:
        super().__init__()
        self._blocking = blocking
        self.asked: list[str] = []
        self.threads: set[threading.Thread] = set()
        self.is_down = False

    @property
    def blocking(self) -> bool:
        """As it was made."""
        return self._blocking

    def find_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        """Note it."""
        self._note("find_account")
        return super().find_account(name, fold_case=fold_case)

    def note_login(self, id: str, at: float) -> None:  # noqa: A002 - its name
        """Note it."""
        self._note("note_login")
        super().note_login(id, at)

    def hash_samples(self) -> Any:
        """Note it."""
        self._note("hash_samples")
        return super().hash_samples()

    def _note(self, what: str) -> None:
        self.asked.append(what)
        self.threads.add(threading.current_thread())
        if self.is_down:
            raise Unavailable("the disk is gone", retry_after=3)


# Who it is


def test_the_principal_is_what_the_account_says() -> None:
    """Id, roles, scopes and permissions; the name by which people know it as a claim, where it is not the id."""
    desk = Desk()
    desk.accounts.add("ann", PASSWORD, id="u-17", roles=["admin"], scopes=["read", "write"], permissions=["orders.delete"])
    principal = desk.accept("ann").principal
    assert principal == Principal("u-17", roles=["admin"], scopes=["read", "write"], permissions=["orders.delete"], claims={"name": "ann"})
    assert principal.display_name == "ann"
    desk.accounts.add("bob", PASSWORD)
    assert desk.accept("bob").principal == Principal("bob")


def test_an_account_may_have_several_names() -> None:
    """Each of them lets in as the same principal; the id alone does not."""
    desk = Desk()
    desk.accounts.add("ann", PASSWORD, id="u-17", names=["ann@example.com", "\u0394\u03ac\u03c6\u03bd\u03b7"])
    principals = {desk.accept(name).principal for name in ("ann", "ann@example.com", "\u0394\u03ac\u03c6\u03bd\u03b7")}
    assert len(principals) == 1
    assert desk.accounts.check(BasicCredentials("u-17", PASSWORD)) == Refused(Reason.UNKNOWN_IDENTITY)


@pytest.mark.parametrize("added", ["caf\u00e9", "cafe\u0301"])
@pytest.mark.parametrize("shown", ["caf\u00e9", "cafe\u0301"])
def test_names_and_passwords_are_the_same_in_either_form(added: str, shown: str) -> None:
    """Normalization Form C on both sides (decision D29): for the name, and for the password set here."""
    desk = Desk()
    desk.accounts.add(added, added + "!")
    assert desk.accept(shown, shown + "!").principal == Principal("caf\u00e9")
    desk.accounts.set_password(shown, shown + "?")
    desk.accept(added, added + "?")


def test_case_makes_a_difference_unless_told_otherwise() -> None:
    """By default names differ by case; with `fold_case` they do not, in any language."""
    desk = Desk()
    desk.accounts.add("Ann", PASSWORD)
    assert desk.accounts.check(BasicCredentials("ann", PASSWORD)) == Refused(Reason.UNKNOWN_IDENTITY)
    folding = Desk(fold_case=True)
    for name, others in (("Ann", ["ann", "ANN"]), ("Stra\u00dfe", ["STRASSE", "strasse"]), ("\u03a3\u03c3\u03c2", ["\u03c3\u03c3\u03c3"])):
        folding.accounts.add(name, PASSWORD)
        for other in (name, *others):
            assert folding.accept(other).principal == Principal(name)


def test_a_name_that_fits_two_accounts_without_its_case_fits_none() -> None:
    """An exact spelling wins; any other is ambiguous, and lets nobody in: nobody is taken for somebody else."""
    desk = Desk()
    desk.accounts.add("Ann", "one")
    desk.accounts.add("ann", "two")
    folding = Desk(store=desk.store, fold_case=True)
    assert folding.accept("Ann", "one").principal == Principal("Ann")
    assert folding.accept("ann", "two").principal == Principal("ann")
    for password in ("one", "two"):
        assert folding.accounts.check(BasicCredentials("ANN", password)) == Refused(Reason.UNKNOWN_IDENTITY)


# What is the matter


@pytest.mark.parametrize("name", STANDING)
def test_a_disabled_or_locked_account_is_refused_with_the_reason_for_the_operator(name: str) -> None:
    """The reason is known after the right password alone; after a wrong one it is a wrong password."""
    desk = Desk(max_age=DAY)
    desk.shut_some()
    assert desk.accounts.check(BasicCredentials(name, PASSWORD)) == Refused(STANDING[name])
    assert desk.accounts.check(BasicCredentials(name, "S3cret")) == Refused(Reason.WRONG_SECRET)


@pytest.mark.parametrize(
    "told", [[], ["disabled"], ["locked", "password_expired"], [Reason.DISABLED, Reason.LOCKED, Reason.PASSWORD_EXPIRED]]
)
def test_only_configured_reasons_are_disclosed_and_only_after_the_right_password(told: list[Any], behind: Behind) -> None:
    """The same octets for everybody without the right password, and for those whose reason is not told (decision D14)."""
    desk = Desk(max_age=DAY, disclose=told)
    desk.shut_some()
    send = behind(guarded(desk.accounts))
    without = {repr(bytes_of(send(log_in(name, "S3cret")))) for name in ("ann", "nobody", *STANDING)}
    without.add(repr(bytes_of(send(log_in("nobody", PASSWORD)))))
    assert len(without) == 1
    for name, reason in STANDING.items():
        answer = send(log_in(name, PASSWORD))
        assert answer.status == 401
        assert answer.challenges == ['Basic realm="x", charset="UTF-8"']
        if reason in told:
            assert f'"reason": "{reason.value}"'.encode() in answer.body
            assert not answer.called
        else:
            assert {repr(bytes_of(answer))} == without


@pytest.mark.parametrize("fold_case", [False, True])
def test_a_lock_ends_by_itself(fold_case: bool) -> None:  # noqa: FBT001 - an option
    """To the second, without anybody doing anything; a clock that is set back makes it count again."""
    desk = Desk(fold_case=fold_case)
    desk.accounts.add("ann", PASSWORD)
    desk.accounts.lock("ann", NOW + 60)
    shown = BasicCredentials("ann", PASSWORD)
    for at, verdict in ((59.999, Refused(Reason.LOCKED)), (60, None), (59, Refused(Reason.LOCKED)), (1e9, None)):
        desk.clock.set(NOW + at)
        found = desk.accounts.check(shown)
        assert found == verdict if verdict is not None else isinstance(found, Accepted)
    desk.clock.set(NOW)
    desk.accounts.unlock("ann")
    desk.accept("ann")


def test_a_password_expires_after_its_age() -> None:
    """To the second; a new one counts from when it was set, and a rehash does not make it younger."""
    desk = Desk(max_age=DAY, hasher=CountingHasher())
    desk.accounts.add("ann", password_hash=stored("bcrypt"))
    desk.clock.advance(DAY - 1)
    after_response = desk.accept("ann").after_response
    assert after_response is not None
    after_response.run()
    assert desk.accounts.get("ann").password_hash != stored("bcrypt")
    desk.clock.advance(1)
    assert desk.accounts.check(BasicCredentials("ann", PASSWORD)) == Refused(Reason.PASSWORD_EXPIRED)
    desk.accounts.set_password("ann", "another")
    desk.accept("ann", "another")


def test_a_password_of_unknown_age_is_as_old_as_its_account() -> None:
    """An import that says nothing about it makes no password for ever."""
    desk = Desk(max_age=DAY)
    desk.store.add_account(AccountRecord(id="ann", names=("ann",), password_hash=stored("bcrypt"), hash_profile="bcrypt 4", created_at=NOW))
    desk.accept("ann")
    desk.clock.advance(DAY)
    assert desk.accounts.check(BasicCredentials("ann", PASSWORD)) == Refused(Reason.PASSWORD_EXPIRED)


def test_disabled_counts_before_locked_before_expired() -> None:
    """Of several reasons the one that an operator decided on is given."""
    desk = Desk(max_age=DAY)
    desk.accounts.add("ann", PASSWORD)
    desk.clock.advance(DAY)
    for change, reason in (
        (lambda: None, Reason.PASSWORD_EXPIRED),
        (lambda: desk.accounts.lock("ann", NOW + 9 * DAY), Reason.LOCKED),
        (lambda: desk.accounts.disable("ann"), Reason.DISABLED),
    ):
        change()
        assert desk.accounts.check(BasicCredentials("ann", PASSWORD)) == Refused(reason)


# The very next request


def removed(desk: Desk) -> None:
    """Gone."""
    desk.accounts.remove("ann")


def renamed(desk: Desk) -> None:
    """Called something else."""
    desk.accounts.change("ann", names=["bob"])


def disabled(desk: Desk) -> None:
    """Shut."""
    desk.accounts.disable("ann")


def locked(desk: Desk) -> None:
    """Shut for a while."""
    desk.accounts.lock("ann", desk.clock.now() + 60)


def changed(desk: Desk) -> None:
    """Another password."""
    desk.accounts.set_password("ann", "another")


def expired(desk: Desk) -> None:
    """Too old."""
    desk.clock.advance(DAY)


def emptied(desk: Desk) -> None:
    """No hash at all any more."""
    record = desk.store.get_account("ann")
    assert record is not None
    desk.store.replace_account(replace(record, password_hash=None, hash_profile=None))


CHANGES = [removed, renamed, disabled, locked, changed, expired, emptied]


@each("hot", [True, False])
@each("change", CHANGES)
def test_a_change_counts_from_the_very_next_request_on(change: Callable[[Desk], None], hot: bool, behind: Behind) -> None:  # noqa: FBT001
    """Whether the guard and the checker remember somebody or not; and what was not undone stays so."""
    desk = Desk(max_age=DAY)
    desk.accounts.add("ann", PASSWORD)
    send = behind(guarded(desk.accounts, clock=desk.clock))
    for _ in range(3 * hot):
        assert send(log_in("ann", PASSWORD)).status == 200
    change(desk)
    for _ in range(3):
        assert send(log_in("ann", PASSWORD)).status == 401


@pytest.mark.parametrize("hot", [True, False], ids=["hot", "cold"])
def test_a_role_taken_or_given_counts_from_the_very_next_request_on(hot: bool, behind: Behind) -> None:  # noqa: FBT001 - as above
    """What the principal may is read with every answer that is not leased."""
    desk = Desk()
    desk.accounts.add("ann", PASSWORD, roles=["admin"])
    send = behind(guarded(desk.accounts, clock=desk.clock, rules={"/": role("admin")}))
    for _ in range(3 * hot):
        assert send(log_in("ann", PASSWORD)).status == 200
    desk.accounts.change("ann", roles=["user"])
    assert send(log_in("ann", PASSWORD)).status == 403
    desk.accounts.change("ann", roles=["user", "admin"])
    assert send(log_in("ann", PASSWORD)).status == 200


def test_a_cached_caller_asks_neither_the_store_nor_the_hasher(behind: Behind) -> None:
    """The hot way is worth its name: one look at the lease."""
    desk = Desk(store=Noting())
    desk.accounts.add("ann", PASSWORD)
    send = behind(guarded(desk.accounts, clock=desk.clock))
    assert send(log_in("ann", PASSWORD)).status == 200
    assert isinstance(desk.store, Noting)
    desk.store.asked.clear()
    desk.hasher.take()
    for _ in range(3):
        assert send(log_in("ann", PASSWORD)).status == 200
    assert desk.store.asked == []
    assert desk.hasher.take() == []


class Overtaken(MemoryStore):
    """A store in which ann is disabled the moment after she was read."""

    def find_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        """Read, and let an operator be quick."""
        found = super().find_account(name, fold_case=fold_case)
        if found is not None and not found.disabled:
            assert self.replace_account(replace(found, disabled=True)) is not None
        return found


def test_what_changed_while_it_was_read_is_not_leased(behind: Behind) -> None:
    """The mark is taken before the account is read: one answer may be of the last moment, the next one is not."""
    desk = Desk(store=Overtaken())
    desk.store.add_account(AccountRecord(id="ann", names=("ann",), password_hash=stored("bcrypt"), hash_profile="bcrypt 4"))
    send = behind(guarded(desk.accounts, clock=desk.clock))
    assert [send(log_in("ann", PASSWORD)).status for _ in range(3)] == [200, 401, 401]


def test_a_lease_says_from_when_until_when() -> None:
    """From the end of a lock that is over, to the end of the password, by the clock of the checker; a change ends it."""
    desk = Desk(max_age=DAY)
    desk.accounts.add("ann", PASSWORD)
    desk.accounts.lock("ann", NOW + 10)
    desk.clock.set(NOW + 20)
    lease = desk.accept("ann").lease
    assert lease is not None
    for at, holds in ((20, True), (10, True), (9, False), (DAY - 1, True), (DAY, False), (20, True)):
        desk.clock.set(NOW + at)
        assert lease.is_current() is holds
    desk.accounts.change("ann", roles=["x"])
    assert not lease.is_current()
    assert repr(lease).startswith("StoreLease(('account ann',), revision=")


# What is left to do


def test_a_login_is_noted_after_the_response_and_once_a_minute(behind: Behind) -> None:
    """Not on the way of the request, and not by the requests that follow within a minute; wrong passwords note nothing."""
    store = Noting()
    desk = Desk(store=store)
    desk.accounts.add("ann", PASSWORD)
    send = behind(guarded(desk.accounts, clock=desk.clock, remember=0))

    def noted() -> list[float | None]:
        return [desk.accounts.get("ann").last_login_at]

    assert send(log_in("ann", "S3cret")).status == 401
    assert noted() == [None]
    seen: list[float | None] = []
    for step in (0, 0, 30, 29, 1, 0, 60):
        desk.clock.advance(step)
        assert send(log_in("ann", PASSWORD)).status == 200
        seen += noted()
    assert [at and at - NOW for at in seen] == [0, 0, 0, 0, 60, 60, 120]
    assert store.asked.count("note_login") == 3


def test_the_check_itself_notes_nothing() -> None:
    """It hands over what is left to do: whoever asks a checker alone may let it be, and it is not offered twice within a minute."""
    desk = Desk()
    desk.accounts.add("ann", PASSWORD)
    first = desk.accept("ann")
    assert desk.accounts.get("ann").last_login_at is None
    assert first.after_response is not None
    assert desk.accept("ann").after_response is None
    first.after_response.run()
    assert desk.accounts.get("ann").last_login_at == NOW
    assert PASSWORD not in repr(first) + repr(first.after_response)


def test_another_process_that_noted_a_login_counts() -> None:
    """The time in the store is looked at, too: several workers do not each write once a minute."""
    desk = Desk()
    desk.accounts.add("ann", PASSWORD)
    other = Desk(store=desk.store)
    after_response = desk.accept("ann").after_response
    assert after_response is not None
    after_response.run()
    assert other.accept("ann").after_response is None


def test_a_login_ends_no_lease() -> None:
    """Noting it is no change that a guard need know of."""
    desk = Desk()
    desk.accounts.add("ann", PASSWORD)
    verdict = desk.accept("ann")
    assert verdict.after_response is not None
    assert verdict.lease is not None
    verdict.after_response.run()
    assert verdict.lease.is_current()


def test_an_outage_while_a_login_is_noted_is_ignored(behind: Behind) -> None:
    """The client has its response, the operator an event, and the next login is noted."""
    store = Noting()
    desk = Desk(store=store)
    desk.accounts.add("ann", PASSWORD)
    send = behind(guarded(desk.accounts, clock=desk.clock, remember=0))

    class Falling(list[str]):
        def append(self, what: str) -> None:
            super().append(what)
            store.is_down = what == "note_login" and self.count("note_login") == 1

    store.asked = Falling()
    assert send(log_in("ann", PASSWORD)).status == 200
    assert [(event.kind, event.subject, event.detail) for event in desk.events] == [
        ("login_not_noted", "ann", "a login could not be noted: the disk is gone")
    ]
    store.is_down = False
    assert send(log_in("ann", PASSWORD)).status == 200
    assert desk.accounts.get("ann").last_login_at == NOW


# The store


def test_an_outage_is_503_and_no_refusal(behind: Behind) -> None:
    """Known or not, right or wrong; with the store's word on when to come back, and without a verification."""
    store = Noting()
    desk = Desk(store=store)
    desk.accounts.add("ann", PASSWORD)
    send = behind(guarded(desk.accounts, clock=desk.clock))
    assert send(log_in("nobody", PASSWORD)).status == 401
    store.is_down = True
    desk.hasher.take()
    answers = [send(log_in(name, password)) for name, password in (("ann", PASSWORD), ("ann", "x"), ("nobody", "x"))]
    assert {answer.status for answer in answers} == {503}
    assert {answer.one("retry-after") for answer in answers} == {"3"}
    assert desk.hasher.take() == []
    store.is_down = False
    assert send(log_in("ann", PASSWORD)).status == 200


@pytest.mark.anyio
async def test_a_store_that_may_block_is_asked_in_a_worker_thread() -> None:
    """And one that does not is asked at once."""
    for blocking in (True, False):
        store = Noting(blocking=blocking)
        desk = Desk(store=store)
        desk.accounts.add("ann", PASSWORD)
        store.threads.clear()
        guard = guarded(desk.accounts)
        decision = await guard.adecide(ask("/", basic("ann", PASSWORD)))
        assert decision.granted
        assert (threading.current_thread() in store.threads) is not blocking
        assert store.threads


def test_a_name_that_no_store_can_keep_is_unknown() -> None:
    """Too long, half a character, a NUL: refused as anybody who is not there, at the same cost."""
    desk = Desk()
    desk.accounts.add("ann", PASSWORD)
    for name in ("x" * 100_000, "\ud800", "ann\0", ""):
        desk.hasher.take()
        assert desk.accounts.check(BasicCredentials(name, PASSWORD)) == Refused(Reason.UNKNOWN_IDENTITY)
        assert len(desk.hasher.take()) == 1


# Configuration


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_age": 0}, "Accounts\\(max_age=...\\) must be a number of seconds, more than 0, got 0"),
        ({"max_age": -1}, "got -1"),
        ({"max_age": inf}, "got inf"),
        ({"max_age": nan}, "got nan"),
        ({"max_age": True}, "got True"),
        ({"max_age": "1d"}, "got '1d'"),
        ({"disclose": "disabled"}, "must be a collection of names, not one string, got 'disabled'"),
        ({"disclose": 7}, r'got 7\. Write \["disabled"\]\.'),
        ({"disclose": ["expired"]}, "got .*'expired'"),
        ({"disclose": [Reason.UNKNOWN_IDENTITY]}, "must be a collection of"),
        ({"disclose": [Reason.WRONG_SECRET]}, "must be a collection of"),
        ({"hasher": "argon2"}, "must be a PasswordHasher or a CryptContext"),
    ],
)
def test_an_argument_that_cannot_be_right_is_a_mistake(options: dict[str, Any], message: str) -> None:
    """Found at construction; what nobody may be told without the right password cannot be asked for."""
    with pytest.raises(ConfigurationError, match=message):
        Accounts(MemoryStore(), **options)


@pytest.mark.parametrize("store", [None, "sqlite:///x.db", {}, object(), MemoryStore])
def test_a_store_is_a_store(store: object) -> None:
    """Found at construction, with what to give instead."""
    with pytest.raises(
        ConfigurationError, match=r"Accounts\(store\) must be a store, such as watchword\.stores\.MemoryStore\(\) or SQLStore"
    ):
        Accounts(store)  # type: ignore[arg-type]  # the mistake itself


def test_the_repr_names_the_store() -> None:
    """And nobody in it."""
    desk = Desk()
    desk.accounts.add("ann", PASSWORD)
    assert repr(desk.accounts) == "Accounts(MemoryStore(1 accounts, 0 keys, 0 tokens))"


class TestContract(CheckerContract):
    """It does what every checker owes its guard."""

    accepted = BasicCredentials("ann", PASSWORD)
    refused = BasicCredentials("ann", "S3creT")
    identity = "ann"

    def checker(self) -> object:
        """Return one."""
        desk = Desk()
        desk.accounts.add("ann", PASSWORD)
        return desk.accounts


def test_the_log_says_whose_login_failed_and_the_client_does_not(behind: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The id of the account is a stored fact; what was typed as a name may be a password, and is not logged."""
    desk = Desk()
    desk.accounts.add("ann", PASSWORD, id="u-17")
    driver = behind(Guard(Basic(desk.accounts, realm="r")))
    desk.accounts.disable("ann")
    with caplog.at_level(logging.INFO, "watchword"):
        bodies = [
            driver(Request(target="/", headers=(basic(*shown),))).body for shown in (("ann", PASSWORD), ("ann", "x"), ("s3cret", "x"))
        ]
    assert [record.watchword["detail"] for record in caplog.records] == ["account u-17", "account u-17", ""]  # type: ignore[attr-defined]  # an extra
    assert b"u-17" not in b"".join(bodies)
    assert "s3cret" not in caplog.text
