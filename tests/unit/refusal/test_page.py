"""The page that a person sees."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import Recorder, ask, values
from tests.support.each import each
from tests.support.wire import basic
from watchword import Basic, ConfigurationError, Failed, Forbidden, Guard, Page, Reason, RefusalData, Throttled
from watchword.reasons import REASONS
from watchword.refusal import Renderer
from watchword.refusal.data import Told, refusal_data
from watchword.refusal.page import page
from watchword.refusal.style import LONGEST_COUNTDOWN, STYLE, countdown, policy

if TYPE_CHECKING:
    from watchword import Refusal
    from watchword.reason import Secret

NASTY = "<script>alert(1)</script>\"'&amp;"


class Reader(HTMLParser):
    """Reads a page, and insists that every element is closed in order."""

    VOID = frozenset({"meta", "br", "img"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_decl(self, decl: str) -> None:
        """Take the doctype."""
        self.tags.append(f"!{decl}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close it."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect the text by element."""
        if self._open:
            self.text[self._open[-1]] = self.text.get(self._open[-1], "") + data

    @property
    def links(self) -> list[str | None]:
        """The addresses of the links."""
        return [value for tag, name, value in self.attributes if (tag, name) == ("a", "href")]


def render(
    reason: Reason = Reason.INVALID_CREDENTIALS,
    *,
    wait: int | None = None,
    contact: str | None = None,
    reference: str = "",
    realm: str = "",
    secret: Secret = "",
    look: Page | None = None,
    here: str = "%2Fx",
) -> str:
    """Return a page in English."""
    told = Told(REASONS[reason].statuses[0], reason, wait, secret, realm, "en")
    return page(refusal_data(told, look or Page(), contact=contact, request_id=reference, here=here))


@each("reason", Reason)
def test_every_page_is_whole_html(reason: Reason) -> None:
    """Every element is closed in order, and each stands where it belongs."""
    look = Page(service="Orders", logo="/logo.svg", support="/help")
    read = Reader(render(reason, wait=5, contact="help@example.com", reference="0f", realm="office", look=look))
    action = " p a" if REASONS[reason].action else ""
    assert " ".join(read.tags) == (
        f"!doctype html html head meta meta title style style body main p img h1 p p br p{action} p a p a footer"
    )
    assert ("html", "lang", "en") in read.attributes
    assert ("meta", "charset", "utf-8") in read.attributes
    assert ("meta", "name", "viewport") in read.attributes
    assert "Orders · office" in read.text["p"]
    assert read.text["title"].endswith(" - Orders")


@each("reason", Reason)
def test_every_page_says_what_happened_and_what_to_do_next(reason: Reason) -> None:
    """In the words of the reason, without the code, which means nothing to people."""
    read = Reader(render(reason))
    words = REASONS[reason].words
    assert read.text["title"] == read.text["h1"] == words.title
    assert words.happened in read.text["p"]
    assert words.next_step in read.text["p"]
    assert REASONS[reason].operator not in read.text["p"]
    assert "_" not in read.text["p"]


def test_a_page_runs_loads_and_sends_nothing() -> None:
    """No script, no handler, no form, no foreign source: what is shown is all there is."""
    text = render(Reason.THROTTLED, wait=5, contact="https://help.example", reference="0f")
    read = Reader(text)
    assert {"script", "form", "iframe", "img", "link", "object", "base"}.isdisjoint(read.tags)
    assert not [name for _, name, _ in read.attributes if name.startswith("on") or name in {"src", "style", "action"}]
    assert "url(" not in text
    assert "@import" not in text


@pytest.mark.parametrize(
    ("logo", "source"),
    [
        (None, None),
        ("/static/logo.svg", "'self'"),
        ("https://cdn.example.com:8443/a;b,c.png?x=1", "https://cdn.example.com:8443"),
        ("data:image/svg+xml;base64,PHN2Zy8+", "data:"),
    ],
)
def test_the_policy_allows_the_styles_and_the_logo_and_nothing_else(logo: str | None, source: str | None) -> None:
    """The digests in Content-Security-Policy are those of the styles on the page (CSP 3 §2.3.1)."""
    refusal = Renderer(page=Page(logo=logo)).render(
        Throttled(reason=Reason.THROTTLED, retry_after=30), ask("/", ("Accept", "text/html")), "0f"
    )
    styles = re.findall("<style>(.*?)</style>", refusal.body.decode())
    assert styles == [STYLE, countdown(30)]
    digests = " ".join(f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" for style in styles)
    (header,) = values(refusal, "Content-Security-Policy")
    directives = dict(directive.split(" ", 1) for directive in header.split("; "))
    images = {} if source is None else {"img-src": source}
    assert directives == {
        "default-src": "'none'",
        "style-src": digests,
        **images,
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert policy("a") != policy("b")


def test_whatever_is_no_constant_is_escaped() -> None:
    """Contact, reference, realm and names are text, whatever is in them."""
    look = Page(service=NASTY, links=((NASTY, "/x?a=1&b='\""),), support="/?'\"><b>")
    text = render(contact=NASTY, reference=NASTY, realm=NASTY, look=look)
    read = Reader(text)
    assert "script" not in read.tags
    assert "b" not in read.tags
    assert read.text["p"].count(NASTY) == 3
    assert NASTY in read.text["footer"]
    assert read.links == ["", "/?'\"><b>", "/x?a=1&b='\""]


@pytest.mark.parametrize(
    ("contact", "href", "shown"),
    [
        ("help@example.com", "mailto:help@example.com", "help@example.com"),
        ("mailto:help@example.com", "mailto:help@example.com", "help@example.com"),
        ("https://example.com/help", "https://example.com/help", "https://example.com/help"),
        ('https://example.com/"onclick="x', 'https://example.com/"onclick="x', 'https://example.com/"onclick="x'),
        ("a@b\"'><script>", "mailto:a@b\"'><script>", "a@b\"'><script>"),
    ],
)
def test_an_address_is_a_link(contact: str, href: str, shown: str) -> None:
    """A URL and an e-mail address can be followed; quotes in them break out of nothing."""
    read = Reader(render(contact=contact))
    assert read.links == ["", href]
    assert read.text["a"] == f"Log in{shown}"


@pytest.mark.parametrize(
    "contact", ["the office, room 12", "javascript:alert(1)", "data:text/html,x", "write to a@b or call", "+49 89 1234"]
)
def test_anything_else_is_text(contact: str) -> None:
    """No other scheme becomes a link."""
    read = Reader(render(contact=contact))
    assert read.links == [""]
    assert contact in read.text["p"]


def test_what_is_not_configured_is_not_mentioned() -> None:
    """No empty sentence is shown."""
    text = render()
    assert "For help" not in text
    assert "Reference" not in text
    assert "service" not in re.sub("<style>.*?</style>", "", text)
    assert Reader(text).text["footer"] == "Error 401"


# The one action

LOGIN = Page(login="/login?next={here}", home="/start")


@pytest.mark.parametrize(
    ("reason", "secret", "look", "label", "href"),
    [
        (Reason.MISSING_CREDENTIALS, "password", None, "Log in", ""),
        (Reason.MISSING_CREDENTIALS, "", None, "Log in", ""),
        (Reason.MISSING_CREDENTIALS, "token", None, "Try again", ""),
        (Reason.MISSING_CREDENTIALS, "token", LOGIN, "Log in", "/login?next=%2Fx"),
        (Reason.EXPIRED, "password", LOGIN, "Log in", "/login?next=%2Fx"),
        (Reason.MISSING_ROLE, "password", None, "Go to the home page", "/"),
        (Reason.MISSING_ROLE, "password", LOGIN, "Use another account", "/login?next=%2Fx"),
        (Reason.DENIED, "password", LOGIN, "Go to the home page", "/start"),
        (Reason.NETWORK_DENIED, "password", LOGIN, "Try again", ""),
        (Reason.AMBIGUOUS_PATH, "", LOGIN, "Go to the home page", "/start"),
        (Reason.THROTTLED, "password", LOGIN, "Try again", ""),
        (Reason.UNAVAILABLE, "token", None, "Try again", ""),
    ],
)
def test_a_page_has_one_action(reason: Reason, secret: Secret, look: Page | None, label: str, href: str) -> None:
    """What could help: to log in, another account where a page lets one choose it, the home page, or a new try."""
    text = render(reason, secret=secret, look=look)
    assert re.findall('<a class="action" href="([^"]*)">([^<]*)</a>', text) == [(href, label)]


def test_in_the_clear_no_link_leads_on() -> None:
    """A link from a page over http leads to http."""
    assert Reader(render(Reason.INSECURE_TRANSPORT)).links == []


GUARD = Guard(Basic(Recorder(), realm="x"), page=Page(login="/login?next={here}"))


def asked(target: str, guard: Guard = GUARD, mount: str = "") -> Refusal:
    """Ask for a page."""
    view = ask(target, ("Accept", "text/html"))
    view.mount = mount
    return guard.refuse(guard.decide(view), view)


@pytest.mark.parametrize(
    ("target", "mount", "here"),
    [
        ("/orders/7?token=s3cret", "", "%2Forders%2F7"),
        ("/a b", "", "%2Fa%2520b"),
        ("/ä", "", "%2F%25C3%25A4"),
        ("/x", "/shop", "%2Fshop%2Fx"),
        ("/javascript:alert(1)", "", "%2Fjavascript%3Aalert%281%29"),
        ("/x\"'<>", "", "%2Fx%2522%27%253C%253E"),
    ],
)
def test_a_login_page_is_told_where_to_go_back_to(target: str, mount: str, here: str) -> None:
    """By a path, percent-encoded twice as a value in a query; the query of the request, which may hold a secret, is left out."""
    assert Reader(asked(target, mount=mount).body.decode()).links == [f"/login?next={here}"]


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", "\\\\evil.example", "https://evil.example", "///evil", ""])
def test_the_way_back_leads_to_no_other_host(path: str) -> None:
    """Two slashes or a backslash at the beginning would be the name of a host (an open redirect, CWE-601)."""
    view = ask("/x", ("Accept", "text/html"))
    view.path = path
    refusal = GUARD.refuse(GUARD.decide(ask("/x")), view)
    (link,) = Reader(refusal.body.decode()).links
    assert link is not None
    assert re.match(r"/login\?next=%2F(?!%2F|%5C|%255C)", link)


def test_no_page_shows_the_path_of_another_request() -> None:
    """What is kept has a mark where the path goes, and each request puts its own there, or nobody's."""
    bodies = [asked(path).body.decode() for path in ("/one", "/two", "/one")]
    assert "%2Fone" in bodies[0]
    assert "%2Fone" not in bodies[1]
    assert "%2Ftwo" in bodies[1]
    assert "%2Ftwo" not in bodies[2]
    assert not any("\1" in body or "\0" in body for body in bodies)
    # Where no login page is named, nothing of the request stands on the page.
    plain = Guard(Basic(Recorder(), realm="x"), request_id=lambda: "id")
    assert asked("/one", plain).body == asked("/two?q", plain).body


# Times


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (1, "1 second."),
        (5, "5 seconds."),
        (119, "119 seconds."),
        (120, "2 minutes."),
        (121, "3 minutes."),
        (3600, "60 minutes."),
        (7140, "119 minutes."),
        (7141, "2 hours."),
        (7200, "2 hours."),
        (7201, "3 hours."),
        (86_400, "24 hours."),
    ],
)
def test_a_time_to_wait_is_said_in_the_unit_people_use(wait: int, words: str) -> None:
    """Rounded up, so that whoever waits that long has waited long enough."""
    text = render(Reason.THROTTLED, wait=wait)
    assert f"Wait at least {words}" in Reader(text).text["p"]
    assert ('class="left" aria-hidden="true"' in text) is (wait <= LONGEST_COUNTDOWN)


@pytest.mark.parametrize("wait", [0, None])
def test_no_time_to_wait_is_not_said(wait: int | None) -> None:
    """Nobody is told to wait for nothing."""
    text = render(Reason.THROTTLED, wait=wait)
    assert "Wait at least" not in text
    assert 'class="left"' not in text


def test_a_page_fits_on_a_phone() -> None:
    """It is as wide as the screen, and a long word breaks in place of widening it."""
    text = render()
    assert re.search(r"max-width:\d+rem", text)
    assert "overflow-wrap:anywhere" in text
    assert ("meta", "content", "width=device-width, initial-scale=1") in Reader(text).attributes
    assert "color-scheme:light dark" in text


# What an application says about itself


@pytest.mark.parametrize(
    "wrong",
    [
        {"home": "//evil.example"},
        {"home": "/\\evil.example"},
        {"home": "javascript:alert(1)"},
        {"home": "start"},
        {"home": ""},
        {"home": None},
        {"login": "JavaScript:alert(1)"},
        {"login": "/a b"},
        {"login": "/login?next={here}&back={here}"},
        {"login": "data:text/html,x"},
        {"support": "ftp://example.com"},
        {"support": "https://"},
        {"support": "https://user@host/"},
        {"support": "/bü"},
        {"logo": "logo.png"},
        {"logo": "data:text/html,x"},
        {"logo": "https://a;script-src *"},
        {"links": (("Status", "javascript:x"),)},
        {"links": (("", "/x"),)},
        {"service": "a\nb"},
        {"service": 7},
        {"template": "page.html"},
        {"policy": "a\r\nSet-Cookie: x"},
    ],
    ids=repr,
)
def test_what_cannot_be_shown_or_followed_is_an_error(wrong: dict[str, Any]) -> None:
    """At construction, with the name of the argument."""
    with pytest.raises(ConfigurationError, match=rf"Page\({next(iter(wrong))}=...\) must"):
        Page(**wrong)


def test_a_guard_takes_a_page_and_nothing_else() -> None:
    """The message names the argument."""
    with pytest.raises(ConfigurationError, match=r"Guard\(page=...\)"):
        Guard(Basic(Recorder(), realm="x"), page={"service": "Orders"})  # type: ignore[arg-type]  # the mistake itself


def test_a_template_writes_the_page_and_nothing_else() -> None:
    """It gets data in the visitor's language; status, challenges and the fields against caches stay those of the guard."""
    seen: list[RefusalData] = []

    def template(data: RefusalData) -> str:
        seen.append(data)
        return f"<p>{data.title}"

    look = Page(service="Orders", template=template, policy="default-src 'self'")
    guard = Guard(Basic(Recorder(), realm="office"), page=look, contact="a@b", request_id=lambda: "id-1")
    plain = Guard(Basic(Recorder(), realm="office"), request_id=lambda: "id-1")
    view = ask("/x", ("Accept", "text/html"), ("Accept-Language", "de"))
    refusal, other = (one.refuse(one.decide(view), view) for one in (guard, plain))
    assert refusal.body.decode() == "<p>Anmeldung erforderlich"
    assert values(refusal, "Content-Security-Policy") == ["default-src 'self'"]
    assert refusal.status == other.status
    described = {"Content-Security-Policy", "Content-Length"}
    assert [field for field in refusal.headers if field[0] not in described] == [
        field for field in other.headers if field[0] not in described
    ]
    (data,) = seen
    assert (data.status, data.reason, data.language) == (401, Reason.MISSING_CREDENTIALS, "de")
    assert (data.service, data.realm, data.contact, data.request_id) == ("Orders", "office", "a@b", "id-1")
    head = ask("/x", ("Accept", "text/html"), ("Accept-Language", "de"), method="HEAD")
    answered = guard.refuse(guard.decide(head), head)
    assert (answered.body, answered.headers) == (b"", refusal.headers)


def _fails(_: RefusalData) -> str:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "template", [_fails, lambda _: None, lambda _: b"<p>", lambda _: "\ud800"], ids=["raises", "None", "bytes", "surrogate"]
)
def test_a_template_that_fails_is_logged_and_the_page_is_ours(template: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A refusal is never a 500."""
    guard = Guard(Basic(Recorder(), realm="x"), page=Page(template=template))
    view = ask("/x", ("Accept", "text/html"))
    refusal = guard.refuse(guard.decide(view), view)
    assert refusal.status == 401
    assert "Login required" in Reader(refusal.body.decode()).text["h1"]
    assert "the template of refusals failed" in caplog.text


def test_a_template_is_for_people() -> None:
    """Programs get their document, whatever the template does."""
    guard = Guard(Basic(Recorder(), realm="x"), page=Page(template=_fails))
    view = ask("/x")
    assert b'"reason": "missing_credentials"' in guard.refuse(guard.decide(view), view).body


def test_the_realm_is_for_those_who_have_been_told_it() -> None:
    """A caller who is asked for nothing is told nothing of the schemes."""
    renderer = Renderer(realms={"Basic": "vault 7"})
    html = ask("/x", ("Accept", "text/html"))
    assert b"vault 7" not in renderer.render(Forbidden(reason=Reason.NETWORK_DENIED), html, "0f").body
    assert b"vault 7" in renderer.render(Failed(reason=Reason.UNAVAILABLE, scheme="Basic"), html, "0f").body


def test_data_of_a_refusal_is_at_hand_for_pages_of_frameworks() -> None:
    """In the words and the language of the page, with its reference."""
    guard = Guard(Basic(Recorder(), realm="office"), request_id=lambda: "id-1")
    view = ask("/x", basic("ann", "wrong"), ("Accept-Language", "fr"))
    data = guard.refusal_data(guard.decide(view), view)  # type: ignore[arg-type]  # it refuses
    assert (data.title, data.request_id, data.reason) == ("Identification impossible", "id-1", Reason.INVALID_CREDENTIALS)
