"""Reads a request from a WSGI environ, and changes an environ as the guard wants it (PEP 3333)."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

from watchword.adapters.proxied import KEY as PROXIED
from watchword.adapters.variables import UNPREFIXED, is_long
from watchword.content import ContentInPieces, most_pieces
from watchword.field_index import canonical_name
from watchword.grammar import MAX_FIELDS, MAX_NAME_OCTETS
from watchword.guard.forwarding import UNCHANGED
from watchword.mount import split_at_mount
from watchword.request import RequestView
from watchword.target import decode_path, encode_path, origin_form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.adapters.variables import Variables
    from watchword.decision import Decision
    from watchword.guard.fast_path import TargetKey
    from watchword.guard.forwarding import Forwarding
    from watchword.guard.outcome import Imitate

Environ: TypeAlias = dict[str, Any]

_TARGETS = ("REQUEST_URI", "RAW_URI")  # where servers tell the undecoded target
_FIELDS = {variable: name for name, variable in UNPREFIXED.items()}
_CONTENT = frozenset({*_FIELDS, "wsgi.input_terminated"})


class Headers:
    """The header fields of an environ as pairs, made when they are read.

    Args:
        environ: of the request.
    """

    __slots__ = ("_environ",)

    def __init__(self, environ: Environ) -> None:
        self._environ = environ

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield name and value of each field."""
        for variable, value in self._environ.items():
            if variable.startswith("HTTP_"):
                yield variable[5:].replace("_", "-").lower(), value
        for name, variable in UNPREFIXED.items():
            if self._environ.get(variable):
                yield name, self._environ[variable]


def view_of(environ: Environ, target: TargetKey, names: Variables, *, misplaced: bool) -> RequestView:
    """Return the request of an environ, as the guard sees it.

    Args:
        environ: of the request.
        target: method, path, undecoded path and mount.
        names: which variables stand for which fields.
        misplaced: whether routers disagree about where the mount ends.
    """
    method, path, raw_path, mount = target
    view = RequestView.of_server(
        method=method,
        path=path,
        raw_path=raw_path,
        query=octets(environ.get("QUERY_STRING", "")),
        mount=mount,
        headers=Headers(environ),
        client=environ.get("REMOTE_ADDR") or None,
        scheme=environ.get("wsgi.url_scheme", "http"),
        misplaced=misplaced,
    )
    fields: dict[str, str | bytes] = {}
    aliases: list[str] = []
    overflow = _overflow(environ)
    for variable in () if overflow else environ:
        name = names[variable]
        if name is None:
            continue
        if name[0] == "?":
            aliases.append(name[1:])
        elif environ[variable] is not None:
            fields[name] = environ[variable]
    view.take(names.index, fields, aliases=tuple(aliases), overflow=overflow)
    if PROXIED in environ:
        view.stated = environ[PROXIED]
    return view


def strings_of(environ: Environ) -> Environ:
    """Return a copy of an environ with its strings alone, and what trusted proxies state: `view_of` reads no more.

    Werkzeug puts its request into the environ. A copy of that, held by the exchange of the request, would keep each request until the
    garbage collector finds it.
    """
    return {name: value for name, value in environ.items() if isinstance(value, str) or name == PROXIED}


def place(environ: Environ, pinned: str | None) -> tuple[TargetKey, bool]:
    """Return method, path, raw path and mount of a request, and whether it lies outside its mount.

    Args:
        environ: of the request; a pinned mount is put into it.
        pinned: the mount, percent-decoded, as octets in a native string; None: the server states it.
    """
    misplaced = pinned is not None and pin(environ, pinned)
    mount, path = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
    if mount:
        mount, path = text(mount), path or "/"
    if not path.isascii():
        path = text(path)
    raw = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    raw_path = octets(raw.partition("?")[0] if "?" in raw else raw) if raw else None
    return (environ["REQUEST_METHOD"], path, raw_path, mount), misplaced or (bool(mount) and is_misplaced(path, mount, raw_path))


def _overflow(environ: Environ) -> str:
    """Return the bound that the header section breaks. An environ has one variable for each name, so repeated fields do not count."""
    if len(environ) > MAX_FIELDS and sum(variable.startswith("HTTP_") for variable in environ) > MAX_FIELDS:
        return "too_many_fields"
    # The longest one first: nearly always that is all that has to be looked at.
    return "long_field_name" if max(map(len, environ)) > MAX_NAME_OCTETS and any(map(is_long, environ)) else ""


def tell_again(environ: Environ, decision: Decision) -> bool:
    """Tell of a decision where the application knows the caller already, as when a view demands more of the same one.

    Returns:
        Whether that was enough; else `tell` is called for.
    """
    before = environ.get("watchword.decision")
    if before is None or not (before.granted and decision.granted and before.caller is decision.caller is not None):
        return False
    environ["watchword.decision"] = decision
    return environ.get("watchword.principal") is decision.principal


def tell(environ: Environ, decision: Decision, caller: tuple[str, ...] | None = None) -> None:
    """Tell the application, and the middlewares around the guard, who the caller is. `caller`: as `caller_of` returns it, if known."""
    environ["watchword.principal"] = decision.principal
    environ["watchword.decision"] = decision
    if caller is None:
        caller = caller_of(decision)
    if caller:
        environ["REMOTE_USER"], environ["AUTH_TYPE"] = caller
    else:
        # The server or a client may have put something else there.
        environ.pop("REMOTE_USER", None)
        environ.pop("AUTH_TYPE", None)


def caller_of(decision: Decision) -> tuple[str, ...]:
    """Return the values of REMOTE_USER and AUTH_TYPE; none: the caller is anonymous."""
    principal = decision.principal
    return (native(principal.id), decision.scheme) if principal.is_authenticated else ()


def forward(environ: Environ, taken: Forwarding) -> None:
    """Take out of an environ what the application must not see."""
    if taken is UNCHANGED:
        return
    if taken.fields:
        for variable in [*environ]:
            if _field_of(variable) in taken.fields:
                del environ[variable]
    if taken.cookies is not None:
        environ["HTTP_COOKIE"] = taken.cookies
    if taken.subprotocols:
        environ["HTTP_SEC_WEBSOCKET_PROTOCOL"] = ", ".join(taken.subprotocols)
    if taken.content is not None:
        environ["wsgi.input"] = BytesIO(taken.content)
        if environ.get("CONTENT_LENGTH"):
            environ["CONTENT_LENGTH"] = str(len(taken.content))
    if taken.query is not None:
        _put_query(environ, taken.query.decode("latin-1"))


def _put_query(environ: Environ, query: str) -> None:
    environ["QUERY_STRING"] = query
    for variable in _TARGETS:
        if variable in environ:
            path = environ[variable].partition("?")[0]
            environ[variable] = f"{path}?{query}" if query else path


def _field_of(variable: str) -> str | None:
    """Return the canonical name of the field that a variable stands for."""
    return canonical_name(variable[5:]) if variable.startswith("HTTP_") else _FIELDS.get(variable)


def move(environ: Environ, imitate: Imitate) -> None:
    """Ask the application for another path."""
    environ["PATH_INFO"] = encode_path(imitate.path).decode("latin-1")
    for variable in _TARGETS:
        if variable in environ:
            environ[variable] = imitate.target.decode()
    environ.pop("watchword.guard", None)
    if imitate.is_preflight:
        for variable in [*environ]:
            if variable.startswith("SSL_CLIENT") or variable in _CONTENT:
                del environ[variable]


def without_content(environ: Environ) -> Environ:
    """Return a copy of an environ that holds no content."""
    copied = {name: value for name, value in environ.items() if name not in _CONTENT}
    copied["wsgi.input"] = BytesIO()
    return copied


def pin(environ: Environ, mount: str) -> bool:
    """Take off the mount that is pinned, whatever the server has taken off; tell whether routers disagree about where it ends."""
    whole = environ.get("SCRIPT_NAME", "").rstrip("/") + environ.get("PATH_INFO", "")
    place = split_at_mount(whole, mount)
    environ["SCRIPT_NAME"] = mount
    environ["PATH_INFO"] = whole[len(place.mount) :]
    return place.misplaced


def is_misplaced(path: str, mount: str, raw_path: bytes | None) -> bool:
    """Tell whether the server has taken the mount off in the middle of a segment, or not at all where it stands elsewhere in the path.

    Args:
        path: decoded, below the mount.
        mount: the mount.
        raw_path: the undecoded path, where the server tells it.
    """
    if path[:1] != "/":
        return True
    return raw_path is not None and decode_path(origin_form(raw_path)) == path and split_at_mount(path, mount.rstrip("/")).misplaced


def read_ahead(environ: Environ, limit: int) -> bytes | None:
    """Read the content up to one octet beyond a limit, and put it back for the application.

    Returns:
        The content; None: its end is not known, or did not come.

    Raises:
        ContentInPieces: it comes in too many.
    """
    announced = environ.get("CONTENT_LENGTH") or ""
    terminated = bool(environ.get("wsgi.input_terminated"))
    if not (announced.isascii() and announced.isdecimal()) and not terminated:
        return None if announced or "HTTP_TRANSFER_ENCODING" in environ else b""
    # More digits than any content has octets are not turned into a number.
    wanted = min(int(announced), limit + 1) if announced.isdecimal() and len(announced) < 20 else limit + 1  # noqa: PLR2004 - 2**64 has 20
    stream = environ["wsgi.input"]
    parts: list[bytes] = []
    while wanted > 0:
        part = stream.read(wanted)
        if not part:
            break
        parts.append(part)
        wanted -= len(part)
        if len(parts) > most_pieces(limit):
            raise ContentInPieces(f"more than {most_pieces(limit)} pieces")
    content = b"".join(parts)
    environ["wsgi.input"] = BytesIO(content)
    # Less than was announced: the client has gone, and what came may be the beginning of something else.
    return None if announced.isdecimal() and wanted > 0 else content


def text(native: str) -> str:
    """Return the text of a native string that holds the octets of UTF-8."""
    if native.isascii():
        return native  # as nearly always
    try:
        return native.encode("latin-1").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return native


def native(text: str) -> str:
    """Return a native string that holds the octets of UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def octets(native: str) -> bytes:
    """Return the octets of a native string."""
    return native.encode() if native.isascii() else native.encode("latin-1", "replace")
