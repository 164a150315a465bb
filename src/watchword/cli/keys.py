"""Implements `watchword key`: manages API keys of programs."""

from __future__ import annotations

from typing import Any

import click

from watchword.cli.failures import Section
from watchword.cli.issued import Kind, finite
from watchword.cli.opening import opened
from watchword.cli.params import Duration, Handle, Moment, store_options

KEYS = Kind("key", "owner", "APIKeys", "ww", ("id", "owner", "label", "state", "scopes", "expires_at", "last_used_at"))


@click.group(cls=Section)
def key() -> None:
    """API keys."""


@key.command()
@KEYS.create_options("where it is used", expires="90d")
@click.option(
    "--network", "networks", multiple=True, metavar="CIDR", help="From where it may be used, such as 10.0.0.0/8. May be repeated."
)
@click.option("--not-before", type=Moment(future=False), metavar="TIME", help="From when on it is valid.")
def create(**given: Any) -> None:  # noqa: ANN401 - options
    """Make a key for OWNER, an account or a program, and show it once, on standard output."""
    KEYS.create(**given)


@key.command()
@click.argument("id", type=Handle())
@click.option("--overlap", default="1d", show_default=True, type=Duration(), help="How long the old key still works. 0s: not at all.")
@click.option(
    "--expires", type=Moment(never=True), metavar="TIME", help="When the new one expires.  [default: it lives as long as the old one]"
)
@KEYS.prefix_option
@store_options
def rotate(id: str, overlap: float, expires: float | None, prefix: str, url: str, *, as_json: bool) -> None:  # noqa: A002 - the name in the help
    """Replace a key by a new one, and show it once. Both work for a while."""
    with opened(url) as store:
        made = KEYS.manager(store, prefix).rotate(id, overlap=overlap, expires_at=... if expires is None else finite(expires))
        KEYS.show_created(store, made, as_json=as_json, replaces=id)


KEYS.add_list(key)
KEYS.add_revoke(key)
