"""Tests that a caller who comes again costs little in every framework, also where the view demands something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.support.frameworks import FRAMEWORKS, site
from tests.support.wire import Request, bearer
from watchword import Bearer, Guard, Principal, authenticated, scope
from watchword.checkers import Tokens

if TYPE_CHECKING:
    from watchword import RequestView

PEOPLE = Tokens({"t": Principal("ann", scopes={"read"}), "u": Principal("bob")})


class Counting:
    """A step for each request that is read in full."""

    fields = ("x-forwarded-for",)

    def __init__(self) -> None:
        self.asked = 0

    def resolve(self, view: RequestView) -> None:
        """Count it."""
        self.asked += 1


async def _counted(name: str) -> list[tuple[int, int]]:
    counting = Counting()
    guard = Guard(Bearer(PEOPLE), rules={}, default=authenticated, proxies=counting)
    seen = []
    async with site(name, guard, {"/views/a": scope("read")}) as ask:
        for path, token in [("/elsewhere", "t"), ("/views/a", "t"), ("/views/a", "u")]:
            for _ in range(4):
                before = counting.asked
                answer = await ask(Request(target=path, headers=(bearer(token),)))
                seen.append((answer.status, counting.asked - before))
    return seen


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_known_caller_is_let_in_without_the_request_being_read(name: str) -> None:
    """From the third request on no field is looked up, for a marked view too. One whom the view refuses is looked at again."""
    seen = anyio.run(_counted, name)
    plain, marked, refused = seen[:4], seen[4:8], seen[8:]
    assert plain[0][1] == 1
    assert plain[2:] == [(200, 0)] * 2
    assert marked[2:] == [(200, 0)] * 2
    assert {status for status, _ in refused} == {403}
    assert all(count > 0 for _, count in refused)
