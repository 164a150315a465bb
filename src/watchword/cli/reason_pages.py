"""Writes the page of each reason from the table of reasons, in Markdown. What is written by hand below stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.reason import Reason
from watchword.reasons import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watchword.reason import Secret
    from watchword.reasons import ReasonEntry

END: Final = "<!-- `watchword reasons --write` makes what is above, and keeps what is below. -->\n"
"""The line that ends what is generated."""

INDEX: Final = "index"
"""The name of the page that lists all of them."""

_READERS: Final[dict[Secret, str]] = {"password": "With a password", "token": "With a key or token"}


def write_pages(folder: Path) -> list[str]:
    """Write all pages into a folder, and return the names of those that changed.

    Args:
        folder: takes one file for each reason and `index.md`; it is made if it is missing.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for name in (INDEX, *Reason):
        path = folder / f"{name}.md"
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        after = page_of(name, before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            changed.append(path.name)
    return changed


def page_of(name: str, before: str = "") -> str:
    """Return a page.

    Args:
        name: the code of a reason, or `index`.
        before: the page as it is; what stands below the line that ends what is generated is kept.
    """
    lines = _index() if name == INDEX else _lines(Reason(name))
    return "\n".join([*lines, "", END]) + before.partition(END)[2]


def _index() -> Iterator[str]:
    yield "# Reasons"
    yield ""
    yield "Every refusal has a reason: one code, the same in the body, in the log, in metrics and here."
    yield ""
    yield "| code | title | status | clients see |"
    yield "|---|---|---|---|"
    for reason, entry in REASONS.items():
        told = reason.disclosed_as
        shown = "itself" if told in {None, reason} else f"`{told}`"
        yield f"| [`{reason}`]({reason}.md) | {entry.words.title} | {_statuses(entry)} | {shown} |"


def _lines(reason: Reason) -> Iterator[str]:
    entry, told = REASONS[reason], reason.disclosed_as
    yield f"# `{reason}`"
    yield ""
    yield f"**{entry.words.title}.** Status {_statuses(entry)}."
    yield ""
    if told is not None and told is not reason:
        yield f"Clients see [`{told}`]({told}.md)"
        if entry.words == REASONS[told].words:
            yield "and what stands there: a finer answer would tell which accounts, keys and tokens exist."
            yield ""
            yield from _for_operators(entry)
            return
        yield "unless they have proven their secret and the checker is told to disclose it. Then they read this:"
        yield ""
    yield "## You visit a site"
    yield ""
    yield f"{entry.words.happened} {entry.words.next_step}"
    for secret, words in entry.by_secret.items():
        if (words.title, words.happened, words.next_step) != (entry.words.title, entry.words.happened, entry.words.next_step):
            yield ""
            yield f"{_READERS[secret]}: **{words.title}.** {words.happened} {words.next_step}"
    yield ""
    yield "## You write a client"
    yield ""
    yield entry.words.developer
    for secret, words in entry.by_secret.items():
        if words.developer != entry.words.developer:
            yield ""
            yield f"{_READERS[secret]}: {words.developer}"
    if entry.oauth:
        yield ""
        yield f'The Bearer scheme says `error="{entry.oauth}"`.'
    yield ""
    yield from _for_operators(entry)


def _for_operators(entry: ReasonEntry) -> Iterator[str]:
    yield "## You run the service"
    yield ""
    yield entry.operator
    yield ""
    yield f"The line in the log has the level {entry.level}."


def _statuses(entry: ReasonEntry) -> str:
    return " or ".join(map(str, entry.statuses))


__all__ = ["END", "INDEX", "page_of", "write_pages"]
