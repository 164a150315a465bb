"""Puts a guard into an aiohttp application, and checks the requirements of its handlers.

    app = web.Application(middlewares=[guard_middleware(guard)])

Its router has chosen the handler before middlewares run, so the guard decides once, by the rule and by what this handler demands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aiohttp import web

from watchword.adapters.aiohttp_changes import forward
from watchword.adapters.aiohttp_imitating import refuse
from watchword.adapters.aiohttp_requests import exchange_of
from watchword.adapters.aiohttp_responses import PRINCIPAL, Watched, release, watch, watched
from watchword.adapters.aiohttp_routing import alike_within, demand_of
from watchword.adapters.aiohttp_views import requires
from watchword.adapters.proxied import proxied_of
from watchword.adapters.stacking import TWICE
from watchword.adapters.starting import check_routes
from watchword.decision import Hidden
from watchword.errors import ConfigurationError
from watchword.guard.guard import as_guard
from watchword.guard.outcome import Pass
from watchword.mount import check_mount
from watchword.observe.log import log_mistake
from watchword.principal import ANONYMOUS, Principal

if TYPE_CHECKING:
    from asyncio import Task

    from watchword.adapters.aiohttp_routing import Handler
    from watchword.authorization import Requirement
    from watchword.guard import Guard
    from watchword.guard.exchange import Exchange
    from watchword.guard.forwarding import Forwarding
    from watchword.guard.outcome import Outcome


def guard_middleware(guard: Guard, *, mount: str = "") -> Middleware:
    """Make the middleware that puts a guard into an application, or into a sub-application. Write it first in `middlewares`.

    Args:
        guard: decides.
        mount: the prefix that rules leave out, such as `"/api"` for the guard of a sub-application under that prefix. Without it rules are
            compared with the whole path, in a sub-application too.

    Raises:
        ConfigurationError: an argument is of another type, or the mount cannot be one.

    Trust: client and scheme are `request.remote` and `request.scheme`. Behind a proxy give `Guard(proxies=...)`, which sets both.
    """
    return Middleware(as_guard(guard), check_mount(mount))


def principal_of(request: web.BaseRequest) -> Principal:
    """Return the caller of a request; anonymous where no credentials were sent.

    `request` is that of a handler or of a middleware.
    """
    return cast("Principal", request.get(PRINCIPAL, ANONYMOUS))


class Middleware:
    """The middleware that `guard_middleware` makes.

    Args:
        guard: decides.
        mount: the prefix that rules leave out.
    """

    __middleware_version__ = 1  # aiohttp calls it with (request, handler)

    def __init__(self, guard: Guard, mount: str) -> None:
        self.guard: Guard = guard
        if guard.strict_routes and mount:
            raise ConfigurationError(
                f"Guard(strict_routes=True) cannot be checked with guard_middleware(mount={mount!r}). Leave the mount out, and write its "
                "prefix in the rules."
            )
        self._mount = mount
        self._proxied = proxied_of(guard.policy)
        self._is_started = bool(mount)
        self._tasks: set[Task[None]] = set()  # work after responses: the event loop keeps no reference to a task

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve one request.

        Raises:
            web.HTTPException: the refusal. A middleware around this one may replace its content.
        """
        if not self._is_started:
            self._start(request)
        target = request.method, request.raw_path, self._mount
        if any(one.exchange.guard is self.guard and one.target == target for one in watched(request)):
            return await handler(request)  # this very guard has let this very request through, further out
        exchange, outcome = await self._decide(request)
        watch(request, Watched(exchange, target, self._tasks))
        if isinstance(outcome, Pass):
            return await self._serve(exchange, outcome.forwarding, request, handler)
        return await refuse(self, request, exchange, outcome)

    def _start(self, request: web.Request) -> None:
        # The paths of a sub-application begin with its prefix, which the rules of a guard with a mount leave out.
        check_routes(request.app, self.guard)
        if any(app is request.app and one.guard is self.guard for app, one in alike_within(self, request, Middleware)):
            log_mistake(TWICE)
        self._is_started = True

    async def _decide(self, request: web.Request) -> tuple[Exchange, Outcome]:
        """Decide about a request and its handler."""
        exchange, demanded = exchange_of(self.guard, request, self._mount, self._proxied), self._demand(request)
        if exchange.is_decided and (demanded is None or exchange.lets_run(demanded)):
            return exchange, exchange.outcome()
        return exchange, await exchange.adecide(demanded)

    async def _serve(self, exchange: Exchange, taken: Forwarding, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Call the handler, and hide its response where it turns out to be hidden."""
        forward(request, taken)
        try:
            response = await _call(exchange, request, handler)
        except web.HTTPException:
            if not isinstance(exchange.decision, Hidden):
                raise
        else:
            if not isinstance(exchange.decision, Hidden) or (isinstance(response, web.StreamResponse) and response.prepared):
                return response
        return await refuse(self, request, exchange, exchange.outcome())

    def _demand(self, request: web.Request) -> Requirement | None:
        """Return what the handler demands; None: nothing, or another guard further in is asked for it."""
        demanded = demand_of(request)
        within = () if demanded is None else alike_within(self, request, Middleware)
        return None if any(one.guard is not self.guard for _, one in within) else demanded


async def _call(exchange: Exchange, request: web.Request, handler: Handler) -> web.StreamResponse:
    """Call a handler; where it fails, there is no response whose start ends the exchange."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except BaseException:
        release(request, exchange)
        raise


__all__ = ["PRINCIPAL", "Middleware", "guard_middleware", "principal_of", "requires"]
