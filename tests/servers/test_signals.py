"""Signals over the workers of real servers: an attack that no worker sees whole begins once, and ends once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.watching_bounds import FILL, LIMIT
from tests.support.command import CHEAP
from tests.support.served import asking, pid, until
from tests.support.servers import Server
from tests.support.wire import basic
from watchword.checkers import Accounts
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from pathlib import Path

WORKERS = 4


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store is."""
    return f"sqlite:///{tmp_path}/auth.db" if request.param == "sqlite" else str(request.getfixturevalue("empty_postgresql"))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["gunicorn-sync-4-preload", "gunicorn-uvicorn-4"])
def test_spraying_over_workers_begins_once_and_ends_once(name: str, url: str, tmp_path: Path) -> None:
    """Each worker refuses four names at most, and the limit is twelve."""
    assert FILL < LIMIT <= FILL * WORKERS
    field = basic("ann", "right")
    with SQLStore(url, create=True) as store:
        Accounts(store, hasher=CHEAP).add("ann", password_hash=CHEAP.hash("right"))
    server = Server(name, "tests.servers.watching", WATCHWORD_STORE=url, WATCHWORD_FOLDER=str(tmp_path))

    def signals() -> list[dict[str, Any]]:
        path = tmp_path / "signals"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def everywhere() -> None:
        seen: set[int] = set()

        def ask() -> bool:
            answer = server.send(asking("/", field))
            assert answer.status == 200
            seen.add(pid(answer))
            return len(seen) == WORKERS

        until(ask, f"answers of {WORKERS} workers")

    try:
        server.wait()
        everywhere()
        for number in range(FILL * WORKERS):
            sent = asking("/attacked", basic(f"name{number}", "x"))
            while (status := server.send(sent).status) == 503:
                pass
            assert status == 401
        [begun] = until(signals, "the beginning")
        assert (begun["kind"], begun["state"], begun["subject"]) == ("spraying", "begun", "127.0.0.1/32")
        assert begun["evidence"]["names"] >= LIMIT
        assert begun["evidence"]["processes"] > LIMIT // FILL - 1

        def an_hour_later() -> bool:
            # More than once: a worker whose clock has not moved yet tells the others that it has just seen the attack.
            with (tmp_path / "shift").open("ab") as file:
                file.write(b"x" * 3600)
            everywhere()
            return len(signals()) > 1

        until(an_hour_later, "the end")
        everywhere()
        assert [(one["kind"], one["state"]) for one in signals()] == [("spraying", "begun"), ("spraying", "ended")]
    except AssertionError as error:
        error.add_note(server.printed())
        raise
    finally:
        server.stop()
