"""Events in a file, one in a line."""

from __future__ import annotations

import json
import resource
import signal
import stat
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ask
from tests.support.events import event, refused
from tests.support.forks import in_child
from watchword import Bearer, ConfigurationError, Guard, Reason
from watchword.observe import JSONLines, to_ocsf

if TYPE_CHECKING:
    from pathlib import Path


def read(*paths: Path) -> list[dict[str, Any]]:
    """Return the lines of files; each is whole."""
    return [json.loads(line) for path in paths for line in path.read_text(encoding="ascii").splitlines()]


def test_an_event_is_one_line_with_all_of_its_fields(tmp_path: Path) -> None:
    """In ASCII, so that no name ends a line; the file belongs to its owner alone."""
    path = tmp_path / "auth.jsonl"
    sink = JSONLines(path)
    sink(event(principal="a\nb\u2028caf\u00e9"))
    sink(refused(Reason.EXPIRED))
    granted, expired = read(path)
    assert granted == event(principal="a\nb\u2028caf\u00e9").as_dict()
    assert (expired["event"], expired["reason"], expired["principal"]) == ("challenged.expired", "expired", "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_full_file_is_followed_by_a_new_one(tmp_path: Path) -> None:
    """The newest full file is `.1`; no more than `keep` stay; none is larger than `max_bytes`."""
    path = tmp_path / "auth.jsonl"
    sink = JSONLines(path, max_bytes=1024, keep=2)
    for number in range(20):
        sink(event(request_id=f"r{number}"))
    files = [path.with_name("auth.jsonl.2"), path.with_name("auth.jsonl.1"), path]
    assert sorted(found.name for found in tmp_path.iterdir()) == ["auth.jsonl", "auth.jsonl.1", "auth.jsonl.2", "auth.jsonl.lock"]
    assert all(0 < one.stat().st_size <= 1024 for one in files)
    ids = [line["request_id"] for line in read(*files)]
    assert ids == [f"r{number}" for number in range(20 - len(ids), 20)]


def test_a_file_may_be_thrown_away_where_none_is_kept(tmp_path: Path) -> None:
    """With `keep=0` the file begins anew."""
    sink = JSONLines(tmp_path / "a", max_bytes=1024, keep=0)
    for number in range(20):
        sink(event(request_id=f"r{number}"))
    assert {found.name for found in tmp_path.iterdir()} == {"a", "a.lock"}
    assert read(tmp_path / "a")[-1]["request_id"] == "r19"


def test_another_program_may_rotate_the_file(tmp_path: Path) -> None:
    """`logrotate` moves it away, or somebody deletes it: the next line goes into a new one."""
    path = tmp_path / "a"
    sink = JSONLines(path)
    sink(event(request_id="1"))
    path.rename(tmp_path / "moved")
    sink(event(request_id="2"))
    assert [line["request_id"] for line in read(tmp_path / "moved", path)] == ["1", "2"]


def test_threads_and_processes_lose_no_line_and_mix_none(tmp_path: Path) -> None:
    """While the file is rotated: each line is there once, and whole."""
    path = tmp_path / "auth.jsonl"
    sink = JSONLines(path, max_bytes=20_000, keep=100)

    def write(who: str) -> None:
        for number in range(100):
            sink(event(request_id=f"{who}-{number}"))

    def child(name: str) -> None:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(write, (f"{name}{thread}" for thread in range(3))))

    with ThreadPoolExecutor(3) as pool:
        forked = [pool.submit(in_child, partial(child, name), "python") for name in ("a", "b")]
        assert [one.result() for one in forked] == [0, 0]
    child("c")
    lines = read(*(found for found in tmp_path.iterdir() if found.suffix != ".lock"))
    assert len(lines) == len({line["request_id"] for line in lines}) == 900
    assert len(list(tmp_path.iterdir())) > 10


def test_a_full_disk_never_touches_the_answer() -> None:
    """`/dev/full` is one. What is lost is counted."""
    guard = Guard(Bearer(lambda _: None), on_event=JSONLines("/dev/full"))
    for _ in range(3):
        assert not guard.decide(ask("/")).granted
    assert guard.sinks is not None
    assert guard.sinks.flush(20)
    assert guard.sinks.status() == (("JSONLines", 0, 3, 0),)


def test_a_line_that_a_full_disk_cut_off_takes_no_other_with_it(tmp_path: Path) -> None:
    """The next one begins in a line of its own, so that readers lose one event."""
    path = tmp_path / "a"

    def work() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        sink = JSONLines(path)
        sink(event(request_id="1"))
        size = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, resource.RLIM_INFINITY))
        with pytest.raises(OSError, match="a part of the line"):
            sink(event(request_id="2"))
        with pytest.raises(OSError, match="File too large"):
            sink(event(request_id="3"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        sink(event(request_id="4"))
        sink(event(request_id="5"))

    assert in_child(work, "python") == 0
    first, torn, *rest = path.read_text(encoding="ascii").splitlines()
    assert json.loads(first)["request_id"] == "1"
    assert len(torn) == 50
    assert [json.loads(line)["request_id"] for line in rest] == ["4", "5"]


def test_another_shape_can_be_written(tmp_path: Path) -> None:
    """That of OCSF, for a SIEM."""
    JSONLines(tmp_path / "a", shape=to_ocsf)(event())
    assert read(tmp_path / "a") == [to_ocsf(event())]


@pytest.mark.parametrize("odd", [{"max_bytes": 10}, {"keep": -1}, {"keep": 1001}, {"max_bytes": "1"}])
def test_odd_arguments_are_refused(odd: dict[str, Any], tmp_path: Path) -> None:
    """With the argument that is wrong."""
    with pytest.raises(ConfigurationError, match=rf"JSONLines\({next(iter(odd))}=\.\.\.\) must be"):
        JSONLines(tmp_path / "a", **odd)


def test_a_file_that_cannot_be_opened_is_an_error_at_start_up(tmp_path: Path) -> None:
    """And not with the first request."""
    with pytest.raises(ConfigurationError, match=r"JSONLines\(path=\.\.\.\) cannot be opened: .* Give a file that can be written"):
        JSONLines(tmp_path / "no" / "a")
