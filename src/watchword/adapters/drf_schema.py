"""Shows what a guard demands in the documents of drf-spectacular.

SPECTACULAR_SETTINGS = {"POSTPROCESSING_HOOKS": ["watchword.adapters.drf_schema.describe_guard"]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from watchword.adapters.django.configuration import configuration
from watchword.adapters.marks import demand_of
from watchword.adapters.openapi import describe

if TYPE_CHECKING:
    from watchword.authorization import Requirement


def describe_guard(result: dict[str, Any], generator: Any, **_: object) -> dict[str, Any]:  # noqa: ANN401 - it has no types
    """Return a document with security schemes, the security of each operation, and the refusals.

    Args:
        result: the document, as drf-spectacular has made it.
        generator: of drf-spectacular, which knows the views.

    Raises:
        ConfigurationError: as `watchword.adapters.openapi.describe`, or the setting `WATCHWORD` is wrong.
    """
    views = {(method.upper(), path): view for path, _, method, view in generator._get_paths_and_endpoints()}  # noqa: SLF001 - no other way

    def demanded(method: str, template: str) -> Requirement | None:
        view = views.get((method, template))
        return None if view is None else demand_of([type(view), getattr(view, method.lower(), None), *view.get_permissions()])

    return describe(result, configuration().guard, demanded)


class _OfGuard(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its registry is untyped
    """Leaves the security of an operation to `describe_guard`, which knows the rules."""

    target_class = "watchword.adapters.drf.GuardAuthentication"
    name: list[str] = []  # noqa: RUF012 - as the base class has it

    def get_security_requirement(self, auto_schema: object) -> list[dict[str, list[Any]]]:
        return []

    def get_security_definition(self, auto_schema: object) -> list[dict[str, Any]]:
        return []


__all__ = ["describe_guard"]
