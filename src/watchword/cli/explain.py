"""Implements `watchword explain`: says why a guard answers a kept request as it does."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from watchword.cli.failures import USAGE, Command, Failure
from watchword.cli.output import say, say_json
from watchword.cli.params import json_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword.explaining import Explainer, Report
    from watchword.guard import Guard
    from watchword.recorded import Reading, Recorded, UnreadableRequest
    from watchword.routes.listed import Listed

REFUSED = {400: 40, 401: 41, 403: 43, 404: 44, 407: 47, 413: 40, 429: 49, 431: 40, 503: 53}
"""Status of the answer to exit code: the first and the last digit of the status. What is malformed has one code."""

_REFUSALS = frozenset({401, 403, 407, 429, 503})
_SCHEMES = ("http", "https", "ws", "wss")


@click.command(cls=Command)
@click.argument("request", nargs=-1, required=True, metavar="REQUEST", type=click.UNPROCESSED)
@click.option("--guard", "guard_name", metavar="GUARD", help="The guard, as module:attribute.")
@click.option("--app", "app_name", metavar="APP", help="The application: its views are looked at, and its guard is used without --guard.")
@click.option("--entry", metavar="N|TEXT", help="The entry of a HAR file: its number from 1, or a part of its URL.")
@click.option("--all", "every", is_flag=True, help="Explain all entries of a HAR file, one line each.")
@click.option("--client", metavar="ADDRESS", help="The address of the client. Unknown by default.")
@click.option("--scheme", type=click.Choice(_SCHEMES), help="The scheme of the connection. By default that of the request; else https.")
@click.option("--mount", default="", metavar="PATH", help="The prefix under which the application is mounted.")
@json_option
def explain(
    request: tuple[str, ...],
    *,
    guard_name: str | None,
    app_name: str | None,
    entry: str | None,
    every: bool,
    client: str | None,
    scheme: str | None,
    mount: str,
    as_json: bool,
) -> None:
    """Say why a guard answers a request as it does.

    REQUEST is a file, `-` for standard input, or a curl command line, in quotes or as words after `--`. A file holds a curl command line,
    an HTTP message, or a HAR file. Nothing is sent, no attempt is counted, and no secret is shown.

    The exit code is 0 if the request passes, and else 40, 41, 43, 44, 47, 49 or 53 for 400, 401, 403, 404, 407, 429 or 503.
    """
    from watchword.authorization.marks import demand_of
    from watchword.explaining import Explainer
    from watchword.recorded import UnreadableRequest
    from watchword.routes.requests import view_demand

    if every and entry is not None:
        raise click.UsageError("--all and --entry exclude each other")
    guard, listed = _guard(guard_name, app_name)
    demanded = [demand for one in listed if (demand := demand_of(one.views)) is not None]
    explainer = Explainer(
        guard,
        client=client,
        scheme=scheme,
        mount=mount,
        requirement=lambda view: view_demand(listed, view.method, view.path),
        views=demanded,
    )
    run = _runner(explainer, guard)
    try:
        with _opened(request) as reading:
            if every:
                code = _explain_all(run, reading, as_json=as_json)
            else:
                report = run(_chosen(reading, entry))
                say_json(report.facts()) if as_json else say(report.text())
                code = _code(report)
    except UnreadableRequest as error:
        raise Failure(str(error), "unreadable", USAGE) from None
    raise click.exceptions.Exit(code)


def _runner(explainer: Explainer, guard: Guard) -> Callable[[Recorded], Report]:
    """Return what explains a request: on an event loop where a checker needs one."""
    if not guard.async_checkers:
        return explainer.explain
    import asyncio

    return lambda recorded: asyncio.run(explainer.aexplain(recorded))


def _guard(guard_name: str | None, app_name: str | None) -> tuple[Guard, list[Listed]]:
    """Return the guard, and the routes of the application; none are known without one."""
    from watchword.cli.loading import find_guard, load_app, load_guard
    from watchword.routes.applications import list_routes

    if guard_name is None and app_name is None:
        raise click.UsageError("no guard was named. Use --guard module:attribute, such as --guard project.auth:guard")
    app = None if app_name is None else load_app(app_name)
    guard = find_guard(app) if guard_name is None else load_guard(guard_name)
    return guard, [] if app is None else list_routes(app)


@contextmanager
def _opened(words: tuple[str, ...]) -> Iterator[Reading]:
    """Open the request: the words of a curl command line, a text in quotes, a file, or standard input."""
    from watchword.recorded.curl import is_curl
    from watchword.recorded.reading import read_recorded, read_text, read_words

    if len(words) > 1:
        if not is_curl(words[0]):
            raise click.UsageError(f"REQUEST must be one argument, or a curl command line after --, got {len(words)} arguments")
        yield read_words(words)
    elif words[0] == "-":
        yield read_recorded(_standard_input())
    elif "\n" in words[0] or is_curl(words[0].split(" ", 1)[0]) or words[0].startswith("{"):
        yield read_text(words[0])
    else:
        try:
            file = Path(words[0]).open("rb")  # noqa: SIM115 - closed below
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is no path"
            # The argument may be a token that was pasted in the wrong place, so it is not repeated.
            raise Failure(f"the file of the request cannot be read: {why}", "unreadable", USAGE) from None
        with file:
            yield read_recorded(file)


def _standard_input() -> BinaryIO:
    if sys.stdin is None or sys.stdin.closed:
        raise Failure("standard input is closed. Give the request as a file", "unreadable", USAGE)
    return sys.stdin.buffer


def _chosen(reading: Reading, entry: str | None) -> Recorded:
    """Return the request to explain: the entry that was asked for; else the only one, or the first that was refused."""
    from watchword.recorded import UnreadableRequest

    number = int(entry) if entry is not None and entry.isascii() and entry.isdigit() else None
    first: Recorded | UnreadableRequest | None = None
    count = 0
    for count, one in enumerate(reading.requests, 1):
        if number is not None:
            if count == number:
                return _readable(one)
            continue
        if isinstance(one, UnreadableRequest):
            first = one if first is None else first
            continue
        if entry is not None and entry in f"{one.scheme}://{one.authority}{one.path}":
            return one
        if entry is None and count > 1 and one.status in _REFUSALS:
            return one
        if entry is None and first is not None and not isinstance(first, UnreadableRequest) and first.status in _REFUSALS:
            return first
        first = one if first is None else first
    if entry is None and first is not None and (count == 1 or getattr(first, "status", None) in _REFUSALS):
        return _readable(first)
    if entry is not None:
        raise UnreadableRequest(f"no entry fits --entry: the file has {count}. Write a number up to that, or a part of a URL.")
    what = "no entries" if not count else f"{count} entries, of which none was refused"
    raise UnreadableRequest(f"the file has {what}. Choose one with --entry, or explain all with --all.")


def _readable(one: Recorded | UnreadableRequest) -> Recorded:
    from watchword.recorded import Recorded

    if isinstance(one, Recorded):
        return one
    raise one


def _explain_all(run: Callable[[Recorded], Report], reading: Reading, *, as_json: bool) -> int:
    """Print a line for each request, and return the exit code: that of the first one that does not pass."""
    from watchword.findings.escaping import printable
    from watchword.recorded import UnreadableRequest

    code = 0
    for number, one in enumerate(reading.requests, 1):
        if isinstance(one, UnreadableRequest):
            say_json({"entry": number, "error": str(one)}) if as_json else say(f"{number}: {one}")
            continue
        report = run(one)
        code = code or _code(report)
        if as_json:
            say_json({"entry": number, **report.facts()})
            continue
        decision = report.explanation.decision
        words = [str(report.status or "pass"), one.method, one.path, "" if decision.reason is None else decision.reason.value]
        hint = f": {report.suggestions[0].text}" if report.suggestions else ""
        say(printable(f"{number}: {' '.join(filter(None, words))}{hint}"))
    return code


def _code(report: Report) -> int:
    status = report.status
    return 0 if status is None or status < 400 else REFUSED.get(status, 40)  # noqa: PLR2004 - what the guard answers by itself is no refusal
