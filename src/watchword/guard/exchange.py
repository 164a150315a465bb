"""Holds the decision about one request while it is under way, so that a view may replace it before the event is emitted.

An adapter makes one exchange for each request. It asks `decide`, does as the outcome says, and calls `finish` at the end. A view with a
requirement of its own asks `authorize`. One event is emitted and one refusal is logged, for the decision that stands when the response
starts, a handshake is answered or the handler ends, whichever is first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from watchword.clock import ticks
from watchword.decision import SILENT, Answered, CacheAdvice, Decided, Granted, Hidden
from watchword.guard.cache import Grant
from watchword.guard.outcome import AS_IT_IS, outcome_of
from watchword.operation import arun, run, task_lock
from watchword.refusal import grant_headers, styled_headers
from watchword.request import RequestView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from watchword.authorization.requirement import Requirement
    from watchword.decision import Decision, Refusing
    from watchword.guard.fast_path import TargetKey
    from watchword.guard.guard import Guard
    from watchword.guard.outcome import Outcome
    from watchword.operation import Steps, Thread
    from watchword.principal import Principal
    from watchword.refusal import Refusal
    from watchword.refusal.data import RefusalData

KEY: Final = "watchword.exchange"
"""The key of the exchange in an ASGI scope and in a WSGI environ, where the middleware was told that views have requirements."""

# The answer to a handshake (RFC 9110 §15.2.2), which no cache stores.
_SWITCHING = 101
_NOT_FOUND = 404
_MISSING = CacheAdvice(missing=True)

_Telling: TypeAlias = Literal["open", "done", "never"]


class Exchange:
    """One request and the decision that stands about it.

    Args:
        guard: decides.
        view: the request; or what makes it, where it may never be needed.
        decision: about the request, if it is made already; None: `decide` makes it.
        started: when `decision` was begun, where `guard.listens`.
        views: whether views have requirements of their own. Then the decision may be replaced until the response starts, and is told then.
            Otherwise it is told at once.
        thread: does blocking work of checkers for an event loop, where the framework has a thread for each request; None: a worker thread.
    """

    __slots__ = (
        "_decision",
        "_is_plain",
        "_met",
        "_refusal",
        "_spent",
        "_tasks",
        "_telling",
        "_thread",
        "_threads",
        "_time",
        "_view",
        "guard",
        "views",
    )

    def __init__(
        self,
        guard: Guard,
        view: RequestView | Callable[[], RequestView],
        decision: Decision | None = None,
        *,
        started: float = 0.0,
        views: bool = False,
        thread: Thread | None = None,
    ) -> None:
        self.guard: Guard = guard
        self._thread = thread
        self._view = view
        self._decision = decision
        self._is_plain = False  # whether nothing is taken out of the request
        self._met: Requirement | None = None
        self._refusal: Refusal | None = None
        self._telling: _Telling = "open"
        self._spent = 0.0
        self._time: float | None = None
        self.views: bool = views
        # Views of one request may ask at the same time. They take turns: the credentials are verified once, and a refusal stands.
        self._threads: dict[int, AbstractContextManager[object]] = {}
        self._tasks: AbstractAsyncContextManager[object] | None = None
        if started:
            self._spend(started)

    @property
    def view(self) -> RequestView:
        """The request."""
        view = self._view
        if not isinstance(view, RequestView):
            view = self._view = view()
        return view

    @property
    def decision(self) -> Decision:
        """The decision that stands.

        Raises:
            RuntimeError: there is none yet.
        """
        if self._decision is None:
            raise RuntimeError("nothing is decided yet: call decide() or adecide() first")
        return self._decision

    @property
    def principal(self) -> Principal:
        """The caller; anonymous where the caller is not known."""
        return self.decision.principal

    @property
    def changes_response(self) -> bool:
        """Whether `response_start` may change something in the response, as the decision stands."""
        decision = self.decision
        if self.views or not isinstance(decision, Granted):
            return True
        # No handshake is stored.
        return bool(decision.headers) or (decision.cache is not SILENT and bool(decision.cache) and self.view.kind == "http")

    def leaves(self, status: int) -> bool:
        """Tell whether `response_start` certainly changes nothing in a response of the application.

        Args:
            status: the status of the response.
        """
        decision = self.decision
        return (
            isinstance(decision, Granted) and decision.cache is SILENT and not (decision.headers or (self.views and status == _NOT_FOUND))
        )

    @property
    def is_open(self) -> bool:
        """Whether something is left for `finish`."""
        return self._telling == "open" or self.decision.after_response is not None

    def repeat(self, target: TargetKey, query: bytes | str, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Let a caller in again whom the fast path knows; no view of the request is made for that. For adapters, before `decide`.

        Args:
            target: of the request, which is not misplaced, as in the view.
            query: as it came.
            headers: the header section with names in lower case, or at least those fields of it that the fast path looks at.

        Returns:
            Whether the request is granted, as it is. False: nothing is decided.
        """
        fast_path = self.guard.fast_path
        if not fast_path.open_to(query):
            return False
        # Without a sink no clock is read.
        started = ticks() if self.guard.listens else 0.0
        decided = fast_path.decide(target, headers)
        if not isinstance(decided, Grant):
            return False
        self._decision, self._is_plain = decided.granted, True
        if started:
            self._spend(started)
        if not self.views:
            self.conclude()
        return True

    @property
    def is_decided(self) -> bool:
        """Whether there is a decision."""
        return self._decision is not None

    def decide(self, requirement: Requirement | None = None) -> Outcome:
        """Decide; this may block.

        Args:
            requirement: what the view demands beside the rule, where the adapter knows the view already; None: nothing.

        Raises:
            Exception: as `Guard.decide` does.
        """
        # Not by `Guard.decide`, which emits its event at once: a view may still replace this decision.
        begun = self.guard.start(self.view, requirement)
        return self._decided(begun if isinstance(begun, Decided) else run(begun), requirement)

    async def adecide(self, requirement: Requirement | None = None) -> Outcome:
        """Do as `decide` does, without blocking the event loop.

        Args:
            requirement: as in `decide`.
        """
        begun = self.guard.start(self.view, requirement)
        return self._decided(begun if isinstance(begun, Decided) else await arun(begun, self._thread), requirement)

    def _decided(self, decision: Decision, requirement: Requirement | None) -> Outcome:
        self._decision = decision
        self._met = requirement if decision.granted else None
        # A refusal is final. A grant may be replaced by a view, and one request has one event (protocols, a requirement reached later).
        if not (self.views and decision.granted):
            self.conclude()
        elif self.guard.listens:
            self._spend(self.view.started)
        return outcome_of(self.guard, decision, self.view)

    def demand(self, requirement: Requirement) -> None:
        """Name the demand of a view in the challenges of the rule that refuses (decision D63).

        Args:
            requirement: the demand of the view that the router would choose.
        """
        # A refusal that was made before names the scopes of the rule alone.
        self._decision, self._refusal = self.guard.with_demand(self.decision, self.view, requirement), None

    def outcome(self) -> Outcome:
        """Return what to do, as the decision stands."""
        if self._is_plain and self.decision.granted:
            return AS_IT_IS
        return outcome_of(self.guard, self.decision, self.view)

    def authorize(self, requirement: Requirement) -> Refusal | None:
        """Decide about a view that is reached now; this may block. See `Guard.authorize`.

        Args:
            requirement: what the view demands beside the rule.

        Returns:
            None: it may run, for `principal`. Else the refusal to send in its place, all of its fields and its status unchanged. Where the
            view is hidden, the middleware around the application puts the application's own 404 in place of it.

        Raises:
            Exception: as `Guard.authorize` does.
        """
        if self._is_met(requirement):
            return None
        began = ticks() if self.guard.listens else 0.0
        with self._turn():
            if self._narrow(requirement):
                return None
            begun = self.guard.start_authorize(self.decision, self.view, requirement)
            return self._replaced(begun if isinstance(begun, Decided) else run(begun), began, requirement)

    async def aauthorize(self, requirement: Requirement) -> Refusal | None:
        """Do as `authorize` does, without blocking the event loop.

        Args:
            requirement: as in `authorize`.
        """
        if self.lets_run(requirement):
            return None
        began = ticks() if self.guard.listens else 0.0
        begun: Decision | Steps[Decision] | None = None
        # A task lock belongs to one event loop, so it is made there, and for no request whose views never wait.
        if self._tasks is None:
            begun = self.guard.start_authorize(self.decision, self.view, requirement)
            if isinstance(begun, Decided):
                return self._replaced(begun, began, requirement)
            self._tasks = task_lock()
        async with self._tasks:
            if begun is None:
                begun = self.guard.start_authorize(self.decision, self.view, requirement)
            return self._replaced(begun if isinstance(begun, Decided) else await arun(begun, self._thread), began, requirement)

    def lets_run(self, requirement: Requirement) -> bool:
        """Tell whether a view that is awaited may run, where that takes no step; for adapters.

        Args:
            requirement: as in `authorize`.

        Returns:
            True: it may run, for `principal`. False: that is not known, ask `aauthorize`.
        """
        return self._is_met(requirement) or (self._tasks is None and self._narrow(requirement))

    def _narrow(self, requirement: Requirement) -> bool:
        """Tell whether the fast path lets the view run. No view of the request is made for that."""
        narrowed = self.guard.fast_path.narrow(self.decision, requirement)
        if narrowed is None:
            return False
        self._decision, self._refusal, self._met = narrowed, None, requirement
        return True

    def _turn(self) -> AbstractContextManager[object]:
        from watchword.locking import brief_lock  # with the first view that asks: no other request needs it

        return brief_lock(self._threads)

    def _is_met(self, requirement: Requirement) -> bool:
        """Tell whether a hook of the adapter has asked the same for the same view. On an open socket the answer may have lapsed."""
        return requirement is self._met and self._telling == "open"

    def _replaced(self, decision: Decision, began: float, requirement: Requirement) -> Refusal | None:
        # Kept also where it grants: the next view goes on from the caller that this one has found out.
        before, self._decision = self._decision, decision
        if decision is not before:
            self._refusal = None
        # The duration is that of deciding. What the application does between two views would hide a slow store.
        if began:
            self._spend(began)
        self._met = requirement if decision.granted else None
        if decision.granted:
            return None
        if self._telling == "done" and decision is not before:
            # On an open socket: what was told of when it was opened is not true any more.
            self.guard.conclude(decision, self.view, time=self._time, duration=self._spent)
        return self.refusal

    @property
    def refusal(self) -> Refusal:
        """The refusal of the decision that stands, made once: it has the same request id wherever it is asked for."""
        if self._refusal is None:
            self._refusal = self.guard.refuse(self.decision, self.view)
        return self._refusal

    @property
    def refusal_data(self) -> RefusalData:
        """What a visitor is told about the decision that stands, for a page of the application's own.

        Raises:
            ValueError: it grants.
        """
        decision = self.decision
        if isinstance(decision, (Granted, Answered)):
            raise ValueError("this decision grants: there is nothing to tell")  # noqa: TRY004 - its value, not its type, is at fault
        return self.guard.refusal_data(decision, self.view)

    def _spend(self, began: float) -> None:
        """Count the time of a decision, and not that of the application."""
        self._spent += ticks() - began
        self._time = self.guard.policy.clock.now()

    def response_start(self, status: int, headers: Iterable[tuple[str, str]]) -> tuple[int, list[tuple[str, str]]]:
        """Return status and header fields of a response, or of the answer to a handshake, that starts now.

        The event is emitted here, if that has not happened. Where a view was refused, the application may have replaced the content of the
        refusal, as an error handler does. The status and the fields of the refusal stay.

        Args:
            status: the status of the application's response.
            headers: the fields of the application's response.
        """
        self.conclude()  # from now on the client may know: what comes later is not part of this event
        decision = self.decision
        if isinstance(decision, Hidden) and status == _NOT_FOUND:
            return status, grant_headers(_MISSING, status, headers)  # the application's own 404, as any other
        if not isinstance(decision, Granted):
            # An error handler may replace the content, and not the status: to clients and to caches a refusal with status 200 is access.
            refusal = self.refusal
            return refusal.status, styled_headers(refusal.headers, headers)
        cache = decision.cache
        if cache and (status == _SWITCHING or self.view.kind != "http"):
            cache = SILENT  # no handshake is stored
        if self.views and status == _NOT_FOUND and not cache.missing:
            cache = replace(cache, missing=True)  # a view may hide: the 404 that imitates this one says no-store as well
        if not (cache or decision.headers):
            return status, [*headers]
        return status, grant_headers(cache, status, headers, decision.headers)

    def conclude(self) -> None:
        """Emit the event and log a refusal, once: the decision that stands now."""
        if self._telling != "open":
            return
        self._telling = "done"
        guard, decision = self.guard, self.decision
        if guard.listens or not decision.granted:
            if self._time is None:
                guard.conclude(decision, self.view)
            else:
                guard.conclude(decision, self.view, time=self._time, duration=self._spent)

    def finish(self) -> None:
        """End the exchange: do what was left for after the response, once; this may block."""
        self.conclude()
        after = self._take_after()
        if after is not None:
            self.guard.finish(after)

    async def afinish(self) -> None:
        """Do as `finish` does, without blocking the event loop."""
        self.conclude()
        after = self._take_after()
        if after is not None:
            await self.guard.afinish(after)

    def _take_after(self) -> Decision | None:
        decision = self.decision
        if decision.after_response is None:
            return None
        # A view that is reached later, on an open socket, goes on from a decision that leaves nothing to do.
        self._decision = decision.followed_by(None)
        return decision

    def beside(self, told: Decision) -> Exchange:
        """Return an exchange for a request that the application is asked in place of this one. It emits no event.

        Args:
            told: what the application is told.
        """
        # With the same view, so that a cached fact of the request is not computed twice.
        # The client has asked once, so one event is emitted: a second one would count as a second request.
        other = Exchange(self.guard, self._view, told, views=self.views)
        other._telling = "never"
        return other

    def __repr__(self) -> str:
        return f"Exchange({self._decision!r})"


def refuse_again(  # noqa: PLR0917 - the facts of one request
    guard: Guard, decision: Refusing, method: str, said: Mapping[str, str] | None, view: Callable[[], RequestView], started: float
) -> Refusal:
    """Log a decision of the fast path, emit its event, and return the refusal.

    Args:
        guard: made the decision.
        decision: the decision.
        method: of the request.
        said: as `FastPath.said` returns it; None: the fields are read from the view.
        view: makes the view.
        started: when the decision was begun, where `guard.listens`.
    """
    # No sink wants an event, and the fields that the refusal needs are known: no view is made.
    if said is not None and not started:
        return guard.refuse_unseen(decision, method, said, view)
    exchange = Exchange(guard, view, decision, started=started)
    exchange.conclude()
    return guard.refuse(decision, exchange.view)


__all__ = ["KEY", "Exchange", "refuse_again"]
