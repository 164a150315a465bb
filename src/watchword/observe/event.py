"""Describes each decision as one event: the same facts for metrics, traces, audit logs and tests.

A sink is any function that takes an `AuthEvent`. It is called on the way of the request, so it returns quickly; on an event loop it must
not block. What it raises is logged, and changes no answer. Events are never aggregated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from watchword.decision import Answered, Challenged, Failed, Forbidden, Granted, Hidden, Malformed, Throttled

if TYPE_CHECKING:
    from watchword.decision import Decision
    from watchword.reason import Reason
    from watchword.request import RequestView

Kind: TypeAlias = Literal["granted", "challenged", "forbidden", "hidden", "malformed", "throttled", "failed"]

_KINDS: dict[type, Kind] = {
    Granted: "granted",
    Answered: "granted",  # as a public route is
    Challenged: "challenged",
    Forbidden: "forbidden",
    Hidden: "hidden",
    Malformed: "malformed",
    Throttled: "throttled",
    Failed: "failed",
}


@dataclass(frozen=True, slots=True)
class AuthEvent:
    """One decision. No secret is in it; `principal`, `client` and `request_id` may identify a person.

    Args:
        time: when the decision was made, in Unix seconds.
        request_id: the id under which the request is found in the log.
        decision: which kind of decision it is.
        reason: why access is refused, for operators; None: it is granted.
        scheme: the scheme of the credentials that were looked at; empty: none were.
        principal: the id of the caller; empty: the caller is not known.
        client: the peer's address as the server states it; None: unknown.
        route: the rule that decided, as written; empty: none was reached.
        requirement: what the rule, and the view, demand; empty: no rule was reached.
        duration: how long the decision took, in seconds, without the application.
        cached: whether the credential cache identified the caller in place of the checker.
    """

    time: float
    request_id: str
    decision: Kind
    reason: Reason | None
    scheme: str
    principal: str
    client: str | None
    route: str
    requirement: str
    duration: float
    cached: bool


class EventSink(Protocol):
    """Takes events."""

    def __call__(self, event: AuthEvent, /) -> object:
        """Take one event; what it returns is ignored."""
        ...


def event_of(decision: Decision, view: RequestView, *, time: float, request_id: str, duration: float) -> AuthEvent:
    """Return the event of a decision.

    Args:
        decision: the decision.
        view: the request.
        time: when it was made.
        request_id: the id of the request.
        duration: how long it took, in seconds.
    """
    route, caller = decision.route, decision.caller
    return AuthEvent(
        time=time,
        request_id=request_id,
        decision=_KINDS[type(decision)],
        reason=decision.reason,
        scheme=decision.scheme,
        principal=decision.principal.id,
        client=view.client,
        route=decision.rule,
        requirement="" if route is None else route.demand,
        duration=duration,
        cached=caller is not None and caller.cached,
    )


__all__ = ["AuthEvent", "EventSink", "event_of"]
