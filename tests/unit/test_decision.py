"""The closed set of decisions."""

from __future__ import annotations

import pickle
from copy import copy
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING, get_args

import pytest

from watchword import (
    ANONYMOUS,
    Answered,
    Bearer,
    Challenged,
    Decision,
    Failed,
    Forbidden,
    Granted,
    Guard,
    Hidden,
    Malformed,
    Principal,
    Reason,
    RequestView,
    Throttled,
    role,
    where,
)
from watchword.checkers import Tokens
from watchword.decision import SILENT, CacheAdvice, Decided, Refusing

if TYPE_CHECKING:
    from collections.abc import Callable

REFUSING = [Challenged, Forbidden, Hidden, Malformed, Throttled, Failed]


def test_the_set_is_closed() -> None:
    """Eight decisions, all of one base, one of which grants."""
    assert set(get_args(Decision)) == {Granted, Answered, *REFUSING}
    assert set(get_args(Refusing)) == set(REFUSING)
    assert all(issubclass(kind, Decided) for kind in get_args(Decision))
    assert [kind for kind in get_args(Decision) if kind.granted] == [Granted]


@pytest.mark.parametrize("kind", REFUSING)
def test_a_refusing_decision_grants_nothing_whatever_it_knows(kind: type[Challenged]) -> None:
    """`granted` depends on what the decision is, not on who is asked about."""
    decision = kind(reason=Reason.DENIED, principal=Principal("ann"))
    assert decision.granted is False
    assert decision.reason is Reason.DENIED


@pytest.mark.parametrize("kind", REFUSING)
def test_a_refusing_decision_knows_nobody_unless_told(kind: type[Challenged]) -> None:
    """Without a principal it is ANONYMOUS, never None; without challenges there are none."""
    decision = kind(reason=Reason.DENIED)
    assert decision.principal is ANONYMOUS
    assert (decision.rule, decision.detail, decision.scheme, decision.challenges, decision.disclosed) == ("", "", "", (), None)


@pytest.mark.parametrize("kind", REFUSING)
def test_a_refusing_decision_cannot_be_changed_into_another(kind: type[Challenged]) -> None:
    """It is a value: nothing downstream turns a refusal into access."""
    decision = kind(reason=Reason.DENIED)
    with pytest.raises(FrozenInstanceError):
        decision.principal = Principal("ann")  # type: ignore[misc]  # the mistake itself
    with pytest.raises((AttributeError, TypeError)):
        decision.granted = True  # type: ignore[misc]  # the mistake itself


def test_a_granting_decision_says_who_and_by_what() -> None:
    """Principal, rule and scheme; no reason, and nothing for caches unless there is something to say."""
    decision = Granted(Principal("ann"), "/orders", "Bearer")
    assert decision.granted
    assert (decision.principal.id, decision.rule, decision.scheme, decision.reason) == ("ann", "/orders", "Bearer", None)
    assert decision.cache is SILENT
    assert repr(decision) == "Granted(Principal('ann'), rule='/orders', scheme='Bearer')"
    with pytest.raises(AttributeError):
        decision.extra = 1  # type: ignore[attr-defined]  # the mistake itself


def test_a_granting_decision_cannot_be_changed_either() -> None:
    """It may be given again to the same caller: nothing downstream turns it into somebody else's."""
    decision = Granted(Principal("ann"), "/orders", "Bearer")
    for name in (*decision._fields, "granted", "extra"):
        with pytest.raises(AttributeError):
            setattr(decision, name, None)
        with pytest.raises(AttributeError):
            delattr(decision, name)
    assert decision == Granted(Principal("ann"), "/orders", "Bearer")
    assert decision != Granted(Principal("bob"), "/orders", "Bearer")


def test_how_long_to_wait_is_always_said() -> None:
    """429 and 503 come with a time, a positive number of seconds."""
    assert Throttled(reason=Reason.THROTTLED).retry_after == 1
    assert Failed(reason=Reason.UNAVAILABLE).retry_after == 5


@pytest.mark.parametrize(
    "advice", [CacheAdvice("private"), CacheAdvice(vary=("Authorization",)), CacheAdvice(missing=True)], ids=["control", "vary", "missing"]
)
def test_advice_is_true_when_there_is_something_to_say(advice: CacheAdvice) -> None:
    """Adapters leave a response alone exactly when the advice is false."""
    assert advice
    assert not SILENT


@pytest.mark.parametrize("again", [copy, lambda one: pickle.loads(pickle.dumps(one))])  # noqa: S301 - made here
def test_a_decision_can_be_copied_without_what_belongs_to_one_process(again: Callable[[Decision], Decision]) -> None:
    """What it says is kept; the compiled rule, the caller's term and the work for after the response are not."""
    guard = Guard(Bearer(Tokens({"t": Principal("ann")})), rules={"/admin": role("admin"), "/odd": where(lambda who: True, name="any")})
    for path, token in (("/", "t"), ("/odd", "t"), ("/admin", "t"), ("/", "x")):
        decision = guard.decide(RequestView("GET", path, [("Authorization", f"Bearer {token}")]))
        copied = again(decision)
        assert type(copied) is type(decision)
        assert (copied.principal, copied.rule, copied.reason, copied.scheme) == (
            decision.principal,
            decision.rule,
            decision.reason,
            decision.scheme,
        )
        assert (copied.route, copied.caller, copied.after_response) == (None, None, None)
