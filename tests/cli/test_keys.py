"""`watchword key`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import NOW
from watchword import Accepted, APIKeyCredentials, Reason, Refused
from watchword.checkers import APIKeys
from watchword.checkers.key_format import KeyFormat

if TYPE_CHECKING:
    from tests.support.command import Inside

DAY = 86_400


def show(inside: Inside, key: str, prefix: str = "ww") -> Accepted | Refused:
    """What the application says to whoever shows a key."""
    with inside.open() as store:
        return APIKeys(store, prefix=prefix, clock=inside.clock).check(APIKeyCredentials(key))


def test_a_key_lets_its_owner_in_with_what_it_was_given(ann: Inside) -> None:
    """The key in the object is the key, and all that was asked for is in its principal."""
    made = ann.json(
        *("key", "create", "ann", "--label", "nightly", "--role", "admin", "--scope", "a", "--scope", "b", "--permission", "p"),
        *("--network", "10.0.0.0/8", "--not-before", "1h", "--expires", "2h"),
    )
    assert made.pop("key").startswith(f"ww_{made['id']}_")
    assert made == {
        "id": made["id"],
        "owner": "ann",
        "label": "nightly",
        "kind": "user",
        "state": "not_yet_valid",
        "roles": ["admin"],
        "scopes": ["a", "b"],
        "permissions": ["p"],
        "networks": ["10.0.0.0/8"],
        "not_before": NOW + 3600,
        "expires_at": NOW + 7200,
        "created_at": NOW,
        "last_used_at": None,
        "revoked_at": None,
        "replaced_by": None,
    }
    assert ann.json("key", "list") == [made]


def test_for_people_standard_output_is_the_key_and_nothing_else(ann: Inside) -> None:
    """`KEY=$(watchword key create ann)` works: what else there is to say goes to standard error, without the key."""
    made = ann("key", "create", "ann", "--scope", "a")
    key = made.stdout.removesuffix("\n")
    verdict = show(ann, key)
    assert isinstance(verdict, Accepted)
    assert (verdict.principal.id, verdict.principal.kind, *verdict.principal.scopes) == ("ann", "user", "a")
    assert "of ann; it expires 20" in made.stderr
    assert "(in 90 d)" in made.stderr
    assert key not in made.stderr


@pytest.mark.parametrize(
    ("expires", "end"),
    [((), NOW + 90 * DAY), (("--expires", "never"), None), (("--expires", "1d12h"), NOW + 129_600), (("--expires", "1800000000"), 1.8e9)],
)
def test_keys_expire_unless_said_otherwise(ann: Inside, expires: tuple[str, ...], end: float | None) -> None:
    """A key lives for 90 days, for so long as is asked, or for ever."""
    assert ann.json("key", "create", "ann", *expires)["expires_at"] == end


def test_a_key_is_for_an_account_or_for_a_program(inside: Inside) -> None:
    """A name that no account has is a program's, which is said in case it was a slip; --client says so beforehand."""
    for option, said in (((), "There is no account shop"), (("--client",), "")):
        made = inside("key", "create", "shop", *option)
        assert made.stderr.startswith(said or "The key")
        verdict = show(inside, made.stdout.strip())
        assert isinstance(verdict, Accepted)
        assert (verdict.principal.id, verdict.principal.kind) == ("shop", "client")
    assert inside("key", "create", "shop", "--json").stderr == ""


def test_an_owner_may_be_called_by_name(inside: Inside) -> None:
    """Keys stand for ids; whoever types a name means the account that has it."""
    inside("user", "add", "ann", "--id", "u-1", "--no-password")
    inside("key", "create", "svc", "--client")
    assert inside.json("key", "create", "ann")["owner"] == "u-1"
    assert [key["owner"] for key in inside.json("key", "list", "--owner", "ann")] == ["u-1"]
    assert [key["owner"] for key in inside.json("key", "list", "--owner", "svc")] == ["svc"]
    assert len(inside.json("key", "list")) == 2


@pytest.mark.parametrize("prefix", ["ww", "acme_live"])
def test_rotation(ann: Inside, prefix: str) -> None:
    """Old and new key work side by side for the overlap, then the new one alone; it holds what the old one held."""
    old = ann.json("key", "create", "ann", "--scope", "a", "--prefix", prefix)
    new = ann.json("key", "rotate", old["id"], "--overlap", "2h", "--prefix", prefix)
    assert (new["replaces"], new["scopes"], new["owner"]) == (old["id"], ["a"], "ann")
    assert new["key"].startswith(f"{prefix}_")
    assert [isinstance(show(ann, key["key"], prefix), Accepted) for key in (old, new)] == [True, True]
    ann.clock.advance(7200)
    assert show(ann, old["key"], prefix) == Refused(Reason.EXPIRED)
    assert isinstance(show(ann, new["key"], prefix), Accepted)
    assert ann.error("key", "rotate", old["id"])[0] == "invalid"


def test_rotation_at_once_and_for_ever(ann: Inside) -> None:
    """Without an overlap the old key is over; --expires gives the new one a life of its own."""
    old = ann.json("key", "create", "ann")
    new = ann.json("key", "rotate", old["id"], "--overlap", "0s", "--expires", "never")
    assert new["expires_at"] is None
    assert show(ann, old["key"]) == Refused(Reason.REVOKED)


def test_revocation_by_id(ann: Inside) -> None:
    """A revoked key lets nobody in; to revoke it again is no failure."""
    made = ann.json("key", "create", "ann")
    assert ann("key", "revoke", made["id"]).stdout == f"revoked {made['id']}\n"
    assert show(ann, made["key"]) == Refused(Reason.REVOKED)
    ann.clock.advance(5)
    assert ann("key", "revoke", made["id"]).stdout == f"{made['id']} was revoked before\n"
    assert ann.json("key", "list")[0]["revoked_at"] == NOW


def test_revocation_of_a_key_that_was_found(ann: Inside) -> None:
    """Whoever finds a key in a log revokes it by piping it in; what is no key is said not to be one, and not repeated."""
    made = ann.json("key", "create", "ann")
    assert ann.json("key", "revoke", given=made["key"] + "\n")["state"] == "revoked"
    cut = made["key"][:-3]
    code, words = ann.error("key", "revoke", given=cut)
    assert code == "not_a_key"
    assert cut not in words
    foreign = KeyFormat("ww").make()
    assert ann.error("key", "revoke", given=foreign.text) == ("not_found", f"there is no API key with the id {foreign.id!r}")


@pytest.mark.parametrize("command", ["revoke", "rotate"])
def test_a_whole_key_is_no_argument(ann: Inside, command: str) -> None:
    """Whoever gives a key where its id belongs is refused, and the key is not shown again."""
    made = ann.json("key", "create", "ann")
    code, words = ann.error("key", command, made["key"], code=2)
    assert code == "usage"
    assert made["key"] not in words
    assert isinstance(show(ann, made["key"]), Accepted)


@pytest.mark.parametrize(
    "arguments",
    [("--network", "10.0.0.1/8"), ("--prefix", "1x"), ("--not-before", "2h", "--expires", "1h")],
)
def test_a_key_that_cannot_be(ann: Inside, arguments: tuple[str, ...]) -> None:
    """What cannot be right makes no key."""
    assert ann.error("key", "create", "ann", *arguments)[0] == "invalid"
    assert ann.json("key", "list") == []


def test_a_table(ann: Inside) -> None:
    """People see which key is whose, in columns; the keys themselves are nowhere."""
    key = ann("key", "create", "ann", "--label", "[red]x").stdout.strip()
    listed = ann("key", "list").stdout
    assert "[red]x" in listed
    assert key not in listed
    assert ann("key", "list", "--owner", "zoe").stdout == "there are no keys\n"
