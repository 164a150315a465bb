"""What a user name and a password cost: the first time, and again; beside one bare hash. Over ASGI, on an event loop.

The hash is Argon2id with the parameters of new hashes. What "again" costs is the added cost over the bare application; what the
first time costs is the whole request, with the worker thread and all.
"""

from __future__ import annotations

import asyncio
import gc
from base64 import b64encode
from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from tests.benchmarks.bearer import bare, request
from watchword import Basic, Guard
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Accounts, PasswordHasher, Users
from watchword.stores import MemoryStore, SQLStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.benchmarks.bearer import App

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


def measure(directory: Path, rounds: int, repeats: int, hasher: PasswordHasher | None = None) -> list[tuple[str, float, float, float]]:
    """Measure.

    Args:
        directory: for a database.
        rounds: how many first times.
        repeats: how many more requests of each user.
        hasher: None: the usual one.

    Returns:
        Of each checker: its name, the first time as a multiple of one hash, one hash as a multiple of the added cost of the
        same user again on the fast path, and the same with a query.
    """
    hasher = PasswordHasher() if hasher is None else hasher
    hash_ = hasher.hash(PASSWORD)
    return [(name, *asyncio.run(_measure(app, hasher, hash_, rounds, repeats))) for name, app in apps(directory, hasher)]


async def _measure(app: App, hasher: PasswordHasher, hash_: str, rounds: int, repeats: int) -> tuple[float, float, float]:
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
    return median(firsts), median(agains), median(queries)


def table(rows: list[tuple[str, float, float, float]]) -> str:
    """Return the measurements."""
    lines = [f"{'name and password':24}  first time / hash   hash / again   hash / again, with a query"]
    lines += [f"{name:24}  {first:17.2f}   {again:12.0f}   {query:26.0f}" for name, first, again, query in rows]
    return "\n".join(lines)
