"""Adds what a guard demands to the OpenAPI documents of FastAPI applications.

The function `openapi` of an application is wrapped, whether it is FastAPI's or one of the application's own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ForwardRef

from fastapi import FastAPI

from watchword.adapters.application import is_in
from watchword.adapters.marks import demand_of, name_of
from watchword.adapters.openapi import describe
from watchword.errors import ConfigurationError
from watchword.routes.applications import chain
from watchword.routes.starlette import included, views_of

if TYPE_CHECKING:
    from watchword.adapters.openapi import Document
    from watchword.authorization import Requirement
    from watchword.guard import Guard


def document(app: object, guard: Guard, prefix: str = "", around: tuple[object, ...] = ()) -> None:
    """Let an application, and those mounted in it, describe what the guard demands. Of several mounts of one, the first counts.

    A second time it does so for what was mounted meanwhile, and for an `openapi` that the application has set meanwhile.

    Args:
        app: the application, a router, or middlewares around one.
        guard: in front of it.
        prefix: the path of the application below the mount of the guard.
        around: the applications in which it is mounted.

    Raises:
        ConfigurationError: this version of FastAPI keeps its routes in another way.
    """
    for one in chain(app):
        if is_in(one, around):
            return
        if isinstance(one, FastAPI) and not _is_documented(one, guard):
            one.openapi = _Documented(one, guard, prefix)  # type: ignore[method-assign]  # the way FastAPI documents
        for route in included(getattr(one, "routes", None)):
            check_annotations(route)
            if not hasattr(route, "endpoint") and hasattr(route, "app"):
                document(route.app, guard, prefix + getattr(route, "path", ""), (*around, one))


def check_annotations(route: object) -> None:
    """Check that FastAPI could read the annotations of an operation, so that no dependency is taken for a parameter of the query.

    Raises:
        ConfigurationError: it could not read one.
    """
    waiting: list[Any] = [getattr(route, "dependant", None)]
    for dependant in waiting:
        for field in getattr(dependant, "query_params", ()):
            _check_annotation(field, dependant)
        waiting.extend(getattr(dependant, "dependencies", ()))


def _check_annotation(field: Any, dependant: Any) -> None:  # noqa: ANN401 - classes that FastAPI does not publish
    annotation = field.field_info.annotation
    if isinstance(annotation, ForwardRef):
        raise ConfigurationError(
            f"FastAPI cannot read {annotation.__forward_arg__!r}, the annotation of {field.name} in {name_of(dependant.call)}(), and takes "
            "it for a parameter of the query. Define its names in the module, or leave out `from __future__ import annotations`."
        )


class _Documented:
    """Takes the place of `app.openapi`.

    Args:
        app: the application.
        guard: in front of it.
        prefix: the path of the application below the mount of the guard.
    """

    def __init__(self, app: FastAPI, guard: Guard, prefix: str) -> None:
        self.guard = guard
        self.inner = app.openapi
        self._app = app
        self._prefix = prefix
        self._kept: tuple[Document, Document] | None = None

    def __call__(self) -> Document:
        document, kept = self.inner(), self._kept
        if kept is None or kept[0] is not document:  # FastAPI makes another one when routes were added
            demands, deep = self._demands()
            described = describe(
                document, self.guard, lambda *operation: demands.get(operation), prefix=self._prefix, is_deep=deep.__contains__
            )
            self._kept = kept = document, described
        return kept[1]

    def _demands(self) -> tuple[dict[tuple[str, str], Requirement | None], set[str]]:
        """Return what views demand by method and path, and the paths with a parameter of several segments."""
        demands: dict[tuple[str, str], Requirement | None] = {}
        deep: set[str] = set()
        for route in included(self._app.routes):
            for method in getattr(route, "methods", None) or ():
                demands.setdefault((method, route.path_format), demand_of(views_of(route, method)))
                deep.update(route.path_format for convertor in route.param_convertors.values() if re.fullmatch(convertor.regex, "x/x"))
        return demands, deep


def _is_documented(app: FastAPI, guard: Guard) -> bool:
    openapi: object = app.openapi
    while isinstance(openapi, _Documented):
        if openapi.guard is guard:
            return True
        openapi = openapi.inner
    return False


__all__ = ["document"]
