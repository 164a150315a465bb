"""Measures what a frozen PostgreSQL does to requests, from outside: `python -m tests.benchmarks.outside_freeze`.

All processes of the database are stopped for a while. Callers with API keys ask all the time, and so do callers of two public routes,
one of which reads a file in a thread.
"""

from __future__ import annotations

import asyncio
import json
import sys
from time import perf_counter
from typing import Any

from tests.benchmarks.outside import Answers, at_rate, get, serving
from tests.support.postgres import PostgreSQL
from watchword.checkers import APIKeys
from watchword.stores import SQLStore

KEYS = 50
RATE = 50.0  # requests a second of each kind


def measure(idle: float, stopped: float) -> dict[str, Any]:
    """Measure.

    Args:
        idle: for how many seconds the database answers, before and after.
        stopped: for how many seconds it is frozen.

    Returns:
        What `line` prints, to be written as JSON.
    """
    with PostgreSQL() as database:
        url = database.url(database.new_database())
        with SQLStore(url, create=True) as store:
            keys = [APIKeys(store).create(f"owner-{number}").key for number in range(KEYS)]
        with serving(WATCHWORD_STORE=url) as server:
            return asyncio.run(_measure(database, server.port, keys, idle, stopped))


async def _measure(database: PostgreSQL, port: int, keys: list[str], idle: float, stopped: float) -> dict[str, Any]:
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
    return {
        "frozen_s": stopped,
        "slowest_s": max(during[0].seconds),
        "public_p99_ratio": during[1].p99() / before[1].p99(),
        "public_slowest_ratio": max(during[1].seconds) / max(before[1].seconds),
        "recovered_s": recovered,
        "keys": [_counts(shown) for shown, _ in (before, during, after)],
        "public": [_counts(public) for _, public in (before, during, after)],
    }


def _counts(answers: Answers) -> dict[str, int]:
    return {str(status): number for status, number in sorted(answers.statuses.items())}


def line(measured: dict[str, Any]) -> str:
    """Return the measurement."""
    before, during, after = measured["keys"]
    return (
        f"PostgreSQL frozen for {measured['frozen_s']:g} s: slowest request {measured['slowest_s']:.1f} s, public routes p99 "
        f"{measured['public_p99_ratio']:.1f} x idle, first answer {measured['recovered_s']:.2f} s after it; keys before {before}, "
        f"frozen {during}, after {after}"
    )


if __name__ == "__main__":
    result = measure(idle=10, stopped=30)
    sys.stdout.write(f"{line(result)}\n{json.dumps(result)}\n")
