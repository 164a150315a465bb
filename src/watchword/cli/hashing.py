"""Implements `watchword hash`: makes and identifies password hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from watchword.cli.asking import new_password, read_secret
from watchword.cli.failures import Command, Failure
from watchword.cli.output import answer
from watchword.cli.params import cost_options, json_option, weak_option

if TYPE_CHECKING:
    from watchword.checkers.passwords import PasswordHasher


@click.command("hash", cls=Command)
@click.option("--identify", is_flag=True, help="Tell the format and the cost of a hash, and whether it is outdated.")
@weak_option
@cost_options
@json_option
def hash_(*, identify: bool, weak: bool, hasher: PasswordHasher, as_json: bool) -> None:
    """Make the hash of a password, or identify one. Both are asked for, or read from standard input."""
    if identify:
        _identify(hasher, as_json=as_json)
        return
    password = new_password((), weak=weak)
    try:
        made = hasher.hash(password)
    except ValueError as error:
        raise Failure(str(error), "invalid_password") from None
    answer({"hash": made, "profile": hasher.profile(made)}, made, as_json=as_json)


def _identify(hasher: PasswordHasher, *, as_json: bool) -> None:
    given = read_secret("the hash")
    profile = hasher.profile(given)
    if profile is None:
        raise Failure("not a hash of a known format and an accepted cost: it could not be used to log in", "unusable_hash")
    format_, _, cost = profile.partition(" ")
    outdated = hasher.needs_rehash(given)
    new = hasher.profile(hasher.dummy())
    text = f"{profile}: outdated, new hashes are {new}" if outdated else f"{profile}: as new hashes are"
    answer({"format": format_, "cost": cost, "profile": profile, "outdated": outdated, "new_hashes": new}, text, as_json=as_json)
