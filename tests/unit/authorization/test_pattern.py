"""Tests patterns: parsing, printing, and their comparison as sets of requests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.each import each
from watchword import Bearer, ConfigurationError, Guard, RequestView, public
from watchword.authorization.pattern import Pattern, left_over, parse_pattern


@each(
    ("text", "pattern"),
    [
        ("/", Pattern(None, ())),
        ("/a", Pattern(None, ("a",))),
        ("/a/", Pattern(None, ("a", ""))),
        ("/a/b", Pattern(None, ("a", "b"))),
        ("/a/{id}", Pattern(None, ("a", None))),
        ("/{a}/{b}/", Pattern(None, (None, None, ""))),
        ("/**", Pattern(None, (), rest=True)),
        ("/**/", Pattern(None, (), rest=True)),
        ("/a/**", Pattern(None, ("a",), rest=True)),
        ("/{a}/**", Pattern(None, (None,), rest=True)),
        ("GET /a", Pattern(frozenset({"GET"}), ("a",))),
        ("GET,PUT /a", Pattern(frozenset({"GET", "PUT"}), ("a",))),
        ("GET,GET /a", Pattern(frozenset({"GET"}), ("a",))),
        ("PROPFIND /a", Pattern(frozenset({"PROPFIND"}), ("a",))),
        ("M-SEARCH /", Pattern(frozenset({"M-SEARCH"}), ())),
        ("/my file", Pattern(None, ("my file",))),
        ("GET /my file/{x}", Pattern(frozenset({"GET"}), ("my file", None))),
        ("/ä/ß/日本", Pattern(None, ("ä", "ß", "日本"))),
        ("/a.b/~c/d:e@f", Pattern(None, ("a.b", "~c", "d:e@f"))),
        ("/100%25", Pattern(None, ("100%",))),
        ("/%25/{a}/50%25 off", Pattern(None, ("%", None, "50% off"))),
        ("/...", Pattern(None, ("...",))),
        ("/{_}/{été}", Pattern(None, (None, None))),
    ],
)
def test_patterns(text: str, pattern: Pattern) -> None:
    """Methods, literal segments, `{name}` for one segment and a closing `**`; a closing slash is a last segment that is empty."""
    assert parse_pattern(text) == pattern


@each(
    ("text", "why"),
    [
        ("", "its path must start with a slash"),
        ("a", "its path must start with a slash"),
        ("GET", "its path must start with a slash"),
        ("GET a", "its path must start with a slash"),
        ("GET  /a", "its path must start with a slash"),
        ("GET, PUT /a", "'' is not a method. Write it as in \"GET,PUT /x\""),
        ("GET,PUT a /b", "its path must start with a slash"),
        ("GET,,PUT /a", "'' is not a method"),
        (",GET /a", "'' is not a method"),
        ("G(T /a", "'G(T' is not a method"),
        ("GÉT /a", "'GÉT' is not a method"),
        ("* /a", "an asterisk is not a method. For all methods write the path alone"),
        ("GET,* /a", "an asterisk is not a method"),
        ("get /a", "methods are case-sensitive (RFC 9110 §9.1). Write GET"),
        ("GET,Put /a", "methods are case-sensitive (RFC 9110 §9.1). Write PUT"),
        ("HEAD /a", "HEAD is decided as GET. Write GET"),
        ("GET,HEAD /a", "HEAD is decided as GET. Write GET"),
        (" /a", "it begins or ends with a space"),
        ("/a ", "it begins or ends with a space"),
        ("GET /a\n", "it begins or ends with a space"),
        ("//", "it has an empty segment, and the firewall refuses `//`"),
        ("//a", "it has an empty segment"),
        ("/a//b", "it has an empty segment"),
        ("/a//", "it has an empty segment"),
        ("/./a", "the firewall refuses dot segments"),
        ("/a/..", "the firewall refuses dot segments"),
        ("/a?x=1", "it can never match a path with '?': rules do not see the query"),
        ("/a#b", "it can never match a path with '#': a fragment never reaches a server"),
        ("/a\\b", "it can never match a path with '\\\\': the firewall refuses it"),
        ("/a;b", "it can never match a path with ';': the firewall refuses it"),
        ("/a%20b", "paths are compared decoded. Write the character itself, and %25 for a percent sign"),
        ("/100%", "paths are compared decoded. Write the character itself, and %25 for a percent sign"),
        ("/a%2525%2", "paths are compared decoded"),
        ("/a%2520b", "the firewall refuses paths that are still encoded after decoding"),
        ("/%25aF", "the firewall refuses paths that are still encoded after decoding"),
        ("/{a%25}", "'{a%}' is not a name in braces"),
        ("/a\tb", "no path holds a control character"),
        ("/a\x00b", "no path holds a control character"),
        ("/a\x7fb", "no path holds a control character"),
        ("/{}", "'{}' is not a name in braces"),
        ("/{a b}", "'{a b}' is not a name in braces"),
        ("/{a:int}", "'{a:int}' is not a name in braces"),
        ("/{1}", "'{1}' is not a name in braces"),
        ("/{**}", "'{**}' is not a name in braces"),
        ("/orders/<int:id>", "'<int:id>' is a parameter of Flask. Write {name} for a whole segment"),
        ("/{a}/{a}", "it names {a} twice"),
        ("/a{b}", "'a{b}' is not a segment. Use a literal, {name} for a whole segment, or ** at the end"),
        ("/{a}b", "'{a}b' is not a segment"),
        ("/a}", "'a}' is not a segment"),
        ("/*", "'*' is not a segment"),
        ("/a*", "'a*' is not a segment"),
        ("/**/a", "'**' is not a segment"),
        ("/a/***", "'***' is not a segment"),
        ("/**a", "'**a' is not a segment"),
    ],
)
def test_a_malformed_pattern_is_refused_with_the_reason(text: str, why: str) -> None:
    """Each mistake has its own message, which begins with the rule as it was written (threats P5, P6, N8)."""
    with pytest.raises(ConfigurationError) as caught:
        parse_pattern(text)
    assert str(caught.value).startswith(f"the rule {text!r} is not a pattern: {why}")


@pytest.mark.parametrize("text", [None, 7, b"/a", ("GET", "/a"), ...], ids=repr)
def test_a_pattern_must_be_text(text: Any) -> None:
    """Any other type is refused."""
    with pytest.raises(ConfigurationError, match=r"Guard\(rules=\.\.\.\) must have patterns such as .* as keys, got "):
        parse_pattern(text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (Pattern(None, ()), "/"),
        (Pattern(None, (), rest=True), "/**"),
        (Pattern(None, ("a", None, "")), "/a/{x}/"),
        (Pattern(frozenset({"PUT", "GET"}), ("a", None, None), rest=True), "GET,PUT /a/{x}/{y}/**"),
    ],
)
def test_a_pattern_prints_as_a_rule_is_written(pattern: Pattern, text: str) -> None:
    """Messages propose rules, which a reader can paste."""
    assert str(pattern) == text
    assert parse_pattern(text) == pattern


@each(
    ("wide", "narrow", "covers"),
    [
        ("/**", "/", True),
        ("/**", "/a/b/c", True),
        ("/a/**", "/a", True),
        ("/a/**", "/ab", False),
        ("/a/**", "/a/{x}/**", True),
        ("/{x}/**", "/", False),
        ("/{x}", "/a", True),
        ("/{x}", "/{y}", True),
        ("/a", "/{x}", False),
        ("/{x}", "/a/**", False),
        ("/a", "GET /a", True),
        ("GET /a", "/a", False),
        ("GET,PUT /a", "PUT /a", True),
        ("GET /a", "PUT /a", False),
        ("/a", "/a/", False),
        ("/a/", "/a", False),
        ("/a/", "/a/{x}", False),
        ("/a/{x}", "/a/", True),
        ("/a/**", "/a/", True),
        ("/{x}/", "/a/", True),
        ("/{x}", "/a/", False),
    ],
)
def test_one_pattern_covers_another(wide: str, narrow: str, covers: bool) -> None:  # noqa: FBT001 - a parameter
    """Every request of the other matches, methods included; a property test compares with lists of requests."""
    assert parse_pattern(wide).covers(parse_pattern(narrow)) is covers


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("/{x}/b", "/a/{y}", "/a/b"),
        ("/a/**", "/{x}/b/**", "/a/b/**"),
        ("/a/**", "/{x}/{y}", "/a/{x}"),
        ("/**", "GET /a", "GET /a"),
        ("GET,PUT /{x}", "PUT,POST /a", "PUT /a"),
        ("GET /a", "PUT /a", None),
        ("/a", "/b", None),
        ("/a", "/a/{x}", None),
        ("/a/{x}/**", "/a", None),
        ("/a/{x}", "/{y}/", "/a/"),
        ("/a/**", "/{y}/", "/a/"),
        ("/a", "/a/", None),
    ],
)
def test_the_meet_of_two_patterns(one: str, other: str, both: str | None) -> None:
    """It is the pattern of the common requests, or None."""
    met = parse_pattern(one).meet(parse_pattern(other))
    assert (None if met is None else str(met)) == both


@pytest.mark.parametrize(
    ("pattern", "others", "left"),
    [
        ("/a", [], "GET /a"),
        ("PUT /a", [], "PUT /a"),
        ("/{x}", ["/a"], "GET /x"),
        ("/{x}", ["/x", "/xx"], "GET /xxx"),
        ("/{x}", ["GET /{x}"], "POST /x"),
        ("/{x}", ["GET,POST,PUT,PATCH,DELETE,OPTIONS,BREW /{x}"], "OTHER /x"),
        ("/{x}", ["GET,POST,PUT,PATCH,DELETE,OPTIONS,OTHER /{x}"], "OTHERR /x"),
        ("/a/**", ["/a", "/a/{x}"], "GET /a/x/x"),
        ("/a/**", ["/a/{x}/**"], "GET /a"),
        ("/a/**", ["/a", "/a/{x}/**"], None),
        ("/a/**", ["/{x}/**"], None),
        ("GET,PUT /a", ["GET /a", "PUT /{x}"], None),
    ],
)
def test_the_request_that_other_patterns_leave_over(pattern: str, others: list[str], left: str | None) -> None:
    """`left_over` returns a request that only this pattern matches, or None."""
    found = left_over(parse_pattern(pattern), map(parse_pattern, others))
    assert (None if found is None else str(found)) == left


def test_a_percent_sign_is_found_as_clients_send_it() -> None:
    """The rule is written as the target is; and a message that proposes a rule writes it so, too."""
    guard = Guard(Bearer(lambda credentials: None), rules={"/100%25": public})
    assert guard.decide(RequestView("GET", "/100%25")).granted
    assert not guard.decide(RequestView("GET", "/100")).granted
    assert str(parse_pattern("GET /100%25/{a}")) == "GET /100%25/{x}"
    assert parse_pattern(str(parse_pattern("/100%25/%25"))) == parse_pattern("/100%25/%25")
