"""Many at once, by real sockets: what the bounds of hashing promise, and clients that do not wait for their answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.servers.conftest import WITH_ACCOUNTS
from tests.support.served import LIMIT, QUEUE, asking, counts, crowd, everywhere, get, most_at_once, pid, read_all, together, until, who
from tests.support.wire import basic, bearer
from watchword.checkers import PasswordHasher

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.served import Accountable, Noted
    from tests.support.servers import Server

    Serving = Callable[[str], Server]

FIRST = 50
FLOOD = 150
GONE = 80
USUAL = PasswordHasher()
MEBIBYTES = 19  # of memory that one of the usual hashes takes
SPARE = 100  # mebibytes for 150 connections, their threads, and whatever the allocator keeps; 40 hashes at once would take 760

# They take as many requests at a time as come. The others have an open door for so many as they have threads or workers.
WIDE = ["uvicorn", "hypercorn", "granian-2", "gunicorn-gthread-2-preload"]


def at_rest(server: Server, workers: int) -> bool:
    """Whether no hash is computed or waits, in any process."""
    return all((one["running"], one["waiting"]) == (0, 0) for one in counts(server, workers))


@pytest.mark.parametrize("name", WITH_ACCOUNTS)
def test_the_first_requests_of_a_user_share_one_hash(name: str, serving_accounts: Serving, accountable: Accountable) -> None:
    """Fifty at once, and each process computes one; those that come while it ends find it done."""
    server, user = serving_accounts(name), f"first-{name}"
    shown = accountable.add(user, f"right of {user}")
    answers = together(server, [asking("/me", shown)] * FIRST)
    assert [who(answer) for answer in answers] == [user] * FIRST
    assert accountable.verified(server, f"right of {user}") == len({pid(answer) for answer in answers})


@pytest.mark.parametrize("name", WIDE)
def test_a_flood_of_wrong_passwords(name: str, serving_accounts: Serving, accountable: Accountable) -> None:
    """Two at once, 20 wait, the others get a 503 at once; others are served meanwhile, and memory stays where it was."""
    server, workers, gate = serving_accounts(name), WITH_ACCOUNTS[name], f"flood-{name}"
    right = accountable.add(gate, f"right of {gate}", USUAL)
    token = bearer(accountable.tokens.create(gate).token)
    key = ("X-API-Key", accountable.keys.create(gate).key)
    flood = [asking(f"/me?{gate}", basic(gate, f"verify/{gate}/{number}")) for number in range(FLOOD)]
    assert {answer.status for answer in everywhere(server, asking("/me", token), workers)} == {200}
    before = max(one["peak_kib"] for one in counts(server, workers))

    def full() -> list[int]:
        """Return how many have come to each process, when all have and nobody moves any more."""
        seen = counts(server, workers)
        came = [one["arrived"].get(gate, 0) for one in seen]
        at_most = [(min(many, LIMIT), max(0, min(many - LIMIT, QUEUE))) for many in came]
        return came if sum(came) == FLOOD and [(one["running"], one["waiting"]) for one in seen] == at_most else []

    with accountable.closed(gate) as let, crowd(server, flood) as connections, ThreadPoolExecutor(1) as reader:
        reading = reader.submit(read_all, connections)
        came = until(full, "the flood")
        for known in (token, key):
            assert {answer.status for answer in everywhere(server, asking("/me", known), workers)} == {200}
        assert get(server, "/healthz").status == 200
        let()
        answers = reading.result()
    turned_away = [answer for answer in answers if answer.status == 503]
    assert len(turned_away) == sum(max(0, many - LIMIT - QUEUE) for many in came) >= FLOOD - 2 * (LIMIT + QUEUE)
    assert {answer.status for answer in answers if answer not in turned_away} == {401}
    assert {(*answer.all("retry-after"), *answer.challenges) for answer in turned_away} == {("1",)}
    journal = [one for one in accountable.journal(server) if one.password.startswith(f"verify/{gate}/")]
    assert most_at_once(journal) == LIMIT
    assert len(journal) == 2 * (FLOOD - len(turned_away))
    until(lambda: at_rest(server, workers), "rest")
    assert max(one["peak_kib"] for one in counts(server, workers)) - before < 1024 * (LIMIT * MEBIBYTES + SPARE)
    assert who(get(server, "/me", right)) == gate


@pytest.mark.parametrize("told", ["impatient", "patient"])
@pytest.mark.parametrize("name", ["uvicorn", "hypercorn", "hypercorn-trio", "granian-2"])
def test_clients_that_go_away(told: str, name: str, serving_accounts: Serving, accountable: Accountable) -> None:
    """Eighty, all in the middle of their hash: no place is lost, and those that only waited leave theirs where they are cancelled."""
    server, workers, gate = serving_accounts(name), WITH_ACCOUNTS[name], f"{told}-{name}"
    right = accountable.add(gate, f"right of {gate}")
    # Four of them share a hash, so that all of them find a place.
    requests = [asking(f"/me?{gate}", basic(gate, f"verify/{gate}/{number % (GONE // 4)}")) for number in range(GONE)]

    def came() -> bool:
        seen = counts(server, workers)
        hashes = sum(one["running"] + one["waiting"] for one in seen)
        return sum(one["arrived"].get(gate, 0) for one in seen) == GONE and hashes >= GONE // 4

    def nobody_waits() -> bool:
        return sum(one["waiting"] for one in counts(server, workers)) == 0

    def noted() -> list[Noted]:
        return [one for one in accountable.journal(server) if one.password.startswith(f"verify/{gate}/")]

    with accountable.closed(gate):
        with crowd(server, requests):
            until(came, "all of them")
        if told == "impatient":
            until(nobody_waits, "the end of their waiting")
        # What has begun is computed to its end, and keeps its place until then.
        assert max(one["running"] for one in counts(server, workers)) == LIMIT
        # A place is taken before its thread begins.
        until(lambda: most_at_once(noted()) == LIMIT, "the threads")
    until(lambda: at_rest(server, workers), "rest")
    journal = noted()
    assert most_at_once(journal) == LIMIT
    assert sum(one.what == "ends" for one in journal) * 2 == len(journal)
    assert {answer.status for answer in everywhere(server, asking("/me", right), workers)} == {200}
