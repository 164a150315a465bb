"""Tests which rule decides about a request, which tables are refused, and the cost of both."""

from __future__ import annotations

import re
from itertools import permutations, product
from typing import Any

import pytest

from tests.support.each import each
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
from watchword.authorization.rules import MOST_COMBINED, Route, Rules, combine, walk


def table(*rules: str, default: Requirement = authenticated) -> Rules:
    """Return rules by these patterns, each with a requirement of its own."""
    return Rules({rule: role(f"r{at}") for at, rule in enumerate(rules)}, default)


def decides(rules: Rules, method: str, path: str) -> str:
    """Return the rule that decides about a request, as it was written."""
    return rules.find(method, path).text


DESIGN = ["/healthz", "/", "GET /orders/{id}", "POST /orders", "/admin/**"]


@each(
    ("method", "path", "rule"),
    [
        ("GET", "/healthz", "/healthz"),
        ("POST", "/healthz", "/healthz"),
        ("GET", "/", "/"),
        ("GET", "/orders/7", "GET /orders/{id}"),
        ("POST", "/orders/7", "default and GET /orders/{id}"),
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


# A closing slash (decision D64): the rule without it and the rule in which the last segment is empty

SLASHES = [
    # The rules that bind a path in addition to the one that decides are read off the text of the route.
    ({"/orders", "/orders/{id}"}, "/orders", "/orders"),
    ({"/orders", "/orders/{id}"}, "/orders/7", "/orders/{id}"),
    ({"/orders", "/orders/{id}"}, "/orders/", "/orders and /orders/{id} and default"),
    ({"/files", "/files/**"}, "/files/", "/files and /files/**"),
    # A parameter may match nothing, and then a wider handler runs.
    ({"/orders", "/orders/{id}", "/**"}, "/orders/", "/orders and /orders/{id} and /**"),
    ({"/files", "/files/{p}/**"}, "/files/", "/files and /files/{p}/** and default"),
    ({"/files/**"}, "/files/", "/files/**"),
    ({"/orders/{id}"}, "/orders/", "default and /orders/{id}"),
    ({"/orders/{id}"}, "/orders/7/", "/orders/{id} and default"),
    ({"/orders/{id}", "/orders/{id}/{item}"}, "/orders/7/", "/orders/{id} and /orders/{id}/{item} and default"),
    ({"/orders"}, "/orders/", "/orders and default"),
    # A rule written with the slash decides alone about the path that has it.
    ({"/files", "/files/", "/files/**"}, "/files/", "/files/"),
    ({"/files", "/files/", "/files/**"}, "/files", "/files"),
    ({"/files", "/files/", "/files/{name}"}, "/files/", "/files/"),
    ({"/{x}/", "/files/"}, "/files/", "/files/"),
    ({"/{x}/"}, "/files/", "/{x}/"),
    # But not where a rule for the path without it is narrower: a router that takes no notice of slashes runs that one's handler.
    ({"/{x}/", "/files"}, "/files/", "/files and /{x}/"),
    # It binds the path without the slash as well, unless a rule as narrow is written for that.
    ({"/files/"}, "/files", "default and /files/"),
    ({"/files/", "/**"}, "/files", "/** and /files/"),
    ({"/files/", "/{x}"}, "/files", "/{x} and /files/"),
    ({"/{x}/", "/files"}, "/files", "/files"),
    ({"/{x}/", "/{y}"}, "/files", "/{y}"),
    # The root ends with a slash, and `/` is the rule that is written for it.
    ({"/", "/{page}"}, "/", "/"),
    ({"/{page}"}, "/", "default and /{page}"),
    ({"/{page}/**"}, "/", "default and /{page}/**"),
    ({"/**"}, "/", "/**"),
    # A closing `**` takes slashes as it takes everything.
    ({"/a/**/"}, "/a/b/", "/a/**/"),
]


def test_a_closing_slash() -> None:
    """A path with one meets the rules of all readings; a rule written with one decides alone; nothing is looser for it."""
    for rules, path, expected in SLASHES:
        assert decides(table(*sorted(rules)), "GET", path) == expected, (rules, path)


def test_a_closing_slash_and_other_methods() -> None:
    """Both readings are bound by the rules of the methods that a view may take for one another."""
    made = table("GET /orders", "POST /orders", "GET /orders/{id}")
    assert decides(made, "GET", "/orders/") == "GET /orders and GET /orders/{id} and default"
    assert decides(made, "POST", "/orders/") == "POST /orders and default and GET /orders/{id}"
    assert decides(table("POST /files/"), "BREW", "/files") == "default and POST /files/"
    assert decides(table("GET /files/"), "PUT", "/files") == "default and GET /files/"
    assert decides(table("GET /files/", "PUT /files"), "PUT", "/files") == "PUT /files"
    assert decides(table("GET /", "/{x}"), "GET", "/") == "GET /"
    assert decides(table("GET /", "/{x}"), "POST", "/") == "default and GET / and /{x}"


def test_empty_segments_are_read_both_ways() -> None:
    """Where the firewall's rule about them is switched off, routers merge slashes or match empty segments: both rules hold (threats P2)."""
    made = table("/a/b", "/a/{x}/b", "/a/{x}", "/")
    texts = [decides(made, "GET", path) for path in ("/a//b", "//a/b", "/a/b//", "a/b", "//", "")]
    assert texts == [
        "/a/b and /a/{x}/b and default",
        "/a/b and default",
        "/a/b and default",
        "/a/b",
        "/ and default",
        "/",
    ]


def test_one_segment_is_one_segment() -> None:
    """`{name}` matches no slash, and nothing empty but at the end; `**` matches nothing, one and many."""
    made = table("/a/{x}/b", "/c/**")
    assert [decides(made, "GET", path) for path in ("/a/x/y/b", "/a/b", "/a/x/b")] == ["default"] * 2 + ["/a/{x}/b"]
    assert [decides(made, "GET", path) for path in ("/c", "/c/", "/c/d", "/c/d/e/f/g")] == ["/c/**"] * 4


# Methods


def test_head_is_get() -> None:
    """HEAD is decided like GET, by a rule that names GET too (RFC 9110 §9.3.2)."""
    made = table("GET /x", "/x")
    assert decides(made, "HEAD", "/x") == decides(made, "GET", "/x") == "GET /x"
    assert made.find("HEAD", "/x") is made.find("GET", "/x")


def test_a_rule_for_several_methods_is_one_rule() -> None:
    """The methods that it does not name need what GET needs and what they need anyway."""
    made = table("GET,PUT /x")
    assert {decides(made, method, "/x") for method in ("GET", "HEAD", "PUT")} == {"GET,PUT /x"}
    assert {decides(made, method, "/x") for method in ("POST", "DELETE", "PATCH")} == {"default and GET,PUT /x"}


CHANGING = ["POST", "PUT", "PATCH", "DELETE"]
STRANGE = ["OPTIONS", "TRACE", "CONNECT", "QUERY", "PROPFIND", "JEFF", "options", "get", "Get", "head", "post", "x", "", "GET ", "É"]


@pytest.mark.parametrize("method", CHANGING)
def test_P18_a_changing_method_that_no_rule_names_needs_what_get_needs_too(method: str) -> None:  # noqa: N802 - the id of the threat
    """A view that does not look at the method answers it as GET, so both what it falls to and what GET needs are demanded."""
    made = Rules({"GET /x": role("reader"), "GET /open": public, "GET /same": authenticated}, authenticated)
    route = made.find(method, "/x")
    assert (route.text, route.requirement) == ("default and GET /x", authenticated & role("reader"))
    assert made.find(method, "/x") is route  # combined once
    # What adds nothing is left out: `{"GET /x": public}` does not open POST.
    assert made.find(method, "/open") is made.find(method, "/same") is made.default


@pytest.mark.parametrize("method", CHANGING)
def test_P18_a_rule_without_methods_for_the_path_of_get_names_the_changing_methods(method: str) -> None:  # noqa: N802 - as above
    """`/x` beside `GET /x` is written for them; a wider rule is not."""
    made = table("/x/{a}", "GET /x/{b}", "/y/**", "GET /y/{c}", "/z/**", "GET /z/**")
    assert decides(made, method, "/x/1") == "/x/{a}"
    assert decides(made, method, "/y/1") == "/y/** and GET /y/{c}"
    assert decides(made, method, "/z/1") == "/z/**"


def test_a_method_that_a_rule_names_is_decided_by_it_alone() -> None:
    """Whoever writes OPTIONS into a rule means it; the rule may be wider than that of GET."""
    made = Rules({"GET /x": role("reader"), "OPTIONS,QUERY /x": public, "PUT /**": role("writer")}, authenticated)
    assert [decides(made, method, "/x") for method in ("OPTIONS", "QUERY", "PUT")] == ["OPTIONS,QUERY /x"] * 2 + ["PUT /**"]
    assert decides(made, "TRACE", "/x") == "default and GET /x and PUT /**"


@each("method", STRANGE)
def test_P11_any_other_method_needs_the_rule_of_every_method_that_a_rule_names(method: str) -> None:  # noqa: N802 - as above
    """A view may answer it as any of them: `{"POST /pay": role("teller")}` does not open an unknown verb, nor one in lower case."""
    made = Rules({"GET /x": role("reader"), "POST /x": role("writer"), "DELETE /**": role("admin")}, authenticated)
    route = made.find(method, "/x")
    assert route.text == "default and GET /x and DELETE /** and POST /x"
    assert route.requirement == authenticated & role("reader") & role("admin") & role("writer")
    assert made.find(method, "/y").text == "default and DELETE /**"
    assert Rules({"POST /pay": role("teller")}, public).find(method, "/pay").requirement == role("teller")


def test_unheard_of_methods_share_one_route() -> None:
    """However many verbs clients make up, one route is made for all of them, and nothing grows."""
    made = table("GET /x", "POST /x")
    assert len({made.find(f"VERB{number}", "/x") for number in range(3000)}) == 1
    assert len(made._combined) == 1


def test_combinations_are_bounded() -> None:
    """A path chooses among the combinations of a table; where it has more of them than are kept, they are made again."""
    names = [f"s{number}" for number in range(40)]
    made = table(*(f"GET /{name}/**" for name in names), *(f"POST /{{x}}/{name}" for name in names))
    for one, other in product(names, names):
        assert decides(made, "BREW", f"/{one}/{other}") == f"default and GET /{one}/** and POST /{{x}}/{other}"
    assert len(made._combined) <= MOST_COMBINED < len(names) ** 2


@pytest.mark.parametrize(
    ("default", "get"),
    [(role("a"), ~role("a")), (via("Basic"), via("Bearer")), (role("a").hidden(), ~role("a"))],
    ids=str,
)
@pytest.mark.parametrize("method", ["OPTIONS", "PUT"])
def test_a_method_with_contradictory_demands_is_denied(method: str, default: Requirement, get: Requirement) -> None:
    """Each of the rules is right, so the request is refused, 403, and no error is raised while requests are served."""
    door = Door({"GET /x": get}, default=default)
    request = RequestView(method, "/x")
    for principal in (ANONYMOUS, Principal("ann"), Principal("bob", roles=["a"])):
        assert door.guard.refuse(door.decide(principal, request), door.view(principal, request)).status in {403, 404}
    assert door.guard.policy.rules.find(method, "/x").requirement == AllOf((default, get, nobody))


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
    (["/a/{x}", "/{y}/"], "GET /a/", "/a/"),
    (["/a/**", "/{y}/"], "GET /a/", "/a/"),
    (["GET /a/{x}", "/a/"], "GET /a/", "GET /a/"),
]


@each(("rules", "shown", "advice"), AMBIGUOUS)
def test_two_rules_of_which_neither_is_more_specific_are_refused(rules: list[str], shown: str, advice: str) -> None:
    """The message names both, shows a request that both match and nothing else decides, and the rule that mends it: it does."""
    with pytest.raises(ConfigurationError) as caught:
        table(*rules)
    message = str(caught.value)
    assert re.fullmatch(
        f"the rules '[^']+' and '[^']+' both match {re.escape(shown)}, and neither is more specific. Add {re.escape(repr(advice))}.",
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
        ["/a", "/a/", "/a/{x}"],
        ["/a", "/{x}/"],
        ["/a/{x}", "/{y}/", "/a/"],
    ],
    ids=" + ".join,
)
def test_rules_that_overlap_are_accepted_where_each_request_has_a_most_specific_one(rules: list[str]) -> None:
    """A third rule, or several together, may decide what two have in common; and what has nothing in common is no matter."""
    assert len(list(table(*rules))) == len(rules) + 1


SAME = [
    ["/{x}/", "/{y}/"],
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
    assert str(caught.value) == f"the rules {rules[0]!r} and {rules[1]!r} match the same requests. Remove one."


@pytest.mark.parametrize(
    ("rules", "idle"),
    [
        (["/a/**", "/a", "/a/{x}/**"], "/a/**"),
        (["/a/**", "/a", "/a/{x}", "/a/{x}/{y}/**"], "/a/**"),
        (["GET,PUT /a", "GET /a", "PUT /a"], "GET,PUT /a"),
        (["GET,PUT /{x}/**", "GET /{x}/**", "PUT /{x}", "PUT /{x}/{y}/**"], "GET,PUT /{x}/**"),
        (["/**", "/", "/{x}/**"], "/**"),
        (["GET,PUT /a/", "GET /a/", "PUT /a/"], "GET,PUT /a/"),
    ],
)
def test_a_rule_that_can_never_decide_is_refused(rules: list[str], idle: str) -> None:
    """More specific rules match every request of it, and its author relies on it (threats P6)."""
    for order in permutations(rules):
        with pytest.raises(ConfigurationError) as caught:
            table(*order)
        assert str(caught.value) == f"the rule {idle!r} never decides: more specific rules match every request that it matches. Remove it."
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
    with pytest.raises(
        ConfigurationError, match=r"the rule '/x' must have a requirement, such as authenticated or role\(\"admin\"\), got "
    ):
        Rules({"/x": requirement}, authenticated)
    with pytest.raises(ConfigurationError, match="the rule 'default' must have a requirement"):
        Rules({}, requirement)


def test_a_table_lists_its_routes_and_the_default_last() -> None:
    """In the order in which they were written, each with what was compiled from it."""
    rules = Rules({"/b": role("x").hidden(), "/a": via("Bearer") | via("Basic")}, optional)
    first, second, default = rules
    assert [route.text for route in rules] == ["/b", "/a", "default"]
    assert (first.hides, second.hides, default.hides) == (True, False, False)
    assert [first.accepted, second.accepted, default.accepted] == [None, frozenset({"bearer", "basic"}), None]
    assert first.fast_check is not None
    assert first.fast_check(Principal("ann", roles=["x"]))
    assert (second.fast_check, default.fast_check) == (None, None)


def test_rules_combine_to_one_that_demands_what_they_all_do() -> None:
    """A requirement that says nothing, or the same again, is left out; the texts of those that remain are kept."""
    open_, one, same, two = (
        Route(*pair) for pair in [("/o", public), ("/a", role("a")), ("/b", role("a")), ("/c", role("a") & scope("s"))]
    )
    assert combine([open_]) is combine([open_, Route("/p", public)]) is open_
    assert combine([open_, one, same]) is one
    both = combine([one, two, open_])
    assert (both.text, both.requirement, both.rules) == ("/a and /c", role("a") & scope("s"), (one, two))
    assert one.rules == (one,)
    assert str(combine([one, Route("/d", ~role("a"))]).requirement) == 'role("a") & ~role("a") & nobody'


def test_a_combination_is_exempt_from_the_cross_site_test_only_if_all_its_rules_are() -> None:
    """One rule that is not exempt binds the whole request."""
    exempt = Route("/hook", role("a").from_any_origin()), Route("/other", role("b").from_any_origin())
    assert combine(exempt).any_origin
    assert not combine([*exempt, Route("/c", role("c"))]).any_origin


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


@pytest.mark.long
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
