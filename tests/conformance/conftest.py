"""Each test here runs through every adapter that it makes sense for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.drive import ADAPTERS, DRIVERS

if TYPE_CHECKING:
    from tests.support.drive import Behind, Through


@pytest.fixture(params=DRIVERS.values(), ids=list(DRIVERS))
def through(request: pytest.FixtureRequest) -> Through:
    """The ASGI middleware, the WSGI middleware and the bare guard, each in turn."""
    found: Through = request.param
    return found


@pytest.fixture(params=ADAPTERS.values(), ids=list(ADAPTERS))
def behind(request: pytest.FixtureRequest) -> Behind:
    """The two middlewares, which have an application behind them, each in turn."""
    found: Behind = request.param
    return found
