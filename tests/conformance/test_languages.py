"""Refusals in the language of the visitor, through every adapter."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.support.drive import Request, basic
from tests.support.each import each
from tests.support.people import orders_guard

if TYPE_CHECKING:
    from tests.support.drive import Through

HTML = ("Accept", "text/html")


def me(*headers: tuple[str, str]) -> Request:
    """A request with these fields."""
    return Request(target="/me", headers=headers)


def test_R9110_12_5_4_the_language_of_the_visitor_decides(through: Through) -> None:
    """Also where the refusal is repeated by the fast path; the answer says on what it depends."""
    driver = through(orders_guard())
    for _ in range(3):
        for sent, language, words in (("de-CH, en;q=0.5", "de", "Anmeldung erforderlich"), ("en, de;q=0.5", "en", "Login required")):
            answer = driver(me(HTML, ("Accept-Language", sent)))
            assert (answer.status, answer.one("content-language")) == (401, language)
            assert answer.one("vary") == "Accept, Accept-Language"
            assert words in answer.body.decode()


def test_a_wrong_password_is_refused_in_the_language_too(through: Through) -> None:
    """On the full path, and with the challenges that it has in every language."""
    driver = through(orders_guard())
    request = me(basic("ann", "wrong"), HTML)
    plain, answer = driver(request), driver(replace(request, headers=(*request.headers, ("Accept-Language", "ja"))))
    assert (answer.status, answer.challenges) == (plain.status, plain.challenges)
    assert "認証できませんでした" in answer.body.decode()


def test_R9110_9_3_2_head_is_as_get(through: Through) -> None:
    """The same fields, without the content."""
    driver = through(orders_guard())
    get = me(HTML, ("Accept-Language", "fr"))
    one, other = driver(get), driver(replace(get, method="HEAD"))
    assert (other.status, other.headers, other.body) == (one.status, one.headers, b"")


@each("sent", ["x" * 100_000, "de," * 33_333, "de;q=" + "0" * 5000, "\xff\xfe", "de\tfr"])
def test_a_hostile_field_costs_nothing_and_gets_english(sent: str, through: Through) -> None:
    """It is not read, and changes neither status nor challenges."""
    answer = through(orders_guard())(me(HTML, ("Accept-Language", sent)))
    assert (answer.status, answer.one("content-language")) == (401, "en")
