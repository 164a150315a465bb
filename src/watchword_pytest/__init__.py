"""Gives pytest the fixture `watchword_probe`, wherever watchword is installed.

A package of its own: an import of any module of `watchword` imports `watchword`, which runs of other people's tests need not pay for.
Nothing is imported until a test asks for the fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.findings import Report


@pytest.fixture(scope="session")
def watchword_probe() -> Callable[..., Report]:
    """Probe an application within the process: `watchword_probe(app, "/orders")`; see `watchword.testing.probe_app`."""
    from watchword.testing import probe_app

    return probe_app
