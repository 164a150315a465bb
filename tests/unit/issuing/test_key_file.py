"""Files of key rings: followed, rotated by one process at a time, and readable by their owner alone."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.each import each, noting
from watchword.errors import AlreadyExists, ConfigurationError, Unavailable
from watchword.issuing import KeyRing, KeyRingFile, key_file
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def made(path: Path, **options: Any) -> tuple[KeyRingFile, FixedClock]:
    """Return a file with a ring, and what its age is measured by."""
    clock = FixedClock(0)
    KeyRingFile.create(path)
    return KeyRingFile(path, clock=clock, **options), clock


def names(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return sorted(one.name for one in folder.iterdir())


def test_a_file_is_readable_by_its_owner_alone_and_is_written_whole(tmp_path: Path) -> None:
    """Also where one stood that others could read; whoever rotates it, its owner is the same; and nothing is left beside it."""
    path = tmp_path / "keys.json"
    file, _ = made(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    owner, group = (12_345, 12_346) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(path, owner, -1)
    ring = file.rotate()
    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) == (0o600, owner)
    for mode in (0o640, 0o440, 0o660):
        # A service that reads it by its group reads the next one, too.
        path.chmod(mode)
        os.chown(path, -1, group)
        ring = file.rotate()
        assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid, path.stat().st_gid) == (0o640, owner, group)
    assert KeyRing.from_json(path.read_bytes()) == ring == file.current()
    assert names(tmp_path) == ["keys.json"]


def test_what_cannot_be_written_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is missing, a file that is there, a disk that is full: an error that names the file, and nothing beside it."""
    path = tmp_path / "keys.json"
    file, _ = made(path)
    before = path.read_bytes()
    with pytest.raises(AlreadyExists, match=r"keys\.json"):
        KeyRingFile.create(path)
    with pytest.raises(Unavailable, match="cannot be written"):
        KeyRingFile.create(tmp_path / "missing" / "keys.json")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match=r"keys\.json' cannot be written: No space"):
        file.rotate()
    with pytest.raises(Unavailable, match="No space"):
        KeyRingFile.create(tmp_path / "other.json")
    assert (path.read_bytes(), names(tmp_path)) == (before, ["keys.json"])
    path.unlink()
    with pytest.raises(Unavailable, match="cannot be written: No such file"):
        file.rotate()


def test_a_file_is_followed_and_looked_at_once_in_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many tokens ask for the ring. A rotation of another process is seen within that second, its own at once."""
    path = tmp_path / "keys.json"
    file, clock = made(path)
    looks: list[Path] = []
    stamp = key_file._stamp

    def counted(path: Path) -> object:
        looks.append(path)
        return stamp(path)

    monkeypatch.setattr(key_file, "_stamp", counted)
    first = file.current()
    rotated = KeyRingFile(path).rotate()
    looks.clear()
    for _ in range(1000):
        assert file.current() is first
    assert looks == []
    clock.advance(1)
    for _ in range(1000):
        assert file.current() == rotated
    assert looks == [path]
    assert file.rotate() == file.current() != rotated
    clock.advance(-50)  # one that goes back all the same stops nothing
    looks.clear()
    assert file.current() is file.current()
    assert looks == [path]


def instead(make: Callable[[Path], object]) -> Callable[[Path], object]:
    """Return a damage: something else stands where the file was."""

    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


DAMAGES: dict[str, Callable[[Path], object]] = {
    "damaged": lambda path: path.write_text("{"),
    "gone": lambda path: path.unlink(),
    "too large": lambda path: path.write_bytes(b"x" * 1_000_001),
    "half written": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "empty": lambda path: path.write_bytes(b""),
    "a secret that is too short": lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "refresh_secrets": ["short"]})),
    "a folder": instead(lambda path: path.mkdir()),
    "a pipe": instead(os.mkfifo),
    "a link to nothing": instead(lambda path: path.symlink_to("nothing")),
    "a link to itself": instead(lambda path: path.symlink_to("keys.json")),
}


@each("damage", DAMAGES)
def test_the_last_good_ring_serves_on(damage: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever stands in the place of the file: one event tells of it, and a file that can be read again is used."""
    path, notices = tmp_path_factory.mktemp("ring") / "keys.json", list[Any]()
    file, clock = made(path, on_event=notices.append)
    ring = file.current()
    DAMAGES[damage](path)
    for _ in range(3):
        clock.advance(1)
        assert file.current() is ring
    assert [(notice.kind, notice.source) for notice in notices] == [("source_kept", str(path))]
    with pytest.raises(ConfigurationError):
        KeyRingFile(path)
    beside = path.with_name("beside")
    beside.write_text((rotated := ring.rotated()).to_json())
    if path.is_dir():
        path.rmdir()
    beside.replace(path)
    clock.advance(1)
    assert file.current() == rotated
    assert len(notices) == 1


def test_what_is_mended_may_look_as_before(tmp_path: Path) -> None:
    """A file that is whole again with the size and the time of the damaged one is read."""
    path = tmp_path / "keys.json"
    file, clock = made(path, on_event=lambda _: None)
    text = file.current().rotated().to_json()
    for content in ("x" * len(text), text):
        path.write_text(content)
        os.utime(path, (1, 1))
        clock.advance(1)
        file.current()
    assert file.current().to_json() == text


def test_a_link_stays_one(tmp_path: Path) -> None:
    """A rotation replaces the file that a link leads to; a link that is put elsewhere, as orchestrators do, is followed."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        KeyRingFile.create(tmp_path / folder / "keys.json")
    (tmp_path / "data").symlink_to("one")
    link = tmp_path / "keys.json"
    link.symlink_to("data/keys.json")
    clock = FixedClock(0)
    file = KeyRingFile(link, clock=clock)
    ring = file.rotate()
    assert (link.is_symlink(), names(tmp_path / "one")) == (True, ["keys.json"])
    assert KeyRing.from_json((tmp_path / "one" / "keys.json").read_bytes()) == ring
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").replace(tmp_path / "data")
    clock.advance(1)
    assert file.current() == KeyRing.from_json((tmp_path / "two" / "keys.json").read_bytes())
    with pytest.raises(AlreadyExists):
        KeyRingFile.create(link)


# Rotates until it has done so some times, and prints the keys that it made sign.
ROTATING = """
import json, sys
from threading import Event
from watchword.errors import ConfigurationError, Unavailable
from watchword.issuing import KeyRingFile
path, times = sys.argv[1], int(sys.argv[2])
made, refused = [], 0
print("ready", flush=True)
sys.stdin.readline()
while len(made) < times:
    try:
        made.append(KeyRingFile(path).rotate().active.kid)
    except Unavailable as error:
        assert "another process" in str(error), error
        refused += 1
print(json.dumps([made, refused]))
"""


@pytest.mark.long
def test_two_processes_that_rotate_lose_no_key(tmp_path: Path) -> None:
    """Each key that a process made sign is in the ring at the end: none was written over by a ring that was read before."""
    path = tmp_path / "keys.json"
    file, _ = made(path)
    first = file.current()
    processes = [Popen([sys.executable, "-c", ROTATING, str(path), "8"], stdin=PIPE, stdout=PIPE, text=True) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    done = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        done.append(json.loads(process.communicate(timeout=60)[0]))
        assert process.returncode == 0
    kids = [kid for one, _ in done for kid in one]
    ring = KeyRing.from_json(path.read_bytes())
    assert len(set(kids)) == 16
    assert {key.kid for key in ring.keys} >= {*kids, first.active.kid}
    assert len(ring.keys) == 1 + 16 + 1
    assert names(tmp_path) == ["keys.json"]


def test_a_rotation_that_is_under_way_is_not_overtaken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes meanwhile is refused, and so is who opened the file before it was replaced; the next one rotates."""
    path = tmp_path / "keys.json"
    file, _ = made(path)
    replace, inside, go_on = key_file._replace, threading.Event(), threading.Event()

    def slowly(*given: Any) -> None:
        inside.set()
        go_on.wait(60)
        replace(*given)

    monkeypatch.setattr(key_file, "_replace", slowly)
    rotating = threading.Thread(target=file.rotate)
    rotating.start()
    inside.wait(60)
    with pytest.raises(Unavailable, match="another process"):
        KeyRingFile(path).rotate()
    monkeypatch.setattr(key_file, "_replace", replace)
    go_on.set()
    rotating.join()
    samestat = os.path.samestat
    with monkeypatch.context() as patched, noting("replaced since it was opened"):
        # The moment between opening and locking: another one rotates there.
        def late(one: os.stat_result, other: os.stat_result) -> bool:
            patched.setattr(os.path, "samestat", samestat)
            beside = tmp_path / "beside"
            beside.write_text(file.current().to_json())
            beside.replace(path)
            return samestat(one, path.stat())

        patched.setattr(os.path, "samestat", late)
        with pytest.raises(Unavailable, match="another process"):
            KeyRingFile(path).rotate()
    assert KeyRingFile(path).rotate().active.place == "active"


def test_a_missing_file_is_found_at_the_start(tmp_path: Path) -> None:
    """And the repr names the file."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        KeyRingFile(tmp_path / "none.json")
    with pytest.raises(ConfigurationError, match="ES256"):
        KeyRingFile.create(tmp_path / "none.json", "HS256")  # type: ignore[arg-type]
    assert names(tmp_path) == []
    file, _ = made(tmp_path / "keys.json")
    assert repr(file) == f"KeyRingFile({str(tmp_path / 'keys.json')!r})"
