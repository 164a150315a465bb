"""Bodies of refusals: for programs, people and the rest, by Accept; the status never depends on it (RFC 9457, RFC 9110 §10.1.1)."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from tests.support.drive import ByASGI, ByWSGI, Request, basic, bearer, request_view, wsgi_environ
from tests.support.each import each, noting
from tests.support.people import KEYS, check_password, check_token, orders_guard
from tests.support.problems import without_cure
from tests.support.status_table import ROWS
from watchword import APIKey, Basic, Bearer, ConfigurationError, Guard, Reason, Throttled, scope
from watchword.checkers.adapt import nonblocking
from watchword.reason import Secret, shown
from watchword.reasons import REASONS, Words

if TYPE_CHECKING:
    from typing import Any

    from tests.support.drive import Answer, Through

PROBLEM = "application/problem+json"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
REFUSED = [row for row in ROWS if row.status not in {200, 404}]


def me(*headers: tuple[str, str], method: str = "GET", target: str = "/me") -> Request:
    """A request with these fields."""
    return Request(method=method, target=target, headers=headers)


class Forbidden:
    """A stream that may not be read."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the content was asked for: {name}")


def test_R9110_10_1_1_1_a_refusal_does_not_wait_for_content() -> None:
    """A request with `Expect: 100-continue` is answered at once: the content is never asked for, on either interface."""
    requests = [
        me(*sent, ("Expect", "100-continue"), method="POST") for sent in ((), (bearer("x"),), (basic("ann", "x"),), (bearer("a b"),))
    ]

    def server(request: Request) -> dict[str, Any]:
        return {**wsgi_environ(request), "CONTENT_LENGTH": "1000000", "wsgi.input": Forbidden()}

    for request in requests:
        asgi, wsgi = ByASGI(orders_guard())(request), ByWSGI(orders_guard(), server=server)(request)
        assert (asgi.status in {400, 401}, wsgi.status, asgi.received, asgi.called) == (True, asgi.status, 0, False)


def test_R9110_10_1_1_1_nor_does_a_grant() -> None:
    """What is granted reaches the application before anything of its content was asked for."""
    answer = ByASGI(orders_guard())(
        Request(method="POST", target="/me", headers=(bearer("ann-token"), ("Expect", "100-continue")), body=b"x")
    )
    assert answer.seen is not None
    assert (answer.seen.body, answer.received) == (b"x", 0)


@each(
    ("accept", "kind"),
    [
        (None, PROBLEM),
        ("*/*", PROBLEM),
        ("application/json", PROBLEM),
        ("application/problem+json", PROBLEM),
        ("application/*", PROBLEM),
        ("text/html", HTML),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
        ("text/*", HTML),
        ("text/plain", TEXT),
        ("text/plain, text/html;q=0.5", TEXT),
        ("text/html;q=0.5, application/json;q=0.9", PROBLEM),
        ("text/html;q=0, */*", PROBLEM),
        ("application/json;q=0, application/problem+json;q=0, text/html;q=0.1", HTML),
        ("image/png", TEXT),
        ("", TEXT),
        ("nonsense", TEXT),
        ("TEXT/HTML", HTML),
        ("text/html;q=nonsense", TEXT),
        ("\xff\x00", TEXT),
    ],
)
def test_R9457_3_1_the_body_is_what_is_acceptable(accept: str | None, kind: str, through: Through) -> None:
    """Problem details where they are acceptable, a page for people, else text; status and all other fields do not depend on it."""
    driver = through(orders_guard())
    plain = driver(me())
    answer = driver(me(*([] if accept is None else [("Accept", accept)])))
    assert answer.one("content-type") == kind

    def others(one: Answer) -> list[tuple[str, str]]:
        return [(name, value) for name, value in one.headers if name not in {"content-type", "content-length", "content-security-policy"}]

    assert (answer.status, others(answer)) == (plain.status, others(plain))


SECRETS: dict[str, Secret] = {"Basic": "password", "Bearer": "token", "ApiKey": "token"}


def _words(row: Any, reason: str) -> Words:
    """Return the words that fit what was shown, or is asked for where it is all of one kind."""
    decision = orders_guard().decide(request_view(row.request))
    kinds = {SECRETS[decision.scheme]} if decision.scheme else {SECRETS[challenge.partition(" ")[0]] for challenge in row.challenges}
    return REASONS[Reason(reason)].words_for(kinds.pop() if len(kinds) == 1 else "")


def test_messages_fit_the_credentials_that_were_sent(through: Through) -> None:
    """With a password the page does not speak of keys and tokens, and the reverse; nor does a site that takes no such thing."""
    both, keys = orders_guard(), Guard(APIKey(KEYS), Bearer(check_token))
    passwords = Guard(Basic(check_password, realm="a"), rules={"/orders": scope("x")})
    sent = {"/me": ("wrong", "no"), "/orders": ("bob", "hunter2")}
    for target, (name, password) in sent.items():
        for accept in ("text/html", "text/plain", "application/json"):
            for guard in (both, passwords):
                shown = Request(target=target, headers=(basic(name, password), ("Accept", accept)))
                assert not re.search("token|key|app you use", without_cure(through(guard)(shown).body).lower())
            for guard in (both, keys):
                for wrong in (bearer("no"), ("X-API-Key", "no")):
                    body = without_cure(through(guard)(Request(target=target, headers=(wrong, ("Accept", accept)))).body).lower()
                    assert "password" not in body
                    assert "token" in body


def test_R9457_3_1_the_status_never_depends_on_accept(through: Through) -> None:
    """Every row of the status table keeps its status and its challenges, whatever is acceptable."""
    driver = through(orders_guard())
    for row in REFUSED:
        for accept in ("text/html", "text/plain", "application/problem+json", "image/*"):
            answer = driver(replace(row.request, headers=(*row.request.headers, ("Accept", accept))))
            assert (answer.status, answer.challenges) == (row.status, list(row.challenges))


def test_R9457_3_1_2_1_the_status_member_is_the_status(through: Through) -> None:
    """`status` in the body is the status of the response, a number."""
    for row in REFUSED:
        with noting(row.name):
            answer = through(orders_guard())(row.request)
            assert json.loads(answer.body)["status"] == answer.status


def test_R9457_3_1_1_the_type_is_a_documented_uri(through: Through) -> None:
    """`type` is an absolute URI, that of the reason in the documentation; title, detail and reason are text from a table."""
    for row in REFUSED:
        with noting(row.name):
            answer = through(orders_guard(documentation="https://docs.example.com/reasons"))(row.request)
            problem = json.loads(without_cure(answer.body))
            words = _words(row, problem["reason"])
            assert problem == {
                "type": f"https://docs.example.com/reasons/{row.reason}",
                "title": words.title,
                "status": answer.status,
                "detail": words.developer,
                "reason": row.reason,
                "request_id": "the-id",
            }


@pytest.mark.parametrize("address", ["reasons", "/reasons", "//host/reasons", "", "https://", "https://a b", "https://ä", "https://a#b"])
def test_R9457_3_1_1_a_relative_type_is_a_mistake(address: str) -> None:
    """A documentation address that is no absolute URI is refused at construction."""
    with pytest.raises(ConfigurationError, match="documentation"):
        orders_guard(documentation=address)


@pytest.mark.parametrize("accept", ["application/problem+json", "text/html", "text/plain"])
def test_R9457_5_1_nothing_internal_is_told(accept: str, through: Through) -> None:
    """No body, on no way to a refusal, names a user, a rule, a class, a checker or what it said."""
    driver = through(orders_guard(documentation="https://docs.example.com"))
    for row in REFUSED:
        body = without_cure(driver(replace(row.request, headers=(*row.request.headers, ("Accept", accept)))).body)
        for inner in ("ann", "bob", "eve", "directory", "key server", "10.0.0.0", "check_", "Traceback", "firewall", "orders:read"):
            assert re.search(rf"\b{inner}", body) is None, (row.name, inner)


def test_R9457_5_1_refusals_do_not_reveal_accounts(through: Through) -> None:
    """The reasons that would reveal whether an account exists are shown under one code."""
    telling = {Reason.UNKNOWN_IDENTITY, Reason.WRONG_SECRET, Reason.DISABLED, Reason.LOCKED, Reason.REVOKED}
    assert {shown(reason) for reason in telling} == {Reason.INVALID_CREDENTIALS}
    driver = through(orders_guard())
    assert len({driver(me(bearer(reason.value))).body for reason in telling}) == 1


@pytest.mark.parametrize("sent", ["abc-1.2_3", "a" * 64])
def test_the_clients_request_id_is_repeated(sent: str, through: Through) -> None:
    """A request id of the client that is one is repeated, so that it can be found."""
    guard = Guard(Basic(nobody_at_all, realm="r"))
    assert json.loads(through(guard)(me(("X-Request-Id", sent))).body)["request_id"] == sent


@each("sent", ["", "a b", "<script>", "a" * 65, "ä", "a\r\nb", '"'])
def test_a_request_id_that_is_none_is_replaced(sent: str, through: Through) -> None:
    """Anything else is not repeated: a new id takes its place."""
    guard = Guard(Basic(nobody_at_all, realm="r"))
    assert json.loads(through(guard)(me(("X-Request-Id", sent))).body)["request_id"] not in {sent, ""}


@nonblocking
def nobody_at_all(credentials: object) -> None:
    """Know nobody."""


class Page(HTMLParser):
    """Reads a page: its tags with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text += data


def test_the_page_says_what_happened_and_what_to_do(through: Through) -> None:
    """A person reads what happened, what to do next, whom to ask and a reference, without any script."""
    for row in REFUSED:
        with noting(row.name):
            request = replace(row.request, headers=(*row.request.headers, ("Accept", "text/html")))
            answer = through(orders_guard(contact="help@example.com"))(request)
            page = Page(answer.body.decode())
            words = _words(row, row.reason)
            for part in (words.title, words.happened, words.next_step, "help@example.com", f"Error {answer.status}", "the-id"):
                assert part in page.text
            assert {tag for tag, _ in page.tags}.isdisjoint({"script", "iframe", "object", "embed", "img", "link", "form", "svg", "base"})
            assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags
            assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
            assert "default-src 'none'" in (answer.one("content-security-policy") or "")


@each("contact", ['<script>alert("x")</script>', "https://example.com/?a=1&b=\"'", "mailto:a@b", "a@b", "Room 7 & 8"])
def test_the_page_escapes_what_is_configured(contact: str, through: Through) -> None:
    """What is not a constant of the library is escaped: it is text, whatever it holds."""
    answer = through(orders_guard(contact=contact))(me(("Accept", "text/html")))
    page = Page(answer.body.decode())
    assert contact.removeprefix("mailto:") in page.text
    assert [tag for tag, _ in page.tags].count("script") == 0
    # The action leads to the address of the page itself: the empty reference.
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a" and attributes["href"]]
    assert links == ([contact if ":" in contact else f"mailto:{contact}"] if "@" in contact or "://" in contact else [])


@pytest.mark.parametrize("accept", ["text/html", "text/plain", "application/json"])
def test_a_wait_is_said_in_words_and_in_its_field(accept: str, through: Through) -> None:
    """Who has to wait is told how long."""
    answer = through(orders_guard())(me(basic("outage", "x"), ("Accept", accept)))
    assert (answer.status, answer.one("retry-after")) == (503, "7")
    if accept.startswith("text"):
        assert "7 seconds" in answer.body.decode()


def test_every_reason_has_its_words() -> None:
    """Each reason has a title and sentences for visitor, developer and operator."""
    assert list(REASONS) == list(Reason)
    for entry in REASONS.values():
        words = entry.words
        assert all((words.title, words.happened, words.next_step, words.developer, entry.operator))


def test_a_throttled_visitor_reads_minutes() -> None:
    """Long waits are said in minutes, rounded up."""
    guard = orders_guard()
    refusal = guard.refuse(Throttled(reason=Reason.THROTTLED, retry_after=121), request_view(me(("Accept", "text/html"))))
    assert b"3 minutes" in refusal.body
