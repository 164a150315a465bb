"""Verbs that views do not tell apart (threats P11, P18, decision D60): what GET or POST needs is not had by another word for it."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from tests.support.drive import ByASGI, ByWSGI, Request, bearer
from tests.support.people import check_token
from tests.support.slashes import in_django, in_pyramid
from watchword import Bearer, Guard, RequestView, authenticated, public, role, scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.drive import Behind, Through

Handlers: TypeAlias = "Sequence[tuple[str, tuple[str, ...]]]"

VERBS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "JEFF", "get", "Get", "post", "M" * 5000]


def view_of_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    """Answer every method alike."""
    start_response("200 OK", [])
    return [b"SECRET"]


@pytest.mark.filterwarnings("ignore:'cgi' is deprecated:DeprecationWarning", "ignore:.*pkg_resources")
@pytest.mark.parametrize("framework", ["plain", "django", "pyramid"])
def test_P18_no_verb_replaces_a_forbidden_get(framework: str) -> None:
    """A view that answers every method like GET answers none to a caller who lacks what GET needs, and all to one who has it."""
    apps = {"django": lambda: in_django(["/report"], []), "pyramid": lambda: in_pyramid(["/report"], [])}
    app = apps[framework]() if framework in apps else view_of_wsgi
    send = ByWSGI(Guard(Bearer(check_token), rules={"GET /report": role("admin")}, default=authenticated), app=app)
    for verb in VERBS:
        answers = [send(Request(method=verb, target="/report", headers=(bearer(token),))).status for token in ("bob-token", "ann-token")]
        assert answers == [403, 200], verb


def test_P18_a_rule_for_get_opens_nothing_else(through: Through) -> None:
    """`{"GET /x": public}` leaves every other method at the default."""
    driver = through(Guard(Bearer(check_token), rules={"GET /x": public}))
    statuses = {verb: driver(Request(method=verb, target="/x")).status for verb in VERBS}
    assert {verb for verb, status in statuses.items() if status == 200} == {"GET", "HEAD"}
    assert {statuses[verb] for verb in VERBS if verb not in {"GET", "HEAD"}} == {401}


def test_P18_an_unknown_verb_needs_what_post_needs(through: Through) -> None:
    """A view that takes what is not GET for a POST pays for no one who may not POST: an unknown verb, lower case, OPTIONS."""
    rules = {"GET /pay": public, "POST /pay": role("admin")}
    driver = through(Guard(Bearer(check_token), rules=rules, default=authenticated))
    for verb in ("POST", "OPTIONS", "TRACE", "QUERY", "JEFF", "get", "Get", "post"):
        assert driver(Request(method=verb, target="/pay", headers=(bearer("bob-token"),))).status == 403, verb
        assert driver(Request(method=verb, target="/pay", headers=(bearer("ann-token"),))).status == 200, verb
    for verb in ("PUT", "PATCH", "DELETE"):
        assert driver(Request(method=verb, target="/pay")).status == 401, verb


def test_P18_a_rule_without_methods_for_the_path_of_get_is_for_the_changing_verbs(through: Through) -> None:
    """`/x` beside `GET /x` is for POST, PUT, PATCH and DELETE; `/**` beside it is not written for that view."""
    driver = through(Guard(Bearer(check_token), rules={"/x": public, "GET /x": role("admin"), "/**": public, "GET /y": role("admin")}))
    for verb in ("POST", "PUT", "PATCH", "DELETE"):
        assert [driver(Request(method=verb, target=path)).status for path in ("/x", "/y")] == [200, 401], verb
    assert driver(Request(method="JEFF", target="/x")).status == 401


def starlette_of(handlers: Handlers, ran: list[str]) -> Any:
    """Return routes of Starlette."""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    def endpoint(name: str) -> Any:
        async def run(request: Any) -> PlainTextResponse:
            ran.append(name)
            return PlainTextResponse(name)

        return run

    return Starlette(routes=[Route(path.replace("**", "{rest:path}"), endpoint(path), methods=[*verbs]) for path, verbs in handlers])


def flask_of(handlers: Handlers, ran: list[str]) -> Any:
    """Return routes of Flask."""
    from flask import Flask

    app = Flask("verbs")
    for number, (path, verbs) in enumerate(handlers):

        def view(name: str = path, **_values: str) -> str:
            ran.append(name)
            return name

        spelt = path.replace("**", "<path:rest>").replace("{x}", "<x>")
        app.add_url_rule(spelt, str(number), view, methods=[*verbs], provide_automatic_options=False)
    return app


def pyramid_of(handlers: Handlers, ran: list[str]) -> Any:
    """Return routes of Pyramid."""
    from pyramid.config import Configurator
    from pyramid.response import Response

    def view(name: str) -> Any:
        def run(request: Any) -> Response:
            ran.append(name)
            return Response(name)

        return run

    with Configurator() as config:
        for number, (path, verbs) in enumerate(handlers):
            config.add_route(str(number), path.replace("**", "*rest"), request_method=verbs)
            config.add_view(view(path), route_name=str(number))
        return config.make_wsgi_app()


@pytest.mark.filterwarnings("ignore:'cgi' is deprecated:DeprecationWarning", "ignore:.*pkg_resources")
@pytest.mark.parametrize("router", [starlette_of, flask_of, pyramid_of])
@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ({"GET /a": public, "GET /**": role("admin")}, "/a"),
        ({"GET /a": public, "GET /{x}": authenticated, "GET /**": role("admin")}, "/a"),
        ({"GET /": public, "GET /{x}": authenticated, "GET /**": role("admin")}, "/"),
        ({"GET /a/": public, "GET /a/{x}": authenticated, "GET /**": role("admin")}, "/a/"),
    ],
)
def test_P18_a_router_passes_a_verb_on_under_the_rule_of_the_handler_that_runs(router: Any, rules: Any, path: str) -> None:
    """Where narrower handlers take GET alone, a router runs the wider handler for POST and QUERY; it needs what GET needs of that one."""
    verbs = ("GET", "POST", "QUERY")
    handlers = [(rule.partition(" ")[2], verbs if rule.endswith("**") else verbs[:1]) for rule in rules]
    ran: list[str] = []
    app = router(handlers, ran)
    send = (ByASGI if router is starlette_of else ByWSGI)(Guard(Bearer(check_token), rules=rules), app=app)
    for verb in verbs[1:]:
        assert send(Request(method=verb, target=path, headers=(bearer("bob-token"),))).status == 403, verb
        assert ran == []
    send(Request(method="POST", target=path, headers=(bearer("ann-token"),)))
    assert ran == ([] if router is flask_of and path == "/" else ["/**"])  # what `<path:rest>` matches is not empty


def test_P18_nothing_is_passed_on_beyond_a_rule_without_methods(through: Through) -> None:
    """`/a/**` is of a handler that takes all methods, so `GET /**` says nothing about what is below it."""
    rules = {"GET /a/b": public, "GET /a/**": public, "/a/**": public, "GET /**": role("admin")}
    driver = through(Guard(Bearer(check_token), rules=rules))
    assert {driver(Request(method=verb, target="/a/b")).status for verb in ("POST", "JEFF")} == {200}
    assert {driver(Request(method=verb, target="/c")).status for verb in ("POST", "JEFF")} == {401}


def test_P18_the_challenge_names_what_all_rules_need_together(behind: Behind) -> None:
    """A client that is asked for a token asks once for all the scopes, and explain says whose rules these are."""
    guard = Guard(Bearer(check_token, realm="r"), rules={"GET /x": scope("read"), "POST /x": scope("write")})
    assert behind(guard)(Request(method="PUT", target="/x")).challenges == ['Bearer realm="r", scope="read"']
    assert behind(guard)(Request(method="JEFF", target="/x")).challenges == ['Bearer realm="r", scope="read write"']
    lines = str(guard.explain(RequestView("JEFF", "/x"))).splitlines()
    assert 'rule: \'default and GET /x and POST /x\' needs authenticated & scope("read") & scope("write")' in lines
    assert "  'GET /x', because no rule names JEFF here, and the view may answer it as GET" in lines
    assert "  'POST /x', because no rule names JEFF here, and the view may answer it as POST" in lines


def test_P18_invented_verbs_are_not_kept() -> None:
    """Three thousand verbs share one route and one challenge, and add no target to the fast path."""
    guard = Guard(Bearer(check_token), rules={"GET /x": role("admin"), "PROPFIND /x": role("admin")})
    for send in (ByASGI(guard), ByWSGI(guard)):
        for number in range(1500):
            send(Request(method=f"VERB{number}", target="/x"))
    assert (len(guard.fast_path.targets), len(guard.policy.asking), len(guard.policy.rules._combined)) == (0, 1, 1)
    guard.decide(RequestView("PROPFIND", "/x"))
    assert len(guard.fast_path.targets) == 1
