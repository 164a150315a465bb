"""Asks a server from outside, from another CPU than the server's: at a fixed rate, whatever the server does, or as fast as it answers."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.benchmarks.measuring import Job

APPLICATION = "tests.benchmarks.outside_app"
CONNECTIONS = 32


def get(path: str, *fields: tuple[str, str]) -> bytes:
    """Return a request on a connection that stays open.

    Args:
        path: the target.
        fields: more header fields.
    """
    lines = [f"GET {path} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode()


@contextmanager
def serving(name: str = "uvicorn", **environment: str) -> Iterator[Server]:
    """Start a server on one CPU and keep this process on another one, where there are two.

    Args:
        name: of the server.
        environment: variables for the application.
    """
    mine = os.sched_getaffinity(0)
    theirs = {min(mine)}
    os.sched_setaffinity(0, theirs)  # inherited: the server counts its CPUs when it starts
    try:
        server = Server(name, APPLICATION, **environment)
        try:
            os.sched_setaffinity(0, mine - theirs or mine)
            server.wait()
            yield server
        finally:
            server.stop()
    finally:
        os.sched_setaffinity(0, mine)


@dataclass
class Answers:
    """What was answered.

    Args:
        seconds: how long each answer took, in the order in which they came.
        statuses: how many answers there were of each status.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def take(self, status: int, seconds: float) -> None:
        """Keep an answer."""
        self.seconds.append(seconds)
        self.statuses[status] += 1

    def p99(self) -> float:
        """Return the 99th percentile, in seconds."""
        return sorted(self.seconds)[len(self.seconds) * 99 // 100]


class Caller:
    """One connection, one request at a time.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> int:
        """Send a request, and return the status of the answer."""
        while True:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            writer.write(request)
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length))
            except (asyncio.IncompleteReadError, ConnectionResetError):
                # The server closes a connection that was idle for some seconds.
                self.close()
                self._streams = None
            else:
                return int(head[9:12])

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()


@asynccontextmanager
async def callers(port: int, number: int) -> AsyncIterator[list[Caller]]:
    """Open so many connections, and close them at the end.

    Args:
        port: of the server.
        number: how many.
    """
    made = [Caller(port) for _ in range(number)]
    try:
        yield made
    finally:
        for one in made:
            one.close()


async def at_rate(port: int, requests: list[bytes], rate: float, seconds: float, answers: Answers) -> None:
    """Send requests at a fixed rate, each on a connection that is free; what an answer took counts from when it was due.

    Args:
        port: of the server.
        requests: sent in turn.
        rate: how many a second.
        seconds: for how long.
        answers: where the answers go.
    """
    free: list[Caller] = []
    made: list[Caller] = []
    begun = perf_counter()

    async def ask(request: bytes, due: float) -> None:
        if not free:
            free.append(Caller(port))
            made.append(free[-1])
        caller = free.pop()
        status = await caller.send(request)
        answers.take(status, perf_counter() - due)
        free.append(caller)

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                due = begun + number / rate
                await asyncio.sleep(max(0.0, due - perf_counter()))
                group.create_task(ask(requests[number % len(requests)], due))
    finally:
        for caller in made:
            caller.close()


def throughput(server: Server, path: str, fields: tuple[tuple[str, str], ...], seconds: int) -> Job:
    """Return a job that asks as fast as the server answers: the requests in one second of the server's processor time.

    A server that is kept busy answers so many in a second of its own, also where other work takes the processor from it. wrk asks where it
    is installed, else this process.

    Args:
        server: is asked.
        path: the target.
        fields: more header fields.
        seconds: for how long.
    """
    wrk = shutil.which("wrk")
    headers = [part for name, value in fields for part in ("--header", f"{name}: {value}")]
    options = ["--threads", "1", "--connections", str(CONNECTIONS), "--duration", str(seconds), *headers]

    def run() -> float:
        begun = server.used()
        if wrk is None:
            answers = ask(server.port, get(path, *fields), seconds)
        else:
            printed = subprocess.run([wrk, *options, server.url + path], check=True, capture_output=True, text=True).stdout
            answers = int(printed.partition(" requests in")[0].split()[-1])
        return answers / (server.used() - begun)

    return run


def ask(port: int, request: bytes, seconds: float) -> int:
    """Send a request on each of several connections, read the answers, and begin again; return how many came.

    Args:
        port: of the server.
        request: as it goes over the wire.
        seconds: for how long.
    """

    def connect() -> socket.socket:
        return socket.create_connection(("127.0.0.1", port))

    connections = [connect() for _ in range(CONNECTIONS)]
    answers, begun = 0, perf_counter()
    while perf_counter() < begun + seconds:
        for connection in connections:
            connection.sendall(request)
        for place, connection in enumerate(connections):
            head, _, body = connection.recv(65536).lower().partition(b"\r\n\r\n")
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while len(body) < length:
                body += connection.recv(65536)
            answers += 1
            if b"\r\nconnection: close" in head:
                connection.close()
                connections[place] = connect()
    for connection in connections:
        connection.close()
    return answers
