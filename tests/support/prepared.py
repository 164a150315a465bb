"""Starts Python programs in processes of their own, forked from one that has imported what they need.

Importing SQLAlchemy and the command takes half a second of a CPU, and tests start a hundred programs. Each gets descriptors, an environment
and a session of its own, and ends as a program does. What imports are tested by is started as anybody starts it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "from watchword.cli import main\nmain()\n"
"""The program that the installed command is."""


@dataclass
class Started:
    """A program that runs.

    Args:
        keeper: tells its end.
    """

    keeper: socket.socket

    def wait(self) -> int:
        """Wait for its end, and return its exit code; negative: the signal that ended it."""
        with self.keeper, self.keeper.makefile() as told:
            return os.waitstatus_to_exitcode(int(told.readline()))


def start(
    source: str, arguments: Sequence[str], descriptors: tuple[int, int, int], environment: Mapping[str, str], *, strict: bool = False
) -> Started:
    """Start a program.

    Args:
        source: what it does.
        arguments: become `sys.argv`, of which the first is its name.
        descriptors: become standard input, output and error. If the first is a terminal, it is that of the process.
        environment: all of it.
        strict: whether warnings are errors, as with `-W error`.
    """
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(_parent())
    request = json.dumps({"source": source, "arguments": list(arguments), "environment": dict(environment), "strict": strict})
    socket.send_fds(connection, [b"\n"], descriptors)
    connection.sendall(request.encode() + b"\n")
    return Started(connection)


def run(
    source: str, arguments: Sequence[str], given: bytes, environment: Mapping[str, str], *, strict: bool = False
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end, and return what it has printed."""
    files = [cast("IO[bytes]", tempfile.TemporaryFile()) for _ in range(3)]  # noqa: SIM115 - closed below
    try:
        files[0].write(given)
        files[0].seek(0)
        one, two, three = (file.fileno() for file in files)
        code = start(source, arguments, (one, two, three), environment, strict=strict).wait()
        for file in files[1:]:
            file.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, files[1].read(), files[2].read())
    finally:
        for file in files:
            file.close()


@cache
def _parent() -> str:
    """Start the process that all are forked from, which ends with this one, and return where it listens."""
    path = f"{tempfile.mkdtemp(prefix='ww')}/parent"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.prepared", str(listening.fileno()), path],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            pass_fds=[listening.fileno()],
            start_new_session=True,
        )
    _KEPT.append(process)
    return path


_KEPT: list[subprocess.Popen[bytes]] = []
"""The process, whose standard input ends with this one."""


# In that process


def _prepare() -> None:
    import argon2  # noqa: F401
    import rich.console
    import rich.table  # noqa: F401
    import sqlalchemy.dialects.postgresql.psycopg
    import sqlalchemy.dialects.sqlite  # noqa: F401
    import zxcvbn  # noqa: F401

    import watchword.checkers.passwords
    import watchword.cli.commands
    import watchword.stores.sql.store  # noqa: F401


def _serve(listening: socket.socket) -> dict[str, Any]:
    """Fork for each request; return it in the process that is to do it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with DefaultSelector() as selector:
        selector.register(listening, EVENT_READ)
        selector.register(0, EVENT_READ)
        while True:
            if any(key.fd == 0 for key, _ in selector.select()):
                shutil.rmtree(Path(sys.argv[2]).parent)
                os._exit(0)  # the tests have ended
            connection, _ = listening.accept()
            if not os.fork():
                break
            connection.close()
    listening.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    request: dict[str, Any] = json.loads(connection.makefile().readline())
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        connection.sendall(f"{status}\n".encode())
        os._exit(0)
    connection.close()
    os.setsid()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    return request


def _become(request: dict[str, Any]) -> None:
    """Be a process that was just started."""
    import fcntl
    import termios
    import warnings

    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[:] = request["arguments"]
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(  # type: ignore[misc]  # noqa: SIM115
        2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
    )
    if request["strict"]:
        warnings.simplefilter("error")


if __name__ == "__main__":
    _prepare()
    asked = _serve(socket.socket(fileno=int(sys.argv[1])))
    _become(asked)
    before, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    exec(compile(asked["source"], "<string>", "exec"), sys.modules["__main__"].__dict__)  # noqa: S102 - a test's own program
