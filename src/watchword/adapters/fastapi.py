"""Puts a guard in front of a FastAPI application and into its OpenAPI document, and checks the requirements of its operations.

An operation demands something by a dependency, which yields the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection  # noqa: TC002 - FastAPI reads the annotations of a dependency

from watchword.adapters.asgi import GuardMiddleware
from watchword.adapters.fastapi_documents import document
from watchword.adapters.marks import mark, mark_checked
from watchword.adapters.refused import Refused, raise_refused
from watchword.adapters.starlette import lets_run, refusal_of
from watchword.errors import ConfigurationError
from watchword.guard.guard import as_guard
from watchword.principal import Principal
from watchword.validators import check_type

if TYPE_CHECKING:
    from watchword.adapters.asgi import ASGIApp
    from watchword.authorization import Requirement
    from watchword.guard import Guard


def install(app: FastAPI, guard: Guard, *, mount: str | None = None) -> None:
    """Put a guard in front of an application, and what it demands into the OpenAPI documents of the application and those mounted in it.

    It stands inside of the middlewares that are added later: add `CORSMiddleware` after it.

    Args:
        app: the application. It may have its routes already, or get them later; and a function `openapi` of its own.
        guard: decides.
        mount: as for `GuardMiddleware`.

    Raises:
        ConfigurationError: an argument is of another type, or the application has a guard already.
        RuntimeError: the application has served already.
    """
    check_type("install(app)", app, FastAPI, "FastAPI()")
    as_guard(guard)
    if any(isinstance(one.cls, type) and issubclass(one.cls, GuardMiddleware) for one in app.user_middleware):
        raise ConfigurationError("install(app, guard): the application has a guard already. Give one guard all rules, and add it once.")
    app.add_middleware(_Installed, guard=guard, mount=mount, whole=app)
    document(app, guard)


class _Installed(GuardMiddleware):
    def __init__(self, app: ASGIApp, guard: Guard, *, mount: str | None, whole: FastAPI) -> None:
        super().__init__(app, guard, mount=mount, views=True)
        self._whole = whole

    def inspect(self) -> None:
        document(self._whole, self.guard)  # again: what is mounted by now, and an `openapi` that was set after `install`
        super().inspect()


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
        refusal = None if lets_run(connection.scope, requirement) else await refusal_of(connection.scope, requirement)
        if refusal is not None:
            raise_refused(connection.scope, refusal)
        return _caller(connection)

    mark(required, requirement)
    mark_checked(required)
    return Depends(required)


def _caller(connection: HTTPConnection) -> Principal:
    decision = connection.scope.get("watchword.decision")
    if decision is None:
        raise ConfigurationError("the operation asks for the caller, but no guard stands in front of it. Call install(app, guard).")
    principal: Principal = decision.principal
    return principal


async def _current(connection: HTTPConnection) -> Principal:
    return _caller(connection)


CurrentPrincipal: TypeAlias = Annotated[Principal, Depends(_current)]
"""The caller, as the type of a parameter; anonymous where the rule lets every caller pass."""


__all__ = ["CurrentPrincipal", "Refused", "Requires", "install"]
