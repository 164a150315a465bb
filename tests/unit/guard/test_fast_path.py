"""What the fast path keeps about callers, and what it makes of a grant."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.drive import ByASGI, ByWSGI, Reply, who
from tests.support.wire import Request, bearer
from watchword import APIKey, Bearer, Guard, Principal, authenticated
from watchword.checkers import Tokens
from watchword.guard.fast_path import MOST_GRANTS

PEOPLE = {"ann": Principal("ann", scopes={"read"}), "bob": Principal("bob")}


def guard(rules: int = 1) -> Guard:
    """Make a guard with so many rules."""
    table = Tokens(PEOPLE)
    return Guard(Bearer(table), APIKey(table), rules={f"/{number}": authenticated for number in range(rules)})


@pytest.mark.parametrize("driver", [ByASGI, ByWSGI])
def test_the_grants_of_a_caller_are_bounded(driver: Any) -> None:
    """One who comes to many rules is granted by each, and only a few decisions are kept."""
    made = guard(3 * MOST_GRANTS)
    send = driver(made)
    for _ in range(3):
        for number in range(3 * MOST_GRANTS):
            answer = send(Request(target=f"/{number}", headers=(bearer("ann"),)))
            assert answer.seen is not None
            assert answer.seen.decision.rule == f"/{number}"
    (fact,) = made.fast_path._facts.values()
    assert 0 < len(fact.grants) <= MOST_GRANTS


def test_two_adapters_of_one_guard_tell_their_own() -> None:
    """What ASGI tells the application beside the decision is not taken for what WSGI tells."""
    made = guard()
    by_asgi, by_wsgi = ByASGI(made), ByWSGI(made)
    for _ in range(3):
        assert who(by_asgi(Request(target="/0", headers=(bearer("ann"),)))) == "ann"
        assert by_wsgi(Request(target="/0", headers=(bearer("ann"),))).environ["REMOTE_USER"] == "ann"


@pytest.mark.parametrize("name", ["cache-control", "Cache-Control", "Content-Type", "content-type", "1"])
def test_advice_is_added_once_and_names_are_in_lower_case(name: str) -> None:
    """On both paths, whatever the application says to caches and however it writes it."""
    key = Request(target="/0", headers=(("X-API-Key", "ann"),))
    send = ByASGI(guard(), Reply(headers=((name, "x"),)))
    first, *more = [send(key).headers for _ in range(3)]
    said = [value for known, value in first if known == "cache-control"]
    assert said == (["x"] if name.lower() == "cache-control" else ["private"])
    assert more == [first, first]
