"""Real servers in processes of their own, and a client that sends what no library would."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 120.0  # seconds; only what is broken takes anywhere near that long, and a loaded machine is not broken


class ServerError(AssertionError):
    """A server does not start, or does not answer; carries what it printed."""


@dataclass(frozen=True)
class Answer:
    """A response, or what is left of one.

    Args:
        status: the status code; 0: the server closed the connection without a word.
        headers: name in lower case and value, in the order sent.
        body: the content.
    """

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        """Return the values of a field, one per line."""
        return [value for given, value in self.headers if given == name]

    @property
    def challenges(self) -> list[str]:
        """Return the challenges, one per line."""
        return self.all("www-authenticate")

    @property
    def called(self) -> bool:
        """Whether the application answered."""
        return self.all("x-app") == ["called"]


class Listening:
    """What listens on a loopback port.

    Args:
        name: for messages.
        port: where.
    """

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.port = port

    @property
    def url(self) -> str:
        """The address of the root."""
        return f"http://127.0.0.1:{self.port}"

    def printed(self) -> str:
        """Return what the server has printed so far."""
        return ""

    def connect(self) -> Connection:
        """Open a connection.

        Raises:
            ServerError: the server has ended.
        """
        try:
            return Connection(self.port)
        except ConnectionRefusedError:
            raise ServerError(f"{self.name} has stopped:\n{self.printed()}") from None

    def send(self, request: bytes) -> Answer:
        """Send one request on a connection of its own, and return the answer.

        Args:
            request: as it goes over the wire.
        """
        with self.connect() as connection:
            connection.write(request)
            return connection.read(of_head=request[:4] == b"HEAD")


class Server(Listening):
    """One server on a loopback port that the operating system chose.

    Args:
        name: a key of `tests.servers.serve.SERVERS`, or of its `PROCESSES`, `FORKING` or `MOUNTED`.
        application: the module that is served.
        environment: variables for it.
    """

    def __init__(self, name: str, application: str = "tests.servers.application", **environment: str) -> None:
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        bound = socket.socket()
        if name.startswith("granian"):
            # It opens the port itself: this socket only holds it, so that nobody else is given it meanwhile.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(("127.0.0.1", 0))
        super().__init__(name, bound.getsockname()[1])
        if not name.startswith("granian"):
            bound.listen(128)
        command = [sys.executable, "-m", "tests.servers.serve", name, str(bound.fileno()), application]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            pass_fds=[bound.fileno()],
            start_new_session=True,
        )
        bound.close()

    def wait(self, path: str = "/healthz") -> None:
        """Return when the application answers.

        Args:
            path: that anybody may ask for.

        Raises:
            ServerError: the process ended, or the time is up.
        """
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            with suppress(ServerError):
                if self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()).status == 200:
                    return
            # Nobody listens yet: give it a moment, or learn that it has ended.
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
                break
        raise ServerError(f"{self.name} does not serve:\n{self.printed()}")

    def used(self) -> float:
        """Return how many seconds of processor time the process and its workers have used so far."""
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(FileNotFoundError, ProcessLookupError):  # one that has just ended
                fields = path.read_text().rpartition(")")[2].split()
                if int(fields[2]) == self._process.pid:  # its group
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End the process and its workers, at once: they hold nothing that wants saving."""
        # It leads a group of its own; where there is none any more, it has ended by itself.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(DEADLINE)
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._log.close()

    def printed(self) -> str:
        """Return what the server has printed so far."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")


class Connection:
    """A connection to a server, for one request after the other.

    Args:
        port: on the loopback interface.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        """Return what `selectors` know it by."""
        return self._socket.fileno()

    def write(self, octets: bytes) -> None:
        """Send octets; a server that has stopped listening has said why, or will not."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(octets)

    def read(self, *, of_head: bool = False) -> Answer:
        """Read one response.

        Args:
            of_head: it answers HEAD.
        """
        response = HTTPResponse(self._socket, method="HEAD" if of_head else "GET")
        try:
            response.begin()
            body = response.read()
        except (ConnectionResetError, HTTPException):
            return Answer(0)
        finally:
            response.close()
        return Answer(response.status, [(name.lower(), value) for name, value in response.getheaders()], body)

    def statuses(self) -> list[int]:
        """Return the status codes of all responses until the server closes; each has a Content-Length."""
        found: list[int] = []
        data = self.rest()
        while data:
            head, _, data = data.partition(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            found.append(int(lines[0].split(b" ")[1]))
            length = next(line.partition(b":")[2] for line in lines if line.startswith(b"content-length:"))
            data = data[int(length) :]
        return found

    def rest(self) -> bytes:
        """Return all that comes until the server closes."""
        parts: list[bytes] = []
        with suppress(ConnectionResetError):
            while part := self._socket.recv(65536):
                parts.append(part)
        return b"".join(parts)

    def read_line(self) -> bytes:
        """Read the first line that the server sends, octet by octet, so that nothing behind it is lost."""
        line = b""
        while not line.endswith(b"\r\n") and (octet := self._socket.recv(1)):
            line += octet
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()
