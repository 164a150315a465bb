"""Raises the refusals of Starlette's and FastAPI's views, so that the exception handlers of an application may send another content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from starlette.exceptions import HTTPException
from starlette.responses import Response

from watchword.adapters.answering import respond

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from watchword.adapters.scope import Receive, Scope, Send
    from watchword.refusal import Refusal

_HANDLERS: Final = "starlette.exception_handlers"  # in a scope: by exception, by status
# Their handlers of HTTPException write a text of their own in place of the refusal. One of the application is asked.
_USUAL: Final = frozenset({"starlette.middleware.exceptions", "fastapi.exception_handlers"})


class Refused(HTTPException):
    """A refusal of a view. An application may handle it, its status or `HTTPException`, to send another content.

    Args:
        refusal: what is sent.
    """

    def __init__(self, refusal: Refusal) -> None:
        # A handler may send another content by these fields. All challenges are put into the response in any case.
        headers = {name: value for name, value in refusal.headers if not name.lower().startswith("content-")}
        super().__init__(refusal.status, headers=headers)
        self.refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the refusal; a WebSocket is refused before it is accepted."""
        await respond(scope, receive, send, self.refusal)


async def _handle(_: HTTPConnection, refused: Refused) -> Refused:
    return refused


def raise_refused(scope: Scope, refusal: Refusal) -> NoReturn:
    """Raise a refusal to the application's handlers; where it has none of its own, the refusal is sent as it is.

    Raises:
        Refused: always. So nothing that goes on after the check runs, whether it looks at an answer or not.
    """
    handlers = scope.get(_HANDLERS, ({}, {}))[0]
    usual = handlers.get(HTTPException)
    if usual is None or getattr(usual, "__module__", "") in _USUAL:
        handlers.setdefault(Refused, _handle)
    raise Refused(refusal)


def handles_exceptions(scope: Scope) -> bool:
    """Tell whether an application stands around the view that handles exceptions; a router alone does not."""
    return _HANDLERS in scope


def response_of(refusal: Refusal) -> Response:
    """Return a refusal as a response of Starlette."""
    response = Response(refusal.body, refusal.status)
    # Not as a mapping: a response has a WWW-Authenticate field for each scheme.
    response.raw_headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in refusal.headers]
    return response


__all__ = ["Refused", "handles_exceptions", "raise_refused", "response_of"]
