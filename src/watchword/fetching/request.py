"""Describes one exchange, and explains why it failed."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from watchword.errors import Unavailable
from watchword.fetching.answer import RETRY_AFTER, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword.url import Url

_DEPTH = 10  # of causes that are looked at


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Args:
        method: `"GET"` or `"POST"`.
        url: what is asked.
        fields: the header fields without Host and Content-Length; they may hold secrets.
        content: the content; empty: none.
        timeout: seconds for the whole exchange.
        limit: the longest content of the answer, in octets.
    """

    method: str
    url: Url
    fields: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    timeout: float
    limit: int

    @contextmanager
    def outages(self) -> Iterator[None]:
        """Raise `Unavailable` for whatever fails within the block. No exception of a library leaves a fetcher."""
        failure: NoAnswer
        try:
            yield
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - the answer cannot be had, whatever is the cause
            failure = NoAnswer(f"{self.url}: {self._words(error)}", retry_after=RETRY_AFTER)
        else:
            return
        # Outside of the except clause: the frames of the failure hold the content of the request, which may be a secret.
        raise failure

    def _words(self, error: Exception) -> str:
        authority = "give its authority: Fetcher(tls=ssl.create_default_context(cafile=...))"
        return describe_failure(error, self.url.host, self.timeout, authority)


def describe_failure(error: BaseException, host: str, timeout: float, authority: str) -> str:
    """Return why an exchange failed, and what to check, in words without anything that the server sent.

    Args:
        error: the exception of any library.
        host: the host that was asked.
        timeout: seconds for the exchange.
        authority: how to trust a private authority: the end of "Check the host, or".
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not valid: {cause.verify_message.rstrip('.')}. Check the host, or {authority}."
        if isinstance(cause, socket.gaierror):
            return f"the name {host} cannot be resolved ({cause.strerror}). Check the name and the resolver."
        if isinstance(cause, UnicodeError):
            return f"the name {host} is none: a label of it is empty, or longer than 63 characters. Check the name."
    if any(isinstance(cause, TimeoutError) or type(cause).__name__.endswith("Timeout") for cause in causes):
        return f"it did not answer within {timeout:g} s. Check the network and the server."
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.strerror:
            return f"the connection failed: {cause.strerror}. Check the server and the firewalls on the way."
    # The words of other exceptions may hold a URL with a secret.
    return f"it sent no whole answer ({type(error).__name__}). Check that the URL is that of an HTTP server."


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Return an error, and what it comes from."""
    found: BaseException | None = error
    for _ in range(_DEPTH):
        if found is None:
            return
        yield found
        found = found.__cause__ or found.__context__


__all__ = ["Request", "describe_failure"]
