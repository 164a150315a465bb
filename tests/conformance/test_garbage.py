"""Tests that no refusal of unknown callers leaves reference cycles: a flood would keep the collector busy, and requests in memory."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.drive import Request, bearer
from tests.support.each import each
from tests.support.people import orders_guard
from tests.support.status_table import ROWS, Row
from tests.support.wire import request_view
from watchword import Bearer, Guard, Unavailable
from watchword.checkers import nonblocking

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def _no_collection() -> Iterator[None]:
    """Collect only on demand, and only what the test makes: a walk through all that a test run holds takes a quarter of a second."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()


def answer(made: Guard, request: Request) -> None:
    """Decide about a request, and write the refusal if it is one."""
    view = request_view(request)
    decision = made.decide(view)
    if not decision.granted:
        made.refuse(decision, view)


@pytest.mark.usefixtures("_no_collection")
@each("row", [row for row in ROWS if row.status in {400, 401, 503}])
def test_no_refusal_of_unknown_callers_leaves_garbage(row: Row) -> None:
    """All that a request needs is freed with it."""
    made = orders_guard()
    for _ in range(3):
        answer(made, row.request)
    gc.collect()
    for _ in range(5):
        answer(made, row.request)
    assert gc.collect() == 0


def connect() -> None:
    """Fail as a driver does."""
    raise OSError("no route")


def down(_: object) -> None:
    """Check by a store that does not answer."""
    try:
        connect()
    except OSError as error:
        raise Unavailable("the store does not answer") from error


@pytest.mark.usefixtures("_no_collection")
@pytest.mark.parametrize("checker", [down, nonblocking(down)], ids=["in a thread", "at once"])
def test_an_outage_leaves_no_garbage(checker: Any) -> None:
    """Neither the error nor what led to it keeps the request."""
    made = Guard(Bearer(checker))
    request = Request(target="/", headers=(bearer("t"),))
    answer(made, request)
    gc.collect()
    for _ in range(5):
        answer(made, request)
    assert gc.collect() == 0
