"""Reads the requests of a HAR file, which browsers write (HTTP Archive 1.2).

Contents of responses are skipped unread, so memory does not grow with the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from watchword.recorded.json_stream import JSONStream, TooLong
from watchword.recorded.request import Recorded, UnreadableRequest, split_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_LONGEST: Final = 4 * 1024 * 1024  # octets of the fields or of the content of one request
_MOST_FIELDS: Final = 10_000
_SHORT: Final = 64 * 1024
_TAKEN: Final = frozenset({"method", "url", "headers", "postData"})


def read_har(file: BinaryIO) -> Iterator[Recorded | UnreadableRequest]:
    """Yield the request of each entry, or what is wrong with it.

    Args:
        file: a HAR file, the entry of one, or the request of an entry; untrusted.

    Raises:
        UnreadableRequest: it is no HAR file, or ends in the middle. The entries before that place were yielded.
    """
    stream = JSONStream(file)
    found = False
    alone: dict[str, Any] = {}
    for name in stream.members():
        if name == "log" and stream.begins(b"{"):
            for inner in stream.members():
                if inner == "entries" and stream.begins(b"["):
                    found = True
                    for _ in stream.elements():
                        yield _entry(_facts(stream))
                else:
                    stream.skip()
        else:
            _take(stream, name, alone)
    if alone.get("request") or "url" in alone:
        yield _entry(alone if "request" in alone else {"request": alone})
    elif not found:
        raise UnreadableRequest("the file is JSON, and no HAR file: it has no log with entries. Save all as HAR in the browser.")


def _facts(stream: JSONStream) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if not stream.begins(b"{"):
        stream.skip()
        return facts
    for name in stream.members():
        _take(stream, name, facts)
    return facts


def _take(stream: JSONStream, name: str, facts: dict[str, Any]) -> None:
    """Take what matters of an entry or of a request, and skip the rest."""
    if name == "request" and stream.begins(b"{"):
        request = facts["request"] = {}
        for part in stream.members():
            _take(stream, part, request)
    elif name == "response" and stream.begins(b"{"):
        for part in stream.members():
            if part == "status":
                facts["status"] = _taken(stream, _SHORT)
            else:
                stream.skip()
    elif name in _TAKEN or name in {"startedDateTime", "serverIPAddress"}:
        facts[name] = _taken(stream, _LONGEST)
    else:
        stream.skip()


def _taken(stream: JSONStream, limit: int) -> Any:  # noqa: ANN401 - the value is what the file holds
    try:
        return stream.take(limit)
    except TooLong:
        return None


def _entry(facts: dict[str, Any]) -> Recorded | UnreadableRequest:
    try:
        return _recorded(facts)
    except UnreadableRequest as error:
        return error


def _recorded(facts: dict[str, Any]) -> Recorded:
    request = facts.get("request")
    if not isinstance(request, dict) or not isinstance(request.get("url"), str) or not isinstance(request.get("method"), str):
        raise UnreadableRequest("the entry has no request with method and url. Save all as HAR in the browser.")
    address = split_url(request["url"])
    notes: list[str] = []
    headers = _headers(request, notes)
    authority = next((value for name, value in headers if name.lower() == ":authority"), "") or address.authority
    status = facts.get("status")
    return Recorded(
        request["method"].upper() if request["method"].islower() else request["method"],
        address.scheme,
        authority,
        address.target,
        tuple((name, value) for name, value in headers if not name.startswith(":")),
        _content(request, notes),
        status if isinstance(status, int) and status > 0 else None,
        _time(facts.get("startedDateTime")),
        tuple(notes),
    )


def _headers(request: dict[str, Any], notes: list[str]) -> list[tuple[str, str]]:
    headers = request.get("headers")
    if not isinstance(headers, list) or len(headers) > _MOST_FIELDS:
        notes.append("the entry has no list of fields that can be read")
        return []
    found = [(one.get("name"), one.get("value")) for one in headers if isinstance(one, dict)]
    kept = [(name, value) for name, value in found if isinstance(name, str) and isinstance(value, str)]
    if not any(name.lower() in {"authorization", "cookie"} for name, _ in kept):
        # Chromium leaves them out unless the setting allows "HAR with sensitive data".
        notes.append("the entry has neither Authorization nor Cookie: browsers leave them out, unless they save with sensitive data")
    return kept


def _content(request: dict[str, Any], notes: list[str]) -> bytes | None:
    data = request.get("postData")
    if "postData" in request and data is None:
        notes.append("the content of the request is too long, and left out")
    text = data.get("text") if isinstance(data, dict) else None
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else None


def _time(text: object) -> float | None:
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).timestamp() if isinstance(text, str) and len(text) < 64 else None  # noqa: PLR2004 - longer than any
    except (ValueError, OverflowError, OSError):
        return None
