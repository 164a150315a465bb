"""Prints results: one JSON value for programs, or tables and lines for people."""

from __future__ import annotations

import errno
import json
import os
import sys
from typing import TYPE_CHECKING

import click

from watchword.cli.failures import Failure, finish_output
from watchword.cli.params import clock
from watchword.findings.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WHOLE = frozenset({"id", "owner", "subject", "state"})
"""Columns that are never folded: users copy most of them to other commands."""

_WIDEST = 100_000  # characters: wider than any table

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def say(text: str, *, err: bool = False) -> None:
    """Print a line on standard output or, with `err`, on standard error.

    Raises:
        Failure: it could not be written, for example because a disk is full.
    """
    stream = sys.stderr if err else sys.stdout
    if stream is None and not err:  # the descriptor was closed before Python started
        raise Failure("cannot write to standard output: it is closed", "output")
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        click.echo(text.encode(encoding, "backslashreplace").decode(encoding), err=err)
    except OSError as error:
        if error.errno == errno.EPIPE or err:
            raise
        finish_output()
        raise Failure(f"cannot write to standard output: {error.strerror}", "output") from None


def say_json(value: object) -> None:
    """Print a value as one line of JSON in ASCII, which every terminal encoding can show."""
    say(json.dumps(value))


def answer(facts: object, text: str, *, as_json: bool) -> None:
    """Print the result of a command: facts as JSON for programs, or a line of text for people."""
    if as_json:
        say_json(facts)
    else:
        say(text)


def show_facts(facts: Mapping[str, object], *, as_json: bool) -> None:
    """Print one record: as JSON, or one line for each fact."""
    if as_json:
        say_json(facts)
        return
    width = max(map(len, facts), default=0) + 2
    for name, value in facts.items():
        say(f"{_words(name):<{width}}{cell(name, value)}")


def show_table(columns: Sequence[str], rows: Sequence[Mapping[str, object]], nothing: str, *, as_json: bool) -> None:
    """Print records: as JSON, or some columns of them, drawn on a terminal and aligned elsewhere.

    Args:
        columns: the facts that people see.
        rows: the facts of each record, as they go into JSON.
        nothing: the text for an empty list.
        as_json: whether to print JSON.
    """
    if as_json:
        say_json(rows)
        return
    cells = [[cell(column, row[column]) for column in columns] for row in rows]
    if not cells:
        say(nothing)
        return
    titles = [_words(column) for column in columns]
    say(_drawn(titles, cells) if is_fancy() else _aligned(titles, cells))


def is_fancy() -> bool:
    """Tell whether standard output is a terminal that shows colours, and they are not turned off (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in {None, "", "dumb"}


def cell(name: str, value: object) -> str:
    """Return a fact as text. One whose name ends in `_at`, `_until` or `_before` is a time."""
    if value is None:
        return "never" if name == "expires_at" else "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)) and name.endswith(("_at", "_until", "_before")):
        return when(value)
    if isinstance(value, (list, tuple)):
        return printable(", ".join(map(str, value))) or "-"
    return printable(str(value)) or "-"


def when(time: float) -> str:
    """Return Unix seconds as local ISO 8601, and how long ago that was."""
    from datetime import UTC, datetime

    try:
        text = datetime.fromtimestamp(time, UTC).astimezone().isoformat(" ", "seconds")
    except (ValueError, OverflowError, OSError):
        return f"{time:g}"
    distance = time - clock().now()
    return f"{text} ({f'in {span(distance)}' if distance > 0 else f'{span(-distance)} ago'})"


def span(seconds: float) -> str:
    """Return a length of time in its greatest unit."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    return f"{seconds / size:.0f} {unit}"


def _words(name: str) -> str:
    return name.removesuffix("_at").replace("_", " ")


def _aligned(titles: list[str], cells: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in [titles, *cells])


def _drawn(titles: list[str], cells: list[list[str]]) -> str:
    try:
        from rich.box import SIMPLE_HEAD
        from rich.cells import cell_len
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ModuleNotFoundError:
        return _aligned(titles, cells)  # the same content
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold", no_wrap=title in _WHOLE, min_width=cell_len(title))
    for row in cells:
        table.add_row(*map(Text, row))  # not strings: rich would read [brackets] in them as markup
    console = Console()
    # A narrower terminal breaks whole lines, so the id at the beginning of a line can still be copied.
    console.width = max(console.width, console.measure(table, options=console.options.update(max_width=_WIDEST)).minimum)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip("\n")
