"""`watchword token`, beside what `test_issued` tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import NOW
from watchword import Accepted, BearerToken, Reason, Refused
from watchword.checkers import OpaqueTokens

if TYPE_CHECKING:
    from tests.support.command import Inside


def show(inside: Inside, token: str) -> Accepted | Refused:
    """What the application says to whoever shows a token."""
    with inside.open() as store:
        return OpaqueTokens(store, clock=inside.clock).check(BearerToken(token))


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
