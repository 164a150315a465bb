"""Measures a user name and a password beside one bare hash, the first time and again: over ASGI, on an event loop.

The hash is Argon2id with the parameters of new hashes. Of "again" the cost that is added to the bare application is taken; of the first
time the whole request, with the worker thread.
"""

from __future__ import annotations

import asyncio
import gc
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from tests.benchmarks.bearer import bare, request
from tests.benchmarks.measuring import figure
from watchword import Basic, Guard
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Accounts, PasswordHasher, Users
from watchword.stores import MemoryStore, SQLStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measuring import App, Figure

PASSWORD = "correct horse battery staple"


def asking(name: str, password: str = PASSWORD, query: bytes = b"") -> dict[str, Any]:
    """Return the scope of a request."""
    scope = request("unused")
    scope["headers"][-1] = (b"authorization", b"Basic " + b64encode(f"{name}:{password}".encode()))
    scope["query_string"] = query
    return scope


def apps(directory: Path, hasher: PasswordHasher) -> Iterator[tuple[str, App]]:
    """Yield every kind of checker behind a guard, with the users user-0 to user-99."""
    hash_ = hasher.hash(PASSWORD)
    names = [f"user-{number}" for number in range(100)]
    yield "Users", guarded(Users(dict.fromkeys(names, hash_), hasher=hasher))
    stores: dict[str, MemoryStore | SQLStore] = {
        "MemoryStore": MemoryStore(),
        "SQLite": SQLStore(f"sqlite:///{directory / 'passwords.db'}"),
    }
    for kind, store in stores.items():
        accounts = Accounts(store, hasher=hasher)
        for name in names:
            accounts.add(name, password_hash=hash_)
        yield f"Accounts, {kind}", guarded(accounts)


def guarded(checker: object) -> App:
    """Return the application behind a guard."""
    return GuardMiddleware(bare, Guard(Basic(checker, realm="r")))


def figures(*, short: bool) -> list[Figure]:
    """Measure.

    Args:
        short: only try whether it runs, with a hash that costs next to nothing.
    """
    rounds, repeats = (2, 2) if short else (31, 300)
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1) if short else PasswordHasher()
    hash_ = hasher.hash(PASSWORD)
    found: list[Figure] = []
    with TemporaryDirectory() as scratch:
        for name, app in apps(Path(scratch), hasher):
            firsts, agains, queries = asyncio.run(_measure(app, hasher, hash_, rounds, repeats))
            found += (
                figure(firsts, f"first request, {name}", against="one hash", bound=1.05),
                figure(agains, "one hash", against=f"again, {name}", bound=2000, least=True),
                figure(queries, "one hash", against=f"again with a query, {name}", bound=2000, least=True),
            )
    return found


async def _measure(app: App, hasher: PasswordHasher, hash_: str, rounds: int, repeats: int) -> tuple[list[float], ...]:
    firsts, agains, queries = [], [], []
    answered = 0
    statuses: set[int] = set()

    async def send(message: Any) -> None:
        nonlocal answered
        if "status" in message:
            answered = perf_counter_ns()
            statuses.add(message["status"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def took(application: App, scope: dict[str, Any], times: int) -> float:
        begun = perf_counter_ns()
        for _ in range(times):
            await application(dict(scope), receive, send)
        # What is left for after the response, such as the note of a login, is not waited for.
        return (answered - begun) / times

    loop = asyncio.get_running_loop()
    await took(app, asking("user-99"), 2)  # whatever is made once
    gc.disable()
    try:
        for number in range(rounds):
            begun = perf_counter_ns()
            await loop.run_in_executor(None, hasher.verify, hash_, PASSWORD)
            one_hash = perf_counter_ns() - begun
            firsts.append(await took(app, asking(f"user-{number}"), 1) / one_hash)
            idle = await took(bare, asking("nobody"), repeats)
            agains.append(one_hash / max(1.0, await took(app, asking(f"user-{number}"), repeats) - idle))
            queries.append(one_hash / max(1.0, await took(app, asking(f"user-{number}", query=b"page=2"), repeats) - idle))
    finally:
        gc.enable()
    if statuses != {200}:
        raise RuntimeError(f"somebody was refused: {statuses}")
    return firsts, agains, queries
