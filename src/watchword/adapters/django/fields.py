"""Reads and replaces the header fields of Django's responses."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

from django.http.response import ResponseHeaders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.http import HttpResponse


class _Fields(ResponseHeaders):  # type: ignore[misc]  # Django has no types
    """The header fields of a response. Challenges go out in a line each; Django itself keeps one value for a name.

    Clients that read one challenge for a line misread a list of several (RFC 9110 §11.6.1).

    Args:
        fields: names and values, in order; without cookies.
    """

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        super().__init__({})
        self._lines: dict[str, list[str]] = {}
        for name, value in fields:
            self._lines.setdefault(name.lower(), []).append(value)
            self[name] = f"{self[name]}, {value}" if name in self else value

    def items(self) -> Iterator[tuple[str, str]]:
        """Yield the lines of the header section."""
        for name, value in super().items():
            lines = self._lines.get(name.lower(), ())
            # A middleware further out may have set another value.
            for line in lines if ", ".join(lines) == value else [value]:
                yield name, line


def fields_of(response: HttpResponse) -> list[tuple[str, str]]:
    """Return the header fields, a cookie in each `Set-Cookie`."""
    return [*response.items(), *(("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values())]


def put_fields(response: HttpResponse, fields: Iterable[tuple[str, str]]) -> None:
    """Replace the header fields of a response. Django keeps cookies beside them; one that it cannot parse stays a field."""
    known = {cookie.OutputString(): (name, cookie) for name, cookie in response.cookies.items()}
    response.cookies.clear()
    lines: list[tuple[str, str]] = []
    for name, value in fields:
        kept = {known[value][0]: known[value][1]} if value in known else SimpleCookie(value) if name.lower() == "set-cookie" else {}
        for key, cookie in kept.items():
            dict.__setitem__(response.cookies, key, cookie)
        if not kept:
            lines.append((name, value))
    response.headers = _Fields(lines)


__all__ = ["fields_of", "put_fields"]
