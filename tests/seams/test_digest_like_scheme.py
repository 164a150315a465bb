"""A scheme like Digest needs nothing from the core but public names: several challenges, each with its own word for a stale nonce."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.core import ask, values
from watchword import Basic, BasicCredentials, ChallengeParams, CredentialsError, Guard, Principal, Reason, Refused, Scheme
from watchword.grammar import Challenge

if TYPE_CHECKING:
    from watchword import RequestView


NOTHING = ChallengeParams()


class DigestLike(Scheme[BasicCredentials]):
    """Two algorithms, the better one first (RFC 7616 §3.7)."""

    name = "Digest"
    credentials = BasicCredentials
    prompts = True

    def extract(self, view: RequestView) -> BasicCredentials | None:
        """Return the credentials, if there are any."""
        sent = view.authorization
        if sent is None or sent.scheme.lower() != "digest":
            return None
        if sent.params is None or not {"username", "nonce"} <= sent.params.keys():
            raise CredentialsError("username and nonce", bad_request=True)
        return BasicCredentials(sent.params["username"], sent.params["nonce"])

    def challenges(self, params: ChallengeParams = NOTHING) -> tuple[Challenge, ...]:
        """Return a challenge for each algorithm."""
        stale = {"stale": "true"} if params.reason is Reason.STALE_NONCE else {}
        return tuple(
            Challenge(self.name, {"realm": self.realm, "nonce": "n2", "algorithm": algorithm, **stale}) for algorithm in ("SHA-256", "MD5")
        )

    discloses = frozenset({Reason.STALE_NONCE})


def check(credentials: BasicCredentials) -> Principal | Refused:
    """Know one nonce."""
    return Principal(credentials.username) if credentials.password == "n2" else Refused(Reason.STALE_NONCE)


def challenged(guard: Guard, *headers: tuple[str, str]) -> list[str]:
    """Return the challenges of a refusal, a line each."""
    view = ask("/", *headers)
    decision = guard.decide(view)
    return values(guard.refuse(decision, view), "WWW-Authenticate")


def test_one_scheme_asks_by_several_challenges_in_its_order() -> None:
    """RFC 7616 §3.7: one for each algorithm; other schemes follow."""
    guard = Guard(DigestLike(check, realm="x"), Basic(check, realm="x"), order=["Digest", "Basic"])
    assert challenged(guard) == [
        'Digest realm="x", nonce="n2", algorithm=SHA-256',
        'Digest realm="x", nonce="n2", algorithm=MD5',
        'Basic realm="x", charset="UTF-8"',
    ]


def test_a_stale_nonce_is_told_in_every_challenge_of_the_scheme_and_in_no_other() -> None:
    """RFC 7616 §3.3: the client may try again without asking for the password."""
    guard = Guard(DigestLike(check, realm="x"), Basic(check, realm="x"))
    lines = challenged(guard, ("Authorization", 'Digest username="ann", nonce="n1"'))
    assert [line for line in lines if "stale=true" in line] == [line for line in lines if line.startswith("Digest")]
    assert guard.decide(ask("/", ("Authorization", 'Digest username="ann", nonce="n2"'))).granted
