"""Answers for what is refused in aiohttp: by the refusal, or by what the application answers for another path."""

# ruff: noqa: SLF001 - `request.clone` cannot change the route

from __future__ import annotations

from copy import copy
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.http import StreamWriter
from yarl import URL

from watchword.adapters.aiohttp_changes import forward, given, with_query
from watchword.adapters.aiohttp_responses import MOVED, PRINCIPAL, WATCHED, Stopped, Watched, put_fields, refused, release
from watchword.adapters.aiohttp_routing import middlewares_within
from watchword.guard.outcome import Imitate
from watchword.observe.log import log_failure

if TYPE_CHECKING:
    from aiohttp.web_urldispatcher import UrlMappingMatchInfo

    from watchword.adapters.aiohttp_routing import Handler
    from watchword.guard.exchange import Exchange
    from watchword.guard.outcome import Outcome

_NEW_STYLE = 1  # a middleware that is called with (request, handler); one of the old style makes a handler


async def refuse(middleware: object, request: web.Request, exchange: Exchange, outcome: Outcome) -> web.StreamResponse:
    """Send the refusal, or the application's own 404 in place of it."""
    while isinstance(outcome, Imitate):
        answer = await _imitate(middleware, request, exchange, outcome)
        if isinstance(answer, web.HTTPException):
            raise answer
        if answer is not None:
            return answer
        outcome = outcome.otherwise
    raise refused(exchange.refusal)


async def _imitate(middleware: object, request: web.Request, exchange: Exchange, imitate: Imitate) -> web.StreamResponse | None:
    """Return the answer of the application for another path as it goes out; None: it does not."""
    answer = await _ask(middleware, request, exchange, imitate)
    fields = None if answer is None else imitate.accept(answer.status, [*answer.headers.items()])
    if answer is None or fields is None:
        return None
    if imitate.is_preflight:
        release(request, exchange)
        return web.Response(status=answer.status, headers=fields)
    put_fields(answer, fields)
    return answer


async def _ask(middleware: object, request: web.Request, exchange: Exchange, imitate: Imitate) -> web.StreamResponse | None:
    """Return what the application answers for another path; None: no response, or one that it tried to send by itself."""
    try:
        answer = await _answer_of(middleware, request, _move(request, exchange, imitate))
    except Exception as error:
        if not imitate.is_preflight:
            release(request, exchange)
            raise
        log_failure("the application failed on a preflight", error)
        return None
    return answer if isinstance(answer, web.StreamResponse) and not answer.prepared else None


async def _answer_of(middleware: object, request: web.Request, moved: web.Request) -> web.StreamResponse | None:
    try:
        return await _ask_application(middleware, request, moved)
    except web.HTTPException as error:  # a response as well
        return error
    except Stopped:
        return None


def _move(request: web.Request, exchange: Exchange, imitate: Imitate) -> web.Request:
    """Return a request for another path, about which every guard further in decides."""
    moved = copy(request)
    moved._cache = given(request)
    inner = Watched(exchange.beside(imitate.told), ("", "", ""), set())
    moved._state = {**request._state, WATCHED: (inner,), MOVED: True, PRINCIPAL: imitate.told.principal}
    # Of its own: what a handler prepares by itself must leave no trace in the response that goes out.
    moved._payload_writer = StreamWriter(request.protocol, request._loop)
    path, query = imitate.target.decode(), request.rel_url.raw_query_string
    moved._message = request._message._replace(path=with_query(path, query))
    moved._rel_url = URL.build(path=path, query_string=query, encoded=True)
    forward(moved, imitate.forwarding)
    return moved


async def _ask_application(middleware: object, request: web.Request, moved: web.Request) -> web.StreamResponse:
    """Ask the application about another path. The middlewares around the one that asks run already, so they are left out.

    Raises:
        Exception: whatever the handler of the other path raises, such as aiohttp's `HTTPNotFound`.
    """
    moved._match_info = found = await _resolve(moved, request.match_info.apps)
    handler: Handler = found.handler
    for app, one in reversed(middlewares_within(middleware, request, found.apps)):
        is_new = getattr(one, "__middleware_version__", None) == _NEW_STYLE
        handler = partial(_within, app, partial(one, handler=handler) if is_new else await one(app, handler))
    return await handler(moved)


async def _resolve(moved: web.Request, apps: tuple[web.Application, ...]) -> UrlMappingMatchInfo:
    """Return what the router of the outermost application chooses for another path."""
    found = await apps[0].router.resolve(moved)
    # What is missing in a sub-application is answered with its middlewares, also where the other path leads out of it.
    is_out = found.http_exception is not None and not found.apps
    for app in reversed(apps) if is_out else apps[:1]:
        found.add_app(app)
    found.freeze()
    return found


async def _within(app: web.Application, handler: Handler, request: web.Request) -> web.StreamResponse:
    """Call a middleware, to which `request.app` is its own application."""
    found = request.match_info
    found.current_app, before = app, found.current_app
    try:
        return await handler(request)
    finally:
        found.current_app = before


__all__ = ["refuse"]
