"""Implements `watchword routes`: lists the routes of an application with what guards them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchword.cli.failures import FAILED, WEAKER, Command, Failure
from watchword.cli.output import say, say_json, show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.routes import Change, Finding, GuardedRoute, RouteReport

_COLUMNS = ("methods", "path", "requirement", "from", "schemes", "view")
_FINDING = ("severity", "code", "subject", "detail")
_CHANGE = ("effect", "subject", "before", "after")
_MOST_OCTETS = 64 * 1024 * 1024


@click.command(cls=Command)
@click.argument("app")
@click.option("--guard", "guard_name", metavar="GUARD", help="The guard, as module:attribute, where APP does not show it.")
@click.option("--baseline", metavar="FILE", help="Compare with an earlier report, and exit with 4 if protection got weaker.")
@click.option("--write-baseline", metavar="FILE", help="Write the report to a file, for --baseline.")
@click.option(
    "--fail-on",
    default="high",
    show_default=True,
    type=click.Choice(["high", "medium", "low", "never"]),
    help="Exit with 1 if there is a finding of this severity or a graver one.",
)
@click.option("--ignore", "ignored", multiple=True, metavar="CODE", help="A finding to leave out. May be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one line of JSON.")
def routes(
    app: str,
    *,
    guard_name: str | None,
    baseline: str | None,
    write_baseline: str | None,
    fail_on: str,
    ignored: tuple[str, ...],
    as_json: bool,
) -> None:
    """List the routes of APP with what guards them: an import string such as project.main:app.

    Its modules are imported, so their code runs. No request is served.
    """
    from watchword.cli.loading import find_guard, load_app, load_guard
    from watchword.routes import compare, read_report, write_report
    from watchword.routes.report import CODES, SEVERITIES

    unknown = [code for code in ignored if code not in CODES]
    if unknown:
        raise click.UsageError(f"--ignore must be one of {', '.join(CODES)}, got {unknown[0]!r}")
    before = None if baseline is None else read_report(_read(baseline))
    loaded = load_app(app)
    guard = find_guard(loaded) if guard_name is None else load_guard(guard_name)
    report = guard.check_routes(loaded)
    written = write_report(report)
    findings = [one for one in report.findings if one.code not in ignored]
    changes = () if before is None else compare(before, report)
    if as_json:
        more = {} if before is None else {"changes": [asdict(change) for change in changes]}
        say_json({**written, "findings": [_facts(one) for one in findings], **more})
    else:
        _show(report, findings, changes)
    if write_baseline is not None:
        _write(write_baseline, written)
    if any(change.fails for change in changes):
        raise click.exceptions.Exit(WEAKER)
    grave = SEVERITIES[: SEVERITIES.index(fail_on) + 1] if fail_on in SEVERITIES else ()
    if any(one.severity in grave for one in findings):
        raise click.exceptions.Exit(FAILED)


def _read(path: str) -> Any:  # noqa: ANN401 - of JSON
    try:
        with Path(path).open("rb") as file:
            return json.loads(file.read(_MOST_OCTETS))
    except OSError as error:
        raise Failure(f"{path!r} cannot be read: {error.strerror}. Write it by --write-baseline", "unreadable") from None
    except (ValueError, RecursionError):
        raise Failure(f"{path!r} holds no JSON. Write it by --write-baseline", "unreadable") from None


def _write(path: str, value: object) -> None:
    try:
        Path(path).write_text(json.dumps(value, indent=1) + "\n", encoding="ascii")
    except OSError as error:
        raise Failure(f"{path!r} cannot be written: {error.strerror}", "output") from None


def _facts(finding: Finding) -> dict[str, str]:
    return {name: getattr(finding, name) for name in _FINDING}


def _show(report: RouteReport, findings: Sequence[Finding], changes: Sequence[Change]) -> None:
    show_table(_COLUMNS, _rows(report.routes), "the application has no routes", as_json=False)
    if findings:
        say("")
        show_table(_FINDING, [_facts(one) for one in findings], "", as_json=False)
    if changes:
        say("")
        show_table(_CHANGE, [asdict(one) for one in changes], "", as_json=False)
    for change in changes:
        if change.effect == "weaker" and change.after in {"public", "optional"}:
            say(f"this change made {change.subject} {change.after}", err=True)


def _rows(routes: Sequence[GuardedRoute]) -> list[dict[str, object]]:
    """Return a row for the methods of a route in which the same is in force."""
    rows: dict[tuple[object, ...], list[GuardedRoute]] = {}
    for route in routes:
        rows.setdefault((route.kind, route.host, route.path, route.at, route.endpoint, route.requirement, route.rules), []).append(route)
    return [
        {
            "methods": _methods(alike),
            "path": alike[0].subject,
            "requirement": str(alike[0].requirement),
            "from": " and ".join((*alike[0].rules, *(["view"] if alike[0].view is not None else []))),
            "schemes": ", ".join(alike[0].schemes),
            "view": alike[0].endpoint,
        }
        for alike in rows.values()
    ]


def _methods(alike: Sequence[GuardedRoute]) -> str:
    """Return the methods of a row: those that the framework adds in brackets, and an asterisk for all others."""
    if any(route.method == "*" for route in alike):
        return "*"
    automatic = ", ".join(route.method for route in alike if route.automatic)
    written = ", ".join(route.method for route in alike if not route.automatic)
    return " ".join(filter(None, [written, f"({automatic})" if automatic else ""]))
