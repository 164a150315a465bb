"""`watchword user`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import CHEAP, NOW, STRONG
from watchword import Accepted, BasicCredentials, Reason, Refused
from watchword.checkers import Accounts, APIKeys, OpaqueTokens
from watchword.stores.ports import AccountRecord

if TYPE_CHECKING:
    from tests.support.command import Inside


def log_in(inside: Inside, name: str, password: str) -> Accepted | Refused:
    """What the application says to somebody."""
    with inside.open() as store:
        return Accounts(store, hasher=CHEAP, clock=inside.clock).check(BasicCredentials(name, password))


def test_an_account_logs_in_with_what_it_was_given(inside: Inside) -> None:
    """Names, id, roles, scopes and permissions are those of the principal."""
    made = inside.json(
        *("user", "add", "ann", "--id", "u-1", "--name", "ann@example.com", "--role", "admin", "--role", "boss"),
        *("--scope", "orders:read", "--permission", "print"),
        given=f"{STRONG}\n",
    )
    assert made == {
        "id": "u-1",
        "names": ["ann", "ann@example.com"],
        "state": "active",
        "roles": ["admin", "boss"],
        "scopes": ["orders:read"],
        "permissions": ["print"],
        "has_password": True,
        "hash_profile": "argon2id m=64 t=1 p=1",
        "password_changed_at": NOW,
        "locked_until": None,
        "created_at": NOW,
        "last_login_at": None,
    }
    for name in ("ann", "ann@example.com"):
        verdict = log_in(inside, name, STRONG)
        assert isinstance(verdict, Accepted)
        who = verdict.principal
        held = [sorted(names) for names in (who.roles, who.scopes, who.permissions)]
        assert (who.id, held) == ("u-1", [["admin", "boss"], ["orders:read"], ["print"]])
    assert inside.json("user", "show", "u-1")["names"] == ["ann", "ann@example.com"]
    assert [account["id"] for account in inside.json("user", "list")] == ["u-1"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "", "\nmore lines\n"])
def test_only_the_end_of_the_line_is_taken_off(inside: Inside, end: str) -> None:
    """A space at either end of a password belongs to it."""
    inside("user", "add", "ann", given=f" {STRONG} {end}")
    assert isinstance(log_in(inside, "ann", f" {STRONG} "), Accepted)
    assert isinstance(log_in(inside, "ann", STRONG), Refused)


def test_a_password_is_kept_as_basic_will_show_it(inside: Inside) -> None:
    """A terminal that decomposes letters shuts nobody out: Basic hands passwords over in Normalization Form C."""
    inside("user", "add", "ann", given="u\u0308bermu\u0308tige Schildkro\u0308ten 93\n")
    assert isinstance(log_in(inside, "ann", "\u00fcberm\u00fctige Schildkr\u00f6ten 93"), Accepted)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (b"", "no_secret"),
        (b"\n", "no_secret"),
        (b"\xff\xfe secret of ann\n", "not_utf8"),
        (b"Kq7 violet\ttractor munich\n", "invalid_password"),
        (b"Kq7 violet\0tractor munich\n", "invalid_password"),
        ("Kq7ü violet tractor ".encode() * 60 + b"\n", "invalid_password"),
        (b"x" * 9000, "no_secret"),
        (b"password\n", "weak_password"),
    ],
)
def test_what_cannot_be_a_password_is_refused(inside: Inside, given: bytes, code: str) -> None:
    """Nothing is added, and the password is not repeated."""
    found, words = inside.error("user", "add", "ann", given=given)
    assert found == code
    assert "violet" not in words
    assert "secret of ann" not in words
    assert inside.json("user", "list") == []


def test_who_is_there_already_is_not_asked_for_a_password(ann: Inside) -> None:
    """A taken name, or one that is an id, is told before anything is read."""
    assert ann.error("user", "add", "ann")[0] == "already_exists"
    assert ann.error("user", "add", "zoe", "--name", "ann")[0] == "already_exists"


def test_a_taken_id_is_a_failure(ann: Inside) -> None:
    """An id that belongs to another account is not taken over."""
    assert ann.error("user", "add", "zoe", "--id", "ann", given=STRONG)[0] == "already_exists"


def test_names_may_differ_in_case_unless_said_otherwise(ann: Inside) -> None:
    """--ignore-case keeps two names apart that Accounts(fold_case=True) could not tell apart."""
    assert ann.error("user", "add", "ANN", "--ignore-case", given=STRONG)[0] == "already_exists"
    assert ann.json("user", "add", "ANN", given=STRONG)["id"] == "ANN"


def test_a_name_that_basic_cannot_send(inside: Inside) -> None:
    """A colon ends the name in Basic; what follows may be a password, and is not repeated."""
    code, words = inside.error("user", "add", "ann:hunter2", "--no-password")
    assert code == "invalid"
    assert "hunter2" not in words


def test_without_a_password(inside: Inside) -> None:
    """An account may wait for its password; until then nothing lets it in."""
    assert inside.json("user", "add", "ann", "--no-password")["has_password"] is False
    assert log_in(inside, "ann", STRONG) == Refused(Reason.WRONG_SECRET)
    inside("user", "passwd", "ann", given=STRONG)
    assert isinstance(log_in(inside, "ann", STRONG), Accepted)


def test_with_a_hash_from_elsewhere(inside: Inside) -> None:
    """The hash is read from standard input, and the password that it was made of logs in."""
    inside("user", "add", "ann", "--hash-stdin", given=CHEAP.hash("weak") + "\n")
    assert isinstance(log_in(inside, "ann", "weak"), Accepted)
    code, words = inside.error("user", "add", "bob", "--hash-stdin", given="hunter2\n")
    assert code == "invalid"
    assert "hunter2" not in words
    assert inside.error("user", "add", "bob", "--hash-stdin", "--no-password", code=2)[0] == "usage"


def test_a_new_password_ends_the_old_one(ann: Inside) -> None:
    """After `passwd` the new password logs in, and the old one does not."""
    ann.clock.advance(10)
    assert ann.json("user", "passwd", "ann", given="Another violet-tractor 77\n")["password_changed_at"] == NOW + 10
    assert isinstance(log_in(ann, "ann", "Another violet-tractor 77"), Accepted)
    assert log_in(ann, "ann", STRONG) == Refused(Reason.WRONG_SECRET)


def test_a_weak_password_is_refused_with_reason_and_suggestion(ann: Inside) -> None:
    """Whoever chooses a weak password reads why it is weak, what would be better, and the way around."""
    words = ann("user", "passwd", "ann", given="password\n", code=1).stderr
    assert "This is a top-10 common password. Add another word or two" in words
    assert "--weak" in words
    assert isinstance(log_in(ann, "ann", STRONG), Accepted)
    ann("user", "passwd", "ann", "--weak", given="password\n")
    assert isinstance(log_in(ann, "ann", "password"), Accepted)


@pytest.mark.parametrize("about", [("zebrafinkenschwarm",), ("zoe", "--id", "zebrafinkenschwarm"), ("zoe", "--name", "zebrafinkenschwarm")])
def test_a_password_that_is_ones_own_name_is_weak(inside: Inside, about: tuple[str, ...]) -> None:
    """Names and ids are what an attacker tries first; the same password is fine for somebody else."""
    assert inside.error("user", "add", *about, given="zebrafinkenschwarm1\n")[0] == "weak_password"
    inside("user", "add", "bob", given="zebrafinkenschwarm1\n")


def test_disable_and_enable(ann: Inside) -> None:
    """A disabled account is shut, with its keys, until it is enabled."""
    key = ann("key", "create", "ann").stdout.strip()
    assert ann.json("user", "disable", "ann")["state"] == "disabled"
    assert log_in(ann, "ann", STRONG) == Refused(Reason.DISABLED)
    assert ann.json("key", "list")[0]["state"] == "owner_disabled"
    assert ann.json("user", "enable", "ann")["state"] == "active"
    assert isinstance(log_in(ann, "ann", STRONG), Accepted)
    assert key.startswith("ww_")


def test_a_lock_of_no_length_is_an_error(ann: Inside) -> None:
    """`--for 0s` would report a lock that has ended already."""
    assert ann.error("user", "lock", "ann", "--for", "0s", code=2)[0] == "usage"
    assert ann.json("user", "show", "ann")["locked_until"] is None


def test_a_scope_with_a_blank_is_refused(ann: Inside) -> None:
    """Commands take scopes as `scope()` does: two scopes in one name would never be held."""
    for command in (
        ["user", "add", "bob", "--no-password", "--scope", "a b"],
        ["user", "change", "ann", "--add-scope", "a b"],
        ["key", "create", "ann", "--scope", "a b"],
        ["token", "create", "ann", "--scope", "a b"],
    ):
        code, words = ann.error(*command)
        assert (code, "Give 2 scopes: a, b." in words) == ("invalid", True), command


@pytest.mark.parametrize("how", [("--for", "1h30m"), ("--until", str(NOW + 5400)), ("--until", "2023-11-14T23:43:20Z")])
def test_lock_and_unlock(ann: Inside, how: tuple[str, str]) -> None:
    """A locked account is shut until the time comes, or somebody unlocks it."""
    locked = ann.json("user", "lock", "ann", *how)
    assert (locked["state"], locked["locked_until"]) == ("locked", NOW + 5400)
    assert log_in(ann, "ann", STRONG) == Refused(Reason.LOCKED)
    assert ann.json("user", "unlock", "ann")["locked_until"] is None
    assert isinstance(log_in(ann, "ann", STRONG), Accepted)
    ann("user", "lock", "ann", *how)
    ann.clock.advance(5400)
    assert ann.json("user", "show", "ann")["state"] == "active"


@pytest.mark.parametrize("how", [(), ("--for", "1h", "--until", "2h")])
def test_a_lock_has_one_end(ann: Inside, how: tuple[str, ...]) -> None:
    """Without an end, or with two, nothing is locked."""
    assert ann.error("user", "lock", "ann", *how, code=2)[0] == "usage"
    assert ann.json("user", "show", "ann")["locked_until"] is None


def test_change(ann: Inside) -> None:
    """Names, roles, scopes and permissions come and go one by one; what is not named stays."""
    ann(
        "user",
        "change",
        "ann",
        "--add-role",
        "admin",
        "--add-role",
        "boss",
        "--add-scope",
        "a",
        "--add-permission",
        "p",
        "--add-name",
        "anna",
    )
    changed = ann.json("user", "change", "anna", "--remove-role", "boss", "--remove-name", "ann", "--remove-permission", "p")
    assert [changed[field] for field in ("id", "names", "roles", "scopes", "permissions")] == ["ann", ["anna"], ["admin"], ["a"], []]
    assert isinstance(log_in(ann, "anna", STRONG), Accepted)
    assert log_in(ann, "ann", STRONG) == Refused(Reason.UNKNOWN_IDENTITY)


def test_a_change_that_cannot_be(ann: Inside) -> None:
    """What it does not have cannot be taken from it, the last name stays, and no change at all is a slip."""
    assert ann.error("user", "change", "ann", "--remove-role", "admin")[0] == "not_found"
    assert ann.error("user", "change", "ann", "--remove-name", "ann")[0] == "invalid"
    assert ann.error("user", "change", "ann", code=2)[0] == "usage"


def test_removal_revokes_what_the_account_holds(ann: Inside) -> None:
    """Whoever is removed has no key and no token left that lets anybody in."""
    ann("key", "create", "ann")
    ann("token", "create", "ann")
    assert ann.json("user", "remove", "ann", "--yes")["id"] == "ann"
    assert ann.json("user", "list") == []
    assert [ann.json(what, "list")[0]["state"] for what in ("key", "token")] == ["revoked", "revoked"]
    with ann.open() as store:
        assert [key.owner for key in APIKeys(store).list()] == [token.subject for token in OpaqueTokens(store).list()] == ["ann"]


def test_nobody_is_removed_unasked(ann: Inside) -> None:
    """Where nobody can be asked, --yes must be given."""
    assert ann.error("user", "remove", "ann", given="y\n", code=2)[0] == "not_confirmed"
    assert len(ann.json("user", "list")) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("show",),
        ("passwd",),
        ("disable",),
        ("enable",),
        ("unlock",),
        ("lock", "--for", "1h"),
        ("remove", "--yes"),
        ("change", "--add-role", "x"),
    ],
)
def test_who_is_not_there(inside: Inside, arguments: tuple[str, ...]) -> None:
    """A name that nobody has is named, and nobody is asked for anything."""
    code, words = inside.error("user", arguments[0], "zoe", *arguments[1:])
    assert (code, words) == ("not_found", "There is no account 'zoe'.")


def test_for_people(ann: Inside) -> None:
    """Without --json there is a table, times with how long ago, and one line for each change."""
    ann.clock.advance(3 * 86_400)
    assert ann("user", "list").stdout.splitlines()[1].split() == ["ann", "ann", "active", "-", "-", "-", "-"]
    shown = ann("user", "show", "ann", TZ="UTC").stdout
    assert "created" in shown
    assert "(3 d ago)" in shown
    assert ann("user", "disable", "ann").stdout == "'ann' is disabled: its password, keys and tokens are refused\n"
    ann("user", "remove", "ann", "--yes")
    assert ann("user", "list").stdout == "there are no accounts\n"


@pytest.mark.parametrize(
    "command",
    [["passwd", "ann"], ["change", "ann", "--add-role", "boss"], ["disable", "ann"], ["remove", "ann", "--yes"]],
    ids=lambda one: one[0],
)
def test_whoever_is_meant_is_changed_whatever_others_are_called(inside: Inside, command: list[str]) -> None:
    """An account is looked up by what was typed, and not again by its id, which an application may have made the name of another."""
    inside("user", "add", "ann", "--id", "u-17", given=STRONG)
    with inside.open() as store:
        other = store.add_account(AccountRecord(id="u-18", names=("u-17",)))
        inside("user", *command, given="Another violet-tractor 77\n")
        assert store.get_account("u-18") == other
