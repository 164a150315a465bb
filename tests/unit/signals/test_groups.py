"""Signals over processes that share a store: each begins once and ends once for all of them, whatever becomes of a process or the store."""

from __future__ import annotations

import gc
import json
import logging
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.events import event, refused
from watchword import Basic, ConfigurationError, Guard, Reason, Unavailable
from watchword.signals import Signals
from watchword.signals.group import read_state, write_state
from watchword.signals.members import Members
from watchword.signals.published import Members as PublishedMembers
from watchword.signals.summary import SAMPLE, Garbled, Hasher, Some, decode, encode, union
from watchword.stores import MemoryStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watchword import AuthEvent
    from watchword.signals import Signal

START = 1_700_000_000.0


class Away(MemoryStore):
    """A store that may be away."""

    away = False

    def find_value(self, key: str) -> bytes | None:
        """Answer, or be away."""
        if self.away:
            raise Unavailable("the store does not answer")
        return super().find_value(key)

    def put_value(self, key: str, value: bytes, ttl: float) -> None:
        """Keep it, or be away."""
        if self.away:
            raise Unavailable("the store does not answer")
        super().put_value(key, value, ttl)


class Workers:
    """Processes that share a store: objects of one process, which know nothing of each other but by the store."""

    def __init__(self, count: int = 8, skews: Sequence[float] = (), **options: Any) -> None:
        self.clock = FixedClock(START)
        self.store = Away(clock=self.clock)
        self.told: list[Signal] = []
        self.signals = [Signals(self.told.append, store=self.store, every=None, **options) for _ in range(count)]
        self.living = [True] * count
        self.skews = [*skews] or [0.0] * count
        self.sent = 0

    def send(self, worker: int, told: Callable[..., AuthEvent], *arguments: Any, **facts: Any) -> None:
        """Decide about one request in a worker."""
        self.sent += 1
        self.signals[worker](told(*arguments, time=self.now(worker), request_id=f"r{self.sent}", **facts))

    def now(self, worker: int) -> float:
        """Return the time by the clock of a worker."""
        return self.clock.now() + self.skews[worker]

    def exchange(self) -> None:
        """Let each living worker exchange."""
        for number, signals in enumerate(self.signals):
            if self.living[number]:
                signals.exchange(self.now(number))

    def passes(self, seconds: float, each: Callable[[], None] = lambda: None) -> None:
        """Let time pass, with an exchange every five seconds."""
        for _ in range(int(seconds / 5)):
            each()
            self.exchange()
            self.clock.advance(5)

    def spray(self, names: int = 80, client: str = "203.0.113.9") -> None:
        """One address tries names, each at the next worker."""
        for number in range(names):
            worker = number % len(self.signals)
            self.send(worker, refused, Reason.UNKNOWN_IDENTITY, client=client, credential=f"name{number}", scheme="Basic")

    def traffic(self, reasons: dict[int, Reason]) -> None:
        """Let ten programs come to each worker; those of some workers fail."""
        for worker in range(len(self.signals)):
            for number in range(10):
                facts = {"client": f"192.0.{worker}.{number}", "credential": f"token{worker}x{number}"}
                if worker in reasons:
                    self.send(worker, refused, reasons[worker], **facts)
                else:
                    self.send(worker, event, principal="p", **facts)

    def kinds(self) -> list[tuple[str, str]]:
        """Return what was raised."""
        return [(signal.kind, signal.state) for signal in self.told]


SPRAYED = [("spraying", "begun"), ("spraying", "ended")]


@pytest.mark.parametrize("skews", [(), (0, 7200, -7200, 13, 29.9, -31, 0.5, 86_400)], ids=["one clock", "clocks that differ"])
def test_an_attack_that_no_process_sees_whole_is_one_signal(skews: Sequence[float]) -> None:
    """Each of eight workers sees two names. It begins once and ends once, whatever the clocks say."""
    workers = Workers(8, skews)
    workers.exchange()
    workers.spray(16)
    workers.passes(20)
    assert workers.kinds() == SPRAYED[:1]
    begun = workers.told[0]
    assert begun.subject == "203.0.113.9/32"
    assert begun.evidence["names"] == 16
    assert begun.evidence["processes"] == 8
    assert all(example.startswith("name") for example in begun.evidence["examples"])
    assert [[one.kind for one in signals.active] for signals in workers.signals] == [["spraying"]] * 8
    workers.passes(330)
    assert workers.kinds() == SPRAYED
    assert workers.told[1].since == begun.time
    assert all(signals.active == [] for signals in workers.signals)


def test_a_name_that_several_processes_saw_counts_once() -> None:
    """One person mistypes three names at eight workers: 24 failures of three names."""
    workers = Workers(8)
    for worker in range(8):
        for name in range(3):
            workers.send(worker, refused, Reason.UNKNOWN_IDENTITY, client="203.0.113.9", credential=f"name{name}", scheme="Basic")
    workers.passes(60)
    assert workers.kinds() == []


def test_an_office_stays_an_office() -> None:
    """Forty names are mistyped behind one address, and all are accepted by one process or another."""
    workers = Workers(4)
    for person in range(40):
        facts = {"client": "198.51.100.1", "credential": f"person{person}", "scheme": "Basic"}
        workers.send(person % 4, refused, Reason.WRONG_SECRET, **facts)
        workers.send((person + 1) % 4, event, **facts)
    workers.passes(60)
    assert workers.kinds() == []


@pytest.mark.parametrize(("count", "addresses"), [(10, 10), (30, 1)])
def test_a_brute_force_over_processes_is_one_signal(count: int, addresses: int) -> None:
    """One name from ten addresses, or thirty times from one."""
    workers = Workers(8)
    for number in range(count):
        facts = {"client": f"203.0.{number % addresses}.9", "credential": "ann", "scheme": "Basic"}
        workers.send(number % 8, refused, Reason.WRONG_SECRET, **facts)
    workers.passes(600)
    assert workers.kinds() == [("brute_force", "begun"), ("brute_force", "ended")]
    assert workers.told[0].evidence["failures"] == count
    assert workers.told[0].evidence["addresses"] == addresses


def test_a_shared_credential_over_processes_is_one_signal() -> None:
    """Accepted from twelve networks, two or fewer at each worker."""
    workers = Workers(8)
    for number in range(12):
        workers.send(number % 8, event, client=f"203.0.{number}.9", credential="leaked")
    workers.passes(600)
    assert workers.kinds() == [("shared_credential", "begun"), ("shared_credential", "ended")]


def test_everybody_is_everybody_at_all_processes() -> None:
    """Three of sixteen credentials at each worker are fewer than the least number; together they are enough."""
    workers = Workers(8)

    def fail() -> None:
        for worker in range(8):
            for number in range(3):
                facts = {"client": f"192.0.{worker}.{number}", "credential": f"token{worker}x{number}"}
                workers.send(worker, refused, Reason.BAD_SIGNATURE, **facts)

    workers.passes(150, fail)
    assert workers.kinds() == [("keys_changed", "begun")]
    assert workers.told[0].evidence["failed"] == 24
    assert workers.told[0].evidence["processes"] == 8
    assert not workers.told[0].cause.startswith("8 of 8")
    workers.passes(150, lambda: workers.traffic({}))
    assert workers.kinds() == [("keys_changed", "begun"), ("keys_changed", "ended")]


def test_one_process_that_fails_alone_is_told_as_such() -> None:
    """A worker with an old key: seven of eight work."""
    workers = Workers(8)
    workers.passes(150, lambda: workers.traffic({3: Reason.BAD_SIGNATURE}))
    assert workers.kinds() == [("keys_changed", "begun")]
    assert workers.told[0].cause.startswith("1 of 8 processes: they differ from the others")
    assert workers.told[0].evidence["failing"] == 1
    workers.passes(150, lambda: workers.traffic({}))
    assert workers.kinds() == [("keys_changed", "begun"), ("keys_changed", "ended")]


def test_a_process_that_dies_suppresses_no_end() -> None:
    """The one that raised it is gone before the end, and so is each of its successors but one."""
    workers = Workers(4)
    workers.spray(16)
    workers.passes(10)
    assert workers.kinds() == SPRAYED[:1]
    for number in range(3):
        workers.living[number] = False
        workers.passes(90)
    assert workers.kinds() == SPRAYED[:1]
    workers.passes(600)
    assert workers.kinds() == SPRAYED


def test_a_process_that_dies_before_it_tells_leaves_it_to_its_successor() -> None:
    """What has begun is kept before it is told."""
    workers = Workers(2)
    workers.exchange()

    def die(_: Signal) -> None:
        raise KeyboardInterrupt

    first = Signals(die, store=workers.store, every=None, group="x")
    second = Signals(workers.told.append, store=workers.store, every=None, group="x")
    for number in range(12):
        first(refused(Reason.UNKNOWN_IDENTITY, client="203.0.113.9", credential=f"name{number}", time=START))
    with pytest.raises(KeyboardInterrupt):
        first.exchange(START)
    workers.clock.advance(61)
    second.exchange(workers.clock.now())
    second.exchange(workers.clock.now())
    assert workers.kinds() == SPRAYED[:1]


def test_without_the_store_each_process_goes_on_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    """What began before is not raised again; what a process raised by itself is not raised by the group, and ends once."""
    workers = Workers(2)
    workers.spray(12)
    workers.passes(10)
    with caplog.at_level(logging.INFO, "watchword.signals"):
        workers.store.away = True
        workers.passes(20)
        workers.spray(12)
        for number in range(12):
            workers.send(1, refused, Reason.UNKNOWN_IDENTITY, client="203.0.113.77", credential=f"other{number}", scheme="Basic")
        workers.passes(20)
        assert [(one.kind, one.subject) for one in workers.told] == [("spraying", "203.0.113.9/32"), ("spraying", "203.0.113.77/32")]
        workers.store.away = False
        workers.passes(20)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "INFO", "INFO"]  # of two processes
    assert len(workers.told) == 2
    workers.passes(700)
    assert sorted((one.subject, one.state) for one in workers.told) == [
        (subject, state) for subject in ("203.0.113.77/32", "203.0.113.9/32") for state in ("begun", "ended")
    ]


def test_what_begins_while_the_store_goes_away_is_told() -> None:
    """It was held for the next exchange, which fails."""
    workers = Workers(1)
    workers.exchange()
    workers.spray(12)
    assert workers.told == []
    workers.store.away = True
    workers.exchange()
    assert workers.kinds() == SPRAYED[:1]


def test_groups_do_not_meet() -> None:
    """Two services share one store."""
    store = MemoryStore(clock=FixedClock(START))
    told: list[Signal] = []
    several = [Signals(told.append, store=store, every=None, group=group) for group in "ab"]
    for number in range(12):
        several[number % 2](refused(Reason.UNKNOWN_IDENTITY, client="203.0.113.9", credential=f"name{number}", time=START))
    for _ in range(3):
        for one in several:
            one.exchange(START)
    assert told == []


def test_the_store_has_no_name_and_no_key_of_a_member() -> None:
    """Members are hashes of a key of the group; of a subject there is what its signal would show."""
    workers = Workers(1)
    workers.exchange()
    for number in range(9):
        workers.send(0, refused, Reason.WRONG_SECRET, client=f"203.0.113.{number + 50}", credential="5b1c", scheme="Basic")
    workers.exchange()
    [(_, written)] = workers.store.find_values("signals/default/process/")
    [brute] = [one for one in decode(written).entries if one.kind == "brute_force"]
    assert brute.members.size == 9
    assert len(brute.members.hashes) == 9
    again = Hasher(b"k" * 32).some([f"203.0.113.{number + 50}/32" for number in range(9)])
    assert not again.hashes & brute.members.hashes


GARBLED: list[bytes] = [
    b"",
    b"\xff",
    b"{}",
    b"[]",
    b"[" * 60_000,
    b"1" * 60_000,
    b'{"a":' * 10_000,
    b"x" * 65_536,
    json.dumps([2, 0, [0, ""], False, {}, [], []]).encode(),
    json.dumps([True, 0, [0, ""], False, {}, [], []]).encode(),
    json.dumps([1, -1, [0, ""], False, {}, [], []]).encode(),
    json.dumps([1, 0, [0, "AAAA"], False, {}, [], []]).encode(),
    json.dumps([1, 0, [0, ""], False, {"a\n": [0, ""]}, [], []]).encode(),
    json.dumps([1, 0, [0, ""], False, {}, [], [["spraying"]]]).encode(),
    json.dumps([1, 0, [0, ""], False, {}, [], [["x", "y", [0, ""], [0, ""], "", "", 0, False]]]).encode(),
    json.dumps([1, 0, [0, ""], False, {}, [], [["spraying", "a\nb", [99, ""], [0, ""], "", "", 0, False]]]).encode(),
    b'[1,0,[0,""],false,{},[],[["spraying","a",[99,""],[0,""],"","",NaN,false]]]',
    b'[1,0,[0,""],false,{},[],[["spraying","a",[1e400,""],[0,""],"","",0,false]]]',
    b'[1,0,[0,""],false,{},[],[["spraying",["a"],[99,""],[0,""],"","",0,false]]]',
    b'[1,0,[0,""],false,{},[[[],"a",[99,""],[0,""],{},"",true,false]],[]]',
]


@pytest.mark.parametrize("octets", GARBLED, ids=range(len(GARBLED)))
def test_a_garbled_summary_is_skipped_and_counted(octets: bytes) -> None:
    """The others go on, and so does this one where the lease or the state is garbled."""
    with pytest.raises(Garbled):
        decode(octets)
    assert read_state(octets) == ((), ())
    workers = Workers(2)
    workers.store.put_value("signals/default/process/evil", octets, 9999)
    workers.store.put_value("signals/default/state", octets, 9999)
    workers.store.put_value("signals/default/key", octets, 9999)
    workers.spray(12)
    workers.passes(10)
    assert workers.kinds() == SPRAYED[:1]
    assert sum(signals.skipped for signals in workers.signals) >= 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda kids: st.lists(kids) | st.dictionaries(st.text(), kids)
    )
)
def test_whatever_is_in_the_store_is_read_or_garbled(value: object) -> None:
    """Nothing else is raised."""
    octets = json.dumps(value).encode()
    read_state(octets)
    try:
        decode(octets)
    except Garbled:
        return
    raise AssertionError("random JSON is no summary")


def test_a_summary_and_a_state_come_back_as_they_were() -> None:
    """Also a full one, which stays within the bound of a value."""
    workers = Workers(1)
    workers.exchange()
    for number in range(3000):
        facts = {"client": f"203.{number % 250}.{number % 7}.9", "credential": f"{number:016x}", "scheme": f"S{number % 8}"}
        workers.send(0, refused, Reason.WRONG_SECRET if number % 2 else Reason.EXPIRED, **facts)
        workers.send(0, event, **facts)
    workers.clock.advance(30)
    workers.exchange()
    [(_, written)] = workers.store.find_values("signals/default/process/")
    assert 10_000 < len(written) <= 65_536
    assert encode(decode(written)) == written
    state = workers.store.find_value("signals/default/state")
    if state is not None:
        assert write_state(*read_state(state)) == state


@given(st.lists(st.sets(st.integers(0, 3000), max_size=400), max_size=6))
def test_a_union_is_exact_for_few_and_close_for_many(sets: list[set[int]]) -> None:
    """Each set is known by at most 128 hashes."""
    hasher = Hasher(b"k" * 32)
    true = len(set[int]().union(*sets))
    found = union(hasher.some([str(one) for one in each]) for each in sets)
    if all(len(each) <= SAMPLE for each in sets):
        assert found == true
    else:
        assert 0.5 * true <= found <= 1.6 * true + 20
    assert union([Some(7, frozenset())]) == 7


def test_members_of_the_strongest_keys_stay() -> None:
    """A hundred thousand keys with one member push out none that has more."""
    members = Members(10)
    for number in range(5):
        members.add("strong", f"m{number}", START, "r")
    for number in range(100_000):
        members.add(f"k{number}", "m", START, "r")
    strong = members.get("strong")
    assert strong is not None
    assert len(strong.members) == 5
    assert members.ranked()[0] == "strong"
    assert len(members.ranked()) <= 1024


@pytest.mark.long
@pytest.mark.parametrize("limit", [10, 200])
def test_the_members_take_less_than_16_mib(limit: int) -> None:
    """Also where clients fill every table: with the counts that makes less than 64 MiB."""
    tracemalloc.start()
    made = PublishedMembers({"names": limit, "addresses": limit, "networks": limit, "least": 10, "failures": 30})
    for half in range(2):
        for number in range(60_000):
            client, name = f"203.{number % 1200:06}.{half}", f"{number // 1200 % 50:08}{number % 1200:08}{half}"
            told = event(credential=name, client=client, request_id=f"{number:032}")
            made.accepted(told, client, f"{number:020}")
            made.failed(told, client)
            made.failed(event(credential=client, request_id=f"{number:032}"), f"{number:020}")
        if not half:
            made.turn(twice=False)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 2**16 < size < 16 * 2**20


def test_a_guard_needs_an_event_key_for_a_group() -> None:
    """Without one, each process would give the same name another hash."""
    signals = Signals(store=MemoryStore(), every=None)
    with pytest.raises(ConfigurationError, match=r"Guard\(event_key=\.\.\.\) must be the same"):
        Guard(Basic(lambda _: None, realm="x"), on_event=signals)
    Guard(Basic(lambda _: None, realm="x"), on_event=signals, event_key=b"k" * 32)
    Guard(Basic(lambda _: None, realm="x"), on_event=Signals())


@pytest.mark.parametrize("odd", [{"store": 7}, {"every": 0}, {"every": 99}, {"group": ""}, {"group": "a/b"}, {"group": "é"}])
def test_odd_arguments_of_a_group_are_refused(odd: dict[str, Any]) -> None:
    """With the argument that is wrong."""
    with pytest.raises(ConfigurationError, match=rf"Signals\({next(iter(odd))}=\.\.\.\) must be"):
        Signals(**{"store": MemoryStore(), **odd})


def test_signals_of_a_group_are_collected() -> None:
    """Their thread ends with them."""
    from weakref import ref

    signals = Signals(store=MemoryStore(), every=0.1)
    signals(refused(time=START))
    gone = ref(signals)
    del signals
    for _ in range(200):
        gc.collect()
        if gone() is None:
            return
        __import__("time").sleep(0.05)
    raise AssertionError("the thread keeps them alive")
