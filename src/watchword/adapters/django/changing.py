"""Changes a request of Django in place, before the project reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.adapters import environ
from watchword.guard.forwarding import UNCHANGED

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from django.http import HttpRequest

    from watchword.adapters.proxied import Proxied
    from watchword.guard.forwarding import Forwarding

_CACHED = ("COOKIES", "GET", "headers")  # what a request keeps once it was read


def see_through(proxied: Proxied | None, request: HttpRequest, scope: MutableMapping[str, Any] | None) -> None:
    """Put the client, the scheme and the fields that count into a request. `scope`: over ASGI."""
    if proxied is None:
        return
    # Django has made META of the scope already, and reads some facts from each of them.
    proxied.see_through_environ(request.META)
    if scope is not None:
        scope["headers"] = [*scope.get("headers", ())]
        proxied.see_through_scope(scope)
    _forget(request)


def forward(request: HttpRequest, taken: Forwarding) -> None:
    """Take out of a request what the project must not see."""
    if taken is UNCHANGED:
        return
    environ.forward(request.META, taken)
    _forget(request)
    scope: Any = getattr(request, "scope", None)
    if scope is not None:
        query = scope.get("query_string", b"") if taken.query is None else taken.query
        request.scope = {**scope, "headers": taken.headers(scope["headers"]), "query_string": query}


def _forget(request: HttpRequest) -> None:
    for cached in _CACHED:
        request.__dict__.pop(cached, None)


__all__ = ["forward", "see_through"]
