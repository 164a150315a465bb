"""What keys alone do: count from networks and from a time on, rotate, and be changed by several at once. See `test_issued`."""

from __future__ import annotations

import threading
from dataclasses import replace
from hashlib import sha256
from math import inf, nan
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ask
from tests.support.issued import HEADERS, NOW, CountingStore, Desk, secret_of
from watchword import Accepted, APIKeyCredentials, ConfigurationError, Reason, Refused, Unavailable
from watchword.checkers.api_keys import APIKeys, NewKey
from watchword.checkers.key_format import _sealed, make_id
from watchword.errors import NotFound
from watchword.stores.memory import MemoryStore
from watchword.stores.ports import KeyRecord
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = 86_400.0


def test_the_secret_of_one_key_opens_no_other() -> None:
    """A key is its id and its secret together."""
    desk = Desk()
    one, other = desk.create()[0], desk.create()[0]
    mixed = _sealed(f"ww_{one.split('_')[1]}_{secret_of(other)}")
    assert desk.checker.check(APIKeyCredentials(mixed)) == Refused(Reason.WRONG_SECRET)


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_a_key_counts_from_its_networks_only(header: Callable[[str], tuple[str, str]]) -> None:
    """401 from elsewhere, which a thief cannot tell from any other; also when it is remembered, and the other way round."""
    desk = Desk()
    guard = desk.guard()
    key = desk.checker.create("ann", networks=["10.0.0.0/8", "2001:db8::/32"]).key
    refused = []
    inside = ["10.1.2.3", "2001:db8::1"]
    for client in ["192.0.2.7", inside[0], "192.0.2.7", inside[1], None, "2001:db9::1"]:
        view = ask("/", header(key), client=client)
        decision = guard.decide(view)
        assert decision.granted is (client in inside)
        if client not in inside:
            refused.append(guard.refuse(decision, view))
    view = ask("/", header("x"))
    refused.append(guard.refuse(guard.decide(view), view))
    assert all(refusal == refused[0] for refusal in refused)
    assert refused[0].status == 401


def test_a_new_key_is_kept_as_it_was_asked_for() -> None:
    """Whatever was said about it, and when it was made."""
    desk = Desk()
    made = desk.checker.create(
        "ann",
        label="nightly export",
        kind="client",
        roles={"r"},
        scopes=("s",),
        permissions=iter(["p"]),
        networks=["10.0.0.0/8", "192.0.2.7", "10.0.0.0/8", "::ffff:198.51.100.0/120"],
        not_before=NOW + 1,
        expires_at=int(NOW + 2),
    )
    record = made.record
    assert record == desk.checker.get(record.id) == next(desk.checker.list())
    assert replace(record, id="", digest=b"", version=0) == KeyRecord(
        id="",
        digest=b"",
        owner="ann",
        label="nightly export",
        kind="client",
        roles=frozenset({"r"}),
        scopes=frozenset({"s"}),
        permissions=frozenset({"p"}),
        networks=("10.0.0.0/8", "192.0.2.7/32", "198.51.100.0/24"),
        not_before=NOW + 1,
        expires_at=NOW + 2,
        created_at=NOW,
    )
    assert record.digest == sha256(secret_of(made.key).encode()).digest()
    assert made.key.split("_")[1] == record.id


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "networks as a string": ({"networks": "10.0.0.0/8"}, r"networks must be a collection, such as \[\"10.0.0.0/8\"\]"),
    "networks None": ({"networks": None}, "networks must be a collection"),
    "no network": ({"networks": ["10.0.0.0/8", "office"]}, "networks must hold networks such as \"10.0.0.0/8\", got 'office'"),
    "an empty network": ({"networks": [""]}, "networks must hold networks such as"),
    "a network with host bits": ({"networks": ["10.0.0.1/8"]}, "has host bits set"),
    "a network with a zone": ({"networks": ["fe80::%eth0/64"]}, "Zones are not compared"),
    "a network that is a number": ({"networks": [10]}, "A network is a string"),
    "networks in one string": ({"networks": ["10.0.0.0/8,192.0.2.0/24"]}, "networks must hold networks such as"),
    "not_before nan": ({"not_before": nan}, "not_before must be Unix seconds, or None, got nan"),
    "an end before the beginning": (
        {"not_before": NOW + 2, "expires_at": NOW + 1},
        r"not_before must be earlier than expires_at .*",
    ),
    "an end at the beginning": ({"not_before": NOW, "expires_at": NOW}, "not_before must be earlier than expires_at"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_key_that_cannot_be_right_is_not_made(case: str) -> None:
    """The message says what is wrong; nothing reaches the store."""
    desk = Desk()
    given, message = MISTAKES[case]
    with pytest.raises(ConfigurationError, match=message):
        desk.checker.create(**{"owner": "ann", **given})
    assert list(desk.checker.list()) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"used_every": -1}, "used_every must be a number of seconds, 0 or more, got -1"),
        ({"used_every": nan}, "used_every must be a number of seconds, 0 or more, got nan"),
        ({"used_every": "60"}, "used_every must be a number of seconds, 0 or more, got '60'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_setting_that_cannot_be_right_is_a_mistake(given: dict[str, Any], message: str) -> None:
    """Found at construction."""
    with pytest.raises(ConfigurationError, match=message):
        APIKeys(MemoryStore(), **given)


def test_both_keys_work_while_they_overlap() -> None:
    """A day, if nothing else is said; then the old one has expired, and the new one works on."""
    desk = Desk()
    old = desk.checker.create("ann", scopes=["s"])
    new = desk.checker.rotate(old.record.id)
    assert new.key != old.key
    for moment, old_works in [(0, True), (DAY - 1, True), (DAY, False), (DAY * 400, False)]:
        desk.clock.set(NOW + moment)
        assert isinstance(desk.checker.check(APIKeyCredentials(old.key)), Accepted) is old_works
        assert isinstance(desk.checker.check(APIKeyCredentials(new.key)), Accepted)
    kept = desk.checker.get(old.record.id)
    assert (kept.replaced_by, kept.expires_at, kept.revoked_at) == (new.record.id, NOW + DAY, None)


def test_the_new_key_holds_what_the_old_one_held() -> None:
    """Everything but the secret, the id and the times."""
    desk = Desk()
    old = desk.checker.create(
        "ann", label="l", kind="client", roles=["r"], scopes=["s"], permissions=["p"], networks=["10.0.0.0/8"], not_before=NOW - 5
    )
    desk.checker.check(APIKeyCredentials(old.key))
    desk.store.note_key_use(old.record.id, NOW)
    new = desk.checker.rotate(old.record.id).record
    assert new.id != old.record.id
    assert new.digest != old.record.digest
    assert replace(new, id="", digest=b"", version=0) == replace(
        old.record, id="", digest=b"", version=0, not_before=None, created_at=NOW, last_used_at=None
    )
    assert desk.checker.get(new.id) == new


@pytest.mark.parametrize("made_for", [{}, {"not_before": NOW}], ids=["at once", "from a time on"])
def test_the_new_key_lives_as_long_as_the_old_one_was_made_for(made_for: Any) -> None:
    """Ninety days again, not what was left of them; and the old one does not outlive its own end."""
    desk = Desk()
    old = desk.checker.create("ann", expires_at=NOW + 90 * DAY, **made_for)
    desk.clock.advance(89.5 * DAY)
    new = desk.checker.rotate(old.record.id)
    assert new.record.expires_at == NOW + 179.5 * DAY
    assert desk.checker.get(old.record.id).expires_at == NOW + 90 * DAY
    # And the next one again.
    assert desk.checker.rotate(new.record.id).record.expires_at == NOW + 179.5 * DAY


def test_a_key_that_is_not_valid_yet_hands_its_beginning_on() -> None:
    """Rotation makes no key valid earlier than it was meant to be."""
    desk = Desk()
    old = desk.checker.create("ann", not_before=NOW + 100, expires_at=NOW + 300)
    new = desk.checker.rotate(old.record.id).record
    assert (new.not_before, new.expires_at) == (NOW + 100, NOW + 300)


@pytest.mark.parametrize("ends", [None, NOW + 7.0])
def test_the_new_key_may_be_given_another_end(ends: float | None) -> None:
    """Or none."""
    desk = Desk()
    old = desk.checker.create("ann", expires_at=NOW + 100)
    assert desk.checker.rotate(old.record.id, expires_at=ends).record.expires_at == ends


def test_without_an_overlap_the_old_key_ends_at_once() -> None:
    """Revoked, so that no clock that is slow lets it in for a moment more."""
    desk = Desk()
    guard, old = desk.guard(), desk.checker.create("ann")
    assert guard.decide(ask("/", ("X-API-Key", old.key))).granted
    new = desk.checker.rotate(old.record.id, overlap=0)
    for _ in range(2):
        assert not guard.decide(ask("/", ("X-API-Key", old.key))).granted
        assert guard.decide(ask("/", ("X-API-Key", new.key))).granted
        desk.clock.advance(-3600)


ROTATION_MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "negative": ({"overlap": -1}, "overlap must be a number of seconds, 0 or more"),
    "none": ({"overlap": None}, "overlap must be a number of seconds"),
    "endless": ({"overlap": inf}, "overlap must be a number of seconds, 0 or more, got inf"),
    "no time": ({"expires_at": nan}, "expires_at must be Unix seconds"),
}


@pytest.mark.parametrize("case", ROTATION_MISTAKES)
def test_a_rotation_that_cannot_be_right_changes_nothing(case: str) -> None:
    """The old key stays as it is, and there is no new one."""
    desk = Desk()
    old = desk.checker.create("ann")
    given, message = ROTATION_MISTAKES[case]
    with pytest.raises(ConfigurationError, match=message):
        desk.checker.rotate(old.record.id, **given)
    assert list(desk.checker.list()) == [old.record]


ENDED: dict[str, Callable[[Desk, str], object]] = {
    "was revoked and cannot be rotated. Create a new key.": lambda desk, name: desk.checker.revoke(name),
    "has expired and cannot be rotated. Create a new key.": lambda desk, name: desk.clock.advance(9),
    "was revoked": lambda desk, name: desk.checker.rotate(name, overlap=0),
    "was replaced by '[0-9A-Za-z]{16}' already. Rotate that one.": lambda desk, name: desk.checker.rotate(name, overlap=5),
}


@pytest.mark.parametrize("message", ENDED)
def test_a_key_that_has_ended_is_not_rotated(message: str) -> None:
    """Whoever holds it must not get a new one for it."""
    desk = Desk()
    name = desk.create(expires_at=NOW + 9)[1].id
    ENDED[message](desk, name)
    desk.clock.advance(5)
    before = list(desk.checker.list())
    with pytest.raises(ConfigurationError, match=f"the API key '{name}' {message}"):
        desk.checker.rotate(name)
    assert list(desk.checker.list()) == before


class Racing(CountingStore):
    """A store in which somebody else is quicker, some times."""

    times_lost = 1

    def lose(self, key: KeyRecord) -> None:
        """Change the key before it is changed."""
        if self.times_lost:
            self.times_lost -= 1
            current = super().find_key(key.id)
            assert current is not None
            super().replace_key(replace(current, label=current.label + "!"))

    def replace_key(self, key: KeyRecord) -> KeyRecord | None:
        """Replace, too late."""
        self.lose(key)
        return super().replace_key(key)

    def rotate_key(self, old: KeyRecord, new: KeyRecord) -> KeyRecord | None:
        """Rotate, too late."""
        self.lose(old)
        return super().rotate_key(old, new)


def test_a_concurrent_change_is_not_lost() -> None:
    """Revoking and rotating read again and keep what the other did."""
    store = Racing()
    keys = APIKeys(store, clock=FixedClock(NOW))
    made = keys.create("ann", label="l")
    new = keys.rotate(made.record.id)
    assert (new.record.label, keys.get(made.record.id).label) == ("l!", "l!")
    assert len(list(keys.list())) == 2
    store.times_lost = 3
    assert keys.revoke(made.record.id)
    assert keys.get(made.record.id).label == "l!!!!"
    assert keys.get(made.record.id).revoked_at == NOW


def test_a_change_that_is_always_too_late_is_an_outage() -> None:
    """It ends, and says that it is not done."""
    store = Racing()
    keys = APIKeys(store, clock=FixedClock(NOW))
    made = keys.create("ann")
    store.times_lost = 10**9
    with pytest.raises(Unavailable):
        keys.revoke(made.record.id)
    with pytest.raises(Unavailable):
        keys.rotate(made.record.id)
    assert len(list(keys.list())) == 1


def test_of_two_rotations_at_once_one_is_done() -> None:
    """Eight threads: one successor, and the others are told which key it is that has one."""
    desk = Desk()
    made = desk.checker.create("ann")
    together = threading.Barrier(8)
    done: list[object] = []

    def work() -> None:
        together.wait()
        try:
            done.append(desk.checker.rotate(made.record.id))
        except ConfigurationError as error:
            done.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [new] = [one for one in done if isinstance(one, NewKey)]
    assert [one for one in done if one is not new] == [
        f"the API key {made.record.id!r} was replaced by {new.record.id!r} already. Rotate that one."
    ] * 7
    assert len(list(desk.checker.list())) == 2


def test_revoking_tells_whether_it_did() -> None:
    """Once; a key that is not there, and what is no id, is False."""
    desk = Desk()
    made = desk.checker.create("ann")
    assert [desk.checker.revoke(name) for name in (made.record.id, made.record.id, make_id(), "", "x", "\ud800")] == [True] + [False] * 5
    assert desk.checker.get(made.record.id).revoked_at == NOW


def test_the_successor_outlives_a_revocation() -> None:
    """Each of the two is revoked for itself."""
    desk = Desk()
    old = desk.checker.create("ann")
    new = desk.checker.rotate(old.record.id)
    assert desk.checker.revoke(old.record.id)
    assert isinstance(desk.checker.check(APIKeyCredentials(new.key)), Accepted)
    assert desk.checker.check(APIKeyCredentials(old.key)) == Refused(Reason.REVOKED)


def test_a_whole_key_in_place_of_an_id_does_not_reach_the_store() -> None:
    """Databases write what they were asked into errors and logs; the message does not show it either."""
    desk = Desk()
    key = desk.create()[0]
    assert not desk.checker.revoke(key)
    for action in (desk.checker.get, desk.checker.rotate):
        for given in (key, secret_of(key), ""):
            with pytest.raises(NotFound, match=r"^that is not the id of an API key$"):
                action(given)
    assert desk.store.asked == []
    with pytest.raises(NotFound, match=(name := make_id())):
        desk.checker.rotate(name)
