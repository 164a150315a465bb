"""Signals of real guards with real checkers: each fault and each attack raises its own signal and no other, however requests come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import CHEAP
from tests.support.drive import ByASGI, ByHand, ByWSGI
from tests.support.token_vectors import AUDIENCE, ISSUER, NOW
from tests.support.tokens import private_key, public_jwk, sign
from tests.support.wire import Request, basic, bearer
from watchword import Basic, Bearer, Guard
from watchword.checkers import JWT, Accounts
from watchword.signals import Signals
from watchword.stores import MemoryStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.drive import Driver, Through
    from watchword.signals import Signal

PROGRAMS = 12
pytestmark = pytest.mark.sampled(3)


class Site:
    """A site with access tokens and accounts, which twelve programs and twelve people use every ten seconds.

    Args:
        through: how requests come in.
    """

    def __init__(self, through: Through) -> None:
        self.told: list[Signal] = []
        self.clock = FixedClock(float(NOW))  # of the guard
        self.issued = 0.0  # by how many seconds the clock of the issuer differs
        self.key = ""  # of the issuer
        store = MemoryStore(clock=self.clock)
        accounts = Accounts(store, hasher=CHEAP, clock=self.clock)
        for number in range(PROGRAMS):
            accounts.add(f"person{number}", password_hash=CHEAP.hash("right"))
        tokens = JWT(issuer=ISSUER, audience=AUDIENCE, keys={"keys": [public_jwk("ES256", kid="ec")]}, clock=self.clock)
        signals = Signals(self.told.append)
        guard = Guard(Basic(accounts, realm="orders"), Bearer(tokens, realm="orders"), clock=self.clock, on_event=signals)
        self.drive: Driver = through(guard)
        self.statuses: list[int] = []

    def send(self, client: str, field: tuple[str, str]) -> None:
        """Send a request."""
        self.statuses.append(self.drive(Request(headers=(field,), client=client)).status)

    def token(self, number: int) -> str:
        """Return a fresh token of the issuer, by its clock and its key."""
        at = int(self.clock.now() + self.issued)
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": f"program{number}", "exp": at + 600, "iat": at, "client_id": "x", "jti": str(at)}
        return sign({"alg": "ES256", "typ": "at+jwt", "kid": "ec"}, claims, key=private_key("ES256", self.key) if self.key else None)

    def traffic(self, seconds: int, also: Callable[[], None] = lambda: None) -> None:
        """Let time pass."""
        for _ in range(seconds // 10):
            for number in range(PROGRAMS):
                self.send(f"192.0.2.{number}", bearer(self.token(number)))
                self.send(f"198.51.100.{number}", basic(f"person{number}", "right"))
            also()
            self.clock.advance(10)

    def kinds(self) -> list[tuple[str, str]]:
        """Return what was raised."""
        return [(signal.kind, signal.state) for signal in self.told]


@pytest.fixture(params=[ByHand, ByASGI, ByWSGI], ids=["by hand", "asgi", "wsgi"])
def site(request: pytest.FixtureRequest) -> Site:
    """A site on which an hour of ordinary traffic raises nothing."""
    made = Site(request.param)
    made.traffic(120)
    assert set(made.statuses) == {200}
    assert made.told == []
    return made


def once(kind: str) -> list[tuple[str, str]]:
    """Return the beginning and the end of one signal."""
    return [(kind, "begun"), (kind, "ended")]


def test_a_key_rotation_is_one_signal(site: Site) -> None:
    """The issuer signs by another key under the same name, until the service has it."""
    site.key = "rotated"
    site.traffic(120)
    assert site.kinds() == once("keys_changed")[:1]
    assert site.told[0].evidence["failed"] >= PROGRAMS
    site.key = ""
    site.traffic(120)
    assert site.kinds() == once("keys_changed")


@pytest.mark.parametrize("step", [7200.0, -7200.0])
def test_a_clock_step_is_one_signal(site: Site, step: float) -> None:
    """The clock of the guard is off, and that of the issuer is right."""
    site.clock.advance(step)
    site.issued = -step
    site.traffic(120)
    assert site.kinds() == once("clock_off")[:1]
    site.clock.advance(-step)
    site.issued = 0
    site.traffic(120)
    assert site.kinds() == once("clock_off")


def test_spraying_is_one_signal(site: Site) -> None:
    """One address tries names that have no account."""
    tried = iter(range(1000))

    def spray() -> None:
        for _ in range(3):
            site.send("203.0.113.9", basic(f"name{next(tried)}", "summer"))

    site.traffic(60, spray)
    assert site.kinds() == once("spraying")[:1]
    assert site.told[0].subject == "203.0.113.9/32"
    site.traffic(620)
    assert site.kinds() == once("spraying")


def test_a_brute_force_is_one_signal(site: Site) -> None:
    """One name of a real account from many addresses. Its owner is let in all the while."""
    tried = iter(range(1000))

    def guess() -> None:
        for _ in range(3):
            site.send(f"203.0.{next(tried)}.9", basic("person3", "wrong"))

    site.traffic(60, guess)
    assert site.kinds() == once("brute_force")[:1]
    site.traffic(620)
    assert site.kinds() == once("brute_force")
