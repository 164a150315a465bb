"""The metadata of a protected resource (RFC 9728): the document, where every adapter serves it, and that it opens nothing else."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.drive import ADAPTERS, DRIVERS, Answer, ByASGI, ByWSGI, Request
from tests.support.each import each, noting
from tests.support.frameworks import FRAMEWORKS, site
from tests.support.people import RULES, check_token, orders_guard
from tests.support.wire import asgi_scope, bearer, wsgi_environ
from watchword import Answered, AuthEvent, Bearer, ConfigurationError, Guard, RequestView, ResourceMetadata, public, role, scope

if TYPE_CHECKING:
    from tests.support.drive import Behind, Through

RESOURCE = "https://api.example.com/orders"
PATH = "/.well-known/oauth-protected-resource/orders"
METADATA = ResourceMetadata(resource=RESOURCE, authorization_servers=["https://id.example.com"], scopes_supported=["orders:read"])
DOCUMENT = {
    "resource": RESOURCE,
    "authorization_servers": ["https://id.example.com"],
    "scopes_supported": ["orders:read"],
    "bearer_methods_supported": ["header"],
}


def guard(**settings: Any) -> Guard:
    """A guard for one resource; every path needs a caller."""
    return Guard(Bearer(check_token, realm="orders", metadata=METADATA), **settings)


def get(target: str = PATH, method: str = "GET", *headers: tuple[str, str]) -> Request:
    """A request for the document, without credentials."""
    return Request(method=method, target=target, headers=headers)


@each(
    ("resource", "fix"),
    [
        ("http://api.example.com", "Use https"),
        ("https://api.example.com/#f", ""),
        ("https://ann@api.example.com", ""),
        ("https://api.example.com/a b", ""),
        ('https://api.example.com/"', ""),
        ("https://[fe80::1%25eth0]/", ""),
        ("https://API.example.com", "lower case"),
        ("https://api.example.com:443", "port"),
        ("https://api.example.com:65536", "port"),
        ("https://api.example.com/a/../b", "dot segments"),
        ("https://büro.example", ""),
        ("https:///x", ""),
        ("api.example.com", ""),
        ("https://api.example.com/" + "a" * 2048, ""),
        ("", ""),
        (None, ""),
        (b"https://api.example.com", ""),
    ],
)
def test_R9728_2_1_the_resource_is_an_https_url(resource: Any, fix: str) -> None:
    """A URL that clients could not compare with theirs, or that another server could answer, is a mistake; the message says the fix."""
    with pytest.raises(ConfigurationError, match=r"ResourceMetadata\(resource=\.\.\.\) must be an absolute https URL") as caught:
        ResourceMetadata(resource=resource)
    assert fix in str(caught.value)


@each("resource", ["http://localhost:8000/mcp", "http://127.0.0.1:8000", "http://[::1]:8000/mcp", "http://app.localhost/"])
def test_R9728_2_1_this_machine_needs_no_certificate(resource: str) -> None:
    """For development; what goes to the loopback interface does not leave the machine."""
    assert ResourceMetadata(resource=resource).document() == {"resource": resource}


def test_R9728_2_2_the_ways_to_send_a_token_are_those_switched_on() -> None:
    """They mirror the scheme; what says something else is a mistake."""
    for scheme, methods in (
        (Bearer(check_token, metadata=METADATA), ["header"]),
        (Bearer(check_token, metadata=METADATA, form=True), ["header", "body"]),
        (Bearer(check_token, metadata=METADATA, form=True, query=True), ["header", "body", "query"]),
    ):
        assert scheme.metadata is not None
        assert scheme.metadata.document()["bearer_methods_supported"] == methods
    wrong = ResourceMetadata(resource=RESOURCE, bearer_methods_supported=["header", "query"])
    with pytest.raises(ConfigurationError, match="Leave it out"):
        Bearer(check_token, metadata=wrong)
    with pytest.raises(ConfigurationError, match="name header, body, query"):
        ResourceMetadata(resource=RESOURCE, bearer_methods_supported=["cookie"])


@each("issuer", ["http://id.example.com", "https://id.example.com?x=1", "https://id.example.com/#f", "id.example.com"])
def test_R9728_2_2_authorization_servers_are_issuers(issuer: str) -> None:
    """A client requests a token there: plain http would let the network choose the server (RFC 8414 §2)."""
    with pytest.raises(ConfigurationError, match="authorization_servers"):
        ResourceMetadata(resource=RESOURCE, authorization_servers=[issuer])


@each("name", ["resource_signing_alg_values_supported", "dpop_signing_alg_values_supported"])
def test_R9728_2_3_no_signature_is_no_algorithm(name: str) -> None:
    """`none` in any letter case is a mistake."""
    for value in ("none", "None"):
        with pytest.raises(ConfigurationError, match=name):
            ResourceMetadata(resource=RESOURCE, **{name: ["ES256", value]})  # type: ignore[arg-type]
    assert ResourceMetadata(resource=RESOURCE, **{name: ["ES256"]}).document()[name] == ["ES256"]  # type: ignore[arg-type]


@each("name", ["dpop_bound_access_tokens_required", "tls_client_certificate_bound_access_tokens"])
def test_R9728_2_4_the_document_promises_no_binding_that_is_not_there(name: str) -> None:
    """`Bearer` takes a token from whoever holds it, so the document cannot say that tokens are bound."""
    with pytest.raises(ConfigurationError, match=name):
        Bearer(check_token, metadata=ResourceMetadata(resource=RESOURCE, **{name: True}))  # type: ignore[arg-type]
    assert name not in ResourceMetadata(resource=RESOURCE).document()


@each(
    ("resource", "path"),
    [
        ("https://resource.example.com", ""),  # prm-url-1 of the RFC
        ("https://resource.example.com/resource1", "/resource1"),  # prm-url-2
        ("https://resource.example.com/", ""),
        ("https://resource.example.com/a/b", "/a/b"),
        ("https://resource.example.com/a/", "/a/"),
        ("https://resource.example.com:8443/a", "/a"),
        ("https://resource.example.com?x=1", "?x=1"),
        ("https://resource.example.com/?x=1", "?x=1"),
        ("https://resource.example.com/a?x=1", "/a?x=1"),
        ("https://resource.example.com/a%20b", "/a%20b"),
    ],
)
def test_R9728_3_1_the_url_has_the_well_known_path_behind_the_host(resource: str, path: str) -> None:
    """Inserted between host and path, without a slash that merely ends the host; and the document is served there."""
    metadata = ResourceMetadata(resource=resource)
    origin = "/".join(resource.partition("?")[0].split("/")[:3])
    assert metadata.url == f"{origin}/.well-known/oauth-protected-resource{path}"
    answer = ByASGI(Guard(Bearer(check_token, metadata=metadata)))(get(metadata.url.removeprefix(origin)))
    assert (answer.status, json.loads(answer.body)["resource"]) == (200, resource)


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS)
def test_R9728_3_2_1_the_document_is_served_to_everybody(driver: Through) -> None:
    """GET and HEAD are 200 with JSON, any other method is 405, whatever is shown and whatever the rules say."""
    for settings in ({}, {"default": public}, {"rules": {"/**": role("admin")}}, {"require_tls": True}):
        ask = driver(guard(**settings))
        for headers in ((), (bearer("x"),), (bearer("bob-token"),)):
            answer = ask(get(PATH, "GET", *headers))
            assert (answer.status, answer.one("content-type"), json.loads(answer.body)) == (200, "application/json", DOCUMENT)
            assert (answer.called, answer.challenges, answer.one("cache-control")) == (False, [], "public, max-age=3600")
        head = ask(get(PATH, "HEAD"))
        assert (head.status, head.body, head.one("content-length")) == (200, b"", ask(get()).one("content-length"))
        for method in ("POST", "PUT", "DELETE", "TRACE", "get", "X"):
            refused = ask(get(PATH, method))
            assert (refused.status, refused.one("allow"), refused.called) == (405, "GET, HEAD, OPTIONS", False)


def test_R9728_3_2_2_what_has_no_value_is_left_out() -> None:
    """Empty lists and texts; of the ways to send a token an empty list means something."""
    assert ResourceMetadata(resource=RESOURCE, scopes_supported=[], more={"x": [], "y": "", "z": 1}).document() == {
        "resource": RESOURCE,
        "z": 1,
    }
    assert ResourceMetadata(resource=RESOURCE, bearer_methods_supported=[]).document() == {
        "resource": RESOURCE,
        "bearer_methods_supported": [],
    }
    whole = ResourceMetadata(
        resource=RESOURCE,
        jwks_uri="https://api.example.com/jwks",
        resource_name="Orders",
        resource_documentation="https://docs.example.com/#orders",
        resource_policy_uri="https://example.com/privacy",
        resource_tos_uri="https://example.com/terms",
        authorization_details_types_supported=["payment"],
        more={"resource_name#de": "Bestellungen"},
    ).document()
    assert [*whole] == [
        "resource", "jwks_uri", "resource_name", "resource_documentation", "resource_policy_uri", "resource_tos_uri",
        "authorization_details_types_supported", "resource_name#de",
    ]  # fmt: skip


@each(
    "arguments",
    [
        {"scopes_supported": ["offline_access"]},
        {"scopes_supported": ["a b"]},
        {"scopes_supported": "orders:read"},
        {"resource_name": ""},
        {"resource_documentation": "page.html"},
        {"jwks_uri": "http://api.example.com/jwks"},
        {"dpop_bound_access_tokens_required": "no"},
        {"more": {"resource": "https://evil.example"}},
        {"more": {"x": float("nan")}},
        {"more": {"x": object()}},
        {"more": ["x"]},
    ],
)
def test_a_mistake_in_the_metadata_is_an_error_at_once(arguments: dict[str, Any]) -> None:
    """It names the argument. A scope `offline_access` is no matter of a resource, so the document never has it."""
    with pytest.raises(ConfigurationError, match=r"ResourceMetadata\(|scope token"):
        ResourceMetadata(resource=RESOURCE, **arguments)


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS)
def test_R9728_3_3_1_no_other_path_has_the_document(driver: Through) -> None:
    """A client derives the path from the resource that it wants, so any other path, and another query, is another resource."""
    ask = driver(guard())
    for target in (f"{PATH}/", f"{PATH}/x", "/.well-known/oauth-protected-resource", f"/x{PATH}", PATH.upper(), f"/.well-known{PATH}"):
        assert (ask(get(target)).status, ask(get(target)).called) == (401, False)
    answer = ask(get(f"{PATH}?x=1"))
    assert (answer.status, answer.called, answer.body) == (404, False, b"404 Not Found\n")


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS)
def test_R9728_7_1_scripts_of_every_origin_read_the_document(driver: Through) -> None:
    """Without credentials; and a preflight for the field that MCP clients send is answered."""
    ask = driver(guard())
    origin = ("Origin", "https://inspector.example")
    answer = ask(get(PATH, "GET", origin))
    assert (answer.one("access-control-allow-origin"), answer.one("access-control-allow-credentials")) == ("*", None)
    asked = (origin, ("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "mcp-protocol-version"))
    preflight = ask(get(PATH, "OPTIONS", *asked))
    assert (preflight.status, preflight.body, preflight.called) == (200, b"", False)
    assert preflight.one("access-control-allow-origin") == preflight.one("access-control-allow-headers") == "*"
    assert ask(get(f"{PATH}/x", "OPTIONS", *asked)).status == 401


@pytest.mark.parametrize("behind", ADAPTERS.values(), ids=ADAPTERS)
def test_the_document_changes_no_answer_before_or_after_it(behind: Behind) -> None:
    """The application is never called for the path, on the fast path either, and a neighbour is as closed as before."""
    ask = behind(guard(rules={"/healthz": public}))
    known = bearer("ann-token")
    for _ in range(3):
        statuses = [
            ask(one).status
            for one in (
                get("/healthz"),
                get(f"{PATH}?x=1"),
                get(),
                get(PATH, "GET", known),
                get(f"{PATH}/x"),
                get("/x"),
                get("/x", "GET", known),
            )
        ]
        assert statuses == [200, 404, 200, 200, 401, 401, 200]
        assert not any(
            ask(one).called for one in (get(), get(PATH, "GET", known), get(PATH, "POST", known), get(f"{PATH}?x=1", "GET", known))
        )


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_framework_serves_the_document(name: str) -> None:
    """As it is, through error handlers and response functions, and no handler runs: not for the path, not for another method."""
    own = Guard(Bearer(check_token, realm="orders", metadata=METADATA), rules=RULES)

    async def main() -> None:
        async with site(name, own, {}) as ask:
            for method, status in (("GET", 200), ("HEAD", 200), ("OPTIONS", 200), ("POST", 405)):
                with noting(method):
                    check(await ask(get(PATH, method)), await ByASGI(own).awaited(get(PATH, method)), status)
            check(await ask(get(f"{PATH}?x=1")), await ByASGI(own).awaited(get(f"{PATH}?x=1")), 404)
            assert (await ask(get(f"{PATH}/x"))).status == 401

    anyio.run(main)


def check(answer: Answer, expected: Answer, status: int) -> None:
    """The status, the fields and the content are those of the bare middleware."""
    assert (answer.status, answer.called) == (status, False)
    for field in ("content-type", "cache-control", "access-control-allow-origin", "access-control-allow-headers", "allow", "vary"):
        assert answer.all(field) == expected.all(field), field
    assert answer.body == expected.body


def test_the_path_is_at_the_root_of_the_host_whatever_the_mount() -> None:
    """Where a mount is pinned the request lies outside of it; where a server states one, a proxy may have sent the request there."""
    by_server = Request(target=f"/orders{PATH}", mount="/orders")
    for ask in (ByASGI(guard()), ByWSGI(guard())):
        assert json.loads(ask(by_server).body) == DOCUMENT
    from watchword.adapters.asgi import GuardMiddleware as OnASGI
    from watchword.adapters.wsgi import GuardMiddleware as OnWSGI

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def never(*_: Any) -> Any:
        raise AssertionError("the application was called")

    anyio.run(OnASGI(never, guard(), mount="/orders"), asgi_scope(get()), never, send)
    assert sent[0]["status"] == 200
    statuses: list[str] = []
    body = OnWSGI(lambda *_: [], guard(), mount="/orders")(wsgi_environ(get()), lambda status, *_: statuses.append(status))
    assert (statuses, json.loads(b"".join(body))) == (["200 OK"], DOCUMENT)


def test_it_is_an_event_like_that_of_a_public_route() -> None:
    """Nobody is named, nothing is logged, and the path tells what was asked for."""
    events: list[AuthEvent] = []
    ByASGI(guard(on_event=events.append))(get(PATH, "GET", bearer("ann-token")))
    assert [(one.decision, one.reason, one.principal, one.route) for one in events] == [("granted", None, "", PATH)]


def test_a_server_of_ones_own_sends_what_refuse_returns() -> None:
    """The decision grants nothing, so a server that knows only granted and refused calls no application."""
    own, view = guard(), RequestView("GET", PATH)
    decision = own.decide(view)
    assert isinstance(decision, Answered)
    assert (decision.granted, decision.principal.is_authenticated) == (False, False)
    refusal = own.refuse(decision, view)
    assert (refusal.status, refusal.reason_phrase, json.loads(refusal.body)) == (200, "OK", DOCUMENT)
    assert "the guard serves that of https://api.example.com/orders" in str(own.explain(view))


def test_a_challenge_names_the_document_from_the_configuration() -> None:
    """On 401 and on 403 with all scopes, whatever Host says (threats H6); and a client that follows it finds the resource."""
    own = guard(rules={"/x": scope("orders:write", "orders:read")})
    url = "https://api.example.com" + PATH
    for headers, status in (((), 401), ((bearer("x"),), 401), ((bearer("bob-token"),), 403)):
        answer = ByASGI(own)(get("/x", "GET", ("Host", "evil.example"), *headers))
        assert (answer.status, f'resource_metadata="{url}"' in answer.challenges[0]) == (status, True)
    assert ByASGI(own)(get("/x", "GET", bearer("bob-token"))).challenges == [
        f'Bearer realm="orders", resource_metadata="{url}", error="insufficient_scope", scope="orders:read orders:write"'
    ]


def test_a_rule_for_the_path_is_an_error() -> None:
    """It would never decide. A wider one that covers the path is none."""
    for pattern in (PATH, f"GET {PATH}"):
        with pytest.raises(ConfigurationError, match="Remove the rule"):
            guard(rules={pattern: public})
    guard(rules={"/.well-known/**": public, f"{PATH}/x": public})
    guard(rules={"/{a}/{b}/{c}": public})


def test_a_route_for_the_path_is_found() -> None:
    """`guard.check_routes` says that it is never reached."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    app = Starlette(routes=[Route(PATH, lambda _: None), Route("/{rest:path}", lambda _: None)])
    found = [finding for finding in guard().check_routes(app).findings if finding.code == "answered"]
    assert [(one.subject, one.severity) for one in found] == [(PATH, "medium")]


def test_one_of_metadata_and_its_url_is_given() -> None:
    """Two would send clients to two documents."""
    with pytest.raises(ConfigurationError, match="one of the two"):
        Bearer(check_token, metadata=METADATA, resource_metadata="https://api.example.com/x")
    with pytest.raises(ConfigurationError, match="be a ResourceMetadata"):
        Bearer(check_token, metadata={"resource": RESOURCE})  # type: ignore[arg-type]


def test_a_guard_without_metadata_serves_nothing() -> None:
    """The path needs a caller like any other."""
    assert ByASGI(orders_guard())(get()).status == 401
