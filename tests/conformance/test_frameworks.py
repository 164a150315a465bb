"""The status table through every framework adapter: by the rules of paths, and by the requirements of views."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.support.drive import Answer, ByASGI, Request, request_view, who
from tests.support.each import noting
from tests.support.frameworks import FRAMEWORKS, site
from tests.support.frameworks.demands import BELOW, VIEWS, below, views_guard
from tests.support.people import orders_guard
from tests.support.status_table import ANN, ROWS, Row
from watchword import authenticated, optional, public, role

if TYPE_CHECKING:
    from watchword import Requirement

# Quart makes an error of a field that no server hands over, before any view is reached.
UNSERVED = {("quart", "CR LF")}
# The parser of aiohttp refuses these, or splits them, before any middleware is asked.
PARSED = {("aiohttp", "NUL"), ("aiohttp", "CR LF"), ("aiohttp", "two hosts")}
# Its router has chosen the handler before the guard is asked: what rule and view demand is one requirement (docs/decisions/0042).
AT_ONCE = {"aiohttp"}
SAME = ("cache-control", "vary", "www-authenticate", "retry-after", "x-content-type-options")


def told(answer: Answer) -> str:
    """The reason in the body; empty where the body is not the guard's."""
    return str(json.loads(answer.body)["reason"]) if answer.one("content-type") == "application/problem+json" else ""


def fields(answer: Answer) -> dict[str, list[str]]:
    """What is said to caches, and what a refusal says."""
    return {name: answer.all(name) for name in SAME}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_framework_answers_by_the_table(name: str) -> None:
    """Status, challenges, reason, principal and cache fields are those of the bare middleware."""
    guard = orders_guard()

    async def main() -> None:
        async with site(name, guard, {}) as ask:
            for row in ROWS:
                with noting(row.name):
                    answer = await ask(row.request)
                    if (name, row.name) in PARSED:
                        assert answer.status in {400, 401}
                    else:
                        check(row, answer, await ByASGI(orders_guard()).awaited(row.request))

    anyio.run(main)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("rule", [public, optional], ids=str)
@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_view_answers_as_a_rule_with_the_same_requirement(name: str, rule: Requirement) -> None:
    """Under a rule that lets everybody pass, what a view demands is all that decides. A rule `optional` refuses false credentials first."""
    guard = views_guard(rule)

    async def main() -> None:
        async with site(name, guard, VIEWS) as ask:
            for row in filter(None, map(below, ROWS)):
                if (name, row.name) in PARSED or ((name, row.name) in UNSERVED and rule == public):
                    continue
                with noting(row.name):
                    demanded = VIEWS[row.request.target] if name in AT_ONCE else None
                    before = guard.decide(request_view(row.request), demanded)
                    if before.granted:
                        check(row, await ask(row.request))
                    else:
                        assert (await ask(row.request)).status == guard.refuse(before, request_view(row.request)).status

    anyio.run(main)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_form_of_a_refusal_is_what_the_client_accepts(name: str) -> None:
    """A page for browsers, a problem for programs, and the fields alone for HEAD; of rules and of views."""
    guard = views_guard()

    async def main() -> None:
        async with site(name, guard, VIEWS) as ask:
            for path in ("/me", f"{BELOW}/me"):
                page = await ask(Request(target=path, headers=(("Accept", "text/html,*/*;q=0.8"),)))
                problem = await ask(Request(target=path, headers=(("Accept", "application/json"),)))
                head = await ask(Request(target=path, method="HEAD"))
                assert page.one("content-type") == "text/html; charset=utf-8"
                assert b"<!doctype html>" in page.body[:40].lower()
                assert told(problem) == "missing_credentials"
                assert (head.status, head.challenges) == (401, problem.challenges)
                assert head.one("content-length") == str(len(problem.body))

    anyio.run(main)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_what_is_hidden_looks_as_if_it_were_not_there(name: str) -> None:
    """The application's own 404, whether a rule or a view hides; only its path may differ."""
    guard = views_guard()

    async def main() -> None:
        async with site(name, guard, VIEWS) as ask:
            hidden = [await ask(Request(target=path, headers=(ANN,))) for path in ("/hidden", f"{BELOW}/hidden", f"{BELOW}/absent")]
            assert [answer.status for answer in hidden] == [404] * 3
            said = [answer.body.decode().replace("hidden", "absent").replace(f"{BELOW}/", "/") for answer in hidden]
            assert said[0] == said[1] == said[2]
            assert fields(hidden[1]) == fields(hidden[2])
            assert hidden[1].one("content-type") == hidden[2].one("content-type")

    anyio.run(main)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_what_is_hidden_is_answered_where_no_404_can_be_imitated(name: str) -> None:
    """A caller who may ask for no other path gets a 404 as well: the guard's own, or the framework's where no view makes it."""
    guard = orders_guard(rules={"/hidden": role("root").hidden()}, default=role("root"))

    async def main() -> None:
        async with site(name, guard, {}) as ask:
            for method in ("GET", "HEAD"):
                answer = await ask(Request(method=method, target="/hidden", headers=(ANN,)))
                assert (answer.status, answer.challenges, answer.all("cache-control")) == (404, [], ["no-store"])
                assert b"not found" in answer.body.lower() or method == "HEAD"

    anyio.run(main)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_rule_that_refuses_names_the_scope_of_the_view(name: str) -> None:
    """So that a client asks for a token with both (decision D63)."""
    guard = orders_guard(rules={f"{BELOW}/**": authenticated})

    async def main() -> None:
        async with site(name, guard, VIEWS) as ask:
            answer = await ask(Request(target=f"{BELOW}/orders"))
            assert answer.status == 401
            assert 'Bearer realm="orders", scope="orders:read"' in answer.challenges

    anyio.run(main)


def check(row: Row, answer: Answer, bare: Answer | None = None) -> None:
    """Compare an answer with its row, and with that of the bare middleware."""
    assert (answer.status, answer.challenges) == (row.status, list(row.challenges))
    if row.status == 200:
        assert answer.body.decode() == (who(bare) if bare is not None else row.who)
    else:
        assert told(answer) == row.reason
    if bare is not None and row.status != 404:
        assert fields(answer) == fields(bare)
