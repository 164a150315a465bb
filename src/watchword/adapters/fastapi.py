"""Checks the requirements of FastAPI's operations by dependencies, which yield the caller.

The guard stands around the application: `app.add_middleware(GuardMiddleware, guard=guard)` of `watchword.adapters.asgi`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from fastapi import Depends
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection  # noqa: TC002 - FastAPI reads the annotations of a dependency

from watchword.adapters.answering import respond
from watchword.adapters.marks import mark, mark_checked
from watchword.adapters.starlette import refusal_of
from watchword.errors import ConfigurationError
from watchword.principal import Principal

if TYPE_CHECKING:
    from watchword.adapters.scope import Receive, Scope, Send
    from watchword.authorization import Requirement
    from watchword.refusal import Refusal

_HANDLERS: Final = "starlette.exception_handlers"  # in a scope: by exception, by status


class Refused(HTTPException):
    """A refusal of an operation. An application may handle it, or its status, to send another content.

    Args:
        refusal: what is sent.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.status, headers=dict(refusal.headers))
        self.refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the refusal; a WebSocket is refused before it is accepted."""
        await respond(scope, receive, send, self.refusal)


def Requires(requirement: Requirement) -> Any:  # noqa: ANN401, N802 - typed and named as FastAPI names Depends and Security
    """Demand something of the callers of an operation, beside the rule of its path.

    Args:
        requirement: what the operation demands, such as `scope("orders:read")`.

    Returns:
        A dependency that yields the `Principal`: in `Annotated[Principal, Requires(...)]`, or in `dependencies=[...]` of an operation, a
        router or an application. Tests override its `dependency`.

    Raises:
        ConfigurationError: it is not a requirement, or it is `public`. When a request comes: no guard stands in front of the operation.
    """

    async def required(connection: HTTPConnection) -> Principal:
        refusal = await refusal_of(connection.scope, requirement)
        if refusal is not None:
            if _HANDLERS in connection.scope:
                connection.scope[_HANDLERS][0].setdefault(Refused, _handle)
            raise Refused(refusal)
        return _caller(connection)

    mark(required, requirement)
    mark_checked(required)
    return Depends(required)


async def _handle(_: HTTPConnection, refused: Refused) -> Refused:
    return refused


def _caller(connection: HTTPConnection) -> Principal:
    decision = connection.scope.get("watchword.decision")
    if decision is None:
        raise ConfigurationError(
            "the operation asks for the caller, but no guard stands in front of it. Add app.add_middleware(GuardMiddleware, guard=guard)."
        )
    principal: Principal = decision.principal
    return principal


async def _current(connection: HTTPConnection) -> Principal:
    return _caller(connection)


CurrentPrincipal: TypeAlias = Annotated[Principal, Depends(_current)]
"""The caller, as the type of a parameter; anonymous where the rule lets anybody pass."""


__all__ = ["CurrentPrincipal", "Refused", "Requires"]
