"""`watchword audit log` and `watchword audit purge`."""

from __future__ import annotations

import json
import os
import pwd
from typing import TYPE_CHECKING

from tests.support.command import STRONG
from watchword.stores import changed_by
from watchword.stores.audit import Entry
from watchword.testing.stores import key

if TYPE_CHECKING:
    import pytest

    from tests.support.command import Inside

WHO = f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
DAY = 86_400


def test_the_trail_says_who_did_what_to_whom(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command is done by the user of the system, whatever the environment says."""
    monkeypatch.setenv("LOGNAME", "somebody else")
    inside("user", "add", "ann", "--role", "admin", given=f"{STRONG}\n")
    inside("user", "disable", "ann")
    lines = inside("audit", "log").stdout.splitlines()
    assert [line.partition(" ")[2] for line in lines] == [
        f"{WHO} account.added ann (names +ann, roles +admin, password)",
        f"{WHO} account.changed ann (disabled)",
    ]
    assert lines[0].startswith("20")
    assert STRONG not in "".join(lines)


def test_each_entry_is_one_line_of_json(inside: Inside) -> None:
    """So that a program reads a trail of any length."""
    entries = [Entry("key.added", f"k{number:04}", "1") for number in range(1200)]
    with inside.open() as store, changed_by("root"):
        store._database.change(lambda change: change.audit(*entries))
    lines = inside("audit", "log", "--json").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert [entry["target"] for entry in found] == [f"k{number:04}" for number in range(1200)]
    assert {entry["actor"] for entry in found} == {"root"}
    assert list(found[0]) == ["id", "at", "actor", "action", "target", "owner", "detail"]


def test_the_trail_is_filtered(inside: Inside) -> None:
    """By actor, action, record, owner and time; a number of entries is enough."""

    def targets(*options: str) -> list[str]:
        return [json.loads(line)["target"] for line in inside("audit", "log", "--json", *options).stdout.splitlines()]

    with inside.open() as store:
        with changed_by("root"):
            store.add_key(key("k1", "ann"))
        inside.clock.advance(2 * DAY)
        store.add_key(key("k2", "bob"))
        store.revoke_all("bob", 5.0)
    assert targets() == ["k1", "k2", "bob"]
    assert targets("--actor", "root") == ["k1"]
    assert targets("--actor", "") == ["k2", "bob"]
    assert targets("--action", "key") == ["k1", "k2"]
    assert targets("--about", "bob") == ["k2", "bob"]
    assert targets("--since", "1d") == ["k2", "bob"]
    assert targets("--until", "1d") == ["k1"]
    assert targets("--limit", "2") == ["k1", "k2"]


def test_old_entries_are_deleted_and_that_is_an_entry(inside: Inside) -> None:
    """Neither of the two takes a time in the future."""
    with inside.open() as store:
        store.add_key(key("k1"))
        inside.clock.advance(2 * DAY)
        store.add_key(key("k2"))
    assert inside.json("audit", "purge", "--before", "1d") == {"purged": 1}
    inside.clock.advance(1)
    lines = inside("audit", "log").stdout.splitlines()
    assert [line.partition(" ")[2] for line in lines] == ["- key.added k2 of 1", f"{WHO} audit.purged 1"]
    code, words = inside.error("audit", "purge", "--before", "2999-01-01", code=2)
    assert (code, "in the future" in words) == ("usage", True)


def test_nothing_in_an_entry_controls_the_terminal(inside: Inside) -> None:
    """Ids may be any text."""
    with inside.open() as store, changed_by("a\x1b[2Jb"):
        store.add_key(key("k\n1"))
    [line] = inside("audit", "log").stdout.splitlines()
    assert line.isprintable()
    assert "a\\x1b[2Jb key.added k\\n1" in line


def test_the_command_without_a_word_audits_as_before(inside: Inside) -> None:
    """`audit` alone lists what is weak, and its options stay."""
    with inside.open() as store:
        store.add_key(key("k1"))
    assert "key_owner_gone" in inside("audit", code=1).stdout
    assert inside("audit", "--ignore", "key_owner_gone", "--fail-on", "never").stdout


def test_the_store_is_named_where_the_command_is(inside: Inside) -> None:
    """`watchword audit log --store URL` needs no other place for it, and help needs none at all."""
    inside("user", "add", "ann", given="correct horse battery staple\n")
    named = inside("audit", "log", "--store", inside.url, WATCHWORD_STORE="")
    assert "account.added" in named.stdout
    assert inside("audit", "log", "--help", WATCHWORD_STORE="").stdout.startswith("Usage: ")
    assert "No store was named" in inside("audit", code=2, WATCHWORD_STORE="").stderr
    assert "No store was named" in inside("audit", "log", code=2, WATCHWORD_STORE="").stderr
