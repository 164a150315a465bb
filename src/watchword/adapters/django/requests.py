"""Reads a request of Django as the guard sees it, and changes it as the guard wants it.

The rule is found by `path_info`, which Django's router reads: settings such as `FORCE_SCRIPT_NAME` make it another path than the server's.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from watchword.adapters.django.accounts import in_thread_of_request
from watchword.adapters.django.changing import forward, see_through
from watchword.adapters.django.demands import TARGET
from watchword.adapters.django.telling import exchange_around, inform
from watchword.adapters.environ import place, view_of
from watchword.adapters.proxied import KEY as PROXIED
from watchword.guard.exchange import Exchange
from watchword.guard.outcome import Imitate, Pass
from watchword.request import RequestView
from watchword.target import encode_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence

    from django.http import HttpRequest

    from watchword.adapters.environ import Environ
    from watchword.adapters.proxied import Proxied
    from watchword.adapters.variables import Variables
    from watchword.guard import Guard
    from watchword.guard.fast_path import TargetKey
    from watchword.guard.outcome import Outcome
    from watchword.request import RawHeaders

    _Read: TypeAlias = tuple[partial[RequestView], bytes | str, Sequence[tuple[bytes, bytes]] | None]


def exchange_for(guard: Guard, request: HttpRequest, variables: Variables, proxied: Proxied | None) -> Exchange:
    """Return the exchange of a request, decided only where the fast path knows the caller. `proxied`: sees through trusted proxies."""
    scope: MutableMapping[str, Any] | None = getattr(request, "scope", None)
    see_through(proxied, request, scope)
    seen = _seen(request, scope)
    target, misplaced = place(seen, None)
    setattr(request, TARGET, target[:2])
    make, query, fields = _read_environ(seen, target, variables) if scope is None else _read_scope(scope, target, request.scheme)
    exchange = Exchange(guard, partial(_connected, make, request, misplaced), views=True, thread=in_thread_of_request)
    if fields is not None and not misplaced:
        exchange.repeat(target, query, fields)
    return exchange


def _read_environ(seen: Environ, target: TargetKey, variables: Variables) -> _Read:
    return partial(view_of, seen, target, variables), seen.get("QUERY_STRING", ""), variables.credentials(seen)


def _read_scope(scope: Mapping[str, Any], target: TargetKey, scheme: str) -> _Read:
    # A copy: repeated fields and aliases, which META does not show.
    fields, query = [*scope.get("headers", ())], scope.get("query_string") or b""
    return partial(_view_of_scope, scope, target, query, fields, scheme), query, fields


def _connected(make: Callable[..., RequestView], request: HttpRequest, misplaced: bool) -> RequestView:  # noqa: FBT001 - bound by position
    view = make(misplaced=misplaced)
    view.connection = request
    return view


def _seen(request: HttpRequest, scope: Mapping[str, Any] | None) -> Environ:
    """Return an environ of PEP 3333. A copy: what the project changes must not change what a view that is reached later is decided by."""
    seen = {**request.META, "wsgi.url_scheme": request.scheme}
    # Django has decoded both, and META holds them so, where PEP 3333 has octets.
    for name, path in (("SCRIPT_NAME", seen.get("SCRIPT_NAME", "")), ("PATH_INFO", request.path_info)):
        seen[name] = encode_path(path).decode("latin-1")
    if scope is not None:
        # Django turns the method into upper case, and calls the view by that. The guard reads it as it was sent, as elsewhere.
        seen.update(REQUEST_URI=(scope.get("raw_path") or b"").decode("latin-1"), REQUEST_METHOD=scope["method"])
    return seen


def _view_of_scope(
    scope: Mapping[str, Any], target: TargetKey, query: bytes | str, headers: RawHeaders, scheme: str, *, misplaced: bool
) -> RequestView:
    method, path, raw_path, mount = target
    client = scope.get("client")
    view = RequestView.of_server(
        method=method,
        path=path,
        raw_path=raw_path,
        query=query if isinstance(query, bytes) else query.encode(),  # the AsyncClient of Django states text
        mount=mount,
        headers=headers,
        client=client[0] if client else None,
        scheme=scheme,
        misplaced=misplaced,
    )
    if PROXIED in scope:
        view.stated = scope[PROXIED]
    return view


def is_decided(request: HttpRequest, exchange: Exchange) -> bool:
    """Tell whether this very guard has let this very request through, around the project; then it has told the project already."""
    outer = exchange_around(request)
    # The marker is there for as long as the call lasts: a server may use its environ again, with the exchange of another request in it.
    marker = request.META.get("watchword.guard") or getattr(request, "scope", {}).get("watchword.guard")
    if outer is None or outer.guard is not exchange.guard or marker is None or marker[0] is not exchange.guard:
        return False
    seen, here = outer.view, exchange.view
    same = (seen.method, seen.path, seen.mount) == (here.method, here.path, here.mount)
    if same:
        inform(request, outer)
    return same


def begin(request: HttpRequest, exchange: Exchange, outcome: Outcome) -> bool:
    """Prepare a request for the project.

    Returns:
        Whether the project is to be asked.
    """
    if isinstance(outcome, Imitate):
        # Through all middlewares within, so that nothing distinguishes it from a path that is missing.
        exchange = exchange.beside(outcome.told)
        request.path_info = request.META["PATH_INFO"] = outcome.path
        request.path = outcome.mount + outcome.path
        request.resolver_match = None  # of a view that a middleware has answered for
    inform(request, exchange)
    if isinstance(outcome, Pass | Imitate):
        forward(request, outcome.forwarding)
    return isinstance(outcome, Pass | Imitate)


__all__ = ["begin", "exchange_for", "is_decided"]
