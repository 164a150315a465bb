"""Implements `watchword keys`: manages the signing keys of an issuer, in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from watchword.cli.failures import Failure, Section
from watchword.cli.output import answer, say_json, show_table
from watchword.cli.params import json_option
from watchword.errors import AlreadyExists, ConfigurationError, Unavailable
from watchword.issuing.key_file import KeyRingFile
from watchword.issuing.key_ring import Algorithm

if TYPE_CHECKING:
    from collections.abc import Callable

_COLUMNS = ("kid", "place", "algorithm", "created_at", "retired_at")

_file = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.group(cls=Section)
def keys() -> None:
    """Signing keys of an issuer of tokens."""


@keys.command()
@_file
@click.option("--create", is_flag=True, help="Make the file, which must not exist.")
@click.option(
    "--algorithm", type=click.Choice(get_args(Algorithm)), default="ES256", show_default=True, help="Of the keys of a file that is made."
)
@json_option
def rotate(file: Path, algorithm: Algorithm, *, create: bool, as_json: bool) -> None:
    """Let the next key of FILE sign, and publish another next one. Running programs follow the file."""
    if create:
        try:
            ring = _tried(lambda: KeyRingFile.create(file, algorithm)).current()
        except AlreadyExists as error:
            raise Failure(f"{error}: leave out --create", "already_exists") from None
    else:
        ring = _tried(lambda: KeyRingFile(file).rotate())
    text = f"{'made' if create else 'rotated'} {file}: {ring.active.kid} signs now"
    answer({"file": str(file), "active": ring.active.kid, "keys": len(ring.keys)}, text, as_json=as_json)


@keys.command("list")
@_file
@json_option
def list_(file: Path, *, as_json: bool) -> None:
    """Show the keys of FILE, and which one signs."""
    ring = _tried(lambda: KeyRingFile(file)).current()
    rows = [{column: getattr(one, column) for column in _COLUMNS} for one in ring.keys]
    show_table(_COLUMNS, rows, "there is no key", as_json=as_json)


@keys.command()
@_file
@json_option
def publish(file: Path, *, as_json: bool) -> None:  # noqa: ARG001 - it prints JSON always
    """Print the public keys of FILE as a JWK Set, for a server that publishes it as a file."""
    say_json(_tried(lambda: KeyRingFile(file)).current().jwks())


def _tried(work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the work returns
    try:
        return work()
    except (ConfigurationError, Unavailable) as error:
        raise Failure(str(error), "unreadable") from None
