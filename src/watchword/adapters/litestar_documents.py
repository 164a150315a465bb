"""Adds what a guard demands to the OpenAPI document of a Litestar application."""

from __future__ import annotations

from copy import copy
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from litestar.openapi.spec import OpenAPI

from watchword.adapters.marks import demand_of
from watchword.adapters.openapi import describe
from watchword.routes.litestar import handlers_of, views_of

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.openapi import OpenAPIConfig

    from watchword.adapters.openapi import Document
    from watchword.authorization import Requirement
    from watchword.guard import Guard


def documented(config: OpenAPIConfig, guard: Guard) -> OpenAPIConfig:
    """Return a copy of a configuration, of which a document is made that says what a guard demands."""
    made = copy(config)
    made.to_openapi_schema = _Documents(config, guard)  # type: ignore[method-assign]
    return made


def link(app: Litestar) -> None:
    """Tell the configuration of which application the document is."""
    documents = getattr(app.openapi_config, "to_openapi_schema", None)
    if isinstance(documents, _Documents):
        documents.app = app


class _Documents:
    """Takes the place of `config.to_openapi_schema`.

    Args:
        config: the configuration.
        guard: in front of the application.
    """

    def __init__(self, config: OpenAPIConfig, guard: Guard) -> None:
        self.app: Any = None
        self.guard = guard
        self._config = config

    def __call__(self) -> OpenAPI:
        plain = self._config.to_openapi_schema()
        made = _Described(**{field.name: getattr(plain, field.name) for field in fields(plain)})
        made.documents = self
        return made

    def demands(self) -> tuple[dict[tuple[str, str], Requirement | None], set[str]]:
        """Return what handlers demand by method and path, and the paths whose last parameter takes several segments."""
        demands: dict[tuple[str, str], Requirement | None] = {}
        deep: set[str] = set()
        for route in self.app.routes:
            path = route.path_format or "/"
            deep.update(path for one in route.path_parameters.values() if one.full.endswith(":path"))
            for handler in handlers_of(route):
                demand = demand_of(views_of(handler))
                demands.update({(str(method), path): demand for method in getattr(handler, "http_methods", ())})
        return demands, deep


class _Described(OpenAPI):
    documents: _Documents

    def to_schema(self) -> Document:
        documents = self.documents
        demands, deep = documents.demands()
        return describe(super().to_schema(), documents.guard, lambda *operation: demands.get(operation), is_deep=deep.__contains__)


__all__ = ["documented", "link"]
