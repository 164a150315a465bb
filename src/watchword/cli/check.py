"""Implements `watchword check`: says what is wrong or weak in the configuration of a guard."""

from __future__ import annotations

from os import environ
from typing import TYPE_CHECKING, Literal, cast

import click

from watchword import __version__
from watchword.cli.failures import FAILED, Command
from watchword.cli.output import say, say_json, show_table
from watchword.cli.params import json_option

if TYPE_CHECKING:
    from watchword.findings import Report, Severity

# What platforms set in the environment of each process, by their documentation.
_PLATFORMS = {
    "K_SERVICE": "Google Cloud Run",
    "GAE_ENV": "Google App Engine",
    "DYNO": "Heroku",
    "FLY_APP_NAME": "Fly.io",
    "RENDER": "Render",
    "RAILWAY_ENVIRONMENT_NAME": "Railway",
    "WEBSITE_SITE_NAME": "Azure App Service",
    "AWS_LAMBDA_FUNCTION_NAME": "AWS Lambda",
    "VERCEL": "Vercel",
    "KUBERNETES_SERVICE_HOST": "Kubernetes",
}
_FORMATS = ("text", "json", "junit", "markdown", "sarif")
_COLUMNS = ("row", "level", "outcome", "demands")


@click.command(cls=Command)
@click.option("--guard", "guard_name", metavar="GUARD", help="The guard, as module:attribute.")
@click.option(
    "--app", "app_name", metavar="APP", help="The application: its routes are compared with the rules. Its guard is used without --guard."
)
@click.option(
    "--fail-on",
    default="warning",
    show_default=True,
    type=click.Choice(["error", "warning", "note", "never"]),
    help="Exit with 1 if there is a finding of this severity or a graver one.",
)
@click.option("--ignore", "ignored", multiple=True, metavar="RULE", help="A rule to leave out. May be repeated.")
@click.option("--offline", is_flag=True, help="Ask no server and no store, and try no password.")
@click.option("--format", "form", default="text", show_default=True, type=click.Choice(_FORMATS), help="The format of the report.")
@click.option("--asvs", is_flag=True, help="List the rows of OWASP ASVS 5.0 with their outcome instead.")
@json_option
def check(
    *,
    guard_name: str | None,
    app_name: str | None,
    fail_on: str,
    ignored: tuple[str, ...],
    offline: bool,
    form: str,
    asvs: bool,
    as_json: bool,
) -> None:
    """Say what is wrong or weak in the configuration of a guard, why, and what to do.

    The modules of the guard and of the application are imported, so their code runs. The servers that the configuration names get one or
    two requests each; a few well-known passwords and tokens are tried, which counts as no login.
    """
    from watchword.checkup import CHECKS, Setup, check_guard
    from watchword.cli.loading import find_guard, load_app, load_guard
    from watchword.findings.writing import FORMATS

    known = [one.rule.id for one in CHECKS]
    unknown = [name for name in ignored if name not in known]
    if unknown:
        raise click.UsageError(f"--ignore must be one of {', '.join(known)}, got {unknown[0]!r}")
    if guard_name is None and app_name is None:
        raise click.UsageError("no guard was named. Use --guard module:attribute, such as --guard project.auth:guard")
    app = None if app_name is None else load_app(app_name)
    guard = find_guard(app) if guard_name is None else load_guard(guard_name)
    setup = Setup(guard, guard_name or app_name or "", app, online=not offline, platform=_platform())
    report = check_guard(setup, __version__, ignored=ignored)
    if asvs:
        _show_rows(report, as_json=as_json)
    else:
        say(FORMATS["json" if as_json else form](report).removesuffix("\n"))
    if report.fails(cast("Severity | Literal['never']", fail_on)):
        raise click.exceptions.Exit(FAILED)


def _platform() -> str:
    return next((platform for variable, platform in _PLATFORMS.items() if environ.get(variable)), "")


def _show_rows(report: Report, *, as_json: bool) -> None:
    from watchword.checkup import ROWS

    rows = [{"row": row.id, "level": row.level, "outcome": row.outcome(report), "demands": row.text} for row in ROWS]
    if as_json:
        say_json(rows)
    else:
        show_table(_COLUMNS, rows, "", as_json=False)
