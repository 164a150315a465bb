"""`watchword import htpasswd`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.command import CHEAP, NOW, STRONG, Inside
from tests.support.passwords import MAKERS, PASSWORD, stored
from tests.support.programs import tool
from watchword import Accepted, BasicCredentials
from watchword.checkers import Accounts

if TYPE_CHECKING:
    from collections.abc import Iterator

HASH = CHEAP.hash("pw")
OTHER = CHEAP.hash("other")


def logs_in(inside: Inside, name: str, password: str) -> bool:
    """Whether the application lets somebody in."""
    with inside.open() as store:
        return isinstance(Accounts(store, hasher=CHEAP, clock=inside.clock).check(BasicCredentials(name, password)), Accepted)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "users.htpasswd"


@pytest.fixture
def in_memory() -> Iterator[Inside]:
    """A store on a file system without a disk, where there is one: each account is a transaction, and waits for the disk."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder of one's own in it
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as folder:
        inside = Inside(Path(folder) / "auth.db")
        inside("store", "init")
        yield inside


def test_a_file_that_htpasswd_made(inside: Inside, file: Path) -> None:
    """Everybody in a file of Apache's tool, in each of its formats, logs in with the password of old."""
    for number, option in enumerate(("-m", "-B", "-s", "-2", "-5", "-d")):
        tool("htpasswd", "-b", *(["-c"] if not number else []), option, str(file), f"user{option}", PASSWORD)
    told = inside.json("import", "htpasswd", str(file))
    assert told["added"] == [
        {"line": number, "name": f"user{option}"} for number, option in enumerate(("-m", "-B", "-s", "-2", "-5", "-d"), 1)
    ]
    assert [told[what] for what in ("updated", "unchanged", "kept", "skipped")] == [[], [], [], []]
    assert all(logs_in(inside, row["name"], PASSWORD) for row in told["added"])
    assert not logs_in(inside, "user-m", "wrong")


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", MAKERS)
def test_hashes_are_taken_over_as_they_are(inside: Inside, file: Path, name: str) -> None:
    """Every format that can be verified stays the same hash, and is not made anew."""
    file.write_text(f"ann:{stored(name)}\n", encoding="utf-8")
    inside("import", "htpasswd", str(file))
    with inside.open() as store:
        assert store.get_account("ann").password_hash == stored(name)  # type: ignore[union-attr]


def test_nothing_is_lost(inside: Inside, file: Path) -> None:
    """Each line is accounted for, by its number: added, unchanged, kept because it is there already, or skipped and why."""
    inside("user", "add", "old", given=STRONG)
    inside("user", "add", "same", "--hash-stdin", given=HASH)
    file.write_text(
        f"# users\n\nann:{HASH}\nold:{HASH}\nsame:{HASH}\nodd\nbob:hunter2\nann:{OTHER}\nm\u00fcller:{HASH}\nzoe:$1$\nzoe:{HASH}\n"
        f"eve:{HASH}:a comment\n",
        encoding="utf-8",
    )
    told = inside.json("import", "htpasswd", str(file), code=1)
    assert told["added"] == [{"line": 3, "name": "ann"}, {"line": 9, "name": "m\u00fcller"}, {"line": 12, "name": "eve"}]
    assert told["kept"] == [{"line": 4, "name": "old"}]
    assert told["unchanged"] == [{"line": 5, "name": "same"}]
    assert [row["line"] for row in told["skipped"]] == [6, 7, 8, 10, 11]
    assert logs_in(inside, "ann", "pw")
    assert logs_in(inside, "old", STRONG)
    assert "hunter2" not in str(told)


def test_for_people(inside: Inside, file: Path) -> None:
    """What needs a look is a line each, and the last line counts."""
    inside("user", "add", "old", given=STRONG)
    file.write_text(f"ann:{HASH}\nold:{HASH}\nodd\n", encoding="utf-8")
    assert inside("import", "htpasswd", str(file), code=1).stdout.splitlines() == [
        "line 2: 'old' is there already, with another password, which stays (--update takes this one)".replace("'", ""),
        "line 3: skipped: it has no colon",
        "1 added, 0 updated, 0 unchanged, 1 kept, 1 skipped",
    ]


def test_a_problem_of_many_lines_is_said_once(inside: Inside, file: Path) -> None:
    """A missing package concerns every line of its format: one sentence, and the numbers of the lines."""
    file.write_text("".join(f"user{number}:$2x$nonsense\n" for number in range(12)) + "odd\n", encoding="utf-8")
    said = inside("import", "htpasswd", str(file), code=1).stdout.splitlines()
    assert len(said) == 3
    assert said[0].startswith("lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more: skipped: ")
    assert said[1] == "line 13: skipped: it has no colon"


def test_update_takes_the_password_of_the_file(inside: Inside, file: Path) -> None:
    """What else the account has stays."""
    inside("user", "add", "old", "--role", "admin", given=STRONG)
    inside.clock.advance(60)
    file.write_text(f"old:{HASH}\n", encoding="utf-8")
    assert inside.json("import", "htpasswd", str(file), "--update")["updated"] == [{"line": 1, "name": "old"}]
    assert logs_in(inside, "old", "pw")
    account = inside.json("user", "show", "old")
    assert (account["roles"], account["password_changed_at"]) == (["admin"], NOW + 60)
    assert inside.json("import", "htpasswd", str(file), "--update")["unchanged"] == [{"line": 1, "name": "old"}]


def test_a_dry_run_does_nothing(inside: Inside, file: Path) -> None:
    """It tells what would be done, and afterwards all is as before."""
    inside("user", "add", "old", given=STRONG)
    file.write_text(f"ann:{HASH}\nold:{HASH}\n", encoding="utf-8")
    before = inside.json("user", "list")
    told = inside.json("import", "htpasswd", str(file), "--dry-run", "--update")
    assert (told["dry_run"], len(told["added"]), len(told["updated"])) == (True, 1, 1)
    assert inside("import", "htpasswd", str(file), "--dry-run").stdout.endswith(
        "1 would be added, 0 would be updated, 0 unchanged, 1 kept, 0 skipped\n"
    )
    assert inside.json("user", "list") == before
    assert logs_in(inside, "old", STRONG)


def test_names_in_another_case(inside: Inside, file: Path) -> None:
    """--ignore-case takes them for the same, as the application does."""
    inside("user", "add", "Ann", "--hash-stdin", given=HASH)
    file.write_text(f"ann:{HASH}\n", encoding="utf-8")
    assert inside.json("import", "htpasswd", str(file), "--dry-run")["added"] != []
    assert inside.json("import", "htpasswd", str(file), "--ignore-case")["unchanged"] == [{"line": 1, "name": "ann"}]


def test_names_in_another_case_in_one_file(inside: Inside, file: Path) -> None:
    """The first one is added, and the others are the same account; of each line it is said."""
    file.write_text(f"bob:{HASH}\nann:{HASH}\nAnn:{OTHER}\nANN:{HASH}\neve:{HASH}\n", encoding="utf-8")
    told = inside.json("import", "htpasswd", str(file), "--ignore-case")
    assert [row["line"] for row in told["added"]] == [1, 2, 5]
    assert told["kept"] == [{"line": 3, "name": "Ann"}]
    assert told["unchanged"] == [{"line": 4, "name": "ANN"}]


def test_from_standard_input(inside: Inside) -> None:
    """A dash is standard input, as elsewhere."""
    assert inside.json("import", "htpasswd", "-", given=f"ann:{HASH}\n")["added"] == [{"line": 1, "name": "ann"}]


def test_a_file_that_is_not_there(inside: Inside, tmp_path: Path) -> None:
    """A path that leads nowhere, or to a folder, is one line."""
    assert inside.error("import", "htpasswd", str(tmp_path / "nowhere"), code=2)[0] == "usage"
    assert inside.error("import", "htpasswd", str(tmp_path), code=2)[0] == "usage"


def test_a_file_with_nobody(inside: Inside, file: Path) -> None:
    """An empty file adds nobody, and is no failure."""
    file.write_text("# nobody yet\n", encoding="utf-8")
    assert inside("import", "htpasswd", str(file)).stdout == "0 added, 0 updated, 0 unchanged, 0 kept, 0 skipped\n"


def test_a_thousand(in_memory: Inside, file: Path) -> None:
    """A large file is taken over whole; a second run finds everything as it is."""
    names = [f"user-{number:04}" for number in range(1000)]
    file.write_text("".join(f"{name}:{HASH}\n" for name in names), encoding="utf-8")
    told = in_memory.json("import", "htpasswd", str(file))
    assert told["added"] == [{"line": line, "name": name} for line, name in enumerate(names, 1)]
    assert len(in_memory.json("import", "htpasswd", str(file))["unchanged"]) == 1000
    assert [account["id"] for account in in_memory.json("user", "list")] == names
    assert logs_in(in_memory, "user-0999", "pw")


def test_a_format_that_this_machine_cannot_compute_is_skipped(inside: Inside, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could log in by it; the rest is taken over, and the cause is said once."""
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    file.write_text(f"ann:{stored('bcrypt')}\nbob:{stored('bcrypt')}:a comment\neve:{stored('ldap-salted-sha1')}\n", encoding="utf-8")
    told = inside.json("import", "htpasswd", str(file), code=1)
    assert told["added"] == [{"line": 3, "name": "eve"}]
    assert [row["line"] for row in told["skipped"]] == [1, 2]
    assert len({row["problem"] for row in told["skipped"]}) == 1
    assert "bcrypt is not installed" in told["skipped"][0]["problem"]
