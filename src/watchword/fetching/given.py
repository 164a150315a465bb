"""Makes exchanges by an HTTP client of the application: one of httpx or httpx2, or any other with their `stream`.

Such a client resolves and connects by itself, through a proxy perhaps, and keeps its connections. So the addresses are the application's
concern. Everything else is as for the fetcher's own connections.
"""

from __future__ import annotations

import inspect
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from watchword.clock import ticks
from watchword.fetching.answer import Content, Head
from watchword.validators import invalid

if TYPE_CHECKING:
    from watchword.fetching.answer import Fetched
    from watchword.fetching.request import Request


class Given:
    """Asks through a client.

    Args:
        argument: where it was given.
        client: the client, `httpx.Client` or `httpx.AsyncClient` for example. It is not closed.

    Raises:
        ConfigurationError: it has no `stream`.
    """

    def __init__(self, argument: str, client: Any) -> None:  # noqa: ANN401 - of several libraries
        if isinstance(client, type) or not callable(getattr(client, "stream", None)):
            raise invalid(argument, "be a client with stream(), such as httpx2.Client()", client)
        self._client = client
        self.awaits: bool = inspect.iscoroutinefunction(getattr(client, "aclose", None))
        self.blocks: bool = not self.awaits

    def exchange(self, request: Request) -> Fetched:
        """Ask, and wait for the answer.

        Args:
            request: the request.
        """
        ends = ticks() + request.timeout
        with request.outages(), self._client.stream(request.method, request.url.text, **_options(request)) as response:
            head = Head(request.url, response.status_code, response.headers.raw, request.limit)
            content = Content(head, request.limit)
            # One in memory was read before. Nothing is decoded either way: what is encoded was refused.
            for piece in response.iter_bytes() if response.is_stream_consumed else response.iter_raw():
                content.add(piece)
                if ticks() > ends:
                    raise TimeoutError
            return content.whole()

    async def aexchange(self, request: Request) -> Fetched:
        """Ask, and await the answer.

        Args:
            request: the request.
        """
        from anyio import fail_after

        with request.outages(), fail_after(request.timeout):
            async with self._client.stream(request.method, request.url.text, **_options(request)) as response:
                head = Head(request.url, response.status_code, response.headers.raw, request.limit)
                content = Content(head, request.limit)
                # Closed here: a generator that is left half-way would be closed by the garbage collector.
                async with aclosing(response.aiter_bytes() if response.is_stream_consumed else response.aiter_raw()) as pieces:
                    async for piece in pieces:
                        content.add(piece)
                return content.whole()


def _options(request: Request) -> dict[str, Any]:
    return {
        "headers": dict(request.fields),
        "content": request.content or None,
        "follow_redirects": False,
        "timeout": request.timeout,
    }
