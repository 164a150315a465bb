"""The markup of the console: what is not made by its functions is text."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.each import each
from watchword.console.markup import Link, Markup, join, link, tag

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onclick='alert(1)",
    "</style><b>",
    "a&lt;b",
    "\u202eevil",
    "]]>",
]


class Seen(HTMLParser):
    """Notes elements, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.text += data


def parsed(markup: Markup) -> Seen:
    """Read markup as a browser does."""
    seen = Seen()
    seen.feed(markup.html)
    seen.close()
    return seen


@given(st.text())
def test_a_text_is_never_markup(text: str) -> None:
    """Whatever a text holds: one element comes out, with one attribute, and the text in both."""
    seen = parsed(tag("p", text, title=text))
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
    assert (seen.elements, seen.attributes, seen.text) == (["p"], [("title", shown)], shown)


@given(st.text())
def test_a_form_sends_back_what_stands_in_it(text: str) -> None:
    """The value of a field is the very text, also where it cannot be printed."""
    seen = parsed(tag("input", value=text))
    # Of what comes in two forms a browser makes one (HTML Standard §13.2.3.5).
    assert (seen.elements, [value and value.replace("\r\n", "\n") for _, value in seen.attributes]) == (
        ["input"],
        [text.replace("\r\n", "\n")],
    )


@each("text", HOSTILE)
def test_attacks_stay_text(text: str) -> None:
    """In an element, in an attribute, in an address and in SVG."""
    seen = parsed(join(tag("a", text, href=link("/console", "/accounts", after=text)), tag("svg", tag("title", text), viewBox=text)))
    assert seen.elements == ["a", "svg", "title"]
    assert [name for name, _ in seen.attributes] == ["href", "viewbox"]


def test_none_and_false_are_nothing_and_true_is_a_name() -> None:
    """Children and attributes that are not there leave no trace."""
    assert tag("input", None, type="checkbox", checked=True, disabled=False, class_=None).html == '<input type="checkbox" checked>'
    assert tag("p", ["a", [1, None]], aria_label="x").html == '<p aria-label="x">a1</p>'


@each("name", ["onclick", "onerror", "style", "srcdoc"])
def test_no_attribute_runs_a_script_or_holds_a_style(name: str) -> None:
    """Escaping would not help there."""
    with pytest.raises(ValueError, match="Leave it out"):
        tag("p", **{name: "x"})


@each("name", ["href", "action", "src"])
def test_an_address_is_a_link(name: str) -> None:
    """A text of a client, such as `javascript:alert(1)`, is no address."""
    with pytest.raises(ValueError, match="made by link"):
        tag("a", **{name: "javascript:alert(1)"})


def test_a_link_encodes_its_parameters() -> None:
    """Nothing of a value ends the parameter, the query or the attribute. A lone surrogate is no reason to fail."""
    assert link("/console", "/keys", owner='a&b=c#"d', after="") == Link("/console/keys?owner=a%26b%3Dc%23%22d")
    assert link("", "/keys", owner="\ud800") == "/keys?owner=%3F"
