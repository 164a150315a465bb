"""The status table of the design, row by row, through every adapter."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.drive import ADAPTERS, DRIVERS, Answer, who
from tests.support.each import noting
from tests.support.people import orders_guard
from tests.support.status_table import ROWS
from watchword import Reason
from watchword.reasons import REASONS

REFUSED = [row for row in ROWS if row.status != 200]


def told(answer: Answer) -> str:
    """The reason in the body; empty where the body is not the guard's."""
    if answer.one("content-type") != "application/problem+json":
        return ""
    return str(json.loads(answer.body)["reason"])


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS)
def test_every_adapter_answers_alike(driver: type) -> None:
    """Status, challenges, reason and principal are those of the row, whatever the request came through."""
    for row in ROWS:
        with noting(row.name):
            answer = driver(orders_guard())(row.request)
            assert (answer.status, answer.challenges) == (row.status, list(row.challenges))
            if row.status == 200:
                assert who(answer) == row.who
            else:
                assert told(answer) == row.reason


def test_the_table_of_reasons_lists_every_status_and_error_that_is_sent() -> None:
    """What the pages of the reasons say is what clients get: the status, and the error code of a bearer challenge."""
    for row in REFUSED:
        with noting(row.name):
            if row.status == 404:
                continue
            entry = REASONS[Reason(row.reason)]
            assert row.status in entry.statuses
            errors = {error for challenge in row.challenges for error in re.findall(r' error="(\w+)"', challenge)}
            assert errors <= {entry.oauth}


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS)
def test_every_refusal_is_whole(driver: type) -> None:
    """A refusal is not stored, not sniffed, says its length, and tells when to come back where that is known."""
    for row in REFUSED:
        with noting(row.name):
            answer = driver(orders_guard())(row.request)
            if row.status == 404 and driver is not DRIVERS["guard"]:
                assert answer.one("cache-control") in {None, "no-store"}
                continue
            assert answer.one("cache-control") == "no-store"
            assert answer.one("x-content-type-options") == "nosniff"
            assert answer.one("content-length") == str(len(answer.body))
            assert answer.one("retry-after") == ("7" if row.status == 503 else None)


@pytest.mark.parametrize("driver", ADAPTERS.values(), ids=ADAPTERS)
def test_a_refused_request_never_reaches_the_application(driver: type) -> None:
    """The application is not called for what is refused, save to ask for its own 404."""
    for row in REFUSED:
        with noting(row.name):
            answer = driver(orders_guard())(row.request)
            assert answer.seen is None or (row.status == 404 and answer.seen.path != row.request.path)
