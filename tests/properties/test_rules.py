"""Compares rules with an oracle that lists requests one by one."""

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
# that no rule names stands for all such, and a fourth segment for all that follow. A last segment that is empty is a closing slash.
LONGEST = 3
NAMES = ("a", "b", "new")
METHODS = ("GET", "POST", "BREW")
OPEN = tuple(path for length in range(LONGEST + 2) for path in product(NAMES, repeat=length))
PATHS = (*OPEN, *((*path, "") for path in OPEN if len(path) <= LONGEST))
REQUESTS: tuple[Request, ...] = tuple(product(METHODS, PATHS))

segments = st.sampled_from(["a", "b", "{}"])
method_sets = st.sampled_from(["", "", "", "GET ", "POST ", "GET,POST "])


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Return patterns of up to three segments, the closing `**` included."""
    chosen = draw(st.lists(segments, max_size=LONGEST))
    named = [f"{{x{at}}}" if segment == "{}" else segment for at, segment in enumerate(chosen)]
    end = draw(st.sampled_from(["", "", "/", "**", "**"]))
    if end == "**":
        named = [*named[: LONGEST - 1], "**"]
    return draw(method_sets) + "/" + "/".join(named) + ("/" if end == "/" and named else "")


@cache
def matched(text: str) -> frozenset[Request]:
    """Return the requests that a pattern matches, read off its text by the letter."""
    head, _, path = text.rpartition(" ")
    wanted = path.split("/")[1:] if path != "/" else []

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

AMBIGUOUS = re.compile(r"the rules '([^']*)' and '([^']*)' both match (\S+ \S+), and neither is more specific. Add '([^']*)'\.")
EQUAL = re.compile(r"the rules '([^']*)' and '([^']*)' match the same requests. Remove one.")
IDLE = re.compile(r"the rule '([^']*)' never decides: more specific rules match every request that it matches\. Remove it\.")

# Tables that were judged wrongly once, or whose judgement is not obvious.
COVERED_TOGETHER = ["/a/**", "/{x}/b/**", "/a/b", "/a/b/{y}/**"]
COVERED_BY_METHODS = ["/{x}/a", "/a/{x}", "GET,POST /a/a"]
SHOWN_REQUEST_IS_TAKEN = ["/{x}/b/{z}", "/a/{y}/{z}", "/a/b/a", "GET /a/b/{z}"]
NEVER_DECIDES = ["/a", "/a/{x}/**", "/a/**"]
ROOT_BY_ONE_METHOD = ["GET /", "GET /**", "/{x}", "GET /{x}"]
DECIDES_ONE_METHOD = ["/a", "GET /a/{x}/**", "/a/**", "POST /a/{x}/**"]


@given(tables)
@example(COVERED_TOGETHER)
@example(COVERED_BY_METHODS)
@example(SHOWN_REQUEST_IS_TAKEN)
@example(NEVER_DECIDES)
@example(DECIDES_ONE_METHOD)
def test_a_table_is_refused_if_and_only_if_it_is_wrong(rules: list[str]) -> None:
    """All equal, ambiguous and dead rules are found, and nothing else; the message is true."""
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
        request = usual, tuple(segment if segment in {*NAMES, ""} else "new" for segment in path.split("/")[1:] if path != "/")
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
@example(["/a", "/a/{x}"])
@example(["/a/", "/a/**"])
@example(["/{x}/", "/a"])
@example(["POST /a/", "/{x}/**"])
@example(["GET /{x}", "/a/{x}", "GET /a/{x}"])
@example(ROOT_BY_ONE_METHOD)
def test_a_request_is_bound_by_the_rules_that_an_oracle_finds(rules: list[str]) -> None:
    """For every request, the rule whose requests all other matching rules match too decides, with those of decisions D60 and D64."""
    rules = mended(rules)
    table = built(rules)
    for method, path in REQUESTS:
        route = table.find(method, "/" + "/".join(path))
        assert {rule.text for rule in route.rules} == expected(rules, method, path), (method, path)


def expected(rules: list[str], method: str, path: tuple[str, ...]) -> set[str]:
    """Return the rules that bind a request, read off the decisions by the letter."""
    if not path:
        # The root is the one path that has a closing slash whichever way it is read.
        alone = rule_of(rules, method, ()).rpartition(" ")[2] == "/"
        return texts(rules, method, ()) | (set() if alone else texts(rules, method, ("",)))
    open_, closed = (path[:-1], path) if path[-1] == "" else (path, (*path, ""))
    if open_ == ():
        return expected(rules, method, ())
    if path == closed:
        own, other = rule_of(rules, method, closed), rule_of(rules, method, open_)
        if own.endswith("/") and paths_of(own[:-1]) <= paths_of(other):
            return texts(rules, method, closed)
        # A router whose parameters match nothing empty runs a wider handler, whichever of several.
        wider = [rule for rule in rules if rule.endswith("/") and paths_of(rule) & {closed}]
        wider += [rule for rule in rules if rule.endswith("**") and paths_of(rule) & {open_}]
        return texts(rules, method, open_) | texts(rules, method, closed) | bound_by_any(wider, method)
    more = {
        rule
        for by, rule in bound(rules, method, closed)
        if rule.endswith("/") and not any(paths_of(rule_of(rules, one, open_)) <= paths_of(rule[:-1]) for one in (by, method))
    }
    return texts(rules, method, open_) | more


def bound_by_any(rules: list[str], method: str) -> set[str]:
    """Return the rules that bind a path which all of these match, where several may be the most specific ones."""
    heads = {rule: rule.rpartition(" ")[0].split(",") for rule in [*rules, "default"]}

    def narrowest(one: str) -> set[str]:
        found = [rule for rule in rules if one in heads[rule] or heads[rule] == [""]]
        return {rule for rule in found if not any(matched(other) < matched(rule) for other in found)} or {"default"}

    own, get = narrowest(method), narrowest("GET") | passed_on([rule for rule in rules if "GET" in heads[rule] or heads[rule] == [""]])
    if method == "GET" or all(method in heads[rule] for rule in own):
        return own
    if method == "POST":
        return own | {rule for rule in get if rule == "default" or all(paths_of(rule) != paths_of(other) for other in own)}
    named = {name for names in heads.values() for name in names if name}
    takers = {name: [rule for rule in rules if name in heads[rule] or heads[rule] == [""]] for name in named}
    return own.union(get, *(narrowest(name) | passed_on(takers[name]) for name in named))


def passed_on(rules: list[str]) -> set[str]:
    """Return those of the rules that take a method whose handlers may run: all but those wider than one without methods."""
    final = [rule for rule in rules if rule.startswith("/")]
    return {rule for rule in rules if not any(paths_of(other) < paths_of(rule) for other in final)}


def texts(rules: list[str], method: str, reading: tuple[str, ...]) -> set[str]:
    """Return the rules that bind one reading of a path."""
    return {rule for _, rule in bound(rules, method, reading)}


def bound(rules: list[str], method: str, reading: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the rules that bind one reading of a path, each after the method whose rule it is (decision D60)."""
    own = rule_of(rules, method, reading)
    heads = {name for rule in rules if ("GET", reading) in pathwise(rule) for name in rule.rpartition(" ")[0].split(",") if name}
    if method == "GET" or method in own.rpartition(" ")[0].split(","):
        return [(method, own)]
    get = {("GET", rule) for rule in answering(rules, "GET", reading)}
    if method == "POST":
        return [(method, own), *((name, rule) for name, rule in get if paths_of(own) != paths_of(rule))]
    return [(method, own), *get, *((name, rule) for name in heads for rule in answering(rules, name, reading))]


def answering(rules: list[str], method: str, reading: tuple[str, ...]) -> set[str]:
    """Return the rules of the handlers that may run for a method: the one that decides, and those to which a router may pass it on."""
    return {rule_of(rules, method, reading)} | passed_on([rule for rule in rules if (method, reading) in matched(rule)])


def rule_of(rules: list[str], method: str, reading: tuple[str, ...]) -> str:
    """Return the one rule that decides about one reading of a path."""
    return (deciding(rules, (method, reading)) or ["default"])[0]


@cache
def pathwise(rule: str) -> frozenset[Request]:
    """Return the requests whose path a rule matches, by any method."""
    return matched("/" + rule.partition("/")[2]) if rule != "default" else frozenset(REQUESTS)


@cache
def paths_of(rule: str) -> frozenset[tuple[str, ...]]:
    """Return the paths that a rule matches; the default matches more than any rule."""
    return frozenset(path for _, path in pathwise(rule)) | (frozenset({("beyond",)}) if rule == "default" else frozenset())


@given(tables.flatmap(lambda rules: st.tuples(st.just(rules), st.permutations(rules))))
@example((["GET /**", "GET,POST /**", "GET /"], ["GET,POST /**", "GET /**", "GET /"]))
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
    """Adding or removing the rule that a message names fixes the fault, and in the end all faults."""
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
    """`left_over` returns a request exactly if there is one, and no other pattern matches it."""
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


def test_each_wildcard_is_printed_under_its_own_name() -> None:
    """A pattern with more segments than the alphabet has letters can be read back too."""
    pattern = Pattern(None, (None,) * 60, rest=True)
    assert parse_pattern(str(pattern)) == pattern


UNNAMED = ("OPTIONS", "TRACE", "QUERY", "JEFF", "get", "options", "Brew", "get ", "PUT", "PATCH", "put")
VERBS = [
    "/",
    "/x",
    "GET /x",
    "POST /x",
    "GET,POST /x",
    "/**",
    "GET /**",
    "PUT /y",
    "POST /**",
    "/x/",
    "GET /x/",
    "/{y}",
    "GET /{y}",
    "/x/{y}",
]
about_methods = ("is_get", "may_write_here")


def grants(door: Door, principal: Principal, method: str, path: str, client: str | None) -> bool | None:
    """Whether a caller is let in; None: a predicate of the rule looks at the method, so that methods cannot be compared."""
    if any(word in str(door.guard.policy.rules.find(method, path).requirement) for word in about_methods):
        return None
    return door.guard.decide(door.view(principal, RequestView(method, path, client=client), path)).granted


def stands_by(granted: bool | None, other: bool | None) -> bool:  # noqa: FBT001 - two answers
    """Whether one is not let in where the other is not."""
    return not granted or other is None or other


@given(
    st.dictionaries(st.sampled_from(VERBS), requirements(APART, 2), max_size=4),
    requirements(APART, 2),
    st.sampled_from(UNNAMED),
    requests,
    callers,
)
def test_P11_P18_a_method_that_no_rule_names_never_needs_less_than_get(  # noqa: N802 - the ids of the threats
    rules: dict[str, Requirement], default: Requirement, method: str, request: RequestView, principal: Principal
) -> None:
    """A verb without a rule is granted only where GET is; one that is neither GET nor changes anything only where all others are."""
    door = Door(rules, default=default)
    named = {name for rule in rules for name in rule.rpartition(" ")[0].split(",") if name}
    beside_get = {rule.rpartition(" ")[2] for rule in rules if " " not in rule}
    for path in ("/x", "/x/", "/z", "/"):
        if method in {"PUT", "PATCH"} and {rule.rpartition(" ")[2] for rule in rules if " " in rule} & beside_get:
            continue  # a rule without methods beside one for GET is written for these
        granted = grants(door, principal, method, path, request.client)
        others = {"GET"} | (named if method not in {"PUT", "PATCH"} else set())
        if method in named:
            continue
        assert all(stands_by(granted, grants(door, principal, other, path, request.client)) for other in others)


@given(
    st.dictionaries(st.sampled_from(VERBS), requirements(APART, 2), max_size=5),
    requirements(APART, 2),
    st.sampled_from(["GET", "POST", "BREW"]),
    requests,
    callers,
)
def test_P17_a_closing_slash_never_opens_what_either_reading_closes(  # noqa: N802 - the id of the threat
    rules: dict[str, Requirement], default: Requirement, method: str, request: RequestView, principal: Principal
) -> None:
    """`/x/` is granted only where `/x` is and where `/x/{y}` is for an empty name, unless a rule is written for `/x/` itself."""
    door = Door(rules, default=default)
    written = {"/x/", "GET /x/"} & rules.keys()
    if not written:
        closed = grants(door, principal, method, "/x/", request.client)
        assert stands_by(closed, grants(door, principal, method, "/x", request.client))
        # A name that no rule has stands where the empty one does.
        assert stands_by(closed, grants(door, principal, method, "/x/none", request.client))
