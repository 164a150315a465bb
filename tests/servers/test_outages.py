"""A database that goes away and comes back, while servers with accounts in it run on."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from tests.servers.conftest import WITH_ACCOUNTS
from tests.support.postgres import PostgreSQL
from tests.support.served import STALENESS, Accountable, asking, everywhere, get, until, who
from tests.support.wire import basic, bearer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import Answer, Server


def test_postgresql_stops_and_starts_again(accountable: Accountable, tmp_path: Path) -> None:
    """503 with Retry-After where it is needed, from memory for no longer than the bound; then it goes on, without a restart."""
    shutil.copy(accountable.file, tmp_path)
    with ExitStack() as stack:
        postgresql = stack.enter_context(PostgreSQL())
        people = Accountable(tmp_path, postgresql.url(postgresql.new_database()))
        stack.callback(people.store.close)
        people.add("early", "early")
        servers = [people.start(name) for name in ("uvicorn", "gunicorn-gthread-2-preload")]
        for server in servers:
            stack.callback(server.stop)
        right = people.add("ann", "right of ann")
        unused = people.add("bob", "right of bob")
        key, token = ("X-API-Key", people.keys.create("ann").key), bearer(people.tokens.create("ann").token)
        wrong, unknown_token = basic("ann", "wrong"), bearer(people.tokens.create("ann").token[:-1])
        in_use = [right, key, token]
        for server in servers:
            server.wait()
            for shown in in_use:
                assert {who(answer) for answer in _all(server, shown)} == {"ann"}

        postgresql.stop()
        since = time.time()
        for server in servers:
            # What nobody has seen yet cannot be told.
            _is_outage(_all(server, unused))
            _is_outage(_all(server, wrong))
            for shown in in_use:
                until(partial(_gives_out, server, shown, since), "the end of what is remembered")
            # What needs no database is answered as ever.
            assert {answer.status for answer in _all(server, unknown_token)} == {401}
            assert {answer.status for answer in everywhere(server, asking("/me"), WITH_ACCOUNTS[server.name])} == {401}
            assert {answer.status for answer in everywhere(server, asking("/healthz"), WITH_ACCOUNTS[server.name])} == {200}
            fay = asking("/file", basic("fay", "in a file"))
            assert {answer.status for answer in everywhere(server, fay, WITH_ACCOUNTS[server.name])} == {200}

        postgresql.start()
        for server in servers:
            for shown in (*in_use, unused):
                assert {answer.status for answer in _all(server, shown)} == {200}
            assert {answer.status for answer in _all(server, wrong)} == {401}
            assert people.accounts.get("ann").disabled is False
        people.accounts.disable("ann")
        for server in servers:
            until(partial(_is_refused, server, right), "the end of a disabled account")


def _all(server: Server, shown: tuple[str, str]) -> list[Answer]:
    return everywhere(server, asking("/me", shown), WITH_ACCOUNTS[server.name])


def _is_refused(server: Server, shown: tuple[str, str]) -> bool:
    return get(server, "/me", shown).status == 401


def _is_outage(answers: list[Answer]) -> None:
    """See answers that keep nobody's credentials from being used again."""
    assert {answer.status for answer in answers} == {503}
    assert {(*answer.all("retry-after"), *answer.challenges) for answer in answers} == {("5",)}


def _gives_out(server: Server, shown: tuple[str, str], since: float) -> bool:
    """Whether all processes say that they cannot tell; a request that began after the bound is answered from no memory."""
    began = time.time()
    answers = _all(server, shown)
    remembered = [answer for answer in answers if answer.status == 200]
    _is_outage([answer for answer in answers if answer not in remembered] or _all(server, basic("bob", "right of bob")))
    assert not remembered or began - since <= STALENESS
    return not remembered
