"""Writes events to a file, one JSON object in a line, and begins a new file when it is full."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchword.errors import ConfigurationError
from watchword.locking import ProcessLock
from watchword.validators import check_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from watchword.observe.event import AuthEvent

_LEAST, _MOST_FILES = 1024, 1000
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)


class JSONLines:
    """A sink that appends each event to a file as one line. Several threads and processes may write the same file.

    A line is written whole, by one call of the system, to a file that is open for appending, so lines do not mix. When the file has
    `max_bytes`, it becomes `NAME.1`, `NAME.1` becomes `NAME.2`, and so on; a lock on `NAME.lock` lets one process do it. A line that cannot
    be written, on a full disk for instance, is lost and counted (`Guard.sinks`); a part of it that was written ends before the next line.

    Args:
        path: the file. It is made with mode 0600, because events may identify a person.
        max_bytes: from which size on a new file begins.
        keep: how many full files are kept.
        shape: what is written of an event, such as `watchword.observe.to_ocsf`; None: `AuthEvent.as_dict`.

    Raises:
        ConfigurationError: the file cannot be opened, or a number cannot be used.
    """

    blocking = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_bytes: int = 100_000_000,
        keep: int = 5,
        shape: Callable[[AuthEvent], Mapping[str, Any]] | None = None,
    ) -> None:
        check_whole("JSONLines(max_bytes=...)", max_bytes, least=_LEAST, unit="octets")
        check_whole("JSONLines(keep=...)", keep, most=_MOST_FILES, unit="files")
        self._path = Path(path).absolute()  # the program may change its directory
        self._max, self._keep, self._shape = max_bytes, keep, shape
        self._lock = ProcessLock()
        self._is_torn = False
        try:
            self._file = os.open(self._path, _FLAGS, 0o600)
        except OSError as error:
            raise ConfigurationError(f"JSONLines(path=...) cannot be opened: {error}. Give a file that can be written.") from error
        self._inode = os.fstat(self._file).st_ino

    def __call__(self, event: AuthEvent, /) -> None:
        """Append an event.

        Raises:
            OSError: it cannot be written.
        """
        shaped = event.as_dict() if self._shape is None else self._shape(event)
        line = json.dumps(shaped, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if self._is_full(len(line)):
                self._rotate(len(line))
            # What a full disk has cut off must not take the next line with it.
            octets = b"\n" + line if self._is_torn else line
            self._is_torn = True
            if os.write(self._file, octets) < len(octets):
                raise OSError("a part of the line was written")
            self._is_torn = False

    def _is_full(self, more: int) -> bool:
        """Return whether a new file is due; open the one that another process has begun."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            found = None
        if found is None or found.st_ino != self._inode:
            self._reopen()
            found = os.fstat(self._file)
        return found.st_size > 0 and found.st_size + more > self._max

    def _rotate(self, more: int) -> None:
        with _lock_of(self._path):
            if not self._is_full(more):
                return  # another process was faster
            for number in range(self._keep, 0, -1):
                before = self._path if number == 1 else self._numbered(number - 1)
                with suppress(FileNotFoundError):
                    before.replace(self._numbered(number))
            if not self._keep:
                self._path.unlink()
            self._reopen()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _reopen(self) -> None:
        opened = os.open(self._path, _FLAGS, 0o600)
        os.close(self._file)
        self._file, self._inode = opened, os.fstat(opened).st_ino

    def __repr__(self) -> str:
        return f"JSONLines({str(self._path)!r})"


@contextmanager
def _lock_of(path: Path) -> Iterator[None]:
    """Hold the lock of a file against other processes."""
    try:
        from fcntl import LOCK_EX, flock
    except ImportError:  # pragma: no cover - Windows: there one process writes a file
        yield
        return
    opened = os.open(path.with_name(f"{path.name}.lock"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        flock(opened, LOCK_EX)
        yield
    finally:
        os.close(opened)


__all__ = ["JSONLines"]
