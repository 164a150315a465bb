"""The servers, each started once, when the first test asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.serve import SERVERS
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def serving() -> Iterator[Callable[[str], Server]]:
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
def server(request: pytest.FixtureRequest, serving: Callable[[str], Server]) -> Server:
    """Each server in turn."""
    return serving(request.param)
