"""Many callers at the same time, through every framework adapter: no view sees another caller than its own."""

from __future__ import annotations

from random import Random

import anyio
import anyio.to_thread
import pytest

from tests.support.frameworks import FRAMEWORKS, meeting, site
from tests.support.wire import Request, basic, bearer
from watchword import Basic, BasicCredentials, Bearer, BearerToken, Guard, Principal, authenticated, optional, public
from watchword.checkers.adapt import nonblocking

CALLERS = 50


@nonblocking
def by_token(credentials: BearerToken) -> Principal | None:
    """Know everybody whose name is the token."""
    return Principal(credentials.token) if credentials.token.startswith("caller") else None


def by_password(credentials: BasicCredentials) -> Principal | None:
    """Know everybody by their own name, from a thread."""
    return Principal(credentials.username) if credentials.username == credentials.password else None


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", ["/me", "/view"])
@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_view_sees_its_own_caller(name: str, path: str) -> None:
    """Fifty callers are in views at the same time, twice, while others are refused: each is told its own name, and no other."""
    guard = Guard(Basic(by_password, realm="r"), Bearer(by_token, realm="r"), rules={"/view": public, "/": optional})
    rng = Random(f"{name} {path}")
    said: dict[int, tuple[int, str]] = {}

    async def main() -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 3 * CALLERS
        async with site(name, guard, {"/view": authenticated}) as ask:

            async def call(number: int, request: Request) -> None:
                answer = await ask(request)
                said[number] = answer.status, answer.body.decode() if answer.status == 200 else ""

            for _ in range(2):  # the second time on the fast path, and from the cache
                said.clear()
                shown = [basic(f"caller-{n}", f"caller-{n}") if n % 2 else bearer(f"caller-{n}") for n in range(CALLERS)]
                shown += [rng.choice([bearer("nobody"), basic("caller-1", "caller-2")]) for _ in range(CALLERS // 5)]
                calls = [(number, Request(target=path, headers=(field,))) for number, field in enumerate(shown)]
                rng.shuffle(calls)
                with meeting(CALLERS) as met:
                    async with anyio.create_task_group() as tasks:
                        for number, request in calls:
                            tasks.start_soon(call, number, request)
                assert met.took_place
                assert {n: said[n] for n in range(CALLERS)} == {n: (200, f"caller-{n}") for n in range(CALLERS)}
                assert {said[n][0] for n in range(CALLERS, len(shown))} == {401}
            assert (await ask(Request(target="/"))).body == b""  # nothing stays for the next one

    anyio.run(main)
