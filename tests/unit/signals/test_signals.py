"""Signals: each attack and each fault of the server raises its own and no other, and an ordinary morning raises none."""

from __future__ import annotations

import logging
import random
import tracemalloc
from resource import RUSAGE_SELF, getrusage
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.core import ask
from tests.support.events import event, refused
from tests.support.wire import basic
from watchword import Basic, ConfigurationError, Guard, Reason
from watchword.signals import CAUSES, Signals
from watchword.signals.shares import GROUPS
from watchword.signals.sketches import Distinct
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword import AuthEvent
    from watchword.signals import Signal

START = 1_700_000_000.0


class Site:
    """A site with sixty programs that come every ten seconds, and whatever else is going on."""

    def __init__(self, **options: Any) -> None:
        self.told: list[Signal] = []
        self.signals = Signals(self.told.append, **options)
        self.now = START
        self.requests = 0

    def send(self, told: Callable[..., AuthEvent], *arguments: Any, **facts: Any) -> None:
        """Decide about one request."""
        self.requests += 1
        self.signals(told(*arguments, time=self.now, request_id=f"r{self.requests}", **facts))

    def traffic(self, seconds: float, reason: Reason | None = None, also: Callable[[], None] = lambda: None, step: float = 10) -> None:
        """Let time pass. A reason: the programs fail by it."""
        until = self.now + seconds
        while self.now < until:
            for number in range(60):
                facts = {"client": f"192.0.{number // 7}.{number}", "credential": f"token {number}"}
                if reason is None:
                    self.send(event, principal=f"program {number}", **facts)
                else:
                    self.send(refused, reason, **facts)
            also()
            self.now += step

    def kinds(self) -> list[tuple[str, str]]:
        """Return what was raised."""
        return [(signal.kind, signal.state) for signal in self.told]


FAULTS: dict[str, tuple[Reason, ...]] = {
    "keys_changed": (Reason.BAD_SIGNATURE, Reason.UNKNOWN_KEY),
    "clock_off": (Reason.EXPIRED, Reason.NOT_YET_VALID),
    "configuration_changed": (Reason.WRONG_AUDIENCE, Reason.WRONG_ISSUER),
    "store_down": (Reason.UNAVAILABLE,),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("kind", "reason"), [(kind, reason) for kind, reasons in FAULTS.items() for reason in reasons])
def test_a_fault_of_the_server_is_one_signal_that_begins_and_ends(kind: str, reason: Reason) -> None:
    """Within two minutes, with the evidence and the likely cause."""
    site = Site()
    site.traffic(600)
    site.traffic(300, reason)
    assert site.kinds() == [(kind, "begun")]
    begun = site.told[0]
    assert begun.time - (START + 600) <= 120
    assert begun.cause == CAUSES[begun.kind]
    assert begun.evidence["failed"] == 60
    assert set(begun.evidence["reasons"]) == {reason.value}
    assert [signal.kind for signal in site.signals.active] == [kind]
    site.traffic(600)
    assert site.kinds() == [(kind, "begun"), (kind, "ended")]
    assert site.told[1].since == begun.time
    assert site.signals.active == []


@pytest.mark.parametrize("step", [7200.0, -7200.0])
def test_a_clock_step_is_one_signal(step: float) -> None:
    """The clock of the guard is the one that steps, so the time of the events does."""
    site = Site()
    site.traffic(600)
    site.now += step
    site.traffic(300, Reason.EXPIRED if step > 0 else Reason.NOT_YET_VALID)
    site.now -= step
    site.traffic(600)
    assert site.kinds() == [("clock_off", "begun"), ("clock_off", "ended")]


def test_spraying_is_one_signal() -> None:
    """One address, many names: with the address, and with examples of the names, hashed."""
    site = Site()
    site.traffic(300)
    tried = iter(range(10_000))

    def spray() -> None:
        for _ in range(3):
            site.send(refused, Reason.UNKNOWN_IDENTITY, client="203.0.113.9", credential=f"name {next(tried)}", scheme="Basic")

    site.traffic(300, also=spray)
    assert site.kinds() == [("spraying", "begun")]
    assert site.told[0].subject == "203.0.113.9/32"
    assert site.told[0].evidence["names"] >= 10
    site.traffic(900)
    assert site.kinds() == [("spraying", "begun"), ("spraying", "ended")]
    assert len(site.told[1].evidence["examples"]) == 10


def test_spraying_on_a_site_without_other_visitors_is_no_fault_of_the_server() -> None:
    """Everybody fails there, and everybody is one."""
    site = Site()
    for number in range(1000):
        site.send(refused, Reason.UNKNOWN_IDENTITY, client="203.0.113.9", credential=f"name {number}", scheme="Basic")
        site.now += 1
    assert site.kinds() == [("spraying", "begun")]


@pytest.mark.parametrize(("client", "kinds"), [("8.8.8.8", []), ("10.0.0.1", ["keys_changed"])])
def test_one_visitor_with_made_up_tokens_is_no_fault_of_the_server(client: str, kinds: list[str]) -> None:
    """But where all come through one proxy that is not trusted, there is one address only."""
    site = Site()
    for number in range(1000):
        site.send(refused, Reason.BAD_SIGNATURE, client=client, credential=f"token {number}")
        site.now += 0.5
    assert [signal.kind for signal in site.told] == kinds


@pytest.mark.parametrize("addresses", [1, 40])
def test_a_brute_force_is_one_signal(addresses: int) -> None:
    """One name, from one address or from many."""
    site = Site()
    tried = iter(range(10_000))

    def guess() -> None:
        for _ in range(2):
            client = f"203.0.{next(tried) % addresses}.9"
            site.send(refused, Reason.WRONG_SECRET, client=client, credential="ann", scheme="Basic")

    site.traffic(300, also=guess)
    assert site.kinds() == [("brute_force", "begun")]
    assert site.told[0].subject == "ann"
    site.traffic(900)
    assert site.kinds() == [("brute_force", "begun"), ("brute_force", "ended")]
    assert site.told[1].evidence["addresses"] == min(addresses, 40)


def test_one_credential_from_many_networks_is_one_signal() -> None:
    """It is accepted, so no refusal tells of it."""
    site = Site()
    used = iter(range(10_000))
    site.traffic(300, also=lambda: site.send(event, client=f"203.0.{next(used) % 25}.9", credential="leaked"))
    assert site.kinds() == [("shared_credential", "begun")]
    assert site.told[0].subject == "leaked"
    site.traffic(900)
    assert site.kinds()[1:] == [("shared_credential", "ended")]


def test_stuffing_from_everywhere_is_one_signal() -> None:
    """Many names from many addresses."""
    site = Site()
    tried = iter(range(100_000))

    def stuff() -> None:
        for _ in range(100):
            number = next(tried)
            client = f"203.{number % 200}.113.{number % 250}"
            site.send(refused, Reason.WRONG_SECRET, client=client, credential=f"name {number % 900}", scheme="Basic")

    site.traffic(200, also=stuff)
    assert {kind for kind, _ in site.kinds()} <= {"everybody_failing", "spraying"}
    assert ("everybody_failing", "begun") in site.kinds()


def test_an_ordinary_morning_raises_nothing() -> None:
    """Three hundred people come within an hour, two hundred of them from one office. Their tokens have expired, and many mistype."""
    chance = random.Random(7)
    site = Site()
    for second in range(0, 3600, 2):
        site.now = START + second
        for person in range(300):
            office = person < 200
            facts: dict[str, Any] = {
                "client": "198.51.100.1" if office else f"203.0.113.{person % 256}" if person % 2 else f"2001:db8:{person:x}::1",
            }
            arrives = person * 12
            if second == arrives - arrives % 2:
                site.send(refused, Reason.EXPIRED, credential=f"old {person}", **facts)
                for _ in range(chance.choice((0, 0, 0, 1, 2, 4))):
                    site.send(refused, Reason.WRONG_SECRET, credential=f"person {person}", scheme="Basic", **facts)
                site.send(event, credential=f"person {person}", scheme="Basic", **facts)
            elif second > arrives and chance.random() < 0.02:
                site.send(event, credential=f"new {person}", **facts)
    assert site.kinds() == []
    assert site.requests > 6000


def test_pages_that_nobody_logged_in_to_raise_nothing() -> None:
    """Requests without credentials say nothing about credentials."""
    site = Site()
    for number in range(2000):
        site.send(refused, Reason.MISSING_CREDENTIALS, credential="", client=f"203.0.{number % 200}.1")
        site.now += 0.1
    assert site.kinds() == []


@given(
    st.lists(
        st.tuples(
            st.floats(0, 200), st.integers(0, 12), st.integers(0, 12), st.sampled_from([None, Reason.MISSING_ROLE, *GROUPS, Reason.DENIED])
        ),
        max_size=200,
    )
)
def test_a_signal_begins_before_it_ends_and_is_raised_once(requests: list[tuple[float, int, int, Reason | None]]) -> None:
    """Whatever is sent: beginning and end alternate for each kind and subject, and `active` is what has begun."""
    site = Site(names=3, addresses=3, failures=4, networks=3, least=3)
    for later, who, where, reason in requests:
        site.now += later
        facts = {"client": f"203.{where}.113.1", "credential": f"c{who}"}
        if reason is None:
            site.send(event, **facts)
        else:
            site.send(refused, reason, **facts)
    active: dict[tuple[str, str], bool] = {}
    for signal in site.told:
        key = (signal.kind, signal.subject)
        assert active.get(key, False) is (signal.state == "ended")
        assert signal.since <= signal.time
        active[key] = signal.state == "begun"
    assert {(one.kind, one.subject) for one in site.signals.active} == {key for key, on in active.items() if on}


@given(st.integers(0, 9), st.integers(10, 30))
def test_the_limit_is_the_limit(few: int, many: int) -> None:
    """An address that fails with fewer names raises nothing, and one that fails with as many does."""
    for count, expected in ((few, []), (many, [("spraying", "begun")])):
        site = Site()
        for number in range(count):
            site.send(refused, Reason.UNKNOWN_IDENTITY, client="203.0.113.9", credential=f"name {number}")
        assert site.kinds() == expected


def test_signals_are_a_sink_and_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Behind a guard: a warning when one begins, information when it ends."""
    clock = FixedClock(START)
    signals = Signals()
    guard = Guard(Basic(lambda _: None, realm="x"), clock=clock, on_event=signals)
    with caplog.at_level(logging.INFO, "watchword.signals"):
        for number in range(12):
            guard.decide(ask("/", basic(f"user{number}", "x")))
        clock.advance(700)
        signals.check(clock.now())
    records = [record for record in caplog.records if record.name == "watchword.signals"]
    assert [record.levelname for record in records] == ["WARNING", "INFO"]
    assert records[0].getMessage().startswith("signal spraying begun: 192.0.2.7/32 (names 10, ")
    assert "user" not in records[0].getMessage().replace("user names", "")
    assert records[0].__dict__["watchword"]["kind"] == "spraying"


@pytest.mark.parametrize("odd", [{"window": 1}, {"names": 1}, {"failures": 201}, {"share": 2}, {"least": "3"}, {"on_signal": 7}])
def test_odd_arguments_are_refused(odd: dict[str, Any]) -> None:
    """With the argument that is wrong."""
    with pytest.raises(ConfigurationError, match=rf"Signals\({next(iter(odd))}=\.\.\.\) must be"):
        Signals(**odd)


def test_counts_of_distinct_members_are_right_for_few() -> None:
    """Each member counts once, also over two periods, and no longer than that."""
    counts = Distinct(b"k" * 32)
    assert [counts.add("a", member) for member in "xyxyz"] == [1, 2, 0, 0, 3]
    counts.turn()
    assert (counts.add("a", "x"), counts.count("a")) == (0, 3)
    assert counts.add("a", "w") == 4
    counts.turn()
    assert counts.count("a") == 1
    counts.turn(twice=True)
    assert counts.count("a") == 0


def test_the_counts_take_less_than_64_mib() -> None:
    """From the beginning, and while a period and a window end."""
    tracemalloc.start()
    site = Site(window=60)
    for number in range(2_000):
        site.send(refused, Reason.WRONG_SECRET, client=f"203.{number >> 8}.{number & 255}.1", credential=f"name {number}", scheme="Basic")
        site.now += 0.1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 2**20


@pytest.mark.long
def test_a_million_addresses_take_no_more_memory_and_hide_nobody() -> None:
    """One address among them guesses, slowly. Without `tracemalloc`, which would take minutes."""
    site = Site(window=3600)
    before = getrusage(RUSAGE_SELF).ru_maxrss
    for number in range(1_000_000):
        client = f"{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}.{number % 250}"
        site.send(refused, Reason.WRONG_SECRET, client=client, credential=f"name {number % 400_000}", scheme="Basic")
        if number % 20_000 == 0:
            site.send(refused, Reason.UNKNOWN_IDENTITY, client="203.0.113.9", credential=f"guessed {number}", scheme="Basic")
        site.now += 0.001
    assert getrusage(RUSAGE_SELF).ru_maxrss - before < 16 * 1024
    assert [signal.subject for signal in site.told if signal.kind == "spraying"] == ["203.0.113.9/32"]
