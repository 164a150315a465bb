"""Compares reports: what has become weaker, changed, stronger, new, gone or moved."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.routing import BaseRoute, Mount, Route, Router

from tests.support.listing import guard_of, report_of
from watchword import (
    Basic,
    ConfigurationError,
    Guard,
    Principal,
    Requirement,
    acr,
    authenticated,
    factor,
    fresh,
    network,
    nobody,
    optional,
    permission,
    public,
    role,
    scope,
    via,
    where,
)
from watchword.adapters.starlette import requires
from watchword.routes import RouteReport, compare, read_report, write_report
from watchword.routes.guarding import METHODS
from watchword.routes.portable import from_json, portable, to_json

A, B = role("a"), role("b")
MANY: Requirement = role("r0") & role("r0")
for _number in range(20):
    MANY = MANY | scope(f"s{_number}")


async def view(request: Any) -> None:
    """A view."""


@requires(A)
async def marked(request: Any) -> None:
    """A view that demands something."""


async def raw(scope: Any, receive: Any, send: Any) -> None:
    """An application of which nothing is known."""


def is_friend(principal: Principal) -> bool:
    """Whether it is a friend."""
    return principal.id == "ann"


_ADDED = [f"added {method} /m/**" for method in sorted((*METHODS, "*"))]


def post(path: str, endpoint: Any = view) -> Route:
    """A route of one method that Starlette adds nothing to."""
    return Route(path, endpoint, methods=["POST"])


def kept(report: RouteReport) -> RouteReport:
    """Return a report as it is read from a file."""
    return read_report(json.loads(json.dumps(write_report(report))))


def effects(before: RouteReport, after: RouteReport) -> list[str]:
    """Return effect and subject of each change."""
    return [f"{change.effect} {change.subject}" for change in compare(kept(before), after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (A, A, []),
        (A, public, ["weaker POST /x"]),
        (authenticated, optional, ["weaker POST /x"]),
        (A, authenticated, ["weaker POST /x"]),
        (A, A | B, ["weaker POST /x"]),
        (A & network("10.0.0.0/8"), A, ["weaker POST /x"]),
        (network("10.0.0.0/8"), network("10.0.0.0/8", "192.168.0.0/16"), ["weaker POST /x"]),
        (fresh(300), fresh(600), ["weaker POST /x"]),
        (nobody, A, ["weaker POST /x"]),
        (A, A.from_any_origin(), ["weaker POST /x"]),
        (A, B, ["changed POST /x"]),
        (A.hidden(), A, ["changed POST /x"]),
        (where(is_friend), A, ["changed POST /x"]),
        (MANY, scope("other") & (A | B), ["changed POST /x"]),  # too long to tell
        (authenticated, A, ["stronger POST /x"]),
        (public, authenticated, ["stronger POST /x"]),
        (A | B, B, ["stronger POST /x"]),
        (MANY, MANY & B, []),
        # written in another way
        (A & B, B & A, []),
        (A | B, role("b", "a"), []),
        (public, optional, []),
        (~(A | B), ~A & ~B, []),
    ],
    ids=str,
)
def test_a_requirement_that_is_not_the_same(before: Requirement, after: Requirement, expected: list[str]) -> None:
    """Weaker is what lets more callers in, whatever the text; what cannot be told counts as a change."""
    app = Router([post("/x")])
    assert effects(report_of(app, {"/x": before}), report_of(app, {"/x": after})) == expected


@pytest.mark.parametrize(
    ("before", "rules", "after", "later", "expected"),
    [
        # new and removed routes; a new route is compared with what its path needed
        ([post("/a")], {}, [post("/a"), post("/b", raw)], {}, ["added POST /b"]),
        ([post("/a")], {}, [post("/a"), post("/b", raw)], {"/b": A}, ["added POST /b"]),
        ([post("/a")], {}, [post("/a"), post("/b", raw)], {"/b": public}, ["weaker POST /b", "added POST /b"]),
        ([post("/a")], {"/b": public}, [post("/a"), post("/b", raw)], {"/b": public}, ["added POST /b"]),
        ([post("/a"), post("/b", raw)], {}, [post("/a")], {}, ["removed POST /b"]),
        # a view that moves away from its rule
        ([post("/admin/x")], {"/admin/**": A}, [post("/x")], {"/admin/**": A}, ["weaker POST /x", "added POST /x"]),
        ([post("/admin/x")], {"/admin/**": A}, [post("/x")], {"/x": A}, ["added POST /x"]),
        # a view that loses its mark, and one that is renamed with it
        ([post("/a", marked)], {}, [post("/a")], {}, ["weaker POST /a"]),
        ([post("/{a}", marked)], {}, [post("/{b}")], {}, ["weaker POST /{b}"]),
        ([post("/{a}", marked)], {}, [post("/{b}", marked)], {}, []),
        # a shadow that goes away
        ([post("/a", marked), post("/a")], {}, [post("/a")], {}, ["weaker POST /a"]),
        # a route whose requests another one takes, with less protection
        ([post("/a", marked), post("/{b}", raw)], {}, [post("/{b}", raw)], {}, ["weaker POST /a", "removed POST /a"]),
        ([post("/a", marked)], {}, [post("/{b}", raw), post("/a", marked)], {}, ["weaker POST /a", "added POST /{b}", "removed POST /a"]),
        ([post("/m/a", marked)], {}, [Mount("/m", raw)], {}, ["weaker POST /m/a", *_ADDED, "removed POST /m/a"]),
        # parts of a route
        ([Mount("/m", raw)], {"/m/s/**": A}, [Mount("/m", raw)], {}, [f"weaker {method} /m/s/**" for method in sorted((*METHODS, "*"))]),
        ([Mount("/m", raw)], {}, [Mount("/m", raw)], {"BREW /m/**": public}, ["weaker BREW /m/**"]),
    ],
)
def test_routes_that_are_not_the_same(
    before: list[BaseRoute], rules: dict[str, Requirement], after: list[BaseRoute], later: dict[str, Requirement], expected: list[str]
) -> None:
    """Whatever was moved, renamed or added, the protection of each path and of each view is compared."""
    assert effects(report_of(Router(before), rules), report_of(Router(after), later)) == expected


def test_another_scheme_is_a_change() -> None:
    """A scheme that the guard did not accept lets callers in of whom no rule says anything."""
    app = Router([post("/a")])
    one = Guard(Basic(lambda _: None, realm="r")).check_routes(app)
    two = Guard(Basic(lambda _: None, realm="r"), *guard_of().schemes).check_routes(app)
    assert effects(one, two) == ["changed guard"]
    assert effects(two, one) == []


class Odd(Requirement):
    """A requirement of one's own."""

    def __str__(self) -> str:
        return "odd"


@pytest.mark.parametrize(
    "requirement",
    [
        public,
        optional,
        nobody,
        authenticated,
        A & (B | ~scope("x", "y")),
        permission("p").hidden(),
        (via("Bearer") & acr("gold")).from_any_origin(),
        factor("otp") | fresh(300),
        network("10.0.0.0/8", "2001:db8::/32"),
        ~where(is_friend, name="friends"),
        where(lambda request: request.method == "GET", name="get", request_only=True),
        Odd() & A,
    ],
    ids=str,
)
def test_a_requirement_is_read_as_it_was_written(requirement: Requirement) -> None:
    """JSON holds all of a requirement but the code of its predicates; reading it again changes nothing."""
    read = from_json(json.loads(json.dumps(to_json(requirement))))
    assert str(read) == str(requirement)
    assert read == portable(read) == portable(requirement)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "everybody",
        {},
        {"all": []},
        {"all": ["public"], "any": ["public"]},
        {"role": "admin"},
        {"scope": [7]},
        {"fresh": "x"},
        {"network": ["here"]},
        {"where": {}},
        {"not": "public"},
        {"custom": {"kind": "x"}},
        {"elsewhere": 1},
        json.loads('{"hidden":' * 70 + '"public"' + "}" * 70),
    ],
)
def test_what_is_no_report_is_refused(value: object) -> None:
    """A file that was written by something else is an error in words, and never a report without routes."""
    with pytest.raises(ConfigurationError):
        from_json(value)
    good = write_report(report_of(Router([post("/a")])))
    for bad in (value, {**good, "default": value}, {**good, "version": 2}, {**good, "routes": [{}]}):
        with pytest.raises(ConfigurationError, match=r"again|unknown|must|constant|empty"):
            read_report(bad)
