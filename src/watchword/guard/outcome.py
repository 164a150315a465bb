"""Tells an adapter what to do with a request that is decided: pass it on, respond, or ask the application about another path.

    Pass      call the application, without what it must not see
    Respond   send the refusal
    Imitate   call the application for a path at which it has nothing, and send its answer if it is the right one

An adapter only interprets: it decides nothing, and knows neither rules nor reasons.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from watchword.decision import NOBODY, CacheAdvice, Granted, Hidden
from watchword.field_index import canonical_name
from watchword.guard.forwarding import UNCHANGED, Forwarding, forwarding
from watchword.guard.imitation import missing_path, preflight_path
from watchword.guard.preflight import cors_answer, is_passed_on, is_refused_preflight
from watchword.principal import ANONYMOUS
from watchword.refusal import grant_headers
from watchword.target import escape_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.decision import Decision
    from watchword.guard.guard import Guard
    from watchword.refusal import Refusal
    from watchword.request import RequestView

# 404, or what a framework or a layer answers for every path, such as 400 for a Host that it takes for false, or 429. A 401 is the guard's.
_NOTHING_THERE = frozenset({400, 404, 413, 414, 417, 421, 429, 431})
_MISSING = CacheAdvice(missing=True)


class Pass(NamedTuple):
    """Let the application answer.

    Args:
        forwarding: what to take out of the request before.
    """

    forwarding: Forwarding


class Respond(NamedTuple):
    """Send a refusal. The application is not called.

    Args:
        refusal: status, header fields and content.
    """

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Imitate:
    """Call the application for a path at which it has nothing.

    It is asked for its own 404, which hides a resource, or for the answer of a CORS layer inside the guard.

    Args:
        path: the decoded path below the mount; it cannot exist.
        mount: the prefix.
        told: what the application is told in place of the decision.
        forwarding: what to take out of the request before.
        otherwise: what to do where the answer does not go out, or an adapter cannot ask: behind a router the handler of the real path
            would run, whatever the path.
        is_preflight: whether a CORS layer is asked. Its answer goes out without content, and what fails in it is logged and not raised:
            a client without credentials must not cause a 500. The certificate of the client is taken out too.
    """

    path: str
    mount: str
    told: Decision
    forwarding: Forwarding
    otherwise: Outcome = field(repr=False)
    is_preflight: bool = False

    @property
    def target(self) -> bytes:
        """The path with the mount, as it stands in a request target."""
        return escape_path(self.mount + self.path)

    def accept(self, status: int, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]] | None:
        """Return the header fields with which the application's answer goes out; None: it does not.

        Args:
            status: of the answer.
            headers: of the answer.
        """
        if self.is_preflight:
            return cors_answer(status, headers)
        if status not in _NOTHING_THERE:
            return None  # the application answers every path: what is missing there cannot be imitated
        # The same fields as in a real 404, those of the scheme too: a cookie that is missing here would tell that something is hidden.
        return grant_headers(_MISSING, status, headers, self.told.headers)


Outcome: TypeAlias = Pass | Respond | Imitate
"""What an adapter is to do."""

AS_IT_IS: Final = Pass(UNCHANGED)
"""What nearly every request gets."""


def outcome_of(guard: Guard, decision: Decision, view: RequestView) -> Outcome:
    """Return what to do with a request.

    Args:
        guard: made the decision.
        decision: about the request.
        view: the request.
    """
    policy = guard.policy
    if isinstance(decision, Granted):
        # Also without credentials: a client may still send the fields that name a caller to the application (threat H3).
        taken = forwarding(policy, view)
        return AS_IT_IS if taken is UNCHANGED else Pass(taken)
    outcome: Outcome = Respond(guard.refuse(decision, view))
    # A handshake has no page of the application that could be imitated, and no preflight (WHATWG Fetch exempts WebSockets).
    if view.kind != "http":
        return outcome
    if isinstance(decision, Hidden):
        path = missing_path(policy, view, decision)
        if path is not None:
            outcome = Imitate(path, view.mount, decision, forwarding(policy, view), outcome)
    if policy.cors_inside and is_refused_preflight(view, decision):
        # Everything goes that could identify the client, so that the answer is the same for every caller (threat P14).
        sent = {name if isinstance(name, str) else name.decode("latin-1") for name, _ in view.headers}
        taken = Forwarding(
            frozenset(canonical_name(name) for name in sent if not is_passed_on(policy, name.lower())), query=b"", content=b""
        )
        told = Granted(ANONYMOUS, decision.rule, route=decision.route, caller=NOBODY)
        outcome = Imitate(preflight_path(view), view.mount, told, taken, outcome, is_preflight=True)
    return outcome


__all__ = ["AS_IT_IS", "Imitate", "Outcome", "Pass", "Respond", "outcome_of"]
