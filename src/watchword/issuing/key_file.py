"""Keeps a key ring in a file that only its owner reads, and follows changes of that file."""

from __future__ import annotations

import os
from contextlib import contextmanager
from math import inf
from pathlib import Path
from stat import S_ISREG
from tempfile import mkstemp
from typing import TYPE_CHECKING, Final, TypeAlias

from watchword.clock import UptimeClock, as_clock
from watchword.errors import AlreadyExists, ConfigurationError, Unavailable
from watchword.issuing.key_ring import RETIRED_FOR, KeyRing
from watchword.observe.notice import OperatorNotice, log_notice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from watchword.clock import Clock
    from watchword.issuing.key_ring import Algorithm
    from watchword.observe.notice import Hook

_Stamp: TypeAlias = tuple[int, ...] | None

MOST_OCTETS: Final = 1_000_000

_GROUP_READS: Final = 0o040

LOOK_EVERY: Final = 1.0
"""Seconds for which the file is not looked at again, however many tokens are issued and verified."""


class KeyRingFile:
    """A key ring in a file. A rotation is used within a second, in every process and without a restart.

    If the file cannot be read any more, the last good ring serves on, and an event tells of it.

    Args:
        path: the file.
        on_event: is called when the file cannot be read; None: logs a warning.
        clock: measures ages, and so must not be one that is set; None: the time since the machine started.

    Raises:
        ConfigurationError: the file is missing, or holds no key ring.

    Trust: the file is trusted. A program that can write it, or its folder, can sign tokens.
    """

    def __init__(self, path: str | os.PathLike[str], *, on_event: Hook | None = None, clock: Clock | None = None) -> None:
        self._path = Path(path)
        self._on_event: Hook = log_notice if on_event is None else on_event
        self._clock = UptimeClock() if clock is None else as_clock(clock, "KeyRingFile")
        self._looked_at = self._clock.now()
        # One tuple: a thread that reads it meanwhile never sees a ring with the stamp of another. The stamp is older than the ring.
        self._held: tuple[_Stamp, KeyRing] = (_stamp(self._path), _read(self._path))
        self._told = ""

    @classmethod
    def create(cls, path: str | os.PathLike[str], algorithm: Algorithm = "ES256") -> Self:
        """Make a file with a new ring, readable by its owner alone, and return it.

        Args:
            path: the file, which must not exist.
            algorithm: as for `KeyRing.generate`.

        Raises:
            ConfigurationError: the algorithm is another one, or `watchword[jwt]` is not installed.
            AlreadyExists: it exists.
            Unavailable: it cannot be written.
        """
        ring = KeyRing.generate(algorithm)
        with _writing(Path(path)):
            try:
                # O_EXCL: of two processes one makes it, and it is no link. Readable by its owner alone before anything is in it.
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                raise AlreadyExists(f"there is a file {str(path)!r} already") from None
            try:
                _write(descriptor, ring)
            except BaseException:
                Path(path).unlink()
                raise
        return cls(path)

    def rotate(self, *, retired_for: float = RETIRED_FOR) -> KeyRing:
        """Rotate the ring in the file; see `KeyRing.rotated`. The file is replaced at once, and a link to it stays one.

        The new file has the owner of the old one, who alone can read it. If the group could, and all others could not, it still can.

        Of several processes that rotate at the same time one does. If the others did too, the key that signs would be one that no
        verifier has seen yet.

        Args:
            retired_for: as for `KeyRing.rotated`.

        Returns:
            The new ring.

        Raises:
            ConfigurationError: the file is missing, or holds no key ring.
            Unavailable: another process rotates it, or it cannot be written; what was there is there still.
        """
        path = self._path.resolve()
        with _writing(path), _locked(path) as found:
            ring = _read(path).rotated(retired_for=retired_for)
            _replace(path, ring, found)
        self._looked_at = -inf
        return ring

    def current(self) -> KeyRing:
        """Return the ring that the file held within the last second."""
        now = self._clock.now()
        if not 0 <= now - self._looked_at < LOOK_EVERY:
            self._looked_at = now
            self._follow()
        return self._held[1]

    def _follow(self) -> None:
        found = _stamp(self._path)
        if found == self._held[0]:
            return
        try:
            self._held, self._told = (found, _read(self._path)), ""
        except ConfigurationError as error:
            # It is read again at the next look: what is mended may look as before, such as a file that may be read again.
            if self._told != str(error):
                self._told = str(error)
                self._on_event(OperatorNotice("source_kept", f"the last good key ring serves on: {error}", source=str(self._path)))

    def __repr__(self) -> str:
        return f"KeyRingFile({str(self._path)!r})"


def _stamp(path: Path) -> _Stamp:
    """Return what changes with the content of a file; None: it is missing."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _read(path: Path) -> KeyRing:
    """Return the ring in a file.

    Raises:
        ConfigurationError: the file is missing, too large, or holds none.
    """
    try:
        with open(path, "rb", opener=_at_once) as file:
            octets = file.read(MOST_OCTETS + 1) if S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except OSError as error:
        raise ConfigurationError(f"the key ring {str(path)!r} cannot be read: {error.strerror}.") from None
    if octets is None:
        raise ConfigurationError(f"the key ring {str(path)!r} cannot be read: it is no regular file.")
    if len(octets) > MOST_OCTETS:
        raise ConfigurationError(f"the key ring {str(path)!r} is larger than {MOST_OCTETS} octets.")
    return KeyRing.from_json(octets)


def _at_once(path: str, flags: int) -> int:
    # Opening a pipe waits for a program that writes to it, and no token would be issued meanwhile.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the key ring {str(path)!r} cannot be written: {error.strerror}.") from None


@contextmanager
def _locked(path: Path) -> Iterator[os.stat_result]:
    """Keep other processes from replacing a file, and return its facts.

    The lock is that of the file itself, which is replaced at the end. So who gets it later holds that of a file that is gone.
    """
    try:
        from fcntl import LOCK_EX, LOCK_NB, flock
    except ImportError:  # pragma: no cover - Windows, which does not let an open file be replaced
        yield path.stat()
        return
    # NFS gives an exclusive lock only where the file may be written.
    with open(path, "r+b" if os.access(path, os.W_OK) else "rb", opener=_at_once, buffering=0) as file:
        found = os.fstat(file.fileno())
        try:
            flock(file, LOCK_EX | LOCK_NB)
            is_ours = os.path.samestat(found, path.stat())
        except BlockingIOError:
            is_ours = False
        if not is_ours:
            raise Unavailable(f"the key ring {str(path)!r} is rotated by another process. Look at its keys, and try again if need be.")
        yield found


def _replace(path: Path, ring: KeyRing, found: os.stat_result) -> None:
    """Replace a file, whole or not at all."""
    descriptor, beside = mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        _write(descriptor, ring, found)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _write(descriptor: int, ring: KeyRing, like: os.stat_result | None = None) -> None:
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        if like is not None:
            _give(descriptor, like)
        file.write(ring.to_json())
        file.flush()
        os.fsync(descriptor)


def _give(descriptor: int, like: os.stat_result) -> None:
    """Give a new file to those who read the old one: an administrator rotates the ring of a service, which has to read it."""
    own, by_group = os.fstat(descriptor), like.st_mode & 0o044 == _GROUP_READS
    if own.st_uid != like.st_uid or (by_group and own.st_gid != like.st_gid):
        os.fchown(descriptor, like.st_uid, like.st_gid if by_group else -1)
    if by_group:
        os.fchmod(descriptor, 0o600 | _GROUP_READS)
