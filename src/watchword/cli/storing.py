"""Implements `watchword store`: creates, upgrades and inspects the tables."""

from __future__ import annotations

from dataclasses import asdict
from shlex import quote

import click

from watchword.cli.failures import NO_STORE, Failure, Section
from watchword.cli.opening import opened
from watchword.cli.output import answer, show_facts
from watchword.cli.params import store_options
from watchword.errors import ConfigurationError


@click.group(cls=Section)
def store() -> None:
    """The tables in which everything is kept."""


@store.command()
@store_options
def init(url: str, *, as_json: bool) -> None:
    """Create missing tables. Existing tables are not changed."""
    _migrate(url, "init", ("made a store in {}", "there is a store in {} already"), as_json=as_json)


@store.command()
@store_options
def upgrade(url: str, *, as_json: bool) -> None:
    """Bring the tables of an older version to this one."""
    _migrate(url, "upgrade", ("upgraded the store in {}", "the store in {} is up to date"), as_json=as_json)


@store.command()
@store_options
def status(url: str, *, as_json: bool) -> None:
    """Show the version of the tables, and how much they hold. Exit code 3: they cannot be used as they are."""
    with opened(url, check=False) as opened_store:
        facts = asdict(opened_store.status())
    show_facts(facts, as_json=as_json)
    if facts["state"] != "current":
        raise click.exceptions.Exit(NO_STORE)


def _migrate(url: str, method: str, texts: tuple[str, str], *, as_json: bool) -> None:
    with opened(url, check=False) as opened_store:
        found = opened_store.status()
        if method == "upgrade" and found.state == "empty":
            advice = f"make one with `watchword store init --store {quote(found.url)}`"
            raise Failure(f"there is no store in {found.url} yet: {advice}", "store_unusable", NO_STORE)
        try:
            changed = opened_store.init() if method == "init" else opened_store.upgrade()
        except ConfigurationError as error:
            raise Failure(str(error), "store_unusable", NO_STORE) from None
        found = opened_store.status()
    answer({"changed": changed, **asdict(found)}, texts[0 if changed else 1].format(found.url), as_json=as_json)
