"""The cure of a refusal: what a program can do, as data, and in Markdown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ask, values
from tests.support.each import each
from watchword import (
    Bearer,
    Challenged,
    ConfigurationError,
    Failed,
    Forbidden,
    Guard,
    Malformed,
    Principal,
    Reason,
    Throttled,
    authenticated,
    public,
)
from watchword.checkers import Tokens
from watchword.grammar import Challenge
from watchword.refusal import Renderer
from watchword.remedy import Remedy, remedies, remedy_of

if TYPE_CHECKING:
    from watchword import Refusal

BASIC = Challenge("Basic", {"realm": "office", "charset": "UTF-8"})
ERRORS = {
    "invalid_token": "renew",
    "insufficient_scope": "widen",
    "insufficient_user_authentication": "step_up",
    "use_dpop_nonce": "authenticate",
}

TOKENS = Tokens({"ann-token": Principal("ann")})


def say(decision: Any, accept: str = "application/json", **settings: Any) -> Refusal:
    """Render a decision."""
    return Renderer(**settings).render(decision, ask("/", ("Accept", accept)), "0f0f")


def cure(decision: Any, **settings: Any) -> list[dict[str, Any]]:
    """Return the alternatives that a program is told."""
    found = json.loads(say(decision, **settings).body)["cure"]["alternatives"]
    assert isinstance(found, list)
    return found


def challenged(*challenges: Challenge, **more: Any) -> Challenged:
    """Return a 401."""
    return Challenged(reason=Reason.MISSING_CREDENTIALS, challenges=challenges, **more)


def test_every_challenge_is_an_alternative() -> None:
    """In its order, with what it asks for; parameters that say nothing about credentials are left out."""
    bearer = Challenge(
        "Bearer",
        {
            "realm": "api",
            "resource_metadata": "https://x.example/m",
            "scope": "a b",
            "acr_values": "mfa otp",
            "max_age": "300",
            "other": "x",
        },
    )
    assert cure(challenged(BASIC, bearer)) == [
        {"action": "authenticate", "scheme": "Basic", "realm": "office"},
        {
            "action": "authenticate",
            "scheme": "Bearer",
            "realm": "api",
            "scopes": ["a", "b"],
            "max_age": 300,
            "acr_values": ["mfa", "otp"],
            "resource_metadata": "https://x.example/m",
        },
    ]


@each(("error", "action"), ERRORS.items())
def test_the_error_says_what_to_do(error: str, action: str) -> None:
    """RFC 6750 §3.1 and RFC 9470 §3; with 403 too."""
    asked = Challenge("Bearer", {"realm": "api", "error": error})
    told = {"action": action, "scheme": "Bearer", "realm": "api"}
    assert cure(challenged(asked)) == cure(Forbidden(reason=Reason.INSUFFICIENT_SCOPE, challenges=(asked,))) == [told]


def test_one_scheme_with_several_algorithms_is_one_alternative() -> None:
    """Digest has a challenge, and a nonce, for each (RFC 7616 §3.7)."""
    asked = [Challenge("Digest", {"realm": "x", "algorithm": name, "nonce": name}) for name in ("SHA-256", "MD5")]
    assert cure(challenged(*asked)) == [{"action": "authenticate", "scheme": "Digest", "realm": "x"}]


def test_a_scheme_that_is_hidden_from_browsers_has_its_name() -> None:
    """The guard writes `xBasic` for scripts (decision D24), and takes `Basic`."""
    assert cure(challenged(Challenge("xBasic", {"realm": "x"}))) == [{"action": "authenticate", "scheme": "Basic", "realm": "x"}]


@each(
    ("decision", "told"),
    [
        (Throttled(reason=Reason.THROTTLED, retry_after=30), [{"action": "wait", "wait": 30}]),
        (Failed(reason=Reason.UNAVAILABLE, retry_after=0), [{"action": "wait", "wait": 0}]),
        (challenged(BASIC, location="/login?next=%2F"), [{"action": "log_in", "login": "/login?next=%2F"}]),
        (challenged(BASIC, proxy=True), [{"action": "authenticate", "scheme": "Basic", "realm": "office"}]),
        (Forbidden(reason=Reason.MISSING_ROLE), []),
        (Malformed(reason=Reason.MALFORMED_CREDENTIALS, challenges=(Challenge("Bearer", {"error": "invalid_request"}),)), []),
    ],
)
def test_what_no_credential_cures(decision: Any, told: list[dict[str, Any]]) -> None:
    """A wait and a page are alternatives; a malformed request and a missing right have none."""
    assert cure(decision) == told
    assert cure(decision, contact="help@x.example") == [*told, {"action": "ask", "contact": "help@x.example"}]


def test_the_token_endpoint_is_of_its_scheme() -> None:
    """As configured, and beside the metadata."""
    asked = Challenge("Bearer", {"realm": "api"})
    told = cure(challenged(BASIC, asked), endpoints={"Bearer": "https://id.example/token"})
    assert [one.get("token_endpoint") for one in told] == [None, "https://id.example/token"]
    guard = Guard(Bearer(TOKENS, token_endpoint="https://id.example/token"), rules={"/": authenticated})
    view = ask("/", ("Accept", "application/json"))
    told = json.loads(guard.refuse(guard.decide(view), view).body)["cure"]["alternatives"]
    assert told == [{"action": "authenticate", "scheme": "Bearer", "realm": "api", "token_endpoint": "https://id.example/token"}]


@each("wrong", ["/token", "http://id.example/token", "https://id.example/token#x", "", 7])
def test_a_token_endpoint_is_https(wrong: Any) -> None:
    """Secrets are sent there."""
    with pytest.raises(ConfigurationError, match=r"Bearer\(token_endpoint=...\) must be an absolute https URL"):
        Bearer(TOKENS, token_endpoint=wrong)


def test_a_body_that_is_kept_is_of_its_challenges() -> None:
    """Two refusals that differ in a challenge alone have two cures, in whatever order they come."""
    renderer = Renderer()
    view = ask("/", ("Accept", "application/json"))
    asked = [challenged(Challenge("Bearer", {"scope": name})) for name in ("a", "b")] * 2
    bodies = [json.loads(renderer.render(decision, view, "1").body) for decision in asked]
    assert [body["cure"]["alternatives"][0]["scopes"] for body in bodies] == [["a"], ["b"]] * 2


def test_a_page_to_log_in_is_not_kept() -> None:
    """Its address has the path of the request in it, so there are as many as there are paths."""
    renderer = Renderer()
    view = ask("/", ("Accept", "application/json"))
    for number in range(300):
        renderer.render(challenged(BASIC, location=f"/login?next={number}"), view, "1")
    assert renderer.render(challenged(BASIC), view, "1").status == 401
    assert len(renderer._texts) == 1


def test_the_request_id_is_put_in_its_place() -> None:
    """Also where a realm looks like the place."""
    body = say(challenged(Challenge("Basic", {"realm": "\\u0000 \\\\u0000"}))).body
    assert json.loads(body)["request_id"] == "0f0f"
    assert json.loads(body)["cure"]["alternatives"][0]["realm"] == "\\u0000 \\\\u0000"


MARKDOWN = """\
# 401 Login required

No credentials of an accepted scheme were sent. WWW-Authenticate lists the accepted schemes.

## What to do

1. Send credentials of the scheme `Basic` for the realm `office`.
1. Send credentials of the scheme `Bearer` for the realm `a\\`b\\_c`.
   - Scopes: `orders:read b`
   - Greatest age of the login in seconds: `300`
   - Metadata that names the authorization servers: `https://x.example/m`
1. No program can do more. Ask the contact below.
   - Contact: `help@x.example`

Reason: [missing_credentials](<https://watchword.readthedocs.io/en/latest/reasons/missing_credentials.html>)

Reference: 0f0f
"""


def test_markdown_says_the_same() -> None:
    """The words for developers, then the alternatives; values as they are to be copied."""
    bearer = Challenge("Bearer", {"realm": "a`b_c", "scope": "orders:read b", "max_age": "300", "resource_metadata": "https://x.example/m"})
    refusal = say(challenged(BASIC, bearer), "text/markdown", contact="help@x.example")
    assert values(refusal, "Content-Type") == ["text/markdown; charset=utf-8"]
    assert refusal.body.decode() == MARKDOWN.replace("realm `a\\`b\\_c`", "realm a\\`b\\_c")


@each(
    ("decision", "line"),
    [
        (Throttled(reason=Reason.THROTTLED, retry_after=1), "1. Repeat the same request with the same credentials after 1 second."),
        (Failed(reason=Reason.UNAVAILABLE, retry_after=5), "1. Repeat the same request with the same credentials after 5 seconds."),
        (Forbidden(reason=Reason.MISSING_ROLE), "Nothing that a program sends changes the answer."),
    ],
)
def test_markdown_says_what_no_credential_cures(decision: Any, line: str) -> None:
    """One second is one."""
    assert line in say(decision, "text/markdown").body.decode().splitlines()


def test_a_request_id_is_no_markdown() -> None:
    """A client may choose it."""
    body = Renderer().render(challenged(BASIC), ask("/", ("Accept", "text/markdown")), "[x](http://evil.example)").body
    assert body.endswith(b"Reference: \\[x\\]\\(http\\://evil.example\\)\n")


@each(
    ("accept", "kind"),
    [
        ("text/markdown", "text/markdown"),
        ("TEXT/Markdown;charset=utf-8", "text/markdown"),
        ("text/markdown, text/html, */*", "text/markdown"),
        ("text/html, text/markdown;q=0.9", "text/html"),
        ("text/html;q=0.5, text/markdown;q=0.9", "text/markdown"),
        ("application/json, text/markdown;q=0.1", "application/problem+json"),
        ("*/*", "application/problem+json"),
        ("text/*", "text/html"),
        ("text/*, text/html;q=0, text/plain;q=0", "text/plain"),
        ("text/*;q=1, text/html;q=0.1, text/plain;q=0.1", "text/html"),
        ("text/markdown;q=0, */*", "application/problem+json"),
        ("", "text/plain"),
    ],
)
def test_markdown_is_for_those_that_name_it(accept: str, kind: str) -> None:
    """By weight (RFC 9110 §12.5.1); no `*` chooses it."""
    assert values(say(challenged(BASIC), accept), "Content-Type")[0].partition(";")[0] == kind


def test_remedies_survive_json() -> None:
    """What a server writes, a client reads: the same values."""
    asked = [BASIC, Challenge("Bearer", {"error": "invalid_token", "scope": "a b", "max_age": "3", "acr_values": "x y"})]
    found = remedies(503, asked, wait=7, login="/login", contact="help")
    assert [remedy_of(one.members()) for one in found] == [*found]
    assert [one.needs_credentials for one in found] == [False, False, True, True, False]


@each(
    ("members", "read"),
    [
        ({"action": "wait", "wait": True, "unknown": {}}, Remedy(action="wait")),
        ({"action": "wait", "wait": -1}, Remedy(action="wait")),
        ({"action": "wait", "wait": 10**30}, Remedy(action="wait")),
        ({"action": "ask", "contact": "a\r\nb"}, Remedy(action="ask")),
        ({"action": "ask", "contact": "x" * 3000}, Remedy(action="ask")),
        ({"action": "renew", "scheme": "no token", "scopes": ["a b", 7, "c", "d\n"]}, Remedy(action="renew", scopes=("c",))),
        ({"action": "renew", "scopes": "abc", "acr_values": {"a": 1}}, Remedy(action="renew")),
        ({"action": "fly"}, None),
        ({"action": ["wait"]}, None),
        ({}, None),
        ("wait", None),
        (None, None),
    ],
)
def test_an_alternative_of_a_stranger_is_read_with_care(members: object, read: Remedy | None) -> None:
    """What is not valid is left out; an action that is not known is no alternative."""
    assert remedy_of(members) == read


def test_long_challenges_are_bounded() -> None:
    """10,000 scopes are cut, and so are digits without an end."""
    (found,) = remedies(401, [Challenge("Bearer", {"scope": " ".join(["a"] * 10_000), "max_age": "9" * 5000})])
    assert (len(found.scopes), found.max_age) == (64, None)


def test_a_rule_for_everybody_is_not_touched() -> None:
    """No refusal, no cure."""
    guard = Guard(Bearer(TOKENS), rules={"/": public})
    assert guard.decide(ask("/")).granted
