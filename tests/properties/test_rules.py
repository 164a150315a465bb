"""Rules against an oracle that lists requests one by one: which rule decides, which tables are ambiguous, what can never decide."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.requirements import APART, Door, callers, requests, requirements
from watchword import ConfigurationError, RequestView, authenticated, role
from watchword.authorization.pattern import Pattern, left_over, parse_pattern
from watchword.authorization.rules import Rules

if TYPE_CHECKING:
    from watchword import Principal, Requirement

Request = tuple[str, tuple[str, ...]]

# Every path of up to four segments over two names that rules use and one that none does, by two methods that rules name and one
# that none does. Patterns are at most three segments long, so what is true of these requests is true of all: a segment or method
# that no rule names stands for all such, and a fourth segment for all that follow.
LONGEST = 3
NAMES = ("a", "b", "new")
METHODS = ("GET", "POST", "BREW")
PATHS = tuple(path for length in range(LONGEST + 2) for path in product(NAMES, repeat=length))
REQUESTS: tuple[Request, ...] = tuple(product(METHODS, PATHS))

segments = st.sampled_from(["a", "b", "{}"])
method_sets = st.sampled_from(["", "", "", "GET ", "POST ", "GET,POST "])


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Return patterns of up to three segments, the closing `**` included."""
    chosen = draw(st.lists(segments, max_size=LONGEST))
    named = [f"{{x{at}}}" if segment == "{}" else segment for at, segment in enumerate(chosen)]
    if draw(st.booleans()):
        named = [*named[: LONGEST - 1], "**"]
    return draw(method_sets) + "/" + "/".join(named)


@cache
def matched(text: str) -> frozenset[Request]:
    """Return the requests that a pattern matches, read off its text by the letter."""
    head, _, path = text.rpartition(" ")
    wanted = [part for part in path.split("/") if part]

    def fits(request: Request) -> bool:
        method, given = request
        if head and method not in head.split(","):
            return False
        if wanted[-1:] == ["**"]:
            given = given[: len(wanted) - 1]
            return len(given) == len(wanted) - 1 and alike(wanted[:-1], given)
        return len(given) == len(wanted) and alike(wanted, given)

    return frozenset(filter(fits, REQUESTS))


def alike(wanted: list[str], given: tuple[str, ...]) -> bool:
    """Whether segments are what a pattern wants."""
    return all(want == got or want.startswith("{") for want, got in zip(wanted, given, strict=True))


def deciding(rules: list[str], request: Request) -> list[str]:
    """Return the rules of which every other rule that matches a request matches all that they do: one, if all is well."""
    found = [rule for rule in rules if request in matched(rule)]
    return [rule for rule in found if all(matched(rule) <= matched(other) for other in found)]


def faults(rules: list[str]) -> dict[str, set[str]]:
    """Return what is wrong with a table: rules that are equal to others, requests that are ambiguous, rules that never decide."""
    sets = [matched(rule) for rule in rules]
    ambiguous = {written(request) for request in REQUESTS if any(request in one for one in sets) and not deciding(rules, request)}
    equal = {rule for rule in rules if sets.count(matched(rule)) > 1}
    idle = {rule for rule in rules if matched(rule) <= frozenset[Request]().union(*(one for one in sets if one < matched(rule)))}
    return {"equal": equal, "ambiguous": ambiguous, "idle": idle}


def written(request: Request) -> str:
    """Return a request as messages show it."""
    return f"{request[0]} /{'/'.join(request[1])}"


def built(rules: list[str]) -> Rules:
    """Return the table, each rule with a requirement of its own."""
    return Rules({rule: role(f"r{at}") for at, rule in enumerate(rules)}, authenticated)


tables = st.lists(patterns(), min_size=1, max_size=7, unique=True)

AMBIGUOUS = re.compile(r"the rules '([^']*)' and '([^']*)' both match (\S+ \S+), and neither is more specific: add a rule '([^']*)'")
EQUAL = re.compile(r"the rules '([^']*)' and '([^']*)' match the same requests: keep one")
IDLE = re.compile(r"the rule '([^']*)' can never decide: more specific rules match everything that it matches\. Take it out")

# Tables that were judged wrongly once, or whose judgement is not obvious.
COVERED_TOGETHER = ["/a/**", "/{x}/b/**", "/a/b", "/a/b/{y}/**"]
COVERED_BY_METHODS = ["/{x}/a", "/a/{x}", "GET,POST /a/a"]
SHOWN_REQUEST_IS_TAKEN = ["/{x}/b/{z}", "/a/{y}/{z}", "/a/b/a", "GET /a/b/{z}"]
NEVER_DECIDES = ["/a", "/a/{x}/**", "/a/**"]
DECIDES_ONE_METHOD = ["/a", "GET /a/{x}/**", "/a/**", "POST /a/{x}/**"]


@given(tables)
@example(COVERED_TOGETHER)
@example(COVERED_BY_METHODS)
@example(SHOWN_REQUEST_IS_TAKEN)
@example(NEVER_DECIDES)
@example(DECIDES_ONE_METHOD)
def test_a_table_is_refused_if_and_only_if_something_is_wrong_with_it_and_the_message_is_true(rules: list[str]) -> None:
    """Equal rules, ambiguous requests and rules that never decide are found, all of them, and nothing else is."""
    wrong = faults(rules)
    try:
        built(rules)
    except ConfigurationError as error:
        check_message(str(error), rules, wrong)
    else:
        assert not any(wrong.values())


def check_message(message: str, rules: list[str], wrong: dict[str, set[str]]) -> None:
    """Check that what is said to be wrong is."""
    if found := EQUAL.fullmatch(message):
        one, other = found.groups()
        assert matched(one) == matched(other)
        assert one in wrong["equal"]
    elif found := IDLE.fullmatch(message):
        assert found.group(1) in wrong["idle"]
    else:
        found = AMBIGUOUS.fullmatch(message)
        assert found is not None
        one, other, shown, advice = found.groups()
        method, _, path = shown.partition(" ")
        # What no rule names is written in another way there.
        usual = method if method in METHODS else "BREW"
        request = usual, tuple(segment if segment in NAMES else "new" for segment in path.split("/") if segment)
        assert written(request) in wrong["ambiguous"]
        assert request in matched(one) & matched(other)
        assert not matched(one) <= matched(other)
        assert not matched(other) <= matched(one)
        assert matched(anonymised(advice)) == matched(one) & matched(other)


def anonymised(rule: str) -> str:
    """Return a rule with other names in braces, as the oracle writes them."""
    return re.sub(r"\{\w+\}", "{x}", rule)


@given(tables)
@example(COVERED_TOGETHER)
@example(SHOWN_REQUEST_IS_TAKEN)
def test_the_most_specific_rule_decides(rules: list[str]) -> None:
    """For every request, the rule that decides is the one whose requests all other matching rules match too; else the default."""
    rules = mended(rules)
    table = built(rules)
    for method, path in REQUESTS:
        if method == "BREW":
            continue  # a method that no standard names needs what GET does too; tested below
        expected = deciding(rules, (method, path)) or ["default"]
        assert [table.find(method, "/" + "/".join(path)).text] == expected


@given(tables.flatmap(lambda rules: st.tuples(st.just(rules), st.permutations(rules))))
def test_the_order_of_the_rules_makes_no_difference(orders: tuple[list[str], list[str]]) -> None:
    """The same rules in another order are accepted or refused alike, and decide alike."""
    table, again = map(judged, orders)
    assert (table is None) == (again is None)
    if table is not None and again is not None:
        for method, path in REQUESTS:
            target = "/" + "/".join(path)
            assert table.find(method, target).text == again.find(method, target).text


def judged(rules: list[str]) -> Rules | None:
    """Return the table, or None where it is refused."""
    try:
        return built(rules)
    except ConfigurationError:
        return None


@given(tables)
@example(COVERED_TOGETHER)
@example(SHOWN_REQUEST_IS_TAKEN)
@example(["/a/**", "/a", "/{x}/{y}/**"])
def test_following_the_messages_mends_the_table(rules: list[str]) -> None:
    """Adding the rule that a message names, or taking out the one it says to, ends the fault and in the end all faults."""
    assert not any(faults(mended(rules)).values())


def mended(rules: list[str]) -> list[str]:
    """Return the table as it is once every message has been followed."""
    rules = list(rules)
    seen: set[str] = set()
    while (message := refusal_of(rules)) is not None:
        assert message not in seen
        seen.add(message)
        if found := AMBIGUOUS.fullmatch(message):
            one, other, _, advice = found.groups()
            rules.append(advice)
            both = matched(one) & matched(other)
            assert all(deciding([one, other, advice], request) == [advice] for request in both)
        else:
            found = EQUAL.fullmatch(message) or IDLE.fullmatch(message)
            assert found is not None
            rules.remove(found.group(1))
    return rules


def refusal_of(rules: list[str]) -> str | None:
    """Return why a table is refused; None: it is not."""
    try:
        built(rules)
    except ConfigurationError as error:
        return str(error)
    return None


@given(patterns(), patterns())
def test_a_pattern_covers_another_if_and_only_if_it_matches_all_that_it_does(one: str, other: str) -> None:
    """`covers` and `meet` agree with the sets of requests that two patterns match."""
    left, right = parse_pattern(one), parse_pattern(other)
    assert left.covers(right) is (matched(other) <= matched(one))
    meet = left.meet(right)
    assert (meet is None) is matched(one).isdisjoint(matched(other))
    if meet is not None:
        assert matched(anonymised(str(meet))) == matched(one) & matched(other)
        assert meet == right.meet(left)


@given(patterns(), st.lists(patterns(), max_size=6))
@example("/a/**", ["/a", "/a/{x}", "/a/{x}/{y}/**"])
@example("/a/**", ["/a", "/a/{x}", "/a/{x}/b/**"])
@example("/{x}", ["GET /{x}", "POST /{x}"])
@example("GET,POST /{x}", ["GET /{x}", "POST /{x}"])
def test_what_is_left_over_is_a_request_that_only_the_pattern_matches(one: str, others: list[str]) -> None:
    """`left_over` finds a request exactly where there is one, and the one that it shows is none of the others'."""
    rest = matched(one) - frozenset[Request]().union(*map(matched, others))
    left = left_over(parse_pattern(one), map(parse_pattern, others))
    assert (left is None) is (not rest)
    if left is not None:
        assert parse_pattern(one).covers(left)
        assert not any(parse_pattern(other).covers(left) for other in others)


@given(patterns())
def test_a_pattern_is_printed_as_it_can_be_read(text: str) -> None:
    """What `str` gives for a pattern is a pattern for the same requests."""
    pattern = parse_pattern(text)
    assert parse_pattern(str(pattern)) == pattern


def test_wildcards_are_printed_under_as_many_names_as_it_takes() -> None:
    """A pattern of more segments than the alphabet has letters is printed as it can be read, too."""
    pattern = Pattern(None, (None,) * 60, rest=True)
    assert parse_pattern(str(pattern)) == pattern


UNNAMED = ("OPTIONS", "TRACE", "QUERY", "JEFF", "get", "options", "Brew", "get ")


@given(
    st.dictionaries(st.sampled_from(["/", "/x", "GET /x", "POST /x", "GET,POST /x", "/**", "GET /**"]), requirements(APART, 2), max_size=4),
    requirements(APART, 2),
    st.sampled_from(UNNAMED),
    requests,
    callers,
)
def test_P11_a_method_that_no_rule_names_never_needs_less_than_get(  # noqa: N802 - the id of the threat
    rules: dict[str, Requirement], default: Requirement, method: str, request: RequestView, principal: Principal
) -> None:
    """An unheard-of verb, a lower-case `get`, OPTIONS and TRACE are granted only where GET is: their handler may be GET's."""
    door = Door(rules, default=default)
    strange = door.view(principal, RequestView(method, "/x", client=request.client))
    usual = door.view(principal, RequestView("GET", "/x", client=request.client))
    # Predicates about the method are asked about the method that was sent, so the requirement is compared, not the decision.
    granted = door.guard.policy.rules.find(method, "/x").requirement, door.guard.policy.rules.find("GET", "/x").requirement
    assert str(granted[1]) in str(granted[0])
    if "is_get" not in str(granted) and "may_write_here" not in str(granted) and door.guard.decide(strange).granted:
        assert door.guard.decide(usual).granted
