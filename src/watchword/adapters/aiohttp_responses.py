"""Changes the responses of aiohttp when they start, and makes responses of refusals.

A middleware of aiohttp does not see the start of a response that the handler prepares by itself, such as a stream or a WebSocket, and the
signal `on_response_prepare` takes no receiver once the application serves. aiohttp prepares every response by its request, so a request
that is decided gets a class of this module. tests/unit/adapters/test_aiohttp.py fails where aiohttp changes what is used here.
"""

# ruff: noqa: SLF001 - as above

from __future__ import annotations

from asyncio import get_running_loop
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from aiohttp import web

from watchword.adapters.subprotocols import selected
from watchword.principal import Principal

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Iterable

    from watchword.guard.exchange import Exchange
    from watchword.refusal import Refusal

PRINCIPAL: Final = web.RequestKey("watchword.principal", Principal)
"""The key of the caller in a request: `request[PRINCIPAL]`."""
WATCHED: Final[web.RequestKey[tuple[Watched, ...]]] = web.RequestKey("watchword.exchanges", tuple)
"""The key of what guards have decided about a request."""
MOVED: Final = web.RequestKey("watchword.moved", bool)
"""The key of a request for another path, of which no response may go out by itself."""

_SWITCHING = 101
_NO_CONTENT = frozenset({_SWITCHING, 204, 304})
_SUBPROTOCOL = "Sec-WebSocket-Protocol"


class Watched(NamedTuple):
    """A request that a guard has decided.

    Args:
        exchange: the request and the decision that stands.
        target: its method, its undecoded target and the mount, as they were decided (threat P16).
        tasks: takes what is left to do after the response.
    """

    exchange: Exchange
    target: tuple[str, str, str]
    tasks: set[Task[None]]


class Stopped(Exception):
    """Ends a handler that begins to send what may not go out."""


@cache
def _decided(kind: type[web.Request]) -> type[web.Request]:
    """Return a class of requests whose responses are changed as the guards want it, after all signals of the applications."""

    async def prepare_hook(request: web.Request, response: web.StreamResponse) -> None:
        if request.get(MOVED):
            raise Stopped
        await kind._prepare_hook(request, response)
        for one in reversed(watched(request)):  # the innermost guard first
            _start(one.exchange, response)
            _finish(one)

    return type(kind.__name__, (kind,), {"_prepare_hook": prepare_hook, "__slots__": ()})


def watched(request: web.BaseRequest) -> tuple[Watched, ...]:
    """Return what guards have decided about a request, outermost first."""
    found: tuple[Watched, ...] = request.get(WATCHED, ())
    return found


def watch(request: web.Request, one: Watched) -> None:
    """Change the response to a request when it starts, and tell the application who the caller is."""
    if not watched(request):
        object.__setattr__(request, "__class__", _decided(type(request)))
    request[WATCHED] = (*watched(request), one)
    request[PRINCIPAL] = one.exchange.principal


def release(request: web.Request, exchange: Exchange) -> None:
    """End the exchange of a request, and leave the response to it as it is."""
    for one in watched(request):
        if one.exchange is exchange:
            _finish(one)
    request[WATCHED] = tuple(one for one in watched(request) if one.exchange is not exchange)


def _finish(one: Watched) -> None:
    """Do what is left for after the response, without making the client wait for it."""
    one.exchange.conclude()
    if one.exchange.is_open:
        task = get_running_loop().create_task(one.exchange.afinish())
        one.tasks.add(task)
        task.add_done_callback(one.tasks.discard)


def _start(exchange: Exchange, response: web.StreamResponse) -> None:
    before = response.status
    status, fields = exchange.response_start(before, [*response.headers.items()])
    if before == _SWITCHING:
        _check_accepted(exchange, status)
        fields = _with_subprotocol(fields, selected(exchange.guard.policy.markers, exchange.view, response.headers.get(_SUBPROTOCOL)))
    put_fields(response, fields)
    if status != before:
        response._set_status(status, None)
        if before in _NO_CONTENT:
            response.headers["Content-Length"] = "0"  # aiohttp sends no content, as it has read the status before


def _check_accepted(exchange: Exchange, status: int) -> None:
    if status != _SWITCHING:
        raise RuntimeError(f"the handler is refused ({exchange.decision.reason}), so the handshake must not be accepted")


def put_fields(response: web.StreamResponse, fields: Iterable[tuple[str, str]]) -> None:
    """Give a response these header fields, and no others."""
    response.headers.clear()
    response.headers.extend(fields)


def _with_subprotocol(fields: Iterable[tuple[str, str]], protocol: str | None) -> list[tuple[str, str]]:
    others = [(name, value) for name, value in fields if name.lower() != _SUBPROTOCOL.lower()]
    return [*others, (_SUBPROTOCOL, protocol)] if protocol else others


@cache
def _error_of(status: int) -> type[web.HTTPException]:
    known = (one for one in vars(web).values() if isinstance(one, type) and issubclass(one, web.HTTPException))
    return next((one for one in known if one.status_code == status), web.HTTPException)


def refused(refusal: Refusal) -> web.HTTPException:
    """Return a refusal as the exception of aiohttp for its status."""
    kind = _error_of(refusal.status)
    error = kind.__new__(kind)
    web.HTTPException.__init__(error)  # some of the classes take further arguments
    error._set_status(refusal.status, refusal.reason_phrase)
    put_fields(error, refusal.headers)
    error.body = refusal.body
    return error


__all__ = ["MOVED", "PRINCIPAL", "WATCHED", "Stopped", "Watched", "put_fields", "refused", "release", "watch", "watched"]
