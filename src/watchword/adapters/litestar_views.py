"""Marks Litestar's handlers, controllers, listeners and routers with requirements."""

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar, overload

from litestar import Controller, Litestar, Router
from litestar.handlers import BaseRouteHandler, WebsocketListener

from watchword.adapters.litestar_checks import checked, require
from watchword.adapters.marks import ATTRIBUTE, check_requirement, mark
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from litestar.connection import ASGIConnection

    from watchword.authorization import Requirement

V = TypeVar("V")


class Required(partial["Awaitable[None]"]):
    """What `requires` returns: a decorator, and a guard of Litestar, which waits for a partial if it waits for its function."""

    @overload
    def __call__(self, view: V, /) -> V: ...
    @overload
    def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler, /) -> Awaitable[None]: ...
    def __call__(self, *args: Any) -> Any:
        """Mark a view; or check a connection."""
        return _marked(args[0], self) if len(args) == 1 else super().__call__(*args)

    def __deepcopy__(self, memo: object) -> Required:
        """Return this itself: Litestar copies routers with all that they hold."""
        return self


def requires(requirement: Requirement) -> Required:
    """Demand something of the callers of a handler, beside the rule of its path.

    Args:
        requirement: what the handler demands, such as `role("admin")`.

    Returns:
        A decorator for functions, handlers, controllers and listeners, above or below `@get(...)`; and a guard for `guards=[...]` of a
        handler, a controller, a router or the application.

    Raises:
        ConfigurationError: it is not a requirement, or it is `public`. Or what is marked is something else, or registered already. When a
            request comes: no `GuardPlugin` stands in front of the handler.
    """
    required = Required(require, check_requirement(requirement))
    setattr(required, ATTRIBUTE, requirement)
    return required


def _marked(view: Any, required: Required) -> Any:  # noqa: ANN401 - all that Litestar takes for a handler
    if isinstance(view, type) and issubclass(view, (Controller, WebsocketListener)):
        _mark_class(view, required)
    elif isinstance(view, (BaseRouteHandler, Router)):
        _mark_layer(view, required)
    else:
        return _marked_function(view, getattr(required, ATTRIBUTE))
    return view


def _marked_function(view: Any, requirement: Requirement) -> Any:  # noqa: ANN401 - as above
    if isinstance(view, type) or not callable(view):
        raise ConfigurationError(
            f"requires(...) needs a function, a handler, a Controller or a Router of Litestar, got {view!r}. Mark what serves the request."
        )
    mark(view, requirement, watched=True)
    return checked(view, requirement)


def _mark_layer(layer: Any, required: Required) -> None:  # noqa: ANN401 - a handler or a router
    if isinstance(layer, Litestar) or getattr(layer, "owner", None) is not None:
        raise ConfigurationError(
            f"requires(...) comes too late: {layer!r} is registered already. Put it above the handler, or in guards=[...]."
        )
    layer.guards = [*(layer.guards or ()), required]


def _mark_class(view: Any, required: Required) -> None:  # noqa: ANN401 - a class of Litestar, or derived from one
    make = view.__init__

    # In place: a subclass may have `guards` of its own.
    @wraps(make)
    def made(self: Any, *args: object, **kwargs: object) -> None:  # noqa: ANN401 - a controller or a listener
        make(self, *args, **kwargs)
        self.guards = [*(self.guards or ()), required]

    view.__init__ = made


__all__ = ["Required", "requires"]
