"""Defines the commands and their options."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import click

from watchword import __version__
from watchword.cli import INSTALL_DEMO
from watchword.cli.auditing import audit
from watchword.cli.check import check
from watchword.cli.explain import explain
from watchword.cli.failures import Root
from watchword.cli.hashing import hash_
from watchword.cli.importing import import_
from watchword.cli.keys import key
from watchword.cli.probe import probe_
from watchword.cli.reasons import reasons
from watchword.cli.ring import keys
from watchword.cli.routes import routes
from watchword.cli.storing import store
from watchword.cli.tokens import token
from watchword.cli.users import user

if TYPE_CHECKING:
    from types import FrameType

_PORT = 8000  # the default of uvicorn


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="watchword %(version)s")
def cli() -> None:
    """HTTP authentication and authorization: one guard, every stack."""


@cli.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=_PORT, show_default=True, help="The port to listen on. 0 takes any free port."
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on. The default is reachable from this machine alone."
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON with url, users, tokens and keys, and nothing else.")
def demo(port: int, host: str, *, as_json: bool) -> None:
    """Serve a small guarded application, and print commands to try on it.

    Its passwords, tokens and keys are made when it starts and forgotten when it ends. Ctrl-C ends it.
    """
    # From here on an interrupt ends the demo, and is not an error.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    try:
        from watchword.cli.serving import Server, is_local, listen, url_of
    except ModuleNotFoundError as missing:
        if missing.name != "uvicorn":
            raise
        sys.exit(f"watchword demo needs uvicorn, which is not installed: {INSTALL_DEMO}")
    from watchword.cli.demo import make_demo
    from watchword.cli.guide import guide, json_line, log_refusals

    listener = listen(host, port)
    url = url_of(listener)
    made = make_demo()
    text = json_line(made, url) if as_json else guide(made, url)
    if not as_json:
        log_refusals()
    if not is_local(listener):
        click.echo("This is plain http: everyone on this network can read the passwords.", err=True)
    # Printed once connections are accepted: a program that reads the line connects at once.
    server = Server(made.app, listener, started=lambda: click.echo(text))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    server.run()


for _command in (user, key, token, keys, store, hash_, audit, import_, routes, reasons, probe_, explain, check):
    cli.add_command(_command)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
