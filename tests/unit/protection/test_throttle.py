"""Failed passwords are limited by client and name, and by client; nobody is locked out by others, and right passwords are never counted."""

# ruff: noqa: N802 - a test carries the id of its row; races are made by hand

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.core import ask
from tests.support.drive import ADAPTERS
from tests.support.forks import FORKS, in_child
from tests.support.wire import Request, basic, bearer
from watchword import (
    APIKey,
    Basic,
    BasicCredentials,
    Bearer,
    ConfigurationError,
    Decision,
    Guard,
    Overloaded,
    Principal,
    RequestView,
    Throttle,
    Throttled,
    TrustedProxies,
)
from watchword.checkers import Tokens, Users
from watchword.protection.attempts import Attempt
from watchword.protection.buckets import Refused
from watchword.protection.throttle import _Room

if TYPE_CHECKING:
    from tests.support.drive import Behind

HERE, THERE, LOCAL = "192.0.2.7", "192.0.2.8", "127.0.0.1"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of throttles that are made in the test."""
    made = Clock()
    monkeypatch.setattr("watchword.protection.throttle.ticks", made)
    return made


class Checking:
    """A checker that counts what it verifies; each password is `right of NAME`."""

    def __init__(self) -> None:
        self.verified: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, credentials: BasicCredentials) -> Principal | None:
        """Verify one."""
        self.verified.append(credentials.password)
        assert self.gate.wait(30)
        if credentials.password == "busy":
            raise Overloaded("too many hashes", retry_after=1)
        return Principal(credentials.username) if credentials.password == f"right of {credentials.username.casefold()}" else None


def site(checking: Checking, throttle: Throttle | None = None, **more: Any) -> Guard:
    """Return a guard with a throttle."""
    tokens = Tokens({"t": Principal("ann")})
    return Guard(Basic(checking, realm="x"), Bearer(tokens), APIKey(tokens), throttle=Throttle() if throttle is None else throttle, **more)


def attempt(guard: Guard, name: str, password: str, client: str | None = HERE, *fields: tuple[str, str]) -> Decision:
    """Make one attempt."""
    return guard.decide(ask("/", basic(name, password), *fields, client=client))


def failures(guard: Guard, many: int, name: str = "ann", client: str | None = HERE, *fields: tuple[str, str]) -> list[int | None]:
    """Fail with passwords that differ, and return what is to be waited for; None: it was verified."""
    made = [attempt(guard, name, f"wrong {number}", client, *fields) for number in range(many)]
    return [one.retry_after if isinstance(one, Throttled) else None for one in made]


def test_ten_failures_of_a_pair(clock: Clock) -> None:
    """Then 429 for the right password and the wrong one alike, before anything is verified; one more fits in each minute."""
    checking = Checking()
    guard = site(checking)
    assert failures(guard, 12) == [None] * 10 + [60, 60]
    assert isinstance(attempt(guard, "ann", "right of ann"), Throttled)
    assert len(checking.verified) == 10
    clock.now += 59
    assert isinstance(attempt(guard, "ann", "right of ann"), Throttled)
    clock.now += 1
    assert attempt(guard, "ann", "right of ann").granted
    assert len(checking.verified) == 11


def test_R6585_4_3_others_are_not_locked_out(clock: Clock) -> None:
    """The same name from elsewhere, and other names from here (decision D15)."""
    guard = site(Checking())
    failures(guard, 12)
    assert attempt(guard, "ann", "right of ann", THERE).granted
    assert attempt(guard, "bob", "right of bob").granted
    assert attempt(guard, "ann", "right of ann", "2001:db8::1").granted


def test_a_network_of_ipv6_is_one_client(clock: Clock) -> None:
    """A home has 2**64 addresses."""
    guard = site(Checking())
    failures(guard, 10, client="2001:db8:1:2::1")
    assert isinstance(attempt(guard, "ann", "right of ann", "2001:db8:1:2:ffff::9"), Throttled)
    assert attempt(guard, "ann", "right of ann", "2001:db8:1:3::1").granted


def test_right_passwords_take_no_room(clock: Clock) -> None:
    """However many come."""
    checking = Checking()
    guard = site(checking)
    assert all(attempt(guard, "ann", "right of ann").granted for _ in range(200))
    assert failures(guard, 11) == [None] * 10 + [60]


def test_an_outage_takes_no_room(clock: Clock) -> None:
    """Nobody has guessed wrong where nothing was verified."""
    guard = site(Checking())
    for _ in range(50):
        assert type(attempt(guard, "ann", "busy")).__name__ == "Failed"
    assert attempt(guard, "ann", "right of ann").granted


def test_the_same_wrong_password_counts_once(clock: Clock) -> None:
    """Password managers retry. It may have become right meanwhile, so it is verified."""
    checking = Checking()
    guard = site(checking)
    for _ in range(50):
        assert not isinstance(attempt(guard, "ann", "old"), Throttled)
    assert len(checking.verified) == 50
    assert failures(guard, 10) == [None] * 9 + [60]


def test_names_are_one_in_any_case(clock: Clock) -> None:
    """And in any form of Unicode, whatever the store does."""
    guard = site(Checking())
    for name in ("zoë", "ZOË", "zoe\u0308", "Zoë"):
        failures(guard, 4, name)
    assert isinstance(attempt(guard, "zoë", "x"), Throttled)


SPELLINGS = [
    *("ann", "ANN", "Ann ", " a n n", "\uff41nn", "\uff21\uff4en", "a\u0301nn", "\u00e1nn", "an\u200dn", "a\u00adnn", "ann\ufe0f"),
    *("\u1d43nn", "a" + "\u0301" * 500 + "nn", "a\u034fnn", "\u24d0nn", "a\x00nn", "a\U000e0041nn", "\u3164ann"),
]


def test_spellings_of_one_name_share_a_bucket(clock: Clock) -> None:
    """Django, LDAP and MySQL take each of these for one account, so that each would be ten more guesses."""
    guard, checking = Guard(Basic(lambda credentials: None, realm="x"), throttle=Throttle()), []
    for number, name in enumerate(SPELLINGS * 2):
        decision = guard.verify(BasicCredentials(name, f"wrong {number}"), ask("/", client=HERE))
        checking.append(isinstance(decision, Throttled))
    assert checking == [False] * 10 + [True] * (2 * len(SPELLINGS) - 10)
    assert not isinstance(attempt(guard, "amn", "x"), Throttled)


def test_names_that_are_long_or_odd(clock: Clock) -> None:
    """They count, and do not fail."""
    guard = site(Checking())
    for name in ("", "a" * 4000, "\u0130" * 900, "ﷺ" * 900):
        assert failures(guard, 11, name) == [None] * 10 + [60], name[:5]


def test_a_day(clock: Clock) -> None:
    """Thirty failures of a pair, however slowly."""
    guard = site(Checking())
    made = []
    for number in range(60):
        made.append(isinstance(attempt(guard, "ann", f"wrong {number}"), Throttled))
        clock.now += 120
    first = made.index(True)
    assert 30 <= first <= 33
    assert sum(not one for one in made) <= 35


def test_one_client_with_many_names(clock: Clock) -> None:
    """A hundred failures in ten minutes; a client that was let in before is not refused with that name."""
    checking = Checking()
    guard = site(checking)
    assert attempt(guard, "zoe", "right of zoe").granted
    made = [attempt(guard, f"name {number}", "password1") for number in range(110)]
    assert [isinstance(one, Throttled) for one in made] == [False] * 100 + [True] * 10
    assert isinstance(attempt(guard, "ann", "right of ann"), Throttled)
    assert attempt(guard, "zoe", "right of zoe").granted
    assert attempt(guard, "ann", "right of ann", THERE).granted
    clock.now += 3601
    assert attempt(guard, "ann", "right of ann").granted


def test_a_site_of_ipv6(clock: Clock) -> None:
    """Each /64 of a /56 has its limit, and all of them together have one."""
    guard = site(Checking(), Throttle(address_limits=(10, 20, 30)))
    made = [attempt(guard, f"name {number}", "x", f"2001:db8:1:{number % 256:x}::1") for number in range(25)]
    assert [isinstance(one, Throttled) for one in made] == [False] * 20 + [True] * 5
    made = [attempt(guard, f"other {number}", "x", f"2001:db8:1:{0x100 * (1 + number):x}::1") for number in range(15)]
    assert [isinstance(one, Throttled) for one in made] == [False] * 10 + [True] * 5


def test_who_is_refused_for_the_address_fills_the_pair_as_well(clock: Clock) -> None:
    """So the end of one block is not the end of all."""
    guard = site(Checking(), Throttle(address_limits=(5, 5, 5)))
    failures(guard, 5, "others")
    for number in range(20):
        attempt(guard, "ann", f"wrong {number}")
        clock.now += 0.1
    clock.now += 600
    assert failures(guard, 6) == [None] * 5 + [120]


def test_pages_of_other_sites_lock_no_visitor_out(clock: Clock) -> None:
    """What a foreign page makes a browser send counts apart."""
    guard = site(Checking())
    failures(guard, 12, "ann", HERE, ("Sec-Fetch-Site", "cross-site"))
    assert attempt(guard, "ann", "right of ann", HERE, ("Sec-Fetch-Site", "same-origin")).granted
    assert isinstance(attempt(guard, "ann", "right of ann", HERE, ("Sec-Fetch-Site", "cross-site")), Throttled)


@pytest.mark.parametrize(("client", "fields"), [(LOCAL, ()), (None, ()), ("::1", ()), ("10.0.0.5", (("X-Forwarded-For", HERE),))])
def test_where_all_clients_may_have_one_address(clock: Clock, client: str | None, fields: Any) -> None:
    """An attacker behind the same proxy closes the site for nobody: only pairs are refused, for half a minute."""
    guard = site(Checking())
    assert failures(guard, 11, "ann", client, *fields) == [None] * 10 + [30]
    for number in range(300):
        assert not isinstance(attempt(guard, f"name {number}", "x", client, *fields), Throttled)
    clock.now += 30
    assert attempt(guard, "ann", "right of ann", client, *fields).granted


def test_behind_a_declared_proxy_clients_are_told_apart(clock: Clock) -> None:
    """And those that it does not name share one limit."""
    guard = site(Checking(), proxies=TrustedProxies(["10.0.0.5"]))
    assert failures(guard, 11, "ann", "10.0.0.5", ("X-Forwarded-For", HERE)) == [None] * 10 + [60]
    assert attempt(guard, "ann", "right of ann", "10.0.0.5", ("X-Forwarded-For", THERE)).granted
    made = [attempt(guard, f"name {number}", "x", "10.0.0.5") for number in range(101)]
    assert isinstance(made[-1], Throttled)


def test_a_name_that_fails_from_everywhere(clock: Clock) -> None:
    """It refuses nobody; clients that were not accepted have two tries in place of ten."""
    checking = Checking()
    guard = site(checking)
    assert attempt(guard, "ann", "right of ann", "198.51.100.1").granted
    for number in range(110):
        attempt(guard, "ann", f"wrong {number}", f"203.0.113.{number}")
    assert failures(guard, 4, "ann", THERE) == [None, None, 300, 300]
    assert failures(guard, 4, "bob", THERE) == [None] * 4
    assert failures(guard, 4, "ann", "198.51.100.1") == [None] * 4
    assert attempt(guard, "ann", "right of ann", "198.51.100.1").granted


def test_tokens_and_keys_do_not_count(clock: Clock) -> None:
    """They cannot be guessed, and a broken deployment must not lock its clients out."""
    guard = site(Checking())
    for number in range(300):
        for shown in (bearer(f"wrong{number}"), ("X-API-Key", f"wrong{number}")):
            assert not isinstance(guard.decide(ask("/", shown, client=HERE)), Throttled)


def test_a_blocked_client_cannot_tell_a_right_guess(clock: Clock) -> None:
    """Also where the cache knows it, and while an attempt is in flight."""
    hashed = "$argon2id$v=19$m=19456,t=2,p=1$1uPZxRZnNYdFu6yLyz1YtA$Jr5R4EbneO8uM3bUTN0bG8+a/oxk/036i6/cm41m/ck"
    guard = Guard(Basic(Users({"bob": hashed}), realm="x"), throttle=Throttle(limit=3, daily=3))
    assert attempt(guard, "bob", "correct horse").granted
    failures(guard, 4, "bob")
    assert isinstance(attempt(guard, "bob", "correct horse"), Throttled)


def in_parallel(guard: Guard, passwords: list[str]) -> list[Decision]:
    """Make attempts from as many threads."""
    with ThreadPoolExecutor(len(passwords)) as pool:
        return [*pool.map(lambda password: attempt(guard, "ann", password), passwords)]


def test_O7_parallel_guesses_do_not_pass_the_limit_together() -> None:
    """A hundred at once, and ten are verified."""
    checking = Checking()
    made = in_parallel(site(checking), [f"wrong {number}" for number in range(100)])
    assert len(checking.verified) == 10
    assert sum(isinstance(one, Throttled) for one in made) == 90


def test_a_burst_of_right_passwords_loses_none() -> None:
    """Thirty-two tabs that open at once, with a limit of ten: those in flight give their room back. By threads and by tasks."""
    checking = Checking()
    assert all(one.granted for one in in_parallel(site(checking), ["right of ann"] * 32))
    guard = site(Checking())

    async def all_at_once() -> list[Decision]:
        made: list[Decision] = []

        async def one() -> None:
            made.append(await guard.adecide(ask("/", basic("ann", "right of ann"), client=HERE)))

        async with anyio.create_task_group() as tasks:
            for _ in range(32):
                tasks.start_soon(one)
        return made

    assert all(one.granted for one in anyio.run(all_at_once))


def test_one_attempt_that_several_requests_share_counts_once() -> None:
    """Twenty requests with the same wrong password at once, whichever of them is the first at each step."""
    for _ in range(20):
        guard = site(Checking())
        in_parallel(guard, ["old"] * 20)
        assert failures(guard, 10) == [None] * 9 + [60]


def test_two_that_have_taken_room_for_the_same_credentials_share_one(clock: Clock) -> None:
    """Both were past the look for another one. The second gives its room back, and the first outcome counts."""
    throttle = Throttle(limit=2, daily=2)
    credentials = Attempt(ask("/", client=HERE), "Basic", "ann", b"digest")
    state, counted = throttle._state.get(), throttle._limits.of(credentials)
    rooms = [throttle._buckets.reserve(counted.pair) for _ in range(2)]
    members = [throttle._member(state, _Room(counted, counted.pair, taken, b"digest")) for taken in rooms if isinstance(taken, float)]
    for member in members:
        member.settle("refused")
    assert throttle.blocked(credentials) is None
    assert not isinstance(throttle._buckets.reserve(counted.pair), Refused)
    assert isinstance(throttle._buckets.reserve(counted.pair), Refused)


def test_who_waits_is_counted_whatever_becomes_of_it() -> None:
    """Threads that wait at the same time, and requests that are cancelled, leave no place taken."""
    checking = Checking()
    throttle = Throttle(limit=1, daily=1)
    guard = site(checking, throttle)
    checking.gate.clear()
    with ThreadPoolExecutor(30) as pool:
        waiting = [pool.submit(attempt, guard, "ann", f"wrong {number}") for number in range(30)]
        checking.gate.wait(0.3)
        checking.gate.set()
        assert sum(not isinstance(one.result(), Throttled) for one in waiting) == 1

    async def hang_up() -> None:
        with anyio.move_on_after(0.02):
            await guard.adecide(ask("/", basic("ann", "other"), client=HERE))

    anyio.run(hang_up)
    assert throttle._state.get()._waiting == 0


def test_a_request_that_is_cancelled_keeps_its_room() -> None:
    """Or an attacker who hangs up in time would guess for nothing."""

    async def never(credentials: BasicCredentials) -> Principal | None:
        await anyio.sleep_forever()
        raise AssertionError

    guard = Guard(Basic(never, realm="x"), throttle=Throttle(limit=2, daily=2))
    made: list[Decision] = []

    async def hang_up(number: int) -> None:
        with anyio.move_on_after(0.02):
            made.append(await guard.adecide(ask("/", basic("ann", f"wrong {number}"), client=HERE)))

    async def hang_up_twice() -> None:
        for number in range(2):
            await hang_up(number)
        with anyio.fail_after(30):
            made.append(await guard.adecide(ask("/", basic("ann", "another"), client=HERE)))

    anyio.run(hang_up_twice)
    assert [type(one) for one in made] == [Throttled]


@pytest.mark.parametrize("driver", ADAPTERS.values(), ids=ADAPTERS)
def test_R6585_4_1_the_answer(driver: Behind, clock: Clock) -> None:
    """429 with Retry-After, no challenge, nothing to store; the same by ASGI and WSGI, and the page counts down (RFC 6585 §4)."""
    send = driver(site(Checking()))
    answers = [send(Request(headers=(basic("ann", f"wrong {number}"),))) for number in range(11)]
    assert [answer.status for answer in answers] == [401] * 10 + [429]
    last = answers[-1]
    assert (last.one("retry-after"), last.challenges, last.called) == ("60", [], False)
    assert last.one("cache-control") == "no-store"
    assert json.loads(last.body)["reason"] == "throttled"
    assert json.loads(last.body)["cure"]["alternatives"][0]["wait"] == 60


def test_handshakes_and_forms_count(clock: Clock) -> None:
    """In the same buckets."""
    checking = Checking()
    guard = site(checking)
    for number in range(5):
        attempt(guard, "ann", f"wrong {number}")
        view = RequestView("POST", "/login", [("Sec-Fetch-Site", "same-origin")], client=HERE)
        guard.verify(BasicCredentials("ann", f"other {number}"), view)
    handshake = Request(kind="websocket", headers=(basic("ann", "right of ann"),))
    assert ADAPTERS["asgi"](guard)(handshake).status in {403, 429}
    assert len(checking.verified) == 10


@pytest.mark.parametrize("fork", FORKS)
def test_a_child_counts_by_itself(fork: str, clock: Clock) -> None:
    """Whatever was in flight at the fork, nothing waits for it."""
    guard = site(Checking())
    failures(guard, 12)

    def child() -> None:
        assert failures(guard, 11) == [None] * 10 + [60]

    assert in_child(child, fork) == 0


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1.5}, "limit"),
        ({"limit": True}, "limit"),
        ({"window": 0}, "window"),
        ({"window": 86_401}, "window"),
        ({"daily": 9}, "daily"),
        ({"address_limits": (1, 2)}, "address_limits"),
        ({"address_limits": [1, 2, 3]}, "address_limits"),
        ({"address_limits": (1, 2, 0)}, "address_limits"),
    ],
)
def test_arguments_that_are_refused(wrong: dict[str, Any], name: str) -> None:
    """By name."""
    with pytest.raises(ConfigurationError, match=rf"Throttle\({name}=\.\.\.\)"):
        Throttle(**wrong)
