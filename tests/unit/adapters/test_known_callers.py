"""Tests that a caller who comes again costs little in every framework, also where the view demands something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.support.frameworks import FRAMEWORKS, site
from tests.support.wire import Request, bearer
from watchword import Bearer, Guard, Principal, authenticated, scope
from watchword.checkers import Tokens
from watchword.guard.policy import Policy

if TYPE_CHECKING:
    from watchword import RequestView

PEOPLE = Tokens({"t": Principal("ann", scopes={"read"}), "u": Principal("bob")})


async def _counted(name: str, scanned: list[RequestView]) -> list[tuple[int, int]]:
    guard = Guard(Bearer(PEOPLE), rules={}, default=authenticated)
    seen = []
    async with site(name, guard, {"/views/a": scope("read")}) as ask:
        for path, token in [("/elsewhere", "t"), ("/views/a", "t"), ("/views/a", "u")]:
            for _ in range(4):
                before = len(scanned)
                answer = await ask(Request(target=path, headers=(bearer(token),)))
                seen.append((answer.status, len(scanned) - before))
    return seen


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_known_caller_is_let_in_without_the_request_being_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the third request on no field is looked up, for a marked view too. One whom the view refuses is looked at again."""
    scanned: list[RequestView] = []
    scan = Policy.scan

    def counted(policy: Policy, view: RequestView) -> None:
        if all(view is not one for one in scanned):
            scanned.append(view)
        scan(policy, view)

    monkeypatch.setattr(Policy, "scan", counted)
    seen = anyio.run(_counted, name, scanned)
    plain, marked, refused = seen[:4], seen[4:8], seen[8:]
    assert plain[0][1] == 1
    assert plain[2:] == [(200, 0)] * 2
    assert marked[2:] == [(200, 0)] * 2
    assert {status for status, _ in refused} == {403}
    assert all(count > 0 for _, count in refused)
