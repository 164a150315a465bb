"""What scopes imply holds wherever a guard decides, says what it decides, or lists what it would decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import requires as requires_of_starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.support.drive import ByASGI, ByWSGI
from tests.support.each import each
from tests.support.wire import Request
from watchword import (
    APIKey,
    Bearer,
    BearerToken,
    ConfigurationError,
    Evidence,
    Guard,
    Principal,
    RequestView,
    authenticated,
    role,
    scope,
)
from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.openapi import describe
from watchword.adapters.starlette import requires
from watchword.checkers import Tokens
from watchword.routes import compare, read_report, write_report
from watchword.testing import FixedClock, acting_as, bearer

if TYPE_CHECKING:
    from watchword import Requirement
    from watchword.decision import Decision

IMPLIES = {"orders:admin": ["orders:write", "orders:export"], "orders:write": ["orders:read"]}
ALL = {"orders:admin", "orders:write", "orders:export", "orders:read"}

TOKENS = Tokens(
    {
        "ann": Principal("ann", scopes={"orders:admin"}),
        "bob": Principal("bob", scopes={"orders:write", "mail"}, evidence=Evidence("elsewhere", acr="gold")),
        "cid": Principal("cid", roles={"admin"}),
    }
)
RULES = {
    "GET /orders": scope("orders:read"),
    "POST /orders": scope("orders:write"),
    "/export": scope("orders:export", "orders:read") & scope("mail"),
    "/either": scope("orders:admin") | scope("orders:export"),
    "/staff": authenticated & ~scope("orders:read"),
}


def guard_of(rules: dict[str, Requirement] | None = None, **settings: Any) -> Guard:
    """Return a guard whose scopes imply others."""
    given = {"scope_implies": IMPLIES, "clock": FixedClock(1_700_000_000), **settings}
    return Guard(Bearer(TOKENS, realm="orders"), APIKey(TOKENS, realm="orders"), rules=RULES if rules is None else rules, **given)


def view_of(request: str, token: str | None = None) -> RequestView:
    """Return the view of a request such as `"GET /orders"`."""
    method, target = request.split(" ")
    return RequestView(method, target, [("Authorization", f"Bearer {token}")] if token else [])


def scope_of(decision: Decision) -> str | None:
    """Return the scopes that the first challenge of a refusal names."""
    return dict(decision.challenges[0].params).get("scope")  # type: ignore[union-attr]


EXPECTED = [
    ("GET /orders", "ann", True, None),
    ("GET /orders", "bob", True, None),
    ("GET /orders", "cid", False, "orders:read"),
    ("POST /orders", "cid", False, "orders:write"),  # GET needs `orders:read` too, which is implied
    ("POST /orders", "bob", True, None),
    ("GET /export", "ann", False, "mail orders:export orders:read"),
    ("GET /export", "bob", False, "mail orders:export orders:read"),
    ("GET /either", "bob", False, "orders:export"),
    ("GET /either", "ann", True, None),
    ("GET /staff", "ann", False, None),
    ("GET /staff", "cid", True, None),
]


@each(("request_", "who", "granted", "named"), EXPECTED)
def test_a_caller_holds_what_his_scopes_imply(request_: str, who: str, *, granted: bool, named: str | None) -> None:
    """On the full path, and of a refusal the challenge names the largest scopes of what is needed, each once."""
    decision = guard_of().decide(view_of(request_, who))
    assert decision.granted is granted
    if named is None:
        assert granted or not decision.challenges  # type: ignore[union-attr]
    else:
        assert scope_of(decision) == named


def test_evidence_keeps_what_was_issued() -> None:
    """An exchange of a token starts from `evidence.scopes`. The rest of the evidence is the checker's, the scheme the guard's."""
    ann, bob = (guard_of().decide(view_of("GET /orders", who)).principal for who in ("ann", "bob"))
    assert ann.scopes == ALL
    assert ann.evidence == Evidence("Bearer", scopes=frozenset({"orders:admin"}))
    assert bob.scopes == {"orders:write", "orders:read", "mail"}
    assert bob.evidence == Evidence("Bearer", acr="gold", scopes=frozenset({"orders:write", "mail"}))
    nothing: dict[str, list[str]] = {}
    for table in (None, nothing):
        without = guard_of({"/x": authenticated}, scope_implies=table).decide(view_of("GET /x", "ann")).principal
        assert without.scopes == {"orders:admin"}
        assert without.evidence == Evidence("Bearer")


@each(
    ("given", "issued", "held"),
    [
        # closed before by this guard, as by a cache of the checker's own
        (Principal("x", scopes=ALL, evidence=Evidence(scopes=frozenset({"orders:admin"}))), {"orders:admin"}, ALL),
        # narrowed since, with the evidence of the wider token: that says nothing about this one
        (
            Principal("x", scopes={"orders:read"}, evidence=Evidence(scopes=frozenset({"orders:admin"}))),
            {"orders:read"},
            {"orders:read"},
        ),
        # stated by a checker, and more than is held
        (Principal("x", scopes={"mail"}, evidence=Evidence(scopes=frozenset({"orders:admin", "mail"}))), {"mail"}, {"mail"}),
    ],
)
def test_what_was_issued_is_never_more_than_what_is_held(given: Principal, issued: set[str], held: set[str]) -> None:
    """What a checker states as issued counts only if the scopes that are held follow from it: no exchange widens a token."""
    guard = Guard(Bearer(Tokens({"t": given})), scope_implies=IMPLIES)
    principal = guard.decide(view_of("GET /x", "t")).principal
    assert principal.scopes == held
    assert principal.evidence is not None
    assert principal.evidence.scopes == frozenset(issued)


@pytest.mark.parametrize("driver", [ByASGI, ByWSGI])
def test_the_fast_path_decides_alike(driver: Any) -> None:
    """The cache keeps callers whose scopes are closed: granted, refused and named as at first, without the full path."""
    guard = guard_of(request_id=lambda: "id")
    send = driver(guard)
    for request, who, granted, _ in EXPECTED:
        method, target = request.split(" ")
        sent = Request(method=method, target=target, headers=(("Host", "a"), ("Authorization", f"Bearer {who}")))
        first = send(sent)
        assert (first.status == 200) is granted
        deciding, guard._deciding = guard._deciding, None  # type: ignore[assignment]  # who takes the full path misses it
        for _ in range(2):
            again = send(sent)
            assert (again.status, again.headers, again.body) == (first.status, first.headers, first.body)
            if again.seen is not None and first.seen is not None:
                assert again.seen.principal == first.seen.principal
                assert again.seen.principal.scopes >= {"orders:read"} or who == "cid"
        guard._deciding = deciding


@each(
    ("demand", "who", "granted", "named"),
    [
        (scope("orders:read"), "ann", True, None),
        (scope("orders:export"), "bob", False, "orders:export orders:write"),
        (scope("orders:admin"), "bob", False, "orders:admin"),
        (scope("mail") & scope("orders:read"), "ann", False, "mail orders:write"),
        (~scope("orders:read"), "ann", False, None),
    ],
)
def test_the_demand_of_a_view_knows_what_scopes_imply(demand: Requirement, who: str, *, granted: bool, named: str | None) -> None:
    """With `decide`, with `authorize` afterwards, and with a rule that refuses and names what the view demands too (decision D63)."""
    guard = guard_of({"/x": scope("orders:write") | role("nobody has it"), "/y": scope("orders:write")})
    view = view_of("GET /y", who)
    if str(demand).startswith("~"):  # no caller has the one without the other: the rule and the view deny together
        assert not guard.decide(view, demand).granted
    for decision in (guard.decide(view, demand), guard.authorize(guard.decide(view), view, demand)):
        assert decision.granted is granted
        if named is not None:
            assert scope_of(decision) == named
    refused = guard.decide(view_of("GET /y", "cid"))
    assert scope_of(refused) == "orders:write"
    if not str(demand).startswith("~"):
        told = guard.with_demand(refused, view_of("GET /y", "cid"), demand)
        assert scope_of(told) == scope_of(guard.decide(view_of("GET /y", "cid"), demand))


def test_a_login_form_and_a_test_that_acts_know_what_scopes_imply() -> None:
    """`guard.verify` answers with a principal whose scopes are closed, and `acting_as` with such a caller, issued what the test says."""
    guard = guard_of()
    view = RequestView("POST", "/login", [("Sec-Fetch-Site", "same-origin")])
    verified = guard.verify(BearerToken("ann"), view, "Bearer")
    assert verified.principal.scopes == ALL
    assert guard.authorize(verified, view, scope("orders:read")).granted
    with acting_as(Principal("eve", scopes={"orders:write"}), guard) as eve:
        assert eve.scopes == {"orders:write", "orders:read"}
        decided = guard.decide(view_of("GET /orders"))
        assert decided.granted
        assert decided.principal.evidence is not None
        assert decided.principal.evidence.scopes == frozenset({"orders:write"})
        assert scope_of(guard.decide(view_of("GET /either"))) == "orders:export"
    with acting_as(Principal("eve", scopes={"orders:write"}), Guard(Bearer(TOKENS), rules=RULES)) as eve:
        assert eve.scopes == {"orders:write"}


def test_starlette_sees_the_closed_scopes() -> None:
    """`request.auth.scopes` holds what is implied, so that the decorator of Starlette decides as `requires` of watchword does."""

    @requires_of_starlette(["orders:read"])
    async def theirs(request: Any) -> JSONResponse:
        return JSONResponse(list(request.auth.scopes))

    @requires(scope("orders:read"))
    async def ours(request: Any) -> JSONResponse:
        return JSONResponse(sorted(request.user.scopes))

    app = Starlette(routes=[Route("/theirs", theirs), Route("/ours", ours)])
    client = TestClient(GuardMiddleware(app, guard_of({"/**": authenticated})))
    for _ in range(2):  # the second time by the fast path
        assert client.get("/theirs", headers=bearer("ann")).json() == ["authenticated", *sorted(ALL)]
        assert client.get("/ours", headers=bearer("ann")).json() == sorted(ALL)
        assert client.get("/theirs", headers=bearer("cid")).status_code == 403
        assert client.get("/ours", headers=bearer("cid")).status_code == 403


def test_documents_explanations_and_reports_say_what_scopes_imply() -> None:
    """OpenAPI and the needs of `explain` name the largest scopes; `explain` shows what was issued, and a report the table."""
    guard = guard_of()
    paths: dict[str, Any] = {path: {"get": {"responses": {}}} for path in ("/orders", "/export", "/either")}
    filled = describe({"openapi": "3.1.0", "info": {}, "paths": paths}, guard)
    named = {path: operation["get"]["security"][0]["Bearer"] for path, operation in filled["paths"].items()}
    assert named == {"/orders": ["orders:read"], "/export": ["orders:export", "orders:read", "mail"], "/either": ["orders:export"]}

    granted = str(guard.explain(view_of("GET /orders", "ann")))
    assert "scopes=['orders:admin', 'orders:export', 'orders:read', 'orders:write']" in granted
    assert "evidence=Evidence('Bearer', scopes=['orders:admin'])" in granted
    refused = guard.explain(view_of("POST /orders", "cid"))
    assert refused.cures == (("hold the scope orders:write",),)

    app = Starlette(routes=[Route("/orders", _view), Route("/staff", _view)])
    report = guard.check_routes(app)
    assert dict(report.scope_implies) == {name: tuple(implied) for name, implied in IMPLIES.items()}
    assert [str(row.requirement) for row in report.routes if row.method == "GET"] == [str(RULES["GET /orders"]), str(RULES["/staff"])]


async def _view(request: Any) -> None:
    """A view."""


@requires(scope("orders:admin") & ~scope("orders:read"))
async def _hopeless(request: Any) -> None:
    """A view that no caller may use, if the one scope implies the other."""


def test_what_can_never_be_met_is_found_at_construction_and_at_start_up() -> None:
    """A rule that excludes what it implies is an error; so is such a view, before the first request and in a report."""
    hopeless = scope("orders:admin") & ~scope("orders:read")
    guard_of({"/x": hopeless}, scope_implies=None)
    with pytest.raises(ConfigurationError, match=r"the requirement of '/x' can never be met: scope\(\"orders:admin\"\) & ~scope"):
        guard_of({"/x": hopeless})
    app = Starlette(routes=[Route("/x", _hopeless)])
    with (
        pytest.raises(ConfigurationError, match=r"_hopeless demands .*, which no caller of this guard can meet"),
        TestClient(GuardMiddleware(app, guard_of({}))),
    ):
        pass
    found = [finding.code for finding in guard_of({}).check_routes(app).findings]
    assert found == ["unreachable"]


def changes(
    before: dict[str, list[str]] | None, after: dict[str, list[str]] | None, *rules: dict[str, Requirement]
) -> list[tuple[str, ...]]:
    """Return what changes between two hierarchies of one guard, or with other rules too, read as a baseline is."""
    app = Starlette(routes=[Route("/x", _view)])
    then, now = rules or ({"/x": scope("orders:read")}, {"/x": scope("orders:read")})
    earlier = read_report(write_report(guard_of(then, scope_implies=before).check_routes(app)))
    later = guard_of(now, scope_implies=after).check_routes(app)
    return [(one.effect, one.subject, one.before, one.after) for one in compare(earlier, later)]


def test_a_baseline_fails_where_scopes_imply_more_than_before() -> None:
    """That `orders:write` implies `orders:read` opens a route whose rule has not changed; that it no longer does opens none."""
    more = {"orders:write": ["orders:read"]}
    assert changes(None, more) == [("changed", "guard", "orders:write implies nothing", "orders:write implies orders:read")]
    assert changes(more, None) == []
    assert changes(more, more) == []
    # What was implied through another scope, and is now said, is the same.
    direct = {"a": ["b", "c"], "b": ["c"]}
    assert changes({"a": ["b"], "b": ["c"]}, direct) == []
    admin = {"/x": scope("orders:write")}, {"/x": scope("orders:write") | scope("orders:read")}
    assert {effect for effect, subject, *_ in changes(None, None, *admin) if subject == "/x" or subject.endswith("/x")} == {"weaker"}
    # Whoever holds `orders:write` holds `orders:read`: the rule demands less now. And the reverse.
    assert {one[0] for one in changes(more, more, {"/x": scope("orders:write")}, {"/x": scope("orders:read")})} == {"weaker"}
    assert {one[0] for one in changes(more, more, {"/x": scope("orders:read")}, {"/x": scope("orders:write")})} == {"stronger"}
    # A rule of the baseline that no caller could meet now.
    excluding = {"/x": scope("orders:write") & ~scope("orders:read")}, {"/x": scope("orders:read")}
    assert {one[0] for one in changes(None, more, *excluding)} >= {"changed"}


def test_a_report_without_the_key_is_read() -> None:
    """A baseline of a guard without a hierarchy may have been written before there were any."""
    written = write_report(guard_of(scope_implies=None).check_routes(Starlette(routes=[Route("/x", _view)])))
    del written["scope_implies"]
    assert read_report(written).scope_implies == ()
    with pytest.raises(ConfigurationError, match="not a report"):
        read_report({**written, "scope_implies": ["a"]})
