"""What caches are told (RFC 9111 §3, RFC 9110 §12.5.5 and §16.4.2, D58): refusals are not stored, and little of the rest is touched."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.drive import Reply, Request, basic, bearer, request_view
from tests.support.each import each
from tests.support.people import KEYS, Counting, check_password, check_token, orders_guard
from tests.support.status_table import ROWS
from watchword import (
    ANONYMOUS,
    APIKey,
    Basic,
    Bearer,
    BearerToken,
    Failed,
    Granted,
    Guard,
    Principal,
    Reason,
    Throttled,
    authenticated,
    network,
    optional,
    public,
    role,
    via,
    where,
)
from watchword.authorization.requirement import Requirement
from watchword.authorization.value import YES, Value
from watchword.checkers.adapt import nonblocking
from watchword.principal import Evidence

if TYPE_CHECKING:
    from tests.support.drive import Answer, Behind, Through
    from watchword.authorization.context import EvaluationContext

SHARED = ("public", "s-maxage", "must-revalidate", "proxy-revalidate")
PLAIN = ("Content-Type", "text/plain")


def all_guard(**settings: Any) -> Guard:
    """A guard with every carrier there is."""
    return Guard(
        Basic(check_password, realm="orders"),
        Bearer(check_token, query=True, form=True),
        APIKey(KEYS, cookie="key", query="api_key"),
        rules={"/": optional, "/public": public},
        **settings,
    )


CARRIERS = {
    "Basic": Request(target="/me", headers=(basic("ann", "s3cret"),)),
    "Bearer": Request(target="/me", headers=(bearer("ann-token"),)),
    "ApiKey in Authorization": Request(target="/me", headers=(("Authorization", "ApiKey ann-key"),)),
    "key field": Request(target="/me", headers=(("X-API-Key", "ann-key"),)),
    "cookie": Request(target="/me", headers=(("Cookie", "key=ann-key"),)),
    "form": Request(
        method="POST", target="/me", headers=(("Content-Type", "application/x-www-form-urlencoded"),), body=b"access_token=ann-token"
    ),
    "token in the query": Request(target="/me?access_token=ann-token"),
    "key in the query": Request(target="/me?api_key=ann-key"),
    "nobody": Request(target="/public"),
    "nobody, optional": Request(target="/"),
    "somebody, optional": Request(target="/", headers=(bearer("ann-token"),)),
}


def served(behind: Behind, carrier: str, *headers: tuple[str, str], status: int = 200) -> Answer:
    """What comes back for a carrier, where the application answers with these fields."""
    answer = behind(all_guard(), Reply(status, (PLAIN, *headers)))(CARRIERS[carrier])
    assert answer.status == status
    return answer


def test_R9110_12_5_5_1_no_vary_where_authorization_came(behind: Behind) -> None:
    """A response to a request with Authorization needs no Vary, and gets none; nothing of it is touched at all."""
    for carrier in ("Basic", "Bearer", "ApiKey in Authorization", "somebody, optional"):
        assert served(behind, carrier).headers == [("content-type", "text/plain")]


def test_R9110_16_4_2_2_other_carriers_are_private(behind: Behind) -> None:
    """A response to a key or a cookie is private: no cache would know that it is for one caller alone."""
    for carrier in ("key field", "cookie", "form"):
        assert served(behind, carrier).headers == [("content-type", "text/plain"), ("cache-control", "private")]


def test_R9111_3_1_refusals_are_not_stored(through: Through) -> None:
    """Every response of the guard's own says no-store, and nothing else about caching."""
    driver = through(orders_guard())
    statuses = set()
    for row in ROWS:
        answer = driver(row.request)
        if not answer.called and answer.status != 200:
            statuses.add(answer.status)
            assert answer.all("cache-control") == ["no-store"]
    assert {400, 401, 403, 431, 503} <= statuses


def test_R9111_3_1_a_proxy_refusal_is_not_stored(through: Through) -> None:
    """A 407 says no-store as well."""
    answer = through(Guard(Basic(check_password, realm="p"), proxy=True))(Request(target="/me"))
    assert (answer.status, answer.all("cache-control")) == (407, ["no-store"])


def test_R9111_3_2_hidden_and_missing_pages_are_not_stored(behind: Behind) -> None:
    """The 404 that hides and the 404 that it imitates are both no-store, so that no cache serves them to another caller (decision D12)."""
    guard = Guard(Bearer(check_token), rules={"/hidden": role("root").hidden(), "/public/**": public})
    driver = behind(guard, Reply(404, (PLAIN, ("Cache-Control", "max-age=60")), b"Not found"))
    hidden = driver(Request(target="/hidden", headers=(bearer("ann-token"),)))
    missing = driver(Request(target="/nothing", headers=(bearer("ann-token"),)))
    nobody = driver(Request(target="/public/nothing"))
    for answer in (hidden, missing, nobody):
        assert (answer.status, answer.all("cache-control"), answer.body) == (404, ["no-store"], b"Not found")
    assert hidden.headers == missing.headers == nobody.headers


def test_R9111_3_2_without_hidden_routes_a_404_is_the_applications(behind: Behind) -> None:
    """Where nothing is hidden, a 404 of the application is not touched."""
    assert served(behind, "Bearer", ("Cache-Control", "max-age=60"), status=404).one("cache-control") == "max-age=60"


@each("carrier", CARRIERS)
def test_R9111_3_5_1_sharing_is_never_allowed(carrier: str, behind: Behind) -> None:
    """No directive that lets a shared cache reuse a response is ever added."""
    for status in (200, 204, 301, 304, 404, 500):
        said = ",".join(served(behind, carrier, status=status).all("cache-control")).lower()
        assert not any(directive in said for directive in SHARED)


@each("said", ["public, max-age=60", "s-maxage=10", "must-revalidate", "no-store", "max-age=0", "private=x", ""])
@each("carrier", CARRIERS)
def test_R9111_3_5_2_the_application_has_the_last_word(said: str, carrier: str, behind: Behind) -> None:
    """A Cache-Control of the application stays as it is, on every carrier: there is no strict mode that rewrites it."""
    assert served(behind, carrier, ("Cache-Control", said)).all("cache-control") == [said]


def test_R9111_3_5_3_keys_and_cookies_are_private_unless_said_otherwise(behind: Behind) -> None:
    """Private is added where the application said nothing, and not where it did, in whatever letter case."""
    for carrier in ("key field", "cookie", "form"):
        assert served(behind, carrier).all("cache-control") == ["private"]
        assert served(behind, carrier, ("cache-control", "no-store")).all("cache-control") == ["no-store"]
        assert served(behind, carrier, ("CACHE-CONTROL", "no-store")).all("cache-control") == ["no-store"]


def test_R9111_3_5_4_an_optional_route_varies(behind: Behind) -> None:
    """An anonymous response of an optional route varies on every field that could have carried credentials."""
    assert served(behind, "nobody, optional").all("vary") == ["Authorization, Cookie, X-API-Key"]
    small = Guard(Bearer(check_token), rules={"/": optional})
    assert behind(small)(Request(target="/")).all("vary") == ["Authorization"]


def test_R9111_3_5_4_a_public_response_does_not_vary(behind: Behind) -> None:
    """It depends on no credentials."""
    assert served(behind, "nobody").headers == [("content-type", "text/plain")]


@pytest.mark.parametrize(
    ("own", "merged"),
    [
        (["Accept-Encoding"], "Accept-Encoding, Authorization"),
        (["accept-encoding, authorization"], "accept-encoding, authorization"),
        (["AUTHORIZATION"], "AUTHORIZATION"),
        (["Accept", "Origin"], "Accept, Origin, Authorization"),
        (["Accept,,  Origin ,"], "Accept, Origin, Authorization"),
        ([""], "Authorization"),
    ],
)
def test_R9111_4_1_1_vary_is_merged(own: list[str], merged: str, behind: Behind) -> None:
    """Vary is merged with the application's into one field, and nothing is named twice."""
    guard = Guard(Bearer(check_token), rules={"/": optional})
    answer = behind(guard, Reply(200, (PLAIN, *(("Vary", value) for value in own))))(Request(target="/"))
    assert answer.all("vary") == [merged]


@pytest.mark.parametrize("own", [["*"], ["Accept, *"], ["Accept", "*"]])
def test_R9111_4_1_1_an_asterisk_stays(own: list[str], behind: Behind) -> None:
    """A Vary with an asterisk says all there is to say."""
    guard = Guard(Bearer(check_token), rules={"/": optional})
    answer = behind(guard, Reply(200, (PLAIN, *(("Vary", value) for value in own))))(Request(target="/"))
    assert answer.all("vary") == own


def test_R6750_2_3_2_a_token_in_the_query_is_not_stored(behind: Behind) -> None:
    """A response to a token or key in the query is not stored at all: its URL is a secret (decision D36)."""
    for carrier in ("token in the query", "key in the query"):
        assert served(behind, carrier).all("cache-control") == ["no-store"]


@pytest.mark.parametrize("decision", [Throttled(reason=Reason.THROTTLED, retry_after=30), Failed(reason=Reason.OVERLOADED, retry_after=2)])
def test_R6585_4_2_waiting_is_not_stored(decision: Throttled | Failed) -> None:
    """429 and 503 say no-store and when to come back, to the last whole second, and ask for no credentials."""
    guard = orders_guard()
    refusal = guard.refuse(decision, request_view(Request()))
    headers = dict(refusal.headers)
    assert refusal.status == (429 if isinstance(decision, Throttled) else 503)
    assert (headers["Cache-Control"], headers["Retry-After"]) == ("no-store", str(decision.retry_after))
    assert "WWW-Authenticate" not in headers


def test_D58_an_outage_is_never_served_from_the_optional_side(behind: Behind) -> None:
    """Where identity could not be checked and is not needed, the response still varies on nothing wrong: it is a refusal."""
    answer = behind(Guard(Bearer(check_token), rules={"/": optional}))(Request(target="/", headers=(bearer("outage"),)))
    assert (answer.status, answer.one("cache-control"), answer.called) == (503, "no-store", False)


def test_D58_alternatives_met_without_identity_do_not_touch_the_response(behind: Behind) -> None:
    """A rule that the request alone meets adds nothing: no caller was identified."""
    checker = Counting()
    guard = Guard(Bearer(checker), rules={"/": public | role("x")})
    answer = behind(guard)(Request(target="/", headers=(bearer("t"),)))
    assert (answer.headers, checker.asked) == ([("content-type", "text/plain")], [])


INSIDE, OUTSIDE = "10.1.2.3", "192.0.2.1"
ANN = (bearer("ann-token"),)


class OwnRequirement(Requirement):
    """A requirement of an application's own that says nothing about caches."""

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return YES."""
        return YES


by_address = where(lambda view: view.client == INSIDE, name="inside", request_only=True)
by_both = where(lambda principal, view: principal.is_authenticated or view.client == INSIDE, name="either")


@each("headers", [(), ANN])
@pytest.mark.parametrize(
    "requirement",
    [
        network("10.0.0.0/8"),
        ~network("192.0.2.0/24"),
        network("10.0.0.0/8") | role("admin"),
        role("admin") | network("10.0.0.0/8"),
        network("10.0.0.0/8") & public,
        optional & network("10.0.0.0/8"),
        optional & ~network("192.0.2.0/24"),
        optional | network("10.0.0.0/8"),
        (role("admin") & via("Bearer")) | ~network("192.0.2.0/24"),
        network("10.0.0.0/8").hidden(),
        network("10.0.0.0/8").from_any_origin(),
        by_address,
        ~where(lambda view: view.client != INSIDE, name="outside", request_only=True),
        by_address | authenticated,
        by_both,
        pytest.param(OwnRequirement(), id="a requirement of one's own"),
    ],
    ids=str,
)
def test_R9111_3_5_3_a_grant_that_reads_the_request_is_private(
    requirement: Requirement, headers: tuple[tuple[str, str], ...], behind: Behind
) -> None:
    """A shared cache cannot tell addresses apart: what a rule grants by them is private, to anonymous and to known callers."""
    driver = behind(Guard(Bearer(check_token), rules={"/": requirement}))
    first, again = (driver(Request(target="/", client=INSIDE, headers=headers)) for _ in range(2))
    for answer in (first, again):
        assert (answer.status, answer.all("cache-control")) == (200, ["private"])
    said = behind(Guard(Bearer(check_token), rules={"/": requirement}), Reply(200, (("Cache-Control", "max-age=60"),)))
    assert said(Request(target="/", client=INSIDE, headers=headers)).all("cache-control") == ["max-age=60"]


@pytest.mark.parametrize("rule", ["/x", "GET /x", "/{name}", "/**"])
def test_R9111_3_5_3_so_is_a_default_and_a_rule_of_two_methods(rule: str, behind: Behind) -> None:
    """It makes no difference where the requirement comes from: a rule, the default, or the rules of two methods together."""
    inside = network("10.0.0.0/8")
    for guard in (Guard(Bearer(check_token), default=inside), Guard(Bearer(check_token), rules={rule: inside})):
        for method in ("GET", "HEAD") if rule == "GET /x" else ("GET", "HEAD", "QUERY"):
            answer = behind(guard)(Request(method=method, target="/x", client=INSIDE))
            assert (answer.status, answer.all("cache-control")) == (200, ["private"])


def test_D58_an_optional_route_that_reads_the_request_varies_as_well(behind: Behind) -> None:
    """The anonymous answer names the fields of credentials too: they matter to the cache of a browser."""
    answer = behind(Guard(Bearer(check_token), rules={"/": optional & ~network("192.0.2.0/24")}))(Request(target="/", client=INSIDE))
    assert (answer.all("vary"), answer.all("cache-control")) == (["Authorization"], ["private"])


def test_D58_a_rule_about_the_caller_alone_adds_nothing(behind: Behind) -> None:
    """A predicate that sees no request, or a public part, leaves a response to Authorization as it is."""
    for requirement in (authenticated, role("admin") & authenticated, where(lambda principal: principal.is_authenticated, name="known")):
        answer = behind(Guard(Bearer(check_token), rules={"/": requirement}))(Request(target="/", headers=ANN))
        assert answer.headers == [("content-type", "text/plain")]


def test_R9111_3_5_3_credentials_that_count_from_some_networks_are_private(behind: Behind) -> None:
    """The address decides there too, on the first request and for cached callers."""

    @nonblocking
    def check(credentials: BearerToken) -> Principal:
        return Principal("ann", evidence=Evidence(networks=("10.0.0.0/8",)))

    driver = behind(Guard(Bearer(check)))
    for _ in range(3):
        assert driver(Request(target="/", client=INSIDE, headers=ANN)).all("cache-control") == ["private"]


@pytest.mark.parametrize("headers", [(), ANN], ids=["anonymous", "known"])
def test_R9111_3_5_3_what_require_tls_grants_to_loopback_is_private(headers: tuple[tuple[str, str], ...], behind: Behind) -> None:
    """Over http only the loopback address is served, and a cache for all addresses does not know that; over https nothing is added."""
    driver = behind(Guard(Bearer(check_token), rules={"/": optional, "/public": public}, require_tls=True))
    assert driver(Request(target="/", client="127.0.0.1", headers=headers)).all("cache-control") == ["private"]
    assert driver(Request(target="/", client=OUTSIDE, scheme="https", headers=headers)).all("cache-control") == []
    assert driver(Request(target="/public", client=OUTSIDE, headers=headers)).all("cache-control") == []


def test_R9111_3_5_3_what_a_proxy_grants_is_private(behind: Behind) -> None:
    """Shared caches know Authorization (RFC 9111 §3.5), and not Proxy-Authorization."""
    driver = behind(Guard(Basic(check_password, realm="p"), proxy=True))
    answer = driver(Request(target="/", headers=(("Proxy-Authorization", basic("ann", "s3cret")[1]),)))
    assert (answer.status, answer.all("cache-control")) == (200, ["private"])


def test_D58_the_decision_holds_the_cache_advice_for_custom_servers() -> None:
    """`decision.cache` is the same for a server without an adapter."""
    guard = Guard(Bearer(check_token), rules={"/": network("10.0.0.0/8"), "/p": public})
    decision = guard.decide(request_view(Request(target="/", client=INSIDE)))
    assert isinstance(decision, Granted)
    assert (decision.principal, decision.cache.cache_control) == (ANONYMOUS, "private")
    decision = guard.decide(request_view(Request(target="/p", client=INSIDE)))
    assert isinstance(decision, Granted)
    assert not decision.cache
