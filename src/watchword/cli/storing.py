"""Implements `watchword store`: creates, upgrades and inspects the tables."""

from __future__ import annotations

from dataclasses import asdict
from shlex import quote

import click

from watchword.cli.failures import NO_STORE, Failure, Section
from watchword.cli.opening import opened
from watchword.cli.output import say, say_json, show_facts
from watchword.cli.params import json_option, store_option
from watchword.errors import ConfigurationError


@click.group(cls=Section)
def store() -> None:
    """The tables in which everything is kept."""


@store.command()
@store_option
@json_option
def init(url: str, *, as_json: bool) -> None:
    """Create missing tables. Existing tables are not changed."""
    _migrate(url, "init", ("made a store in {}", "there is a store in {} already"), as_json=as_json)


@store.command()
@store_option
@json_option
def upgrade(url: str, *, as_json: bool) -> None:
    """Bring the tables of an older version to this one."""
    _migrate(url, "upgrade", ("upgraded the store in {}", "the store in {} is up to date"), as_json=as_json)


@store.command()
@store_option
@json_option
def status(url: str, *, as_json: bool) -> None:
    """Show which version the tables have, and how much is in them. Exit code 3 where they cannot be used as they are."""
    with opened(url, check=False) as opened_store:
        facts = asdict(opened_store.status())
    if as_json:
        say_json(facts)
    else:
        show_facts(facts)
    if facts["state"] != "current":
        raise click.exceptions.Exit(NO_STORE)


def _migrate(url: str, what: str, words: tuple[str, str], *, as_json: bool) -> None:
    with opened(url, check=False) as opened_store:
        found = opened_store.status()
        if what == "upgrade" and found.state == "empty":
            advice = f"make one with `watchword store init --store {quote(found.url)}`"
            raise Failure(f"there is no store in {found.url} yet: {advice}", "store_unusable", NO_STORE)
        try:
            changed = opened_store.init() if what == "init" else opened_store.upgrade()
        except ConfigurationError as error:
            raise Failure(str(error), "store_unusable", NO_STORE) from None
        found = opened_store.status()
    if as_json:
        say_json({"changed": changed, **asdict(found)})
    else:
        say(words[0 if changed else 1].format(found.url))
