"""Reads the one JSON-RPC message of a request, as far as rules of MCP servers depend on it (MCP 2026-07-28, Streamable HTTP).

The content decides, whatever the header fields say, because the server acts on the content. A text that two parsers could read in two
ways is refused. `Mcp-Method` and `Mcp-Name` repeat a part of the content for proxies, and are compared with it: a proxy that trusts a
field, and a server that reads the content, must not see two operations.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from watchword.content import Body, ContentError
from watchword.errors import GrammarError
from watchword.grammar.strict_json import parse_json
from watchword.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.request import RequestView

NAMED: Final = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "resources/subscribe": "uri",
    "resources/unsubscribe": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
    "tasks/result": "taskId",
}
"""Method to the member of `params` that names what is asked for."""

_NAMED_FOLDED: Final = frozenset(method.casefold() for method in NAMED)
_WITHOUT_CONTENT: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})  # a stream, the end of a session, a preflight
_DEPTH: Final = 64  # arguments of tools nest deeper than claims; each level costs one pass over the brackets
_MUST_NAME: Final = frozenset({"tools/call", "prompts/get", "resources/read"})
_READ: Final = ("method", "params", "id")
_LONGEST_ID: Final = 128  # characters of an id that an error repeats
_WITH_FIELDS: Final = "2026-07-28"  # the first version whose requests must carry the fields; versions are dates, and compare as text
_PREFIX, _SUFFIX = "=?base64?", "?="

_PARSE_ERROR: Final = -32700
_INVALID_REQUEST: Final = -32600
_INVALID_PARAMS: Final = -32602
_HEADER_MISMATCH: Final = -32020


class Message(NamedTuple):
    """What is asked of an MCP server.

    Args:
        method: of JSON-RPC, such as `"tools/call"`; empty: no method, as in a request without content or in a response.
        name: what the method names: a tool, a prompt, the URI of a resource, a task; None: nothing.
    """

    method: str = ""
    name: str | None = None


def read_message(view: RequestView, limit: int) -> Message:
    """Return the message in the content of a request.

    Args:
        view: the request, its content read; untrusted.
        limit: the longest content that is read, in octets.

    Raises:
        ContentError: the content is not one message in one reading, or a field says something else. The error is what the client gets.
    """
    content = view.content
    if _is_bare(view):
        return Message()
    if content is None:
        raise _invalid(_INVALID_REQUEST, "Invalid request: the content was not read as a whole")
    coding = view.field("content-encoding")
    if coding is not None and coding.strip(" \t").lower() not in {"", "identity"}:
        raise _invalid(_INVALID_REQUEST, "Invalid request: Content-Encoding is not supported")
    try:
        value = parse_json(content, limit=limit, depth=_DEPTH)
    except GrammarError as error:
        fault = str(error)
    else:
        return _message(view, value)
    raise _invalid(_PARSE_ERROR, "Parse error: one JSON object in UTF-8 with distinct members is expected", detail=fault)


def _is_bare(view: RequestView) -> bool:
    """Tell whether a request has no content, for certain (RFC 9112 §6.3). What is announced and could not be read may still be acted on."""
    if view.method not in _WITHOUT_CONTENT or view.content:
        return False
    length = view.field("content-length")
    return view.content is not None or (view.field("transfer-encoding") is None and (length is None or not length.strip(" \t0")))


def _message(view: RequestView, value: object) -> Message:
    if not isinstance(value, dict):
        raise _invalid(_INVALID_REQUEST, "Invalid request: one JSON-RPC message is expected, and no batch")
    id_ = value.get("id")
    _check_letter_case(value, _READ, id_)
    method = value.get("method")
    if method is None and ("result" in value or "error" in value) and "method" not in value:
        return Message()  # clients of versions before 2026-07-28 answer requests of the server
    if not isinstance(method, str):
        raise _invalid(_INVALID_REQUEST, "Invalid request: method is not a string", id_)
    if method not in NAMED and "".join(method.split()).casefold() in _NAMED_FOLDED:
        raise _invalid(_INVALID_REQUEST, "Invalid request: method is another spelling of a method that is known", id_)
    name = None
    member = NAMED.get(method)
    if member is not None:
        params = value.get("params")
        if isinstance(params, dict):
            _check_letter_case(params, (member,), id_)
            name = params.get(member)
        if not isinstance(name, str):
            raise _invalid(_INVALID_PARAMS, f"Invalid params: {method} needs the string {member}", id_)
    message = Message(method, name)
    _check_fields(view, message, id_, is_request="id" in value)
    return message


def _check_letter_case(value: dict[str, Any], names: Iterable[str], id_: object) -> None:
    """Refuse members that differ from those that are read in letter case alone: some parsers take one for the other, as that of Go does."""
    folded = [name.casefold() for name in value]
    for name in names:
        if folded.count(name.casefold()) > (name in value):
            raise _invalid(_INVALID_REQUEST, "Invalid request: members differ in letter case alone", id_)


def _check_fields(view: RequestView, message: Message, id_: object, *, is_request: bool) -> None:
    method, name = view.field("mcp-method"), view.field("mcp-name")
    version = (view.field("mcp-protocol-version") or "").strip(" \t")
    # Clients of earlier versions send neither field. Nothing is said about the fields of a notification.
    required = is_request and _is_version(version) and version >= _WITH_FIELDS
    if required if method is None else method.strip(" \t") != message.method:
        raise _mismatch("Mcp-Method", id_)
    if message.name is not None and (
        (required and message.method in _MUST_NAME) if name is None else not _says(name.strip(" \t"), message.name)
    ):
        raise _mismatch("Mcp-Name", id_)


def _is_version(text: str) -> bool:
    """Tell whether a text is a version of the protocol: a date, such as 2026-07-28."""
    parts = text.split("-", 3)
    return [len(part) for part in parts] == [4, 2, 2] and all(part.isascii() and part.isdigit() for part in parts)


def _says(sent: str, name: str) -> bool:
    """Tell whether a field holds a name, as it is or in base64.

    The name is encoded and the field is not decoded: base64 has one canonical form, and the field may be long.
    """
    if sent == f"{_PREFIX}{b2a_base64(name.encode(), newline=False).decode()}{_SUFFIX}":
        return True
    # A name that looks like base64 must be encoded, or the field would be read as another name.
    return sent == name and not (name.startswith(_PREFIX) and name.endswith(_SUFFIX))


def _mismatch(field: str, id_: object) -> ContentError:
    return _invalid(
        _HEADER_MISMATCH, f"Header mismatch: {field} is missing or does not match the content", id_, reason=Reason.HEADER_MISMATCH
    )


def _invalid(code: int, text: str, id_: object = None, *, detail: str = "", reason: Reason = Reason.MALFORMED_CONTENT) -> ContentError:
    """Return an error of JSON-RPC 2.0 §5.1. Its text is fixed, and of the request it repeats the id alone."""
    from json import dumps

    is_id = (isinstance(id_, int) and not isinstance(id_, bool)) or (isinstance(id_, str) and len(id_) <= _LONGEST_ID)
    error = {"jsonrpc": "2.0", "id": id_ if is_id else None, "error": {"code": code, "message": text}}
    return ContentError(detail or text, reason=reason, body=Body("application/json", dumps(error)))


__all__ = ["NAMED", "Message", "read_message"]
