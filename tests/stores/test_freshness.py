"""Tests what a process knows of the changes of others, and for how long it relies on it."""

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


def test_nothing_is_current_before_the_first_query() -> None:
    """A new process knows nothing."""
    freshness = Freshness(FixedClock(100), 1)
    assert not freshness.is_current(freshness.revision())


def test_an_answer_is_current_for_staleness_seconds() -> None:
    """They count from the query, not from the answer."""
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


def test_nothing_is_current_with_staleness_0() -> None:
    """Every revocation takes effect at once, for one query per request."""
    freshness = Freshness(FixedClock(100), 0)
    freshness.answered(freshness.asking(), 0)
    assert not freshness.is_current(freshness.revision())


@pytest.mark.parametrize("generation", [6, 2])
def test_a_generation_without_a_log_expires_everything(generation: int) -> None:
    """The log was trimmed, the generation was raised by hand, or a backup was restored. Answers from then on are current."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 5)
    revision = freshness.revision()
    freshness.answered(freshness.asking(), generation)
    assert not freshness.is_current(revision)
    assert freshness.is_current(freshness.revision())


def test_an_older_answer_that_arrives_late_changes_nothing() -> None:
    """It neither expires nor confirms anything."""
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


def test_a_first_answer_that_was_overtaken_is_not_current() -> None:
    """The older of the first two queries may be answered last: what it read before a change must expire."""
    freshness = Freshness(FixedClock(100), 1)
    revision, older = freshness.revision(), freshness.asking()
    freshness.answered(freshness.asking(), 6)
    freshness.answered(older, 5)
    assert not freshness.is_current(revision)
    freshness.answered(freshness.asking(), 6)
    assert not freshness.is_current(revision)
    assert freshness.is_current(freshness.revision())


def test_a_restored_and_changed_backup_expires_everything(tmp_path: Path, opens: Opens) -> None:
    """The file goes back by one change and has another one since: its generation is not the known one."""
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


def test_a_change_by_hand_that_raises_the_generation_is_noticed(tmp_path: Path, opens: Opens) -> None:
    """Any program may change a row and the generation in one transaction, as the documentation says."""
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


def test_a_clock_that_is_set_back_expires_everything() -> None:
    """Answers are not current while they lie in the future, nor when the clock reaches them."""
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


def test_the_log_expires_answers_about_the_changed_subjects_alone() -> None:
    """Other answers stay current."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 5)
    revision = freshness.revision()
    freshness.answered(freshness.asking(), 9, [entry(7, 9, "c"), entry(5, 7, "a", "b")])
    assert [freshness.is_current(revision, one) for one in (("a",), ("x", "b"), ("c",), ("x",), (), None)] == [False] * 3 + [True] * 2 + [
        False
    ]
    assert freshness.is_current(freshness.revision())


@pytest.mark.parametrize("news", [[entry(7, 9, "a")], [entry(5, 7, "a")], [entry(6, 9, "a")], [Entry(9, 5, None)], [entry(5, 5, "a")]])
def test_a_log_with_a_gap_expires_everything(news: list[Entry]) -> None:
    """A gap at its beginning or end, a row of another generation, or a change of everything may concern any subject."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 5)
    revision = freshness.revision()
    freshness.answered(freshness.asking(), 9, news)
    assert not freshness.is_current(revision, ("x",))
    assert freshness.is_current(freshness.revision(), ("x",))


def test_the_newer_answer_to_an_earlier_query_is_applied() -> None:
    """Its log leads on from the answer that arrived first."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 5)
    first, second, revision = freshness.asking(), freshness.asking(), freshness.revision()
    freshness.answered(first, 7, [entry(5, 7, "a")])
    freshness.answered(second, 9, [entry(5, 7, "a"), entry(7, 9, "b")])
    assert [freshness.is_current(revision, one) for one in (("a",), ("b",), ("x",))] == [False, False, True]


def test_a_change_of_this_process_counts_at_once() -> None:
    """It expires its subjects without a query, and everything if its outcome is unknown."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 5)
    revision = freshness.revision()
    freshness.changed(freshness.asking(), entry(5, 7, "a"))
    assert [freshness.is_current(revision, one) for one in (("a",), ("x",))] == [False, True]
    freshness.forget()
    assert not freshness.is_current(revision, ("x",))


def test_a_change_of_this_process_does_not_hide_earlier_ones_of_others() -> None:
    """They come with the next answer."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 5)
    revision = freshness.revision()
    freshness.changed(freshness.asking(), entry(7, 9, "a"))
    assert freshness.is_current(revision, ("b",))
    freshness.answered(freshness.asking(), 9, [entry(5, 7, "b"), entry(7, 9, "a")])
    assert [freshness.is_current(revision, one) for one in (("a",), ("b",), ("x",))] == [False, False, True]


def test_the_record_of_changes_is_bounded() -> None:
    """Beyond the bound the oldest are dropped, and answers cached before them expire."""
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
    """Then anything may have changed."""
    freshness = Freshness(FixedClock(100), 1)
    freshness.answered(freshness.asking(), 5)
    revision = freshness.revision()
    freshness.answered(freshness.asking(), 7, log.read(lines))
    assert not freshness.is_current(revision, ("x",))


@pytest.mark.parametrize("id_", ["a b", "a\nb", '"', "\\", "\U0010ffff", "1 2 []", "é" * 512])
def test_the_log_carries_any_id(id_: str, url: str, opens: Opens) -> None:
    """A change expires answers about that id alone."""
    here, there = opens(url, clock=FixedClock(1000)), opens(url)
    there.add_key(key(id_, "ann"))
    here.find_key(id_)
    revision = here.revision()
    there.replace_key(replace(there.find_key(id_) or key(), revoked_at=1.0))
    here.find_key("x")
    assert [here.is_current(revision, one.subjects) for one in (key(id_, "ann"), key("x", "ann"))] == [False, True]


def test_the_log_is_bounded(url: str, opens: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its oldest rows are trimmed. A process that misses some looks up every caller once, and then follows the log again."""
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


def test_a_change_of_many_subjects_counts_as_a_change_of_all(url: str, opens: Opens) -> None:
    """A row of the log is bounded."""
    here, there = opens(url, clock=FixedClock(1000)), opens(url)
    for number in range(log.MOST_SUBJECTS + 1):
        there.add_token(token(f"t{number}", expires_at=1.0))
    here.find_key("k1")
    revision = here.revision()
    assert there.purge_tokens(5) == log.MOST_SUBJECTS + 1
    here.find_key("k1")
    assert not here.is_current(revision, ("key x",))


def test_staleness_is_measured_by_a_monotonic_clock(opens: Opens) -> None:
    """Setting the system clock back must not keep a revoked key valid."""
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
def test_a_change_by_another_process_is_seen_within_the_bound(change: str, url: str, opens: Opens) -> None:
    """The next query shows it. Without one nothing is current after `staleness` seconds. Other answers are current again at once."""
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
    """A real second process revokes."""
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


def test_an_addition_by_another_process_expires_nothing(url: str, opens: Opens) -> None:
    """Otherwise an import of users would make every password be hashed again."""
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


def test_the_next_query_after_an_own_change_expires_nothing(url: str, opens: Opens) -> None:
    """This process has applied its change already."""
    store = opens(url, clock=FixedClock(1000))
    kept = store.add_key(key())
    store.find_key("k1")
    store.replace_key(replace(kept, label="new"))
    revision = store.revision()
    store.find_key("k1")
    assert store.is_current(revision)
