"""What every test can use: both event loops, and how long to fuzz."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

FUZZ_TRIES = int(os.environ.get("WATCHWORD_FUZZ", "1000000"))


def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis measures no time (a loaded machine is no bug), and tries `WATCHWORD_FUZZ` examples when `-m long` runs."""
    settings.register_profile("default", deadline=None)
    settings.register_profile("long", deadline=None, max_examples=FUZZ_TRIES)
    settings.load_profile("long" if config.option.markexpr == "long" else "default")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop under a test that is marked with `pytest.mark.anyio`: each in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def fuzz_tries() -> int:
    """How many inputs a test that is marked `long` tries."""
    return FUZZ_TRIES
