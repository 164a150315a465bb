from __future__ import annotations

import re
from itertools import permutations, product
from typing import Any

import pytest

from tests.support.requirements import Door, calls_of
from watchword import (
    ANONYMOUS,
    ConfigurationError,
    Principal,
    RequestView,
    Requirement,
    authenticated,
    nobody,
    optional,
    public,
    role,
    scope,
    via,
)
from watchword.authorization.requirement import AllOf
from watchword.authorization.rules import Route, Rules, walk


def table(*rules: str, default: Requirement = authenticated) -> Rules:
    """Return rules by these patterns, each with a requirement of its own."""
    return Rules({rule: role(f"r{at}") for at, rule in enumerate(rules)}, default)


def decides(rules: Rules, method: str, path: str) -> str:
    """Return the rule that decides about a request, as it was written."""
    return rules.find(method, path).text


DESIGN = ["/healthz", "/", "GET /orders/{id}", "POST /orders", "/admin/**"]


@pytest.mark.parametrize(
    ("method", "path", "rule"),
    [
        ("GET", "/healthz", "/healthz"),
        ("POST", "/healthz", "/healthz"),
        ("GET", "/", "/"),
        ("GET", "/orders/7", "GET /orders/{id}"),
        ("POST", "/orders/7", "default"),
        ("POST", "/orders", "POST /orders"),
        ("GET", "/orders", "default"),
        ("GET", "/orders/7/items", "default"),
        ("DELETE", "/admin", "/admin/**"),
        ("GET", "/admin/a/b/c", "/admin/**"),
        ("GET", "/administrator", "default"),
        ("GET", "/admin-secret", "default"),
        ("GET", "/files/admin/x", "default"),
        ("GET", "/healthz/x", "default"),
        ("GET", "/Healthz", "default"),
        ("GET", "/nowhere", "default"),
    ],
)
def test_the_rules_of_the_design(method: str, path: str, rule: str) -> None:
    """Whole segments, anchored at both ends (threats N8); what no rule names is the default's."""
    assert decides(table(*DESIGN), method, path) == rule


def test_the_order_of_the_rules_makes_no_difference() -> None:
    """The most specific rule decides, wherever it stands."""
    rules = ["/**", "/a/**", "/a/{x}", "/a/b", "GET /a/b"]
    for order in permutations(rules):
        made = table(*order)
        assert [decides(made, "GET", path) for path in ("/z", "/a", "/a/z", "/a/b", "/a/b/c")] == [
            "/**", "/a/**", "/a/{x}", "GET /a/b", "/a/**",
        ]  # fmt: skip
        assert decides(made, "POST", "/a/b") == "/a/b"


@pytest.mark.parametrize("path", ["/a/b", "/a/b/"])
def test_a_trailing_slash_makes_no_difference(path: str) -> None:
    """Neither in the path nor in the rule."""
    for rule in ("/a/b", "/a/b/"):
        assert decides(table(rule), "GET", path) == rule


def test_empty_segments_do_not_count() -> None:
    """Where the firewall's rule about them is switched off, `//a` is `/a`: it has no rule of its own to slip through (threats P2)."""
    made = table("/a/{x}", "/")
    assert [decides(made, "GET", path) for path in ("//a/b", "/a//b", "/a/b//", "a/b", "//", "")] == ["/a/{x}"] * 4 + ["/"] * 2


def test_one_segment_is_one_segment() -> None:
    """`{name}` matches no slash and nothing empty; `**` matches nothing, one and many."""
    made = table("/a/{x}/b", "/c/**")
    assert [decides(made, "GET", path) for path in ("/a//b", "/a/x/y/b", "/a/b", "/a/x/b")] == ["default"] * 3 + ["/a/{x}/b"]
    assert [decides(made, "GET", path) for path in ("/c", "/c/", "/c/d", "/c/d/e/f/g")] == ["/c/**"] * 4


# Methods


def test_head_is_get() -> None:
    """HEAD is decided like GET, by a rule that names GET too (RFC 9110 §9.3.2)."""
    made = table("GET /x", "/x")
    assert decides(made, "HEAD", "/x") == decides(made, "GET", "/x") == "GET /x"
    assert made.find("HEAD", "/x") is made.find("GET", "/x")


@pytest.mark.parametrize("method", ["get", "Get", "gEt", "head", "Head"])
def test_a_method_in_other_letters_is_decided_like_the_one_it_resembles(method: str) -> None:
    """Frameworks upper-case methods or do not (threats P11, P12): `get` needs what GET needs."""
    assert decides(table("GET /x", "POST /x"), method, "/x") == "GET /x"


def test_a_rule_for_several_methods_is_one_rule() -> None:
    """And the methods it does not name are the default's."""
    made = table("GET,PUT /x")
    assert {decides(made, method, "/x") for method in ("GET", "HEAD", "PUT", "put")} == {"GET,PUT /x"}
    assert {decides(made, method, "/x") for method in ("POST", "DELETE", "PATCH")} == {"default"}


STRANGE = ["OPTIONS", "TRACE", "CONNECT", "QUERY", "PROPFIND", "JEFF", "options", "x", "", "GET ", "É"]


@pytest.mark.parametrize("method", STRANGE)
def test_P11_a_method_without_a_rule_of_its_own_needs_what_get_needs_too(method: str) -> None:  # noqa: N802 - the id of the threat
    """It may well be served by the handler of GET, so both what it falls to and what GET needs are demanded."""
    made = Rules({"GET /x": role("reader"), "POST /x": public}, authenticated)
    route = made.find(method, "/x")
    assert route.text == "default and GET /x"
    assert route.requirement == authenticated & role("reader")
    assert route.pattern is None
    assert made.find(method, "/x") is route  # combined once


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "post"])
def test_a_method_with_a_meaning_of_its_own_falls_to_the_default(method: str) -> None:
    """No application serves a POST by its handler of GET."""
    assert decides(table("GET /x"), method, "/x") == "default"


def test_a_strange_method_that_a_rule_names_is_decided_by_it() -> None:
    """Whoever writes OPTIONS into a rule means it."""
    made = Rules({"GET /x": role("reader"), "OPTIONS,QUERY /x": public}, authenticated)
    assert [decides(made, method, "/x") for method in ("OPTIONS", "QUERY", "options")] == ["OPTIONS,QUERY /x"] * 3
    assert decides(made, "TRACE", "/x") == "default and GET /x"


def test_a_strange_method_needs_the_more_specific_rule_and_what_get_needs() -> None:
    """A rule for all methods, a narrower one for GET: a strange method needs both; where GET has no other, one is enough."""
    made = Rules({"/x": role("a"), "GET /x": role("b"), "/y": role("c")}, authenticated)
    assert made.find("JEFF", "/x").requirement == role("a") & role("b")
    assert made.find("JEFF", "/y").text == "/y"
    assert made.find("JEFF", "/z").text == "default"


@pytest.mark.parametrize(
    ("default", "get"),
    [(role("a"), ~role("a")), (via("Basic"), via("Bearer")), (role("a").hidden(), ~role("a"))],
    ids=str,
)
def test_a_strange_method_whose_two_demands_exclude_each_other_is_for_nobody(default: Requirement, get: Requirement) -> None:
    """Each of the two rules is right, so the request is refused, 403, and no error is raised while requests are served."""
    door = Door({"GET /x": get}, default=default)
    request = RequestView("OPTIONS", "/x")
    for principal in (ANONYMOUS, Principal("ann"), Principal("bob", roles=["a"])):
        assert door.guard.refuse(door.decide(principal, request), door.view(principal, request)).status in {403, 404}
    assert door.guard.policy.rules.find("OPTIONS", "/x").requirement == AllOf((default, get, nobody))


# What is refused at construction

AMBIGUOUS = [
    (["/{x}/b", "/a/{y}"], "GET /a/b", "/a/b"),
    (["/a/**", "/{x}/b"], "GET /a/b", "/a/b"),
    (["/a/**", "/{x}/b/**"], "GET /a/b", "/a/b/**"),
    (["GET /a/{x}", "/{y}/b"], "GET /a/b", "GET /a/b"),
    (["GET /a/**", "/a/b"], "GET /a/b", "GET /a/b"),
    (["GET,PUT /a", "PUT,POST /a"], "PUT /a", "PUT /a"),
    (["/a/{x}", "GET,POST /{y}/b"], "GET /a/b", "GET,POST /a/b"),
    (["/{x}/b/{z}", "/a/{y}/{z}"], "GET /a/b/x", "/a/b/{x}"),
    # The request that is shown is one that no third rule decides.
    (["/{x}/b/{z}", "/a/{y}/{z}", "/a/b/x", "/a/b/y"], "GET /a/b/xx", "/a/b/{x}"),
    (["/{x}/b", "/a/{y}", "GET /a/b"], "POST /a/b", "/a/b"),
    (["/{x}/b", "/a/{y}", "GET,POST,PUT,PATCH,DELETE,OPTIONS /a/b"], "OTHER /a/b", "/a/b"),
    (["/a/**", "/{x}/b/**", "/a/b"], "GET /a/b/x", "/a/b/**"),
    (["/a/**", "/{x}/b/**", "/a/b/{y}/**"], "GET /a/b", "/a/b/**"),
]


@pytest.mark.parametrize(("rules", "shown", "advice"), AMBIGUOUS, ids=[" + ".join(row[0]) for row in AMBIGUOUS])
def test_two_rules_of_which_neither_is_more_specific_are_refused(rules: list[str], shown: str, advice: str) -> None:
    """The message names both, shows a request that both match and nothing else decides, and the rule that mends it: it does."""
    with pytest.raises(ConfigurationError) as caught:
        table(*rules)
    message = str(caught.value)
    assert re.fullmatch(
        f"the rules '[^']+' and '[^']+' both match {re.escape(shown)}, and neither is more specific: add a rule {re.escape(repr(advice))}",
        message,
    )
    assert re.findall("'([^']+)'", message)[:2] == rules[:2] or re.findall("'([^']+)'", message)[1::-1] == rules[:2]
    mended = table(*rules, advice)
    assert decides(mended, *shown.split(" ")).split(" and ")[0] == advice  # a strange method needs what GET does too


@pytest.mark.parametrize(
    "rules",
    [
        ["/{x}/b", "/a/{y}", "/a/b"],
        ["/a/**", "/{x}/b/**", "/a/b", "/a/b/{y}/**"],
        ["GET /a/{x}", "POST /{y}/b"],
        ["/a/{x}", "/b/{y}"],
        ["/a/{x}", "/{y}"],
        ["/{x}", "/{x}/{y}"],
        ["/{x}/b", "/a/{y}", "GET /a/b", "/a/b"],
    ],
    ids=" + ".join,
)
def test_rules_that_overlap_are_accepted_where_each_request_has_a_most_specific_one(rules: list[str]) -> None:
    """A third rule, or several together, may decide what two have in common; and what has nothing in common is no matter."""
    assert len(list(table(*rules))) == len(rules) + 1


SAME = [
    ["/a", "/a/"],
    ["/{x}", "/{y}"],
    ["GET,PUT /a", "PUT,GET /a"],
    ["/a/**", "/a/**/"],
    ["/{a}/b/**", "/{c}/b/**"],
    ["GET /", "GET,GET /"],
]


@pytest.mark.parametrize("rules", SAME, ids=" + ".join)
def test_two_rules_for_the_same_requests_are_refused(rules: list[str]) -> None:
    """However differently they are written."""
    with pytest.raises(ConfigurationError) as caught:
        table(*rules)
    assert str(caught.value) == f"the rules {rules[0]!r} and {rules[1]!r} match the same requests: keep one"


@pytest.mark.parametrize(
    ("rules", "idle"),
    [
        (["/a/**", "/a", "/a/{x}/**"], "/a/**"),
        (["/a/**", "/a", "/a/{x}", "/a/{x}/{y}/**"], "/a/**"),
        (["GET,PUT /a", "GET /a", "PUT /a"], "GET,PUT /a"),
        (["GET,PUT /{x}/**", "GET /{x}/**", "PUT /{x}", "PUT /{x}/{y}/**"], "GET,PUT /{x}/**"),
        (["/**", "/", "/{x}/**"], "/**"),
    ],
)
def test_a_rule_that_can_never_decide_is_refused(rules: list[str], idle: str) -> None:
    """What more specific rules match entirely is dead, and somebody relies on it (threats P6)."""
    for order in permutations(rules):
        with pytest.raises(ConfigurationError) as caught:
            table(*order)
        assert str(caught.value) == f"the rule {idle!r} can never decide: more specific rules match everything that it matches. Take it out"
    assert len(table(*(rule for rule in rules if rule != idle)).routes) == len(rules) - 1


@pytest.mark.parametrize(
    "rules",
    [
        ["/a/**", "/a", "/a/{x}"],
        ["/a/**", "/a", "/a/{x}/b/**"],
        ["/a/**", "/a", "GET /a/{x}/**"],
        ["/{x}", *(f"/{letter}" for letter in "abcdefgh")],
        ["/a", "GET,POST,PUT,PATCH,DELETE,OPTIONS,TRACE,CONNECT /a"],
    ],
    ids=" + ".join,
)
def test_a_rule_that_decides_something_is_kept(rules: list[str]) -> None:
    """Where a length, a segment or a method is left over, the rule is not dead."""
    assert len(table(*rules).routes) == len(rules)


@pytest.mark.parametrize("requirement", [True, None, "public", [authenticated], authenticated.evaluate], ids=repr)
def test_a_rule_takes_a_requirement(requirement: Any) -> None:
    """Anything else is refused, with the rule and what was given; the default too."""
    with pytest.raises(ConfigurationError, match=r"the rule '/x' takes a requirement such as authenticated or role\(\"admin\"\), not "):
        Rules({"/x": requirement}, authenticated)
    with pytest.raises(ConfigurationError, match="the rule 'default' takes a requirement"):
        Rules({}, requirement)


def test_a_table_lists_its_routes_and_the_default_last() -> None:
    """In the order in which they were written, each with what was compiled from it."""
    rules = Rules({"/b": role("x").hidden(), "/a": via("Bearer") | via("Basic")}, optional)
    first, second, default = rules
    assert [route.text for route in rules] == ["/b", "/a", "default"]
    assert (first.hides, second.hides, default.hides) == (True, False, False)
    assert [first.accepted, second.accepted, default.accepted] == [None, frozenset({"bearer", "basic"}), None]
    assert first.quick is not None
    assert first.quick(Principal("ann", roles=["x"]))
    assert (second.quick, default.quick) == (None, None)


def test_a_route_can_be_narrowed_by_another() -> None:
    """The requirement of a view is added to that of its path, never put in its place."""
    route = Route("/a", role("a")).also(Route("the view", scope("s")))
    assert (route.text, route.requirement) == ("/a and the view", role("a") & scope("s"))
    with pytest.raises(ConfigurationError, match="the requirement of '/a and the view' can never be met"):
        Route("/a", role("a")).also(Route("the view", ~role("a")))


def test_walk_yields_a_requirement_and_all_its_parts() -> None:
    """From the outside in, from left to right."""
    inner = ~role("b")
    whole = (role("a") & inner).hidden()
    assert list(walk(whole)) == [whole, role("a") & inner, role("a"), inner, role("b")]


# Cost


def rules_of(count: int) -> dict[str, Requirement]:
    """Return so many rules, nested, with wildcards, rests and methods, under one for everything."""
    kinds = ("/r{0}", "/r{0}/{{id}}", "GET /r{0}/{{id}}/items", "/r{0}/{{id}}/items/**", "PUT,POST /r{0}/{{id}}/items/special")
    made = {kind.format(at): role(f"r{at}") for at in range(count // 5) for kind in kinds}
    return {"/**": authenticated} | made


PLACES = ["/", "/r1", "/r1/7", "/r1/7/items", "/r1/7/items/special", "/r1/7/items/1/2/3", "/elsewhere/a/b"]
LOOKUPS = list(product(["GET", "POST", "OPTIONS"], PLACES))


def test_the_cost_of_a_lookup_does_not_grow_with_the_number_of_rules() -> None:
    """Ten thousand rules are looked up in exactly as many calls as ten: only the branches of the path that exist are taken."""
    few, many = Rules(rules_of(10), authenticated), Rules(rules_of(10_000), authenticated)
    for method, path in LOOKUPS:
        assert decides(few, method, path) == decides(many, method, path)  # and the strange methods are combined by now
        assert calls_of(lambda at=(method, path): many.find(*at)) == calls_of(lambda at=(method, path): few.find(*at))  # type: ignore[misc]  # bound per turn
    assert decides(many, "GET", "/r1999/7/items/x") == "/r1999/{id}/items/**"


def test_the_cost_of_construction_grows_with_the_number_of_rules_and_not_with_its_square() -> None:
    """Four times as many rules are checked against each other in about four times as many calls."""
    small, large = (calls_of(lambda count=count: Rules(rules_of(count), authenticated)) for count in (250, 1000))  # type: ignore[misc]  # bound per turn
    assert large < 5 * small


def test_a_lookup_in_a_path_of_many_segments_takes_no_more_steps_than_the_rules_are_deep() -> None:
    """A client that sends a thousand segments is not answered by a thousand steps through the rules."""
    rules = Rules(rules_of(100), authenticated)
    deep, deeper = ("/r1/7/items" + "/x" * count for count in (10, 4000))
    assert calls_of(lambda: rules.find("GET", deeper)) == calls_of(lambda: rules.find("GET", deep))
