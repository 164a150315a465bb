"""What a process knows of the changes that others make, and for how long it believes it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from tests.support.stores import program
from watchword.clock import UptimeClock
from watchword.stores.changes import Changes
from watchword.stores.sql import log, schema
from watchword.stores.sql.freshness import Freshness
from watchword.stores.sql.log import Entry
from watchword.testing import FixedClock
from watchword.testing.stores import account, key, token

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.stores.conftest import Opens


def test_nothing_holds_before_anybody_asked() -> None:
    """A process that has just begun knows nothing."""
    freshness = Freshness(FixedClock(100), 1)
    assert not freshness.is_current(freshness.revision())


def test_an_answer_holds_for_a_while() -> None:
    """From when it was asked, not from when it came."""
    clock = FixedClock(100)
    freshness = Freshness(clock, 1)
    revision = freshness.revision()
    asked = freshness.asking()
    clock.advance(0.9)
    freshness.answered(asked, 0)
    assert freshness.is_current(revision)
    clock.set(101)
    assert not freshness.is_current(revision)
    freshness.answered(freshness.asking(), 0)
    assert freshness.is_current(revision)


def test_without_staleness_nothing_ever_holds() -> None:
    """Whoever wants every revocation at once pays for it with a question per request."""
    freshness = Freshness(FixedClock(100), 0)
    freshness.answered(freshness.asking(), 0)
    assert not freshness.is_current(freshness.revision())


def test_a_generation_without_a_log_voids_everything() -> None:
    """Nobody knows what changed: the log was trimmed, or somebody counted the generation up by hand."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 5)
    revision = freshness.revision()
    freshness.answered(freshness.asking(), 6)
    assert not freshness.is_current(revision)
    assert freshness.is_current(freshness.revision())


def test_an_older_answer_that_arrives_late_changes_nothing() -> None:
    """It neither voids anything nor confirms it."""
    clock = FixedClock(100)
    freshness = Freshness(clock, 1)
    late = freshness.asking()
    clock.advance(0.5)
    freshness.answered(freshness.asking(), 6)
    revision = freshness.revision()
    freshness.answered(late, 5)
    assert freshness.is_current(revision)
    clock.advance(0.9)
    freshness.answered(late, 6)  # of the same generation: it was true then, which is too long ago
    assert freshness.is_current(revision)
    clock.advance(0.1)
    assert not freshness.is_current(revision)


def test_a_first_answer_that_was_overtaken_is_not_held_for_the_newest() -> None:
    """Of the first two questions of a process the older one may be answered last: what it read before a change is not remembered."""
    freshness = Freshness(FixedClock(100), 1)
    revision, older = freshness.revision(), freshness.asking()
    freshness.answered(freshness.asking(), 6)
    freshness.answered(older, 5)
    assert not freshness.is_current(revision)
    freshness.answered(freshness.asking(), 6)
    assert not freshness.is_current(revision)
    assert freshness.is_current(freshness.revision())


def test_a_database_that_went_back_voids_everything() -> None:
    """It was restored from a backup: what nobody overtook is true, and is believed from then on."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 6)
    revision = freshness.revision()
    freshness.answered(freshness.asking(), 2)
    assert not freshness.is_current(revision)
    assert freshness.is_current(freshness.revision())


def test_a_backup_that_was_put_back_and_changed_is_not_taken_for_what_was_there(tmp_path: Path, opens: Opens) -> None:
    """While a process asks nothing, the file may go back by one change and have another one: that is no return to what it knew."""
    url = f"sqlite:///{tmp_path}/auth.db"
    idle, busy = opens(url), opens(url)
    for id_ in ("k1", "k2", "k3"):
        busy.add_key(key(id_))
    with closing(sqlite3.connect(tmp_path / "auth.db")) as live, closing(sqlite3.connect(":memory:")) as backup:
        live.backup(backup)
        busy.replace_key(replace(busy.find_key("k3") or key(), revoked_at=1.0))
        idle.find_key("k1")
        revision = idle.revision()
        found = idle.find_key("k1")
        assert found is not None
        assert idle.is_current(revision)
        backup.backup(live)
    busy.replace_key(replace(found, revoked_at=2.0))
    assert idle.find_key("k2") is not None  # anything: the process asks again, and learns which generation it is
    assert not idle.is_current(revision)


def test_a_change_by_hand_that_is_counted_is_noticed(tmp_path: Path, opens: Opens) -> None:
    """As the documentation has it: the row and the generation, in one transaction of any program."""
    store = opens(f"sqlite:///{tmp_path}/auth.db")
    store.add_key(key("k1"))
    store.find_key("k1")
    revision = store.revision()
    store.find_key("k1")
    assert store.is_current(revision)
    with closing(sqlite3.connect(tmp_path / "auth.db")) as hand, hand:
        hand.execute("UPDATE watchword_keys SET revoked_at = 1")
        hand.execute("UPDATE watchword_meta SET generation = generation + 1")
    found = store.find_key("k1")
    assert found is not None
    assert found.revoked_at == 1
    assert not store.is_current(revision)


def test_a_clock_that_is_set_back_lets_nothing_hold_longer() -> None:
    """Neither while the answer lies in the future, nor when the clock gets there."""
    clock = FixedClock(100)
    freshness = Freshness(clock, 1)
    freshness.answered(freshness.asking(), 0)
    clock.set(50)
    assert not freshness.is_current(freshness.revision())
    clock.set(100.5)
    assert not freshness.is_current(freshness.revision())
    freshness.answered(freshness.asking(), 0)
    assert freshness.is_current(freshness.revision())


def entry(previous: int, id_: int, *subjects: str) -> Entry:
    """A row of the log."""
    return Entry(id_, previous, frozenset(subjects))


def test_the_log_says_who_is_concerned() -> None:
    """A process that follows the log voids what is cached about the subjects that changed, and nothing else."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 5)
    revision = freshness.revision()
    freshness.answered(freshness.asking(), 9, [entry(7, 9, "c"), entry(5, 7, "a", "b")])
    assert [freshness.is_current(revision, one) for one in (("a",), ("x", "b"), ("c",), ("x",), (), None)] == [False] * 3 + [True] * 2 + [
        False
    ]
    assert freshness.is_current(freshness.revision())


@pytest.mark.parametrize("news", [[entry(7, 9, "a")], [entry(5, 7, "a")], [entry(6, 9, "a")], [Entry(9, 5, None)], [entry(5, 5, "a")]])
def test_a_log_with_a_gap_voids_everything(news: list[Entry]) -> None:
    """At its beginning, at its end, from another generation, or by a change of everything: what is missing may concern anybody."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 5)
    revision = freshness.revision()
    freshness.answered(freshness.asking(), 9, news)
    assert not freshness.is_current(revision, ("x",))
    assert freshness.is_current(freshness.revision(), ("x",))


def test_a_newer_answer_that_was_asked_for_earlier_is_followed() -> None:
    """Two questions are under way at once and the later state arrives second: what leads on from the first answer is in it."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 5)
    first, second, revision = freshness.asking(), freshness.asking(), freshness.revision()
    freshness.answered(first, 7, [entry(5, 7, "a")])
    freshness.answered(second, 9, [entry(5, 7, "a"), entry(7, 9, "b")])
    assert [freshness.is_current(revision, one) for one in (("a",), ("b",), ("x",))] == [False, False, True]


def test_a_change_of_ones_own_counts_at_once() -> None:
    """Without asking anybody, for its subjects; and for everything where nobody knows whether it was done."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 5)
    revision = freshness.revision()
    freshness.changed(freshness.asking(), entry(5, 7, "a"))
    assert [freshness.is_current(revision, one) for one in (("a",), ("x",))] == [False, True]
    freshness.forget()
    assert not freshness.is_current(revision, ("x",))


def test_a_change_of_ones_own_does_not_hide_those_of_others() -> None:
    """They were committed before it, and come with the next answer."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 5)
    revision = freshness.revision()
    freshness.changed(freshness.asking(), entry(7, 9, "a"))
    assert freshness.is_current(revision, ("b",))
    freshness.answered(freshness.asking(), 9, [entry(5, 7, "b"), entry(7, 9, "a")])
    assert [freshness.is_current(revision, one) for one in (("a",), ("b",), ("x",))] == [False, False, True]


def test_what_is_kept_of_changes_is_bounded() -> None:
    """Beyond the bound the oldest are dropped, and what was cached before them is void."""
    changes = Changes(most=3)
    revisions = []
    for subject in "abcde":
        revisions.append(changes.revision)
        changes.note([subject])
    assert len(changes._changed) == 3
    assert [changes.is_current(revision, ("x",)) for revision in revisions] == [False, False, True, True, True]
    assert [changes.is_current(2, (subject,)) for subject in "abcde"] == [True, True, False, False, False]
    assert not Changes().is_current(1, ("x",))  # of another process, as far as can be told


@pytest.mark.parametrize("lines", [None, "", "x", "1 2", "7 5 [", "7 5 1", "seven 5 []", "7 5 [1]x", b"7 5 []", 7])
def test_a_log_that_cannot_be_read_is_a_gap(lines: object) -> None:
    """Somebody wrote into it: then anything may have changed."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 5)
    revision = freshness.revision()
    freshness.answered(freshness.asking(), 7, log.read(lines))
    assert not freshness.is_current(revision, ("x",))


@pytest.mark.parametrize("id_", ["a b", "a\nb", '"', "\\", "\U0010ffff", "1 2 []", "é" * 512])
def test_any_id_comes_through_the_log(id_: str, url: str, opens: Opens) -> None:
    """Its own lease is void, and nobody else's."""
    here, there = opens(url, clock=FixedClock(1000)), opens(url)
    there.add_key(key(id_, "ann"))
    here.find_key(id_)
    revision = here.revision()
    there.replace_key(replace(there.find_key(id_) or key(), revoked_at=1.0))
    here.find_key("x")
    assert [here.is_current(revision, one.subjects) for one in (key(id_, "ann"), key("x", "ann"))] == [False, True]


def test_the_log_is_bounded(url: str, opens: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its oldest rows go. A process that misses some asks about every caller once, and follows again from there."""
    monkeypatch.setattr(log, "KEPT", 5)
    monkeypatch.setattr(log, "_TRIM_EVERY", 1)
    here, there = opens(url, clock=FixedClock(1000)), opens(url)
    kept = there.add_key(key())

    def change(times: int) -> None:
        nonlocal kept
        for _ in range(times):
            kept = there.replace_key(kept) or kept

    def spares_others() -> bool:
        here.find_key("k1")
        return here.is_current(revision, ("key x",))

    here.find_key("k1")
    revision = here.revision()
    change(4)
    assert spares_others()
    change(20)
    with there._database._engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(schema.changes)).scalar_one() <= 6
    assert not spares_others()
    revision = here.revision()
    change(3)
    assert spares_others()


def test_a_change_of_very_many_is_one_of_all(url: str, opens: Opens) -> None:
    """A row of the log is bounded, too."""
    here, there = opens(url, clock=FixedClock(1000)), opens(url)
    for number in range(log.MOST_SUBJECTS + 1):
        there.add_token(token(f"t{number}", expires_at=1.0))
    here.find_key("k1")
    revision = here.revision()
    assert there.purge_tokens(5) == log.MOST_SUBJECTS + 1
    here.find_key("k1")
    assert not here.is_current(revision, ("key x",))


def test_time_is_measured_by_a_clock_that_nobody_sets(opens: Opens) -> None:
    """Whoever sets the clock of the machine back must not make a revoked key work longer."""
    assert isinstance(opens("sqlite://")._database.freshness._clock, UptimeClock)
    before = UptimeClock().now()
    assert 0 < before <= UptimeClock().now()


CHANGES: dict[str, Callable[[Any], object]] = {
    "a disabled account": lambda store: store.replace_account(_disabled(store)),
    "a removed account": lambda store: store.remove_account("1", 1),
    "a new password": lambda store: store.swap_hash("1", "h", "h2", None),
    "a revoked token": lambda store: store.revoke_token("t1", 1),
    "revoked keys": lambda store: store.revoke_all("1", 1),
    "a rotated key": lambda store: store.rotate_key(store.find_key("k1"), key("k2")),
}


def _disabled(store: Any) -> Any:
    return replace(store.get_account("1"), disabled=True)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_elsewhere_is_seen_within_the_bound(change: str, url: str, opens: Opens) -> None:
    """At the next question, and without one after `staleness` seconds; what is cached about others is current again at once."""
    clock = FixedClock(1000)
    here, there = opens(url, clock=clock, staleness=2), opens(url)
    here.add_account(account("1", "ann", password_hash="h", hash_profile="p"))
    here.add_key(key())
    here.add_token(token())
    read = [here.find_account("ann"), here.find_key("k1"), here.find_token(token().digest)]
    subjects = [one.subjects for one in read if one is not None]
    revision = here.revision()
    CHANGES[change](there)
    clock.advance(1.999)
    assert here.is_current(revision)  # the bound: this is as long as it may take
    clock.advance(0.001)
    assert not any(here.is_current(revision, one) for one in subjects)
    here.find_key("any")
    assert not here.is_current(revision)
    assert not all(here.is_current(revision, one) for one in subjects)
    assert here.is_current(revision, key("other", "eve").subjects)
    again = here.revision()
    here.find_token(token("any").digest)
    assert here.is_current(again)


def test_a_revocation_in_another_process_is_seen_within_the_bound(url: str, opens: Opens) -> None:
    """A real one, that knows nothing of this."""
    clock = FixedClock(1000)
    here = opens(url, clock=clock)
    kept = here.add_key(key())
    assert here.find_key("k1") == kept
    revision = here.revision()
    assert here.is_current(revision)
    program("import sys; from watchword.stores import SQLStore; SQLStore(sys.argv[1]).revoke_all('1', 7)", url)
    clock.advance(1)
    assert not here.is_current(revision)
    found = here.find_key("k1")
    assert found is not None
    assert found.revoked_at == 7
    assert not here.is_current(revision)


def test_an_addition_elsewhere_voids_nothing(url: str, opens: Opens) -> None:
    """Else every import of users would make everybody's password be hashed again."""
    here, there = opens(url, clock=FixedClock(1000)), opens(url)
    here.find_key("k1")
    revision = here.revision()
    there.add_key(key())
    there.add_token(token())
    there.add_account(account("1", "ann"))
    there.note_login("1", 5)
    there.note_key_use("k1", 5)
    assert here.find_key("k1") is not None
    assert here.is_current(revision)


def test_a_change_of_ones_own_is_known_already(url: str, opens: Opens) -> None:
    """The next question brings nothing new: this process knows what it did."""
    store = opens(url, clock=FixedClock(1000))
    kept = store.add_key(key())
    store.find_key("k1")
    store.replace_key(replace(kept, label="new"))
    revision = store.revision()
    store.find_key("k1")
    assert store.is_current(revision)
