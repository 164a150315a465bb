# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
import pytest

from tests.support.each import each, noting
from tests.support.forks import in_child
from tests.support.hostile import WORLDS
from tests.support.issuer import Issuer
from tests.support.tokens import private_key, public_jwk, sign
from watchword import Bearer, ConfigurationError, Guard, RequestView, Unavailable
from watchword.checkers import JWT
from watchword.checkers.jwt.remote import RemoteKeys
from watchword.checkers.jwt.schedule import COOL_DOWN, MOST_STALE
from watchword.fetching import Fetcher
from watchword.operation import arun, in_steps, run
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from watchword.checkers.jwt.keys import KeySet
    from watchword.observe.notice import OperatorNotice

MINUTE = 60.0


def remote(issuer: Issuer, clock: FixedClock | None = None, **options: Any) -> RemoteKeys:
    """Return the keys of an issuer, by the URL of its set."""
    fetcher = options.pop("fetcher", None) or Fetcher(timeout=MINUTE)
    return RemoteKeys(issuer.keys_url, clock=clock or FixedClock(), fetcher=fetcher, **options)


def has(source: RemoteKeys, kid: str | None, world: str = "sync") -> bool:
    """Ask for a key, and return whether the set has it."""
    found: KeySet = WORLDS[world](in_steps(lambda: source.keys(kid)))
    return kid is None or found.has_kid(kid)


def refreshed(source: RemoteKeys, world: str = "sync") -> bool:
    """Do what a checker leaves for after the response, and return whether there was anything."""
    left = source.refresh()
    if left is not None:
        WORLDS[world](left)
    return left is not None


@each("world", WORLDS)
def test_a_set_is_fetched_once(world: str) -> None:
    """The first token fetches the set; the next ones use it, until its lifetime comes near its end."""
    with Issuer("a", cache_control="max-age=1000") as issuer:
        clock = FixedClock()
        source = remote(issuer, clock)
        assert source.fresh() is None
        assert issuer.fetches == 0
        for kid in ("a", None, "a"):
            assert has(source, kid, world)
            assert source.fresh() is not None
            assert not refreshed(source, world)
        assert issuer.fetches == 1
        assert issuer.server.requests[0].fields["accept"] == "application/jwk-set+json, application/json"


@each("world", WORLDS)
def test_nobody_waits_for_a_refresh(world: str) -> None:
    """Before the end of its lifetime a set is fetched again after one response, once; every caller meanwhile has the old set."""
    with Issuer("a", cache_control="max-age=1000") as issuer:
        clock = FixedClock()
        source = remote(issuer, clock)
        assert has(source, "a", world)
        clock.advance(800)
        issuer.kids.append("b")
        assert source.fresh() is None  # so that a request reaches the checker, which takes the work along
        issuer.gate = threading.Event()
        left = source.refresh()
        assert left is not None
        worker = threading.Thread(target=lambda: WORLDS[world](left))
        worker.start()
        for _ in range(20):
            assert has(source, "a", world)  # though the server does not answer yet
            assert source.refresh() is None
            assert source.fresh() is not None
        issuer.gate.set()
        worker.join()
        assert has(source, "b", world)
        assert issuer.fetches == 2


def test_one_caller_waits_after_the_end() -> None:
    """A set whose lifetime ended while no request came is fetched before it is used, once; if that fails it is used on."""
    with Issuer("a", cache_control="max-age=60") as issuer:
        clock = FixedClock()
        told: list[OperatorNotice] = []
        source = remote(issuer, clock, on_event=told.append)
        assert has(source, "a")
        clock.advance(3600)
        issuer.kids = ["b"]
        assert source.fresh() is None
        assert not has(source, "a")
        assert issuer.fetches == 2
        clock.advance(3600)
        issuer.status = 500
        for _ in range(10):
            assert has(source, "b")
        assert issuer.fetches == 3
        assert [notice.kind for notice in told] == ["key_set_kept"]


def test_the_first_token_of_a_new_key_is_accepted() -> None:
    """A key that appeared after the last fetch is found by the first token that names it."""
    with Issuer("a", cache_control="max-age=86400") as issuer:
        clock = FixedClock()
        source = remote(issuer, clock)
        assert has(source, "a")
        clock.advance(COOL_DOWN)
        issuer.kids = ["b"]
        assert has(source, "b")
        assert not has(source, "a")
        assert issuer.fetches == 2


@each("world", WORLDS)
def test_a_key_that_came_after_the_first_fetch_is_found_at_once(world: str) -> None:
    """A first fetch for a good token looks for no key, nor does one by lifetime: the next key is accepted at first sight, at any time."""
    for wanted in ("a", None):
        for after in (0.0, 1.0, COOL_DOWN - 1, COOL_DOWN):
            with noting(wanted, after), Issuer("a", cache_control="max-age=100") as issuer:
                clock = FixedClock()
                source = remote(issuer, clock)
                assert has(source, wanted, world)
                clock.advance(after)
                issuer.kids = ["b", "a"]
                assert has(source, "b", world)
                for number in range(100):
                    assert not has(source, f"random-{number}")
                assert issuer.fetches == 2
                clock.advance(75)  # by lifetime
                assert refreshed(source, world)
                issuer.kids.append("c")
                assert has(source, "c", world)
                assert issuer.fetches == 4


@each("world", WORLDS)
def test_R7517_8_1_random_keys_cause_one_fetch(world: str) -> None:
    """1,000 tokens that name keys which nobody has cause one fetch in a cool-down, and cost no good token its set."""
    with Issuer("a", cache_control="max-age=86400") as issuer:
        clock = FixedClock()
        source = remote(issuer, clock)
        for number in range(1000 if world == "sync" else 100):
            assert not has(source, f"random-{number}", world)
        assert issuer.fetches == 1
        for _ in range(3):
            clock.advance(COOL_DOWN)
            for number in range(100):
                assert not has(source, f"random-{number}", world)
            assert has(source, "a", world)
        assert issuer.fetches == 4


def test_R7517_8_1_an_outage_refuses_no_good_token() -> None:
    """A key server that is down for ten minutes, and then for a day, changes nothing for good tokens; after the bound none is accepted."""
    with Issuer("a", cache_control="max-age=300") as issuer:
        clock = FixedClock()
        told: list[OperatorNotice] = []
        source = remote(issuer, clock, on_event=told.append)
        assert has(source, "a")
        issuer.status = 503
        for _ in range(600):
            clock.advance(1)
            assert has(source, "a")
            refreshed(source)
        # From the refresh point at 225 seconds on, every 30 seconds.
        assert issuer.fetches == 1 + 13
        assert [notice.kind for notice in told] == ["key_set_kept"]
        assert issuer.keys_url in told[0].detail
        clock.set(300 + MOST_STALE - 1)
        assert has(source, "a")
        clock.advance(1)
        with pytest.raises(Unavailable) as outage:
            has(source, "a")
        assert outage.value.retry_after
        assert source.fresh() is None
        issuer.status = 200
        clock.advance(COOL_DOWN)
        assert has(source, "a")
        assert [notice.kind for notice in told] == ["key_set_kept", "key_set_refreshed"]


def test_an_unknown_key_in_an_outage_is_no_refusal() -> None:
    """While the server fails a token may be of a key that is not known yet: that is an outage. Known keys go on."""
    with Issuer("a", cache_control="max-age=86400") as issuer:
        clock = FixedClock()
        source = remote(issuer, clock, on_event=lambda _: None)
        assert has(source, "a")
        clock.advance(COOL_DOWN)
        issuer.status = 500
        for _ in range(10):
            with pytest.raises(Unavailable, match="not in the last good key set"):
                has(source, "b")
            assert has(source, "a")
        assert issuer.fetches == 2


def test_R7517_8_1_without_a_set_there_is_an_outage() -> None:
    """A server that never gave a set makes every token an outage, with few attempts, and words about the cause."""
    with Issuer("a") as issuer:
        issuer.status = 404
        clock = FixedClock()
        source = remote(issuer, clock)
        for _ in range(60):
            with pytest.raises(Unavailable, match="answers 404") as outage:
                has(source, "a")
            assert 1 <= (outage.value.retry_after or 0) <= 31
            clock.advance(1)
        assert issuer.fetches == 6  # after 0, 1, 3, 7, 15 and 31 seconds
        issuer.status = 200
        clock.advance(COOL_DOWN)
        assert has(source, "a")


def test_many_callers_share_a_fetch() -> None:
    """200 callers at once cause one fetch: in threads, on asyncio, on trio, and in a child that was forked meanwhile."""
    with Issuer("a", cache_control="max-age=1000") as issuer:
        source = remote(issuer)
        with ThreadPoolExecutor(200) as pool:
            assert all(pool.map(lambda _: has(source, "a"), range(200)))
        assert issuer.fetches == 1

        async def crowd(source: RemoteKeys) -> None:
            async def one() -> None:
                assert (await arun(source.keys("a"))).has_kid("a")

            async with anyio.create_task_group() as tasks:
                for _ in range(200):
                    tasks.start_soon(one)

        for number, world in enumerate(("asyncio", "trio"), 2):
            with noting(world):
                anyio.run(crowd, remote(issuer), backend=world)
                assert issuer.fetches == number
        # Forked while a thread of the parent fetches.
        issuer.gate = threading.Event()
        source = remote(issuer)
        worker = threading.Thread(target=has, args=(source, "a"))
        worker.start()
        while issuer.fetches < 4:
            pass

        def work() -> None:
            gone = Counter[bool]()
            threads = [threading.Thread(target=lambda: gone.update([has(source, "a")])) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert gone == {True: 20}

        opening = threading.Timer(0.2, issuer.gate.set)
        opening.start()
        assert in_child(work, "python") == 0
        worker.join()
        assert issuer.fetches == 5


@each("world", WORLDS)
def test_a_silent_server_holds_one_caller_at_a_time(world: str) -> None:
    """While the server fails one caller tries, and all others are answered at once: an outage, or by the key that is there."""
    for kept in (True, False):
        with noting(kept=kept), Issuer("a", cache_control="max-age=86400") as issuer:
            clock = FixedClock()
            source = remote(issuer, clock, on_event=lambda _: None)
            if kept:
                assert has(source, "a")
            issuer.status = 500
            with pytest.raises(Unavailable):
                has(source, "b", world)
            clock.advance(COOL_DOWN)
            issuer.gate, before = threading.Event(), issuer.fetches
            trying = threading.Thread(target=_outage, args=(source, "b", world))
            trying.start()
            while issuer.fetches == before:
                threading.Event().wait(0.001)
            for number in range(20):
                _outage(source, f"made-up-{number}", world)
                assert not kept or has(source, "a", world)
            assert trying.is_alive()
            issuer.gate.set()
            trying.join()
            assert issuer.fetches == before + 1


def _outage(source: RemoteKeys, kid: str, world: str) -> None:
    with pytest.raises(Unavailable):
        has(source, kid, world)


def test_a_caller_who_leaves_ends_no_fetch() -> None:
    """A client that disconnects cannot keep a new key from being found: the fetch goes on without it."""

    async def leaving(source: RemoteKeys) -> None:
        with anyio.move_on_after(0.05):
            await arun(source.keys("b"))

    for world in ("asyncio", "trio"):
        with noting(world), Issuer("a", cache_control="max-age=86400") as issuer:
            clock = FixedClock()
            source = remote(issuer, clock)
            assert has(source, "a")
            clock.advance(COOL_DOWN)
            issuer.kids.append("b")
            issuer.gate = threading.Event()
            threading.Timer(0.3, issuer.gate.set).start()
            anyio.run(leaving, source, backend=world)
            assert has(source, "b")
            assert issuer.fetches == 2


@each("world", ["asyncio", "trio"])
def test_an_async_client_serves_event_loops(world: str) -> None:
    """With an async client of the application the set is fetched on its event loop, once for all callers there."""

    async def all_of_it(issuer: Issuer) -> None:
        async with httpx2.AsyncClient(trust_env=False) as client:
            source = remote(issuer, fetcher=Fetcher(client=client, timeout=MINUTE))

            async def one() -> None:
                assert (await arun(source.keys("a"))).has_kid("a")

            async with anyio.create_task_group() as tasks:
                for _ in range(50):
                    tasks.start_soon(one)
            with pytest.raises(ConfigurationError, match="event loop"):
                run(remote(issuer, fetcher=Fetcher(client=client)).keys("a"))

    with Issuer("a") as issuer:
        anyio.run(all_of_it, issuer, backend=world)
        assert issuer.fetches == 1


def test_odd_members_are_named_once() -> None:
    """A member that cannot be used costs no other one anything, and is told to the operator once."""
    with Issuer("a", cache_control="max-age=60") as issuer:
        clock = FixedClock()
        told: list[OperatorNotice] = []
        source = remote(issuer, clock, on_event=told.append)
        odd = [{"kty": "OKP", "crv": "X25519", "x": "AA", "kid": "odd"}, 7, {}, {"kty": "RSA", "kid": "short"}]
        issuer.content = json.dumps({"keys": [*odd, public_jwk("ES256", "a", kid="a"), None]})
        for _ in range(3):
            assert has(source, "a")
            clock.advance(3600)
        assert issuer.fetches == 3
        assert [notice.kind for notice in told] == ["unusable_key"] * 5


NOW = 1_700_000_000
AUDIENCE = "https://api.example.com"


def view(issuer: Issuer, kid: str, **header: Any) -> RequestView:
    """A request with a token of an issuer."""
    times = {"iat": NOW, "exp": NOW + 90_000}
    claims = {"iss": issuer.issuer, "sub": "ann", "aud": AUDIENCE, "client_id": "web", "jti": kid, **times}
    token = sign({"alg": "ES256", "typ": "at+jwt", "kid": kid, **header}, claims, key=private_key("ES256", kid))
    return RequestView(method="GET", target="/", headers=[("Authorization", f"Bearer {token}")])


def test_a_guard_follows_its_issuer() -> None:
    """Discovery, rotation, the refresh after a response, for cached callers too, and an outage: through a guard, as it is used."""
    with Issuer("a", cache_control="max-age=1000") as issuer:
        clock = FixedClock(NOW)
        checker = JWT(issuer=issuer.issuer, audience=AUDIENCE, clock=clock, fetcher=Fetcher(timeout=MINUTE))
        guard = Guard(Bearer(checker), clock=clock)

        def asked(kid: str) -> int | None:
            decision = guard.decide(view(issuer, kid))
            status = None if decision.granted else guard.refuse(decision, view(issuer, kid)).status
            guard.finish(decision)
            return status

        assert asked("a") is None
        assert asked("b") == 401
        clock.advance(COOL_DOWN)
        issuer.kids = ["a", "b"]
        assert asked("b") is None
        assert issuer.fetches == 3
        for _ in range(7):
            clock.advance(100)
            assert asked("a") is None
        assert issuer.fetches == 3
        clock.advance(51)
        issuer.kids = ["b"]
        assert asked("a") is None  # the request that takes the refresh along
        assert issuer.fetches == 4
        assert asked("a") == 401  # its key is withdrawn, so what was cached by it is not used; it is looked for once more
        assert asked("b") is None
        issuer.status = 500
        clock.advance(5000)
        for _ in range(20):
            assert asked("b") is None
        assert asked("c") == 503
        assert issuer.fetches == 6
        assert [request.target for request in issuer.server.requests].count("/.well-known/oauth-authorization-server") == 1


def test_keys_in_a_token_are_not_fetched() -> None:
    """A token that says where its key is, or has it with it, has no connection opened and is refused."""
    with Issuer("a") as issuer, Issuer("evil") as evil:
        checker = JWT(
            issuer=issuer.issuer, audience=AUDIENCE, clock=FixedClock(NOW), fetcher=Fetcher(timeout=MINUTE), jwks_url=issuer.keys_url
        )
        guard = Guard(Bearer(checker), clock=FixedClock(NOW))
        url, jwk = evil.keys_url, public_jwk("ES256", "evil", kid="evil")
        for header in ({"jku": url}, {"x5u": url}, {"jwk": jwk}, {"x5c": ["MIIB"]}, {"jku": url, "jwk": jwk, "x5u": url}):
            with noting(header):
                decision = guard.decide(view(issuer, "evil", **header))
                assert not decision.granted
                assert guard.refuse(decision, view(issuer, "evil")).status == 401
        assert evil.server.connections == 0


@each(
    ("arguments", "words"),
    [
        ({}, "either url or issuer"),
        ({"url": "https://a.example/", "issuer": "https://a.example/"}, "either url or issuer"),
        ({"url": "http://id.example.com/keys"}, r"RemoteKeys\(url\) must be a URL to fetch: https"),
        ({"url": 7}, r"RemoteKeys\(url\)"),
        ({"issuer": "id.example.com"}, r"RemoteKeys\(issuer=...\)"),
        ({"issuer": "https://id.example.com/?a=b"}, "without a query"),
        ({"url": "https://a.example/", "algorithms": ["HS256"]}, "public keys"),
        ({"url": "https://a.example/", "algorithms": ["none"]}, "algorithms"),
        ({"url": "https://a.example/", "fetcher": httpx2.Client}, r"fetcher=...\) must be a Fetcher"),
        ({"url": "https://a.example/", "max_stale": 86_401}, "max_stale"),
        ({"url": "https://a.example/", "clock": 7}, "clock"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any], words: str) -> None:
    """A mistake is found at construction, and the message names the argument."""
    with pytest.raises(ConfigurationError, match=words):
        RemoteKeys(**arguments)


def test_it_shows_where_the_keys_are() -> None:
    """The repr is for operators, and holds no query."""
    assert repr(RemoteKeys("https://id.example.com/keys?k=s3cret")) == "RemoteKeys('https://id.example.com/keys')"
