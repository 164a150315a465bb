"""One line in the log for every refusal, under the request id that the client was given."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logging import Logger
    from types import TracebackType

    from watchword.decision import Refusing
    from watchword.observe.flood import Rest
    from watchword.operation import Operation, Steps
    from watchword.reason import Reason
    from watchword.reasons import ReasonEntry
    from watchword.request import RequestView

_LEVELS = {"info": 20, "warning": 30}  # as in `logging`
_LONGEST = 256  # characters of a method, a path or an address that are logged
_LONGEST_DETAIL = 2048  # characters of the words of a checker, which may hold what a client sent


class HandlerFailures:
    """A context in which a line is logged. What a handler raises is reported on standard error by its type, and raised no further.

    `logging.Handler.emit` should catch its own errors, and handlers of third parties do not always. A filter has no such rule at all. One
    that fails would turn each refusal into a 500.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        """Begin the line."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        """End the line; return whether a failure was reported."""
        if not isinstance(error, Exception):
            return False
        import logging
        import sys

        # As `logging.Handler.handleError` does: standard error may be missing or closed, and `raiseExceptions` switches it off.
        if logging.raiseExceptions and sys.stderr is not None:
            with suppress(OSError, ValueError):
                sys.stderr.write(f"watchword: a log handler or filter failed: {type(error).__name__}\n")
        return True


HANDLER_FAILURES = HandlerFailures()
"""The context; it has no state."""


@cache
def _logger() -> Logger:
    from logging import getLogger  # on the first refusal: a tenth of what `import watchword` may cost

    return getLogger("watchword")


@cache
def _reasons() -> dict[Reason, ReasonEntry]:
    from watchword.reasons import REASONS  # on the first refusal, too

    return REASONS


@cache
def _levels() -> dict[Reason, int]:
    """Return the level of each reason, at hand: every refusal asks for it."""
    return {reason: _LEVELS[entry.level] for reason, entry in _reasons().items()}


def is_logged(decision: Refusing) -> bool:
    """Tell whether a refusal is logged, at the level that the table of reasons has for it.

    Args:
        decision: the decision.
    """
    return _logger().isEnabledFor(_levels()[decision.reason])


def log_refusal(decision: Refusing, view: RequestView, request_id: str) -> None:
    """Log a refusal to the logger `watchword`, if `is_logged` says so.

    The reason is the operator's own, finer than what the client was told. No credential is logged. Of what the client wrote, the method,
    the path and, for `cross_site`, the fields that decided are, cut to a fixed length and with control characters escaped.

    Args:
        decision: the decision.
        view: the request.
        request_id: the id that the client was given.
    """
    # A client chooses how long these are; a line that is refused must not cost more than the request.
    method, path, told = _cut(view.method), _cut(view.path), _cut(decision.detail, _LONGEST_DETAIL)
    kind = type(decision).__name__
    facts = {
        "reason": decision.reason.value,
        "hint": _reasons()[decision.reason].operator,
        "decision": kind,
        "rule": decision.rule,
        "scheme": decision.scheme,
        "principal": decision.principal.id,
        "detail": told,
        "request_id": request_id,
        "client": None if view.client is None else _cut(view.client),
        "method": method,
        "path": path,
    }
    line = "refused %s: %s%s, %s %s (rule %s, request %s)"
    # A checker may have put into its words what a client sent.
    words = told if told.isprintable() else ascii(told)[1:-1]
    said = (
        kind.lower(),
        facts["reason"],
        f" ({words})" if words else "",
        ascii(method)[1:-1],
        ascii(path)[1:-1],
        decision.rule or "none",
        request_id,
    )
    # The place is always this one: to look for it on the stack, as `log` does, costs a fifth of the line.
    logger, here = _logger(), log_refusal.__code__
    level, place = _levels()[decision.reason], (here.co_filename, here.co_firstlineno)
    with HANDLER_FAILURES:
        logger.handle(logger.makeRecord(logger.name, level, *place, line, said, None, here.co_name, {"watchword": facts}))


def log_rest(rest: Rest) -> None:
    """Log what one second had beyond the lines that stay whole, as one line.

    Args:
        rest: what it had.
    """
    reasons, networks, names = (top.most(rest.top) for top in (rest.reasons, rest.networks, rest.names))
    facts = {
        "event": "flood",
        "count": rest.count,
        "reasons": dict(reasons),
        "networks": rest.networks.told,
        "top_networks": dict(networks),
        "names": rest.names.told,
        "top_names": dict(names),
        "first_request_id": rest.first,
        "last_request_id": rest.last,
    }
    line = "refused %d more requests in the same second (%s) from %s networks (%s) with %s names (%s), requests %s to %s"
    told = (rest.count, _counted(reasons), rest.networks.told, _counted(networks), rest.names.told, _counted(names), rest.first, rest.last)
    with HANDLER_FAILURES:
        _logger().log(_LEVELS["warning"], line, *told, extra={"watchword": facts})


def _counted(counts: list[tuple[str, int]]) -> str:
    return ", ".join(f"{ascii(_cut(key))[1:-1] or 'unknown'} {count}" for key, count in counts) or "none"


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"


def log_sink_failure(error: BaseException, count: int = 1) -> None:
    """Log that a sink of events failed. The answer to the request stands.

    Args:
        error: what it raised; only its type is logged, because its words may hold anything.
        count: how many times it has failed. Powers of two alone are logged: a sink that fails for each request must not flood the log.
    """
    if count & (count - 1):
        return
    kind = type(error).__name__
    times = f" ({count} times so far)" if count > 1 else ""
    facts = {"failure": "event sink", "error": kind, "count": count}
    with HANDLER_FAILURES:
        _logger().error("the event sink failed: %s%s", kind, times, extra={"watchword": facts})


def log_preflight(view: RequestView, remedy: str) -> None:
    """Log that a CORS preflight was refused. A guard does so once: every page that a script calls from sends many.

    Args:
        view: the request.
        remedy: what to do about it.
    """
    origin = view.field("origin") or ""
    path = view.mount + view.path
    facts = {"event": "preflight_refused", "origin": _cut(origin), "path": _cut(path), "remedy": remedy}
    words = "refused a CORS preflight for %s from the origin %s: scripts there see a network error. %s This warning is given once."
    with HANDLER_FAILURES:
        _logger().warning(words, ascii(facts["path"])[1:-1], ascii(facts["origin"])[1:-1], remedy, extra={"watchword": facts})


def log_mistake(words: str) -> None:
    """Log a mistake in the configuration that lets no request through, when it is found.

    Args:
        words: what is wrong, and the fix.
    """
    with HANDLER_FAILURES:
        _logger().warning("%s", words, extra={"watchword": {"event": "mistake"}})


def log_failure(what: str, error: Exception) -> None:
    """Log a failure of work whose result no caller waits for.

    Args:
        what: what it was.
        error: why; its words are logged, and hold no secret.
    """
    with HANDLER_FAILURES:
        _logger().error("%s: %s", what, ascii(str(error))[1:-1], extra={"watchword": {"failure": what, "error": type(error).__name__}})


def finishing(operation: Operation[Any]) -> Steps[None]:
    """Do in steps what a checker has left for after a response. A failure is logged and never raised.

    Args:
        operation: of the verdict.
    """
    try:
        yield operation
    except Exception as error:  # noqa: BLE001 - no caller waits for it
        log_failure("work that was left for after a response failed", error)
