"""Walks through a JSON text of any length in bounded memory (RFC 8259).

A value is either skipped, which keeps nothing of it, or taken whole, within a bound. So the requests of a HAR file of 200 MB are read in a
few kilobytes, whatever its responses hold.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from watchword.recorded.request import UnreadableRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_CHUNK: Final = 256 * 1024
_SPACE: Final = re.compile(rb"[ \t\r\n]*+")
_IN_STRING: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_IN_VALUE: Final = re.compile(rb'[^"{}\[\]]*+')
_SCALAR: Final = re.compile(rb"[-+.0-9A-Za-z]*+")
_MARK: Final = b"\xef\xbb\xbf"  # a byte order mark, which programs of Windows write


class TooLong(Exception):
    """A value is longer than its bound. It was skipped."""


class JSONStream:
    """A JSON text that is read from its beginning to its end.

    Args:
        file: the text, in UTF-8; untrusted.
    """

    __slots__ = ("_at", "_buffer", "_ended", "_file", "_taken")

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._buffer = b""
        self._at = 0
        self._ended = False
        self._taken: list[bytes] | None = None  # what is being kept; None: nothing is
        self._fill()
        if self._buffer.startswith(_MARK):
            self._at = len(_MARK)

    def members(self) -> Iterator[str]:
        """Yield the name of each member of the object that comes next. The caller takes or skips its value before it asks for the next."""
        self._expect(b"{", "an object")
        if self._next() == b"}":
            self._at += 1
            return
        while True:
            try:
                name = self.take(_CHUNK)
            except TooLong:
                name = ""
            self._expect(b":", "a colon")
            yield name if isinstance(name, str) else ""
            if self._separator(b"}"):
                return

    def elements(self) -> Iterator[int]:
        """Yield the number of each element of the array that comes next, from 1. The caller takes or skips it."""
        self._expect(b"[", "an array")
        if self._next() == b"]":
            self._at += 1
            return
        number = 1
        while True:
            yield number
            number += 1
            if self._separator(b"]"):
                return

    def begins(self, octet: bytes) -> bool:
        """Tell whether the next value begins with an octet.

        Args:
            octet: such as `{`.
        """
        return self._next() == octet

    def take(self, limit: int) -> Any:  # noqa: ANN401 - the value is what the file holds
        """Return the next value.

        Args:
            limit: its length at most, in octets.

        Raises:
            TooLong: it is longer; it was skipped.
            UnreadableRequest: it is no JSON.
        """
        self._next()
        self._taken = []
        room = limit
        try:
            for length in self._walk():
                room -= length
                if room < 0:
                    self._taken = None
            if self._taken is None:
                raise TooLong
            return json.loads(b"".join(self._taken))
        except (ValueError, RecursionError):
            raise UnreadableRequest("the file holds a value that is no JSON. Save it again.") from None
        finally:
            self._taken = None

    def skip(self) -> None:
        """Pass over the next value, and keep nothing of it."""
        self._next()
        for _ in self._walk():
            pass

    def _walk(self) -> Iterator[int]:
        """Walk through one value; yield the length of each piece of it."""
        depth = 0
        while True:
            octet = self._peek()
            if octet == b'"':
                yield from self._string()
            elif octet in b"{[":
                depth += 1
                yield self._pass(1)
            elif octet in b"}]":
                depth -= 1
                yield self._pass(1)
            else:
                yield from self._run(_IN_VALUE if depth else _SCALAR)
                if not depth:
                    return
                continue
            if depth <= 0:
                return

    def _string(self) -> Iterator[int]:
        yield self._pass(1)
        while True:
            yield from self._run(_IN_STRING)
            octet = self._peek()
            if octet == b'"':
                yield self._pass(1)
                return
            # A backslash at the end of what was read: what it escapes comes with the next piece.
            self._need(2)

    def _run(self, pattern: re.Pattern[bytes]) -> Iterator[int]:
        passed = 0
        while True:
            found = pattern.match(self._buffer, self._at)
            length = 0 if found is None else found.end() - self._at
            passed += length
            yield self._pass(length)
            if self._at < len(self._buffer) or (pattern is _SCALAR and self._is_over()):
                break
            self._need(1)
        if pattern is _SCALAR and not passed:
            raise self._broken("a value")

    def _is_over(self) -> bool:
        if self._at >= len(self._buffer):
            self._fill()
        return self._at >= len(self._buffer)

    def _pass(self, length: int) -> int:
        if self._taken is not None and length:
            self._taken.append(self._buffer[self._at : self._at + length])
        self._at += length
        return length

    def _separator(self, end: bytes) -> bool:
        octet = self._next()
        self._at += 1
        if octet == end:
            return True
        if octet != b",":
            raise self._broken("a comma")
        return False

    def _expect(self, octet: bytes, what: str) -> None:
        if self._next() != octet:
            raise self._broken(what)
        self._at += 1

    def _next(self) -> bytes:
        """Pass over white space, and return the octet that comes."""
        while True:
            found = _SPACE.match(self._buffer, self._at)
            self._at = self._at if found is None else found.end()
            if self._at < len(self._buffer):
                return self._buffer[self._at : self._at + 1]
            self._need(1)

    def _peek(self) -> bytes:
        self._need(1)
        return self._buffer[self._at : self._at + 1]

    def _need(self, count: int) -> None:
        while len(self._buffer) - self._at < count:
            if self._ended:
                raise UnreadableRequest("the file ends in the middle: it was written by half. Save it again.")
            self._fill()

    def _fill(self) -> None:
        more = self._file.read(_CHUNK)
        self._ended = not more
        self._buffer = self._buffer[self._at :] + more
        self._at = 0

    def _broken(self, expected: str) -> UnreadableRequest:
        return UnreadableRequest(f"the file is no JSON: it lacks {expected} at a place. Save it again.")
