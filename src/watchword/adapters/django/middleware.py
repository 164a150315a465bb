"""Decides about each request of a Django project, and about the view that its router has chosen."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from watchword.adapters.django.authorizing import Refused, answer_refused, arefuse, exchange_in, own_exchange, refuse
from watchword.adapters.django.demands import SEEN, demand_here, demand_overtaken, named_outcome
from watchword.adapters.django.requests import begin, exchange_for, is_decided
from watchword.adapters.django.responses import answer, arefusal_of, finish_awaited, refusal_of, when_closed
from watchword.adapters.django.stack import AUTHENTICATION, GUARD, UPDATE_CACHE, guard_of_project, places_of
from watchword.adapters.django.telling import inform
from watchword.adapters.proxied import proxied_of
from watchword.adapters.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from watchword.authorization import Requirement
    from watchword.guard import Guard
    from watchword.guard.exchange import Exchange
    from watchword.guard.outcome import Outcome


class GuardMiddleware:
    """Guards a project: `"watchword.adapters.django.GuardMiddleware"` in the setting `MIDDLEWARE`.

    The setting `WATCHWORD` names the guard. `request.principal` is the caller. `request.META` has what the WSGI adapter tells.

    Args:
        get_response: what Django gives to a middleware.

    Raises:
        ConfigurationError: the setting is wrong, or the guard cannot work in Django.

    Trust: what the server and Django's settings say about address, scheme and mount. What is before it in `MIDDLEWARE` runs for everyone.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._waits = iscoroutinefunction(get_response)
        self.guard: Guard = guard_of_project(waits=self._waits)
        self._get_response = get_response
        self._private = bool(places_of(UPDATE_CACHE))
        # AuthenticationMiddleware behind the guard has set `request.user` since.
        self._tells_again = max(places_of(AUTHENTICATION), default=-1) > min(places_of(GUARD), default=0)
        self._variables = Variables(self.guard.policy.index, self.guard.fast_path)
        self._proxied = proxied_of(self.guard.policy)
        if self._waits:
            markcoroutinefunction(self)
        self.process_view: Callable[..., Any] = self._aprocess_view if self._waits else self._process_view

    def __call__(self, request: HttpRequest) -> Any:  # noqa: ANN401 - a response, or what is awaited for one
        """Serve one request."""
        return self._serve_async(request) if self._waits else self._serve(request)

    def _serve(self, request: HttpRequest) -> HttpResponse:
        exchange = exchange_for(self.guard, request, self._variables, self._proxied)
        if is_decided(request, exchange):
            return self._serve_decided(request)
        outcome = named_outcome(request, exchange, exchange.outcome() if exchange.is_decided else exchange.decide())
        try:
            response, outcome = self._answer(request, exchange, outcome)
        except BaseException:
            exchange.finish()  # there is no response whose end could be waited for
            raise
        return when_closed(answer(response, exchange, outcome, private=self._private), exchange, exchange.finish)

    async def _serve_async(self, request: HttpRequest) -> HttpResponse:
        exchange = exchange_for(self.guard, request, self._variables, self._proxied)
        if is_decided(request, exchange):
            return await self._aserve_decided(request)
        outcome = named_outcome(request, exchange, exchange.outcome() if exchange.is_decided else await exchange.adecide())
        try:
            response, outcome = await self._aanswer(request, exchange, outcome)
        except BaseException:
            await exchange.afinish()
            raise
        return when_closed(answer(response, exchange, outcome, private=self._private), exchange, partial(finish_awaited, exchange))

    def _serve_decided(self, request: HttpRequest) -> HttpResponse:
        """Serve a request about which the guard around the project has decided; that guard answers for a hidden view."""
        response = self._get_response(request)
        if (overtaken := demand_overtaken(request, response)) is not None:
            exchange_in(request, overtaken).authorize(overtaken)
        return response

    async def _aserve_decided(self, request: HttpRequest) -> HttpResponse:
        response = await self._get_response(request)
        if (overtaken := demand_overtaken(request, response)) is not None:
            await exchange_in(request, overtaken).aauthorize(overtaken)
        return response

    def _answer(self, request: HttpRequest, exchange: Exchange, outcome: Outcome) -> tuple[HttpResponse, Outcome]:
        """Return the response, and what was asked for it. Where something else has answered for a hidden view, it is asked again."""
        response = self._respond(request, exchange, outcome)
        overtaken = demand_overtaken(request, response)
        if overtaken is None or exchange.authorize(overtaken) is None:
            return response, outcome
        response.close()
        outcome = exchange.outcome()
        return self._respond(request, exchange, outcome), outcome

    async def _aanswer(self, request: HttpRequest, exchange: Exchange, outcome: Outcome) -> tuple[HttpResponse, Outcome]:
        response = await self._arespond(request, exchange, outcome)
        overtaken = demand_overtaken(request, response)
        if overtaken is None or await exchange.aauthorize(overtaken) is None:
            return response, outcome
        response.close()
        outcome = exchange.outcome()
        return await self._arespond(request, exchange, outcome), outcome

    def _respond(self, request: HttpRequest, exchange: Exchange, outcome: Outcome) -> HttpResponse:
        return self._get_response(request) if begin(request, exchange, outcome) else refusal_of(request, exchange)

    async def _arespond(self, request: HttpRequest, exchange: Exchange, outcome: Outcome) -> HttpResponse:
        return await (self._get_response(request) if begin(request, exchange, outcome) else arefusal_of(request, exchange))

    def _process_view(self, request: HttpRequest, view: object, _args: object, _kwargs: object) -> HttpResponse | None:
        requirement = self._demand(request, view)
        return None if requirement is None else refuse(request, exchange_in(request, requirement), requirement)

    async def _aprocess_view(self, request: HttpRequest, view: object, _args: object, _kwargs: object) -> HttpResponse | None:
        requirement = self._demand(request, view)
        return None if requirement is None else await arefuse(request, exchange_in(request, requirement), requirement)

    @staticmethod
    def process_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Send the refusal of a view that could not return it."""
        return answer_refused(request, error.exchange) if isinstance(error, Refused) else None

    def _demand(self, request: HttpRequest, view: object) -> Requirement | None:
        exchange = own_exchange(request, self.guard)
        if self._tells_again:
            inform(request, exchange)
        setattr(request, SEEN, request.resolver_match)
        return demand_here(request, view, exchange)


__all__ = ["GuardMiddleware"]
