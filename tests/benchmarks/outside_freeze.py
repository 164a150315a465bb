"""Measures what a frozen PostgreSQL does to requests, from outside.

All processes of the database are stopped for a while. Callers with API keys ask all the time, and so do callers of two public routes,
one of which reads a file in a thread.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from tests.benchmarks.measuring import figure
from tests.benchmarks.outside import Answers, at_rate, get, serving
from tests.support.postgres import PostgreSQL
from watchword.checkers import APIKeys
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from tests.benchmarks.measuring import Figure

KEYS = 50
RATE = 50.0  # requests a second of each kind


def figures(*, short: bool) -> list[Figure]:
    """Measure.

    Args:
        short: only try whether it runs, and freeze it for a second.
    """
    idle, stopped = (0.3, 1.0) if short else (10.0, 30.0)
    with PostgreSQL() as database:
        url = database.url(database.new_database())
        with SQLStore(url, create=True) as store:
            keys = [APIKeys(store).create(f"owner-{number}").key for number in range(KEYS)]
        with serving(WATCHWORD_STORE=url) as server:
            return asyncio.run(_measure(database, server.port, keys, idle, stopped))


async def _measure(database: PostgreSQL, port: int, keys: list[str], idle: float, stopped: float) -> list[Figure]:
    async def ask(seconds: float) -> tuple[Answers, Answers]:
        shown, public = Answers(), Answers()
        async with asyncio.TaskGroup() as group:
            group.create_task(at_rate(port, [get("/orders", ("X-API-Key", key)) for key in keys], RATE, seconds, shown))
            group.create_task(at_rate(port, [get("/healthz"), get("/page")], RATE, seconds, public))
        return shown, public

    await ask(1)  # whatever is made once
    before = await ask(idle)
    with database.frozen():
        during = await ask(stopped)
    thawed = perf_counter()
    answers = Answers()
    while 200 not in answers.statuses:
        await at_rate(port, [get("/orders", ("X-API-Key", keys[0]))], RATE, 1 / RATE, answers)
    recovered = perf_counter() - thawed
    after = await ask(idle)
    answered = [shown.statuses.keys() for shown, _ in (before, during, after)]
    if answered[0] != {200} or answered[2] != {200} or 503 not in answered[1] or not answered[1] <= {200, 503}:
        raise RuntimeError(f"callers with keys before, during and after: {answered}")
    if any(public.statuses.keys() != {200} for _, public in (before, during, after)):
        raise RuntimeError("a public route was refused")
    frozen = f"PostgreSQL frozen for {stopped:g} s"
    return [
        figure([max(during[0].seconds)], f"slowest request, {frozen}", unit="s", bound=5),
        figure([during[1].p99() / before[1].p99()], f"public p99, {frozen}", against="while it answers", bound=2),
        figure([recovered], "first answer after it", unit="s"),
    ]
