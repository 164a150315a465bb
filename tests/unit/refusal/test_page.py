"""The page that a person sees."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from tests.support.each import each
from watchword import Reason
from watchword.reasons import REASONS
from watchword.refusal.page import POLICY, page

NASTY = "<script>alert(1)</script>\"'&amp;"


class Reader(HTMLParser):
    """Reads a page, and insists that every element is closed in order."""

    VOID = frozenset({"meta", "br"})

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


def render(reason: Reason = Reason.INVALID_CREDENTIALS, *, wait: int | None = None, contact: str | None = None, reference: str = "") -> str:
    """Return a page."""
    return page(401, REASONS[reason].words, wait=wait, contact=contact, request_id=reference)


@each("reason", Reason)
def test_every_page_is_whole_html(reason: Reason) -> None:
    """Every element is closed in order, and each stands where it belongs."""
    read = Reader(render(reason, wait=5, contact="help@example.com", reference="0f"))
    assert " ".join(read.tags) == "!doctype html html head meta meta title style body main h1 p p br p a footer"
    assert ("html", "lang", "en") in read.attributes
    assert ("meta", "charset", "utf-8") in read.attributes
    assert ("meta", "name", "viewport") in read.attributes


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
    text = render(wait=5, contact="https://help.example", reference="0f")
    read = Reader(text)
    assert {"script", "form", "iframe", "img", "link", "object"}.isdisjoint(read.tags)
    assert not [name for _, name, _ in read.attributes if name.startswith("on") or name in {"src", "style", "action"}]
    assert "url(" not in text
    assert "@import" not in text


def test_the_policy_allows_the_one_style_and_nothing_else() -> None:
    """The digest in Content-Security-Policy is that of the style on the page (CSP 3 §2.3.1)."""
    style = Reader(render()).text["style"]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    directives = dict(directive.split(" ", 1) for directive in POLICY.split("; "))
    assert directives == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_whatever_is_no_constant_is_escaped() -> None:
    """Contact and reference are text, whatever is in them."""
    text = render(contact=NASTY, reference=NASTY)
    read = Reader(text)
    assert "script" not in read.tags
    assert NASTY in read.text["p"]
    assert NASTY in read.text["footer"]


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
    assert [found for found in read.attributes if found[0] == "a"] == [("a", "href", href)]
    assert read.text["a"] == shown


@pytest.mark.parametrize(
    "contact", ["the office, room 12", "javascript:alert(1)", "data:text/html,x", "write to a@b or call", "+49 89 1234"]
)
def test_anything_else_is_text(contact: str) -> None:
    """No other scheme becomes a link."""
    read = Reader(render(contact=contact))
    assert "a" not in read.tags
    assert contact in read.text["p"]


def test_without_contact_and_reference_nothing_is_said_about_them() -> None:
    """No empty sentence is shown."""
    text = render()
    assert "For help" not in text
    assert "Reference" not in text
    assert Reader(text).text["footer"] == "Error 401"


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
    assert f"Wait at least {words}" in Reader(render(Reason.THROTTLED, wait=wait)).text["p"]


@pytest.mark.parametrize("wait", [0, None])
def test_no_time_to_wait_is_not_said(wait: int | None) -> None:
    """Nobody is told to wait for nothing."""
    assert "Wait at least" not in render(Reason.THROTTLED, wait=wait)


def test_a_page_fits_on_a_phone() -> None:
    """It is as wide as the screen, and a long word breaks in place of widening it."""
    text = render()
    assert re.search(r"max-width:\d+rem", text)
    assert "overflow-wrap:anywhere" in text
    assert ("meta", "content", "width=device-width, initial-scale=1") in Reader(text).attributes
    assert "color-scheme:light dark" in text
