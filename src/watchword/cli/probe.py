"""Implements `watchword probe`: looks at a server from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import click

from watchword.cli.asking import read_secret
from watchword.cli.failures import FAILED, USAGE, Command, Failure, missing_package
from watchword.cli.output import say
from watchword.cli.params import Name

if TYPE_CHECKING:
    import ssl

    from watchword.findings import Report
    from watchword.probe import Presented, Target, Transport

_LIMIT = 1 << 18  # octets of the content of a refusal
_FORMATS = ("text", "json", "junit", "markdown", "sarif")


@click.command("probe", cls=Command)
@click.argument("url")
@click.option("--user", type=Name(), metavar="NAME", help="Try this name; the password is asked for.")
@click.option("--bearer", "as_bearer", is_flag=True, help="Try a token, which is asked for.")
@click.option("--key", "as_key", is_flag=True, help="Try an API key, which is asked for.")
@click.option("--key-field", default="X-API-Key", show_default=True, metavar="FIELD", help="The header field of --key.")
@click.option("--cookie", "cookie_name", type=Name(), metavar="NAME", help="Try the cookie of this name; its value is asked for.")
@click.option("--mcp", is_flag=True, help="Check what clients of the Model Context Protocol need, too.")
@click.option("--insecure", is_flag=True, help="Send credentials over plain http to another machine, where the network can read them.")
@click.option("--cafile", type=click.Path(), help="Trust the authorities in this file (PEM), for servers of a private one.")
@click.option(
    "--timeout", type=click.FloatRange(min=0.1, max=60), default=10.0, show_default=True, help="Seconds for a request and its response."
)
@click.option("--format", "format_", type=click.Choice(_FORMATS), default="text", show_default=True, help="The form of the report.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json, and errors as JSON.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "note", "never"]),
    default="error",
    show_default=True,
    help="Exit with 1 if there is a finding of this severity or a graver one.",
)
def probe_(url: str, *, mcp: bool, cafile: str | None, timeout: float, format_: str, as_json: bool, fail_on: str, **given: Any) -> None:  # noqa: ANN401 - options
    """Look at the server at URL from outside: why a caller is refused there, and how well its refusals follow the standards.

    At most 21 requests are sent, within 60 seconds, to the host of URL alone. They are GET, HEAD, OPTIONS and TRACE, and with --mcp POST of
    a request that opens a session. The credentials in them are made up. They stand in the log of the server with the word watchword-probe,
    as up to five failed logins.

    Credentials to try are asked for, or read from the first line of standard input. They are sent to the origin of URL alone, and are
    never printed.

    Exit code: 0, or 1 if there is a finding of --fail-on, or 2 if the server does not answer within the bounds.
    """
    from watchword.errors import ConfigurationError
    from watchword.findings.writing import FORMATS
    from watchword.probe import Target, probed_url

    try:
        typed = probed_url(url)
    except ConfigurationError as error:
        raise Failure(str(error), "usage", USAGE) from None
    report = report_on(Target(typed, _presented(Target(typed), **given), mcp), timeout, cafile)
    say(FORMATS["json" if as_json else format_](report).rstrip("\n"))
    if report.fails(cast("Any", fail_on)):
        raise click.exceptions.Exit(FAILED)


def report_on(target: Target, timeout: float = 10, cafile: str | None = None) -> Report:
    """Probe a target over the network.

    Raises:
        Failure: the server does not answer within the bounds.
    """
    from watchword import __version__
    from watchword.clock import ticks
    from watchword.errors import Unavailable
    from watchword.probe import probe

    try:
        return probe(target, _transport(timeout, cafile), version=__version__, ticks=ticks)
    except Unavailable as error:
        message = str(error)
    # Outside of the except clause: the frames of the exception hold the credentials.
    raise Failure(message, "no_answer", USAGE)


def _presented(
    target: Target, *, insecure: bool, user: str | None, as_bearer: bool, as_key: bool, key_field: str, cookie_name: str | None
) -> Presented | None:
    """Return the credentials to try. They are asked for after all that can be refused without them."""
    from watchword.probe import api_key, basic, bearer, cookie

    chosen = [name for name, given in (("--user", user), ("--bearer", as_bearer), ("--key", as_key), ("--cookie", cookie_name)) if given]
    if len(chosen) > 1:
        raise click.UsageError(f"{' and '.join(chosen)} cannot be given together. Probe with each of them in turn")
    if not chosen:
        return None
    if not (target.is_safe or insecure):
        raise Failure(
            f"{target.url} is plain http to another machine: the network can read credentials. Use https, or pass --insecure",
            "insecure",
            USAGE,
        )
    if user:
        return basic(user, read_secret("the password"))
    if as_bearer:
        return bearer(read_secret("the token"))
    if as_key:
        return api_key(key_field, read_secret("the key"))
    return cookie(str(cookie_name), read_secret("the cookie"))


def _transport(timeout: float, cafile: str | None) -> Transport:
    from watchword.client import ResponseView
    from watchword.clock import SystemClock
    from watchword.probe import Exchange

    try:
        from watchword.fetching.raw import RawClient, RawRequest
    except ModuleNotFoundError:
        raise missing_package("watchword probe needs httpcore2", "http") from None
    client = RawClient(timeout, _LIMIT, tls=_trust(cafile), authority="pass --cafile FILE with its authority")
    clock = SystemClock()

    def send(ask: Any) -> Exchange:  # noqa: ANN401 - an Ask
        request = RawRequest(ask.method, ask.url, ask.fields, ask.content, ask.host, ask.reads)
        response = client.exchange(request)
        if response.failure:
            return Exchange(ask, failure=response.failure)
        fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.fields)
        return Exchange(ask, ResponseView(response.status, fields, response.content, ask.url.text), at=clock.now())

    return send


def _trust(cafile: str | None) -> ssl.SSLContext | None:
    if cafile is None:
        return None
    import ssl

    try:
        return ssl.create_default_context(cafile=cafile)
    except OSError as error:  # an SSLError is one
        raise Failure(f"--cafile cannot be read: {error.strerror}. It must be a file in PEM", "unreadable", USAGE) from None
