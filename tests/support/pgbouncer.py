"""A real PgBouncer in front of a PostgreSQL of the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Self

from tests.support.programs import program

if TYPE_CHECKING:
    from types import TracebackType

    from tests.support.postgres import PostgreSQL


class PgBouncer:
    """A pooler that gives each transaction whichever connection is free; it has Debian's settings otherwise.

    Two connections to the server: more would hide what one client leaves behind for the next.

    Args:
        server: where it leads to.
    """

    def __init__(self, server: PostgreSQL) -> None:
        command = program("pgbouncer")
        self._folder = Path(tempfile.mkdtemp(prefix="wwpgb"))
        as_nobody: dict[str, Any] = {}
        if os.geteuid() == 0:  # it refuses to run as root
            nobody = pwd.getpwnam("nobody")
            as_nobody = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        settings = self._folder / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host={server.folder} user=postgres\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 200\n"
        )
        self._process = subprocess.Popen(
            [command, str(settings)], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_nobody
        )
        try:
            self._wait()
        except BaseException:
            self._end()
            raise

    def url(self, database: str) -> str:
        """Return where a database is, through it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def _wait(self) -> None:
        for _ in range(5000):
            assert self._process.poll() is None, "pgbouncer has ended"
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                Event().wait(0.02)
            else:
                return
        raise AssertionError("pgbouncer does not listen")

    def _end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(100)
        shutil.rmtree(self._folder, ignore_errors=True)
