"""Servers that load the application and then fork: each worker answers for itself, whoever forked it (threats W11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.serve import FORKING
from tests.support.command import CHEAP
from tests.support.programs import program
from tests.support.served import asking, pid, together, until, who
from tests.support.servers import Server
from tests.support.wire import basic, bearer
from watchword.checkers import Accounts, APIKeys, OpaqueTokens
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.served import Field

WORKERS = 3
PEOPLE = [f"person-{number}" for number in range(6)]
ROUNDS = 2


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store is."""
    return f"sqlite:///{tmp_path}/auth.db" if request.param == "sqlite" else str(request.getfixturevalue("empty_postgresql"))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", FORKING)
def test_every_worker_logs_everybody_in_as_themselves(name: str, url: str) -> None:
    """All have the same password, and whoever read somebody else's row would be let in as somebody else."""
    if name.startswith("uwsgi"):
        program("uwsgi")
    shown: list[tuple[str, Field]] = []
    with SQLStore(url, create=True) as store:
        accounts, tokens, keys = Accounts(store, hasher=CHEAP), OpaqueTokens(store), APIKeys(store)
        for person in ("early", *PEOPLE):
            accounts.add(person, password_hash=CHEAP.hash("early"))
        for person in PEOPLE:
            shown.append((person, basic(person, "early")))
            shown.append((person, bearer(tokens.create(person).token)))
            shown.append((person, ("X-API-Key", keys.create(person).key)))
        server = Server(name, "tests.servers.preloaded", WATCHWORD_STORE=url)
        try:
            server.wait()
            workers: dict[int, int] = {}

            def asked() -> bool:
                answers = together(server, [asking("/me", field) for _, field in shown])
                assert [(answer.status, who(answer)) for answer in answers] == [(200, person) for person, _ in shown]
                for answer in answers:
                    workers[pid(answer)] = workers.get(pid(answer), 0) + 1
                return len(workers) == WORKERS and min(workers.values()) >= ROUNDS

            until(asked, f"answers of {WORKERS} workers")
            wrong = together(server, [asking("/me", basic(person, "wrong")) for person in PEOPLE])
            assert {answer.status for answer in wrong} == {401}
            # What is taken away elsewhere is refused by every worker from now on.
            accounts.disable(PEOPLE[0])
            answers = together(server, [asking("/me", field) for person, field in shown if person == PEOPLE[0]] * WORKERS * 2)
            assert {answer.status for answer in answers} == {401}
        except AssertionError as error:
            error.add_note(server.printed())
            raise
        finally:
            server.stop()
