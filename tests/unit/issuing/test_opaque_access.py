"""Opaque access tokens of an issuer: who accepts them, what they say, and that they end with their login."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.each import each
from watchword import Bearer, Guard, RequestView, acr, factor, fresh
from watchword.checkers import OpaqueTokens
from watchword.credentials import BearerToken
from watchword.errors import ConfigurationError, Unavailable
from watchword.issuing import IssuedTokens, KeyRing, RefreshTokens, TokenIssuer
from watchword.operation import run
from watchword.reason import Reason
from watchword.stores import MemoryStore, SQLStore
from watchword.stores.ports import AccountRecord, FamilyRecord, TokenRecord
from watchword.testing import FixedClock
from watchword.verdict import Accepted, Refused

NOW = 1_700_000_000.0
SECRET = "a secret of at least 32 octets.."
ORDERS = "https://orders.example.com"


class Desk:
    """An issuer of opaque access tokens, its store and its clock."""

    def __init__(self, store: Any = None, **options: Any) -> None:
        self.clock = FixedClock(NOW)
        self.store = store or MemoryStore(clock=self.clock)
        given: dict[str, Any] = {"issuer": "https://auth.example.com", "audience": ORDERS, "access_tokens": "opaque", **options}
        self.issuer = TokenIssuer(given.pop("secret", SECRET), self.store, clock=self.clock, on_event=str, **given)

    def checker(self, audience: Any = ORDERS, prefix: str = "wwa") -> OpaqueTokens:
        """Return the checker of a server, perhaps in another process."""
        return OpaqueTokens(self.store, prefix=prefix, audience=audience, clock=self.clock)

    def reason(self, token: str, **how: Any) -> Reason | None:
        """Return why a token is refused; None: it is not."""
        verdict = self.checker(**how).check(BearerToken(token))
        return verdict.reason if isinstance(verdict, Refused) else None


def test_an_access_token_is_a_record_of_the_store() -> None:
    """With subject, client, audience, family, and no word of the token. It is accepted by whoever asks the store."""
    desk = Desk()
    issued = desk.issuer.issue(
        "ann", "web", scopes=["b", "a"], claims={"auth_time": NOW - 9, "acr": "2", "amr": ["pwd"], "roles": ["clerk"]}
    )
    (record,) = desk.store.list_tokens(owner="ann")
    assert issued.access_token.startswith("wwa_")
    assert (record.sid, record.audience, record.kind, record.label) == (issued.family, (ORDERS,), "user", "web")
    assert (record.created_at, record.expires_at, record.family and record.family.client) == (NOW, NOW + 600, "web")
    assert (issued.expires_in, issued.response()["scope"]) == (600, "a b")
    verdict = desk.issuer.access_tokens().check(BearerToken(issued.access_token))
    assert verdict == desk.checker().check(BearerToken(issued.access_token))
    assert isinstance(verdict, Accepted)
    who = verdict.principal
    assert (who.id, who.kind, sorted(who.scopes), sorted(who.roles)) == ("ann", "user", ["a", "b"], ["clerk"])
    assert {name: who.claims[name] for name in ("sub", "client_id", "sid", "aud", "scope", "iat", "exp", "jti")} == {
        "sub": "ann", "client_id": "web", "sid": issued.family, "aud": ORDERS, "scope": "a b", "iat": int(NOW), "exp": int(NOW) + 600,
        "jti": record.id,
    }  # fmt: skip
    assert who.evidence is not None
    assert (who.evidence.auth_time, who.evidence.acr, *who.evidence.factors) == (NOW - 9, "2", "pwd")
    assert issued.access_token not in repr((issued, record, desk.issuer, verdict))
    assert SECRET not in repr(desk.issuer)


@pytest.mark.parametrize("by", ["family", "refresh token", "access token", "subject", "removal", "reuse", "purge", "disabled"])
def test_the_end_of_a_login_ends_its_access_tokens(by: str) -> None:
    """What a guard has cached about them, too; another login of the same second lives."""
    desk = Desk()
    kept = desk.store.add_account(AccountRecord(id="ann", names=()))
    guard = Guard(Bearer(desk.checker()), clock=desk.clock)
    issued, other = desk.issuer.issue("ann", "web"), desk.issuer.issue("bob", "web")
    again = desk.issuer.refresh(str(issued.refresh_token), "web")
    assert isinstance(again, IssuedTokens)
    tokens = [issued.access_token, again.access_token, other.access_token]

    def reasons() -> list[Reason | None]:
        asked = (guard.decide(RequestView("GET", "/", [("Authorization", f"Bearer {token}")])) for token in tokens)
        return [None if decision.granted else decision.reason for decision in asked]

    assert reasons() == [None] * 3
    match by:
        case "family":
            assert desk.issuer.revoke(issued.family)
        case "refresh token":
            assert desk.issuer.revoke(str(again.refresh_token))
        case "access token":
            for token in tokens[:2]:
                assert desk.checker().revoke(token)
        case "subject":
            assert desk.issuer.revoke_all("ann") == (0, 3)
        case "removal":
            desk.store.remove_account("ann", NOW)
        case "reuse":
            desk.clock.advance(30)
            desk.issuer.refresh(str(issued.refresh_token), "web")
        case "disabled":
            desk.store.replace_account(replace(kept, disabled=True))
        case _:
            desk.issuer.revoke(issued.family)
            desk.clock.advance(1)
            assert desk.issuer.refresh_tokens.purge() == 1
    expected = Reason.DISABLED if by == "disabled" else Reason.REVOKED
    assert reasons() == [expected, expected, None]
    new = desk.issuer.issue("ann", "web") if by != "disabled" else other
    assert desk.reason(new.access_token) is None


def test_an_access_token_ends_at_its_time_and_never_after_its_login() -> None:
    """As a signed one does."""
    desk = Desk()
    issued, short = desk.issuer.issue("ann", "web"), desk.issuer.issue("ann", "web", absolute=100.5)
    assert short.expires_in == 100
    desk.clock.advance(100)
    assert (desk.reason(issued.access_token), desk.reason(short.access_token)) == (None, Reason.EXPIRED)
    desk.clock.advance(500)
    assert desk.reason(issued.access_token) is Reason.EXPIRED
    desk.clock.advance(1)
    assert desk.checker().purge() == 2


def test_a_token_opens_the_servers_that_it_is_for() -> None:
    """Neither another server, nor one that says not who it is; and a link opens none of them."""
    desk = Desk(audience=[ORDERS, "https://bills.example.com"])
    text = desk.issuer.issue("ann", "web").access_token
    for audience, expected in [
        (ORDERS, None),
        ("https://bills.example.com", None),
        (["x", ORDERS], None),
        ("https://other.example.com", Reason.WRONG_AUDIENCE),
        (f"{ORDERS}/", Reason.WRONG_AUDIENCE),
        ((), Reason.WRONG_AUDIENCE),
    ]:
        assert desk.reason(text, audience=audience) is expected
    assert desk.reason(text, prefix="wwt") is Reason.UNKNOWN_IDENTITY
    made, meant = desk.checker(()).create("ann"), desk.checker(()).create("ann", audience=ORDERS)
    assert (desk.reason(made.token), desk.reason(made.token, audience=())) == (Reason.WRONG_AUDIENCE, None)
    assert (desk.reason(meant.token), desk.reason(meant.token, audience=())) == (None, Reason.WRONG_AUDIENCE)
    assert run(desk.issuer.reading_access(meant.token)) is None  # the issuer has not issued it


def test_an_access_token_is_no_link() -> None:
    """Else a stolen one would reset a password, or would be spent."""
    desk = Desk()
    text = desk.issuer.issue("ann", "web").access_token
    for audience, expected in (((), Reason.WRONG_AUDIENCE), (ORDERS, Reason.WRONG_TOKEN_TYPE)):
        verdict = desk.checker(audience).redeem(text)
        assert isinstance(verdict, Refused)
        assert verdict.reason is expected
    assert desk.reason(text) is None


def test_what_a_login_claims_is_judged_as_in_a_signed_token() -> None:
    """Step-up works, and a login of the future or with claims that cannot be read is refused."""
    desk = Desk()
    text = desk.issuer.issue("ann", "web", claims={"auth_time": NOW, "acr": "gold", "amr": ["otp"]}).access_token
    guard = Guard(Bearer(desk.checker()), default=fresh(300) & acr("gold") & factor("otp"), clock=desk.clock)
    view = RequestView("GET", "/", [("Authorization", f"Bearer {text}")])
    assert guard.decide(view).granted
    desk.clock.advance(301)
    assert not guard.decide(view).granted
    claims: list[dict[str, Any]] = [
        {"auth_time": "5"},
        {"amr": "pwd"},
        {"acr": 5},
        {"roles": {"a": 1}},
        {"entitlements": [None]},
        {"events": {}},
    ]
    for given in claims:
        with pytest.raises(ConfigurationError, match="claims must be those of an access token"):
            desk.issuer.issue("ann", "web", claims=given)
    # Families that other programs have started in the same store.
    refused: list[tuple[dict[str, Any], Reason]] = [
        (claims[0], Reason.INVALID_CLAIM),
        ({"auth_time": NOW + 999}, Reason.NOT_YET_VALID),
        ({"nbf": NOW + 999}, Reason.NOT_YET_VALID),
        ({"cnf": {"jkt": "x"}}, Reason.BOUND_TOKEN),
    ]
    for given, expected in refused:
        started = RefreshTokens(desk.store, SECRET, clock=desk.clock).start("ann", "web", claims=given)
        again = desk.issuer.refresh(started.token, "web")
        assert isinstance(again, IssuedTokens)
        assert desk.reason(again.access_token) is expected


def test_no_claim_of_a_login_changes_what_the_issuer_says() -> None:
    """Another program may have started the family with any claims."""
    desk = Desk()
    false = dict.fromkeys(("iss", "sub", "aud", "client_id", "sid", "jti", "scope", "token_id"), "x") | {"exp": 9e9, "iat": 1}
    refresh = RefreshTokens(desk.store, SECRET, clock=desk.clock)
    bare = desk.issuer.refresh(refresh.start("bob", "web", claims=false).token, "web")
    assert isinstance(bare, IssuedTokens)
    assert "scope" not in (run(desk.issuer.reading_access(bare.access_token)) or {"scope": "x"})
    started = refresh.start("ann", "web", scopes=["a"], claims=false)
    again = desk.issuer.refresh(started.token, "web")
    assert isinstance(again, IssuedTokens)
    claims = run(desk.issuer.reading_access(again.access_token))
    assert claims is not None
    (record,) = desk.store.list_tokens(owner="ann")
    assert claims == {
        "iss": "https://auth.example.com", "sub": "ann", "aud": ORDERS, "client_id": "web", "sid": started.family.id, "jti": record.id,
        "scope": "a", "iat": int(NOW), "exp": int(NOW) + 600,
    }  # fmt: skip


def test_a_program_gets_tokens_of_its_own() -> None:
    """They are revoked with all that the client has, and it is never a person."""
    desk = Desk()
    one, two = run(desk.issuer.granting("robot", ["a"])), run(desk.issuer.granting("robot", []))
    verdict = desk.checker().check(BearerToken(one.access_token))
    assert isinstance(verdict, Accepted)
    assert (verdict.principal.id, verdict.principal.kind, one.family) == ("robot", "client", two.family)
    assert desk.issuer.revoke_all("robot") == (0, 3)
    assert desk.reason(one.access_token) is desk.reason(two.access_token) is Reason.REVOKED
    assert desk.reason(run(desk.issuer.granting("robot", [])).access_token) is None


def test_no_key_is_needed() -> None:
    """The secret of refresh tokens, or a ring, whose keys are not used."""
    for secret in (SECRET, [SECRET, "another of at least 32 octets..."], KeyRing.generate()):
        desk = Desk(secret=secret)
        issued = desk.issuer.issue("ann", "web")
        assert isinstance(desk.issuer.refresh(str(issued.refresh_token), "web"), IssuedTokens)
        assert (desk.issuer.signs, desk.issuer.jwks()) == (False, {"keys": []})


WRONG: list[dict[str, Any]] = [
    {"secret": "short"},
    {"secret": None},
    {"access_tokens": "jwt"},
    {"access_tokens": "at+jwt"},
    {"access_prefix": "a-b"},
    {"store": object()},
]


@each("given", WRONG)
def test_a_wrong_construction_is_refused(given: dict[str, Any]) -> None:
    """A secret where keys are needed is one."""
    with pytest.raises(ConfigurationError):
        Desk(**given)


def test_a_token_that_cannot_be_stored_is_an_outage_and_the_client_repeats() -> None:
    """The refresh token was rotated, and gives its successor again."""

    class Full(MemoryStore):
        away = False

        def add_token(self, token: TokenRecord) -> TokenRecord:
            if self.away:
                raise Unavailable("the disk is full")
            return super().add_token(token)

    desk = Desk(store := Full(clock=FixedClock(NOW)))
    issued = desk.issuer.issue("ann", "web")
    store.away = True
    with pytest.raises(Unavailable):
        desk.issuer.refresh(str(issued.refresh_token), "web")
    store.away = False
    again = desk.issuer.refresh(str(issued.refresh_token), "web")
    assert isinstance(again, IssuedTokens)
    assert desk.reason(again.access_token) is None


def test_a_family_of_another_token_is_an_outage() -> None:
    """W11: the answer to another question may say that a dead login lives."""

    class Crossed(MemoryStore):
        def find_token(self, digest: bytes) -> TokenRecord | None:
            found = super().find_token(digest)
            return found and replace(found, family=FamilyRecord(id="x", owner="ann", client="web", expires_at=9e9))

    desk = Desk(Crossed(clock=FixedClock(NOW)))
    with pytest.raises(Unavailable, match="another"):
        desk.reason(desk.issuer.issue("ann", "web").access_token)


@pytest.mark.anyio
async def test_every_step_has_an_async_form() -> None:
    """On asyncio and trio, over a store that blocks."""
    with SQLStore("sqlite://", clock=FixedClock(NOW)) as store:
        desk = Desk(store)
        issued = await desk.issuer.aissue("ann", "web", scopes=["a"])
        again = await desk.issuer.arefresh(str(issued.refresh_token), "web")
        assert isinstance(again, IssuedTokens)
        assert isinstance(await desk.checker().acheck(BearerToken(again.access_token)), Accepted)
        assert await desk.issuer.arevoke(str(again.refresh_token))
        assert isinstance(await desk.checker().acheck(BearerToken(again.access_token)), Refused)
