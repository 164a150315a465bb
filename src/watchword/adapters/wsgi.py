"""The guard in front of any WSGI application: Flask, Django, Pyramid, Bottle … (PEP 3333)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

from watchword.adapters.application import check_arguments
from watchword.adapters.preflights import ask_wsgi
from watchword.adapters.variables import UNPREFIXED, Variables, is_long, variable_of
from watchword.clock import ticks
from watchword.decision import SILENT, Decided, Granted, Hidden
from watchword.errors import ConfigurationError
from watchword.grammar import MAX_FIELD_OCTETS, MAX_FIELDS
from watchword.guard.handover import UNCHANGED, Handover, handover
from watchword.guard.hiding import path_of_nothing
from watchword.guard.preflight import path_for_preflight
from watchword.mount import check_mount, split_at_mount
from watchword.operation import Operation, run
from watchword.principal import ANONYMOUS
from watchword.refusal import grant_headers
from watchword.request import MAX_PIECES, ContentInPieces, RequestView, decode_path, encode_path, escape_path, origin_form

if TYPE_CHECKING:
    from watchword.decision import Refusing
    from watchword.guard import Guard
    from watchword.refusal import Refusal

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]
WSGIApp: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]


class GuardMiddleware:
    """Puts a guard in front of a WSGI application.

    `environ["watchword.principal"]` is the `Principal`; `REMOTE_USER` and `AUTH_TYPE` are its id and scheme, as the bytes
    of UTF-8 in a native string (PEP 3333), and absent for an anonymous caller; `environ["watchword.decision"]` is the decision. They are
    set where the request is refused as well, for the logs of the middlewares around the guard.

    Args:
        app: the application.
        guard: decides.
        mount: the prefix under which the application is served, such as `"/api"`; `""`: none. Neither the server nor a client moves
            it then. None: the `SCRIPT_NAME` that the server states.

    Raises:
        ConfigurationError: the application is not a WSGI application, or a checker of the guard is async, and WSGI has no event loop.

    Trust: `REMOTE_ADDR`, `wsgi.url_scheme` and, without `mount`, `SCRIPT_NAME` are taken from the server. What stands outside the guard
    must not decide by what it finds in the environ. A server that keeps one of two equal fields, or merges `X_Api_Key` with `X-Api-Key`,
    does so before anyone can see it.
    """

    def __init__(self, app: WSGIApp, guard: Guard, *, mount: str | None = None) -> None:
        guard = check_arguments(app, guard, "WSGI")
        if guard.async_checkers:
            names = ", ".join(guard.async_checkers)
            raise ConfigurationError(
                f"WSGI has no event loop, and {names} can only be awaited: give the guard a plain function, or use the ASGI adapter"
            )
        self.app = app
        self.guard = guard
        self._mount = None if mount is None else encode_path(check_mount(mount)).decode("latin-1")
        self._fast_path = guard.fast_path
        self._variables = Variables(guard.policy.index, guard.fast_path)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        guard = self.guard
        method = environ["REQUEST_METHOD"]
        misplaced = self._mount is not None and _pin(environ, self._mount)
        script_name, path_info = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
        marker = (guard, method, script_name, path_info)
        if environ.get("watchword.guard") == marker:
            # This very guard has let this very request through, further out.
            return self.app(environ, start_response)
        mount = _text(script_name)
        path = _text(path_info) or ("/" if mount else "")
        raw = environ.get("REQUEST_URI") or environ.get("RAW_URI")
        raw_path = _octets(raw.partition("?")[0]) if raw else None
        misplaced = misplaced or (bool(mount) and _is_misplaced(path, mount, raw_path))
        if not misplaced and self._fast_path.open_to(environ.get("QUERY_STRING", "")) and self._variables.are_harmless(environ):
            started = ticks() if guard.listens else 0.0
            granted = self._fast_path.grant((method, path, raw_path, mount), _octets(environ.get("HTTP_AUTHORIZATION", "")))
            host = environ.get("HTTP_HOST", "")
            short = len(host) <= MAX_FIELD_OCTETS and len(environ) <= MAX_FIELDS
            if granted is not None and granted.cache is SILENT and short and "," not in host:
                _tell(environ, granted)
                if started:
                    view = self._view(environ, method, path, raw_path, mount, misplaced=misplaced)
                    view.started = started
                    guard.conclude(granted, view)
                return self._serve(environ, start_response, marker)
        view = self._view(environ, method, path, raw_path, mount, misplaced=misplaced)
        begun = guard.start(view)
        decision = begun if isinstance(begun, Decided) else run(begun)
        guard.conclude(decision, view)
        if isinstance(decision, Granted):
            _tell(environ, decision)
            self._leave_out(environ, handover(guard.policy, view))
            try:
                response = self._serve(
                    environ, _advising(start_response, decision) if decision.cache or decision.headers else start_response, marker
                )
            except BaseException:
                guard.finish(decision)  # there is no response whose end could be waited for
                raise
        else:
            _tell(environ, decision)
            response = self._refuse(environ, start_response, decision, view)
        return response if decision.after_response is None else _Finishing(response, partial(guard.finish, decision))

    def _serve(self, environ: Environ, start_response: StartResponse, marker: tuple[Guard, str, str, str]) -> Iterable[bytes]:
        """Call the application, known as let through for as long as the call lasts: a server may use its environ again."""
        environ["watchword.guard"] = marker
        try:
            return self.app(environ, start_response)
        finally:
            environ.pop("watchword.guard", None)

    def _view(self, environ: Environ, method: str, path: str, raw_path: bytes | None, mount: str, *, misplaced: bool) -> RequestView:
        view = RequestView.of_server(
            method=method,
            path=path,
            raw_path=raw_path,
            query=_octets(environ.get("QUERY_STRING", "")),
            mount=mount,
            headers=_Headers(environ),
            client=environ.get("REMOTE_ADDR") or None,
            scheme=environ.get("wsgi.url_scheme", "http"),
            misplaced=misplaced,
        )
        fields: dict[str, str | bytes] = {}
        aliases: list[str] = []
        names = self._variables
        overflow = _overflow(environ)
        for variable in () if overflow else environ:
            name = names[variable]
            if name is None:
                continue
            if name[0] == "?":
                aliases.append(name[1:])
            elif environ[variable] is not None:
                fields[name] = environ[variable]
        view.take(self.guard.policy.index, fields, aliases=tuple(aliases), overflow=overflow)
        if self.guard.policy.content_readers:
            view.reader = lambda limit: Operation(lambda: _read_ahead(environ, limit))
        return view

    def _leave_out(self, environ: Environ, taken: Handover) -> None:
        """Take out of an environ what the application must not see."""
        if taken is UNCHANGED:
            return
        if taken.fields:
            names = self._variables
            left_out = {variable for variable in environ if (names[variable] or "").removeprefix("?") in taken.fields}
            for variable in left_out.union(map(variable_of, taken.fields)):
                environ.pop(variable, None)
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

    def _refuse(self, environ: Environ, start_response: StartResponse, decision: Refusing, view: RequestView) -> Iterable[bytes]:
        guard = self.guard
        path = path_for_preflight(guard.policy, view, decision)
        if path is not None:
            # A copy: the middlewares around the guard go on with theirs.
            asked = {name: value for name, value in environ.items() if name != "watchword.guard"}
            _tell(asked, Granted(ANONYMOUS, decision.rule))
            _move(asked, view, path)
            answer = ask_wsgi(self.app, guard.policy, asked)
            if answer is not None:
                start_response(*answer)
                return []
        refusal = guard.refuse(decision, view)
        if isinstance(decision, Hidden):
            return self._as_if_missing(environ, start_response, decision, refusal, view)
        return _respond(start_response, refusal)

    def _as_if_missing(
        self, environ: Environ, start_response: StartResponse, decision: Refusing, refusal: Refusal, view: RequestView
    ) -> Iterable[bytes]:
        """Let the application answer for a path that nobody can have made: its own 404, and the hidden handler never runs."""
        path = path_of_nothing(self.guard.policy, view, decision.principal)
        if path is None:
            return _respond(start_response, refusal)
        self._leave_out(environ, handover(self.guard.policy, view))
        _move(environ, view, path)
        answer: list[tuple[str, list[tuple[str, str]]]] = []
        written: list[bytes] = []

        def collect(status: str, headers: list[tuple[str, str]], *_exc_info: object) -> Callable[[bytes], None]:
            answer[:] = [(status, headers)]
            return written.append

        # A 404 is short. It is collected whole, because only at its first part is it known that it is one; nothing else is.
        result = self.app(environ, collect)
        body: list[bytes] = []
        try:
            for part in result:
                if not _is_missing(answer, refusal):
                    break
                body.append(part)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()
        if not _is_missing(answer, refusal):
            return _respond(start_response, refusal)
        status, headers = answer[0]
        start_response(
            status, [(name, value) for name, value in headers if name.lower() != "cache-control"] + [("Cache-Control", "no-store")]
        )
        return [*written, *body]


class _Finishing:
    """A response after which something is left to do: the server closes it when all of it was sent (PEP 3333)."""

    __slots__ = ("_finish", "_response")

    def __init__(self, response: Iterable[bytes], finish: Callable[[], None]) -> None:
        self._response = response
        self._finish = finish

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response)

    def close(self) -> None:
        try:
            close = getattr(self._response, "close", None)
            if close is not None:
                close()
        finally:
            self._finish()


def _is_missing(answer: list[tuple[str, list[tuple[str, str]]]], refusal: Refusal) -> bool:
    return bool(answer) and answer[0][0].startswith(str(refusal.status))


class _Headers:
    """The header fields of an environ as pairs, made when somebody asks."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Environ) -> None:
        self._environ = environ

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for variable, value in self._environ.items():
            if variable.startswith("HTTP_"):
                yield variable[5:].replace("_", "-").lower(), value
        for name, variable in UNPREFIXED.items():
            if self._environ.get(variable):
                yield name, self._environ[variable]


def _pin(environ: Environ, mount: str) -> bool:
    """Take off the mount that is pinned, whatever the server has taken off; tell whether routers disagree about where it ends."""
    whole = environ.get("SCRIPT_NAME", "").rstrip("/") + environ.get("PATH_INFO", "")
    place = split_at_mount(whole, mount)
    environ["SCRIPT_NAME"] = mount
    environ["PATH_INFO"] = whole[len(place.mount) :]
    return place.misplaced


def _is_misplaced(path: str, mount: str, raw_path: bytes | None) -> bool:
    """Tell whether the server has taken the mount off in the middle of a segment, or not at all where it stands elsewhere in the path."""
    if path[:1] != "/":
        return True
    return raw_path is not None and decode_path(origin_form(raw_path)) == path and split_at_mount(path, mount.rstrip("/")).misplaced


def _tell(environ: Environ, decision: Granted | Refusing) -> None:
    """Tell the application, and the middlewares around the guard, who it is."""
    # Whatever the server or a client put there is no word of ours.
    environ.pop("REMOTE_USER", None)
    environ.pop("AUTH_TYPE", None)
    environ["watchword.principal"] = principal = decision.principal
    environ["watchword.decision"] = decision
    if principal.is_authenticated:
        environ["REMOTE_USER"] = principal.id.encode("utf-8", "surrogateescape").decode("latin-1")
        environ["AUTH_TYPE"] = decision.scheme


def _put_query(environ: Environ, query: str) -> None:
    """Put this in place of the query that was sent, wherever a server has written it."""
    environ["QUERY_STRING"] = query
    for variable in ("REQUEST_URI", "RAW_URI"):
        if variable in environ:
            path = environ[variable].partition("?")[0]
            environ[variable] = f"{path}?{query}" if query else path


def _move(environ: Environ, view: RequestView, path: str) -> None:
    """Ask the application for another path."""
    environ["PATH_INFO"] = encode_path(path).decode("latin-1")
    for variable in ("REQUEST_URI", "RAW_URI"):
        if variable in environ:
            environ[variable] = escape_path(view.mount + path).decode()


def _advising(start_response: StartResponse, decision: Granted) -> StartResponse:
    def advised(status: str, headers: list[tuple[str, str]], *exc_info: object) -> object:
        return start_response(status, grant_headers(decision.cache, int(status[:3]), headers, decision.headers), *exc_info)

    return advised


def _respond(start_response: StartResponse, refusal: Refusal) -> Iterable[bytes]:
    start_response(f"{refusal.status} {refusal.reason_phrase}", list(refusal.headers))
    return [refusal.body] if refusal.body else []


def _overflow(environ: Environ) -> str:
    """Return the bound that the header section breaks, as far as an environ shows it: it has one variable for each name."""
    if len(environ) > MAX_FIELDS and sum(variable.startswith("HTTP_") for variable in environ) > MAX_FIELDS:
        return "too_many_fields"
    return "long_field_name" if any(is_long(variable) for variable in environ) else ""


def _read_ahead(environ: Environ, limit: int) -> bytes | None:
    """Read the content up to one octet beyond the limit, and put it back for the application; None: nobody knows where it ends."""
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
        if len(parts) > MAX_PIECES:
            raise ContentInPieces(f"more than {MAX_PIECES} pieces")
    content = b"".join(parts)
    environ["wsgi.input"] = BytesIO(content)
    return content


def _text(native: str) -> str:
    """Return the text of a native string that holds the octets of UTF-8 (PEP 3333)."""
    try:
        return native.encode("latin-1").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return native


def _octets(native: str) -> bytes:
    return native.encode("latin-1", "replace")
