"""Choosing a media type (RFC 9110 §12.5.1)."""

from __future__ import annotations

import pytest

from tests.support.each import each
from watchword.grammar import MAX_FIELD_OCTETS, preferred_type

OFFERED = ("application/problem+json", "text/html", "text/plain")
JSON, HTML, PLAIN = OFFERED

CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)
RFC_9110 = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5"


@each(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        (CHROMIUM, HTML),
        ("text/html", HTML),
        ("TEXT/HTML", HTML),
        ("text/*", HTML),
        ("text/plain, text/html", HTML),
        ("text/plain, text/html;q=0.9", PLAIN),
        ("text/plain \t; \tQ=0.5 , text/html \t; \tQ=0.4 ", PLAIN),
        ("text/plain, text/html;q=1", HTML),
        ("text/plain;level=1, text/html;q=1.000", HTML),
        ("text/html;level=1;q=0.3, text/plain;q=0.4", PLAIN),
        ("text/*;level=1, application/*;q=0.5", HTML),
        ("text/html;q=0.5, */*;q=0.4", HTML),
        ("text/html;q=0.5, */*;q=0.5", JSON),
        ("text/html;q=0, */*", JSON),
        ("application/*;q=0, text/html;q=0, */*;q=0.1", PLAIN),
        ("text/*, text/html;q=0.1", PLAIN),
        ("text/html;q=0, text/*", PLAIN),
        ("image/png", JSON),
        ("*/*;q=0", JSON),
        ("text/html;q=0", JSON),
        ("text/html;q=0.001", HTML),
        ("text/html;level=1", HTML),
        ("text/html;level=1;q=0.2, text/plain;q=0.1", HTML),
        ("text/html;level=1, text/html;q=0.3, text/plain;q=0.5", PLAIN),
        ('text/html;a=";q=0,x/y";q=0.5, text/plain;q=0.4', HTML),
        ("text/html;q=0.4;ext=1, text/plain;q=0.5", PLAIN),
        ("text/html; , text/plain;q=0.5", HTML),
        ("text/html;q=0.1, text/html;q=0.9, text/plain;q=0.5", HTML),
    ],
)
def test_the_greatest_weight_wins(accept: str | None, chosen: str) -> None:
    """The type with the greatest weight is chosen. The most specific range sets the weight, and ties go to the earlier type."""
    assert preferred_type(accept, OFFERED) == chosen
    if accept is not None:
        assert preferred_type(accept.encode("ascii"), OFFERED) == chosen


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (("text/html", "text/plain"), "text/plain"),
        (("text/html", "image/jpeg"), "image/jpeg"),
        (("text/html", "text/css", "text/plain"), "text/plain"),
    ],
)
def test_the_table_of_rfc_9110_holds(offered: tuple[str, ...], chosen: str) -> None:
    """The weights of the example in §12.5.1: text/plain 0.7, image/jpeg 0.5, text/html 0.3."""
    assert preferred_type(RFC_9110, offered) == chosen


@each(
    "member",
    [
        "text",
        "text/",
        "/html",
        "*/html",
        "*",
        "text /html",
        "text/html/x",
        "text/html;q=2",
        "text/html;q=1.001",
        "text/html;q=0.1234",
        "text/html;q=-1",
        "text/html;q=.5",
        "text/html;q=",
        "text/html;q",
        "text/html;q =1",
        "text/html;q= 1",
        "text/html;q=1e0",
        "text/html;q=nan",
        "text/html;q=inf",
        "text/html;q=\N{FULLWIDTH DIGIT ONE}",
        "text/html;q=x;q=1",
        '"text/html"',
        "tĀxt/html",
        "text/html\0",
    ],
)
def test_a_malformed_member_is_skipped(member: str) -> None:
    """A member that does not fit the grammar counts for nothing and costs no other member."""
    for accept in (f"{member}, text/plain;q=0.5", f"text/plain;q=0.5,{member}"):
        assert preferred_type(accept, OFFERED) == PLAIN
        assert preferred_type(accept.encode("utf-8"), OFFERED) == PLAIN


@pytest.mark.parametrize("accept", ["", "image/png", "text/html;q=0", "*/*;q=0", "@", ",", "*"])
def test_a_client_that_accepts_no_offer_gets_the_fallback(accept: str) -> None:
    """`otherwise` is returned exactly if no offered type is acceptable."""
    assert preferred_type(accept, OFFERED, otherwise="other") == "other"
    assert preferred_type(f"{accept},text/plain;q=0.001", OFFERED, otherwise="other") == PLAIN
    for absent in (None, " " * (MAX_FIELD_OCTETS + 1)):
        assert preferred_type(absent, OFFERED, otherwise="other") == JSON


def test_a_long_field_counts_as_absent() -> None:
    """A field as long as the bound is read, one octet more is not."""
    accept = "text/plain,".ljust(MAX_FIELD_OCTETS)
    assert preferred_type(accept, OFFERED) == PLAIN
    assert preferred_type(accept + " ", OFFERED) == JSON


def test_the_type_is_returned_as_it_was_offered() -> None:
    """Parameters and letter case are kept; neither affects the choice."""
    for offer in ("Text/HTML; charset=utf-8", "Text/HTML ;charset=utf-8"):
        assert preferred_type("text/html", ["a/b", offer]) == offer
