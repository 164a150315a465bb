"""Checks the requirements of aiohttp's handlers: functions, and views."""

from __future__ import annotations

from functools import wraps
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final, Literal

from aiohttp import web
from aiohttp.abc import AbstractView

from watchword.adapters.aiohttp_responses import PRINCIPAL, refused, watched
from watchword.adapters.marks import exchange_of
from watchword.adapters.requiring import V, check_awaited, request_in, requiring
from watchword.guard.exchange import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.authorization import Requirement

_ADDS: Final = 1  # references that a RouteDef holds


def requires(requirement: Requirement) -> Callable[[V], V]:
    """Demand something of the callers of a handler, beside the rule of its path.

    Args:
        requirement: what the handler demands, such as `role("admin")`.

    Returns:
        The decorator: for a function or a method with the request as an argument, for a subclass of `web.View`, or for one of its methods.

    Raises:
        ConfigurationError: it is not a requirement, it is `public`, or the class is not a view. When a request comes: no guard stands in
            front of the handler.
    """
    return requiring(requirement, _checked, {"web.View": AbstractView}, _check_class, adds=_ADDS)


async def _check(request: web.BaseRequest, requirement: Requirement) -> Literal[True]:
    """Check one requirement of a handler.

    Raises:
        web.HTTPException: the refusal.
        ConfigurationError: no guard stands in front of the handler.
    """
    decided = watched(request)
    exchange = exchange_of({KEY: decided[-1].exchange} if decided else {}, requirement)
    refusal = await exchange.aauthorize(requirement)
    request[PRINCIPAL] = exchange.principal
    if refusal is not None:
        raise refused(refusal)
    return True


def _checked(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    @wraps(view)
    async def checked(*args: object, **kwargs: object) -> object:
        await _check(request_in(view, map(_unwrapped, (*args, *kwargs.values())), web.BaseRequest), requirement)
        result = view(*args, **kwargs)
        return await result if isawaitable(result) else result

    return checked


def _unwrapped(given: object) -> object:
    return given.request if isinstance(given, AbstractView) else given


def _check_class(view: Any, requirement: Requirement) -> None:  # noqa: ANN401 - a class of aiohttp, or derived from one
    check_awaited(view, lambda served: _check(served.request, requirement))


__all__ = ["requires"]
