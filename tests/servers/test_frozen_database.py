"""A server whose database is frozen: who needs it is told, and who does not is served."""

from __future__ import annotations

import pytest

from tests.support.postgres import PostgreSQL
from tests.support.served import asking, get, together, until
from tests.support.servers import Server
from watchword.checkers import APIKeys
from watchword.stores import SQLStore


@pytest.mark.long
def test_public_routes_answer_while_the_database_is_frozen() -> None:
    """All callers with keys get 503 with Retry-After, public routes answer while one of them waits, and keys are good again after it."""
    with PostgreSQL() as database:
        url = database.url(database.new_database())
        with SQLStore(url, create=True) as store:
            keys = [("X-API-Key", APIKeys(store).create(f"owner-{number}").key) for number in range(50)]
        server = Server("uvicorn", "tests.benchmarks.outside_app", WATCHWORD_STORE=url)
        try:
            server.wait()
            assert get(server, "/orders", keys[0]).status == 200
            with database.frozen():
                with server.connect() as waiting:
                    waiting.write(asking("/orders", keys[1]))
                    assert [get(server, path).status for path in ("/healthz", "/page") * 10] == [200] * 20
                    first = waiting.read()
                answers = [first, *together(server, [asking("/orders", key) for key in keys] * 4)]
                assert {(answer.status, bool(answer.all("retry-after"))) for answer in answers} == {(503, True)}
            until(lambda: get(server, "/orders", keys[0]).status == 200, "the first answer")
            assert {answer.status for answer in together(server, [asking("/orders", key) for key in keys])} == {200}
        finally:
            server.stop()
