"""Raises refusals as exceptions of Litestar, so that the exception handlers of an application may replace their content."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

from litestar.exceptions import (
    ClientException,
    HTTPException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    ServiceUnavailableException,
    TooManyRequestsException,
)
from litestar.utils.scope.state import ScopeState

from watchword.adapters.answering import respond
from watchword.adapters.scope import tell

if TYPE_CHECKING:
    from watchword.adapters.asgi import ASGIApp
    from watchword.adapters.scope import Scope
    from watchword.guard.exchange import Exchange
    from watchword.refusal import Refusal

_ERRORS: Final[dict[int, type[HTTPException]]] = {
    401: NotAuthorizedException,
    403: PermissionDeniedException,
    404: NotFoundException,
    429: TooManyRequestsException,
    503: ServiceUnavailableException,
}


class Refused:
    """Marks the exceptions that are refusals: where the application has no handler, the refusal is sent as it is."""

    refusal: Refusal


def refuse(scope: Scope, exchange: Exchange, handlers: Any = None) -> NoReturn:  # noqa: ANN401 - a mapping of Litestar
    """Raise the refusal of an exchange.

    Args:
        scope: of the connection.
        exchange: the request.
        handlers: the exception handlers that may replace its content; None: those of the route.

    Raises:
        HTTPException: of Litestar, of the class that has the status.
    """
    state = ScopeState.from_scope(scope)  # type: ignore[arg-type]
    if handlers is not None:
        state.exception_handlers = handlers
    # A handler may answer with 200, inside the cache of responses: the next caller would get that page.
    state.is_cached = True
    tell(scope, exchange.decision)
    refusal = exchange.refusal
    error: Any = _class_of(refusal.status)(detail=refusal.reason_phrase, status_code=refusal.status, headers=dict(refusal.headers))
    error.refusal = refusal
    raise error


@cache
def _class_of(status: int) -> type[HTTPException]:
    known = _ERRORS.get(status, ClientException)
    # Last of its bases: all handlers of the application come first.
    return type(known.__name__, (known, Refused), {})


class _AsItIs:
    """Stands for the response that a handler of exceptions returns: Litestar asks it for one method."""

    def __init__(self, refusal: Refusal) -> None:
        self._refusal = refusal

    def to_asgi_response(self, *_: object, **__: object) -> ASGIApp:
        return partial(respond, refusal=self._refusal)


def as_it_is(_request: object, error: Refused) -> _AsItIs:
    """Answer with the refusal."""
    return _AsItIs(error.refusal)


__all__ = ["Refused", "as_it_is", "refuse"]
