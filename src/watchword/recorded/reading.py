"""Tells which kind of record a text is, and reads it."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from watchword.recorded.caret import is_caret_line, split_caret_line
from watchword.recorded.curl import is_curl, read_curl
from watchword.recorded.message import is_message, read_message
from watchword.recorded.request import Recorded, UnreadableRequest, octets_of
from watchword.recorded.shell import split_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

Format: TypeAlias = Literal["curl", "message", "har"]

MAX_TEXT_OCTETS: Final = 4 * 1024 * 1024
"""The length of a command line or of a message. A HAR file may have any length."""

_POWERSHELL: Final = re.compile(r"Invoke-(?:WebRequest|RestMethod)|\$session\s*=|-UseBasicParsing|`\r?\n")
_FETCH: Final = re.compile(r"\s*(?:await\s+)?fetch\s*\(")
_OTHERS: Final = re.compile(r"\s*(?:\$\s*)?(wget|http|https|xh)\s")
_PROMPT: Final = re.compile(r"\s*[$>#%]\s+(?=curl)")
_COMMENTS: Final = re.compile(r"(?:\s*#[^\n]*\n)*\s*")


class Reading(NamedTuple):
    """What was recognised.

    Args:
        format: the kind of record.
        requests: the requests, or what is wrong with one. To go through them may raise `UnreadableRequest` where the file ends in the
            middle.
    """

    format: Format
    requests: Iterator[Recorded | UnreadableRequest]


def read_recorded(file: BinaryIO) -> Reading:
    """Return the requests of a file: a curl command line, a message, or a HAR file.

    Args:
        file: the record; untrusted.

    Raises:
        UnreadableRequest: it is of no kind that can be read; the message says what would be.
    """
    begins = file.read(64 * 1024)
    if begins.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["}:
        from watchword.recorded.har import read_har  # loads json

        return Reading("har", read_har(_Continued(begins, file)))  # type: ignore[arg-type]  # it reads as one
    octets = begins + file.read(MAX_TEXT_OCTETS + 1 - len(begins))
    if len(octets) > MAX_TEXT_OCTETS:
        raise UnreadableRequest(f"the request has more than {MAX_TEXT_OCTETS} octets. Leave its content out.")
    text = _decoded(octets)
    if not text.strip():
        raise UnreadableRequest("there is no request: the text is empty. Write a curl command line, an HTTP message or a HAR file.")
    command = _PROMPT.sub("", text[_COMMENTS.match(text).end() :], count=1)  # type: ignore[union-attr]  # it matches any text
    if is_curl(re.split(r"[\s^]", command, maxsplit=1)[0].strip("\"'&")):
        return Reading("curl", iter([_read_line(command)]))
    _refuse_others(text)
    if is_message(text):
        return Reading("message", iter([read_message(octets_of(text))]))
    raise UnreadableRequest(
        "this is no curl command line, no HTTP message and no HAR file. A message begins with a line such as GET /orders HTTP/1.1."
    )


def read_words(words: Sequence[str]) -> Reading:
    """Return the request of a curl command line that a shell has split.

    Args:
        words: its words, `curl` first; untrusted.
    """
    return Reading("curl", iter([read_curl(tuple(words))]))


def read_text(text: str) -> Reading:
    """Return the request of a text, as `read_recorded` does.

    Args:
        text: the record; untrusted.
    """
    return read_recorded(BytesIO(octets_of(text)))


def _read_line(text: str) -> Recorded:
    if _POWERSHELL.search(text) is not None and not is_caret_line(text):
        raise _powershell()
    if is_caret_line(text):
        return read_curl(split_caret_line(text))
    line = split_words(text)
    notes = []
    if line.ended_by == "&":
        notes.append("the command line ends at an & outside of quotes, as in a shell: put the URL into quotes")
    elif line.ended_by:
        notes.append(f"what stands after {line.ended_by} is not read")
    return read_curl(line.words).with_notes(notes)


def _refuse_others(text: str) -> None:
    if _POWERSHELL.search(text) is not None:
        raise _powershell()
    if _FETCH.match(text) is not None:
        raise UnreadableRequest("this is JavaScript. In the browser choose Copy as cURL, or save all as HAR.")
    other = _OTHERS.match(text)
    if other is not None:
        raise UnreadableRequest(f"command lines of {other[1]} are not read. Write the request for curl, or as an HTTP message.")


def _powershell() -> UnreadableRequest:
    return UnreadableRequest("this is PowerShell, which is not read. In the browser choose Copy as cURL, or save all as HAR.")


def _decoded(octets: bytes) -> str:
    # Notepad and PowerShell save UTF-16 with a byte order mark.
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")):
        return octets.decode("utf-16", "replace")
    return octets.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


class _Continued:
    """A file of which the beginning was read."""

    __slots__ = ("_begins", "_file")

    def __init__(self, begins: bytes, file: BinaryIO) -> None:
        self._begins = begins
        self._file = file

    def read(self, size: int) -> bytes:
        begins, self._begins = self._begins, b""
        return begins or self._file.read(size)
