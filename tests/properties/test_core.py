"""Tests that any request gets a decision, an explanation that agrees with it, and a response that can be sent."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.fuzz import TRIES
from watchword import (
    ANONYMOUS,
    APIKey,
    Basic,
    Bearer,
    Challenged,
    Decision,
    Evidence,
    Failed,
    Firewall,
    Forbidden,
    Granted,
    Guard,
    Hidden,
    Malformed,
    Principal,
    Reason,
    Refused,
    RequestView,
    Throttled,
    Unavailable,
    acr,
    authenticated,
    fresh,
    network,
    nobody,
    optional,
    public,
    role,
    scope,
    via,
)
from watchword.authorization.value import Needs, No, Unknown, Yes
from watchword.checkers import Tokens, nonblocking
from watchword.decision import Refusing
from watchword.grammar import Challenge, parse_challenges
from watchword.protection import RULES
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from watchword import BasicCredentials
    from watchword.credentials import APIKeyCredentials

ANN = Principal("ann", roles={"admin"}, scopes={"read"}, evidence=Evidence(auth_time=0))
TOKENS = Tokens({"t": ANN, "s": Principal("bob"), "e": Principal("old", evidence=Evidence(expires_at=1))})
STATUS = {Challenged: {401, 407}, Forbidden: {403}, Hidden: {404}, Malformed: {400, 413, 414, 431}, Throttled: {429}, Failed: {503}}


@nonblocking
def check_password(credentials: BasicCredentials) -> Principal | Refused | None:
    """Know two, and fail for a third."""
    if credentials.username == "down":
        raise Unavailable(credentials.password, retry_after=1)
    if credentials.password == "p":
        return ANN
    return Refused(Reason.LOCKED) if credentials.username == "locked" else None


def check_key(credentials: APIKeyCredentials) -> Principal | None:
    """Know one, after an operation."""
    return ANN if credentials.key == "k" else None


PATHS = {
    "/": optional,
    "/public/**": public,
    "/nobody": nobody,
    "GET,PUT /x": scope("read", "write"),
    "/x": role("admin"),
    "/y/{id}": via("Basic") | (via("ApiKey") & role("root")),
    "/z": (network("10.0.0.0/8") | fresh(5)) & ~role("banned"),
    "/hidden": role("root").hidden(),
    "/ä/{name}/**": acr("gold") & scope("read"),
}


@cache
def guards() -> list[Guard]:
    """Return guards of all schemes and transports, with each setting that changes the way of a request."""
    schemes = (
        Basic(check_password, realm='the "office"'),
        Bearer(TOKENS, form=True, query=True, form_limit=64, resource_metadata='https://rs.example/"\\'),
        APIKey(check_key, query="key", cookie="key", realm="\\"),
    )
    common: dict[str, Any] = {"rules": PATHS, "clock": FixedClock(1_000)}
    return [
        Guard(*schemes, **common),
        Guard(*schemes, **common, default=role("root"), firewall=Firewall(off=RULES), strip_credentials=True, cors_expose=True),
        Guard(*schemes, **common, require_tls=True, xhr_no_prompt=True, origins=["https://app.example"], contact="help@example.com"),
        Guard(Bearer(TOKENS), APIKey(TOKENS), **{**common, "rules": {}}, default=authenticated),
        Guard(Basic(check_password, realm="x", fallback="latin-1", charset=None), proxy=True, clock=FixedClock(1_000)),
    ]


# Text with everything in it, lone surrogates as well; and octets, one character each.
anything = st.text(st.characters(exclude_categories=()), max_size=24)
octets = st.binary(max_size=24).map(lambda value: value.decode("latin-1"))
pairs = st.one_of(st.sampled_from(["ann:p", "down:x", "down:\n", "locked:x", ":", "ann", "a:\x00"]), octets).map(
    lambda text: b64encode(text.encode("utf-8", "surrogatepass")).decode()
)
params = st.lists(st.tuples(octets, st.sampled_from(["=", " = ", "", "=="]), octets).map("".join), max_size=4).map(",".join)
credentials = st.one_of(
    st.tuples(
        st.sampled_from(["Basic", "basic", "Bearer", "BEARER", "ApiKey", "apikey", "Digest", "", "\u212a"]),
        st.sampled_from([" ", "  ", "\t", "", ","]),
        st.one_of(pairs, st.sampled_from(["t", "s", "e", "k", "t,Bearer t", '"t"', "t=", "==", "t t"]), params, octets, anything),
    ).map("".join),
    anything,
    st.sampled_from(["Bearer t", "Bearer s", "Bearer e", "ApiKey t", "x" * 8193, "Bearer " + "t" * 8200]),
)
FIELDS = """
    Authorization authorization Proxy-Authorization X-API-Key x_api_key Cookie Host Origin Accept Content-Type X-Request-Id
    Access-Control-Request-Method Sec-Fetch-Mode Sec-Fetch-Site Upgrade X-Requested-With Remote-User remote_user
"""
names = st.one_of(st.sampled_from(FIELDS.split()), anything)
values = st.one_of(
    credentials,
    anything,
    octets,
    st.sampled_from(["k", "t", "key=k", "key=k; key=k", "key=", "text/html", "*/*;q=0", "application/x-www-form-urlencoded", "", ","]),
)
headers = st.lists(st.one_of(st.tuples(names, values), st.tuples(st.just("Authorization"), credentials)), max_size=5)
targets = st.one_of(
    st.sampled_from(
        [*(pattern.split()[-1].replace("**", "a/b") for pattern in PATHS), "/y/1", "/%C3%A4/b", "http://h/x", "//x", "/x;a", "*"]
    ),
    anything,
    octets.map(lambda text: "/" + text),
    st.lists(st.sampled_from(["x", "y", "..", ".", "", "%2f", "%2e", "%00", "%25", "%41", "%ff", ";", "\\", "#", "ä"])).map(
        lambda parts: "/" + "/".join(parts)
    ),
)
queries = st.one_of(
    st.just(""),
    st.sampled_from(
        ["?access_token=t", "?key=k", "?access_token=t&access_token=t", "?access_token=", "?key=%ff", "?key=k&access_token=t", "?#"]
    ),
    anything.map(lambda text: "?" + text),
)


@st.composite
def views(draw: st.DrawFn) -> RequestView:
    """Make a request of a server of one's own, of an ASGI server, or of one that tells no undecoded target."""
    given_headers: Any = draw(headers)
    if draw(st.booleans()):
        given_headers = [(name.encode("utf-8", "surrogatepass"), value.encode("utf-8", "surrogatepass")) for name, value in given_headers]
    method = draw(st.one_of(st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "get", "JEFF", ""]), anything))
    client = draw(st.one_of(st.sampled_from(["10.1.2.3", "192.0.2.7", "::1", "127.0.0.1", None]), anything))
    facts: dict[str, Any] = {
        "mount": draw(st.one_of(st.just(""), st.sampled_from(["/x", "/y/", "/ä"]), anything)),
        "kind": draw(st.sampled_from(["http", "http", "http", "websocket"])),
    }
    scheme = draw(st.sampled_from(["http", "https", "ws", "wss", ""]))
    target = draw(targets)
    query = draw(queries)
    if draw(st.booleans()):
        path = draw(st.one_of(st.none(), anything))
        content = draw(
            st.one_of(st.none(), st.binary(max_size=100), st.sampled_from([b"access_token=t", b"access_token=", b"a=1&access_token=t"]))
        )
        return RequestView(method, target + query, given_headers, client, scheme, path=path, content=content, **facts)
    raw = draw(st.one_of(st.none(), st.just(target.encode("utf-8", "surrogatepass")), st.binary(max_size=16)))
    return RequestView.of_server(
        method=method,
        path=target,
        raw_path=raw,
        query=query[1:].encode("utf-8", "surrogatepass"),
        headers=given_headers,
        client=client,
        scheme=scheme,
        **facts,
    )


def judge(guard: Guard, view: RequestView) -> None:
    """Hold everything that is promised about any request."""
    decision = guard.decide(view)
    assert isinstance(decision, get_args(Decision))
    again = guard.decide(view)
    assert type(again) is type(decision)
    assert (again.principal, again.reason, again.rule, again.scheme) == (
        decision.principal,
        decision.reason,
        decision.rule,
        decision.scheme,
    )
    explained(guard, view, decision)
    if isinstance(decision, Granted):
        assert isinstance(decision.principal, Principal)
        assert decision.principal is ANONYMOUS or decision.scheme
        return
    assert isinstance(decision, get_args(Refusing))
    if isinstance(decision, Failed):
        assert "down" in str(view.fields) or b64encode(b"down")[:4].decode() in str(view.fields)
    refused(guard, view, decision)


def explained(guard: Guard, view: RequestView, decision: Decision) -> None:
    """Hold that the explanation is about this decision, agrees with it, and can be printed."""
    explanation = guard.explain(view)
    found = explanation.decision
    assert type(found) is type(decision)
    assert (found.principal, found.reason, found.rule, found.scheme) == (
        decision.principal,
        decision.reason,
        decision.rule,
        decision.scheme,
    )
    assert (explanation.refusal is None) is decision.granted
    text = str(explanation)
    text.encode()
    assert text.startswith("request: ")
    assert all(len(step.splitlines()) == 1 for step in explanation.steps)
    if explanation.tree is None:
        return
    value = explanation.tree.value
    match decision:
        case Granted():
            assert isinstance(value, Yes)
        case Challenged(reason=Reason.MISSING_CREDENTIALS | Reason.STEP_UP_REQUIRED):
            assert isinstance(value, Needs)
        case Forbidden(reason=Reason.INSUFFICIENT_SCOPE):
            assert isinstance(value, Needs)
        case Forbidden() | Hidden():
            assert isinstance(value, No) or decision.reason is Reason.CROSS_SITE
        case Failed():
            assert isinstance(value, Unknown)
        case _:
            assert isinstance(decision, Challenged)  # false credentials: whatever the rule says
    assert bool(explanation.cures) is (isinstance(value, Needs) and not decision.granted)


def refused(guard: Guard, view: RequestView, decision: Any) -> None:
    """Hold that the response can be sent, and says what it must."""
    refusal = guard.refuse(decision, view)
    assert refusal.status in STATUS[type(decision)]
    for name, value in refusal.headers:
        assert name.isascii()
        assert name.isprintable()
        assert value.isascii()
        assert value.isprintable()
    fields = {name.lower(): value for name, value in refusal.headers}
    assert fields["cache-control"] == "no-store"
    challenges: list[Challenge] = []
    for name, value in refusal.headers:
        if name in {"WWW-Authenticate", "Proxy-Authenticate"}:
            read = parse_challenges(value)
            assert len(read) == 1
            assert read[0].params["realm"]
            challenges += read
    assert challenges == list(decision.challenges)
    assert challenges or refusal.status not in {401, 407}
    assert len({challenge.scheme for challenge in challenges}) == len(challenges)
    assert ("retry-after" in fields) is (refusal.status in {429, 503})
    if view.method == "HEAD":
        assert refusal.body == b""
        return
    assert len(refusal.body) == int(fields["content-length"])
    text = refusal.body.decode()
    if fields["content-type"] == "application/problem+json":
        problem = json.loads(text)
        assert problem["status"] == refusal.status
        assert Reason(problem["reason"]).disclosed_as in {None, Reason(problem["reason"])}
        assert problem["type"].endswith(f"/{problem['reason']}.html")
    elif refusal.status != 404:
        assert str(refusal.status) in text


@given(st.sampled_from(range(5)), views())
@example(0, RequestView("GET", "/x", [("Authorization", "Bearer t"), ("Cookie", "key=k")], client="10.0.0.1"))
@example(0, RequestView("GET", "/y/1", [("X-API-Key", "k")]))
@example(1, RequestView("GET", "/", [("Authorization", "Basic ZG93bjpzM2NyZXQ=")], mount="\ud800"))
@example(3, RequestView("GET", "/", [("Authorization", "Bearer t")]))
def test_any_request_is_decided_explained_and_answered(which: int, view: RequestView) -> None:
    """Any text or octets in any header, path, query, method, address or content give a decision, never an exception."""
    judge(guards()[which], view)


@pytest.mark.long
@pytest.mark.timeout(0)
@settings(max_examples=TRIES)
@given(st.sampled_from(range(5)), views())
def test_any_request_is_decided_explained_and_answered_for_long(which: int, view: RequestView) -> None:
    """The same, many times."""
    judge(guards()[which], view)


@given(st.sampled_from(range(5)), st.sampled_from([*PATHS]), headers)
def test_text_and_octets_are_decided_alike(which: int, pattern: str, fields: list[tuple[str, str]]) -> None:
    """A server that hands over text (PEP 3333) and one that hands over octets (ASGI) get the same decision, and the same challenges."""
    guard = guards()[which]
    path = pattern[pattern.index("/") :].replace("**", "a").replace("{", "").replace("}", "")
    text = [
        (name.encode("latin-1", "replace").decode("latin-1"), value.encode("latin-1", "replace").decode("latin-1"))
        for name, value in fields
    ]
    coded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in text]
    one = guard.decide(RequestView("GET", path, text, "192.0.2.7"))
    other = guard.decide(RequestView("GET", path, coded, "192.0.2.7"))
    assert repr(one) == repr(other)


@given(st.sampled_from([*Reason]), views(), st.sampled_from([*STATUS]))
def test_any_decision_can_be_refused_for_any_request(reason: Reason, view: RequestView, kind: Any) -> None:
    """Also one that no guard would make, for a request that it was not made for."""
    challenges = (Challenge("Basic", {"realm": 'a "quoted" \\ realm', "charset": "UTF-8"}), Challenge("Bearer", {"realm": "x"}))
    refused(guards()[0], view, kind(reason=reason, detail="\r\nSet-Cookie: x", rule="/x", challenges=challenges))


@given(st.sampled_from([*Reason]), anything, st.one_of(st.integers(), st.none()))
def test_any_verdict_becomes_a_decision(reason: Reason, words: str, wait: int | None) -> None:
    """Any reason, and any words and time of an outage; none of it reaches a header or a body."""
    answers: list[Any] = []
    if reason.of_checker:
        answers.append(Refused(reason))
    if wait is None or wait >= 0:
        answers.append(Unavailable(words, retry_after=wait))
    for answer in answers:

        def check(credentials: object, answer: Any = answer) -> Refused:
            if isinstance(answer, Exception):
                raise answer
            return Refused(answer.reason)

        guard = Guard(Bearer(nonblocking(check)))
        view = RequestView("GET", "/", [("Authorization", "Bearer t")])
        decision = guard.decide(view)
        refused(guard, view, decision)
        explained(guard, view, decision)
