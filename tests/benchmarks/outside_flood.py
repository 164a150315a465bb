"""Measures what a flood of wrong passwords does to callers with a valid token, from outside: `python -m tests.benchmarks.outside_flood`.

A real uvicorn on one CPU; the clients in this process on another one. More clients send wrong passwords than the limiter has places, and
each tries again a moment after each answer. The usual Argon2id, the usual bounds.
"""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import count
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.benchmarks.bearer import TOKENS
from tests.benchmarks.outside import Answers, at_rate, callers, get, serving
from tests.benchmarks.outside_app import NAME
from tests.support.wire import basic, bearer

if TYPE_CHECKING:
    from tests.benchmarks.outside import Caller

CLIENTS = 100  # 65 have a place: one hash is computed, 64 wait
RATE = 200.0  # requests of valid callers a second
PAUSES = (1.0, 0.1, 0.0)  # seconds: as `Retry-After` says, impatient, at once


def measure(rounds: int, seconds: float, pauses: tuple[float, ...] = PAUSES) -> dict[str, Any]:
    """Measure: in every round a while without the flood, and a while with each kind of it.

    Args:
        rounds: how many.
        seconds: how long each while is.
        pauses: how long a client waits before it tries again.

    Returns:
        What `table` prints, to be written as JSON.
    """
    with serving() as server:
        return asyncio.run(_measure(server.port, rounds, seconds, pauses))


async def _measure(port: int, rounds: int, seconds: float, pauses: tuple[float, ...]) -> dict[str, Any]:
    valid = [get("/orders", bearer(token)) for token in list(TOKENS)[:100]]
    idle: list[float] = []
    floods: dict[float, list[tuple[Answers, Answers]]] = {pause: [] for pause in pauses}
    await at_rate(port, valid, RATE, 1, Answers())  # whatever is made once
    for _ in range(rounds):
        alone = Answers()
        await at_rate(port, valid, RATE, seconds, alone)
        idle.append(alone.p99())
        for pause, measured in floods.items():
            known, wrong = Answers(), Answers()
            async with callers(port, CLIENTS) as clients, asyncio.TaskGroup() as group:
                tasks = [group.create_task(_guess(client, pause, wrong)) for client in clients]
                await asyncio.sleep(min(1.0, seconds))  # until the queue is full
                await at_rate(port, valid, RATE, seconds, known)
                for task in tasks:
                    task.cancel()
            measured.append((known, wrong))
            await asyncio.sleep(min(2.0, seconds))  # what has begun is computed to its end
    return {
        "clients": CLIENTS,
        "rate": RATE,
        "idle_p99_ms": [p99 * 1000 for p99 in sorted(idle)],
        "floods": [
            {"pause_s": pause}
            | _ratios([known.p99() for known, _ in measured], idle)
            | {"valid": _counts(known for known, _ in measured), "wrong": _counts(wrong for _, wrong in measured)}
            for pause, measured in floods.items()
        ],
    }


def _ratios(flooded: list[float], idle: list[float]) -> dict[str, float]:
    """Return the ratio of the medians, and that of the least disturbed rounds: other work on the machine only adds to a time."""
    return {"p99_ratio": median(flooded) / median(idle), "p99_ratio_of_best": min(flooded) / min(idle)}


_GUESSES = count()


async def _guess(client: Caller, pause: float, answers: Answers) -> None:
    while True:
        answers.take(await client.send(get("/orders", basic(NAME, f"wrong-{next(_GUESSES)}"))), 0.0)
        await asyncio.sleep(pause)


def _counts(all_of_them: Any) -> dict[str, int]:
    counted = sum((answers.statuses for answers in all_of_them), Answers().statuses)
    return {str(status): number for status, number in sorted(counted.items())}


def table(measured: dict[str, Any]) -> str:
    """Return the measurement, a line for each kind of flood."""
    lines = [f"p99 of {measured['rate']:.0f} valid callers a second, {measured['clients']} clients with wrong passwords, from outside"]
    lines += [
        f"  tries again after {flood['pause_s']:g} s: {flood['p99_ratio']:.1f} x idle "
        f"({flood['p99_ratio_of_best']:.1f} x in the least disturbed rounds); valid {flood['valid']}, wrong {flood['wrong']}"
        for flood in measured["floods"]
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    result = measure(rounds=5, seconds=2)
    sys.stdout.write(f"{table(result)}\n{json.dumps(result)}\n")
