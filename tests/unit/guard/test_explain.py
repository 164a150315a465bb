"""Why a decision is what it is, for people: one case for each kind of decision, and no secret in any."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.support.core import ANN, Recorder, argon2_hash, ask
from tests.support.each import each
from tests.support.wire import basic, bearer
from watchword import (
    APIKey,
    Basic,
    Bearer,
    Evidence,
    Guard,
    Principal,
    Reason,
    Refused,
    RequestView,
    Unavailable,
    acr,
    authenticated,
    factor,
    fresh,
    network,
    optional,
    public,
    role,
    scope,
    via,
)
from watchword.authorization.needs import IDENTITY
from watchword.authorization.value import YES, Needs, No, Unknown, Yes
from watchword.checkers import Tokens, Users
from watchword.testing import FixedClock

RULES = {
    "/public": public,
    "/optional": optional,
    "GET /orders/{id}": scope("orders:read"),
    "/write": scope("orders:write"),
    "/admin/**": role("admin") & network("10.0.0.0/8"),
    "/root": role("root"),
    "/hidden": role("root").hidden(),
    "/strong": fresh(60) & acr("gold") & factor("otp"),
    "/tokens": via("Bearer") | (via("ApiKey") & scope("orders:read")),
    "/either": role("root") | (network("10.0.0.0/8") & ~role("banned")),
}


def down(credentials: object) -> Principal:
    """Answer no one."""
    raise Unavailable("the directory is down", retry_after=7)


def guard(**settings: Any) -> Guard:
    """Return a guard of all three schemes."""
    return Guard(
        Basic(Users({"ann": argon2_hash("s3cret")}, principals={"ann": ANN}), realm="office"),
        Bearer(Tokens({"s3cret": ANN, "old": Principal("old", evidence=Evidence(expires_at=5))}), realm="office"),
        APIKey(down, realm="office"),
        rules=RULES,
        clock=FixedClock(1_000_000),
        request_id=lambda: "0f0f",
        **settings,
    )


KINDS: dict[str, tuple[RequestView, str]] = {
    "granted": (
        ask("/orders/7", bearer("s3cret")),
        """\
request: GET /orders/7 from 192.0.2.7 over http
firewall: nothing ambiguous
rule: 'GET /orders/{id}' needs scope("orders:read")
credentials: authorization (Bearer, 13 octets)
checker Tokens (Bearer): accepted Principal('ann', roles=['admin'], scopes=['orders:read'], evidence=Evidence('Bearer'))
decision: granted, as ann
evaluated:
  [yes] scope("orders:read")""",
    ),
    "granted without looking": (
        ask("/public", bearer("s3cret")),
        """\
request: GET /public from 192.0.2.7 over http
firewall: nothing ambiguous
rule: '/public' needs public
credentials: not looked at, the rule is decided without them
decision: granted, as an anonymous caller
evaluated:
  [yes] public""",
    ),
    "granted to anybody": (
        ask("/optional"),
        """\
request: GET /optional from 192.0.2.7 over http
firewall: nothing ambiguous
rule: '/optional' needs optional
credentials: none sent
decision: granted, as an anonymous caller
evaluated:
  [yes] optional""",
    ),
    "preflight": (
        ask("/root", ("Origin", "https://app.example"), ("Access-Control-Request-Method", "PUT"), method="OPTIONS"),
        """\
request: OPTIONS /root from 192.0.2.7 over http
firewall: nothing ambiguous
rule: '/root' needs role("root")
CORS preflight: it carries no credentials, so the rule refuses it. Put the CORS layer outside the guard, or write Guard(cors_inside=True).
credentials: none sent
decision: challenged, missing_credentials
evaluated:
  [needs] role("root")
needs: log in
response:
  HTTP 401 Unauthorized""",
    ),
    "a script of another origin": (
        ask("/root", ("Origin", "https://app.example")),
        """\
request: GET /root from 192.0.2.7 over http
firewall: nothing ambiguous
rule: '/root' needs role("root")
CORS: a script of https://app.example sees a network error, unless a CORS layer outside the guard allows that origin
credentials: none sent
decision: challenged, missing_credentials
evaluated:
  [needs] role("root")
needs: log in
response:
  HTTP 401 Unauthorized""",
    ),
    "challenged": (
        ask("/tokens"),
        """\
request: GET /tokens from 192.0.2.7 over http
firewall: nothing ambiguous
rule: '/tokens' needs via("Bearer") | via("ApiKey") & scope("orders:read")
credentials: none sent
decision: challenged, missing_credentials
evaluated:
  [needs] via("Bearer") | via("ApiKey") & scope("orders:read")
    [needs] via("Bearer")
    [needs] via("ApiKey") & scope("orders:read")
      [needs] via("ApiKey")
      [needs] scope("orders:read")
needs: log in and come by bearer
   or: log in and come by apikey and hold the scope orders:read
response:
  HTTP 401 Unauthorized""",
    ),
    "refused": (
        ask("/root", basic("ann", "false s3cret")),
        """\
request: GET /root from 192.0.2.7 over http
firewall: nothing ambiguous
rule: '/root' needs role("root")
credentials: authorization (Basic, 30 octets)
checker Users (Basic): refused, wrong_secret: The user exists; the password does not match.
decision: challenged, wrong_secret (user ann); the client is told invalid_credentials
evaluated:
  [needs] role("root")
needs: log in
response:
  HTTP 401 Unauthorized""",
    ),
    "damaged": (
        ask("/root", ("Authorization", "Basic s3cret")),
        """\
request: GET /root from 192.0.2.7 over http
firewall: nothing ambiguous
rule: '/root' needs role("root")
credentials: authorization (Basic, 12 octets)
scheme Basic: the credentials do not fit it, so no checker was asked
decision: challenged, malformed_credentials (Basic: expected canonical base64 (RFC 4648 §4))
evaluated:
  [needs] role("root")
needs: log in
response:
  HTTP 401 Unauthorized""",
    ),
    "step up": (
        ask("/strong", bearer("s3cret")),
        """\
needs: have logged in within 60 seconds and reach gold and use the factor otp
response:
  HTTP 401 Unauthorized""",
    ),
    "forbidden": (
        ask("/root", bearer("s3cret")),
        """\
decision: forbidden, missing_role
evaluated:
  [no] role("root")
no credentials of this caller would help
response:
  HTTP 403 Forbidden""",
    ),
    "forbidden to all": (
        ask("/admin/x", bearer("s3cret")),
        """\
rule: '/admin/**' needs role("admin") & network("10.0.0.0/8")
credentials: not looked at, the rule is decided without them
decision: forbidden, network_denied
evaluated:
  [no] role("admin") & network("10.0.0.0/8")
    [depends] role("admin")
    [no] network("10.0.0.0/8")
no credentials of this caller would help
response:
  HTTP 403 Forbidden""",
    ),
    "scope": (
        ask("/write", bearer("s3cret")),
        """\
decision: forbidden, insufficient_scope
evaluated:
  [needs] scope("orders:write")
needs: hold the scope orders:write
response:
  HTTP 403 Forbidden""",
    ),
    "hidden": (
        ask("/hidden", bearer("s3cret")),
        """\
decision: hidden, missing_role
evaluated:
  [no] role("root").hidden()
    [no] role("root")
no credentials of this caller would help
response:
  HTTP 404 Not Found""",
    ),
    "ambiguous": (
        ask("/a/../root", bearer("s3cret")),
        """\
request: GET /a/../root from 192.0.2.7 over http
refused at once: the firewall's rule dot_segment
decision: malformed, ambiguous_path (the firewall's rule dot_segment)
response:
  HTTP 400 Bad Request""",
    ),
    "malformed": (
        ask("/root", ("Authorization", "s3cret")),
        """\
request: GET /root from 192.0.2.7 over http
refused at once: expected a token68 or parameters after the scheme name at position 6
decision: malformed, malformed_credentials (expected a token68 or parameters after the scheme name at position 6)
response:
  HTTP 400 Bad Request""",
    ),
    "failed": (
        ask("/root", ("X-API-Key", "s3cret")),
        """\
credentials: x-api-key (6 octets)
checker down (ApiKey): unavailable: the directory is down
decision: failed, unavailable (the directory is down)
evaluated:
  [unknown] role("root")
response:
  HTTP 503 Service Unavailable""",
    ),
    "unknown scheme": (
        ask("/root", ("Authorization", "s3cret s3cret")),
        """\
credentials: authorization (a scheme that this guard does not have, 13 octets)
decision: challenged, missing_credentials""",
    ),
    "scheme not accepted": (
        ask("/tokens", basic("ann", "s3cret")),
        """\
credentials: authorization (Basic, which this rule does not accept, 22 octets)
decision: challenged, missing_credentials""",
    ),
    "expired": (
        ask("/root", bearer("old")),
        """\
checker Tokens (Bearer): accepted them, but their evidence has expired
decision: challenged, expired (their evidence has expired)""",
    ),
}


@each("kind", KINDS)
def test_every_kind_of_decision_is_explained(kind: str) -> None:
    """Step by step, with the rule as a tree of hits and misses, the cure, and the response."""
    view, text = KINDS[kind]
    assert text in str(guard().explain(view))


@each("kind", KINDS)
def test_the_response_is_the_exact_one(kind: str) -> None:
    """Status, phrase, and every header as `refuse` gives them."""
    view, _ = KINDS[kind]
    asked = guard()
    explained = asked.explain(view)
    decision = asked.decide(view)
    if decision.granted:
        assert explained.refusal is None
        assert "response:" not in str(explained)
        return
    refusal = asked.refuse(decision, view)
    assert explained.refusal == refusal
    lines = [f"  HTTP {refusal.status} {refusal.reason_phrase}", *(f"  {name}: {value}" for name, value in refusal.headers)]
    assert str(explained).endswith("\n".join(["response:", *lines]))


@each("kind", KINDS)
def test_the_tree_agrees_with_the_decision(kind: str) -> None:
    """What is recomputed for the explanation is what decided."""
    view, _ = KINDS[kind]
    explained = guard().explain(view)
    if explained.tree is None:
        assert kind in {"ambiguous", "malformed"}
        return
    value = explained.tree.value
    granted = explained.decision.granted
    assert (value is YES) is granted
    expected: dict[str, set[type]] = {
        "Granted": {Yes},
        "Challenged": {Needs},
        "Forbidden": {No, Needs},
        "Hidden": {No},
        "Failed": {Unknown},
    }
    assert type(value) in expected[type(explained.decision).__name__]
    assert bool(explained.cures) is isinstance(value, Needs)
    anonymous = not explained.decision.principal.is_authenticated
    assert not isinstance(value, Needs) or all(IDENTITY in cure for cure in value.cures) is anonymous


SPELLINGS = [
    "s3cret",
    b64encode(b"ann:s3cret").decode(),
    b64encode(b"ann:false s3cret").decode(),
    b64encode(b"s3cret").decode(),
    b"s3cret".hex(),
    "%73",
]


@each("kind", KINDS)
def test_no_secret_is_in_an_explanation(kind: str) -> None:
    """Not as it was sent, and in no other spelling; nor in what the explanation is made of."""
    view, _ = KINDS[kind]
    explained = guard().explain(view)
    for text in (str(explained), repr(explained), repr(explained.decision), repr(explained.refusal), repr(explained.steps)):
        for spelling in SPELLINGS:
            assert spelling not in text


@pytest.mark.parametrize(
    "value",
    [
        "expected-s3cret s3cret",
        "expected-s3cret",
        "s3cret=",
        "Bearer s3cret,s3cret",
        "Basic\ts3cret",
        'Digest s3cret="s3cret"',
        "s3cret,s3cret x",
    ],
)
def test_a_token_without_its_scheme_is_not_repeated(value: str) -> None:
    """People paste a token where a scheme should be."""
    assert "s3cret" not in str(guard().explain(ask("/root", ("Authorization", value))))


def test_queries_and_cookies_are_not_repeated() -> None:
    """Where a scheme looks there, it is said that there was one."""
    asked = Guard(Bearer(Tokens({"x": ANN}), query=True), APIKey(Tokens({"x": ANN}), cookie="key"))
    text = str(asked.explain(ask("/x?access_token=s3cret", ("Cookie", "key=s3cret"))))
    assert "s3cret" not in text
    assert "credentials: cookie (10 octets); the query parameter access_token" in text
    assert "credentials: the query parameter access_token" in str(asked.explain(ask("/x?access_token=s3cret")))


@pytest.mark.parametrize("reason", [Reason.DISABLED, Reason.REVOKED, Reason.BAD_SIGNATURE])
def test_the_operator_reads_what_the_client_must_not(reason: Reason) -> None:
    """The reason of the checker, in the operator's words."""
    text = str(Guard(Bearer(Recorder(Refused(reason)))).explain(ask("/", bearer("t"))))
    assert f"refused, {reason.value}: " in text
    assert f"decision: challenged, {reason.value}" in text


def test_encryption_that_is_missing_is_explained() -> None:
    """Without a cure: no credential helps, and none was looked at."""
    explained = guard(require_tls=True).explain(ask("/root", bearer("s3cret")))
    assert explained.steps[-2:] == (
        "transport: in the clear, so that credentials are not looked at",
        "decision: forbidden, insecure_transport",
    )
    assert explained.cures == ()
    assert "HTTP 403" in str(explained)


def test_where_the_peer_is_not_known_that_is_said() -> None:
    """A local socket has no address."""
    assert "from an unknown address over https" in str(guard().explain(RequestView("GET", "/x", scheme="https")))


@pytest.mark.parametrize("character", [0x0A, 0x0D, 0x1B, 0x85, 0x2028, 0xDCFF, 0xD800], ids=hex)
def test_a_path_adds_no_line_and_can_always_be_printed(character: int) -> None:
    """What a client sends stays on the line where it belongs, and no terminal chokes on it."""
    path = f"/a{chr(character)}decision: granted, as root"
    text = str(guard().explain(RequestView("GET" + path[1:], "/", path=path, client="192.0.2.7")))
    first, second, *_ = text.splitlines()
    assert first.startswith("request: GET")
    assert first.endswith(" from 192.0.2.7 over http")
    assert second.startswith(("refused at once: the firewall's rule", "firewall: nothing ambiguous"))
    text.encode()


def test_paths_of_all_languages_stay_readable() -> None:
    """Only what cannot be printed is escaped."""
    assert "GET /straße/東京 from" in str(guard().explain(ask("/straße/東京")))


def test_an_explanation_is_data() -> None:
    """Programs read decision, steps, tree, cures and refusal; the repr leaves the response out."""
    explained = guard().explain(ask("/admin/x", client="10.0.0.1"))
    assert explained.cures == (("log in",),)
    assert explained.tree is not None
    assert [part.text for part in explained.tree.parts] == ['role("admin")', 'network("10.0.0.0/8")']
    assert isinstance(explained.tree.parts[0].value, Needs)
    assert explained.tree.parts[1].value is YES
    assert "refusal" not in repr(explained)


@pytest.mark.anyio
async def test_a_guard_that_waits_is_explained_too() -> None:
    """`aexplain` gives the same."""

    async def check(credentials: object) -> Principal:
        return ANN

    asked = Guard(Bearer(check), default=authenticated)
    assert "checker test_a_guard_that_waits_is_explained_too.<locals>.check (Bearer): accepted" in str(
        await asked.aexplain(ask("/", bearer("t")))
    )
    view, text = KINDS["challenged"]
    assert text in str(await guard().aexplain(view))
