"""Measures what a flood of wrong passwords does to callers with a valid token, from outside.

A real uvicorn on one CPU; the clients in this process on another one. More clients send wrong passwords than the limiter has places, and
each tries again a moment after each answer. The usual Argon2id, the usual bounds.
"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

from tests.benchmarks.bearer import TOKENS
from tests.benchmarks.measuring import figure
from tests.benchmarks.outside import Answers, at_rate, callers, get, serving
from tests.benchmarks.outside_app import NAME
from tests.support.wire import basic, bearer

if TYPE_CHECKING:
    from tests.benchmarks.measuring import Figure
    from tests.benchmarks.outside import Caller

CLIENTS = 100  # 65 have a place: one hash is computed, 64 wait
RATE = 200.0  # requests of valid callers a second
PAUSES = {1.0: 3.0, 0.1: 3.0, 0.0: None}  # seconds: as `Retry-After` says, impatient, at once; and the target for the p99


def figures(*, short: bool) -> list[Figure]:
    """Measure: in every round a while without the flood, and a while with each kind of it.

    Args:
        short: only try whether it runs.
    """
    rounds, seconds, pauses = (1, 0.3, (0.1,)) if short else (5, 2.0, tuple(PAUSES))
    with serving() as server:
        ratios = asyncio.run(_measure(server.port, rounds, seconds, pauses))
    name = f"p99 while {CLIENTS} clients guess, again after"
    return [figure(values, f"{name} {pause:g} s", against="no guesses", bound=PAUSES[pause]) for pause, values in ratios.items()]


async def _measure(port: int, rounds: int, seconds: float, pauses: tuple[float, ...]) -> dict[float, list[float]]:
    valid = [get("/orders", bearer(token)) for token in list(TOKENS)[:100]]
    ratios: dict[float, list[float]] = {pause: [] for pause in pauses}
    await at_rate(port, valid, RATE, 1, Answers())  # whatever is made once
    for _ in range(rounds):
        alone = Answers()
        await at_rate(port, valid, RATE, seconds, alone)
        for pause, measured in ratios.items():
            known, wrong = Answers(), Answers()
            async with callers(port, CLIENTS) as clients, asyncio.TaskGroup() as group:
                tasks = [group.create_task(_guess(client, pause, wrong)) for client in clients]
                await asyncio.sleep(min(1.0, seconds))  # until the queue is full
                await at_rate(port, valid, RATE, seconds, known)
                for task in tasks:
                    task.cancel()
            if known.statuses.keys() != {200} or not wrong.statuses.keys() <= {401, 503} or not wrong.statuses[503]:
                raise RuntimeError(f"that was no flood: valid {known.statuses}, wrong {wrong.statuses}")
            measured.append(known.p99() / alone.p99())
            await asyncio.sleep(min(2.0, seconds))  # what has begun is computed to its end
    return ratios


_GUESSES = count()


async def _guess(client: Caller, pause: float, answers: Answers) -> None:
    while True:
        answers.take(await client.send(get("/orders", basic(NAME, f"wrong-{next(_GUESSES)}"))), 0.0)
        await asyncio.sleep(pause)
