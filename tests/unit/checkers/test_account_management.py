"""What operators do with accounts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.logins import NOW, CountingHasher, Desk
from tests.support.passwords import MAKERS, PASSWORD, stored
from watchword import BasicCredentials, BearerToken, ConfigurationError, Reason, Refused, Unavailable
from watchword.checkers import APIKeys, OpaqueTokens
from watchword.checkers.account_management import TRIES
from watchword.errors import AlreadyExists, NotFound, Overloaded
from watchword.protection.hash_limiter import HashLimiter
from watchword.stores.memory import MemoryStore
from watchword.stores.ports import PAGE, AccountRecord

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def desk() -> Desk:
    """Nobody is there yet."""
    return Desk()


# Adding


def test_an_account_is_kept_as_it_was_given(desk: Desk) -> None:
    """Every field, with the hash of the password and never the password, and the times of now."""
    added = desk.accounts.add("ann", PASSWORD, id="u-17", names=["ann@x"], roles=["a"], scopes=["b"], permissions=["c", "d"])
    assert added.password_hash is not None
    assert desk.hasher.verify(added.password_hash, PASSWORD)
    assert added == AccountRecord(
        id="u-17",
        names=("ann", "ann@x"),
        password_hash=added.password_hash,
        hash_profile="argon2id m=64 t=1 p=1",
        password_changed_at=NOW,
        roles=frozenset({"a"}),
        scopes=frozenset({"b"}),
        permissions=frozenset({"c", "d"}),
        created_at=NOW,
        version=added.version,
    )
    assert desk.accounts.get("ann") == added
    assert PASSWORD not in repr(added)


def test_the_id_is_the_name_unless_told_otherwise(desk: Desk) -> None:
    """In canonical form, like the name; names given twice are one."""
    added = desk.accounts.add("cafe\u0301", PASSWORD, names=["caf\u00e9", "x", "x"])
    assert added.id == "caf\u00e9"
    assert added.names == ("caf\u00e9", "x")


def test_an_account_may_be_without_a_password(desk: Desk) -> None:
    """Nothing lets it in until one is set."""
    added = desk.accounts.add("robot")
    assert (added.password_hash, added.hash_profile, added.password_changed_at) == (None, None, None)
    desk.accounts.set_password("robot", PASSWORD)
    desk.accept("robot")


@pytest.mark.parametrize("scheme", MAKERS)
def test_a_hash_from_elsewhere_is_taken_in_every_format(scheme: str, desk: Desk) -> None:
    """With its format and cost noted, by which unknown names are dealt their dummies."""
    added = desk.accounts.add("ann", password_hash=stored(scheme))
    assert added.password_hash == stored(scheme)
    assert added.hash_profile == desk.hasher.profile(stored(scheme))
    desk.accept("ann")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": ""}, "a user name must be a non-empty string"),
        ({"name": None}, "a user name must be a non-empty string"),
        ({"name": "ann:s3cret"}, "begins with 'ann' cannot be sent in Basic .* Remove the colon"),
        ({"name": "a\nb"}, "Remove the control character"),
        ({"names": ["a:b"]}, "Remove the colon"),
        ({"names": "bob"}, "names must be a collection of names, such as .*, got 'bob'"),
        ({"names": [7]}, "each of the names must be a string, got int"),
        ({"roles": "admin"}, "roles must be a collection"),
        ({"roles": [""]}, "each of the roles must be a non-empty string"),
        ({"scopes": [None]}, "each of the scopes must be a string"),
        ({"permissions": ["a\nb"]}, "each of the permissions must be without control characters"),
        ({"id": ""}, "the id of an account must be a non-empty string"),
        ({"id": 7}, "the id of an account"),
        ({"id": "a\nb"}, "the id of an account"),
        ({"password": ""}, "the password is empty"),
        ({"password": "s3cret\0"}, "the password holds a NUL"),
        ({"password": "s3cret" * 200}, "the password is longer than 1024 octets"),
        ({"password": "s3cret", "password_hash": stored("bcrypt")}, "takes password=... or password_hash=..., got both"),
        ({"password_hash": "s3cret"}, "the password of 'ann' is not a hash of a known format"),
        ({"password_hash": stored("bcrypt")[:-1]}, "the bcrypt hash of 'ann' is malformed"),
        ({"password_hash": ""}, "not a hash of a known format"),
        ({"name": "x" * 1025}, "is longer than 1024 octets"),
    ],
)
def test_what_cannot_be_right_is_refused_in_words(arguments: dict[str, Any], message: str, desk: Desk) -> None:
    """Nothing is kept of it, and no message shows a password or a hash."""
    with pytest.raises(ValueError, match=message) as caught:
        desk.accounts.add(**({"name": "ann"} | arguments))
    assert list(desk.accounts.list()) == []
    assert "s3cret" not in str(caught.value)
    assert stored("bcrypt")[:-1] not in str(caught.value)


@pytest.mark.parametrize("password", [7, b"s3cret", None])
def test_a_password_is_text(password: Any, desk: Desk) -> None:
    """Octets have no one form, and what else is no text is none: a mistake in the program, which changes nothing."""
    desk.accounts.add("ann", PASSWORD)
    with pytest.raises(ConfigurationError, match="a password must be a string, got "):
        desk.accounts.set_password("ann", password)
    desk.accept("ann")


@pytest.mark.parametrize(
    "taken", [{"name": "ann"}, {"name": "bob", "id": "u-1"}, {"name": "bob", "names": ["ann@x"]}, {"name": "cafe\u0301"}]
)
def test_what_is_taken_is_taken(taken: dict[str, Any], desk: Desk) -> None:
    """An id or any of the names, in either form: the account that has it stays as it is."""
    desk.accounts.add("ann", PASSWORD, id="u-1", names=["ann@x", "caf\u00e9"])
    before = list(desk.accounts.list())
    with pytest.raises(AlreadyExists):
        desk.accounts.add(**taken)
    assert list(desk.accounts.list()) == before


def test_where_case_makes_no_difference_a_name_in_another_case_is_taken() -> None:
    """By another account; one account may have both."""
    desk = Desk(fold_case=True)
    desk.accounts.add("Ann", names=["ANN"])
    desk.accounts.add("bob")
    for name in ("ann", "aNN", "Ann"):
        with pytest.raises(AlreadyExists):
            desk.accounts.add(name)
        with pytest.raises(AlreadyExists):
            desk.accounts.change("bob", names=["bob", name])
    desk.accounts.change("Ann", names=["ann", "Ann"])
    assert desk.accounts.get("aNn").names == ("ann", "Ann")


# Finding


def test_an_account_is_named_by_any_of_its_names_or_its_id(desk: Desk) -> None:
    """In either form; a name counts before an id."""
    ann = desk.accounts.add("ann", id="u-17", names=["caf\u00e9"])
    for name in ("ann", "caf\u00e9", "cafe\u0301", "u-17"):
        assert desk.accounts.get(name) == ann
    bob = desk.store.add_account(AccountRecord(id="u-18", names=("u-17",)))  # by something else that writes to the store
    assert desk.accounts.get("u-17") == bob


def test_no_name_equals_the_id_of_another_account(desk: Desk) -> None:
    """Else whoever disables one of them by what stands in a log disables the other."""
    desk.accounts.add("ann", id="u-17")
    desk.accounts.add("bob")
    wrongs: list[Callable[[], object]] = [
        lambda: desk.accounts.add("u-17"),
        lambda: desk.accounts.add("cid", names=["u-17"]),
        lambda: desk.accounts.add("cid", id="ann"),
        lambda: desk.accounts.change("bob", names=["bob", "u-17"]),
    ]
    for wrong in wrongs:
        with pytest.raises(AlreadyExists, match=r"of another account|there is an account with the id 'u-17' already"):
            wrong()
    assert desk.accounts.change("ann", names=["ann", "u-17"]).names == ("ann", "u-17")
    assert [account.id for account in desk.accounts.list()] == ["bob", "u-17"]


@pytest.mark.parametrize("name", ["nobody", "", "Ann", "\ud800", "x" * 5000])
def test_an_unknown_account_is_not_found(name: str, desk: Desk) -> None:
    """By every method that changes somebody: and the error is a LookupError that says the name."""
    desk.accounts.add("ann")
    accounts = desk.accounts
    methods: list[Callable[[], object]] = [
        lambda: accounts.get(name),
        lambda: accounts.set_password(name, PASSWORD),
        lambda: accounts.disable(name),
        lambda: accounts.enable(name),
        lambda: accounts.lock(name, NOW),
        lambda: accounts.unlock(name),
        lambda: accounts.change(name, roles=["x"]),
        lambda: accounts.remove(name),
    ]
    for method in methods:
        with pytest.raises(NotFound, match="there is no account"):
            method()


def test_all_are_listed_page_by_page_in_the_order_of_their_ids(desk: Desk) -> None:
    """More than a page of them, once each."""
    for number in range(PAGE + 5):
        desk.store.add_account(AccountRecord(id=f"u{number:05}", names=(f"n{number}",)))
    assert [account.id for account in desk.accounts.list()] == [f"u{number:05}" for number in range(PAGE + 5)]
    assert list(Desk().accounts.list()) == []


# Changing


def test_whose_name_is_the_id_of_another_is_the_one_who_is_changed(desk: Desk) -> None:
    """An account is looked up once, by what the operator wrote; from there on it is the same one, whatever others are called."""
    methods: list[Callable[[str], AccountRecord]] = [
        lambda name: desk.accounts.set_password(name, "another"),
        lambda name: desk.accounts.change(name, roles=["x"]),
        desk.accounts.disable,
        lambda name: desk.accounts.lock(name, NOW + 1),
    ]
    desk.accounts.add("ann@x", PASSWORD, id="ann")
    other = desk.store.add_account(AccountRecord(id="u-17", names=("ann",)))
    for method in methods:
        assert method("ann@x").id == "ann"
        assert desk.store.get_account("u-17") == other
    assert desk.accounts.remove("ann@x").id == "ann"
    assert list(desk.accounts.list()) == [other]


def test_a_new_password_takes_the_place_of_the_old_one(desk: Desk) -> None:
    """When it was set is noted; everything else stays, and the old one lets nobody in."""
    before = desk.accounts.add("ann", password_hash=stored("bcrypt"), roles=["admin"])
    desk.clock.advance(5)
    after = desk.accounts.set_password("ann", "another")
    assert desk.accounts.check(BasicCredentials("ann", PASSWORD)) == Refused(Reason.WRONG_SECRET)
    desk.accept("ann", "another")
    assert after.password_changed_at == NOW + 5
    assert after.hash_profile == "argon2id m=64 t=1 p=1"
    same = {"password_hash": before.password_hash, "hash_profile": "bcrypt 4", "password_changed_at": NOW, "version": before.version}
    assert replace(after, **same) == before  # type: ignore[arg-type]  # fields of several types


@pytest.mark.parametrize("password", ["", "s3cret\0", "x" * 1025, "é" * 513])
def test_a_password_that_cannot_be_used_changes_nothing(password: str, desk: Desk) -> None:
    """The old one lets in as before."""
    before = desk.accounts.add("ann", PASSWORD)
    with pytest.raises(ConfigurationError, match="password"):
        desk.accounts.set_password("ann", password)
    assert desk.accounts.get("ann") == before
    desk.accept("ann")


def test_disabling_and_enabling(desk: Desk) -> None:
    """Twice is once; a locked account that is enabled is still locked."""
    desk.accounts.add("ann", PASSWORD)
    desk.accounts.lock("ann", NOW + 60)
    assert desk.accounts.disable("ann").disabled
    assert desk.accounts.disable("ann").disabled
    assert not desk.accounts.enable("ann").disabled
    assert not desk.accounts.enable("ann").disabled
    assert desk.accounts.check(BasicCredentials("ann", PASSWORD)) == Refused(Reason.LOCKED)
    assert desk.accounts.unlock("ann").locked_until is None
    assert desk.accounts.unlock("ann").locked_until is None
    desk.accept("ann")


@pytest.mark.parametrize("until", [None, "tomorrow", float("nan"), float("inf"), float("-inf"), True])
def test_a_lock_ends_at_a_time(until: Any, desk: Desk) -> None:
    """For ever is what `disable` is for."""
    before = desk.accounts.add("ann")
    with pytest.raises(ConfigurationError, match=r"(the end of a lock|lock.*) must be .*Unix seconds.* got"):
        desk.accounts.lock("ann", until)
    assert desk.accounts.get("ann") == before
    assert desk.accounts.lock("ann", 7).locked_until == 7.0


def test_what_is_not_given_stays(desk: Desk) -> None:
    """Each field by itself; what is given replaces all that was there, and empty takes all away."""
    given: dict[str, Any] = {"roles": ["a"], "scopes": ["b"], "permissions": ["c"]}
    before = desk.accounts.add("ann", PASSWORD, names=["x"], **given)
    for field, held in given.items():
        after = desk.accounts.change("ann", **{field: ["n", "m"]})
        assert getattr(after, field) == frozenset({"n", "m"})
        assert getattr(desk.accounts.change("ann", **{field: []}), field) == frozenset()
        back = desk.accounts.change("ann", **{field: held})
        assert replace(back, version=before.version) == before
    assert desk.accounts.change("ann", names=["b", "cafe\u0301", "b"]).names == ("b", "caf\u00e9")
    with pytest.raises(NotFound):
        desk.accounts.get("x")
    assert replace(desk.accounts.change("b", names=["ann", "x"]), version=before.version) == before


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"names": []}, ConfigurationError),
        ({"names": ["a:b"]}, ConfigurationError),
        ({"names": "x"}, ConfigurationError),
        ({"names": ["ann", "bob"]}, AlreadyExists),
        ({"roles": "admin"}, ConfigurationError),
        ({"scopes": [""]}, ConfigurationError),
        ({"permissions": [7]}, ConfigurationError),
    ],
)
def test_a_change_that_cannot_be_changes_nothing(arguments: dict[str, Any], error: type[Exception], desk: Desk) -> None:
    """An account keeps a name, and takes none that another one has."""
    desk.accounts.add("bob")
    before = desk.accounts.add("ann")
    with pytest.raises(error):
        desk.accounts.change("ann", **arguments)
    assert desk.accounts.get("ann") == before


def test_a_removed_account_loses_its_keys_and_tokens(desk: Desk) -> None:
    """Account, names, keys and tokens; what the account was is returned, and its names are free."""
    keys, tokens = APIKeys(desk.store, clock=desk.clock), OpaqueTokens(desk.store, clock=desk.clock)
    before = desk.accounts.add("ann", PASSWORD, names=["x"])
    key, token = keys.create("ann").key, tokens.create("ann").token
    assert desk.accounts.remove("x") == before
    for name in ("ann", "x"):
        assert desk.accounts.check(BasicCredentials(name, PASSWORD)) == Refused(Reason.UNKNOWN_IDENTITY)
    assert isinstance(keys.check(BearerToken(key)), Refused)
    assert isinstance(tokens.check(BearerToken(token)), Refused)
    with pytest.raises(NotFound):
        desk.accounts.remove("ann")
    again = desk.accounts.add("ann", "another")
    assert again.version > before.version


# Several at once, and the store


class Busy(MemoryStore):
    """A store in which somebody else is always a little quicker, so many times; or in which the account is gone then."""

    def __init__(self, times: int, *, removes: bool = False) -> None:
        super().__init__()
        self.times = times
        self.removes = removes

    def replace_account(self, account: AccountRecord, *, fold_case: bool | None = None) -> AccountRecord | None:
        """Let another change come first."""
        if self.times > 0:
            self.times -= 1
            if self.removes:
                self.remove_account(account.id, NOW)
            else:
                stored_now = self.get_account(account.id)
                assert stored_now is not None
                super().replace_account(replace(stored_now, scopes=stored_now.scopes | {f"s{self.times}"}))
        return super().replace_account(account, fold_case=fold_case)


def test_a_change_that_others_were_quicker_with_is_made_upon_theirs() -> None:
    """Compare and set: what they changed stays, and so does this."""
    desk = Desk(store=Busy(3))
    desk.accounts.add("ann")
    after = desk.accounts.change("ann", roles=["admin"])
    assert (after.roles, after.scopes) == (frozenset({"admin"}), frozenset({"s0", "s1", "s2"}))


def test_a_change_gives_up_where_others_are_always_quicker() -> None:
    """After twenty times it is an outage, and nothing of it is kept."""
    desk = Desk(store=Busy(TRIES))
    desk.accounts.add("ann")
    with pytest.raises(Unavailable, match=f"the account 'ann' was changed by others {TRIES} times meanwhile"):
        desk.accounts.disable("ann")
    assert not desk.accounts.get("ann").disabled
    assert desk.accounts.disable("ann").disabled


def test_an_account_that_is_removed_meanwhile_is_not_found() -> None:
    """It is not made again by the change."""
    desk = Desk(store=Busy(1, removes=True))
    desk.accounts.add("ann")
    with pytest.raises(NotFound, match="there is no account 'ann' any more"):
        desk.accounts.disable("ann")
    assert list(desk.accounts.list()) == []


def test_changes_in_many_threads_are_all_made() -> None:
    """Eight threads, a field each: none undoes another one's."""
    desk = Desk()
    desk.accounts.add("ann", PASSWORD)
    together = threading.Barrier(4)
    jobs: list[Callable[[], object]] = [
        lambda: desk.accounts.change("ann", roles=["r"]),
        lambda: desk.accounts.change("ann", scopes=["s"]),
        lambda: desk.accounts.disable("ann"),
        lambda: desk.accounts.lock("ann", NOW + 1),
    ]

    def work(job: Callable[[], object]) -> None:
        together.wait()
        job()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, jobs))
    after = desk.accounts.get("ann")
    assert (after.roles, after.scopes, after.disabled, after.locked_until) == (frozenset("r"), frozenset("s"), True, NOW + 1)


def test_a_hash_that_has_no_place_is_an_outage_and_changes_nothing() -> None:
    """Operators wait their turn like everybody: where there is none, they are told so, and not that the password is bad."""
    limiter = HashLimiter(1, queue=0)
    desk = Desk(limiter=limiter)
    before = desk.accounts.add("ann", PASSWORD)
    begun, release = threading.Event(), threading.Event()

    def occupy() -> None:
        begun.set()
        release.wait()

    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(limiter.operation(b"other", occupy).run)
        begun.wait()
        try:
            with pytest.raises(Overloaded):
                desk.accounts.set_password("ann", "another")
        finally:
            release.set()
        taken.result()
    assert desk.accounts.get("ann") == before


def test_new_hashes_are_made_by_the_hasher_it_was_given() -> None:
    """With its parameters, once for each password that is set."""
    hasher = CountingHasher(time_cost=2)
    desk = Desk(hasher=hasher)
    assert desk.accounts.add("ann", PASSWORD).hash_profile == "argon2id m=64 t=2 p=1"
    desk.accounts.set_password("ann", "another")
    assert hasher.made == [PASSWORD, "another"]
