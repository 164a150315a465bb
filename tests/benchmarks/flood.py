"""What a flood of wrong passwords does to everybody else: the latency of the event loop with it, and without."""

from __future__ import annotations

import asyncio
from time import perf_counter_ns
from typing import Any

from tests.benchmarks.bearer import bare
from tests.benchmarks.passwords import asking
from watchword import Basic, Guard
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import PasswordHasher, Users
from watchword.protection.hash_limiter import HashLimiter


def measure(
    wrong: int, limit: int | None = None, hasher: PasswordHasher | None = None, idle: float = 2
) -> tuple[float, float, dict[int, int]]:
    """Measure.

    Args:
        wrong: how many wrong passwords come at once.
        limit: how many hashes are computed at once; None: as many as there are CPUs.
        hasher: None: the usual one.
        idle: seconds before the flood.

    Returns:
        The 99th percentile of the latency of the loop, in microseconds, without and with the flood; and the answers by status.
    """
    return asyncio.run(_measure(wrong, limit, PasswordHasher() if hasher is None else hasher, idle))


async def _measure(wrong: int, limit: int | None, hasher: PasswordHasher, idle_for: float) -> tuple[float, float, dict[int, int]]:
    users = Users({"ann": hasher.hash("right")}, hasher=hasher, limiter=HashLimiter(limit))
    app = GuardMiddleware(bare, Guard(Basic(users, realm="r")))
    answers: dict[int, int] = {}

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if "status" in message:
            answers[message["status"]] = answers.get(message["status"], 0) + 1

    async def latencies(until: asyncio.Event) -> list[float]:
        took = []
        while not until.is_set():
            begun = perf_counter_ns()
            await asyncio.sleep(0.001)
            took.append((perf_counter_ns() - begun) / 1000 - 1000)
        return took

    def p99(took: list[float]) -> float:
        return sorted(took)[len(took) * 99 // 100]

    await app(asking("ann", "right"), receive, send)
    ended = asyncio.Event()
    idle = asyncio.create_task(latencies(ended))
    await asyncio.sleep(idle_for)
    ended.set()
    without = p99(await idle)
    answers.clear()
    ended = asyncio.Event()
    flooded = asyncio.create_task(latencies(ended))
    # Not all in one turn of the loop, as they come from sockets; every one that is turned away is answered before the next.
    await asyncio.gather(*(_come(app, number, receive, send) for number in range(wrong)))
    ended.set()
    return without, p99(await flooded), answers


async def _come(app: Any, number: int, receive: Any, send: Any) -> None:
    await asyncio.sleep(number * 0.001)
    await app(asking("ann", f"wrong-{number}"), receive, send)


def line(wrong: int, measured: tuple[float, float, dict[int, int]]) -> str:
    """Return the measurement."""
    without, with_flood, answers = measured
    told = ", ".join(f"{number} x {status}" for status, number in sorted(answers.items()))
    ratio = f"{with_flood / without:.1f} x idle ({with_flood:.0f} against {without:.0f} µs)"
    return f"{wrong} wrong passwords ({told}): p99 of the event loop {ratio}"
