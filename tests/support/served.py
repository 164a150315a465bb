"""What real servers with accounts share, and how tests look at them: the store, the password file, the journal, and the gates."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from selectors import EVENT_READ, DefaultSelector
from typing import TYPE_CHECKING, Any

from tests.support.command import CHEAP
from tests.support.servers import DEADLINE, Answer, Listening, Server
from tests.support.wire import basic
from watchword.checkers import Accounts, APIKeys, OpaqueTokens
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.support.servers import Connection
    from watchword.checkers import PasswordHasher

Field = tuple[str, str]

LIMIT, QUEUE = 2, 20  # of the hashes of each process; tests compute all of them
STALENESS = 0.3  # seconds that the servers' stores may answer from memory; less than the default, because tests wait for its end


def until(look: Callable[[], Any], what: str) -> Any:
    """Look again and again until there is something to see, and return it.

    Args:
        look: returns something true in the end.
        what: is awaited, for the message.
    """
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if seen := look():
            return seen
        os.sched_yield()
    raise AssertionError(f"waited for this in vain: {what}")


class Accountable:
    """A folder and a store that several servers use at the same time.

    Args:
        folder: for what is in files.
        url: where the store is.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.file = folder / "users.htpasswd"
        self.store = SQLStore(url, create=True)
        self.accounts = Accounts(self.store, hasher=CHEAP)
        self.tokens = OpaqueTokens(self.store)
        self.keys = APIKeys(self.store)

    def start(self, name: str) -> Server:
        """Start a server; `wait()` tells when it serves."""
        return Server(
            name,
            "tests.servers.accounts",
            WATCHWORD_SERVER=name,
            WATCHWORD_STORE=self.url,
            WATCHWORD_FOLDER=str(self.folder),
            WATCHWORD_LIMIT=str(LIMIT),
            WATCHWORD_QUEUE=str(QUEUE),
            WATCHWORD_STALENESS=str(STALENESS),
            # glibc gives threads heaps of their own, eight for each CPU, and what a hash took and gave back stays in the one that it came
            # from. So much at once comes from the system instead, and goes back to it: the process holds what hashes use, and no more.
            MALLOC_MMAP_THRESHOLD_=str(1024 * 1024),
        )

    def add(self, name: str, password: str, hasher: PasswordHasher = CHEAP, **facts: Any) -> Field:
        """Add an account, and return the field that logs in to it."""
        self.accounts.add(name, password_hash=hasher.hash(password), **facts)
        return basic(name, password)

    @contextmanager
    def closed(self, gate: str) -> Iterator[Callable[[], None]]:
        """Keep a gate closed until the end, or until what is handed over is called."""
        with (self.folder / gate).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield lambda: fcntl.flock(file, fcntl.LOCK_UN)

    def journal(self, server: Server) -> list[Noted]:
        """Return what the hashers of a server have noted so far."""
        lines = (self.folder / f"journal-{server.name}").read_text().splitlines()
        return [Noted(*json.loads(line)) for line in lines]

    def verified(self, server: Server, password: str) -> int:
        """Return how often a password was verified by a server."""
        return sum(one.password == password and one.begins("verify") for one in self.journal(server))


@dataclass(frozen=True)
class Noted:
    """One line of the journal.

    Args:
        pid: of the process.
        step: `"verify"` or `"hash"`.
        what: `"begins"` or `"ends"`.
        password: which.
    """

    pid: int
    step: str
    what: str
    password: str

    def begins(self, step: str) -> bool:
        """Whether this is where such work begins."""
        return self.step == step and self.what == "begins"


def most_at_once(journal: Sequence[Noted]) -> int:
    """Return how many hashes one process has worked on at the same time, at most."""
    now, most = Counter[int](), 0
    for one in journal:
        now[one.pid] += 1 if one.what == "begins" else -1
        most = max(most, now[one.pid])
    return most


def asking(path: str, *fields: Field) -> bytes:
    """Return a request that is the last one of its connection."""
    lines = [f"GET {path} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in fields), "Connection: close", "", ""]
    return "\r\n".join(lines).encode()


def get(server: Server, path: str, *fields: Field) -> Answer:
    """Send one request."""
    return server.send(asking(path, *fields))


def who(answer: Answer) -> str:
    """Return who it is to the application."""
    return str(json.loads(answer.body)["who"])


def pid(answer: Answer) -> int:
    """Return which process has answered."""
    return int(answer.all("x-pid")[0])


def together(server: Listening, requests: Sequence[bytes]) -> list[Answer]:
    """Send many requests at the same time, and return their answers in this order."""
    with crowd(server, requests) as connections:
        return read_all(connections)


@contextmanager
def crowd(server: Listening, requests: Sequence[bytes]) -> Iterator[list[Connection]]:
    """Send many requests at the same time, and leave them unanswered for now."""
    with ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in requests]
        for connection, request in zip(connections, requests, strict=True):
            connection.write(request)
        yield connections


def read_all(connections: Sequence[Connection]) -> list[Answer]:
    """Read from each connection, whichever is first, and close it at once: gunicorn waits 2 s for that before it goes on."""
    answers: dict[Connection, Answer] = {}
    with DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, EVENT_READ, connection)
        while selector.get_map():
            ready = selector.select(DEADLINE)
            assert ready, f"{len(selector.get_map())} requests were not answered"
            for key, _ in ready:
                selector.unregister(key.fileobj)
                with key.data as connection:
                    answers[connection] = connection.read()
    return [answers[connection] for connection in connections]


def everywhere(server: Server, request: bytes, workers: int) -> list[Answer]:
    """Send a request until every process of a server has answered it, and return all answers."""
    given: list[Answer] = []

    def all_of_them() -> bool:
        given.extend(together(server, [request] * (3 * workers if workers > 1 else 1)))
        return len(set(map(pid, given))) == workers

    until(all_of_them, f"an answer of each of {workers} processes of {server.name}")
    return given


def counts(server: Server, workers: int = 1) -> list[dict[str, Any]]:
    """Return what each process of a server says of itself."""
    last = {pid(answer): answer for answer in everywhere(server, asking("/counts"), workers)}
    return [json.loads(answer.body) for answer in last.values()]
