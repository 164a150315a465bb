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
from tests.support.wire import Request, basic, bearer
from watchword import (
    ALWAYS,
    Accepted,
    APIKey,
    AuthEvent,
    Basic,
    BasicCredentials,
    Bearer,
    ConfigurationError,
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


def test_several_sinks_are_told_whatever_one_of_them_does() -> None:
    """In the order in which they were given; what failed is counted for each."""
    first: list[AuthEvent] = []
    last: list[AuthEvent] = []

    def broken(event: AuthEvent) -> None:
        raise ZeroDivisionError

    asked = Guard(Bearer(TOKENS), on_event=[first.append, broken, last.append])
    asked.decide(ask("/"))
    asked.decide(ask("/"))
    assert (len(first), len(last)) == (2, 2)
    assert asked.sinks is not None
    assert [(status.name, status.failed, status.dropped) for status in asked.sinks.status()] == [
        ("append", 0, 0),
        ("broken", 2, 0),
        ("append", 0, 0),
    ]


@pytest.mark.parametrize("odd", ["watchword", [print, 7], 7, AuthEvent])
def test_what_is_no_sink_is_refused(odd: Any) -> None:
    """When the guard is made, and not with the first request."""
    with pytest.raises(ConfigurationError, match=r"Guard\(on_event=\.\.\.\) must be a function that takes an AuthEvent"):
        Guard(Bearer(TOKENS), on_event=odd)


def test_equal_credentials_have_equal_names_and_others_have_not() -> None:
    """A name in any letter case, whatever the password; a token by itself; and no name where nothing was shown."""
    events: list[AuthEvent] = []
    asked = Guard(Basic(lambda _: None, realm="x"), Bearer(TOKENS), APIKey(TOKENS), rules=RULES, on_event=events.append)
    shown = [basic("ann", "1"), basic("Ann", "2"), basic("bob", "1"), bearer("t"), bearer("t"), bearer("s")]
    for field in shown:
        asked.decide(ask("/", field))
    asked.decide(ask("/"))
    first, second, bob, token, again, other, nothing = (event.credential for event in events)
    assert first == second
    assert token == again
    assert len({first, bob, token, other, nothing}) == 5
    assert nothing == ""
    assert len(first) == 16


@pytest.mark.parametrize("make", [ByASGI, ByWSGI])
def test_the_fast_path_names_the_same_credential(make: Callable[[Guard], Driver]) -> None:
    """Whichever way a caller was let in; a known one who may not, too."""
    events: list[AuthEvent] = []
    driver = make(Guard(Bearer(Slow()), rules=RULES, on_event=events.append))
    for path in ["/", "/", "/", "/admin", "/scoped", "/scoped"]:
        driver(Request(target=path, headers=(bearer("t"),)))
    assert [event.cached for event in events] == [False, True, True, True, True, True]
    assert len({event.credential for event in events}) == 1
    assert events[0].credential


def test_guards_with_one_key_name_credentials_alike() -> None:
    """Those without a key do not, so that a name says nothing outside of the processes that belong together."""
    events: list[AuthEvent] = []
    for key in (b"k" * 16, b"k" * 16, None, None):
        Guard(Bearer(TOKENS), on_event=events.append, event_key=key).decide(ask("/", bearer("t")))
    first, second, third, fourth = (event.credential for event in events)
    assert first == second
    assert len({first, third, fourth}) == 3


@pytest.mark.parametrize("odd", [b"short", b"k" * 65, "k" * 16])
def test_a_key_that_cannot_be_used_is_refused_and_not_shown(odd: Any) -> None:
    """It is a secret."""
    with pytest.raises(ConfigurationError, match="must be 16 to 64 octets") as caught:
        Guard(Bearer(TOKENS), on_event=print, event_key=odd)
    assert str(odd) not in str(caught.value)


class Switched:
    """A sink that can be off."""

    def __init__(self) -> None:
        self.on = False
        self.events: list[AuthEvent] = []

    def is_enabled(self) -> bool:
        """Tell whether it is on."""
        return self.on

    def __call__(self, event: AuthEvent) -> None:
        """Keep it."""
        self.events.append(event)


@pytest.mark.parametrize("make", [ByASGI, ByWSGI])
def test_no_event_is_made_where_no_sink_takes_it(make: Callable[[Guard], Driver]) -> None:
    """It may be switched on while the guard serves; `listens` tells adapters."""
    sink = Switched()
    asked = Guard(Bearer(Slow()), on_event=sink)
    driver = make(asked)
    for on in (False, True, False, True):
        sink.on = on
        assert asked.listens is on
        driver(Request(headers=(bearer("t"),)))
        driver(Request())
    assert [event.decision for event in sink.events] == ["granted", "challenged"] * 2


class Slow:
    """Takes a step, and its answer may be cached."""

    def flow(self, credentials: BearerToken) -> Steps[Verdict]:
        """Ask the table after a step."""
        verdict: Verdict = yield Operation(lambda: TOKENS.check(credentials))
        return verdict if isinstance(verdict, Refused) else Accepted(verdict.principal, lease=ALWAYS)
