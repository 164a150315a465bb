"""What is in force at routes, and what is found there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.routing import BaseRoute, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

from tests.support.listing import found, guard_of, lines, report_of
from watchword import ConfigurationError, Requirement, authenticated, network, nobody, optional, public, role, scope, via
from watchword.adapters.starlette import requires
from watchword.authorization.rules import Rules
from watchword.routes.report import CODES


async def view(request: Any) -> None:
    """A view."""


def marked(requirement: Requirement) -> Any:
    """Return a view that demands something."""

    async def own(request: Any) -> None: ...

    return requires(requirement)(own)


def post(path: str, endpoint: Any = view) -> Route:
    """A route of one method that Starlette adds nothing to."""
    return Route(path, endpoint, methods=["POST"])


def test_where_a_requirement_comes_from() -> None:
    """From the rule, the default, the view, or two of them; and the schemes are those by which it can be met."""
    rules = {"/r": role("a"), "/v": via("Bearer"), "/n": nobody, "/p": public, "/o": optional}
    app = Router(
        [post("/r"), post("/d"), post("/r/v", marked(scope("s"))), post("/v", marked(role("b"))), post("/n"), post("/p"), post("/o")]
    )
    report = report_of(app, rules)
    assert [(row.path, row.source, row.schemes, row.anonymous) for row in report.routes] == [
        ("/r", "rule", ("Bearer", "ApiKey"), "never"),
        ("/d", "default", ("Bearer", "ApiKey"), "never"),
        ("/r/v", "default and view", ("Bearer", "ApiKey"), "never"),
        ("/v", "rule and view", ("Bearer",), "never"),
        ("/n", "rule", (), "never"),
        ("/p", "rule", (), "always"),
        ("/o", "rule", ("Bearer", "ApiKey"), "always"),
    ]
    assert [row.rules for row in report.routes[:2]] == [("/r",), ("default",)]


def test_parts_of_a_route() -> None:
    """Paths for which other rules are in force have rows of their own; a part within a part is compared with that."""
    rules = {"/f/a/**": role("a"), "/f/a/b/**": role("b"), "/f/a/b/c": role("a"), "/f/a/same": role("a"), "/f/x/": role("x")}
    app = Router([Mount("/f", StaticFiles(directory="."))])
    assert [line for line in lines(report_of(app, rules)) if "GET" in line] == [
        "static GET /f/{path:path} = authenticated",
        'static GET /f/{path:path} at /f/a/** = role("a")',
        'static GET /f/{path:path} at /f/x = authenticated & role("x")',
        'static GET /f/{path:path} at /f/a/b/** = role("b")',
        'static GET /f/{path:path} at /f/x/ = role("x")',
        'static GET /f/{path:path} at /f/a/b/c = role("a")',
    ]


def test_a_literal_that_a_parameter_does_not_match_is_no_part() -> None:
    """`/orders/new` is no path of `/orders/{id:int}`, and so the rule for it matches no route."""
    rules = {"/orders/{id}": role("a"), "/orders/new": role("b"), "/orders/7": role("c")}
    report = report_of(Router([post("/orders/{id:int}")]), rules)
    assert lines(report) == ['POST /orders/{id:int} = role("a")', 'POST /orders/{id:int} at /orders/7 = role("c")']
    assert found(report) == ["rule_without_route /orders/new"]


@pytest.mark.parametrize(
    ("routes", "rules", "expected"),
    [
        ([post("/admin/x")], {"/admn/**": role("a")}, ["rule_without_route /admn/**"]),
        ([post("/admin/x")], {"GET /admin/x": role("a")}, ["rule_without_route GET /admin/x"]),
        ([post("/admin/x")], {"/admin/**": role("a"), "/admin/x": role("b")}, []),  # a catch-all of safety
        ([post("/admin/")], {"/admin": role("a")}, []),  # a closing slash makes no difference (decision D64)
        ([Route("/x", view)], {"GET /x": role("a")}, []),
        ([WebSocketRoute("/x", view)], {"GET /x": role("a")}, []),
        ([post("/x")], {"/favicon.ico": public}, ["open_rule_without_route /favicon.ico"]),
        ([post("/x")], {"/x": public}, ["public POST /x"]),
        ([Route("/x", view)], {"/x": optional}, ["public GET /x"]),
        ([post("/x")], {"/x": network("10.0.0.0/8") | authenticated}, []),
        ([post("/x"), post("/x")], {}, ["shadowed POST /x"]),
        ([post("/{a}"), post("/x")], {}, ["shadowed POST /x"]),
        ([post("/{a:int}"), post("/x"), post("/{b}")], {}, []),
        ([Route("/x", view), post("/x")], {}, []),
        ([Route("/{a:path}", view), Route("/x/{b:int}", view)], {}, ["shadowed GET /x/{b:int}"]),
        ([Mount("/x", StaticFiles(directory=".")), post("/x/y")], {}, ["shadowed POST /x/y"]),
        ([Mount("/x", routes=[post("/z")]), post("/x/y"), post("/x")], {}, ["shadowed POST /x/y"]),
        ([Route("/{a:path}/b", view), Route("/x/c", view)], {}, []),
        ([post("/x", marked(via("Basic")))], {}, ["unreachable POST /x"]),
        ([post("/x", marked(role("a") & ~role("a")))], {}, ["unreachable POST /x"]),
        ([post("/x", marked(via("Bearer")))], {"/x": via("ApiKey")}, ["unreachable POST /x"]),
        ([post("/x")], {"/x": nobody}, ["closed POST /x"]),
        ([post("/x")], {"/x": role()}, ["closed POST /x"]),
    ],
)
def test_findings(routes: list[BaseRoute], rules: dict[str, Requirement], expected: list[str]) -> None:
    """Each mistake is found, and what only looks like one is not."""
    assert found(report_of(Router(routes), rules)) == expected


def test_a_route_that_is_public_by_default_is_grave() -> None:
    """A default that lets everybody in is no rule that somebody wrote for the route; and the gravest comes first."""
    report = report_of(Router([post("/y"), post("/x")]), {"/y": public}, default=public)
    assert [(one.severity, one.code, one.subject) for one in report.findings] == [
        ("high", "public_by_default", "POST /x"),
        ("low", "public", "POST /y"),
    ]


async def raw(scope: Any, receive: Any, send: Any) -> None:
    """An application of which nothing is known."""


def test_what_is_not_known_is_said() -> None:
    """A mounted application whose routes are not known is found; an application that is nothing else is an error."""
    assert found(report_of(Router([Mount("/raw", raw)]))) == ["unlisted * /raw/**"]
    with pytest.raises(ConfigurationError, match=r"the routes of .*\.raw are not known. Give the application of a framework"):
        guard_of().check_routes(raw)


def test_the_cost_grows_with_the_routes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules are asked once for each method of a route, and for each of a hundred rules beside it no more often."""
    asked: list[str] = []
    find = Rules.find

    def counted(rules: Rules, method: str, path: str) -> Any:
        asked.append(path)
        return find(rules, method, path)

    monkeypatch.setattr(Rules, "find", counted)
    app = Router([Route(f"/a{number}/{{id}}", view) for number in range(100)])
    for rules in ({}, {f"/a{number}/{{id}}": role(f"r{number}") for number in range(100)}):
        asked.clear()
        assert len(report_of(app, rules).routes) == len(asked) == 200


@pytest.mark.parametrize("code", CODES)
def test_every_finding_is_described(code: str) -> None:
    """The page says of each finding what the program says."""
    page = (Path(__file__).parents[3] / "docs" / "routes.md").read_text(encoding="utf-8")
    assert f"| `{code}` | {CODES[code][0]} | {CODES[code][1]} |\n" in page
