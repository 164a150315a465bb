"""A decision in HTTP."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest

from tests.support.core import ask, values
from tests.support.each import each
from watchword import (
    APIKey,
    Basic,
    Bearer,
    Challenged,
    ConfigurationError,
    Failed,
    Forbidden,
    Granted,
    Guard,
    Hidden,
    Malformed,
    Principal,
    Reason,
    Refusal,
    RequestView,
    Throttled,
)
from watchword.decision import CacheAdvice
from watchword.grammar import Challenge
from watchword.reasons import REASONS
from watchword.refusal import DOCUMENTATION, Renderer, grant_headers, status_of

BASIC = Challenge("Basic", {"realm": "office"})
BEARER = Challenge("Bearer", {"realm": "office"})
KEY = Challenge("ApiKey", {"realm": "office"})


def _name(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{type(value).__name__}-{value.reason.value}{'-proxy' if getattr(value, 'proxy', False) else ''}"


ROWS: list[tuple[Any, int]] = [
    (Challenged(reason=Reason.MISSING_CREDENTIALS, challenges=(BASIC, BEARER, KEY)), 401),
    (Challenged(reason=Reason.WRONG_SECRET, disclosed=Reason.INVALID_CREDENTIALS, challenges=(BASIC,)), 401),
    (Challenged(reason=Reason.MISSING_CREDENTIALS, challenges=(BASIC,), proxy=True), 407),
    (Forbidden(reason=Reason.MISSING_ROLE), 403),
    (Forbidden(reason=Reason.INSUFFICIENT_SCOPE, challenges=(BEARER,)), 403),
    (Hidden(reason=Reason.MISSING_ROLE), 404),
    (Malformed(reason=Reason.AMBIGUOUS_PATH), 400),
    (Malformed(reason=Reason.MALFORMED_CREDENTIALS, challenges=(BEARER,)), 400),
    (Malformed(reason=Reason.OVERSIZED_CREDENTIALS), 431),
    (Malformed(reason=Reason.OVERSIZED_CONTENT), 413),
    (Throttled(reason=Reason.THROTTLED, retry_after=30), 429),
    (Failed(reason=Reason.UNAVAILABLE, detail="the directory is down"), 503),
]
DECISIONS = [decision for decision, _ in ROWS]
TYPES = ("application/problem+json", "text/html", "text/plain")


def say(decision: Any, view: RequestView | None = None, **settings: Any) -> Refusal:
    """Render a decision."""
    return Renderer(**settings).render(decision, ask() if view is None else view, "0f0f")


def accepting(accept: str, method: str = "GET") -> RequestView:
    """Return a request that accepts this."""
    return ask("/", ("Accept", accept), method=method)


def problem(refusal: Refusal) -> dict[str, Any]:
    """Return the problem document of a refusal."""
    assert values(refusal, "Content-Type") == ["application/problem+json"]
    read = json.loads(refusal.body)
    assert isinstance(read, dict)
    return read


# Status and phrase


@pytest.mark.parametrize(("decision", "status"), ROWS, ids=_name)
def test_every_decision_has_its_status_and_phrase(decision: Any, status: int) -> None:
    """As in the status table; the phrases are those of RFC 9110 and RFC 6585."""
    refusal = say(decision)
    assert (refusal.status, status_of(decision)) == (status, status)
    renamed = {413: "Content Too Large"}  # RFC 9110 §15.5.14; Python before 3.13 has the older name
    assert refusal.reason_phrase == renamed.get(status, HTTPStatus(status).phrase)


def test_the_status_never_depends_on_who_reads_it() -> None:
    """Whatever is accepted, and whatever the method, the status and the challenges stay."""
    for decision, status in ROWS:
        for view in (accepting("text/html"), accepting("nothing/here;q=0"), accepting("*/*", "HEAD"), accepting("a" * 20_000)):
            refusal = say(decision, view)
            assert refusal.status == status
            assert len(values(refusal, "WWW-Authenticate") + values(refusal, "Proxy-Authenticate")) == len(decision.challenges)


# Headers


@each("decision", DECISIONS)
@each("accept", TYPES)
def test_every_refusal_is_kept_by_nobody_and_is_what_it_says(decision: Any, accept: str) -> None:
    """`no-store`, `nosniff`, a type and the exact length; every field once but the challenges, and all of printable ASCII."""
    refusal = say(decision, accepting(accept))
    assert values(refusal, "Cache-Control") == ["no-store"]
    assert values(refusal, "X-Content-Type-Options") == ["nosniff"]
    assert values(refusal, "Content-Length") == [str(len(refusal.body))]
    assert len(values(refusal, "Content-Type")) == 1
    names = [name.lower() for name, _ in refusal.headers if not name.endswith("-Authenticate")]
    assert len(names) == len(set(names))
    for name, value in refusal.headers:
        assert (name + value).isascii()
        assert (name + value).isprintable()


def test_each_challenge_has_a_line_of_its_own_in_the_order_given() -> None:
    """Clients mis-split joined challenges (RFC 9110 §11.6.1)."""
    refusal = say(DECISIONS[0])
    assert values(refusal, "WWW-Authenticate") == ['Basic realm="office"', 'Bearer realm="office"', 'ApiKey realm="office"']


def test_a_proxy_asks_in_its_own_field() -> None:
    """407 goes with Proxy-Authenticate (RFC 9110 §15.5.8)."""
    refusal = say(DECISIONS[2])
    assert values(refusal, "Proxy-Authenticate") == ['Basic realm="office"']
    assert values(refusal, "WWW-Authenticate") == []


@pytest.mark.parametrize(
    ("decision", "value"),
    [
        (Throttled(reason=Reason.THROTTLED, retry_after=30), ["30"]),
        (Throttled(reason=Reason.THROTTLED), ["1"]),
        (Failed(reason=Reason.UNAVAILABLE), ["5"]),
        (Failed(reason=Reason.UNAVAILABLE, retry_after=0), ["0"]),
        (Failed(reason=Reason.UNAVAILABLE, retry_after=-3), ["0"]),
        (Forbidden(reason=Reason.DENIED), []),
        (Challenged(reason=Reason.MISSING_CREDENTIALS), []),
    ],
    ids=str,
)
def test_who_has_to_wait_is_told_how_long(decision: Any, value: list[str]) -> None:
    """429 and 503 carry Retry-After in whole seconds (RFC 9110 §10.2.3), the others none."""
    assert values(say(decision), "Retry-After") == value


@pytest.mark.parametrize(
    ("decision", "exposed"),
    [
        (DECISIONS[0], ["WWW-Authenticate"]),
        (DECISIONS[2], ["Proxy-Authenticate"]),
        (Failed(reason=Reason.UNAVAILABLE), ["Retry-After"]),
        (Forbidden(reason=Reason.DENIED), []),
    ],
    ids=["challenged", "proxy", "failed", "forbidden"],
)
def test_scripts_of_other_origins_may_read_what_they_need(decision: Any, exposed: list[str]) -> None:
    """With `cors_expose`, to requests with an Origin, and only the fields that are there."""
    from_script = ask("/", ("Origin", "https://app.example"))
    assert values(say(decision, from_script, expose=True), "Access-Control-Expose-Headers") == exposed
    assert values(say(decision, from_script), "Access-Control-Expose-Headers") == []
    assert values(say(decision, ask(), expose=True), "Access-Control-Expose-Headers") == []


# The body and who reads it


@each(
    ("accept", "kind"),
    [
        ("application/problem+json", "application/problem+json"),
        ("application/json", "application/problem+json"),
        ("application/*", "application/problem+json"),
        ("*/*", "application/problem+json"),
        ("", "text/plain; charset=utf-8"),
        ("text/html", "text/html; charset=utf-8"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", "text/html; charset=utf-8"),
        ("text/html;q=0.5, application/json", "application/problem+json"),
        ("text/html, application/json;q=0.9", "text/html; charset=utf-8"),
        ("TEXT/HTML", "text/html; charset=utf-8"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/*", "text/html; charset=utf-8"),
        ("text/*, text/html;q=0", "text/plain; charset=utf-8"),
        ("image/png", "text/plain; charset=utf-8"),
        ("application/problem+json;q=0, application/json;q=0, text/html;q=0", "text/plain; charset=utf-8"),
        ("garbage", "text/plain; charset=utf-8"),
        ("application/json;q=2", "text/plain; charset=utf-8"),
    ],
)
def test_the_body_is_for_whoever_reads_it(accept: str, kind: str) -> None:
    """Programs get a problem document, people a page, the rest text, by weight (RFC 9110 §12.5.1); never a 406."""
    refusal = say(DECISIONS[0], accepting(accept))
    assert values(refusal, "Content-Type") == [kind]
    assert refusal.body


def test_without_accept_a_program_is_assumed() -> None:
    """A client that says nothing is a program."""
    assert problem(say(DECISIONS[0]))["status"] == 401


@pytest.mark.parametrize(("decision", "status"), [row for row in ROWS if not isinstance(row[0], Hidden)], ids=_name)
def test_the_problem_document_says_what_is_wrong(decision: Any, status: int) -> None:
    """Type, title, status and detail (RFC 9457 §3.1), the code, and the id that the log carries too; of the cure see `test_cure.py`."""
    told = decision.disclosed or decision.reason
    words = REASONS[told].words
    found = problem(say(decision))
    assert found.pop("cure").keys() == {"alternatives"}
    assert found == {
        "type": DOCUMENTATION.format(code=told.value),
        "title": words.title,
        "status": status,
        "detail": words.developer,
        "reason": told.value,
        "request_id": "0f0f",
    }


@each("accept", TYPES)
@each("decision", DECISIONS)
def test_the_answer_to_head_has_no_body(decision: Any, accept: str) -> None:
    """And otherwise the same headers as the answer to GET (RFC 9110 §9.3.2)."""
    head, get = (say(decision, accepting(accept, method)) for method in ("HEAD", "GET"))
    assert head.body == b""
    assert (head.status, head.reason_phrase, head.headers) == (get.status, get.reason_phrase, get.headers)


def test_the_page_comes_with_its_policy() -> None:
    """The page loads nothing and runs nothing, and says so to the browser; other bodies need no policy."""
    assert len(values(say(DECISIONS[0], accepting("text/html")), "Content-Security-Policy")) == 1
    assert values(say(DECISIONS[0]), "Content-Security-Policy") == []


def test_the_text_says_all_that_the_page_says() -> None:
    """For terminals: title, what happened, what to do, how long to wait, whom to ask, and the reference."""
    refusal = say(Throttled(reason=Reason.THROTTLED, retry_after=30), accepting("text/plain"), contact="help@example.com")
    assert refusal.body.decode().splitlines() == [
        "429 Too many attempts",
        "",
        "There were too many failed attempts.",
        "Wait a while, then try again.",
        "Wait at least 30 seconds.",
        "For help: help@example.com",
        "Reference: 0f0f",
    ]


@pytest.mark.parametrize(("wait", "words"), [(0, ""), (1, "Wait at least 1 second.\n"), (2, "Wait at least 2 seconds.\n")])
def test_the_text_says_how_long_to_wait_if_at_all(wait: int, words: str) -> None:
    """One second is one, and nobody waits for nothing."""
    text = say(Failed(reason=Reason.UNAVAILABLE, retry_after=wait), accepting("text/plain")).body.decode()
    assert text.partition("in a while.\n")[2] == f"{words}Reference: 0f0f\n"


@pytest.mark.parametrize("accept", TYPES)
def test_the_contact_is_for_people(accept: str) -> None:
    """It stands on the page and in the text, and a program can tell its user."""
    assert "Jürgen, Raum 12" in say(DECISIONS[0], accepting(accept), contact="Jürgen, Raum 12").body.decode()


def test_the_documentation_may_be_ones_own() -> None:
    """The type of a problem is an address under it, or has the code where `{code}` stands, in a fragment too."""
    for given, made in (
        ("https://id.example/why", "https://id.example/why/missing_role"),
        ("https://id.example/why/", "https://id.example/why/missing_role"),
        ("https://id.example/why#{code}", "https://id.example/why#missing_role"),
        ("https://id.example/{code}.html", "https://id.example/missing_role.html"),
        ("urn:example:{code}", "urn:example:missing_role"),
    ):
        assert problem(say(DECISIONS[3], documentation=given))["type"] == made


@pytest.mark.parametrize("accept", TYPES)
def test_a_client_is_told_what_is_disclosed_and_nothing_finer(accept: str) -> None:
    """Of a wrong password it learns as much as of an unknown user, and nothing of what the operator reads."""
    bodies = {
        say(Challenged(reason=reason, disclosed=disclosed, detail="user ann, row 7"), accepting(accept)).body
        for reason in (Reason.WRONG_SECRET, Reason.UNKNOWN_IDENTITY, Reason.DISABLED, Reason.REVOKED, Reason.BAD_SIGNATURE)
        for disclosed in (None, Reason.INVALID_CREDENTIALS)
    }
    assert len(bodies) == 1
    assert b"ann" not in bodies.pop()


def test_what_a_scheme_does_not_disclose_is_not_told() -> None:
    """Only Bearer tells its clients that a token has expired; where the guard says otherwise, its word counts."""
    hidden = Challenged(reason=Reason.EXPIRED, disclosed=Reason.INVALID_CREDENTIALS)
    assert problem(say(hidden))["reason"] == "invalid_credentials"
    assert problem(say(Challenged(reason=Reason.EXPIRED, disclosed=Reason.EXPIRED)))["reason"] == "expired"


@pytest.mark.parametrize("accept", TYPES)
def test_an_outage_is_not_explained_to_clients(accept: str) -> None:
    """What failed is for the operator."""
    assert b"directory" not in say(DECISIONS[-1], accepting(accept)).body


def test_what_is_hidden_looks_alike_whatever_it_is() -> None:
    """For servers without a 404 of their own: one answer for every reason, principal and Accept, with nothing of ours in it."""
    answers = {
        repr(say(Hidden(reason=reason, principal=Principal("ann"), detail="x"), accepting(accept)))
        + say(Hidden(reason=reason), accepting(accept)).body.decode()
        for reason in (Reason.MISSING_ROLE, Reason.DENIED)
        for accept in TYPES
    }
    assert len(answers) == 1
    assert say(Hidden(reason=Reason.DENIED)).body == b"Not Found"


@pytest.mark.parametrize("accept", TYPES)
def test_in_the_clear_everybody_gets_the_same_octets(accept: str) -> None:
    """Not even a request id tells two answers apart (draft-ietf-httpapi-privacy)."""
    decision = Forbidden(reason=Reason.INSECURE_TRANSPORT)
    one, two = (Renderer().render(decision, accepting(accept), request_id) for request_id in ("1", "2"))
    assert (one.body, one.headers) == (two.body, two.headers)
    assert b"request_id" not in one.body
    assert b"Reference" not in one.body


def test_a_refusal_does_not_print_its_body() -> None:
    """A log of refusals stays readable, and the body may name a contact."""
    assert "readthedocs" not in repr(say(DECISIONS[0]))
    assert b"readthedocs" in say(DECISIONS[0]).body


# What cannot be configured


@pytest.mark.parametrize(
    "wrong", ["", "reasons.html", "/reasons", "//host/x", "https:", ":x", "ht tp://x", "https://ex ample", "https://exämple/"]
)
def test_the_documentation_is_an_absolute_address(wrong: str) -> None:
    """A relative `type` would mean something else under every path (RFC 9457 §3.1.1)."""
    with pytest.raises(ConfigurationError, match="must be an absolute URI"):
        Renderer(documentation=wrong)


@pytest.mark.parametrize("wrong", [None, 7, b"https://id.example/why"])
def test_the_documentation_is_a_string(wrong: object) -> None:
    """And the message says so."""
    with pytest.raises(ConfigurationError, match=r"Guard\(documentation=...\) must be a string"):
        Renderer(documentation=wrong)  # type: ignore[arg-type]  # the mistake itself


def test_the_documentation_has_no_fragment_of_its_own() -> None:
    """A URI has one fragment, which can only be the code of the reason."""
    with pytest.raises(ConfigurationError, match="must have the code of the reason in its fragment"):
        Renderer(documentation="https://id.example/why#reasons")


@pytest.mark.parametrize("wrong", ["", "a\nb", "a\r\nSet-Cookie: x", "a\0", "\ud800"])
def test_the_contact_is_one_printable_line(wrong: str) -> None:
    """What cannot be shown is a mistake."""
    with pytest.raises(ConfigurationError, match="must be one printable line"):
        Renderer(contact=wrong)


# Through a guard


def guard(**settings: Any) -> Guard:
    """Return a guard with all three schemes, which let nobody in."""
    return Guard(Basic(_refuse, realm="office"), Bearer(_refuse), APIKey(_refuse), **settings)


def _refuse(credentials: object) -> None:
    return None


def test_a_guard_refuses_with_the_request_id_of_the_client() -> None:
    """What the client calls its request is found in the log."""
    view = ask("/", ("X-Request-Id", "req-1.a_b"))
    asked = guard()
    assert problem(asked.refuse(asked.decide(view), view))["request_id"] == "req-1.a_b"


@pytest.mark.parametrize("sent", ["", "a b", "a" * 65, "ä", "a\nb", '"', "<script>", "-._"])
def test_a_request_id_that_is_none_is_replaced(sent: str) -> None:
    """Nobody writes into a log or a page by way of it."""
    asked = guard(request_id=lambda: "made-here")
    view = ask("/", ("X-Request-Id", sent))
    assert problem(asked.refuse(asked.decide(view), view))["request_id"] == "made-here"


def test_request_ids_made_here_differ() -> None:
    """Each refusal can be found."""
    asked = guard()
    ids = {problem(asked.refuse(asked.decide(view), view))["request_id"] for view in (ask() for _ in range(20))}
    assert len(ids) == 20
    assert all(len(one) == 16 and one.isalnum() for one in ids)


def test_a_guard_does_not_refuse_what_it_granted() -> None:
    """That is a bug of the caller, and no response."""
    asked, view = guard(), ask()
    with pytest.raises(ValueError, match="this decision grants"):
        asked.refuse(Granted(Principal("ann"), "/"), view)


def test_settings_of_the_guard_reach_its_refusals() -> None:
    """Contact, documentation, exposed fields."""
    asked = guard(contact="help@example.com", documentation="https://id.example/why", cors_expose=True)
    view = ask("/", ("Accept", "text/html"), ("Origin", "https://app.example"))
    refusal = asked.refuse(asked.decide(view), view)
    assert b"help@example.com" in refusal.body
    assert values(refusal, "Access-Control-Expose-Headers") == ["WWW-Authenticate"]
    view = ask()
    assert problem(asked.refuse(asked.decide(view), view))["type"].startswith("https://id.example/why/")


# What granted responses say to caches


@pytest.mark.parametrize(
    ("advice", "status", "given", "merged"),
    [
        (CacheAdvice("private"), 200, [], [("Cache-Control", "private")]),
        (CacheAdvice("private"), 200, [("cache-control", "max-age=60")], [("cache-control", "max-age=60")]),
        (CacheAdvice("private"), 200, [("CACHE-CONTROL", "")], [("CACHE-CONTROL", "")]),
        (CacheAdvice(vary=("Authorization",)), 200, [], [("Vary", "Authorization")]),
        (CacheAdvice(vary=("Authorization",)), 200, [("vary", "Accept")], [("Vary", "Accept, Authorization")]),
        (CacheAdvice(vary=("Authorization",)), 200, [("Vary", "authorization")], [("Vary", "authorization")]),
        (CacheAdvice(vary=("Authorization",)), 200, [("Vary", "*")], [("Vary", "*")]),
        (CacheAdvice(vary=("Authorization",)), 200, [("Vary", "Accept, *")], [("Vary", "Accept, *")]),
        (CacheAdvice(vary=("A", "B")), 200, [("Vary", "b"), ("X", "1"), ("vary", "C ,, D")], [("X", "1"), ("Vary", "b, C, D, A")]),
        (CacheAdvice(missing=True), 200, [("Cache-Control", "max-age=60")], [("Cache-Control", "max-age=60")]),
        (CacheAdvice(missing=True), 404, [("cache-control", "max-age=60"), ("X", "1")], [("X", "1"), ("Cache-Control", "no-store")]),
        (CacheAdvice("private", ("A",), missing=True), 404, [], [("Cache-Control", "no-store")]),
    ],
)
def test_advice_is_merged_with_what_the_application_says(
    advice: CacheAdvice, status: int, given: list[tuple[str, str]], merged: list[tuple[str, str]]
) -> None:
    """The application's own word on storing stands; `Vary` grows, and `*` stays; a 404 that hidden resources imitate is not stored."""
    kept = list(given)
    assert grant_headers(advice, status, given) == merged
    assert given == kept
