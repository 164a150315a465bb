"""An adapter of 150 lines for an interface of one's own gives the answers of the others: it only interprets outcomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import own_adapter
from tests.support.drive import Answer, ByWSGI, Reply, Seen, who
from tests.support.each import noting
from tests.support.own_adapter import GuardMiddleware, OwnRequest, OwnResponse
from tests.support.people import check_token, orders_guard
from tests.support.status_table import ROWS
from tests.support.wire import Request, bearer
from watchword import ANONYMOUS, Bearer, Guard, Principal, public, role
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from watchword import Requirement


class ByOwn:
    """Through the adapter of `own_adapter.py`; with the signature of the other drivers."""

    def __init__(self, guard: Guard, reply: Reply | None = None, *, views: bool = False, requirement: Requirement | None = None) -> None:
        self._reply = reply or Reply()
        self._seen: Seen | None = None
        self._requirement = requirement
        self._middleware = GuardMiddleware(self._serve, guard, views=views)

    def __call__(self, request: Request) -> Answer:
        """Send a request."""
        self._seen = None
        own = OwnRequest(request.method, request.target, request.fields, request.client, request.scheme, request.mount)
        own.body.write(request.content)
        own.body.seek(0)
        response = self._middleware(own)
        headers = [(name.lower(), value) for name, value in response.headers]
        body = b"".join(response.body)
        response.on_close()
        return Answer(response.status, headers, body, self._seen)

    def _serve(self, request: OwnRequest) -> OwnResponse:
        path, _, query = request.target.partition("?")
        state = request.state
        headers = sorted((name.lower(), value) for name, value in request.headers)
        self._seen = Seen(state["user"], state["decision"], request.method, path, query, headers, request.body.read(), request.scheme)
        refused = None if self._requirement is None else state["exchange"].authorize(self._requirement)
        if refused is not None:
            return OwnResponse(refused.status, refused.headers, [refused.body])
        return OwnResponse(self._reply.status, list(self._reply.headers), [self._reply.body])


def test_it_is_short() -> None:
    """An adapter decides nothing, so there is little to write."""
    assert len(Path(str(own_adapter.__file__)).read_text(encoding="utf-8").splitlines()) <= 150


def test_it_answers_the_status_table_as_the_others_do() -> None:
    """Status, challenges, reason and principal."""
    for row in ROWS:
        with noting(row.name):
            answer = ByOwn(orders_guard())(row.request)
            assert (answer.status, answer.challenges) == (row.status, list(row.challenges))
            if row.status == 200:
                assert who(answer) == row.who
            elif answer.one("content-type") == "application/problem+json":
                assert json.loads(answer.body)["reason"] == row.reason
            other = ByWSGI(orders_guard())(row.request)
            assert (answer.status, answer.all("vary"), answer.all("cache-control")) == (
                other.status,
                other.all("vary"),
                other.all("cache-control"),
            )


def test_it_answers_with_the_applications_own_404() -> None:
    """For what a rule hides and for what a view hides, and in neither case is it asked for the real path again."""
    for rules, requirement in (({"/hidden": role("root").hidden()}, None), ({}, role("root").hidden())):
        with noting(str(requirement)):
            driver = ByOwn(
                Guard(Bearer(check_token), rules=rules), Reply(404, (), b"mine"), views=requirement is not None, requirement=requirement
            )
            answer = driver(Request(target="/hidden", headers=(bearer("bob-token"),)))
            assert (answer.status, answer.one("cache-control")) == (404, "no-store")
            assert answer.seen is not None
            assert answer.seen.path != "/hidden"


def test_it_asks_a_cors_layer_inside() -> None:
    """Without anything that identifies the client, and without content in the answer."""
    cors = Reply(200, (("Access-Control-Allow-Origin", "*"), ("Set-Cookie", "a=b")), b"secret")
    fields = (("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET"), bearer("ann-token"))
    answer = ByOwn(Guard(Bearer(check_token), default=role("root"), cors_inside=True), cors)(
        Request(method="OPTIONS", target="/orders", headers=fields)
    )
    assert (answer.status, answer.body, answer.one("access-control-allow-origin"), answer.one("set-cookie")) == (200, b"", "*", None)
    assert answer.seen is not None
    assert (answer.seen.principal, answer.seen.carries("authorization")) == (ANONYMOUS, False)


@pytest.mark.parametrize(("token", "status"), [("", 401), ("s", 403), ("t", 200)])
def test_a_view_with_a_requirement_is_asked_for_in_one_line(token: str, status: int) -> None:
    """Under a public rule too."""
    people: dict[str, Any] = {"t": Principal("ann", roles={"admin"}), "s": Principal("bob")}
    driver = ByOwn(Guard(Bearer(Tokens(people)), default=public), views=True, requirement=role("admin"))
    assert driver(Request(target="/", headers=(bearer(token),) if token else ())).status == status
