"""`watchword token`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import NOW
from watchword import Accepted, BearerToken, Reason, Refused
from watchword.checkers import OpaqueTokens
from watchword.checkers.key_format import TokenFormat

if TYPE_CHECKING:
    from tests.support.command import Inside


def show(inside: Inside, token: str, prefix: str = "wwt") -> Accepted | Refused:
    """What the application says to whoever shows a token."""
    with inside.open() as store:
        return OpaqueTokens(store, prefix=prefix, clock=inside.clock).check(BearerToken(token))


def test_a_token_lets_its_subject_in_with_what_it_was_given(ann: Inside) -> None:
    """The token in the object is the token, and all that was asked for is in its principal."""
    made = ann.json("token", "create", "ann", "--label", "script", "--role", "admin", "--scope", "a", "--permission", "p")
    token = made.pop("token")
    assert made == {
        "id": made["id"],
        "subject": "ann",
        "label": "script",
        "kind": "user",
        "state": "active",
        "roles": ["admin"],
        "scopes": ["a"],
        "permissions": ["p"],
        "expires_at": NOW + 3600,
        "created_at": NOW,
        "revoked_at": None,
    }
    assert ann.json("token", "list") == [made]
    verdict = show(ann, token)
    assert isinstance(verdict, Accepted)
    assert (verdict.principal.id, *verdict.principal.roles, *verdict.principal.scopes) == ("ann", "admin", "a")


def test_for_people_standard_output_is_the_token_and_nothing_else(ann: Inside) -> None:
    """As with keys."""
    made = ann("token", "create", "ann", "--expires", "never", "--prefix", "acme")
    token = made.stdout.removesuffix("\n")
    assert isinstance(show(ann, token, "acme"), Accepted)
    assert "of ann; it does not expire" in made.stderr
    assert token not in made.stderr


def test_a_token_is_for_an_account_or_for_a_program(inside: Inside) -> None:
    """As with keys."""
    assert inside("token", "create", "job").stderr.startswith("There is no account job")
    for option in ((), ("--client",)):
        verdict = show(inside, inside.json("token", "create", "job", *option)["token"])
        assert isinstance(verdict, Accepted)
        assert (verdict.principal.id, verdict.principal.kind) == ("job", "client")


def test_revocation_by_handle_and_by_the_token_itself(ann: Inside) -> None:
    """Either way the token is over, and the others are not; to revoke it again is no failure."""
    first, second, third = (ann.json("token", "create", "ann") for _ in range(3))
    assert ann("token", "revoke", first["id"]).stdout == f"revoked {first['id']}\n"
    assert ann.json("token", "revoke", given=second["token"] + "\n")["state"] == "revoked"
    assert [show(ann, token["token"]) for token in (first, second)] == [Refused(Reason.REVOKED)] * 2
    assert isinstance(show(ann, third["token"]), Accepted)
    assert ann("token", "revoke", first["id"]).stdout == f"{first['id']} was revoked before\n"


def test_a_token_that_is_not_there(ann: Inside) -> None:
    """By handle and by token it is said so; what is no token is not repeated."""
    assert ann.error("token", "revoke", "0123456789abcdef") == ("not_found", "there is no token with the id '0123456789abcdef'")
    assert ann.error("token", "revoke", given=TokenFormat("wwt").make().text) == ("not_found", "there is no such token")
    code, words = ann.error("token", "revoke", given="hunter2\n")
    assert code == "not_a_token"
    assert "hunter2" not in words


def test_a_token_is_no_argument(ann: Inside) -> None:
    """Whoever gives a token where its handle belongs is refused, and the token is not shown again."""
    token = ann("token", "create", "ann").stdout.strip()
    code, words = ann.error("token", "revoke", token, code=2)
    assert code == "usage"
    assert token not in words
    assert isinstance(show(ann, token), Accepted)


def test_revoke_all_of_an_unknown_subject_fails(inside: Inside) -> None:
    """A slip in a name is told: nothing was revoked. A second run for the same subject is no slip."""
    code, words = inside.error("token", "revoke-all", "nobody")
    assert (code, "nothing was revoked" in words) == ("not_found", True)
    inside("token", "create", "job", "--client")
    assert inside.json("token", "revoke-all", "job")["tokens"] == 1
    assert inside.json("token", "revoke-all", "job")["tokens"] == 0
    inside("user", "add", "ann", "--no-password")
    assert inside.json("token", "revoke-all", "ann") == {"subject": "ann", "keys": 0, "tokens": 0}


def test_revoke_all(inside: Inside) -> None:
    """Every key and every token of one account dies, by whichever name it is called; those of others live."""
    inside("user", "add", "ann", "--id", "u-1", "--no-password")
    tokens = [inside.json("token", "create", "ann")["token"] for _ in range(2)]
    inside("key", "create", "ann")
    other = inside.json("token", "create", "job", "--client")["token"]
    assert inside.json("token", "revoke-all", "ann") == {"subject": "u-1", "keys": 1, "tokens": 2}
    assert [show(inside, token) for token in tokens] == [Refused(Reason.REVOKED)] * 2
    assert isinstance(show(inside, other), Accepted)
    assert inside("token", "revoke-all", "job").stdout == "revoked 0 keys and 1 tokens of 'job'\n"


@pytest.mark.parametrize(
    ("before", "left"),
    [((), 1), (("--before", str(NOW + 3601)), 1), (("--before", str(NOW - 1)), 3), (("--before", "1s"), 1), (("--before", "2h"), 3)],
)
def test_purge(ann: Inside, before: tuple[str, ...], left: int) -> None:
    """Tokens that ended are forgotten, and no other."""
    ann("token", "create", "ann")
    ann("token", "revoke", ann.json("token", "create", "ann")["id"])
    ann("token", "create", "ann", "--expires", "2h")
    ann.clock.advance(3602)
    assert ann.json("token", "purge", *before) == {"tokens": 3 - left}
    assert len(ann.json("token", "list")) == left


def test_W16_a_duration_means_ago(ann: Inside) -> None:  # noqa: N802 - a test carries the number of its threat
    """`--before 30d` forgets what ended more than 30 days ago, never what is valid; a time in the future is an error."""
    for expires in ("1h", "90d", "never"):
        ann("token", "create", "ann", "--expires", expires)
    ann("token", "revoke", ann.json("token", "create", "ann")["id"])
    assert ann.json("token", "purge", "--before", "30d") == {"tokens": 0}
    for future in (str(NOW + 100), "2099-01-01"):
        assert ann.error("token", "purge", "--before", future, code=2)[0] == "usage"
    assert len(ann.json("token", "list")) == 4
    ann.clock.advance(31 * 86_400)
    assert ann.json("token", "purge", "--before", "30d") == {"tokens": 2}
    assert [token["expires_at"] for token in ann.json("token", "list") if token["expires_at"]] == [NOW + 90 * 86_400]


def test_whose(ann: Inside) -> None:
    """A list may be of one subject."""
    ann("token", "create", "ann")
    ann("token", "create", "job", "--client")
    assert [token["subject"] for token in ann.json("token", "list", "--subject", "job")] == ["job"]
    assert ann("token", "list", "--subject", "zoe").stdout == "there are no tokens\n"
