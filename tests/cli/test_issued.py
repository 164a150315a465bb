"""What `watchword key` and `watchword token` do alike: create, list and revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import NOW
from tests.support.issued import KEYS, TOKENS, Kind
from watchword import Accepted, APIKeyCredentials, Reason, Refused
from watchword.checkers.key_format import make_id

if TYPE_CHECKING:
    from tests.support.command import Inside

DAY = 86_400
each_kind = pytest.mark.parametrize("kind", [KEYS, TOKENS], ids=lambda kind: kind.name)


def show(inside: Inside, kind: Kind, text: str, prefix: str = "") -> Accepted | Refused:
    """What the application says to whoever shows a key or token."""
    with inside.open() as store:
        verdict: Accepted | Refused = kind.checker(store, prefix=prefix or kind.form.prefix, clock=inside.clock).check(
            APIKeyCredentials(text)
        )
        return verdict


FACTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "key": (
        ("--network", "10.0.0.0/8", "--not-before", "1h", "--expires", "2h"),
        {
            "state": "not_yet_valid",
            "networks": ["10.0.0.0/8"],
            "not_before": NOW + 3600,
            "expires_at": NOW + 7200,
            "last_used_at": None,
            "replaced_by": None,
        },
    ),
    "token": ((), {"state": "active", "expires_at": NOW + 3600, "audience": [], "sid": None}),
}


@each_kind
def test_what_was_asked_for_is_what_is_made(ann: Inside, kind: Kind) -> None:
    """All of it is in the object and in the list, and the secret in the object is the secret."""
    given, facts = FACTS[kind.name]
    grants = ("--role", "admin", "--scope", "a", "--scope", "b", "--permission", "p")
    made = ann.json(kind.name, "create", "ann", "--label", "nightly", *grants, *given)
    text = made.pop(kind.name)
    assert made == {
        "id": made["id"],
        kind.owner: "ann",
        "label": "nightly",
        "kind": "user",
        "roles": ["admin"],
        "scopes": ["a", "b"],
        "permissions": ["p"],
        "created_at": NOW,
        "revoked_at": None,
        **facts,
    }
    assert ann.json(kind.name, "list") == [made]
    if kind is KEYS:
        assert show(ann, kind, text) == Refused(Reason.NOT_YET_VALID)
        return
    verdict = show(ann, kind, text)
    assert isinstance(verdict, Accepted)
    assert (verdict.principal.id, *verdict.principal.roles, *sorted(verdict.principal.scopes)) == ("ann", "admin", "a", "b")


@each_kind
def test_for_people_standard_output_is_the_secret_and_nothing_else(ann: Inside, kind: Kind) -> None:
    """`KEY=$(watchword key create ann)` works: what else there is to say goes to standard error, without the secret."""
    for options, ends in (((), "; it expires 20"), (("--expires", "never", "--prefix", "acme"), "; it does not expire.")):
        made = ann(kind.name, "create", "ann", "--scope", "a", *options)
        text = made.stdout.removesuffix("\n")
        verdict = show(ann, kind, text, "acme" if options else "")
        assert isinstance(verdict, Accepted)
        assert (verdict.principal.id, verdict.principal.kind, *verdict.principal.scopes) == ("ann", "user", "a")
        assert f"The {kind.name} " in made.stderr
        assert f"of ann{ends}" in made.stderr
        assert text not in made.stderr


@pytest.mark.parametrize(
    ("kind", "expires", "end"),
    [
        (KEYS, (), NOW + 90 * DAY),
        (TOKENS, (), NOW + 3600),
        *((kind, ("--expires", "never"), None) for kind in (KEYS, TOKENS)),
        (KEYS, ("--expires", "1d12h"), NOW + 129_600),
        (KEYS, ("--expires", "1800000000"), 1.8e9),
    ],
)
def test_they_expire_unless_said_otherwise(ann: Inside, kind: Kind, expires: tuple[str, ...], end: float | None) -> None:
    """A key lives for 90 days and a token for an hour, for so long as is asked, or for ever."""
    assert ann.json(kind.name, "create", "ann", *expires)["expires_at"] == end


@each_kind
def test_it_is_for_an_account_or_for_a_program(inside: Inside, kind: Kind) -> None:
    """A name that no account has is a program's, which is said in case it was a slip; --client says so beforehand."""
    for option, said in (((), "There is no account shop"), (("--client",), f"The {kind.name}")):
        made = inside(kind.name, "create", "shop", *option)
        assert made.stderr.startswith(said)
        verdict = show(inside, kind, made.stdout.strip())
        assert isinstance(verdict, Accepted)
        assert (verdict.principal.id, verdict.principal.kind) == ("shop", "client")
    assert inside(kind.name, "create", "shop", "--json").stderr == ""


@each_kind
def test_an_owner_may_be_called_by_name(inside: Inside, kind: Kind) -> None:
    """What is issued stands for ids; whoever types a name means the account that has it."""
    inside("user", "add", "ann", "--id", "u-1", "--no-password")
    inside(kind.name, "create", "svc", "--client")
    assert inside.json(kind.name, "create", "ann")[kind.owner] == "u-1"
    assert [one[kind.owner] for one in inside.json(kind.name, "list", f"--{kind.owner}", "ann")] == ["u-1"]
    assert [one[kind.owner] for one in inside.json(kind.name, "list", f"--{kind.owner}", "svc")] == ["svc"]
    assert len(inside.json(kind.name, "list")) == 2


@each_kind
def test_revocation_by_id_and_by_the_secret_itself(ann: Inside, kind: Kind) -> None:
    """Whoever finds one in a log revokes it by piping it in. The others live; to revoke it again is no failure."""
    first, second, third = (ann.json(kind.name, "create", "ann") for _ in range(3))
    assert ann(kind.name, "revoke", first["id"]).stdout == f"revoked {first['id']}\n"
    assert ann.json(kind.name, "revoke", given=second[kind.name] + "\n")["state"] == "revoked"
    assert [show(ann, kind, one[kind.name]) for one in (first, second)] == [Refused(Reason.REVOKED)] * 2
    assert isinstance(show(ann, kind, third[kind.name]), Accepted)
    ann.clock.advance(5)
    assert ann(kind.name, "revoke", first["id"]).stdout == f"{first['id']} was revoked before\n"
    assert {one["revoked_at"] for one in ann.json(kind.name, "list")} == {NOW, None}


@each_kind
def test_one_that_is_not_there(ann: Inside, kind: Kind) -> None:
    """It is said so, by id and by the secret; what is none is said not to be one, and not repeated."""
    foreign = kind.form.make()
    for name, given in ((make_id(), ""), (foreign.id, foreign.text)):
        code, words = ann.error(kind.name, "revoke", *([] if given else [name]), given=given)
        assert code == "not_found"
        assert (kind is KEYS or not given) is (name in words)
        assert foreign.text not in words
    for odd in ("hunter2\n", ann.json(kind.name, "create", "ann")[kind.name][:-3]):
        code, words = ann.error(kind.name, "revoke", given=odd)
        assert code == f"not_a_{kind.name}"
        assert odd.strip() not in words


@pytest.mark.parametrize(("kind", "command"), [(KEYS, "revoke"), (KEYS, "rotate"), (TOKENS, "revoke")])
def test_a_secret_is_no_argument(ann: Inside, kind: Kind, command: str) -> None:
    """Whoever gives one where its id belongs is refused, and it is not shown again."""
    text = ann.json(kind.name, "create", "ann")[kind.name]
    code, words = ann.error(kind.name, command, text, code=2)
    assert code == "usage"
    assert text not in words
    assert isinstance(show(ann, kind, text), Accepted)


@each_kind
def test_a_table(ann: Inside, kind: Kind) -> None:
    """People see which is whose, in columns; the secrets themselves are nowhere."""
    text = ann(kind.name, "create", "ann", "--label", "[red]x").stdout.strip()
    listed = ann(kind.name, "list").stdout
    assert "[red]x" in listed
    assert text not in listed
    assert ann(kind.name, "list", f"--{kind.owner}", "zoe").stdout == f"there are no {kind.name}s\n"
