"""Tests the closed set of needs."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError
from typing import get_args

import pytest

from watchword.authorization.needs import IDENTITY, STEP_UP, HoldScope, Identity, LoginWithin, Need, ReachAcr, UseFactor, Via

ONE_OF_EACH: list[Need] = [
    Identity(),
    Via(frozenset({"basic"})),
    HoldScope("orders:read"),
    LoginWithin(300),
    ReachAcr(("mfa", "otp")),
    UseFactor("otp"),
]


def test_the_set_of_needs_is_closed() -> None:
    """There are six needs, one of each kind, and no other."""
    assert [type(need) for need in ONE_OF_EACH] == list(get_args(Need))


@pytest.mark.parametrize("need", ONE_OF_EACH, ids=lambda need: type(need).__name__)
def test_a_need_is_a_value(need: Need) -> None:
    """Needs are equal by content and kind, hashable, frozen, and survive copying and pickling."""
    for twin in (copy.copy(need), pickle.loads(pickle.dumps(need))):  # noqa: S301 - made here
        assert twin == need
        assert hash(twin) == hash(need)
    assert [other for other in ONE_OF_EACH if other == need] == [need]
    with pytest.raises((FrozenInstanceError, TypeError)):
        need.anything = 1  # type: ignore[union-attr]  # that it cannot be set is what is tested


def test_needs_of_one_kind_differ_by_what_they_ask_for() -> None:
    """Scopes differ by name, ages by number, classes by value and order of preference."""
    assert HoldScope("a") != HoldScope("b")
    assert LoginWithin(300) != LoginWithin(301)
    assert ReachAcr(("a", "b")) != ReachAcr(("b", "a"))
    assert Via(frozenset({"basic", "bearer"})) == Via(frozenset({"bearer", "basic"}))


def test_a_step_up_is_a_newer_or_stronger_login_and_nothing_else() -> None:
    """RFC 9470 speaks of age, class and factor; not of scopes, schemes or identity."""
    assert [need for need in ONE_OF_EACH if isinstance(need, STEP_UP)] == ONE_OF_EACH[3:]


def test_scheme_names_have_no_letter_case() -> None:
    """A predicate may ask for `Via({"Bearer"})` as well as for `Via({"bearer"})`; one string is no set of names."""
    assert Via(frozenset({"Bearer", "BASIC"})) == Via(frozenset({"bearer", "basic"}))
    with pytest.raises(TypeError, match=r"Via\(schemes=\.\.\.\) must be a set of scheme names, got"):
        Via("Bearer")  # type: ignore[arg-type]  # what is tested


def test_there_is_one_identity() -> None:
    """`IDENTITY` is what any `Identity` equals."""
    assert Identity() == IDENTITY
