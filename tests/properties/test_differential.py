"""ASGI, WSGI and the bare guard give the same answer to the same request, whatever it is (the same refusal to the octet, the same caller).

Random requests and what is compared: `tests/support/differential.py`. A difference is reported as the smallest request that shows it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import cycle
from random import Random, getrandbits

import pytest

from tests.support.differential import bare_view, compare, difference, differing, log_read, without_twins
from tests.support.people import BOB, KEYS
from tests.support.random_requests import NEAR, VALID, is_routed, random_request, random_visit
from tests.support.trio import SETTINGS, Trio, trios
from tests.support.wire import Request
from watchword import APIKey, Bearer, Guard, optional
from watchword.checkers import Tokens

DECISIONS = {"Granted", "Challenged", "Forbidden", "Hidden", "Malformed", "Failed"}


def visit(among: list[Trio], rng: Random, tries: int) -> None:
    """Compare as many requests as there are tries, each trio in turn visited by one caller."""
    left = tries
    for trio in cycle(among):
        for request in random_visit(rng):
            compare(trio, request)
            left -= 1
        if left <= 0:
            return


@pytest.mark.parametrize("setting", SETTINGS)
def test_both_adapters_do_what_the_guard_says(setting: str) -> None:
    """Every adapter renders the decision of the bare guard and nothing else; no exception escapes, and no secret."""
    rng = Random(f"requests for {setting}")
    among = trios(setting)
    with log_read():
        visit(among, rng, tries=1000 if setting == "tables" else 200)  # there are two ways to be let in


@pytest.mark.long
@pytest.mark.timeout(0)
def test_both_adapters_do_what_the_guard_says_for_long(fuzz_tries: int) -> None:
    """The same, a million times. The requests are made from pytest-randomly's seed, which is WATCHWORD_SEED of `.ci/run`."""
    rng = Random(getrandbits(64))
    among = trios()
    with log_read():
        visit(among, rng, tries=fuzz_tries)


@pytest.mark.sampled(4)
@pytest.mark.anyio
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("form", ["plain", "patient"])
async def test_an_event_loop_makes_no_difference(setting: str, form: str) -> None:
    """A checker that runs in a worker thread, or waits in between, answers as one that answers at once."""
    rng = Random(f"{form} requests for {setting}")
    trio = Trio.of(setting, form, "plain")
    with log_read():
        for _ in range(60):
            request = random_request(rng)
            found = differing(trio, request, await trio.asgi.awaited(request))
            assert found is None, f"{found}\n\n{trio.name}, {request}"


def test_the_requests_are_of_all_kinds() -> None:
    """The random requests reach every kind of decision, under every setting that can take it, and are let in often enough."""
    rng = Random("kinds")
    became: Counter[tuple[str, str]] = Counter()
    guards = {setting: Trio.of(setting).bare for setting in SETTINGS}
    for _ in range(1200):
        request = random_request(rng)
        for setting, guard in guards.items():
            became[setting, type(guard.decide(bare_view(request))).__name__] += 1
    assert {decision for _, decision in became} == DECISIONS
    for setting in SETTINGS:
        kinds = {decision: count for (name, decision), count in became.items() if name == setting}
        assert sum(kinds.values()) == 1200
        assert kinds["Granted"] >= 50
        assert kinds["Malformed"] >= 50
        assert len(kinds) >= 3


def test_the_requests_are_possible() -> None:
    """The random requests are those that a server could hand over: what no adapter can mend is left out, and nothing else."""
    rng = Random("possible")
    requests = [request for _ in range(6000) for request in random_visit(rng)]
    assert all(is_routed(request) and request.target.isascii() for request in requests)
    assert any(without_twins(request) is not request for request in requests)
    fields = [[name.lower() for name, _ in request.headers] for request in requests]
    assert all(names.count("cookie") <= 1 for names in fields)
    for name in ("authorization", "proxy-authorization", "x-api-key", "host"):
        assert any(names.count(name) == 2 for names in fields)
    sent = {value for request in requests for name, value in request.headers if name == "Authorization"}
    assert sent >= {*VALID, *NEAR}


# What the comparison found, once.
FOUND = [
    # A field that is too long and another that came twice: the order of the fields, which WSGI does not keep, decided which was reported.
    ("three_schemes", [Request(headers=(("X-API-Key", "x" * 8193), ("Host", "a,b")))]),
    ("three_schemes", [Request(headers=(("Authorization", "Bearer a"), ("Authorization", "Bearer a"), ("Host", "x" * 8193)))]),
    # Two fields that hold a comma, of which one is malformed by that: the order of the fields decided which was reported.
    ("three_schemes", [Request(headers=(("Host", "a,b"), ("Authorization", "Bearer a,")))]),
    ("three_schemes", [Request(headers=(("X-API-Key", "a,b"), ("Authorization", 'Basic "'), ("Authorization", "Basic \t")))]),
    ("proxy", [Request(headers=(("Host", "a,b"), ("Proxy-Authorization", "Basic a b,")))]),
    # The absolute form of the very place where the application is mounted.
    ("three_schemes", [Request(target="http://example.com/api", mount="/api")]),
    # The fast path over WSGI did not look how long the Host field is.
    (
        "tables",
        [Request(target="/orders", headers=(("Authorization", "Bearer ann-token"), *host)) for host in ((), (("Host", "x" * 8193),))],
    ),
]


@pytest.mark.parametrize(("setting", "requests"), FOUND)
def test_what_was_found_stays_mended(setting: str, requests: list[Request]) -> None:
    """A difference that was found once is looked for ever after."""
    for trio in trios(setting):
        for request in requests:
            compare(trio, request)


class Planted:
    """Makes a trio whose bare guard knows fewer tokens: what it says of the others is a difference."""

    @staticmethod
    def of(*names: str) -> Trio:
        """Make one."""
        table = Tokens({"bob-token": BOB})
        guard = Guard(Bearer(table, realm="orders"), APIKey(KEYS, realm="keys"), rules={"/": optional}, request_id=lambda: "the-id")
        return replace(Trio.of(*names), bare=guard)


def test_a_difference_is_reported_as_its_smallest_request() -> None:
    """Who breaks an adapter is shown one request with nothing in it beside the point, and lines to paste that show it again."""
    request = Request(
        method="POST",
        target="/me/7/items?a=1",
        headers=(("Host", "example.com"), ("Authorization", "Bearer ann-token"), ("Accept", "text/html")),
        client="10.0.0.1",
        body=b"a=1",
        mount="/me",
    )
    compare(Planted.of("tables"), replace(request, headers=request.headers[:1]))
    with pytest.raises(AssertionError, match=r"^ASGI: the application was called, and Challenged") as caught:
        compare(Planted.of("tables"), request)
    first, *_, line = str(caught.value).splitlines()
    smallest = Request(headers=(("Authorization", "Bearer ann-token"),))
    assert line == f"print(difference(Trio.of('tables', 'quick', 'quick', 'plain'), {smallest!r}))"
    assert difference(Planted.of("tables"), smallest) == first
