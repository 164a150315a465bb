"""Apache's password file: made by real tools, and changed in every way while it is in use."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ANN, argon2_hash
from tests.support.logins import CountingHasher, guarded, log_in, write_htpasswd
from tests.support.passwords import PASSWORD, stored
from tests.support.programs import tool
from watchword import ANONYMOUS, Accepted, BasicCredentials, ConfigurationError, Principal, Reason, Refused
from watchword.checkers import Htpasswd
from watchword.checkers.htpasswd import SETTLING, _stamp
from watchword.protection.hash_limiter import HashLimiter
from watchword.testing import CheckerContract, FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.drive import Behind
    from watchword.observe.notice import OperatorNotice

QUICK = stored("ldap-salted-sha1")
ARGON2 = argon2_hash(PASSWORD)


class Watching(Htpasswd):
    """A file that keeps count of how often it was read, and what was told of it.

    Args:
        path: the file.
        settled: whether the file counts as written long ago; if not, it is read again with each check.
        options: of the checker.
    """

    def __init__(self, path: Path, *, settled: bool = True, **options: Any) -> None:
        self.reads = 0
        self.events: list[OperatorNotice] = []
        super().__init__(path, on_event=self.events.append, **options)
        if settled:
            self._clock = FixedClock(time.time() + 3600)
            self.check(BasicCredentials("nobody", ""))
        self.reads = 0

    def _load(self, *arguments: Any) -> Any:
        self.reads += 1
        return super()._load(*arguments)

    def lets_in(self, name: str, password: str = PASSWORD) -> bool:
        """Whether somebody is let in."""
        return isinstance(self.check(BasicCredentials(name, password)), Accepted)

    def told(self) -> list[str]:
        """Return the kinds of events since the last time."""
        kinds: list[str] = [event.kind for event in self.events]
        self.events.clear()
        return kinds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in which there are ann and bob."""
    return write_htpasswd(tmp_path / "users.htpasswd", {"ann": QUICK, "bob": QUICK})


@pytest.fixture(params=[True, False], ids=["settled", "just written"])
def users(request: pytest.FixtureRequest, path: Path) -> Watching:
    """The checker of that file, which was written long ago, or a moment ago."""
    return Watching(path, settled=request.param)


def replace(path: Path, octets: bytes) -> None:
    """Put another file in the place of this one, atomically."""
    other = path.with_name("other")
    other.write_bytes(octets)
    os.replace(other, path)  # noqa: PTH105 - by its own name


def rewrite(path: Path, octets: bytes) -> None:
    """Write the file in place."""
    path.write_bytes(octets)


WAYS: dict[str, Callable[[Path, bytes], None]] = {"replaced": replace, "in place": rewrite}
ways = pytest.mark.parametrize("change", WAYS.values(), ids=list(WAYS))


def lines(**hashes: str) -> bytes:
    """Return the octets of a file."""
    return "".join(f"{name}:{hash_}\n" for name, hash_ in hashes.items()).encode()


# Made by real tools

APACHE = {
    "default": [],
    "bcrypt": ["-B", "-C", "4"],
    "md5": ["-m"],
    "sha256": ["-2"],
    "sha512": ["-5"],
    "sha1": ["-s"],
    "crypt": ["-d"],
    "plain": ["-p"],
}


def test_what_htpasswd_writes_logs_in(behind: Behind, tmp_path: Path) -> None:
    """One file, with a user in each format that Apache's tool makes: each logs in by the right password and by no other one."""
    path = tmp_path / "users"
    for number, (name, options) in enumerate(APACHE.items()):
        tool("htpasswd", "-b", *(["-c"] if number == 0 else []), *options, str(path), name, PASSWORD)
    send = behind(guarded(Htpasswd(path, plain=True)))
    for name in APACHE:
        answer = send(log_in(name, PASSWORD))
        assert (answer.status, answer.principal and answer.principal.id) == (200, name)
        assert send(log_in(name, "S3cret")).status == 401
    assert send(log_in("nobody", PASSWORD)).status == 401


@pytest.mark.parametrize("name", APACHE)
def test_what_htpasswd_writes_is_taken_without_being_told(name: str, behind: Behind, tmp_path: Path) -> None:
    """All of its formats but plain text, of which there has to be a word."""
    path = tmp_path / "users"
    tool("htpasswd", "-b", "-c", *APACHE[name], str(path), "ann", PASSWORD)
    if name == "plain":
        with pytest.raises(ConfigurationError, match="not a hash of a known format"):
            Htpasswd(path)
    else:
        assert behind(guarded(Htpasswd(path)))(log_in("ann", PASSWORD)).status == 200


def test_what_htpasswd_changes_is_seen(tmp_path: Path) -> None:
    """Its own way of changing a file: a password changed, a user added, a user deleted."""
    path = tmp_path / "users"
    tool("htpasswd", "-b", "-c", "-m", str(path), "ann", PASSWORD)
    users = Watching(path)
    assert users.lets_in("ann")
    tool("htpasswd", "-b", "-m", str(path), "bob", PASSWORD)
    assert users.lets_in("bob")
    tool("htpasswd", "-b", "-m", str(path), "ann", "another")
    assert not users.lets_in("ann")
    assert users.lets_in("ann", "another")
    tool("htpasswd", "-D", str(path), "ann")
    assert not users.lets_in("ann", "another")
    assert users.lets_in("bob")


def test_what_openssl_writes_logs_in(behind: Behind, tmp_path: Path) -> None:
    """`openssl passwd`, which many use in the place of Apache's tool, in all of its formats."""
    made = {f"ann{flag}": tool("openssl", "passwd", flag, "-stdin", given=PASSWORD) for flag in ("-apr1", "-1", "-5", "-6")}
    send = behind(guarded(Htpasswd(write_htpasswd(tmp_path / "users", made))))
    for name in made:
        assert send(log_in(name, PASSWORD)).status == 200
        assert send(log_in(name, "S3cret")).status == 401


# Changed while it is in use


def test_a_file_that_does_not_change_is_read_once(path: Path) -> None:
    """Once it has settled it is looked at, and not read."""
    users = Watching(path)
    for _ in range(5):
        assert users.lets_in("ann")
        assert not users.lets_in("nobody")
    assert users.reads == 0
    assert users.told() == []


@ways
def test_a_change_is_seen_by_the_next_check(change: Callable[[Path, bytes], None], users: Watching, path: Path) -> None:
    """A user more, a user less, another password: at once, and the operator is told how many users there are."""
    assert users.lets_in("ann")
    change(path, lines(bob=QUICK, cid=QUICK))
    assert not users.lets_in("ann")
    assert users.lets_in("bob")
    assert users.lets_in("cid")
    assert [(event.kind, event.detail, event.source) for event in users.events] == [("source_reread", "2 users", str(path))]
    change(path, lines(bob=stored("apr1", "another"), cid=QUICK))
    assert not users.lets_in("bob")
    assert users.lets_in("bob", "another")


@ways
def test_a_user_removed_is_refused_by_the_next_request(change: Callable[[Path, bytes], None], behind: Behind, path: Path) -> None:
    """Although the cache of the guard and the memory of the checker knew him, and the fast path let him in."""
    send = behind(guarded(Watching(path)))
    assert [send(log_in("ann", PASSWORD)).status for _ in range(4)] == [200] * 4
    change(path, lines(bob=QUICK))
    assert [send(log_in("ann", PASSWORD)).status for _ in range(2)] == [401] * 2
    change(path, lines(ann=QUICK))
    assert send(log_in("ann", PASSWORD)).status == 200
    change(path, lines(ann=stored("apr1", "another")))
    assert send(log_in("ann", PASSWORD)).status == 401


@ways
def test_a_change_in_the_same_tick_to_the_same_length_is_seen(change: Callable[[Path, bytes], None], path: Path) -> None:
    """A file that looks as before may be another one as long as it is young: it is read again until it has settled."""
    users = Watching(path, settled=False)
    assert users.lets_in("ann")
    change(path, lines(eve=QUICK, bob=QUICK))
    # As a file system with a coarse clock, and an inode used again, would have it.
    users._loaded.stamp = _stamp(str(path))
    assert not users.lets_in("ann")
    assert users.lets_in("eve")


def test_a_file_settles_by_our_clock_where_its_time_lies_in_the_future(path: Path) -> None:
    """A server of files whose clock is ahead costs reading for a few seconds, and not until its time has come."""
    ahead = time.time() + 86_400
    os.utime(path, (ahead, ahead))
    users = Watching(path, settled=False)
    clock = FixedClock(time.time())
    users._clock = clock
    for passed, reads in ((0, 1), (1, 2), (SETTLING, 3), (1, 3), (1, 3)):
        clock.advance(passed)
        users.lets_in("ann")
        assert users.reads == reads
    clock.advance(-86_400)  # our clock is set back
    change = lines(ann=stored("apr1", "another"))
    replace(path, change)
    assert users.lets_in("ann", "another")


def test_an_old_time_on_a_new_file_is_not_believed(path: Path) -> None:
    """`cp -p` and `tar` write files that say they are old: when they came into being is what counts."""
    os.utime(path, (1, 1))
    users = Watching(path, settled=False)
    users.lets_in("ann")
    users.lets_in("ann")
    assert users.reads == 2


def test_a_file_that_is_touched_only_is_the_same(users: Watching, path: Path) -> None:
    """It is read, found to say the same, and nobody is told; what was remembered stays good."""
    verdict = users.check(BasicCredentials("ann", PASSWORD))
    assert isinstance(verdict, Accepted)
    table = users._loaded.table
    os.utime(path)
    assert users.lets_in("ann")
    assert users._loaded.table is table
    assert users.reads >= 1
    assert users.told() == []


@pytest.mark.parametrize("octets", [b"", b"# nobody\n\n"], ids=["empty", "comments"])
def test_an_emptied_file_refuses_every_login_once_it_has_settled(octets: bytes, path: Path) -> None:
    """A file that is being written is empty for a moment, and nobody is sent away for that. One that stays empty was emptied."""
    users = Watching(path, settled=False)
    clock = FixedClock(time.time())
    users._clock = clock
    assert users.lets_in("ann")
    path.write_bytes(octets)
    assert users.lets_in("ann")
    assert users.told() == ["source_kept"]
    clock.advance(SETTLING + 1)
    hasher = users._verifier.hasher
    assert not users.lets_in("ann")
    assert users.told() == ["source_reread"]
    # What is refused costs what it cost before.
    assert hasher.profile(users._loaded.table.dummies.for_name("ann")) == hasher.profile(QUICK)
    write_htpasswd(path, {"eve": QUICK})
    assert users.lets_in("eve")
    assert not users.lets_in("ann")


def deleted(path: Path) -> None:
    """It is gone."""
    path.unlink()


def directory(path: Path) -> None:
    """A directory is in its place."""
    path.unlink()
    path.mkdir()


def fifo(path: Path) -> None:
    """A pipe is in its place, which nobody writes to."""
    path.unlink()
    os.mkfifo(path)


def garbage(path: Path) -> None:
    """It is something else."""
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))


def odd(path: Path) -> None:
    """There are users in it, and none could log in."""
    path.write_bytes(b"ann:s3cret\n")


def dangling(path: Path) -> None:
    """It leads nowhere."""
    path.unlink()
    path.symlink_to("nowhere")


def loop(path: Path) -> None:
    """It leads to itself."""
    path.unlink()
    path.symlink_to(path)


def huge(path: Path) -> None:
    """It is longer than any password file."""
    with path.open("r+b") as file:
        file.truncate(65 * 1024 * 1024)


BREAKS: dict[Callable[[Path], None], str] = {
    deleted: "No such file or directory",
    directory: "it is not a file",
    fifo: "it is not a file",
    garbage: "no line can be used to log in; line 1: it is not UTF-8",
    odd: "no line can be used to log in; line 1: the password of this user is not a hash of a known format",
    dangling: "No such file or directory",
    loop: "Too many levels of symbolic links",
    huge: "it is longer than 67108864 octets",
}
breaks = pytest.mark.parametrize("spoil", BREAKS, ids=lambda spoil: spoil.__name__)


def clear(path: Path) -> None:
    """Take away whatever is there."""
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


@breaks
def test_the_last_good_table_stays_where_the_new_file_cannot_be_used(spoil: Callable[[Path], None], users: Watching, path: Path) -> None:
    """Everybody goes on logging in, the operator is told once why, and told again when it is mended."""
    assert users.lets_in("ann")
    spoil(path)
    opened = len(os.listdir("/dev/fd"))  # noqa: PTH208 - a number is wanted
    for _ in range(5):
        assert users.lets_in("ann")
        assert not users.lets_in("nobody")
    assert len(os.listdir("/dev/fd")) == opened  # noqa: PTH208 - as above
    [event] = users.events
    assert (event.kind, event.source) == ("source_kept", str(path))
    assert BREAKS[spoil] in event.detail
    assert "s3cret" not in event.detail
    users.told()
    clear(path)
    replace(path, lines(cid=QUICK))
    assert users.lets_in("cid")
    assert not users.lets_in("ann")
    assert users.told()[-1:] == ["source_reread"]


@breaks
def test_a_file_made_again_as_it_was_is_good_again(spoil: Callable[[Path], None], users: Watching, path: Path) -> None:
    """The same octets: the same users, and the operator is told that the trouble is over."""
    spoil(path)
    assert users.lets_in("ann")
    assert users.told() == ["source_kept"]
    clear(path)
    replace(path, lines(ann=QUICK, bob=QUICK))
    for _ in range(3):
        assert users.lets_in("ann")
    assert users.told() == ["source_reread"]


def test_each_new_trouble_is_told_once(users: Watching, path: Path) -> None:
    """Deleted, garbage, deleted: three events, however often somebody logs in."""
    for spoil in (deleted, garbage, deleted):
        spoil(path)
        for _ in range(3):
            assert users.lets_in("ann")
    assert users.told() == ["source_kept"] * 3


def test_a_file_half_written_does_not_hide_the_whole_one(path: Path) -> None:
    """A writer in place empties the file, writes half and then the rest: whatever is read between, the whole counts at last."""
    users = Watching(path, settled=False)
    for octets in (b"", b"ann:{SS", lines(ann=stored("apr1", "another"))):
        path.write_bytes(octets)
        users.lets_in("ann")
    assert users.lets_in("ann", "another")
    assert not users.lets_in("ann")


def test_trouble_that_looks_the_same_is_read_again_until_it_settles(path: Path) -> None:
    """Garbage made good within one tick, to the same length: seen as long as the file is young, and nobody told of it twice."""
    users = Watching(path, settled=False)
    good = path.read_bytes()
    path.write_bytes(b"x" * len(good))
    assert users.lets_in("ann")
    assert users.lets_in("ann")
    assert users.told() == ["source_kept"]
    path.write_bytes(lines(cid=QUICK, dot=QUICK))
    users._loaded.stamp = _stamp(str(path))
    assert users.lets_in("cid")


def test_odd_lines_are_told_by_number_and_stay_to_be_seen(path: Path) -> None:
    """At start and with every new table, an event for each; `odd_lines` holds them."""
    path.write_bytes(b"ann\n" + lines(ann=QUICK) + b"bob:x\n")
    users = Watching(path)
    assert [(event.kind, event.source) for event in users.events] == [("source_line", str(path))] * 2
    assert users.events[0].detail == "line 1: it has no colon; it is ignored"
    assert users.events[1].detail.startswith("line 3: ")
    assert [line.number for line in users.odd_lines] == [1, 3]
    users.told()
    replace(path, lines(ann=QUICK) + b":\n")
    assert users.lets_in("ann")
    assert users.told() == ["source_line", "source_reread"]
    assert [str(line) for line in users.odd_lines] == ["line 2: the name is empty or holds a control character"]
    garbage(path)
    assert users.lets_in("ann")
    assert [line.number for line in users.odd_lines] == [2]


def test_without_a_hook_events_go_to_the_log(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By default: one line to the logger `watchword` each."""
    path.write_bytes(b"ann\n" + lines(ann=QUICK))
    Htpasswd(path)
    [record] = caplog.records
    assert (record.name, record.levelname) == ("watchword", "WARNING")
    assert record.getMessage() == f"source_line: {path}: line 1: it has no colon; it is ignored"


# Several at once


@pytest.mark.long
@ways
def test_twenty_threads_and_fifty_changes(change: Callable[[Path, bytes], None], path: Path) -> None:
    """While the file changes, atomically: never an exception, and whoever is in both versions is never refused.

    In place a reader may find it half written; then the last good table stays, or a shorter one counts for a moment, and
    nobody sees an exception either.
    """
    versions = [lines(ann=QUICK, bob=QUICK), lines(ann=QUICK, cid=QUICK, dot=QUICK)]
    users = Watching(path, settled=False, limiter=HashLimiter(queue=64))
    done = threading.Event()
    together = threading.Barrier(21)

    def check(number: int) -> tuple[int, list[str]]:
        together.wait()
        asked, refused = 0, []
        while asked < 5 or not done.is_set():
            asked += 1
            # None shares a computation with another one.
            if not users.lets_in("ann"):
                refused.append("ann")
            assert not users.lets_in("nobody", str(number))
        return asked, refused

    with ThreadPoolExecutor(20) as pool:
        threads = [pool.submit(check, number) for number in range(20)]
        together.wait()
        for number in range(50):
            change(path, versions[number % 2])
        done.set()
        found = [thread.result() for thread in threads]
    assert sum(asked for asked, _ in found) >= 100
    if change is replace:
        assert [refused for _, refused in found if refused] == []
    replace(path, lines(eve=QUICK))
    assert users.lets_in("eve")
    assert not users.lets_in("ann")


def test_a_change_is_read_and_told_once_however_many_see_it(path: Path) -> None:
    """Twenty requests find the file changed at the same time: one of them reads it, and there is one event."""
    users = Watching(path, limiter=HashLimiter(queue=64))
    replace(path, lines(ann=ARGON2))
    flows = [users.flow(BasicCredentials("ann", PASSWORD)) for _ in range(20)]
    reloads = [next(flow) for flow in flows]
    with ThreadPoolExecutor(20) as pool:
        tables = {loaded.table for loaded in pool.map(lambda operation: operation.run(), reloads)}
    assert len(tables) == 1
    assert users.reads == 1
    assert users.told() == ["source_reread"]


@pytest.mark.anyio
async def test_the_file_is_not_read_on_the_event_loop(path: Path) -> None:
    """Reading it is an operation, done in a worker thread; looking at it is not."""
    users = Watching(path)
    threads: list[threading.Thread] = []

    def note(event: object) -> None:
        threads.append(threading.current_thread())

    users._tell = note
    replace(path, lines(cid=QUICK))
    assert await users.acheck(BasicCredentials("cid", PASSWORD)) == Accepted(Principal("cid"))
    assert len(threads) == 1
    assert threads != [threading.current_thread()]


# What it answers


def test_verdicts(users: Watching) -> None:
    """Right, wrong, unknown; names with their case, in either form."""
    assert users.check(BasicCredentials("ann", PASSWORD)) == Accepted(Principal("ann"))
    assert users.check(BasicCredentials("ann", "S3cret")) == Refused(Reason.WRONG_SECRET)
    assert users.check(BasicCredentials("Ann", PASSWORD)) == Refused(Reason.UNKNOWN_IDENTITY)
    assert users.check(BasicCredentials("", PASSWORD)) == Refused(Reason.UNKNOWN_IDENTITY)


def test_a_lease_holds_as_long_as_the_file_says_the_same(path: Path) -> None:
    """The guard may remember an answer until the file changes, and not a moment longer."""
    users = Watching(path)
    verdict = users.check(BasicCredentials("ann", PASSWORD))
    assert isinstance(verdict, Accepted)
    assert verdict.lease is not None
    assert verdict.lease.is_current()
    replace(path, lines(ann=QUICK))
    assert not verdict.lease.is_current()
    again = users.check(BasicCredentials("ann", PASSWORD))
    assert isinstance(again, Accepted)
    assert again.lease is not None
    assert again.lease.is_current()
    assert not verdict.lease.is_current()


def test_a_file_that_is_still_young_leases_nothing(path: Path) -> None:
    """The guard asks every time; the password is hashed once all the same."""
    hasher = CountingHasher(settles=True)
    users = Watching(path, settled=False, hasher=hasher)
    for _ in range(3):
        verdict = users.check(BasicCredentials("ann", PASSWORD))
        assert isinstance(verdict, Accepted)
        assert verdict.lease is not None
        assert not verdict.lease.is_current()
    assert len(hasher.verified) == 1


def test_more_may_be_known_of_a_user_than_the_name(path: Path) -> None:
    """Principals are matched by name in either form, also of users whom only a later file names."""
    users = Watching(path, principals={"ann": ANN, "cafe\u0301": ANN})
    assert users.check(BasicCredentials("ann", PASSWORD)) == Accepted(ANN)
    assert users.check(BasicCredentials("bob", PASSWORD)) == Accepted(Principal("bob"))
    replace(path, f"caf\u00e9:{QUICK}\n".encode())
    assert users.check(BasicCredentials("caf\u00e9", PASSWORD)) == Accepted(ANN)


@pytest.mark.parametrize("wrong", [None, ANONYMOUS, "ann", {"roles": ["admin"]}, Principal])
def test_a_principal_must_be_authenticated(wrong: object, path: Path) -> None:
    """Nobody is let in as nobody, and it is found at construction, whether the file names the user by now or not."""
    for name in ("ann", "nobody"):
        with pytest.raises(ConfigurationError, match="must hold a Principal for"):
            Htpasswd(path, principals={name: wrong})  # type: ignore[dict-item]  # the mistake itself


@breaks
def test_a_file_that_cannot_be_used_is_a_mistake_at_start(spoil: Callable[[Path], None], path: Path) -> None:
    """There is no last good table yet: the message says which file, and why."""
    spoil(path)
    with pytest.raises(ConfigurationError) as caught:
        Htpasswd(path)
    assert f"Htpasswd cannot use {str(path)!r}: {BREAKS[spoil]}" in str(caught.value)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "x" * 5000])
def test_an_invalid_path_is_rejected_at_construction(name: str, tmp_path: Path) -> None:
    """Whatever the system makes of it."""
    with pytest.raises(ConfigurationError, match="Htpasswd cannot use"):
        Htpasswd(f"{tmp_path}/{name}")


def test_plain_text_and_a_hasher_are_told_in_one_way(path: Path) -> None:
    """A hasher says by itself whether it takes plain text."""
    with pytest.raises(ConfigurationError, match="takes plain=True or hasher="):
        Htpasswd(path, plain=True, hasher=CountingHasher())


def test_the_repr_shows_counts_and_no_names(path: Path) -> None:
    """The file and how many users; neither names nor hashes."""
    assert repr(Htpasswd(str(path))) == f"Htpasswd({str(path)!r}, 2 users)"


class TestContract(CheckerContract):
    """It does what every checker owes its guard."""

    accepted = BasicCredentials("ann", PASSWORD)
    refused = BasicCredentials("ann", "S3creT")
    identity = "ann"

    @pytest.fixture(autouse=True)
    def _file(self, path: Path) -> None:
        self.path = path

    def checker(self) -> object:
        """Return one whose file was written long ago: one that is young is read with each check, and has no lease yet."""
        return Watching(self.path)
