"""Makes the decorator `requires` of each framework."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from watchword.adapters.marks import check_requirement, mark, misplaced, name_of
from watchword.adapters.routed import is_routed
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping

    from watchword.authorization import Requirement

    Checked: TypeAlias = Callable[[Callable[..., Any], Requirement], Callable[..., Any]]
    """Returns a view that checks its caller in every call."""

T = TypeVar("T")
V = TypeVar("V", bound="Callable[..., Any]")


def requiring(
    requirement: Requirement,
    checked: Checked,
    kinds: Mapping[str, type],
    check_class: Callable[[Any, Requirement], None] | None = None,
    *,
    adds: int = 0,
) -> Callable[[V], V]:
    """Return the decorator.

    Args:
        requirement: what the view demands.
        checked: makes a view that checks.
        kinds: the classes of the framework that serve requests, as a message names them.
        check_class: makes such a class check, in place: the class may be in a route already; None: what its `as_view` returns is checked.
        adds: how many references to its function a route adds; a function that a route has already is an error then. 0: the adapter
            checks the mark of what the router has.

    Raises:
        ConfigurationError: it is not a requirement, or it is `public`. Later: what is decorated is no view, or has a route already.
    """
    check_requirement(requirement)  # at once: `@requires` without parentheses gets the view here

    def marked(view: V) -> V:
        if not callable(view) or (isinstance(view, type) and not issubclass(view, (*kinds.values(),))):
            what = f"the class {view.__qualname__}" if isinstance(view, type) else type(view).__name__
            raise ConfigurationError(
                f"requires(...) needs a function or a subclass of {' or '.join(kinds)}, got {what}. "
                "Mark the function or the methods that serve the request."
            )
        if adds and not isinstance(view, type) and is_routed(view, adds):
            raise misplaced(view)
        mark(view, requirement, watched=not adds)
        if not isinstance(view, type):
            return cast("V", checked(view, requirement))
        if check_class is None:
            _check_as_view(view, requirement, checked)
        else:
            check_class(view, requirement)
        return view

    return marked


def _check_as_view(view: Any, requirement: Requirement, checked: Checked) -> None:  # noqa: ANN401 - a class of a framework
    as_view = view.as_view.__func__

    # Around the whole view, and not around `dispatch`, which a subclass may replace. The router shows the class only where no decorator
    # without functools.wraps stands around what `as_view` returns.
    @wraps(as_view)
    def checked_view(cls: type, *args: object, **kwargs: object) -> Callable[..., Any]:
        return checked(as_view(cls, *args, **kwargs), requirement)

    view.as_view = classmethod(cast("Any", checked_view))


def request_in(view: object, arguments: Iterable[object], kind: type[T]) -> T:
    """Return the request among the arguments of a view.

    Args:
        view: the view.
        arguments: all of its arguments.
        kind: the class of requests.

    Raises:
        ConfigurationError: there is none.
    """
    for one in arguments:
        if isinstance(one, kind):
            return one
    raise ConfigurationError(f"{name_of(view)}() was called without a request. Put @requires(...) on what the framework calls with one.")


def check_awaited(view: Any, check: Callable[[Any], Awaitable[bool]]) -> None:  # noqa: ANN401 - a class of a framework
    """Make a class check whose objects are awaited for a response.

    Args:
        view: the class.
        check: tells of an object whether it may serve.
    """
    serve = view.__await__

    @wraps(serve)
    def checked(self: object) -> Generator[Any, None, object]:
        return (yield from serve(self)) if (yield from check(self).__await__()) else None

    view.__await__ = checked


__all__ = ["V", "check_awaited", "request_in", "requiring"]
