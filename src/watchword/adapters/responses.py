"""Starts, collects and ends the responses of a WSGI application (PEP 3333)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from watchword.decision import Hidden
from watchword.guard.preflight import MOST_PARTS
from watchword.refusal import grant_headers

if TYPE_CHECKING:
    from watchword.decision import CacheAdvice
    from watchword.guard.exchange import Exchange
    from watchword.guard.outcome import Imitate
    from watchword.refusal import Refusal

StartResponse: TypeAlias = Callable[..., Any]


class Starting:
    """Starts a response with what the guard adds to it, unless the application's own 404 takes its place.

    Args:
        start_response: of the server.
        exchange: the request.
    """

    __slots__ = ("_exchange", "_start_response", "held", "is_early")

    def __init__(self, start_response: StartResponse, exchange: Exchange) -> None:
        self._start_response = start_response
        self._exchange = exchange
        self.is_early: bool = True  # until the application has returned
        self.held: bool = False  # whether a response was started that does not go out

    def __call__(self, status: str, headers: list[tuple[str, str]], *exc_info: object) -> object:
        """Start the response."""
        if self.is_early and isinstance(self._exchange.decision, Hidden):
            self.held = True
            return _drop
        code, headers = self._exchange.response_start(int(status[:3]), headers)
        # The application's own phrase stays with its own status.
        return self._start_response(
            status if status.startswith(str(code)) else f"{code} {self._exchange.refusal.reason_phrase}", headers, *exc_info
        )


def advising(start_response: StartResponse, advice: CacheAdvice) -> StartResponse:
    """Return what starts a response with what it says to caches."""

    def start(status: str, headers: list[tuple[str, str]], *exc_info: object) -> object:
        return start_response(status, grant_headers(advice, int(status[:3]), headers), *exc_info)

    return start


class Answer:
    """Collects what an application answers for another path. A 404 is short: it is collected whole, and nothing else is.

    Args:
        imitate: what the application was asked.
    """

    __slots__ = ("_headers", "_imitate", "parts", "status")

    def __init__(self, imitate: Imitate) -> None:
        self._imitate = imitate
        self._headers: list[tuple[str, str]] = []
        self.status: str = ""
        self.parts: list[bytes] = []

    def start(self, status: str, headers: list[tuple[str, str]], *_exc_info: object) -> Callable[[bytes], None]:
        """Note that a response is started."""
        # Of several responses that were started the last one counts: an error takes the place of what was begun.
        self.status, self._headers = status, headers
        return self.parts.append

    @property
    def fields(self) -> list[tuple[str, str]] | None:
        """The header fields with which the answer goes out; None: it does not."""
        return self._imitate.accept(int(self.status[:3]), self._headers) if self.status[:3].isdecimal() else None

    def take(self, response: Iterable[bytes]) -> None:
        """Take as much of the answer as goes out, and close it."""
        try:
            for number, part in enumerate(response):
                # An application may start its response with its first part, and produce parts for ever.
                if (self.status or number >= MOST_PARTS) if self._imitate.is_preflight else self.fields is None:
                    break
                self.parts.append(part)
        finally:
            close_response(response)


class _Ending:
    """A response after which something is left to do: the server closes it when all of it was sent (PEP 3333)."""

    __slots__ = ("_exchange", "_response")

    def __init__(self, response: Iterable[bytes], exchange: Exchange) -> None:
        self._response = response
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response)

    def close(self) -> None:
        try:
            close_response(self._response)
        finally:
            self._exchange.finish()


def respond(refusal: Refusal, start_response: StartResponse) -> Iterable[bytes]:
    """Send a refusal."""
    start_response(f"{refusal.status} {refusal.reason_phrase}", refusal.headers)
    return [refusal.body] if refusal.body else []


def ending(exchange: Exchange, response: Iterable[bytes]) -> Iterable[bytes]:
    """Return a response that ends an exchange; the response itself, where nothing is left to do."""
    return _Ending(response, exchange) if exchange.is_open else response


def close_response(response: Iterable[bytes]) -> None:
    """Close what an application returned, if that can be closed."""
    close = getattr(response, "close", None)
    if close is not None:
        close()


def _drop(_part: bytes) -> None:
    """Write nothing."""
