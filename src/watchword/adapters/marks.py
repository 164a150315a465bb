"""Marks views with requirements: what `requires` does in every framework.

The mark is an attribute of the view: an adapter finds it on the view that the router has chosen, whatever decorators stand around it. The
decorator also wraps the view, so that it is checked in every call. Both ask the same exchange.
"""

from __future__ import annotations

from contextlib import suppress
from inspect import isfunction
from typing import TYPE_CHECKING, Any, Final

from watchword.authorization import Requirement, public
from watchword.authorization.marks import ATTRIBUTE, both, demand_of, layers, requirement_of
from watchword.authorization.requirement import Hidden
from watchword.authorization.rules import walk
from watchword.errors import ConfigurationError
from watchword.guard.exchange import KEY, Exchange
from watchword.routes.applications import views_in
from watchword.routes.litestar import views_at as views_of_litestar
from watchword.routes.starlette import views_at as views_of_starlette
from watchword.routes.werkzeug import views_at as views_of_quart
from watchword.routes.werkzeug import views_at_path
from watchword.validators import check_type

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def mark(view: object, requirement: Requirement, *, watched: bool = False) -> None:
    """Mark a view, and all that it wraps: a decorator below may have handed that to the router. A second requirement is added to the first.

    Args:
        view: a function or a class. A view that takes no attributes stays without a mark.
        requirement: what it demands.
        watched: whether the adapter looks for marks in each request, so that it makes no difference what the router has.

    Raises:
        ConfigurationError: as `check_requirement`.
    """
    check_requirement(requirement)
    for layer in layers(view):
        with suppress(AttributeError, TypeError):  # a method or a builtin: the wrapper around it checks
            setattr(layer, ATTRIBUTE, both(getattr(layer, ATTRIBUTE, None), requirement))
            if watched:
                mark_checked(layer)


def mark_checked(view: object) -> None:
    """Note that the mark of a function is checked in every call."""
    setattr(view, _CHECKED, getattr(view, ATTRIBUTE, None))


def check_order(app: object) -> None:
    """Check that the router of an ASGI application has the functions that check, and not those below a decorator `requires`.

    Raises:
        ConfigurationError: a route was made below `@requires(...)`: its view would run unchecked.
    """
    for view in views_in(app):
        marked = getattr(view, ATTRIBUTE, None)
        if isfunction(view) and marked is not None and getattr(view, _CHECKED, None) != marked:
            raise misplaced(view)


def misplaced(view: object) -> ConfigurationError:
    """Return the error for a view whose route was made below `@requires(...)`."""
    return ConfigurationError(
        f"@requires(...) stands above the decorator that made the route of {name_of(view)}(), which would run unchecked. "
        "Put @requires(...) below it."
    )


def name_of(view: object) -> str:
    """Return the name of a view for a message."""
    return str(getattr(view, "__qualname__", view))


def exchange_of(request: Mapping[str, Any], requirement: Requirement) -> Exchange:
    """Return the exchange that decides about the views of a request.

    Raises:
        ConfigurationError: no guard stands in front of the view. The request ends with 500, never with the view.
    """
    exchange = request.get(KEY)
    if not isinstance(exchange, Exchange):
        raise ConfigurationError((_UNSEEN if "watchword.decision" in request else _MISSING).format(requirement))
    return exchange


def are_marked(app: object) -> bool:
    """Tell whether the router of an application shows a marked view."""
    return any(requirement_of(view) is not None for view in views_in(app))


def demand_at(app: object, scope: Mapping[str, Any]) -> Requirement | None:
    """Return what the view demands that the router of an ASGI application would choose; None: nothing, or that is not known."""
    with suppress(Exception):  # a router that fails reports it when a caller is let in; for this caller the rule has an answer
        return demand_of((*views_of_starlette(app, scope), *views_of_litestar(app, scope), *views_of_quart(app, scope)))
    return None


def demand_at_path(app: object, method: str, path: str, host: str) -> Requirement | None:
    """Return what the view demands that the router of a WSGI application would choose; None: as above."""
    with suppress(Exception):  # as above
        return demand_of(views_at_path(app, method, path, host))
    return None


def has_hidden(requirement: Requirement | None) -> bool:
    """Tell whether a view that demands this may be hidden. Then it is checked before anything else answers, and tells that it is there."""
    return requirement is not None and any(isinstance(part, Hidden) for part in walk(requirement))


__all__ = [
    "ATTRIBUTE",
    "are_marked",
    "both",
    "check_order",
    "check_requirement",
    "demand_at",
    "demand_at_path",
    "demand_of",
    "exchange_of",
    "has_hidden",
    "mark",
    "mark_checked",
    "misplaced",
    "name_of",
    "requirement_of",
]
