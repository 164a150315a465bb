"""Each check finds its fault, and nothing else: one response is wrong in one way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.each import each
from tests.support.probed import DATE, basic_server, found, levels, probed, sent, skipped
from watchword.probe import CHECKS, bearer

if TYPE_CHECKING:
    from tests.support.probed import Fields, Response
    from watchword.probe import Ask

REALM = 'Basic realm="orders"'
PROBLEM = ("Content-Type", "application/problem+json")


def challenge(value: str) -> tuple[str, str]:
    """A challenge in a field."""
    return ("WWW-Authenticate", value)


@each(
    ("fields", "content", "wrong"),
    [
        ((challenge(REALM),), b"", {}),
        ((challenge("Negotiate"), challenge('ApiKey realm="a"')), b"", {}),
        ((), b"", {"R9110-11.6.1-1": "error"}),
        ((challenge('Basic realm="orders'),), b"", {"R9110-11.6.1-1": "error"}),
        ((challenge("Basic realm=orders"),), b"", {"R9110-11.5-1": "error"}),
        ((challenge('Basic realm = "orders"'),), b"", {"R9110-5.6.3-2": "error"}),
        ((challenge('Basic realm="orders", ,charset="UTF-8"'),), b"", {"R9110-5.6.1.1-1": "error"}),
        ((challenge('Basic realm="a", realm="b"'),), b"", {"R9110-11.6.1-1": "error", "R9110-11.2-4": "error"}),
        ((challenge("Basic"),), b"", {"R7617-2-1": "error"}),
        ((challenge('Basic realm="a", charset="latin-1"'),), b"", {"R7617-2.1-1": "error"}),
        ((challenge('Digest realm="a", nonce="n", algorithm=SHA-256'),), b"", {"R7616-3.3-1": "error"}),
        ((challenge('Digest realm="a", nonce="n", qop="auth", algorithm="SHA-256"'),), b"", {"R7616-3.3-4": "error"}),
        ((challenge('Digest realm="a", nonce=n, qop="auth", algorithm=SHA-256'),), b"", {"R7616-3.3-3": "error"}),
        ((challenge('Digest realm="a", nonce="n", qop="auth"'),), b"", {"R7616-3.7-3": "warning"}),
        ((challenge(REALM), ("Cache-Control", "public, max-age=60")), b"", {"R9111-3-1": "warning"}),
        ((challenge(REALM), ("Cache-Control", "private, max-age=60")), b"", {}),
        ((challenge(REALM), ("Cache-Control", "max-age=0")), b"", {}),
        ((challenge(REALM), ("Retry-After", "1.5")), b"", {"R9110-10.2.3-1": "error"}),
        ((challenge(REALM), ("Retry-After", "Tue, 14 Nov 2023 22:13:20 GMT")), b"", {}),
        ((challenge(REALM), PROBLEM), b'{"status": 403}', {"R9457-3.1.2-1": "error"}),
        ((challenge(REALM), PROBLEM), b'{"status": 401, "type": "problems/x"}', {"R9457-3.1-1": "warning"}),
        ((challenge(REALM), PROBLEM), b'{"status": 401, "type": "about:blank"}', {}),
        ((challenge(REALM), PROBLEM), b"{", {"R9457-3.1.2-1": "error"}),
        ((challenge(REALM),), b"Traceback (most recent call last):\n  File", {"R9457-5-1": "error"}),
        ((challenge(REALM),), b"java.lang.Error\n\tat com.example.Login.check(Login.java:42)", {"R9457-5-1": "error"}),
        ((challenge(REALM),), b"Error: no\n    at check (/srv/app/login.js:42:7)", {"R9457-5-1": "error"}),
        ((challenge(REALM),), b"Error\n   at Login.Check(String n) in C:\\src\\Login.cs:line 42", {"R9457-5-1": "error"}),
        ((challenge(REALM),), b"meet us\n at the office, 10:30 to 11:30", {}),
    ],
)
def test_a_refusal(fields: Fields, content: bytes, wrong: dict[str, str]) -> None:
    """A server that refuses every request in the same way."""
    assert levels(probed(basic_server(*fields, content=content))) == wrong


BEARER = 'Bearer realm="orders"'


def bearer_server(refused: str = f'{BEARER}, error="invalid_token"', none: str = BEARER, *, status: int = 401) -> object:
    """A server that takes bearer tokens, with the challenge for a token that is refused, and the one for no token."""

    def server(ask: Ask) -> Response:
        token = sent(ask, "Authorization").lower().startswith("bearer")
        return (status if token else 401), (DATE, challenge(refused if token else none)), b""

    return server


@each(
    ("server", "wrong"),
    [
        (bearer_server(), {}),
        (bearer_server(refused=BEARER), {"R6750-3-6": "warning"}),
        (bearer_server(none=f'{BEARER}, error="invalid_token"'), {"R6750-3.1-1": "warning"}),
        (bearer_server(none="Bearer"), {"R6750-3-2": "error"}),
        (bearer_server(none='Bearer scope="a  b"'), {"R6750-3-4": "error"}),
        (bearer_server(none='Bearer scope="a b"'), {}),
        (bearer_server(refused='Bearer error="invalid_token", error_description="caf\xe9"'), {"R6750-3-5": "error"}),
        (bearer_server(status=403), {"R9110-11.4-2": "warning", "R6750-3.1-3": "warning"}),
        (bearer_server(refused='Bearer error="insufficient_scope"'), {"R6750-3.1-4": "warning", "R6750-3-6": "warning"}),
        (bearer_server(refused='Bearer error="invalid_request"'), {"R6750-3.1-2": "warning", "R6750-3-6": "warning"}),
        (bearer_server(status=200), {"R9110-11.4-2": "error", "R6750-3.1-3": "warning"}),
        (bearer_server(status=500), {"R9110-11.4-2": "error", "R9110-11.4-4": "error", "R9110-5.4-1": "error", "R6750-3.1-3": "warning"}),
        (bearer_server(status=503), {"R6750-3.1-3": "warning"}),
    ],
)
def test_a_server_of_bearer_tokens(server: object, wrong: dict[str, str]) -> None:
    """What RFC 6750 demands of challenges, and of statuses."""
    assert levels(probed(server)) == wrong  # type: ignore[arg-type]


def guarded(**statuses: int) -> object:
    """A server that refuses with 401, but for some purposes."""

    def server(ask: Ask) -> Response:
        status = statuses.get(ask.purpose, 401)
        return status, (DATE, challenge(REALM)), sent(ask, "Authorization").encode() if ask.method == "TRACE" else b""

    return server


@each(
    ("statuses", "wrong"),
    [
        ({"head": 200}, {"R9110-9.3.2-1": "error"}),
        ({"head": 403}, {"R9110-9.3.2-1": "warning"}),
        ({"head": 405}, {}),
        ({"conditional": 304}, {"R9110-13.2.1-1": "error"}),
        ({"conditional": 206}, {"R9110-13.2.1-1": "error"}),
        ({"conditional": 412}, {"R9110-13.2.1-1": "error"}),
        ({"unknown": 200}, {"R9110-11.1-2": "error"}),
        ({"unknown": 500}, {"R9110-11.1-2": "error"}),
        ({"unknown": 403}, {}),  # a note
        ({"malformed": 400}, {}),
        ({"malformed": 200}, {"R9110-11.4-4": "error"}),
        ({"malformed": 502}, {"R9110-11.4-4": "error"}),
        ({"long": 431}, {}),
        ({"long": 500}, {"R9110-5.4-1": "error"}),
        ({"trace": 200}, {"R9110-9.3.8-1": "warning"}),
        ({"trace": 405}, {}),
        ({"preflight": 401}, {}),
        ({"invalid-basic": 403}, {"R9110-11.4-2": "warning"}),
        ({"invalid-basic": 200}, {"R9110-11.4-2": "error"}),
        ({"invalid-basic": 429}, {}),
    ],
)
def test_one_request_is_answered_in_another_way(statuses: dict[str, int], wrong: dict[str, str]) -> None:
    """The status of one request is changed."""
    assert levels(probed(guarded(**statuses))) == wrong  # type: ignore[arg-type]


def test_a_public_page_is_not_scored_as_a_refusal() -> None:
    """A page that everybody may read has no refusal: most rules are skipped, and none fails."""
    report = probed(lambda ask: (200, (DATE,), b"hello" if ask.method != "TRACE" else b""))
    assert levels(report) == {}
    assert {"R9110-11.6.1-1", "R9110-11.4-1", "R9110-11.4-2", "R6750-3-2", "R7617-2-1"} <= skipped(report)


@each(
    ("status", "content", "fields", "level"),
    [
        (403, b'{"detail": "Not authenticated"}', (), "warning"),
        (403, b'{"detail": "Authentication credentials were not provided."}', (), "warning"),
        (400, b"no credentials", (), "warning"),
        (422, b"", (), "warning"),
        (403, b"Your network may not use this.", (), "note"),
        (302, b"", (("Location", "/login?next=/orders"),), "warning"),
        (302, b"", (("Location", "https://www.example.com/"),), "note"),
        (500, b"", (), "error"),
    ],
)
def test_what_stands_in_place_of_a_401(status: int, content: bytes, fields: Fields, level: str) -> None:
    """A request without credentials is answered by another status."""
    report = probed(lambda ask: (200, (), b"") if ask.url.path == "/login" else (status, (DATE, *fields), content))
    (finding,) = [one for one in report.findings if one.rule.id == "R9110-11.4-1"]
    assert finding.level == level
    assert finding.remedy


def test_credentials_that_help_prove_that_403_was_wrong() -> None:
    """Without credentials 403, with credentials 200: it must be 401, whatever the content says."""
    server = lambda ask: ((200 if sent(ask, "Authorization") == "Bearer right-token" else 403), (DATE,), b"")  # noqa: E731
    report = probed(server, bearer("right-token"))
    assert levels(report) == {"R9110-11.4-1": "warning"}
    assert levels(probed(server)) == {}


def test_every_rule_is_listed_once_and_says_what_to_do() -> None:
    """Identifiers are distinct, titles are plain, and the score has the identifiers of docs/standards.md."""
    rules = [check.rule for check in CHECKS]
    assert len({rule.id for rule in rules}) == len(rules)
    assert len({rule.title for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.title[0].isupper() or rule.title.startswith(("resource", "invalid", "insufficient"))
        assert not rule.title.endswith(".")
        assert rule.source or not rule.scored


def test_a_quote_of_a_server_is_cut_and_printable() -> None:
    """What a report quotes is bounded, and has no control characters."""
    message = found(probed(basic_server(challenge(f"Basic realm={'é' * 500}\x1b[31m"))), "R9110-11.6.1-1")
    assert message.isprintable()
    assert len(message) < 600
