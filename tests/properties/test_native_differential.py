"""The adapter of each framework gives the answer of the bare guard to the same request, whatever it is.

Random requests and what is compared: `tests/support/native_differential.py`.
"""

from __future__ import annotations

from random import Random, getrandbits

import anyio
import pytest

from tests.support.differential import log_read
from tests.support.frameworks import FRAMEWORKS
from tests.support.native_differential import Differential
from tests.support.trio import SETTINGS


def compare(name: str, rng: Random, tries: int) -> None:
    """Compare under every setting that the framework takes."""
    every = [Differential(name, setting, form) for setting in SETTINGS for form in ("quick", "plain")]
    possible = [one for one in every if one.is_possible]
    with log_read():
        for one in possible:
            assert [*anyio.run(one.differences, rng, tries // len(possible))] == []


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_adapter_does_what_the_guard_says(name: str) -> None:
    """Status, content, fields and caller are those of the decision about rule and view; where no view is reached, the framework's own."""
    compare(name, Random(f"requests for {name}"), 56)


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_adapter_does_what_the_guard_says_for_long(name: str, fuzz_tries: int) -> None:
    """The same, with a tenth of the tries for each, because a framework takes ten times as long as the guard."""
    compare(name, Random(getrandbits(64)), fuzz_tries // 10)
