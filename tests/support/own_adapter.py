"""A whole adapter for an interface that this package does not know: an application is a function from a request to a response.

It shows what an adapter for another server has to do, and how little that is: `GuardMiddleware` is no longer than it must be, and
`tests/seams/test_third_adapter.py` sends the status table through it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

from watchword import Operation, RequestView
from watchword.decision import Hidden
from watchword.guard.outcome import Imitate, Pass

if TYPE_CHECKING:
    from watchword import Guard
    from watchword.guard.exchange import Exchange
    from watchword.guard.forwarding import Forwarding
    from watchword.guard.outcome import Outcome

Pairs: TypeAlias = list[tuple[str, str]]


@dataclass(frozen=True)
class OwnRequest:
    """A request, as this interface has it."""

    method: str
    target: str
    headers: Pairs
    peer: str | None = None
    scheme: str = "http"
    mount: str = ""
    body: BytesIO = field(default_factory=BytesIO)
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnResponse:
    """A response, as this interface has it."""

    status: int
    headers: Pairs
    body: Iterable[bytes]
    on_close: Callable[[], None] = lambda: None


OwnApp: TypeAlias = Callable[[OwnRequest], OwnResponse]


class GuardMiddleware:
    """Puts a guard in front of an application of this interface.

    Args:
        app: the application.
        guard: decides.
        views: whether views have requirements of their own.
    """

    def __init__(self, app: OwnApp, guard: Guard, *, views: bool = False) -> None:
        self.app = app
        self.guard = guard
        self.views = views

    def __call__(self, request: OwnRequest) -> OwnResponse:
        """Serve one request."""
        exchange = self.guard.exchange(_view(request), views=self.views)
        outcome = exchange.decide()
        if not isinstance(outcome, Pass):
            return _ended(exchange, self._refuse(exchange, outcome, request))
        try:
            response = self.app(_forwarded(request, exchange, outcome.forwarding))
            if isinstance(exchange.decision, Hidden):  # a view said so
                return _ended(exchange, self._refuse(exchange, exchange.outcome(), replace(request, body=BytesIO())))
            status, headers = exchange.response_start(response.status, response.headers)
            return _ended(exchange, replace(response, status=status, headers=headers))
        except BaseException:
            exchange.finish()
            raise

    def _refuse(self, exchange: Exchange, outcome: Outcome, request: OwnRequest) -> OwnResponse:
        if isinstance(outcome, Imitate):
            moved = replace(request, target=outcome.target.decode())
            try:
                response = self.app(_forwarded(moved, exchange.beside(outcome.told), outcome.forwarding))
            except Exception:
                if not outcome.is_preflight:
                    raise
                return self._refuse(exchange, outcome.otherwise, request)
            headers = outcome.accept(response.status, response.headers)
            if headers is None:
                return self._refuse(exchange, outcome.otherwise, request)
            return replace(response, headers=headers, body=[] if outcome.is_preflight else response.body)
        assert not isinstance(outcome, Pass)
        refusal = outcome.refusal
        return OwnResponse(refusal.status, refusal.headers, [refusal.body])


def _view(request: OwnRequest) -> RequestView:
    view = RequestView(request.method, request.target, request.headers, request.peer, request.scheme, mount=request.mount)
    view.reader = lambda limit: Operation(lambda: _read_ahead(request.body, limit))
    return view


def _read_ahead(body: BytesIO, limit: int) -> bytes:
    read = body.read(limit + 1)
    body.seek(0)
    return read


def _forwarded(request: OwnRequest, exchange: Exchange, taken: Forwarding) -> OwnRequest:
    path, _, query = request.target.partition("?")
    query = query if taken.query is None else taken.query.decode("latin-1")
    return replace(
        request,
        target=f"{path}?{query}" if query else path,
        headers=taken.headers(request.headers),
        body=request.body if taken.content is None else BytesIO(taken.content),
        state={"user": exchange.principal, "decision": exchange.decision, "exchange": exchange},
    )


def _ended(exchange: Exchange, response: OwnResponse) -> OwnResponse:
    exchange.conclude()

    def close() -> None:
        try:
            response.on_close()
        finally:
            exchange.finish()

    return replace(response, on_close=close)
