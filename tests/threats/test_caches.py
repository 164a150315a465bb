"""Caches of credentials, and what went wrong with them elsewhere: rows C1 to C7."""

# ruff: noqa: N802 - a test carries the id of its row
from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

from tests.support.drive import ByASGI, ByWSGI, basic, bearer
from tests.support.wire import Request
from watchword import (
    ALWAYS,
    Accepted,
    APIKey,
    Basic,
    BasicCredentials,
    Bearer,
    BearerToken,
    Evidence,
    Guard,
    Principal,
    Reason,
    Refused,
    RequestView,
    Verdict,
    authenticated,
    optional,
    role,
    scope,
)
from watchword.cache import Bounded, KeyedDigest
from watchword.checkers import Accounts, APIKeys, OpaqueTokens, PasswordHasher, Users, nonblocking
from watchword.guard.cache import CredentialCache
from watchword.guard.policy import Entry
from watchword.stores import MemoryStore
from watchword.testing import FixedClock

NOW = 1_700_000_000.0
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
HASH = CHEAP.hash("s3cret")


class Counted:
    """A checker of names and passwords that may be remembered, and counts how often it is asked.

    Args:
        passwords: name to password.
    """

    def __init__(self, passwords: dict[str, str], evidence: Evidence | None = None) -> None:
        self.passwords = passwords
        self.evidence = evidence
        self.asked: list[str] = []

    def check(self, credentials: BasicCredentials) -> Verdict:
        """Compare, as a test may."""
        self.asked.append(credentials.username)
        if self.passwords.get(credentials.username) != credentials.password:
            return Refused(Reason.WRONG_SECRET)
        return Accepted(Principal(credentials.username, evidence=self.evidence), ALWAYS)


def test_C1_the_fields_of_a_cache_key_are_kept_apart(through: Any) -> None:
    """Name and password are length-prefixed: no other split of the same letters has the same key."""
    long = "n" * 52  # Okta's: bcrypt saw nothing of the password behind a long name
    checker = Counted({"ab": "cd", long: "s3cret", "a": ""})
    send = through(Guard(Basic(checker, realm="r")))
    for name, password, status in [
        ("ab", "cd", 200),
        ("a", "bcd", 401),
        ("abc", "d", 401),
        (long, "s3cret", 200),
        (long, "other", 401),
        (long + "s", "3cret", 401),
        (long, "", 401),
    ]:
        for _ in range(2):
            assert send(Request(target="/", headers=(basic(name, password),))).status == status


@pytest.mark.parametrize(
    ("one", "other"), [((b"ab", b"c"), (b"a", b"bc")), ((b"a",), (b"a", b"")), ((b"1:a", b""), (b"", b"1:a")), ((b"a,1:b",), (b"a", b"b"))]
)
def test_C1_keyed_digests_tell_every_split_apart(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> None:
    """Length-prefixed fields under a key of the process: equal for equal fields of one key, and for nothing else."""
    digest = KeyedDigest()
    assert digest.of(*one) == digest.of(*one)
    assert digest.of(*one) != digest.of(*other)
    assert KeyedDigest().of(*one) != digest.of(*one)


def test_C1_schemes_and_carriers_do_not_share_entries() -> None:
    """What a token stands for as a bearer token says nothing about the same text as an API key."""
    asked: list[str] = []

    def check(credentials: Any) -> Verdict:
        asked.append(type(credentials).__name__)
        return Accepted(Principal(type(credentials).__name__), ALWAYS)

    guard = Guard(Bearer(check), APIKey(check))
    for field in (bearer("same"), ("X-API-Key", "same"), ("Authorization", "ApiKey same")):
        guard.decide(RequestView(method="GET", target="/", headers=[field]))
    assert asked == ["BearerToken", "APIKeyCredentials", "APIKeyCredentials"]


def test_C2_a_hit_is_checked_like_a_miss(through: Any) -> None:
    """Scope, role and network of the rule are evaluated on the hot path too: what was granted once opens nothing else."""
    checker = Counted({"ann": "s3cret"})
    rules = {"/open": authenticated, "/orders": scope("orders:read"), "/admin": role("admin"), "/hidden": role("admin").hidden()}
    send = through(Guard(Basic(checker, realm="r"), rules=rules))
    field = basic("ann", "s3cret")
    cold = {target: send(Request(target=target, headers=(field,))).status for target in rules}
    hot = {target: send(Request(target=target, headers=(field,))).status for target in rules}
    assert cold["/open"] == 200
    assert {cold["/orders"], cold["/admin"]} == {403}
    assert hot == cold
    assert checker.asked == ["ann"]


@pytest.mark.parametrize("at_once", [True, False])
def test_C3_the_field_beside_a_login_form_is_no_key(*, at_once: bool) -> None:
    """A browser adds the caller's own credentials to a login form: neither stands for the other, in the form or in later requests."""
    people = Counted({"ann": "s3cret", "bob": "hunter2"})

    @nonblocking
    def check(shown: BasicCredentials) -> Verdict:
        return people.check(shown)

    guard = Guard(Basic(check if at_once else people, realm="r"))
    ann = (basic("ann", "s3cret"), ("Sec-Fetch-Site", "same-origin"))
    form = RequestView("POST", "/login", ann)
    drivers = ByASGI(guard), ByWSGI(guard)
    for name, password, granted in (("bob", "hunter2", True), ("bob", "wrong", False), ("bob", "hunter2", True)):
        assert guard.verify(BasicCredentials(name, password), form).granted is granted
        for driver in drivers:
            found = anyio.run(driver.awaited, Request(headers=ann))
            assert (found.status, found.principal and found.principal.id) == (200, "ann"), name


def test_C3_a_client_cannot_choose_the_cache_key() -> None:
    """No argument of a guard or a checker makes a cache key, and custom credentials are not cached."""
    for made in (Guard, Accounts, APIKeys, OpaqueTokens, Users, CredentialCache):
        assert not {"key", "cache_key", "key_function", "make_key", "hasher_key"} & inspect.signature(made).parameters.keys()

    @dataclass(frozen=True)
    class Special(BasicCredentials):
        """Credentials that depend on more than a cache knows of."""

        tenant: str = ""

    class Tenants(Basic):
        def extract(self, view: RequestView) -> BasicCredentials | None:
            found = super().extract(view)
            return found and Special(found.username, found.password, view.field("host") or "")

    asked: list[str] = []

    def check(credentials: Special) -> Verdict:
        asked.append(credentials.tenant)
        return Accepted(Principal(f"{credentials.username}@{credentials.tenant}"), ALWAYS)

    cache = CredentialCache(FixedClock(NOW))
    entry = Entry(Tenants(check, realm="r"))
    assert cache.key_of(entry, Special("ann", "s3cret", "a")) is None
    guard = Guard(Tenants(check, realm="r"))
    for host in ("a", "b", "a"):
        assert (
            guard.decide(RequestView(method="GET", target="/", headers=[basic("ann", "s3cret"), ("Host", host)])).principal.id
            == f"ann@{host}"
        )
    assert asked == ["a", "b", "a"]


def test_C3_a_custom_scheme_may_read_more_than_its_field(through: Any) -> None:
    """The field alone names a caller only where the scheme is one of ours, and reads nothing else."""

    class Tenants(Basic):
        """Users of several customers, told apart by the host that they ask."""

        def extract(self, view: RequestView) -> BasicCredentials | None:
            found = super().extract(view)
            return found and BasicCredentials(f"{found.username}@{view.field('host')}", found.password)

    checker = Counted({"ann@a": "s3cret"})
    send = through(Guard(Tenants(checker, realm="r")))
    field = basic("ann", "s3cret")
    for _ in range(2):
        assert send(Request(target="/", headers=(field, ("Host", "a")))).status == 200
        assert send(Request(target="/", headers=(field, ("Host", "b")))).status == 401
    assert checker.asked == ["ann@a", "ann@b", "ann@b"]


def test_C4_a_proxy_caches_by_proxy_authorization() -> None:
    """Credentials for the origin do not identify a caller to the proxy."""
    guard = Guard(Basic(Users({"ann": HASH, "bob": HASH}, hasher=CHEAP), realm="r"), proxy=True)
    shared = basic("somebody", "else")
    for name in ("ann", "bob", "ann"):
        field, value = basic(name, "s3cret")
        view = RequestView(method="GET", target="/", headers=[shared, (f"Proxy-{field}", value)])
        assert guard.decide(view).principal.id == name
    assert not guard.decide(RequestView(method="GET", target="/", headers=[shared])).granted


def test_C4_ambiguous_credentials_and_anonymous_callers_are_never_cached(through: Any) -> None:
    """Two sets of credentials in one request are refused and leave no entry. A request without credentials stays anonymous."""
    checker = Counted({"ann": "s3cret", "bob": "b0b"})
    guard = Guard(Basic(checker, realm="r"), APIKey(lambda _: None), rules={"/": optional})
    send = through(guard)
    ann, bob = basic("ann", "s3cret"), basic("bob", "b0b")
    assert send(Request(target="/", headers=(ann, ("X-API-Key", "k")))).status == 400
    assert send(Request(target="/", headers=(ann, bob))).status == 400
    assert len(guard._deciding._verifying._cache) == 0
    assert send(Request(target="/", headers=(ann,))).seen.principal.id == "ann"
    for _ in range(2):
        answer = send(Request(target="/"))
        assert answer.status == 200
        assert not answer.seen.principal.is_authenticated
        assert send(Request(target="/", headers=(bob,))).seen.principal.id == "bob"
    assert len(guard._deciding._verifying._cache) == 2


def test_C5_responses_that_depend_on_identity_advise_caches(behind: Any) -> None:
    """Refusals are not stored. Responses for a key, and for an anonymous caller, say so, cached caller or not."""
    key_checker = nonblocking(lambda _: Accepted(Principal("ann"), ALWAYS))
    send = behind(Guard(APIKey(key_checker), rules={"/": optional, "/admin": role("admin")}))
    key = ("X-API-Key", "k")
    for _ in range(2):
        assert send(Request(target="/me")).one("cache-control") == "no-store"
        assert send(Request(target="/admin", headers=(key,))).one("cache-control") == "no-store"
        assert send(Request(target="/me", headers=(key,))).one("cache-control") == "private"
        assert "x-api-key" in (send(Request(target="/")).one("vary") or "").lower()


def test_C6_nothing_is_cached_beyond_its_expiry(through: Any) -> None:
    """The cache forgets at the end of the evidence or after its own time, whichever is first, by a clock that stands still."""
    clock = FixedClock(NOW)
    checker = Counted({"ann": "s3cret"}, Evidence(expires_at=NOW + 50))
    send = through(Guard(Basic(checker, realm="r"), clock=clock, remember_for=300))
    request = Request(target="/", headers=(basic("ann", "s3cret"),))
    assert send(request).status == 200
    clock.set(NOW + 49)
    assert send(request).status == 200
    assert checker.asked == ["ann"]
    clock.set(NOW + 50)
    assert send(request).status == 401
    assert checker.asked == ["ann", "ann"]


def test_C6_a_cached_caller_is_checked_again_after_its_time(through: Any) -> None:
    """Three hundred seconds, unless the guard says otherwise; a clock that was set back asks as well."""
    clock = FixedClock(NOW)
    asked: list[str] = []

    class Lease:
        def is_current(self) -> bool:
            return True

    def check(credentials: BearerToken) -> Verdict:
        asked.append(credentials.token)
        return Accepted(Principal("ann"), Lease())

    send = through(Guard(Bearer(check), clock=clock))
    request = Request(target="/", headers=(bearer("t"),))
    for seconds, times in [(0, 1), (299, 1), (300, 2), (299, 3), (301, 3)]:
        clock.set(NOW + seconds)
        assert send(request).status == 200
        assert len(asked) == times


def test_C6_a_revoked_token_is_refused_by_the_next_request(through: Any) -> None:
    """A change in the store ends the leases at once, also of a caller who was just cached."""
    store, clock = MemoryStore(), FixedClock(NOW)
    tokens = OpaqueTokens(store, clock=clock)
    issued = tokens.create("ann")
    send = through(Guard(Bearer(tokens), clock=clock))
    request = Request(target="/", headers=(bearer(issued.token),))
    assert [send(request).status for _ in range(3)] == [200, 200, 200]
    tokens.revoke(issued.token)
    assert send(request).status == 401


def test_C7_refusals_are_not_cached(through: Any) -> None:
    """Neither unknown users nor wrong passwords leave an entry."""
    store = MemoryStore()
    accounts = Accounts(store, hasher=CHEAP)
    accounts.add("ann", "s3cret")
    guard = Guard(Basic(accounts, realm="r"))
    send = through(guard)
    for number in range(30):
        assert send(Request(target="/", headers=(basic(f"nobody-{number}", "x"),))).status == 401
        assert send(Request(target="/", headers=(basic("ann", f"x{number}"),))).status == 401
    assert len(guard._deciding._verifying._cache) == 0
    assert len(accounts._verifier._known) == 0


def test_C7_the_cache_is_bounded() -> None:
    """The oldest entry goes when the cache is full, and no number of callers makes it grow."""

    def check(credentials: BearerToken) -> Verdict:
        return Accepted(Principal(credentials.token), ALWAYS)

    guard = Guard(Bearer(check), remember=50)
    for number in range(200):
        assert guard.decide(RequestView(method="GET", target="/", headers=[bearer(f"t{number}")])).granted
    assert len(guard._deciding._verifying._cache) == 50
    kept: Bounded[bytes, int] = Bounded(2)
    for number in range(5):
        kept.keep(bytes([number]), number)
    assert list(kept.values()) == [3, 4]
    none: Bounded[bytes, int] = Bounded(0)
    none.keep(b"x", 1)
    assert not none
