"""The measurements from outside run, and everybody is answered. How long anything takes is no matter of a test."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks import outside_flood, outside_freeze


@pytest.mark.long
def test_a_flood_is_measured_from_outside() -> None:
    """Valid callers are let in, and more clients guess than the limiter has places."""
    measured = json.loads(json.dumps(outside_flood.measure(rounds=1, seconds=0.3, pauses=(0.1,))))
    (flood,) = measured["floods"]
    assert flood["valid"].keys() == {"200"}
    assert flood["wrong"].keys() <= {"401", "503"}
    assert flood["wrong"]["503"] > 0
    assert len(outside_flood.table(measured).splitlines()) == 2


@pytest.mark.long
def test_a_frozen_database_is_measured_from_outside() -> None:
    """While it is frozen callers with keys get 503 and public routes answer; then all are served again."""
    measured = json.loads(json.dumps(outside_freeze.measure(idle=0.3, stopped=1)))
    before, frozen, after = measured["keys"]
    assert before.keys() == after.keys() == {"200"}
    assert frozen.keys() <= {"200", "503"}
    assert frozen["503"] > 0
    assert all(answers.keys() == {"200"} for answers in measured["public"])
    assert "frozen for 1 s" in outside_freeze.line(measured)
