"""`watchword token`, beside what `test_issued` tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import NOW
from tests.support.token_vectors import CLAIMS, ISSUER, token
from watchword import Accepted, BearerToken, Reason, Refused
from watchword.checkers import OpaqueTokens, TokenRevocations
from watchword.issuing import TokenIssuer
from watchword.operation import run

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
    assert ann.json("token", "purge", *before) == {"tokens": 3 - left, "revocations": 0}
    assert len(ann.json("token", "list")) == left


def test_W16_a_duration_means_ago(ann: Inside) -> None:  # noqa: N802 - a test carries the number of its threat
    """`--before 30d` forgets what ended more than 30 days ago, never what is valid; a time in the future is an error."""
    for expires in ("1h", "90d", "never"):
        ann("token", "create", "ann", "--expires", expires)
    ann("token", "revoke", ann.json("token", "create", "ann")["id"])
    assert ann.json("token", "purge", "--before", "30d") == {"tokens": 0, "revocations": 0}
    for future in (str(NOW + 100), "2099-01-01"):
        assert ann.error("token", "purge", "--before", future, code=2)[0] == "usage"
    assert len(ann.json("token", "list")) == 4
    ann.clock.advance(31 * 86_400)
    assert ann.json("token", "purge", "--before", "30d") == {"tokens": 2, "revocations": 0}
    assert [token["expires_at"] for token in ann.json("token", "list") if token["expires_at"]] == [NOW + 90 * 86_400]


def refused(inside: Inside, **claims: object) -> bool:
    """Tell whether the application refuses a signed token."""
    with inside.open() as store:
        found = run(TokenRevocations(store, clock=inside.clock).look_up("", {**CLAIMS, **claims}, 60))
    return isinstance(found, Refused)


def test_a_signed_token_is_revoked_by_its_jti(inside: Inside) -> None:
    """Of this issuer alone. A second time is told, and is no failure."""
    given = ("token", "revoke", "--jti", "4711", "--issuer", ISSUER)
    assert not refused(inside)
    assert inside.json(*given, "--expires", "10m") == {"issuer": ISSUER, "jti": "4711"}
    assert inside(*given).stdout == f"4711 of {ISSUER} was revoked before\n"
    assert [refused(inside), refused(inside, iss="https://other.example"), refused(inside, jti="4712")] == [True, False, False]


def test_a_signed_token_that_was_found_is_revoked_by_itself(inside: Inside) -> None:
    """It is read from standard input, and never shown."""
    text = token()
    assert inside("token", "revoke", given=f"{text}\n").stdout == f"revoked 4711 of {ISSUER}\n"
    assert refused(inside)
    code, words = inside.error("token", "revoke", given=token(claims={"jti": ...}))
    assert (code, "it has no jti" in words) == ("not_a_token", True)
    for whole in (text, text[:-1] + "!"):
        code, words = inside.error("token", "revoke", "--jti", whole, "--issuer", ISSUER, code=2)
        assert (code, "as an argument" in words) == ("usage", True)
    assert not any(text[:50] in printed for printed in inside.printed)


def test_the_signed_tokens_of_a_subject_are_revoked(inside: Inside) -> None:
    """Those that were issued until now, or until another time that has passed."""
    given = ("token", "revoke-all", "ann", "--issuer", ISSUER)
    assert inside.json(*given, "--until", "1h") == {"issuer": ISSUER, "subject": "ann", "until": NOW - 3600}
    assert [refused(inside, iat=NOW - 3600), refused(inside, iat=NOW - 3000)] == [True, False]
    assert inside(*given).stdout.startswith(f"revoked the tokens of ann of {ISSUER} that were issued until 20")
    assert "were revoked before" in inside(*given).stdout
    assert [refused(inside, iat=NOW), refused(inside, sub="bob")] == [True, False]
    assert inside.error(*given, "--until", str(NOW + 9), code=2)[0] == "usage"


@pytest.mark.parametrize(
    "given",
    [
        ("revoke", "--jti", "4711"),
        ("revoke", "--issuer", ISSUER),
        ("revoke", "abcdefghij012345", "--jti", "4711", "--issuer", ISSUER),
        ("revoke", "--expires", "1h"),
        ("revoke-all", "ann", "--until", "1h"),
    ],
)
def test_options_that_do_not_go_together_revoke_nothing(given: tuple[str, ...], inside: Inside) -> None:
    """The message says which do."""
    assert inside.error("token", *given, code=2)[0] == "usage"
    assert not refused(inside)


def test_a_purge_forgets_revocations_of_ended_tokens(inside: Inside) -> None:
    """A day after their end; those with an unknown one, and those of subjects, by the longest life of a token."""
    for number, expires in enumerate((("--expires", "1h"), ("--expires", "3d"), ())):
        inside("token", "revoke", "--jti", f"j{number}", "--issuer", ISSUER, *expires)
    inside("token", "revoke-all", "ann", "--issuer", ISSUER)
    assert inside.json("token", "purge")["revocations"] == 0
    inside.clock.advance(86_400 + 3601)
    assert inside.json("token", "purge")["revocations"] == 1
    assert inside.json("token", "purge", "--longest", "2h")["revocations"] == 0
    inside.clock.advance(7200)
    assert inside("token", "purge", "--longest", "2h").stdout == "deleted 0 tokens and 3 revocations\n"


def test_a_token_is_made_for_servers(inside: Inside) -> None:
    """One that names itself accepts it, and no other does."""
    made = inside.json("token", "create", "job", "--client", "--audience", "orders", "--audience", "bills")
    assert made["audience"] == ["orders", "bills"]
    with inside.open() as store:
        verdicts = [OpaqueTokens(store, audience=name, clock=inside.clock).check(BearerToken(made["token"])) for name in ("bills", "x", ())]
    assert [isinstance(verdict, Accepted) for verdict in verdicts] == [True, False, False]


def test_access_tokens_of_logins_are_listed_as_they_are(inside: Inside) -> None:
    """One whose login has ended is revoked; those that have ended are no findings of an audit, as an issuer makes many."""
    with inside.open() as store:
        issuer = TokenIssuer(
            "a secret of at least 32 octets..", store, issuer="https://a.example", audience="orders", access_tokens="opaque",
            clock=inside.clock,
        )  # fmt: skip
        ended, lives = (run(issuer.granting(name, [])) for name in ("a", "b"))
        issuer.revoke(ended.family)
    states = {one["subject"]: (one["state"], one["sid"]) for one in inside.json("token", "list")}
    assert states == {"a": ("revoked", ended.family), "b": ("active", lives.family)}
    inside.clock.advance(3600)
    assert inside.json("audit", "--fail-on", "never") == []
