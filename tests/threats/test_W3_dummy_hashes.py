"""What an unknown name is verified against is like what known ones are (threat W3)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.logins import CountingHasher, Desk, checker_of, write_htpasswd
from tests.support.passwords import MAKERS, stored
from watchword import BasicCredentials, ConfigurationError, Reason, Refused, Unavailable
from watchword.checkers import Accounts, Htpasswd, Users, verify_password
from watchword.checkers.passwords import DummyHashes, check_hash
from watchword.stores.memory import MemoryStore
from watchword.stores.ports import AccountRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from watchword.checkers import FlowChecker

KINDS = ["users", "htpasswd", "accounts"]
NAMES = [f"nobody{number}" for number in range(400)]


def costs(checker: FlowChecker[BasicCredentials], hasher: CountingHasher, names: Sequence[str] = NAMES) -> list[str | None]:
    """Return what a request by each of these unknown names is verified against, by format and cost: one each."""
    hasher.take()
    for name in names:
        assert checker.check(BasicCredentials(name, "x")) == Refused(Reason.UNKNOWN_IDENTITY)
    found = hasher.take()
    assert len(found) == len(names)
    return found


def dummy_hashes_of(checker: object) -> DummyHashes:
    """Return the dummy hashes of a checker."""
    holder = getattr(checker, "_table", None) or getattr(getattr(checker, "_loaded", None), "table", checker)
    found = getattr(holder, "dummies", None) or getattr(holder, "_dummies")._known  # noqa: B009 - not every holder has it
    assert isinstance(found, DummyHashes)
    return found


def mixed(kind: str, hashes: dict[str, str], hasher: CountingHasher, folder: Path) -> FlowChecker[BasicCredentials]:
    """Return a checker of some kind with these users, whose dummy hashes are dealt the same way every time."""
    if kind == "users":
        return Users(hashes, hasher=hasher)
    if kind == "htpasswd":
        return Htpasswd(write_htpasswd(folder / "users", hashes), hasher=hasher)
    store = MemoryStore()
    store._dummy_key = bytes(range(32))
    desk = Desk(store=store, hasher=hasher)
    for name, hash_ in hashes.items():
        desk.accounts.add(name, password_hash=hash_)
    return desk.accounts


@pytest.mark.sampled(4)
@pytest.mark.parametrize("scheme", MAKERS)
@pytest.mark.parametrize("kind", KINDS)
def test_W3_decoys_are_real_hashes_of_the_format_in_use(kind: str, scheme: str, tmp_path: Path) -> None:
    """For each format that can be in use: every dummy hash parses, has its cost, and the empty secret of the row does not match it."""
    if (kind, scheme) == ("users", "ldap-sha1"):
        scheme = "ldap-salted-sha1"  # without a salt Users takes none
    hasher = CountingHasher(settles=True)
    checker = checker_of(kind, stored(scheme), hasher, tmp_path)
    assert set(costs(checker, hasher, NAMES[:20])) == {hasher.profile(stored(scheme))}
    samples = dummy_hashes_of(checker)._samples
    assert samples
    for dummy in samples:
        check_hash(dummy, "nobody")
        assert hasher.profile(dummy) == hasher.profile(stored(scheme))
        assert not verify_password(dummy, "")


@pytest.mark.parametrize("kind", KINDS)
def test_W3_unknown_names_are_spread_like_known_ones(kind: str, tmp_path: Path) -> None:
    """Of four users three have Argon2 and one bcrypt: so it is with 400 unknown names, to within a tenth of them."""
    hasher = CountingHasher(settles=True)
    hashes = {"ann": stored("argon2id"), "bob": stored("argon2id"), "cid": stored("argon2id"), "dot": stored("bcrypt")}
    found = Counter(costs(mixed(kind, hashes, hasher, tmp_path), hasher))
    assert set(found) == {hasher.profile(stored("argon2id")), hasher.profile(stored("bcrypt"))}
    assert 0.6 < found[hasher.profile(stored("argon2id"))] / len(NAMES) < 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_W3_a_format_without_accounts_has_no_dummy_hash(kind: str, tmp_path: Path) -> None:
    """Where all accounts have old hashes, no refusal costs a new one: that would reveal an unknown name."""
    hasher = CountingHasher()
    hashes = {"ann": stored("bcrypt"), "bob": stored("sha512-crypt")}
    found = set(costs(mixed(kind, hashes, hasher, tmp_path), hasher, NAMES[:100]))
    assert found == {hasher.profile(hash_) for hash_ in hashes.values()}


@pytest.mark.parametrize("kind", KINDS)
def test_W3_a_name_costs_the_same_in_every_checker_of_the_same_users(kind: str, tmp_path: Path) -> None:
    """Two processes over one table, file or store agree, whatever the order they read it in: a name has one cost."""
    hashes = {name: stored(scheme) for name, scheme in zip("abcd", ("argon2id", "bcrypt", "sha512-crypt", "apr1"), strict=True)}
    one, other = CountingHasher(settles=True), CountingHasher(settles=True)
    first = costs(mixed(kind, hashes, one, tmp_path), one, NAMES[:100])
    second = costs(mixed(kind, dict(reversed(hashes.items())), other, tmp_path), other, NAMES[:100])
    assert first == second
    assert len(set(first)) == 4


def test_W3_a_name_costs_the_same_in_another_process() -> None:
    """Nothing random of this process goes into the choice, neither its hash seed nor a key of its own."""
    hashes = {"ann": stored("argon2id"), "bob": stored("bcrypt")}
    program = (
        "import sys\n"
        "from watchword.checkers import Users\n"
        "users = Users(dict(zip(sys.argv[1::2], sys.argv[2::2])))\n"
        "for number in range(400): print(users._table.dummies.for_name(f'nobody{number}'))"
    )
    arguments = [part for pair in hashes.items() for part in pair]
    printed = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True).stdout.split()
    here = dummy_hashes_of(Users(hashes))
    assert printed == [here.for_name(name) for name in NAMES]
    assert set(printed) == set(hashes.values())


def test_W3_a_change_of_one_user_leaves_most_names_where_they_were() -> None:
    """One user more moves few dummies: a name whose cost changes from one day to the next is unknown."""
    bcrypt = "$2b$04$abcdefghijklmnopqrstuu" + "a" * 30 + "C"  # the same in every run, as the other one is
    hashes = {f"user{number}": stored("argon2id") if number % 2 else bcrypt for number in range(20)}
    hasher = CountingHasher()

    def cost(name: str, dummies: DummyHashes) -> str | None:
        return hasher.profile(dummies.for_name(name))

    before, moved = dummy_hashes_of(Users(hashes, hasher=hasher)), []
    for added in ("ann", "bob", "cid", "dot", "eva"):
        after = dummy_hashes_of(Users({**hashes, added: stored("argon2id")}, hasher=hasher))
        moved.append(sum(cost(name, before) != cost(name, after) for name in NAMES))
    assert sorted(moved)[2] < len(NAMES) / 10


def test_W3_a_malformed_hash_costs_a_verification_and_is_reported() -> None:
    """The account cannot log in, at the price of any other, and the operator learns once whose it is, without the hash."""
    desk = Desk()
    desk.accounts.add("ann", "s3cret")
    for name, hash_ in (("bob", "$argon2id$v=19$m=64,t=1,p=1$broken"), ("cid", "s3cret"), ("dot", "$2b$31$" + "a" * 53)):
        desk.store.add_account(AccountRecord(id=f"id of {name}", names=(name,), password_hash=hash_))
        for _ in range(3):
            desk.hasher.take()
            assert desk.accounts.check(BasicCredentials(name, "s3cret")) == Refused(Reason.WRONG_SECRET)
            assert desk.hasher.take() == [desk.hasher.profile(desk.hasher.dummy())]
        event = desk.events.pop()
        assert desk.events == []
        assert (event.kind, event.subject) == ("unusable_hash", f"id of {name}")
        assert hash_ not in repr(event)


def test_W3_a_new_format_is_a_decoy_from_the_next_request_on() -> None:
    """An import of old hashes into a running service does not leave unknown names at the price of new ones."""
    desk = Desk()
    old = desk.hasher.profile(stored("bcrypt"))
    usual = desk.hasher.profile(desk.hasher.dummy())
    assert set(costs(desk.accounts, desk.hasher, NAMES[:20])) == {usual}  # nobody is there yet
    for number in range(9):
        desk.accounts.add(f"user{number}", password_hash=stored("bcrypt"))
    desk.accounts.check(BasicCredentials("user0", "x"))
    assert set(costs(desk.accounts, desk.hasher, NAMES[:50])) == {old}
    desk.accounts.add("ann", "s3cret")
    desk.accept("ann")
    assert set(costs(desk.accounts, desk.hasher)) == {old, usual}


class Sampled(MemoryStore):
    """A store that counts how often it is sampled, and may be down for that."""

    times = 0
    is_down = False

    def hash_samples(self) -> Sequence[tuple[str, int]]:
        """Count."""
        self.times += 1
        if self.is_down:
            raise Unavailable("a timeout")
        return super().hash_samples()


def test_W3_the_last_good_decoys_stay() -> None:
    """The store is sampled once in ten minutes; if that fails, unknown names go on costing what they did."""
    store = Sampled()
    desk = Desk(store=store)
    desk.accounts.add("ann", password_hash=stored("bcrypt"))
    before = costs(desk.accounts, desk.hasher, NAMES[:50])
    assert store.times == 1
    store.is_down = True
    desk.clock.advance(601)
    assert costs(desk.accounts, desk.hasher, NAMES[:50]) == before
    assert store.times == 2
    store.is_down = False
    desk.clock.advance(-10_000)
    assert costs(desk.accounts, desk.hasher, NAMES[:50]) == before
    assert store.times == 3


def test_W3_without_a_sample_an_unknown_name_costs_a_new_hash() -> None:
    """A store that was never sampled lets known names in, and unknown ones cost the dummy hash, until a sample succeeds."""
    store = Sampled()
    desk = Desk(store=store)
    desk.accounts.add("ann", password_hash=stored("bcrypt"))
    store.is_down = True
    usual = desk.hasher.profile(desk.hasher.dummy())
    assert set(costs(desk.accounts, desk.hasher, NAMES[:5])) == {usual}
    desk.accept("ann")
    store.is_down = False
    desk.clock.advance(60)
    assert set(costs(desk.accounts, desk.hasher, NAMES[:5])) == {desk.hasher.profile(stored("bcrypt"))}


class Forgetful:
    """A context whose hashes match nothing, as the empty dummy of the row did."""

    def hash(self, secret: str | bytes) -> str:
        """Make one."""
        return stored("argon2id")

    def verify(self, secret: str | bytes, hash: str) -> bool:  # noqa: A002 - passlib's names
        """Match nothing."""
        return False

    def needs_update(self, hash: str) -> bool:  # noqa: A002 - passlib's names
        """Call none outdated."""
        return False

    def identify(self, hash: str) -> str | None:  # noqa: A002 - passlib's names
        """Know Argon2."""
        return "argon2"


def test_W3_the_dummy_is_made_and_checked_at_construction() -> None:
    """A hasher whose dummy would cost another price than its hashes, or matches nothing, is found before the first request."""
    with pytest.raises(ConfigurationError, match="their own password does not match"):
        Accounts(MemoryStore(), hasher=Forgetful())
    hasher = CountingHasher()
    Accounts(MemoryStore(), hasher=hasher)
    assert hasher._dummy
