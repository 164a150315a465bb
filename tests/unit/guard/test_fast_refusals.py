"""What the fast path refuses is what the full path would have refused, and is kept within bounds."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import Recorder
from tests.support.drive import ByASGI, ByWSGI, Reply
from tests.support.wire import Request, bearer
from watchword import Bearer, BearerToken, Evidence, Guard, Operation, Principal, optional, role
from watchword.checkers import FlowChecker, Tokens
from watchword.grammar import Challenge
from watchword.guard.fast_path import MOST_GRANTS
from watchword.peer import Forwarded
from watchword.schemes import ChallengeParams

if TYPE_CHECKING:
    from watchword import RequestView, Verdict
    from watchword.operation import Steps

DRIVERS = pytest.mark.parametrize("driver", [ByASGI, ByWSGI])
TABLE = Tokens({"ann": Principal("ann"), "bob": Principal("bob", roles=["a"])})


def guard(rules: int = 1, **settings: Any) -> Guard:
    """Make a guard with so many rules that Ann does not meet."""
    return Guard(Bearer(TABLE), rules={f"/{number}": role("a") for number in range(rules)}, **settings)


def settled(driver: Any, made: Guard, *headers: tuple[str, str]) -> Any:
    """Return what sends requests, once the guard has answered such a request and can do it again without the full path."""
    send = driver(made)
    for _ in range(2):
        send(Request(target="/0", headers=headers))
    del made._deciding  # whoever takes the full path misses it
    return send


@DRIVERS
@pytest.mark.parametrize("sent", [(), (bearer("ann"),)], ids=["nothing", "without rights"])
def test_each_refusal_has_the_id_of_its_request(driver: Any, sent: tuple[tuple[str, str], ...]) -> None:
    """One that the client sent, if it is one, else another one each time."""
    send = settled(driver, guard(), *sent)

    def told(*headers: tuple[str, str]) -> str:
        answer = send(Request(target="/0", headers=(*sent, ("Accept", "application/json"), *headers)))
        assert dict(answer.headers)["content-length"] == str(len(answer.body))
        return str(json.loads(answer.body)["request_id"])

    assert told(("X-Request-Id", "req-1")) == "req-1"
    assert told(("x-REQUEST-id", "req-2")) == "req-2"
    assert len({told() for _ in range(5)} | {told(("X-Request-Id", "no id")), "req-1", "req-2"}) == 8


@DRIVERS
def test_the_form_is_that_of_this_request(driver: Any) -> None:
    """Neither Accept, nor the method, nor the origin of one request is taken for that of the next."""
    send = settled(driver, guard(cors_expose=True))

    def answered(method: str, *headers: tuple[str, str]) -> tuple[str, bool, bool]:
        answer = send(Request(method=method, target="/0", headers=headers))
        fields = dict(answer.headers)
        return fields["content-type"].partition(";")[0], bool(answer.body), "access-control-expose-headers" in fields

    page, script = ("Accept", "text/html"), ("Origin", "https://a.example")
    for _ in range(2):
        assert answered("GET", page) == ("text/html", True, False)
        assert answered("GET", ("Accept", "application/json"), script) == ("application/problem+json", True, True)
        assert answered("GET") == ("application/problem+json", True, False)
        assert answered("GET", ("ACCEPT", "text/html;q=0.9"), ("accept", "text/plain;q=0.2")) == ("text/html", True, False)


@DRIVERS
def test_an_answer_to_head_has_no_content(driver: Any) -> None:
    """And the length that the content would have (RFC 9110 §9.3.2)."""
    made = guard()
    send = driver(made)
    for _ in range(3):
        by_head, by_get = (send(Request(method=method, target="/0", headers=(("X-Request-Id", "r"),))) for method in ("HEAD", "GET"))
        assert (by_head.body, by_head.headers) == (b"", by_get.headers)


async def at_once() -> None:
    """Do nothing, without waiting for it."""


class Slow(FlowChecker[BearerToken]):
    """Takes a step for each check, so that the cache answers the next time."""

    def flow(self, credentials: BearerToken) -> Steps[Verdict]:
        """Look the token up, after a step."""
        yield Operation(lambda: None, at_once)
        return TABLE.check(credentials)


@DRIVERS
def test_the_refusals_of_a_caller_are_bounded(driver: Any) -> None:
    """One who may not use many rules is refused by each, and only a few decisions are kept."""
    made = Guard(Bearer(Slow()), rules={f"/{number}": role("a") for number in range(3 * MOST_GRANTS)})
    send = driver(made)
    for _ in range(3):
        for number in range(3 * MOST_GRANTS):
            assert send(Request(target=f"/{number}", headers=(bearer("ann"),))).status == 403
            assert send(Request(target=f"/{number}", headers=(bearer("bob"),))).status == 200
    kept = {fact.principal.id: fact.refusals for fact in made.fast_path._facts.values()}
    assert 0 < len(kept["ann"]) <= MOST_GRANTS
    assert not kept["bob"]


class Renewed(Bearer):
    """Asks with something new every time."""

    made = 0

    def challenge(self, params: ChallengeParams = ChallengeParams()) -> Challenge:  # noqa: B008 - a value
        """Return another challenge."""
        self.made += 1
        return Challenge(self.name, {"realm": self.realm, "nonce": str(self.made)})


@DRIVERS
@pytest.mark.parametrize("sent", [(), (bearer("ann"),)], ids=["nothing", "without rights"])
def test_a_challenge_that_changes_is_never_kept(driver: Any, sent: tuple[tuple[str, str], ...]) -> None:
    """A nonce goes out once."""
    made = Guard(Renewed(TABLE), rules={"/0": role("a")})
    send = driver(made)
    asked = [dict(send(Request(target="/0", headers=sent)).headers).get("www-authenticate") for _ in range(4)]
    assert asked == [None] * 4 if sent else len(set(asked)) == 4
    assert not made.fast_path.refuses


@DRIVERS
def test_a_wrong_token_is_looked_at_again(driver: Any) -> None:
    """Refused credentials are never kept: what is wrong today may be right tomorrow."""
    checker = Recorder()
    send = driver(Guard(Bearer(checker), rules={"/": optional}))
    for _ in range(3):
        assert send(Request(target="/x", headers=(bearer("wrong"),))).status == 401
        assert send(Request(target="/x")).status == 401
    assert len(checker.asked) == 3


class Hop:
    """Believes whoever sends the field."""

    fields = ("X-Forwarded-For",)

    def resolve(self, view: RequestView) -> Forwarded | None:
        """Return what is said."""
        return Forwarded(view.field("x-forwarded-for"))


@DRIVERS
def test_the_log_names_the_client_behind_a_proxy(driver: Any, caplog: pytest.LogCaptureFixture) -> None:
    """And the id that stands in the body, on both paths."""
    caplog.set_level(logging.INFO, logger="watchword")
    send = driver(guard(proxies=Hop()))
    for number in range(3):
        send(Request(target="/0", headers=(("X-Forwarded-For", f"192.0.2.{number}"), ("X-Request-Id", f"r{number}"))))
    facts = [record.__dict__["watchword"] for record in caplog.records]
    assert [(fact["client"], fact["request_id"], fact["path"]) for fact in facts] == [(f"192.0.2.{n}", f"r{n}", "/0") for n in range(3)]


@DRIVERS
def test_a_refusal_over_tls_is_none_in_the_clear(driver: Any) -> None:
    """What a rule answers over https is not what it answers where nothing is looked at (decision D20)."""
    send = driver(guard(require_tls=True))
    for _ in range(3):
        statuses = [send(Request(target="/0", client="192.0.2.7", scheme=scheme)).status for scheme in ("https", "http")]
        assert statuses == [401, 403]


@DRIVERS
@pytest.mark.parametrize("sent", [(), (bearer("ann"),)], ids=["nothing", "without rights"])
def test_a_preflight_is_answered_where_the_same_method_was_refused(driver: Any, sent: tuple[tuple[str, str], ...]) -> None:
    """A CORS layer inside is asked each time (decision D57), whatever was refused at the same target before."""
    made = guard(cors_inside=True)
    send = driver(made, Reply(headers=(("Access-Control-Allow-Origin", "*"),)))
    preflight = (("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET"), *sent)
    for _ in range(3):
        plain, asked = (send(Request(method="OPTIONS", target="/0", headers=headers)).status for headers in (sent, preflight))
        assert (plain, asked) == (403 if sent else 401, 200)


@DRIVERS
def test_credentials_that_count_from_some_places_are_asked_where_they_come_from(driver: Any) -> None:
    """The answer of one place is not that of another: 403 where they count, and 401 where they do not."""
    near = Tokens({"cid": Principal("cid", evidence=Evidence(networks=("10.0.0.0/8",)))})
    send = driver(Guard(Bearer(near), rules={"/0": role("a")}))
    for _ in range(3):
        statuses = [send(Request(target="/0", headers=(bearer("cid"),), client=client)).status for client in ("10.0.0.1", "192.0.2.7")]
        assert statuses == [403, 401]
