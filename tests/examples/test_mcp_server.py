"""The example of an MCP server does what it says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.support.examples import EXAMPLES, load_example

if TYPE_CHECKING:
    import pytest


def test_the_tests_of_the_example_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those in its folder. No issuer is asked: the callers are given, and what is no token needs no key."""
    monkeypatch.setitem(sys.modules, "app", load_example("mcp_server/app"))
    tests = [test for name, test in vars(load_example("mcp_server/test_app")).items() if name.startswith("test_")]
    assert len(tests) >= 4
    for test in tests:
        test()


def test_it_is_short() -> None:
    """Nothing but the tools and the guard."""
    assert len((EXAMPLES / "mcp_server/app.py").read_text(encoding="utf-8").splitlines()) <= 40
