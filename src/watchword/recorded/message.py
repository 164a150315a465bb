"""Reads a request as it travels: a request line, fields, an empty line, content (RFC 9112 §2).

What editors and browsers write in its place is read as well: lines without a carriage return, `GET https://host/path` without a version,
and the pseudo-fields of HTTP/2.
"""

from __future__ import annotations

import re
from typing import Final

from watchword.grammar import is_token
from watchword.recorded.request import Recorded, UnreadableRequest, split_url

_LINE: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]+(\S+)(?:[ \t]+HTTP/[0-9](?:\.[0-9])?)?[ \t]*")
_PSEUDO: Final = (":method", ":path", ":scheme", ":authority")
_MOST_LINES: Final = 10_000


def is_message(text: str) -> bool:
    """Tell whether a text begins as a request does.

    Args:
        text: the text.
    """
    first = text.lstrip().partition("\n")[0].strip()
    found = _LINE.fullmatch(first)
    return first.startswith(_PSEUDO) or (found is not None and (found[2].startswith(("/", "http://", "https://", "ws")) or found[2] == "*"))


def read_message(octets: bytes) -> Recorded:
    """Return the request of a message.

    Args:
        octets: the message; untrusted.

    Raises:
        UnreadableRequest: it is none.
    """
    octets = octets.lstrip(b"\r\n")
    head, empty, content = re.match(rb"(?s)(.*?)(?:(\r?\n\r?\n)(.*))?\Z", octets).groups()  # type: ignore[union-attr]  # it matches any text
    lines = [line.removesuffix("\r") for line in head.decode("latin-1").split("\n")]
    if len(lines) > _MOST_LINES:
        raise UnreadableRequest(f"the request has more than {_MOST_LINES} fields. Keep those that matter.")
    if lines[0].startswith(":"):
        return _of_pseudo_fields(_fields(lines), content)
    found = _LINE.fullmatch(lines[0])
    if found is None:
        raise UnreadableRequest("the first line is no request line. Write one such as GET /orders HTTP/1.1, with the fields below it.")
    fields = _fields([line for line in lines[1:] if line])
    method, target = found[1], found[2]
    host = next((value for name, value in fields if name.lower() == "host"), "")
    scheme = ""
    if re.match("(https?|wss?)://", target, re.IGNORECASE):
        address = split_url(target)
        scheme, host, target = address.scheme, address.authority, address.target
    return Recorded(method, scheme, host, target, tuple(fields), content if empty and content else None)


def _fields(lines: list[str]) -> list[tuple[str, str]]:
    fields: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 2):
        name, colon, value = line.partition(":") if not line.startswith(":") else _pseudo(line)
        if not colon or not is_token(name.removeprefix(":")):
            raise UnreadableRequest(f"line {number} of the request is no field. Write Name: value, and an empty line before the content.")
        fields.append((name, value.strip(" \t")))
    return fields


def _pseudo(line: str) -> tuple[str, str, str]:
    name, colon, value = line[1:].partition(":")
    return f":{name}", colon, value


def _of_pseudo_fields(fields: list[tuple[str, str]], content: bytes | None) -> Recorded:
    stated = {name: value for name, value in fields if name in _PSEUDO}
    missing = [name for name in (":method", ":path") if not stated.get(name)]
    if missing:
        raise UnreadableRequest(f"the request has no {missing[0]}. Copy all of its fields.")
    rest = tuple((name, value) for name, value in fields if name not in _PSEUDO)
    return Recorded(stated[":method"], stated.get(":scheme", ""), stated.get(":authority", ""), stated[":path"], rest, content or None)
