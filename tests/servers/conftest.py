"""The servers, each started once, when the first test asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bcrypt
import pytest

from tests.servers.serve import SERVERS
from tests.support.served import Accountable
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serving = Callable[[str], Server]


@pytest.fixture(scope="session")
def serving() -> Iterator[Serving]:
    """Return the server of a name. A pool and no parametrized fixture: that would stop and start them as the order of tests has it."""
    running: dict[str, Server] = {}

    def start(name: str) -> Server:
        if name not in running:
            running[name] = Server(name)
            running[name].wait()
        return running[name]

    yield start
    for server in running.values():
        server.stop()


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, serving: Serving) -> Server:
    """Each server in turn."""
    return serving(request.param)


@pytest.fixture(scope="session")
def accountable(tmp_path_factory: pytest.TempPathFactory) -> Accountable:
    """A store in SQLite and a password file, which all servers of `serving_accounts` share."""
    folder = tmp_path_factory.mktemp("accountable")
    hashed = bcrypt.hashpw(b"in a file", bcrypt.gensalt(4)).decode()
    (folder / "users.htpasswd").write_text(f"fay:{hashed}\n")
    made = Accountable(folder, f"sqlite:///{folder}/auth.db")
    made.add("early", "early")
    return made


# All servers with accounts, and how many processes answer for each.
WITH_ACCOUNTS = {
    "gunicorn-sync-2": 2,
    "gunicorn-gthread-2-preload": 2,
    "uvicorn": 1,
    "granian-2": 2,
    "hypercorn": 1,
    "hypercorn-trio": 1,
    "waitress": 1,
    "granian-wsgi": 1,
}


@pytest.fixture(scope="session")
def serving_accounts(accountable: Accountable) -> Iterator[Serving]:
    """Return the server of a name, with accounts behind it."""
    started: dict[str, Server] = {}
    serving: set[str] = set()

    def start(name: str) -> Server:
        # One more than is needed now: it gets ready while this one is tested.
        for one in (name, *(other for other in WITH_ACCOUNTS if other not in started))[:2]:
            if one not in started:
                started[one] = accountable.start(one)
        if name not in serving:
            started[name].wait()
            serving.add(name)
        return started[name]

    yield start
    for server in started.values():
        server.stop()
