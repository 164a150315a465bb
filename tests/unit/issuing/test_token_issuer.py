"""Access tokens and refresh tokens of an issuer: what is in them, how long they live, and what ends them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwk, jwt

from watchword.checkers import TokenRevocations
from watchword.errors import ConfigurationError, Unavailable
from watchword.issuing import IssuedTokens, KeyRing, KeyRingFile, RefreshTokens, TokenIssuer, Unrefreshed
from watchword.issuing.refresh_tokens import DAY
from watchword.operation import run
from watchword.reason import Reason
from watchword.stores import MemoryStore, SQLStore
from watchword.stores.ports import State
from watchword.testing import FixedClock
from watchword.testing.stores import account
from watchword.verdict import Refused

if TYPE_CHECKING:
    from pathlib import Path

    from watchword.checkers.lease import StoreLease

NOW = 1_700_000_000.0
RING = KeyRing.generate()
ISSUER = "https://auth.example.com"


class Desk:
    """An issuer, its store and its clock."""

    def __init__(self, **options: Any) -> None:
        self.clock = FixedClock(NOW)
        self.store = MemoryStore(clock=self.clock)
        given: dict[str, Any] = {"issuer": ISSUER, "audience": "orders", "clock": self.clock, "on_event": str, **options}
        self.issuer = TokenIssuer(given.pop("ring", RING), given.pop("store", self.store), **given)

    def read(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that the published keys verify."""
        keys = jwk.KeySet.import_key_set(self.issuer.jwks())  # type: ignore[arg-type]
        read = jwt.decode(token, keys, algorithms=["ES256", "Ed25519"])
        assert read.header["typ"] == "at+jwt"
        return dict(read.claims)

    def looked_up(self, token: str) -> StoreLease | Refused:
        """Ask whether the family of a token lives."""
        claims = self.read(token)
        return run(self.issuer.revocations().look_up("any", claims, 60))


def test_an_access_token_has_the_claims_of_rfc_9068() -> None:
    """RFC 9068 §2.2: and those of the login, and the family."""
    desk = Desk()
    issued = desk.issuer.issue("ann", "web", scopes=["b", "a"], claims={"auth_time": 1_699_999_000, "acr": "2", "amr": ["pwd"]})
    claims = desk.read(issued.access_token)
    assert len(claims.pop("jti")) == 16
    assert claims == {
        "iss": ISSUER, "sub": "ann", "aud": "orders", "client_id": "web", "iat": int(NOW), "exp": int(NOW) + 600, "scope": "a b",
        "sid": issued.family, "auth_time": 1_699_999_000, "acr": "2", "amr": ["pwd"],
    }  # fmt: skip
    assert issued.response() == {
        "access_token": issued.access_token, "token_type": "Bearer", "expires_in": 600, "refresh_token": issued.refresh_token,
        "scope": "a b",
    }  # fmt: skip
    assert issued.access_token not in repr(issued)
    assert str(issued.refresh_token) not in repr(issued)
    several = Desk(audience=["orders", "bills"])
    plain = several.issuer.issue("ann", "web")
    assert several.read(plain.access_token)["aud"] == ["orders", "bills"]
    assert "scope" not in several.read(plain.access_token)
    assert "scope" not in plain.response()


def test_a_refresh_gives_another_access_token_of_the_same_login() -> None:
    """With the claims of the login, the scopes that were asked for, and the time of now."""
    desk = Desk()
    issued = desk.issuer.issue("ann", "web", scopes=["a", "b"], claims={"auth_time": 5})
    desk.clock.advance(500)
    again = desk.issuer.refresh(str(issued.refresh_token), "web", scopes=["a"])
    assert isinstance(again, IssuedTokens)
    claims, before = desk.read(again.access_token), desk.read(issued.access_token)
    assert claims["jti"] != before["jti"]
    assert (claims["auth_time"], claims["sid"], claims["scope"], claims["iat"]) == (5, before["sid"], "a", int(NOW) + 500)
    assert again.refresh_token != issued.refresh_token
    refused = desk.issuer.refresh(str(again.refresh_token), "other")
    assert isinstance(refused, Unrefreshed)
    assert (refused.state, refused.error) == (State.WRONG, "invalid_grant")


def test_a_claim_of_a_login_grants_no_scope() -> None:
    """Another program may have started the family with any claims."""
    desk = Desk()
    started = RefreshTokens(desk.store, RING.refresh_secrets, clock=desk.clock).start("ann", "web", claims={"scope": "admin", "iss": "x"})
    issued = desk.issuer.refresh(started.token, "web")
    assert isinstance(issued, IssuedTokens)
    claims = desk.read(issued.access_token)
    assert ("scope" in claims, claims["iss"]) == (False, ISSUER)


def test_an_access_token_never_outlives_its_login() -> None:
    """A verifier that does not ask the store relies upon `exp` alone."""
    desk = Desk(access_lifetime=3600)
    issued = desk.issuer.issue("ann", "web", absolute=100.5)
    assert (issued.expires_in, desk.read(issued.access_token)["exp"]) == (100, int(NOW) + 100)


@pytest.mark.parametrize("by", ["family", "refresh token", "subject", "removal", "reuse", "purge"])
def test_the_end_of_a_login_ends_its_access_tokens(by: str) -> None:
    """What was cached about them, too; another login of the same second lives."""
    desk = Desk()
    desk.store.add_account(account("ann"))
    issued, other = desk.issuer.issue("ann", "web"), desk.issuer.issue("bob", "web")
    lease, spared = desk.looked_up(issued.access_token), desk.looked_up(other.access_token)
    assert not isinstance(lease, Refused)
    assert not isinstance(spared, Refused)
    assert lease.is_current()
    match by:
        case "family":
            assert desk.issuer.revoke(issued.family)
        case "refresh token":
            assert desk.issuer.revoke(str(issued.refresh_token))
        case "subject":
            assert desk.issuer.revoke_all("ann") == (0, 1)
        case "removal":
            desk.store.remove_account("ann", NOW)
        case "reuse":
            desk.issuer.refresh(str(issued.refresh_token), "web")
            desk.clock.advance(30)
            desk.issuer.refresh(str(issued.refresh_token), "web")
        case _:
            desk.issuer.revoke(issued.family)
            desk.clock.advance(1)
            assert desk.issuer.refresh_tokens.purge() == 1
    assert not lease.is_current()
    assert spared.is_current()
    refused = desk.looked_up(issued.access_token)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.REVOKED
    new = desk.issuer.issue("ann", "web")
    assert not isinstance(desk.looked_up(new.access_token), Refused)


def test_the_token_of_a_disabled_owner_is_refused_until_enabled() -> None:
    """As keys are."""
    desk = Desk()
    kept = desk.store.add_account(account("ann", disabled=True))
    issued = desk.issuer.issue("ann", "web")
    refused = desk.looked_up(issued.access_token)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.DISABLED
    assert kept.disabled


@pytest.mark.parametrize("by", ["jti", "subject"])
def test_living_families_obeys_revocations_of_signed_tokens(by: str) -> None:
    """Else a verifier would accept what an operator has revoked. A family orders log-in and log-out, which `iat` cannot."""
    desk = Desk()
    issued, other = desk.issuer.issue("ann", "web"), desk.issuer.issue("bob", "web")
    lease, spared = desk.looked_up(issued.access_token), desk.looked_up(other.access_token)
    assert not isinstance(lease, Refused)
    assert not isinstance(spared, Refused)
    revocations = TokenRevocations(desk.store, clock=desk.clock)
    assert revocations.revoke(issued.access_token) if by == "jti" else revocations.revoke_before(ISSUER, "ann")
    assert (lease.is_current(), spared.is_current()) == (False, True)
    refused = desk.looked_up(issued.access_token)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.REVOKED
    desk.clock.advance(61)
    assert not isinstance(desk.looked_up(desk.issuer.issue("ann", "web").access_token), Refused)
    assert isinstance(desk.looked_up(issued.access_token), Refused)


def test_a_token_without_a_family_or_of_another_owner_is_refused() -> None:
    """Whatever signed it: it could not be revoked."""
    desk = Desk()
    issued = desk.issuer.issue("ann", "web")
    claims = desk.read(issued.access_token)
    for wrong in ({}, {**claims, "sid": None}, {**claims, "sid": 5}, {**claims, "sid": "x" * 16}, {**claims, "sub": "eve"}):
        assert isinstance(run(desk.issuer.revocations().look_up("x", wrong, 0)), Refused)

    class Crossed(MemoryStore):
        def find_standing(self, *asked: str) -> Any:
            return replace(super().find_standing(*asked), family=next(iter(self._families.values())))

    crossed = Desk(store=Crossed(clock=FixedClock(NOW)))
    first, second = crossed.issuer.issue("ann", "web"), crossed.issuer.issue("bob", "web")
    assert not isinstance(crossed.looked_up(first.access_token), Refused)
    with pytest.raises(Unavailable, match="another token"):
        crossed.looked_up(second.access_token)


def test_a_program_gets_tokens_of_one_family_without_a_refresh_token() -> None:
    """RFC 6749 §4.4.3; its subject is the client (RFC 9068 §2.2). It is revoked with all that the client has."""
    desk = Desk()
    one, two = run(desk.issuer.granting("robot", ["a"])), run(desk.issuer.granting("robot", []))
    claims = desk.read(one.access_token)
    assert (claims["sub"], claims["client_id"], claims["scope"], one.refresh_token) == ("robot", "robot", "a", None)
    assert one.family == two.family
    assert one.response().keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert desk.issuer.revoke_all("robot") == (0, 1)
    assert isinstance(desk.looked_up(one.access_token), Refused)
    three = run(desk.issuer.granting("robot", []))
    assert three.family != one.family
    assert not isinstance(desk.looked_up(three.access_token), Refused)
    desk.clock.advance(DAY + 1)
    late = run(desk.issuer.granting("robot", []))
    assert late.family != three.family
    assert late.expires_in == 600


def test_a_rotated_ring_is_used_within_a_second(tmp_path: Path) -> None:
    """Tokens of before are verified, and a successor of before is given again."""
    path = tmp_path / "keys.json"
    KeyRingFile.create(path)
    ages = FixedClock(0)
    desk = Desk(ring=KeyRingFile(path, clock=ages))
    issued = desk.issuer.issue("ann", "web")
    first = desk.issuer.refresh(str(issued.refresh_token), "web")
    rotated = KeyRingFile(path).rotate()
    ages.advance(1)
    again = desk.issuer.refresh(str(issued.refresh_token), "web")
    assert isinstance(first, IssuedTokens)
    assert isinstance(again, IssuedTokens)
    assert again.refresh_token == first.refresh_token
    assert jwt.decode(again.access_token, jwk.KeySet.import_key_set(rotated.jwks()), ["ES256"]).header["kid"] == rotated.active.kid  # type: ignore[arg-type]
    assert desk.read(first.access_token)["sub"] == "ann"


@pytest.mark.anyio
async def test_every_step_has_an_async_form() -> None:
    """On asyncio and trio, over a store that blocks."""
    with SQLStore("sqlite://", clock=FixedClock(NOW)) as store:
        desk = Desk(store=store)
        issued = await desk.issuer.aissue("ann", "web", scopes=["a"])
        again = await desk.issuer.arefresh(str(issued.refresh_token), "web")
        assert isinstance(again, IssuedTokens)
        assert await desk.issuer.arevoke(str(again.refresh_token))
        assert json.loads(json.dumps(desk.issuer.jwks()))["keys"]


WRONG: list[dict[str, Any]] = [
    {"subject": "web"},
    {"subject": ""},
    {"claims": {"iss": "x"}},
    {"claims": {"exp": 9e9}},
    {"claims": {"sid": "x"}},
    {"claims": {"scope": "admin"}},
    {"scopes": ["a b"]},
    {"absolute": 0},
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_wrong_argument_issues_nothing(number: int) -> None:
    """A subject that is the client would be taken for a program (RFC 9068 §5), and no claim of the issuer's own is overwritten."""
    desk = Desk()
    with pytest.raises(ConfigurationError):
        desk.issuer.issue(**{"subject": "ann", "client": "web", **WRONG[number]})
    assert list(desk.issuer.refresh_tokens.list()) == []


ISSUERS: list[object] = [
    "",
    "auth",
    "http://auth.example.com",
    "https://",
    "https://a?b",
    "https://a#b",
    "https://u@a",
    "https://a b",
    None,
    "https://a:x",
]


def test_a_wrong_construction_is_refused() -> None:
    """The message names the argument."""
    cases: list[dict[str, Any]] = [{"issuer": issuer} for issuer in ISSUERS]
    cases += [{"audience": wrong} for wrong in ("", [], [5], None)]
    cases += [{"access_lifetime": wrong} for wrong in (0, -1, 86_401, "5", float("nan"))]
    cases += [{"ring": None}, {"ring": KeyRing}, {"store": object()}, {"lifetime": 0}, {"absolute": 0}]
    for given in cases:
        with pytest.raises(ConfigurationError):
            Desk(**given)
    for issuer in ("https://auth.example.com/tenant", "http://localhost:8000", "http://127.0.0.1"):
        assert Desk(issuer=issuer).issuer.issuer == issuer
