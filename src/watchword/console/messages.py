"""Defines what a page is asked and what it answers, apart from any server, and reads forms within bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from watchword.errors import WatchwordError
from watchword.grammar.forms import parse_form

if TYPE_CHECKING:
    from watchword.console.markup import Link
    from watchword.principal import Principal

MAX_FORM: Final = 16_384
"""The greatest content of a form, in octets."""

MAX_QUERY: Final = 4_096
"""The greatest query, in octets."""

_MAX_FIELDS: Final = 32

_STATUS: Final = {
    200: "OK",
    303: "See Other",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    503: "Service Unavailable",
}


class BadRequest(WatchwordError):
    """Raised by a page for what it was sent; the message is shown to the caller.

    Args:
        message: what is wrong, and what to do.
        status: the status code.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status: int = status


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a page, after its caller was let in.

    Args:
        base: the mount of the console, percent-encoded; links begin with it.
        principal: the caller.
        may: the permissions that the caller has, by their names: what a page offers, never what lets it run.
        query: the parameters of the query.
        form: the fields of the form.
        polls: whether the page asks again by itself, because it gets no events.
        pages: the paths of the pages that there are.
    """

    base: str
    principal: Principal
    may: frozenset[str] = frozenset()
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)  # a password may be in it
    polls: bool = False
    pages: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Response:
    """What a page answers.

    Args:
        status: the status code.
        html: the content.
        headers: fields beside those that every page has.
    """

    status: int
    html: str = field(default="", repr=False)  # a new key may be in it
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def content(self) -> bytes:
        """The content in UTF-8; a lone surrogate becomes a question mark."""
        return self.html.encode(errors="replace")

    @property
    def reason_phrase(self) -> str:
        """The reason phrase."""
        return _STATUS.get(self.status, "")


Answer: TypeAlias = Callable[[Asked], Response]
"""Answers a request; it may block, for a store."""


def see_other(target: Link) -> Response:
    """Return the answer after a change: the browser asks for a page, and a reload repeats nothing.

    Args:
        target: the page.
    """
    return Response(303, headers=(("Location", target),))


def read_fields(data: bytes, most: int) -> dict[str, str]:
    """Read a form or a query.

    Args:
        data: untrusted.
        most: the greatest length, in octets.

    Raises:
        BadRequest: it is too long, is not UTF-8, or names a field twice.
    """
    if len(data) > most or data.count(b"&") >= _MAX_FIELDS:
        raise BadRequest("That is too long. Send less.", 413)
    fields: dict[str, str] = {}
    for name, value in parse_form(data):
        try:
            key, text = name.decode(), value.decode()
        except UnicodeDecodeError:
            raise BadRequest("The form is not UTF-8. Send it from the page of the console.") from None
        if key in fields:
            raise BadRequest("A field comes twice. Send it from the page of the console.")
        fields[key] = text
    return fields


__all__ = ["MAX_FORM", "MAX_QUERY", "Answer", "Asked", "BadRequest", "Response", "read_fields", "see_other"]
