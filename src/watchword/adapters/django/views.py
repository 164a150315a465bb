"""Makes Django's views check their callers: `requires`."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.http import HttpRequest
from django.views import View

from watchword.adapters.django.authorizing import arefuse, exchange_in, refuse
from watchword.adapters.requiring import V, request_in, requiring

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.authorization import Requirement


def requires(requirement: Requirement) -> Callable[[V], V]:
    """Demand something of the callers of a view, beside the rule of its path. The order of decorators makes no difference.

    Args:
        requirement: what the view demands, such as `role("admin")`.

    Returns:
        The decorator: for a function, a class-based view, what `as_view()` returns, or a method of a class-based view.

    Raises:
        ConfigurationError: it is not a requirement, it is `public`, or what is decorated is not a view. When a request comes: no guard
            stands in front of the view.
    """
    return requiring(requirement, _checked, {"View": View})


def _checked(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    """Return a view that checks its caller in every call, also where the mark is lost."""
    return _awaited(view, requirement) if iscoroutinefunction(view) else _called(view, requirement)


def _awaited(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    @wraps(view)
    async def checked(*args: object, **kwargs: object) -> object:
        request = _request_of(view, args, kwargs)
        exchange = exchange_in(request, requirement)
        refused = await arefuse(request, exchange, requirement, in_view=True)
        return await view(*args, **kwargs) if refused is None else refused

    return checked


def _called(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    @wraps(view)
    def checked(*args: object, **kwargs: object) -> object:
        request = _request_of(view, args, kwargs)
        exchange = exchange_in(request, requirement)
        # A checker of the guard may need the event loop; Django calls this view in a thread of it.
        check = async_to_sync(arefuse) if exchange.guard.async_checkers else refuse
        refused = check(request, exchange, requirement, in_view=True)
        return view(*args, **kwargs) if refused is None else refused

    return checked


def _request_of(view: object, args: tuple[object, ...], kwargs: dict[str, object]) -> HttpRequest:
    unwrapped = (getattr(one, "_request", one) for one in (*args, *kwargs.values()))  # Django REST framework wraps it
    return request_in(view, unwrapped, HttpRequest)


__all__ = ["requires"]
