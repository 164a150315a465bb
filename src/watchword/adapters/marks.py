"""Marks views with requirements: what `requires` does in every framework.

The mark is an attribute of the view: an adapter finds it on the view that the router has chosen, whatever decorators stand around it. The
decorator also wraps the view, so that it is checked in every call. Both ask the same exchange.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from inspect import isfunction
from typing import TYPE_CHECKING, Any, Final

from watchword.adapters.application import views_at, views_in
from watchword.authorization import Requirement, public
from watchword.authorization.requirement import AllOf
from watchword.errors import ConfigurationError
from watchword.guard.exchange import KEY, Exchange
from watchword.validators import check_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ATTRIBUTE: Final = "__watchword_requirement__"
_CHECKED: Final = "__watchword_checked__"  # of a function that checks by itself: for which mark

_MISSING = (
    "the view demands {}, but no guard stands in front of it. Add the guard to the application that serves the view: "
    "GuardMiddleware(app, guard), or the extension or plugin of the framework."
)
_UNSEEN = (
    "the view demands {}, and the middleware did not see that when the first request came, as with a view that is added later. "
    "Write GuardMiddleware(app, guard, views=True)."
)


def check_requirement(requirement: object, what: str = "requires(...)") -> Requirement:
    """Return a requirement that a view may have.

    Args:
        requirement: what was given.
        what: names the place, for the error.

    Raises:
        ConfigurationError: it is not a requirement, or it is `public`, which a view cannot grant: its rule decides that.
    """
    known = check_type(what, requirement, Requirement, 'role("admin")')
    if known == public:
        raise ConfigurationError(f"{what} must demand something, got public. Open the path by a rule: Guard(rules={{...: public}}).")
    return known


def mark(view: object, requirement: Requirement) -> None:
    """Mark a view, and all that it wraps: a decorator below may have handed that to the router. A second requirement is added to the first.

    Args:
        view: a function or a class. A view that takes no attributes stays without a mark.
        requirement: what it demands.

    Raises:
        ConfigurationError: as `check_requirement`.
    """
    check_requirement(requirement)
    for layer in _layers(view):
        with suppress(AttributeError, TypeError):  # a method or a builtin: the wrapper around it checks
            setattr(layer, ATTRIBUTE, both(getattr(layer, ATTRIBUTE, None), requirement))


def mark_checked(view: object) -> None:
    """Note that a function checks its mark by itself in every call.

    Args:
        view: the function, with its mark.
    """
    setattr(view, _CHECKED, getattr(view, ATTRIBUTE, None))


def check_order(app: object) -> None:
    """Check that the router of an ASGI application has the functions that check, and not those below a decorator `requires`.

    Args:
        app: the application that a middleware calls.

    Raises:
        ConfigurationError: a route was made below `@requires(...)`: its view would run unchecked.
    """
    for view in views_in(app):
        marked = getattr(view, ATTRIBUTE, None)
        if isfunction(view) and marked is not None and getattr(view, _CHECKED, None) != marked:
            raise ConfigurationError(
                f"@requires(...) stands above the decorator that made the route of {view.__qualname__}(), which would run unchecked. "
                "Put @requires(...) below it."
            )


def requirement_of(view: object) -> Requirement | None:
    """Return what a view demands; None: nothing.

    Args:
        view: what a router has found: a function, a class, a method, a partial, or a wrapper of one.
    """
    found: Requirement | None = None
    for layer in _layers(view):
        own = getattr(layer, ATTRIBUTE, None)
        if isinstance(own, Requirement):
            found = both(found, own)
    return found


def _layers(view: object) -> Iterator[object]:
    """Yield a view and what it wraps, outermost first."""
    for _ in range(_DEEPEST):
        if view is None:
            return
        yield view
        view = view.func if isinstance(view, partial) else getattr(view, "__wrapped__", None)


_DEEPEST = 32  # decorators around one view; a cycle of wrappers ends


def both(one: Requirement | None, other: Requirement) -> Requirement:
    """Return what two marks demand, each demand once: `functools.wraps` copies the mark of a view to its wrapper.

    Args:
        one: the first mark; None: there is none.
        other: the second mark.
    """
    if one is None or one == other:
        return other
    return AllOf(tuple(dict.fromkeys(AllOf((one, other)).parts)))


def exchange_of(request: Mapping[str, Any], requirement: Requirement) -> Exchange:
    """Return the exchange that decides about the views of a request.

    Args:
        request: the ASGI scope or the WSGI environ.
        requirement: what the view demands, for the error.

    Raises:
        ConfigurationError: no guard stands in front of the view. The request ends with 500, never with the view.
    """
    exchange = request.get(KEY)
    if not isinstance(exchange, Exchange):
        raise ConfigurationError((_UNSEEN if "watchword.decision" in request else _MISSING).format(requirement))
    return exchange


def are_marked(app: object) -> bool:
    """Tell whether the router of an application shows a marked view.

    Args:
        app: the application that a middleware calls.
    """
    return any(requirement_of(view) is not None for view in views_in(app))


def demand_at(app: object, scope: Mapping[str, Any]) -> Requirement | None:
    """Return what the view demands that the router of an ASGI application would choose; None: nothing, or that is not known.

    Args:
        app: the application that a middleware calls.
        scope: of the request, which the rule has refused.
    """
    demanded: Requirement | None = None
    with suppress(Exception):  # a router that fails reports it when a caller is let in; for this caller the rule has an answer
        for view in views_at(app, scope):
            own = requirement_of(view)
            demanded = demanded if own is None else both(demanded, own)
    return demanded


__all__ = [
    "ATTRIBUTE",
    "are_marked",
    "both",
    "check_order",
    "check_requirement",
    "demand_at",
    "exchange_of",
    "mark",
    "mark_checked",
    "requirement_of",
]
