"""Implements `watchword reasons`: prints the table of reasons, or all that is known about one of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from watchword.cli.failures import Command, Failure
from watchword.cli.output import say, say_json, show_facts, show_table
from watchword.reason import Reason

if TYPE_CHECKING:
    from watchword.reason import Secret

_COLUMNS = ("code", "status", "title", "client sees")
_SECRETS: tuple[Secret, ...] = ("password", "token")


@click.command(cls=Command)
@click.argument("code", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
@click.option("--write", "folder", metavar="FOLDER", help="Write a page in Markdown for each reason, for Guard(documentation=...).")
def reasons(code: str | None, *, as_json: bool, folder: str | None) -> None:
    """List the reasons of refusals, or explain the reason CODE."""
    if folder is not None:
        if code is not None or as_json:
            raise click.UsageError("--write takes neither CODE nor --json")
        _write(Path(folder))
    elif code is None:
        show_table(_COLUMNS, [facts_of(reason) for reason in Reason], "", as_json=as_json)
    else:
        try:
            facts = facts_of(Reason(code))
        except ValueError:
            raise click.UsageError(f"CODE must be a reason, got {code!r}. `watchword reasons` lists them.") from None
        say_json(facts) if as_json else show_facts({name: fact for name, fact in facts.items() if name != "words"}, as_json=False)


def facts_of(reason: Reason) -> dict[str, object]:
    """Return all that the table says about a reason, ready for JSON.

    Args:
        reason: the reason.
    """
    from dataclasses import asdict

    from watchword.reason import shown
    from watchword.reasons import REASONS
    from watchword.refusal import DOCUMENTATION

    entry = REASONS[reason]
    return {
        "code": reason.value,
        "title": entry.words.title,
        "status": list(entry.statuses),
        "client sees": shown(reason).value,
        "happened": entry.words.happened,
        "next step": entry.words.next_step,
        "developer": entry.words.developer,
        "operator": entry.operator,
        "oauth error": entry.oauth,
        "log level": entry.level,
        "page": DOCUMENTATION.replace("{code}", reason.value),
        "words": {secret: asdict(entry.words_for(secret)) for secret in _SECRETS},
    }


def _write(folder: Path) -> None:
    from watchword.cli.reason_pages import write_pages

    try:
        changed = write_pages(folder)
    except OSError as error:
        raise Failure(f"cannot write the pages into {folder}: {error.strerror}", "output") from None
    say(f"{len(changed)} pages changed in {folder}")
