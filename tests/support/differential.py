"""Whether both adapters do what the bare guard says: its decision, the refusal that it makes of it, and nothing else."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.support.random_requests import is_routed, quoted
from tests.support.wire import Request, request_view
from watchword import ANONYMOUS, Decision, Failed, Granted, Hidden, RequestView
from watchword.refusal import grant_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.drive import Answer
    from tests.support.trio import Trio

# What a client must not read in a refusal, nor an operator in the log. None of it is in any other text by chance.
SECRETS = ("s3cret", "hunter2", "ann-token", "bob-token", "eve-token", "zoe-token", "late-token", "ann-key", "bob-key", "pässwörd")


def compare(trio: Trio, request: Request) -> None:
    """Compare.

    Raises:
        AssertionError: there is a difference; the message says which, and how to see it again.
    """
    if _found(trio, request) is not None:
        raise AssertionError(report(trio, request))


def difference(trio: Trio, request: Request) -> str | None:
    """Return in what an adapter does not do what the bare guard says; None: they agree.

    Nothing here needs an event loop: what would wait for one is at fault.
    """
    answer: Any = trio.asgi.awaited(request)
    try:
        answer.send(None)
    except StopIteration as end:
        return differing(trio, request, end.value)
    answer.close()
    return "ASGI: something waited although nothing had to"


def differing(trio: Trio, request: Request, by_asgi: Answer) -> str | None:
    """Return the same, where the answer over ASGI is known."""
    decision, found = _compared(trio, request, by_asgi)
    if found is None and request.kind == "http" and by_asgi.received and not trio.bare.policy.content_readers:
        found = "content was read although no scheme looks there"
    if found is not None:
        return f"ASGI: {found}"
    if request.kind == "websocket":
        return None
    seen = without_twins(request)
    by_wsgi = trio.wsgi(seen)
    _, found = _compared(trio, seen, by_wsgi, decision if seen is request else None)
    if found is None and seen is request:
        found = _handed_over(request, by_asgi, by_wsgi)
    return None if found is None else f"WSGI: {found}"


def without_twins(request: Request) -> Request:
    """Return what a WSGI server leaves of a request: in an environ a name with an underscore cannot be told from its twin."""
    if any("_" in name for name, _ in request.headers):
        return replace(request, headers=tuple(field for field in request.headers if "_" not in field[0]))
    return request


def bare_view(request: Request) -> RequestView:
    """Return the view that a server of one's own makes which knows as much as an ASGI or WSGI server does."""
    view = request_view(request)
    if not request.raw:
        view.raw_path = None
    if request.kind == "websocket":
        view.scheme = {"http": "ws", "https": "wss"}[request.scheme]
    return view


def report(trio: Trio, request: Request) -> str:
    """Return a message that shows a difference, with the simplest request that shows it and a line to paste."""
    small = shrink(request, lambda candidate: _found(trio, candidate) is not None)
    modules = ("differential", "trio", "wire")
    imports = "\n".join(f"from tests.support.{module} import *" for module in modules)
    return f"{_found(trio, small)}\n\n{imports}\nprint(difference({trio.name}, {small!r}))"


def shrink(request: Request, still: Callable[[Request], bool]) -> Request:
    """Return the simplest request found that still has a property.

    Args:
        request: one that has it.
        still: tells.
    """
    simpler: Request | None = request
    while simpler is not None:
        request = simpler
        simpler = next((one for one in _simpler(request) if one != request and is_routed(one) and still(one)), None)
    return request


def _simpler(request: Request) -> Iterator[Request]:
    fields = request.headers
    path, mark, query = request.target.partition("?")
    segments = path.split("/")
    yield from (replace(request, headers=fields[:at] + fields[at + 1 :]) for at in range(len(fields)))
    yield replace(request, body=b"")
    yield replace(request, method="GET")
    yield replace(request, client="192.0.2.7", scheme="http")
    yield replace(request, kind="http", denial=True)
    yield replace(request, raw=True)
    yield replace(request, target=path)
    yield replace(request, mount="", target=request.target.removeprefix(quoted(request.mount)) or "/")
    shorter_paths = ("/".join(segments[:at] + segments[at + 1 :]) or "/" for at in range(1, len(segments)))
    yield from (replace(request, target=shorter + mark + query) for shorter in shorter_paths)
    for at, (name, value) in enumerate(fields):
        for shorter in (value[: len(value) // 2], value[1:], value[:-1]):
            yield replace(request, headers=(*fields[:at], (name, shorter), *fields[at + 1 :]))


def _found(trio: Trio, request: Request) -> str | None:
    try:
        return difference(trio, request)
    except Exception as error:  # noqa: BLE001 - whatever escapes is what is looked for
        return f"raised {error!r}"


def _compared(trio: Trio, request: Request, answer: Answer, known: Decision | None = None) -> tuple[Decision, str | None]:
    """Return the bare guard's decision, and in what an adapter's answer differs from it."""
    view = bare_view(request)
    decision = trio.bare.decide(view) if known is None else known
    if isinstance(decision, Granted):
        return decision, _not_granted(trio, request, decision, answer)
    return decision, _called(decision, view, answer) or _not_refused(trio, request, decision, view, answer)


def _not_granted(trio: Trio, request: Request, decision: Granted, answer: Answer) -> str | None:
    seen = answer.seen
    if seen is None:
        return f"status {answer.status} and no application, in place of {decision}"
    told = seen.decision
    if seen.principal != decision.principal or (seen.principal is ANONYMOUS) != (decision.principal is ANONYMOUS):
        return f"{seen.principal} in place of {decision.principal}"
    if not isinstance(told, Granted) or (told.rule, told.scheme, told.cache) != (decision.rule, decision.scheme, decision.cache):
        return f"{told!r} with {getattr(told, 'cache', None)} in place of {decision!r} with {decision.cache}"
    if answer.environ and answer.environ.get("REMOTE_USER", "") != decision.principal.id.encode().decode("latin-1"):
        return f"REMOTE_USER {answer.environ.get('REMOTE_USER')!r} for {decision.principal}"
    kept = _kept(trio, request)
    leaked = [name for name, _ in seen.headers if name in kept or name in trio.bare.policy.identity_headers]
    if leaked:
        return f"{leaked} reached the application"
    if request.kind == "websocket":
        return None if answer.status == 101 else f"status {answer.status} in place of a socket"
    headers = [(name.lower(), value) for name, value in grant_headers(decision.cache, trio.reply.status, trio.reply.headers)]
    return _unlike(answer, trio.reply.status, headers, _content(trio, request))


def _kept(trio: Trio, request: Request) -> frozenset[str]:
    """Return the fields that no application gets to see, beside identity headers."""
    policy = trio.bare.policy
    if request.method == "TRACE" or policy.strip_credentials:
        return policy.credential_fields - {"cookie"}
    return frozenset()


def _called(decision: Decision, view: RequestView, answer: Answer) -> str | None:
    """Return that the application was called, unless to answer in place of what is hidden, for a path that there is not."""
    seen = answer.seen
    if seen is None:
        return None
    if isinstance(decision, Hidden) and view.kind == "http" and seen.principal == decision.principal and seen.path != view.path:
        return None
    return f"the application was called, and {decision} says no"


def _not_refused(trio: Trio, request: Request, decision: Decision, view: RequestView, answer: Answer) -> str | None:
    refusal = trio.bare.refuse(decision, view)
    if refusal.status >= 500 and not isinstance(decision, Failed):
        return f"status {refusal.status} without an outage"
    if request.kind == "websocket" and not request.denial:
        return _unlike(answer, 403, [], b"")
    if isinstance(decision, Hidden) and answer.seen is not None and trio.reply.status == refusal.status:
        same = (answer.status, answer.body, answer.all("cache-control")) == (refusal.status, _content(trio, request), ["no-store"])
        return None if same else f"{answer} in place of the application's own {refusal.status}"
    shows = [secret for secret in SECRETS if secret in f"{refusal.headers} {refusal.body!r}"]
    if shows:
        return f"{shows} shows in {refusal} {refusal.body!r}"
    return _unlike(answer, refusal.status, [(name.lower(), value) for name, value in refusal.headers], refusal.body)


def _unlike(answer: Answer, status: int, headers: list[tuple[str, str]], body: bytes) -> str | None:
    got, expected = (answer.status, answer.headers, answer.body), (status, headers, body)
    return None if got == expected else f"{got}\nin place of\n{expected}"


def _content(trio: Trio, request: Request) -> bytes:
    return b"" if request.method == "HEAD" else trio.reply.body


def _handed_over(request: Request, by_asgi: Answer, by_wsgi: Answer) -> str | None:
    """Return in what the two applications saw different requests."""
    one, other = by_asgi.seen, by_wsgi.seen
    if one is None or other is None or not one.decision.granted:
        return None
    for name in ("method", "path", "query", "body", "scheme"):
        if getattr(one, name) != getattr(other, name):
            return f"the application saw the {name} {getattr(other, name)!r}, and {getattr(one, name)!r} over ASGI"
    # An environ cannot tell an empty Content-Type from none (PEP 3333).
    fields = [field for field in one.headers if field != ("content-type", "")]
    return None if fields == other.headers else f"the application saw {other.headers}, and {fields} over ASGI"


class _LogReader(logging.Handler):
    """Reads every line of the log as it is written, and keeps none."""

    def emit(self, record: logging.LogRecord) -> None:
        """Raise if a secret is in it."""
        line = f"{record.getMessage()} {record.__dict__}"
        shows = [secret for secret in SECRETS if secret in line]
        if shows:
            raise AssertionError(f"{shows} shows in the log: {line}")


@contextmanager
def log_read() -> Iterator[None]:
    """Have the log read by `_LogReader`, and by nobody else."""
    logger = logging.getLogger("watchword")
    reader, level, propagate = _LogReader(), logger.level, logger.propagate
    logger.addHandler(reader)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(reader)
        logger.setLevel(level)
        logger.propagate = propagate
