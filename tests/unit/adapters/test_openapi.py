"""Tests what a guard adds to OpenAPI documents."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from watchword import (
    APIKey,
    Basic,
    Bearer,
    ConfigurationError,
    Guard,
    Principal,
    Requirement,
    Scheme,
    authenticated,
    network,
    nobody,
    optional,
    public,
    role,
    scope,
    via,
)
from watchword.adapters.openapi import describe
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword import RequestView

TOKENS = Tokens({"ann": Principal("ann")})


def refuse(credentials: object) -> None:
    """Accept no password."""


class Ticket(Scheme[Any]):
    """A scheme of the application's own."""

    name = "Ticket"

    def extract(self, view: RequestView) -> Any:
        """Find nothing."""


class Login(Ticket):
    """A scheme that describes itself."""

    name = "Login"
    described: ClassVar[Any] = {"Login!": {"type": "openIdConnect", "openIdConnectUrl": "https://id.example.com"}}

    def openapi(self) -> Mapping[str, Mapping[str, Any]]:
        """Return what is set."""
        return self.described


def made(**rules: Requirement) -> Guard:
    """Make a guard of two schemes, with a rule for each path."""
    return Guard(Basic(refuse, realm="r"), Bearer(TOKENS), rules={f"/{path}": requirement for path, requirement in rules.items()})


def document(*paths: str, version: str = "3.1.0", **more: Any) -> dict[str, Any]:
    """Make a document of operations by GET."""
    return {"openapi": version, "paths": {path: {"get": {"responses": {"200": {}}}} for path in paths}, **more}


def security(guard: Guard, path: str = "/x", **settings: Any) -> Any:
    """Return the security of the operation of a document; None: it is left out."""
    item = describe(document(path, **settings), guard)["paths"].get(path)
    return None if item is None else item["get"]["security"]


BOTH: list[Any] = [{"Basic": []}, {"Bearer": []}]


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        (public, []),
        (network("10.0.0.0/8"), []),
        (optional, [*BOTH, {}]),
        (authenticated, BOTH),
        (scope("a", "b"), [{"Basic": ["a", "b"]}, {"Bearer": ["a", "b"]}]),
        (scope("a") & role("r"), [{"Basic": ["a", "r"]}, {"Bearer": ["a", "r"]}]),
        (role("r", "s") & via("Bearer"), [{"Bearer": ["r"]}, {"Bearer": ["s"]}]),
        (via("Basic") | scope("a"), [{"Basic": []}, {"Basic": ["a"]}, {"Bearer": ["a"]}]),
        (nobody, None),
        (role("r").hidden(), None),
        (scope("a") | role("r").hidden(), None),
    ],
)
def test_the_rule_of_a_path_is_the_security_of_its_operation(requirement: Requirement, expected: Any) -> None:
    """Each way is an alternative. What is hidden, or kept from all, is left out."""
    assert security(made(x=requirement)) == expected


@pytest.mark.parametrize(("path", "rule"), [("/orders/{order_id}", "r"), ("/orders/special", "s"), ("/{any}.json", "default")])
def test_a_template_has_the_rule_of_values_that_no_rule_names(path: str, rule: str) -> None:
    """A parameter is no literal, and a part of a segment is one segment."""
    guard = Guard(Bearer(TOKENS), rules={"/orders/{id}": scope("r"), "/orders/special": scope("s")})
    assert security(guard, path) == [{"Bearer": [] if rule == "default" else [rule]}]


def test_the_rule_of_the_method_counts() -> None:
    """As for requests; what deviates from the rules of requests is not shown."""
    guard = Guard(Bearer(TOKENS), rules={"GET /x": public, "POST /x": scope("w")})
    given = {"openapi": "3.1.0", "paths": {"/x": {"parameters": [], "get": {}, "post": {}, "delete": {}}}}
    item = describe(given, guard)["paths"]["/x"]
    assert [item[method]["security"] for method in ("get", "post", "delete")] == [[], [{"Bearer": ["w"]}], [{"Bearer": []}]]


def test_a_parameter_of_several_segments_has_the_rules_of_all_lengths() -> None:
    """As that of `/files/{path:path}`."""
    guard = Guard(Bearer(TOKENS), rules={"/files/{one}": scope("one"), "/files/**": scope("many")})
    templates = {"/files/{path}": ["one", "many"], "/files/x{path}": ["one"], "/{path}/last": []}
    given = {"openapi": "3.1.0", "paths": {template: {"get": {}} for template in templates}}
    made = describe(given, guard, is_deep=lambda template: "x" not in template)
    assert {path: item["get"]["security"] for path, item in made["paths"].items()} == {
        path: [{"Bearer": scopes}] for path, scopes in templates.items()
    }


def test_the_requirement_of_a_view_is_added() -> None:
    """It is asked for by method and template; under the prefix of a mounted application too."""
    asked = []

    def demanded(method: str, path: str) -> Requirement:
        asked.append((method, path))
        return scope("view")

    given = describe(document("/x"), Guard(Bearer(TOKENS), rules={"/sub/x": scope("rule")}), demanded, prefix="/sub")
    assert given["paths"]["/x"]["get"]["security"] == [{"Bearer": ["rule", "view"]}]
    assert asked == [("GET", "/x")]


@pytest.mark.parametrize(
    ("requirement", "statuses"),
    [
        (public, ["200"]),
        (optional, ["200", "401"]),
        (authenticated, ["200", "401"]),
        (scope("a"), ["200", "401", "403"]),
        (network("10.0.0.0/8"), ["200", "401", "403"]),
    ],
)
def test_refusals_that_may_come_are_described(requirement: Requirement, statuses: list[str]) -> None:
    """With the content type, the problem and the challenges."""
    given = describe(document("/x"), made(x=requirement))
    responses = given["paths"]["/x"]["get"]["responses"]
    assert [*responses] == statuses
    for status in statuses[1:]:
        refusal = given["components"]["responses"][responses[status]["$ref"].rpartition("/")[2]]
        assert refusal["headers"].keys() == {"WWW-Authenticate"}
        assert refusal["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def test_an_unsafe_method_by_kept_credentials_may_be_forbidden() -> None:
    """By the cross-site test, unless the rule exempts it."""
    given = {"openapi": "3.1.0", "paths": {"/x": {"post": {}}, "/y": {"post": {}}}}
    paths = describe(given, made(x=authenticated, y=authenticated.from_any_origin()))["paths"]
    assert [[*paths[path]["post"]["responses"]] for path in ("/x", "/y")] == [["401", "403"], ["401"]]


def test_components_of_the_application_stay() -> None:
    """Ours get another name, and a response of the operation is not replaced. The given document is not changed."""
    own = {"securitySchemes": {"Basic": {"type": "oauth2"}}, "schemas": {"Problem": {"type": "string"}}}
    given = document("/x", components=own)
    given["paths"]["/x"]["get"]["responses"]["401"] = {"description": "mine"}
    before = deepcopy(given)
    found = describe(given, made(x=scope("a")))
    assert given == before
    assert found["paths"]["/x"]["get"]["responses"]["401"] == {"description": "mine"}
    assert found["paths"]["/x"]["get"]["security"] == [{"Basic_": ["a"]}, {"Bearer": ["a"]}]
    assert found["components"]["schemas"]["Problem"] == {"type": "string"}
    assert found["components"]["securitySchemes"]["Basic_"] == {"type": "http", "scheme": "basic"}


@pytest.mark.parametrize("inherited", [False, True])
def test_security_of_the_application_is_needed_too(inherited: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Its own, or what it inherits from the document."""
    own: list[Any] = [{"Session": []}]
    given = document("/x", "/open")
    for place in [given] if inherited else [item["get"] for item in given["paths"].values()]:
        place["security"] = own
    paths = describe(given, Guard(Bearer(TOKENS), rules={"/open": public}))["paths"]
    assert paths["/x"]["get"]["security"] == [{"Session": [], "Bearer": []}]
    assert paths["/open"]["get"]["security"] == own


def test_a_document_that_is_described_twice_stays() -> None:
    """As where an application's own `openapi` calls one that is described already."""
    once = describe(document("/x", "/y"), made(x=scope("a") | role("r"), y=optional))
    assert describe(once, made(x=scope("a") | role("r"), y=optional)) == once


def test_a_hidden_operation_leaves_no_trace() -> None:
    """Neither the path nor the schemas that it alone uses; those of other operations and unused ones stay."""
    schemas: dict[str, Any] = {name: {"type": "object"} for name in ("Secret", "Inner", "Shared", "Unused")}
    schemas["Secret"]["properties"] = {"inner": {"$ref": "#/components/schemas/Inner"}, "self": {"$ref": "#/components/schemas/Secret"}}
    given = document("/x", "/y", components={"schemas": schemas})
    uses = {"x": ["Secret", "Shared"], "y": ["Shared"]}
    for path, names in uses.items():
        given["paths"][f"/{path}"]["get"]["anyOf"] = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    found = describe(given, made(x=role("r").hidden(), y=public))
    assert [*found["paths"]] == ["/y"]
    assert [*found["components"]["schemas"]] == ["Shared", "Unused"]


def test_every_place_of_credentials_is_an_alternative() -> None:
    """A scheme that reads a field, the query and a cookie has three descriptions."""
    found = describe(document("/x"), Guard(APIKey(TOKENS, header="X-Key", query="key", cookie="sid"), Ticket(TOKENS)))
    assert found["components"]["securitySchemes"] == {
        "ApiKey": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "ApiKey-query-key": {"type": "apiKey", "in": "query", "name": "key"},
        "ApiKey-cookie-sid": {"type": "apiKey", "in": "cookie", "name": "sid"},
        "Ticket": {"type": "http", "scheme": "ticket"},
    }
    assert found["paths"]["/x"]["get"]["security"] == [{name: []} for name in found["components"]["securitySchemes"]]


def test_a_scheme_describes_itself() -> None:
    """Names are made fit for components. OpenID Connect takes scopes, in every version, and no roles."""
    guard = Guard(Login(TOKENS), rules={"/x": scope("a") & role("r")})
    assert describe(document("/x"), guard)["components"]["securitySchemes"] == {"Login_": Login.described["Login!"]}
    assert security(guard) == security(guard, version="3.0.3") == [{"Login_": ["a"]}]


def test_openapi_3_0_names_no_scopes_of_other_schemes() -> None:
    """There the list "MUST be empty"."""
    assert security(made(x=scope("a")), version="3.0.3") == BOTH


@pytest.mark.parametrize("wrong", [None, {}, {"Login": "basic"}, {"Login": {}}])
def test_a_scheme_that_describes_itself_wrongly_is_an_error(wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the class and what to return."""
    monkeypatch.setattr(Login, "described", wrong)
    with pytest.raises(ConfigurationError, match=r'Login\.openapi\(\) must return .* Return \{"Login": \{"type": "http"'):
        describe(document("/x"), Guard(Login(TOKENS)))


@pytest.mark.parametrize(
    "extended", [{}, {"paths": None}, {"paths": {"x-order": "first", "/x": {"get": None, "x-get": {}, "$ref": "#/x"}}}]
)
def test_what_is_no_operation_stays(extended: dict[str, Any]) -> None:
    """A document of webhooks alone has no paths, and extensions may be anything."""
    found = describe({"openapi": "3.1.0", **extended}, made())
    assert found.get("paths") == extended.get("paths")


def test_another_kind_of_document_is_an_error() -> None:
    """Swagger 2.0 has other security objects."""
    with pytest.raises(ConfigurationError, match="OpenAPI 3"):
        describe({"swagger": "2.0", "paths": {}}, made())
