"""Tests the firewall, rule by rule: the requests it refuses, the nearest ones that pass, and the name that switches it off."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any

import pytest

from tests.support.core import ANN, Recorder, ask, values
from tests.support.each import each
from watchword import APIKey, Basic, Bearer, ConfigurationError, Firewall, Granted, Guard, Malformed, Reason, RequestView, public
from watchword.field import Field, FieldTable
from watchword.field_index import FieldIndex
from watchword.protection import RULES


def told(path: str, mount: str = "", **facts: Any) -> RequestView:
    """Return the view of a server that does not tell the undecoded target."""
    return RequestView.of_server(
        method="GET", path=path, raw_path=None, query=b"", mount=mount, headers=(), client=None, scheme="http", **facts
    )


def routed(raw: bytes, path: str, mount: str = "", query: bytes = b"") -> RequestView:
    """Return the view of a server that tells both."""
    return RequestView.of_server(method="GET", path=path, raw_path=raw, query=query, mount=mount, headers=(), client=None, scheme="http")


KEY = ("X-API-Key", "k")
BASIC = ("Authorization", "Basic YTpi")

# rule: what it refuses, and what is as near to that as can be and passes
CASES: dict[str, tuple[dict[str, RequestView], dict[str, RequestView]]] = {
    "relative_path": (
        {
            "asterisk": ask("*"),
            "nothing": ask(""),
            "no slash": ask("admin"),
            "authority": ask("example.com:443"),
            "told": told("admin"),
            "told nothing": told(""),
            "another scheme": ask("ftp://example.com/x"),
        },
        {"root": ask("/"), "asterisk below": ask("/*"), "authority below": ask("/example.com:443"), "told": told("/admin")},
    ),
    "absolute_form": (
        {
            "another path": routed(b"http://example.com/public", "/admin"),
            "another case": routed(b"http://example.com/Admin", "/admin"),
            "longer": routed(b"https://example.com/admin/x", "/admin"),
            "empty": routed(b"http://example.com", "/admin"),
            "the whole target": routed(b"http://example.com/x", "/http://example.com/x".replace("//", "/")),
        },
        {
            "the same": routed(b"http://example.com/admin", "/admin"),
            "escaped": routed(b"http://example.com/%61dmin", "/admin"),
            "upper case": routed(b"HTTPS://EXAMPLE.COM/admin", "/admin"),
            "below a mount": routed(b"http://example.com/app/admin", "/admin", "/app"),
            "empty": routed(b"http://example.com", "/"),
            "one's own": ask("http://example.com/admin?x=1"),
        },
    ),
    "fragment": (
        {
            "sent": ask("/public#/admin"),
            "after the query": ask("/x?a=1#b"),
            "told": told("/public#/admin"),
            "alone": ask("/#"),
            "decoded by the server": routed(b"/public#x", "/public"),
        },
        {"escaped": ask("/c%23"), "escaped in the query": ask("/x?a=%23"), "told escaped": routed(b"/c%23", "/c#")},
    ),
    "control": (
        {
            "line feed": ask("/a%0ab"),
            "return": ask("/a%0Db"),
            "tab": ask("/a%09"),
            "delete": ask("/a%7f"),
            "as it is": ask("/a\x01"),
            "first": ask("/%01"),
            "in the query": ask("/x?a=\x01"),
            "NUL in the query": ask("/x?a=\x00"),
            "delete in the query": ask("/x?\x7f"),
            "told": told("/a\nb"),
        },
        {
            "space": ask("/a%20b"),
            "escaped in the query": ask("/x?a=%0a"),
            "next line": ask("/a%c2%85b"),
            "separator": ask("/a%e2%80%a8b"),
            "tilde": ask("/a%7e"),
        },
    ),
    "nul": (
        {"escaped": ask("/a%00"), "as it is": ask("/a\x00b"), "first": ask("/%00"), "told": told("/a\x00")},
        {"zero": ask("/a%30"), "escaped in the query": ask("/x?a=%00")},
    ),
    "empty_segment": (
        {
            "first": ask("//admin"),
            "inside": ask("/a//b"),
            "last": ask("/a//"),
            "told": told("//admin"),
            "in the mount": routed(b"//app/x", "/x", "/app"),
        },
        {"closing slash": ask("/a/"), "in the query": ask("/a?u=http://x"), "told": told("/a/")},
    ),
    "dot_segment": (
        {
            "up": ask("/a/../b"),
            "here": ask("/a/./b"),
            "escaped": ask("/a/%2e%2e/b"),
            "half escaped": ask("/a/.%2E/b"),
            "last": ask("/a/.."),
            "first": ask("/../a"),
            "only": ask("/."),
            "resolved by the server": routed(b"/a/../admin", "/admin"),
            "told": told("/a/../b"),
        },
        {
            "file": ask("/a/.well-known/x"),
            "three": ask("/a/..."),
            "two and more": ask("/a/..b"),
            "extension": ask("/a./b"),
            "hidden file": ask("/.git"),
            "in the query": ask("/a?p=../b"),
        },
    ),
    "encoded_slash": (
        {"lower": ask("/a%2fb"), "upper": ask("/a%2Fb"), "last": ask("/a%2f"), "undecoded by the server": routed(b"/a%2fb", "/a%2fb")},
        {"other escape": ask("/a%2eb"), "in the query": ask("/a?p=%2f")},
    ),
    "backslash": (
        {"as it is": ask("/a\\b"), "escaped": ask("/a%5cb"), "upper": ask("/a%5Cb"), "told": told("/a\\..\\b")},
        {"bracket": ask("/a%5bb"), "in the query": ask("/a?p=%5c")},
    ),
    "semicolon": (
        {"parameter": ask("/a;x=1/b"), "escaped": ask("/a%3bb"), "last": ask("/admin;"), "told": told("/a;b")},
        {"colon": ask("/a:b"), "comma": ask("/a,b"), "in the query": ask("/a?x;y")},
    ),
    "bad_escape": (
        {
            "not hexadecimal": ask("/a%zz"),
            "cut": ask("/a%4"),
            "alone": ask("/100%"),
            "unicode": ask("/a%u0041"),
            "in the mount": routed(b"/%x/a", "/a", "/%x"),
        },
        {"escaped": ask("/100%25"), "in the query": ask("/a?x=%zz")},
    ),
    "double_encoding": (
        {"letter": ask("/%2541"), "dots": ask("/%252e%252e/x"), "told": told("/%41"), "slash": ask("/a%252fb")},
        {"percent": ask("/100%25"), "percent and letters": ask("/%25zz"), "in the query": ask("/a?x=%2541")},
    ),
    "not_utf8": (
        {
            "latin-1": ask("/%e4"),
            "overlong": ask("/%c0%af"),
            "surrogate": ask("/%ed%a0%80"),
            "cut": ask("/%e2%82"),
            "told": told("/\udce4"),
        },
        {"umlaut": ask("/%c3%a4"), "emoji": ask("/%f0%9f%94%91"), "in the query": ask("/a?x=%e4"), "told": told("/ä")},
    ),
    "mount": (
        {
            "middle": RequestView("GET", "/public/api/admin", mount="/api"),
            "part of a segment": RequestView("GET", "/apiadmin", mount="/api"),
            "without its slash": RequestView("GET", "/public/zz/admin", mount="zz"),
            "field": ask("/", ("X-Vhm-Root", "/admin")),
            "empty field": ask("/", ("X-Vhm-Root", "")),
        },
        {
            "below": RequestView("GET", "/api/admin", mount="/api"),
            "twice": RequestView("GET", "/api/public/api/admin", mount="/api"),
            "itself": RequestView("GET", "/api", mount="/api"),
            "elsewhere": RequestView("GET", "/public/ap/i", mount="/api"),
            "slash": RequestView("GET", "/public", mount="/"),
        },
    ),
    "repeated_field": (
        {
            "credentials": ask("/", BASIC, BASIC),
            "credentials of two kinds": ask("/", BASIC, ("authorization", "Bearer t")),
            "two that would pass for one": ask("/", ("Authorization", "Digest a=1"), ("Authorization", "b=2")),
            "joined": ask("/", ("Authorization", "Basic YTpi,Bearer t")),
            "joined, of one kind": ask("/", ("Authorization", "Basic YTpi, Basic YTpi")),
            "keys": ask("/", KEY, ("x-api-key", "k")),
            "joined keys": ask("/", ("X-API-Key", "k,k")),
            "hosts": ask("/", ("Host", "a"), ("Host", "a")),
            "joined hosts": ask("/", ("Host", "a,b")),
        },
        {
            "one of each": ask("/", BASIC, ("Host", "a")),
            "parameters with commas": ask("/", ("Authorization", 'Digest a="x,y", b=1')),
            "cookies": ask("/", ("Cookie", "a=1"), ("Cookie", "b=2,3")),
            "accept": ask("/", ("Accept", "a/b"), ("Accept", "c/d, e/f")),
            "origins": ask("/", ("Origin", "a"), ("Origin", "b")),
            "another field": ask("/", ("X-Other", "a"), ("X-Other", "b")),
        },
    ),
    "field_alias": (
        {
            "key": ask("/", ("X_API_Key", "k")),
            "a dot": ask("/", ("X.API.Key", "k")),
            "a dot and an underscore": ask("/", ("Remote.User_", "k"), ("Remote.User", "root")),
            "one underscore": ask("/", ("x-api_key", "k")),
            "both": ask("/", KEY, ("x_api_key", "k")),
            "identity": ask("/", ("Remote_User", "root")),
            "forwarded identity": ask("/", ("X_Forwarded_User", "root")),
            "octets": RequestView("GET", "/", [(b"x_api_key", b"k")]),
        },
        {
            "hyphens": ask("/", KEY),
            "another field": ask("/", ("X_Other", "a")),
            "no field": ask("/", ("Authorization_", "a")),
            "underscore in the value": ask("/", ("X-API-Key", "x_api_key")),
        },
    ),
}

REFUSED = [(rule, view) for rule, (refused, _) in CASES.items() for view in refused.values()]
PASSED = [(rule, view) for rule, (_, passed) in CASES.items() for view in passed.values()]

SINGLE = ("authorization", "host", "x-api-key")
INDEX = FieldIndex({*SINGLE, "cookie", "accept", "origin", "remote-user", "x-forwarded-user", "x-vhm-root"})

TABLE = FieldTable(
    {**dict.fromkeys(SINGLE, Field()), "cookie": Field(limit=32_768, repeat=True)}, frozenset(SINGLE) - {"host"}, {"bearer": 16_384}
)


def find(view: RequestView, *off: str) -> str | None:
    """Return the rule that refuses a request."""
    firewall = Firewall(off=off)
    view.scan_bounded(INDEX)
    finding = firewall.check_bounds(view) or firewall.check_target(view) or firewall.check_fields(view, TABLE)
    return None if finding is None else finding.rule


FAULTY = [("Authorization", 'Bearer a,b="'), ("Host", "a,b"), ("X-API-Key", "k,k"), ("X-API-Key", "x" * 8193)]


@pytest.mark.parametrize("count", [2, 3])
def test_the_order_of_the_fields_does_not_decide_the_reason(count: int) -> None:
    """Of several faulty fields the same one is reported: WSGI servers do not keep the order."""
    for fields in combinations(FAULTY, count):
        found = {find(ask("/", *order)) for order in permutations(fields)}
        assert len(found) == 1, fields


def test_every_rule_has_cases() -> None:
    """Every case names a rule."""
    assert CASES.keys() == RULES.keys()
    assert all(refused and passed for refused, passed in CASES.values())


@each(("rule", "view"), REFUSED)
def test_a_rule_refuses_its_cases(rule: str, view: RequestView) -> None:
    """It does so with the others off, so that rules are independent."""
    assert find(view, *(other for other in RULES if other != rule)) == rule


@each(("rule", "view"), REFUSED)
def test_every_case_is_refused_with_all_rules_on(rule: str, view: RequestView) -> None:
    """Any rule may be the first to match."""
    assert find(view) is not None


@each(("rule", "view"), PASSED)
def test_a_rule_lets_its_neighbours_pass(rule: str, view: RequestView) -> None:
    """The nearest valid requests pass with all rules on: a firewall that refuses honest clients is switched off."""
    assert find(view) is None


@each(("rule", "view"), REFUSED)
def test_a_rule_can_be_switched_off_alone(rule: str, view: RequestView) -> None:
    """Then nothing is refused under its name."""
    assert find(view, rule) != rule


# What one rule alone refuses: with it off, the request passes.
ALONE = {
    "relative_path": ask("*"),
    "absolute_form": routed(b"http://example.com/public", "/admin"),
    "fragment": ask("/x?a=1#b"),
    "control": ask("/a%0ab"),
    "nul": ask("/a%00"),
    "empty_segment": ask("//admin"),
    "dot_segment": ask("/a/../b"),
    "encoded_slash": ask("/a%2fb"),
    "backslash": ask("/a%5cb"),
    "semicolon": ask("/a;x=1/b"),
    "bad_escape": ask("/a%zz"),
    "double_encoding": ask("/%2541"),
    "not_utf8": ask("/%e4"),
    "mount": RequestView("GET", "/public/api/admin", mount="/api"),
    "repeated_field": ask("/", ("Host", "a,b")),
    "field_alias": ask("/", ("X_API_Key", "k")),
}


@each("rule", RULES)
def test_a_case_of_a_switched_off_rule_passes(rule: str) -> None:
    """No second rule refuses it."""
    assert find(ALONE[rule]) == rule
    assert find(ALONE[rule], rule) is None


@pytest.mark.parametrize("wrong", [("nulls",), ("nul", "NUL"), ("oversized_field",)])
def test_an_unknown_rule_is_refused(wrong: tuple[str, ...]) -> None:
    """A typo must not leave a rule on or off. The message lists the names."""
    with pytest.raises(ConfigurationError, match=r"Firewall\(off=\.\.\.\) must name rules of relative_path, absolute_form,"):
        Firewall(off=wrong)


def test_one_string_as_a_collection_of_names_is_refused() -> None:
    """The message shows the list to write."""
    with pytest.raises(ConfigurationError, match=r"Write \['nul'\]"):
        Firewall(off="nul")


def test_the_repr_lists_the_rules_that_are_off() -> None:
    """In order, for logs of the configuration."""
    assert repr(Firewall()) == "Firewall()"
    assert repr(Firewall(off={"nul", "control"})) == "Firewall(off=['control', 'nul'])"


# The bound that is no rule


@pytest.mark.parametrize("name", ["Authorization", "X-API-Key", "Host"])
@pytest.mark.parametrize("kind", [str, bytes])
def test_a_too_long_field_is_refused_with_any_rule_off(name: str, kind: type) -> None:
    """The bound is 8 KiB (RFC 9110 §5.4). One octet less passes."""
    for length, rule in ((8192, None), (8193, "oversized_field")):
        header: Any = (name, "a" * length) if kind is str else (name.encode(), b"a" * length)
        assert find(RequestView("GET", "/", [header]), *RULES) == rule


def test_a_long_cookie_string_passes() -> None:
    """It holds cookies of other programs too."""
    assert find(ask("/", ("Cookie", "a=" + "b" * 20_000))) is None


# In a guard


def test_a_guard_refuses_before_any_other_step() -> None:
    """The answer is 400 with the reason, on public routes too, and no checker is called."""
    checker = Recorder(ANN)
    guard = Guard(APIKey(checker), Basic(checker, realm="x"), rules={"/**": public})
    for rule, view in ALONE.items():
        decision = guard.decide(view)
        assert isinstance(decision, Malformed)
        assert decision.detail == f"the firewall's rule {rule}"
        assert decision.reason in {Reason.AMBIGUOUS_PATH, Reason.HEADER_ALIAS, Reason.AMBIGUOUS_CREDENTIALS}
        assert guard.refuse(decision, view).status == 400
    assert checker.asked == []


def test_a_guard_may_be_given_a_firewall() -> None:
    """With a rule off the application gets the request."""
    guard = Guard(APIKey(Recorder(ANN)), firewall=Firewall(off=["semicolon"]))
    assert isinstance(guard.decide(ask("/a;x=1/b", KEY)), Granted)
    assert isinstance(guard.decide(ask("/a;x=1/../b", KEY)), Malformed)


def test_a_result_is_cached_for_the_same_target_only() -> None:
    """The mount and the undecoded target are part of the cache key."""
    guard = Guard(APIKey(Recorder(ANN)), rules={"/**": public})
    for _ in range(2):
        assert isinstance(guard.decide(routed(b"http://h/app/x", "/x")), Malformed)
        assert isinstance(guard.decide(routed(b"http://h/app/x", "/x", "/app")), Granted)
        assert isinstance(guard.decide(routed(b"/x", "/x")), Granted)
        assert isinstance(guard.decide(routed(b"/x;", "/x")), Malformed)


@pytest.mark.parametrize("character", [0xDCFF, 0xD800, 0xE4], ids=hex)
def test_a_mount_may_be_any_text(character: int) -> None:
    """An application may be mounted under a segment that the client chose, and every request gets an answer."""
    mount = f"/{chr(character)}"
    assert find(routed(b"/x", "/x", mount)) is None
    assert find(routed("/ä/x".encode(), "/x", mount)) is None


def test_repeated_bearer_credentials_get_invalid_request() -> None:
    """D1: if every copy is Bearer, the 400 says `invalid_request`. Otherwise only the body does."""
    guard = Guard(Basic(Recorder(), realm="x"), Bearer(Recorder()))
    both = ask("/", ("Authorization", "Bearer a"), ("Authorization", "Bearer a"))
    mixed = ask("/", ("Authorization", "Bearer a"), ("Authorization", "Basic YTpi"))
    assert values(guard.refuse(guard.decide(both), both), "WWW-Authenticate") == ['Bearer realm="api", error="invalid_request"']
    assert values(guard.refuse(guard.decide(mixed), mixed), "WWW-Authenticate") == []
