"""Describes each decision as one event: the same facts for metrics, traces, audit logs and tests.

A sink is any function that takes an `AuthEvent`. It is called on the way of the request, so it returns quickly; on an event loop it must
not block. One that may block says so by an attribute `blocking`, and the guard calls it in a thread (`watchword.observe.queued`). What a
sink raises is logged and counted, and changes no answer. Events are never aggregated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

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
        credential: a keyed hash of the claimed user name, or of the token or key of schemes without names; empty: none was looked at.
            Equal ones have equal hashes, so that attempts can be counted, and none can be read from its hash. A user name is hashed because
            people type passwords into its field. Not compared: the key is random, unless `Guard(event_key=...)` sets it.
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
    credential: str = field(default="", compare=False)

    @property
    def event_id(self) -> str:
        """A stable name of what happened: `"granted"`, or decision and reason, such as `"challenged.expired"`."""
        return self.decision if self.reason is None else f"{self.decision}.{self.reason.value}"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON has them, `event_id` first."""
        # By hand: `dataclasses.asdict` copies each value deeply, and takes twenty times as long.
        return {
            "event": self.event_id,
            "time": self.time,
            "request_id": self.request_id,
            "decision": self.decision,
            "reason": None if self.reason is None else self.reason.value,
            "scheme": self.scheme,
            "principal": self.principal,
            "client": self.client,
            "route": self.route,
            "requirement": self.requirement,
            "duration": self.duration,
            "cached": self.cached,
            "credential": self.credential,
        }


class EventSink(Protocol):
    """Takes events.

    A sink may have two more attributes. `blocking = True`: it may wait for a disk or a network, so the guard calls it in a thread behind a
    bounded queue. `is_enabled()`: whether it takes events now; where no sink does, no event is made.
    """

    def __call__(self, event: AuthEvent, /) -> object:
        """Take one event; what it returns is ignored."""
        ...


def event_of(decision: Decision, view: RequestView, *, time: float, request_id: str, duration: float, credential: str) -> AuthEvent:
    """Return the event of a decision.

    Args:
        decision: the decision.
        view: the request.
        time: when it was made.
        request_id: the id of the request.
        duration: how long it took, in seconds.
        credential: the hash of the credentials; empty: none.
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
        credential=credential,
    )


__all__ = ["AuthEvent", "EventSink", "event_of"]
