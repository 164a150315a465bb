"""What somebody at a terminal sees and types: real pseudo-terminals."""

from __future__ import annotations

import os
import pty
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support import prepared
from tests.support.command import CHEAP, COMMAND, ENVIRONMENT, STRONG
from watchword import Accepted, BasicCredentials
from watchword.checkers import Accounts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.command import Inside


@dataclass
class Seen:
    """What came of a command at a terminal.

    Args:
        code: its exit code; negative: the signal that ended it.
        text: all that the terminal showed.
    """

    code: int
    text: str


def at_terminal(
    inside: Inside, *arguments: str, answers: Sequence[tuple[str, bytes]] = (), environment: dict[str, str] | None = None
) -> Seen:
    """Run the installed command at a terminal of its own, and type an answer whenever it has shown what it is an answer to."""
    terminal, end = pty.openpty()
    special = {"WATCHWORD_STORE": inside.url, "TERM": "xterm", "COLUMNS": "200", **(environment or {})}
    process = prepared.start(prepared.COMMAND, [COMMAND, *arguments], (end, end, end), ENVIRONMENT | special)
    os.close(end)
    shown, after = "", 0
    waiting = list(answers)
    with suppress(OSError):  # Linux's word for the end of a terminal
        while octets := os.read(terminal, 4096):
            shown += octets.decode(errors="replace")
            if waiting and (found := shown.find(waiting[0][0], after)) >= 0:
                after = found + len(waiting[0][0])
                os.write(terminal, waiting.pop(0)[1])
    os.close(terminal)
    code = process.wait()
    assert waiting == [], shown
    return Seen(code, shown.replace("\r\n", "\n"))


def logs_in(inside: Inside, password: str) -> bool:
    """Whether the application lets ann in."""
    with inside.open() as store:
        return isinstance(Accounts(store, hasher=CHEAP, clock=inside.clock).check(BasicCredentials("ann", password)), Accepted)


FIRST, SECOND = "New password: ", "New password, again: "


def test_a_password_is_asked_for_twice_and_not_shown(inside: Inside) -> None:
    """Whoever looks over the shoulder sees two prompts and nothing else."""
    line = f"{STRONG}\n".encode()
    seen = at_terminal(inside, "user", "add", "ann", answers=[(FIRST, line), (SECOND, line)])
    assert (seen.code, seen.text) == (0, f"{FIRST}\n{SECOND}\nadded 'ann'\n")
    assert logs_in(inside, STRONG)


def test_one_more_try(ann: Inside) -> None:
    """Whoever slips reads why, and may try once more; not a third time."""
    slip, weak = [(FIRST, b"one thing\n"), (SECOND, b"another\n")], [(FIRST, b"password\n"), (SECOND, b"password\n")]
    good = b"Another violet-tractor 77\n"
    seen = at_terminal(ann, "user", "passwd", "ann", answers=[*weak, (FIRST, good), (SECOND, good)])
    assert seen.code == 0
    assert "This is a top-10 common password" in seen.text
    assert logs_in(ann, "Another violet-tractor 77")
    seen = at_terminal(ann, "user", "passwd", "ann", answers=[*slip, *weak])
    assert seen.code == 1
    assert "The entries do not match." in seen.text
    assert seen.text.splitlines()[-1].startswith("Error: ")
    assert logs_in(ann, "Another violet-tractor 77")


@pytest.mark.parametrize(("typed", "code"), [(b"\x03", 130), (b"\x04", 1)])
def test_whoever_gives_up(ann: Inside, typed: bytes, code: int) -> None:
    """Ctrl-C and Ctrl-D at a prompt end the command without a traceback, and change nothing."""
    seen = at_terminal(ann, "user", "passwd", "ann", answers=[(FIRST, typed)])
    assert seen.code == code
    assert "Traceback" not in seen.text
    assert logs_in(ann, STRONG)


@pytest.mark.parametrize(("typed", "code", "left"), [(b"y\n", 0, 0), (b"n\n", 1, 1), (b"\n", 1, 1)])
def test_removal_is_asked_about(ann: Inside, typed: bytes, code: int, left: int) -> None:
    """Only a yes removes."""
    seen = at_terminal(ann, "user", "remove", "ann", answers=[("revoke its keys and tokens? [y/N]: ", typed)])
    assert seen.code == code
    assert len(ann.json("user", "list")) == left


@pytest.mark.parametrize(("environment", "fancy"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_table_at_a_terminal(ann: Inside, environment: dict[str, str], fancy: bool) -> None:  # noqa: FBT001 - a parameter
    """A terminal shows lines and bold titles, unless it cannot, or its owner wants none; labels are never taken for markup."""
    ann("key", "create", "ann", "--label", "[bold]x[/bold]")
    seen = at_terminal(ann, "key", "list", environment=environment)
    assert seen.code == 0
    assert ("\x1b[" in seen.text, "\u2500" in seen.text) == (fancy, fancy)
    assert "[bold]x[/bold]" in re.sub(r"\x1b\[[0-9;]*m", "", seen.text)


@pytest.mark.parametrize("columns", [80, 40])
def test_ids_are_never_folded(ann: Inside, columns: int) -> None:
    """An id is whole on one line however narrow the terminal is, because other commands take it as an argument."""
    made = ann.json("key", "create", "reports@example.org", "--client", "--label", "nightly export", "--scope", "orders:read")
    seen = at_terminal(ann, "key", "list", environment={"COLUMNS": str(columns)})
    lines = re.sub(r"\x1b\[[0-9;]*m", "", seen.text).splitlines()
    assert any(made["id"] in line and "reports@example.org" in line for line in lines)


def test_progress_where_thousands_come(inside: Inside) -> None:
    """A bar goes over the terminal, and is gone at the end; the summary stays."""
    file = inside.path.with_name("users")
    file.write_text("".join(f"user-{number}:{CHEAP.hash('pw')}\n" for number in range(1000)), encoding="utf-8")
    seen = at_terminal(inside, "import", "htpasswd", str(file), "--dry-run")
    assert seen.code == 0
    assert "accounts \u2501" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.text)
    assert "1000 would be added" in seen.text
    file.write_text(f"ann:{CHEAP.hash('pw')}\n", encoding="utf-8")
    assert (
        at_terminal(inside, "import", "htpasswd", str(file), "--dry-run").text
        == "1 would be added, 0 would be updated, 0 unchanged, 0 kept, 0 skipped\n"
    )
