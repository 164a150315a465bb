"""Puts a guard around the router of a Litestar application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from litestar._asgi.utils import wrap_in_exception_handler  # what Litestar itself puts around its router
from litestar.utils.scope.state import CONNECTION_STATE_KEY as OF_LITESTAR
from litestar.utils.scope.state import ScopeState

from watchword.adapters.answering import respond
from watchword.adapters.litestar_refusals import refuse
from watchword.adapters.marks import demand_of, has_hidden
from watchword.adapters.rendering import OUTCOME, RAISED, RenderingMiddleware
from watchword.guard.exchange import KEY
from watchword.observe.log import log_failure
from watchword.routes.litestar import handler_at, views_of

if TYPE_CHECKING:
    from watchword.adapters.scope import Receive, Scope, Send
    from watchword.guard import Guard

_OUTER: Final = "watchword.outer"  # in the scope of the guard: the scope of Litestar
_TOLD: Final = ("user", "auth", "watchword.decision")


class GuardedRouter:
    """Takes the place of `app.asgi_router`.

    Args:
        router: of the application.
        guard: decides.
        mount: as in `GuardMiddleware`.
    """

    def __init__(self, router: Any, guard: Guard, mount: str | None) -> None:  # noqa: ANN401 - a class that Litestar does not publish
        self.hides: bool = False  # whether a handler may be hidden
        self._router = router
        self._handled: Any = wrap_in_exception_handler(self._dispatch)  # type: ignore[arg-type]
        self._middleware = RenderingMiddleware(self._route, guard, mount=mount)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the router has
        return getattr(self._router, name)

    def inspect(self) -> None:
        """Look at the application before the first connection.

        Raises:
            ConfigurationError: as for `GuardMiddleware`.
        """
        self._middleware.inspect()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        seen = {**scope, _OUTER: scope}
        try:
            await self._middleware(seen, receive, send)
        finally:
            scope.update({name: seen[name] for name in _TOLD if name in seen})

    async def _route(self, child: Scope, receive: Receive, send: Send) -> None:
        """Let the layers of Litestar find what the router chooses in their own scope, but for another path that is only asked."""
        scope: Any = _scope_of(child, child.pop(_OUTER))
        exchange = child[KEY]
        try:
            await self._handled(scope, receive, send)
        except Exception as error:
            if exchange.decision.granted or ScopeState.from_scope(scope).response_started:
                raise
            # Another exception in place of the refusal would get a status of its own, from the handlers around this.
            log_failure("an exception handler of the application failed on a refusal", error)
            await respond(scope, receive, send, exchange.refusal)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        if OUTCOME in scope:
            refuse(scope, scope[KEY], self._router.app.exception_handlers)
        if self.hides:
            await self._check_hidden(scope)
        await self._router(scope, receive, send)

    async def _check_hidden(self, scope: Scope) -> None:
        """Check a handler that may be hidden before the middlewares of its route: the 403 of `csrf_config` would tell that it is there."""
        try:
            handler = handler_at(self._router, scope)
        except Exception:  # noqa: BLE001 - the router says what it has in place of a handler
            return
        demanded = demand_of(views_of(handler))
        if demanded is not None and has_hidden(demanded) and await scope[KEY].aauthorize(demanded) is not None:
            scope["route_handler"] = handler  # for the hooks of the application
            refuse(scope, scope[KEY], handler.resolve_exception_handlers())


def _scope_of(child: Scope, outer: Scope) -> Scope:
    """Return the scope for the layers of Litestar: their own, or one of its own for another path."""
    if OUTCOME in child:
        child[RAISED] = True
    if outer["path"] == child["path"]:
        outer.update(child)
        return outer
    outer.update({name: child[name] for name in _TOLD})
    # What is known of the first response, which was dropped, does not hold for the second one.
    state = child.get("state", {})
    return {**child, "state": {name: state[name] for name in state if name != OF_LITESTAR}}


__all__ = ["GuardedRouter"]
