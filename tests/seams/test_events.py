"""One event for every decision, whichever way it was made, and nothing where nobody listens."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.core import ask
from tests.support.drive import ByASGI, ByWSGI
from tests.support.wire import Request, bearer
from watchword import (
    ALWAYS,
    Accepted,
    APIKey,
    AuthEvent,
    Basic,
    BasicCredentials,
    Bearer,
    Evidence,
    Guard,
    Operation,
    Principal,
    Reason,
    Refused,
    public,
    role,
    scope,
)
from watchword.checkers import Tokens
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.drive import Driver
    from watchword import BearerToken, Verdict
    from watchword.operation import Steps

TOKENS = Tokens({"t": Principal("ann", roles={"admin"}, evidence=Evidence()), "s": Principal("bob")})
RULES = {"/open": public, "/admin": role("admin"), "/scoped": scope("read")}


def guard(events: list[AuthEvent], **settings: Any) -> Guard:
    """Make a guard that tells a list."""
    return Guard(Bearer(TOKENS), APIKey(TOKENS), rules=RULES, clock=FixedClock(1_000), on_event=events.append, **settings)


def test_an_event_says_what_was_decided_about_whom_and_why() -> None:
    """Without a secret in it."""
    events: list[AuthEvent] = []
    asked = guard(events)
    asked.decide(ask("/admin", bearer("t"), ("X-Request-Id", "r1")))
    asked.decide(ask("/admin", bearer("s")))
    asked.decide(ask("/admin"))
    granted, forbidden, challenged = events
    assert granted.duration >= 0
    assert replace(granted, duration=0.0) == AuthEvent(
        time=1_000,
        request_id="r1",
        decision="granted",
        reason=None,
        scheme="Bearer",
        principal="ann",
        client="192.0.2.7",
        route="/admin",
        requirement='role("admin")',
        duration=0.0,
        cached=False,
    )
    assert (forbidden.decision, forbidden.reason, forbidden.principal) == ("forbidden", Reason.MISSING_ROLE, "bob")
    assert (challenged.decision, challenged.reason, challenged.principal) == ("challenged", Reason.MISSING_CREDENTIALS, "")


@pytest.mark.parametrize("make", [ByASGI, ByWSGI])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["/", "/open", "/admin", "/scoped", "/a//b"]),
            st.sampled_from(["t", "s", "x"]).flatmap(lambda t: st.sampled_from([bearer(t), ("X-API-Key", t)])) | st.none(),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_the_fast_path_emits_what_the_full_path_does(
    make: Callable[[Guard], Driver], requests: list[tuple[str, tuple[str, str] | None]]
) -> None:
    """For any sequence of requests: one event each, and the same but for how long it took and whether the cache answered."""
    fast: list[AuthEvent] = []
    full: list[AuthEvent] = []
    common: dict[str, Any] = {"request_id": lambda: "id"}
    slow = guard(full, **common, remember=0)
    slow.fast_path.in_use = slow.fast_path.is_open = False
    drivers = make(guard(fast, **common)), make(slow)
    for path, field in requests:
        headers = (field,) if field else ()
        for driver in drivers:
            driver(Request(target=path, headers=headers))
    assert len(fast) == len(full) == len(requests)
    assert [replace(event, duration=0.0, cached=False) for event in fast] == [replace(event, duration=0.0, cached=False) for event in full]


def test_an_event_tells_whether_the_cache_answered() -> None:
    """So that the hit rate can be seen."""
    cached: list[AuthEvent] = []
    tokens = Guard(Bearer(Slow()), on_event=cached.append)
    for _ in range(2):
        tokens.decide(ask("/", bearer("t")))
    assert [event.cached for event in cached] == [False, True]


def test_a_sink_that_fails_changes_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged by the type of its error, because the words may hold anything."""

    def broken(event: AuthEvent) -> None:
        raise ZeroDivisionError("s3cret")

    asked = Guard(Bearer(TOKENS), on_event=broken)
    with caplog.at_level(logging.ERROR, "watchword"):
        assert asked.decide(ask("/", bearer("t"))).granted
    assert [record.getMessage() for record in caplog.records] == ["the event sink failed: ZeroDivisionError"]


def test_one_id_finds_the_event_the_line_in_the_log_and_what_the_client_was_told(caplog: pytest.LogCaptureFixture) -> None:
    """Also where the guard makes it."""
    events: list[AuthEvent] = []
    asked, view = guard(events), ask("/admin", ("Accept", "application/json"))
    with caplog.at_level(logging.INFO, "watchword"):
        decision = asked.decide(view)
    told = json.loads(asked.refuse(decision, view).body)["request_id"]
    assert len(told) == 16
    assert [event.request_id for event in events] == [told]
    assert [f"request {told})" in record.getMessage() for record in caplog.records] == [True]


def test_a_login_form_is_one_event() -> None:
    """Its route is `login`."""
    events: list[AuthEvent] = []
    asked = Guard(Basic(lambda c: Principal("ann") if c.password == "p" else None, realm="x"), on_event=events.append)
    asked.verify(BasicCredentials("ann", "p"), ask("/login", method="POST"))
    assert [(event.decision, event.route, event.principal) for event in events] == [("granted", "login", "ann")]


class Slow:
    """Takes a step, and its answer may be cached."""

    def flow(self, credentials: BearerToken) -> Steps[Verdict]:
        """Ask the table after a step."""
        verdict: Verdict = yield Operation(lambda: TOKENS.check(credentials))
        return verdict if isinstance(verdict, Refused) else Accepted(verdict.principal, lease=ALWAYS)
