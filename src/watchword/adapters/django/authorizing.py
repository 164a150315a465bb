"""Checks a requirement for a request of Django, and refuses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.urls import Resolver404

from watchword.adapters.django.responses import arefusal_of, refusal_of
from watchword.adapters.django.telling import exchange_around, inform
from watchword.adapters.environ import tell_again
from watchword.adapters.marks import exchange_of
from watchword.decision import Hidden
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from django.http import HttpResponse

    from watchword.authorization import Requirement
    from watchword.decision import Decision
    from watchword.guard import Guard
    from watchword.guard.exchange import Exchange


def exchange_in(request: HttpRequest, requirement: Requirement) -> Exchange:
    """Return the exchange of the guard that stands in front of a view, in this project or around it.

    Raises:
        ConfigurationError: there is none.
    """
    found = exchange_around(request)
    return exchange_of(request.META, requirement) if found is None else found


def own_exchange(request: HttpRequest, guard: Guard) -> Exchange:
    """Return the exchange in which the middleware of a guard has decided about a request.

    Raises:
        ConfigurationError: it has not.
    """
    exchange = exchange_around(request)
    # As a decorator that Django makes of a middleware, it is not called for the request, and knows at most another guard around it.
    if exchange is None or exchange.guard is not guard:
        raise ConfigurationError(
            "GuardMiddleware has not decided about this request. Put it into the setting MIDDLEWARE, and mark the view by requires(...): "
            "it cannot be a decorator of a view."
        )
    return exchange


def refuse(request: HttpRequest, exchange: Exchange, requirement: Requirement, *, in_view: bool = False) -> HttpResponse | None:
    """Check a requirement, before the view or in it; this may block.

    Returns:
        The refusal; None: the view may run.

    Raises:
        Resolver404: the view is hidden, as if the router had found nothing.
        Refused: the same within a view. The middleware answers.
    """
    before = exchange.decision
    granted = exchange.authorize(requirement) is None
    _tell_of(request, exchange, before, in_view=in_view)
    return None if granted else refusal_of(request, exchange)


async def arefuse(request: HttpRequest, exchange: Exchange, requirement: Requirement, *, in_view: bool = False) -> HttpResponse | None:
    """Do as `refuse` does, without blocking the event loop."""
    before = exchange.decision
    granted = await exchange.aauthorize(requirement) is None
    _tell_of(request, exchange, before, in_view=in_view)
    return None if granted else await arefusal_of(request, exchange)


def _tell_of(request: HttpRequest, exchange: Exchange, before: Decision, *, in_view: bool) -> None:
    """Tell the project of a decision that has taken the place of another one."""
    # A guard around the project has told the environ, and not the request.
    knows = getattr(request, "principal", None) is exchange.principal and tell_again(request.META, exchange.decision)
    if exchange.decision is not before and not knows:
        inform(request, exchange)
    _check_hidden(request, exchange, in_view=in_view)


def answer_refused(request: HttpRequest, exchange: Exchange) -> HttpResponse:
    """Return the refusal of the decision that stands; this may block.

    Raises:
        Resolver404: the view is hidden, as if the router had found nothing.
    """
    _check_hidden(request, exchange, in_view=False)
    return refusal_of(request, exchange)


def _check_hidden(request: HttpRequest, exchange: Exchange, *, in_view: bool) -> None:
    if isinstance(exchange.decision, Hidden):
        request.resolver_match = None
        # Django REST framework, within a view of which this may run, has another 404. A guard around the project answers by itself.
        if in_view and isinstance(getattr(exchange.view, "connection", None), HttpRequest):
            raise Refused(exchange)
        raise Resolver404({"tried": [], "path": request.path_info.removeprefix("/")})


class Refused(Exception):
    """Ends a view that is refused and cannot return the refusal. The middleware sends it.

    Args:
        exchange: of the request.
    """

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(str(exchange.decision.reason))
        self.exchange = exchange


__all__ = ["Refused", "answer_refused", "arefuse", "exchange_in", "own_exchange", "refuse"]
