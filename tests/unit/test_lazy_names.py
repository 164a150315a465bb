"""Names that are imported when they are asked for: there, and clear about what is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import watchword.checkers
import watchword.routes
import watchword.stores

WITHOUT = """
import sys
sys.modules["sqlalchemy"] = None  # as if it were not installed
try:
    from watchword.stores import SQLStore
except ImportError as error:
    print(error)
from watchword.stores import MemoryStore
print(MemoryStore.__name__)
"""


@pytest.mark.parametrize("module", [watchword.checkers, watchword.routes, watchword.stores], ids=lambda module: module.__name__)
def test_every_promised_name_is_there_and_listed(module: object) -> None:
    """`dir()` lists every lazy name, and each can be imported."""
    promised = set(module.__all__)  # type: ignore[attr-defined]  # a module has it
    assert promised <= set(dir(module))
    for name in promised:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("module", [watchword.checkers, watchword.routes, watchword.stores], ids=lambda module: module.__name__)
def test_another_name_is_an_attribute_error(module: object) -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        module.Nothing  # type: ignore[attr-defined]  # noqa: B018 - that is the question


def test_without_a_driver_it_is_said_what_to_install() -> None:
    """And what needs none works."""
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == "SQLStore needs SQLAlchemy, which is not installed: pip install 'watchword[sql]'"
    assert second == "MemoryStore"
