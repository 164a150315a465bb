"""API keys: no RFC gives them a scheme, so what is done is decided here (D17, D18, D55; draft-ietf-httpapi-privacy)."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.drive import Request, basic, bearer, who
from tests.support.each import each
from tests.support.people import KEYS, Counting, check_token, orders_guard
from watchword import ANONYMOUS, APIKey, APIKeyCredentials, Bearer, ConfigurationError, Guard, Principal, Reason, Refused, Verdict, public
from watchword.checkers import Tokens
from watchword.checkers.adapt import nonblocking

if TYPE_CHECKING:
    from tests.support.drive import Through


def me(*headers: tuple[str, str], target: str = "/me", **more: Any) -> Request:
    """A request with these fields."""
    return Request(target=target, headers=headers, **more)


def key(value: str) -> tuple[str, str]:
    """A key in its usual field."""
    return "X-API-Key", value


PRESENTED = [(), (key("ann-key"),), (key("wrong"),), (basic("ann", "s3cret"),), (basic("ann", "x"),), (bearer("outage"),), (bearer("a b"),)]


@pytest.mark.parametrize("accept", ["*/*", "text/html", "text/plain"])
def test_RHTTPAPI_1_plaintext_is_403_and_no_redirect(accept: str, through: Through) -> None:
    """With require_tls, whatever is sent in the clear is answered 403, never redirected and never asked for more."""
    driver = through(orders_guard(require_tls=True))
    for headers in PRESENTED:
        answer = driver(me(*headers, ("Accept", accept)))
        assert (answer.status, answer.challenges, answer.one("location"), answer.called) == (403, [], None, False)


@pytest.mark.parametrize("accept", ["*/*", "text/html", "text/plain"])
def test_RHTTPAPI_2_plaintext_answers_are_equal(accept: str, through: Through) -> None:
    """The plaintext answer is the same to the last octet, whether credentials are right, wrong, malformed or absent."""
    ids = iter(range(1000))
    driver = through(orders_guard(require_tls=True, request_id=lambda: f"id-{next(ids)}"))
    answers = {
        (answer.status, tuple(answer.headers), answer.body) for answer in (driver(me(*sent, ("Accept", accept))) for sent in PRESENTED)
    }
    assert len(answers) == 1


def test_RHTTPAPI_2_a_request_id_of_the_client_makes_no_difference(through: Through) -> None:
    """Not even the client's own request id shows in the plaintext answer."""
    driver = through(orders_guard(require_tls=True))
    assert driver(me(("X-Request-Id", "mine"))).body == driver(me()).body


def test_D20_public_routes_and_loopback_are_served_over_http(through: Through) -> None:
    """`require_tls=True` exempts both."""
    driver = through(orders_guard(require_tls=True))
    assert driver(me(target="/healthz")).status == 200
    assert driver(me(target="/")).status == 403
    assert driver(me(client="127.9.9.9")).status == 401
    assert driver(me(scheme="https")).status == 401


def test_RKEY_1_a_missing_key_is_asked_for(through: Through) -> None:
    """A 401 for want of a key has a challenge, of a scheme that is not registered and says what it is."""
    for headers in ((), (key("wrong"),)):
        answer = through(Guard(APIKey(KEYS)))(me(*headers))
        assert (answer.status, answer.challenges) == (401, ['ApiKey realm="api"'])
    assert through(Guard(APIKey(KEYS, realm="orders")))(me()).challenges == ['ApiKey realm="orders"']


def test_RKEY_2_one_key_in_one_place(through: Through) -> None:
    """A key that comes twice, in one carrier or in two, is 400."""
    driver = through(Guard(APIKey(KEYS, query="api_key", cookie="key"), Bearer(check_token)))
    twice = [
        me(key("ann-key"), key("ann-key")),
        me(key("ann-key,ann-key")),
        me(key("ann-key"), target="/me?api_key=ann-key"),
        me(target="/me?api_key=ann-key&api_key=ann-key"),
        me(target="/me?api_key=ann-key&api%5fkey=ann-key"),
        me(key("ann-key"), ("Authorization", "ApiKey ann-key")),
        me(("Authorization", "ApiKey ann-key"), target="/me?api_key=ann-key"),
        me(("Cookie", "key=ann-key; key=bob-key")),
        me(key("ann-key"), bearer("ann-token")),
    ]
    for request in twice:
        answer = driver(request)
        assert (answer.status, answer.called) == (400, False), request


def test_RKEY_2_the_query_is_off_by_default(through: Through) -> None:
    """A key in the query counts where it was asked for, by the name that was given."""
    request = me(target="/me?api_key=ann-key")
    assert through(Guard(APIKey(KEYS)))(request).status == 401
    assert through(Guard(APIKey(KEYS, query="key")))(request).status == 401
    answer = through(Guard(APIKey(KEYS, query="api_key")))(request)
    assert (answer.status, who(answer)) == (200, "ann")


@each("reason", [Reason.UNKNOWN_IDENTITY, Reason.REVOKED, Reason.EXPIRED, Reason.DISABLED, Reason.LOCKED, None])
def test_RKEY_3_refused_keys_look_alike(reason: Reason | None, through: Through) -> None:
    """Unknown, revoked and expired keys get the same answer, to the last octet."""

    @nonblocking
    def check(credentials: APIKeyCredentials) -> Verdict | None:
        return None if reason is None else Refused(reason)

    refused = through(Guard(APIKey(check), request_id=lambda: "x"))(me(key("k")))
    unknown = through(Guard(APIKey(KEYS), request_id=lambda: "x"))(me(key("k")))
    assert (refused.status, refused.headers, refused.body) == (401, unknown.headers, unknown.body)


def test_RKEY_3_keys_are_kept_as_digests() -> None:
    """The table holds SHA-256 digests, and no key."""
    table = Tokens({"ann-key": Principal("ann")})._table
    assert [len(digest) for digest in table] == [32]
    assert b"ann-key" not in b"".join(table)


def test_D55_the_carriers(through: Through) -> None:
    """The field of one's choice, `Authorization: ApiKey`, the query and the cookie, each where it was asked for."""
    checker = Counting()
    driver = through(Guard(APIKey(checker, header="X-Token", query="k", cookie="c")))
    sent = [me(("X-Token", "t")), me(("Authorization", "ApiKey t")), me(target="/me?k=t"), me(("Cookie", "a=b; c=t"))]
    assert [driver(request).status for request in sent] == [200] * 4
    assert [asked.carrier for asked in checker.asked] == ["header", "authorization", "query", "cookie"]
    assert driver(me(key("t"))).status == 401


def test_D55_a_scheme_may_do_without_the_field(through: Through) -> None:
    """header=None: the usual field is no credential then."""
    driver = through(Guard(APIKey(KEYS, header=None)))
    assert [driver(request).status for request in (me(key("ann-key")), me(("Authorization", "ApiKey ann-key")))] == [401, 200]


@pytest.mark.parametrize("value", ["", " ", "\t"], ids=repr)
def test_an_empty_key_is_malformed(value: str, through: Through) -> None:
    """A key field without a key is 400: the client tried."""
    assert through(orders_guard())(me(key(value))).status == 400


def test_an_emptied_cookie_is_none(through: Through) -> None:
    """A cookie that was deleted by setting it to nothing is no credential."""
    driver = through(Guard(APIKey(KEYS, cookie="key"), rules={"/": public}))
    answer = driver(me(("Cookie", "key=; a=b")))
    assert (answer.status, driver(me(("Cookie", "key="), target="/")).principal) == (401, ANONYMOUS)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"header": "Authorization"}, "grammar of its own"),
        ({"header": "Cookie"}, "grammar of its own"),
        ({"header": "X API Key"}, "token"),
        ({"header": "X_API_Key"}, "underscore"),
        ({"header": ""}, "token"),
        ({"query": ""}, "name"),
        ({"cookie": "a=b"}, "token"),
        ({"realm": ""}, "realm"),
    ],
)
def test_names_that_cannot_work_are_mistakes(settings: dict[str, str], why: str) -> None:
    """A carrier that could never be sent, or has a meaning of its own, is refused at construction."""
    with pytest.raises(ConfigurationError, match=why):
        APIKey(KEYS, **settings)
