"""Finds mistakes in the order of the middlewares around an application: a guard that stands twice, and a CORS layer inside the guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.guard.preflight import REMEDY
from watchword.observe.log import log_mistake
from watchword.routes.applications import chain, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.guard import Guard

# By module and class, so that none is imported.
_CORS_LAYERS: Final = frozenset(
    {
        ("litestar.middleware._internal.cors", "CORSMiddleware"),
        ("starlette.middleware.cors", "CORSMiddleware"),
    }
)
_GUARDS: Final = frozenset({("watchword.adapters.asgi", "GuardMiddleware"), ("watchword.adapters.wsgi", "GuardMiddleware")})
TWICE: Final = "the same guard stands twice around the application, as two middlewares, or as middleware and extension. Remove one."
_CORS_INSIDE: Final = (
    "the CORS layer stands inside the guard: it sees no preflight, and adds nothing to refusals, so that scripts of other origins see a "
    f"network error. {REMEDY}"
)


def warn_of_mistakes(app: object, guard: Guard, itself: object = None) -> None:
    """Log a warning for each mistake in the order of the middlewares. None of them lets a request through."""
    for mistake in find_mistakes(app, guard, itself):
        log_mistake(mistake)


def find_mistakes(app: object, guard: Guard, itself: object = None) -> Iterator[str]:
    """Yield the mistakes, in words."""
    layers = [*chain(app)]
    if any(_holds(layer, guard, itself) for layer in layers):
        yield TWICE
    if not (guard.policy.cors_inside or getattr(itself, "renders", False)) and any(map(_has_cors, layers)):
        yield _CORS_INSIDE


def _holds(layer: object, guard: Guard, itself: object) -> bool:
    extensions = getattr(layer, "extensions", None)  # Flask and Quart
    inner = layer if is_a(layer, _GUARDS) else extensions.get("watchword") if isinstance(extensions, dict) else None
    return inner is not itself and getattr(inner, "guard", None) is guard


def _has_cors(layer: object) -> bool:
    """Tell whether an application is a CORS layer, or will make one: Starlette and Litestar build theirs with the first request."""
    if is_a(layer, _CORS_LAYERS) or getattr(layer, "cors_config", None) is not None:
        return True
    planned = getattr(layer, "user_middleware", None)
    kinds = [getattr(one, "cls", None) for one in planned] if isinstance(planned, list) else []
    return any((getattr(kind, "__module__", ""), getattr(kind, "__qualname__", "")) in _CORS_LAYERS for kind in kinds)


__all__ = ["TWICE", "find_mistakes", "warn_of_mistakes"]
