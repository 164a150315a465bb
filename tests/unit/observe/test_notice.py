"""What happens beside the requests."""

from __future__ import annotations

import logging
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING, get_args

import pytest

from watchword.observe.notice import Hook, Kind, OperatorNotice, log_notice

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS: tuple[Kind, ...] = get_args(Kind)
GOOD_NEWS = {"source_reread", "key_set_refreshed", "console_change"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_is_one_line_in_the_log(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    """To the logger `watchword`: a warning, but for good news; kind, source, subject and detail, in words and as facts."""
    with caplog.at_level(logging.DEBUG):
        log_notice(OperatorNotice(kind, "something happened", subject="ann", source="users.htpasswd"))
    [record] = caplog.records
    assert record.name == "watchword"
    assert record.levelname == ("INFO" if kind in GOOD_NEWS else "WARNING")
    assert record.getMessage() == f"{kind}: users.htpasswd: ann: something happened"
    facts = {"event": kind, "detail": "something happened", "subject": "ann", "source": "users.htpasswd"}
    assert record.__dict__["watchword"] == facts


def test_what_is_not_known_is_left_out_of_the_line(caplog: pytest.LogCaptureFixture) -> None:
    """No empty places between colons; the facts are there all the same."""
    log_notice(OperatorNotice("unusable_hash", "nobody can log in by it", subject="ann"))
    log_notice(OperatorNotice("source_kept", "it is not a file", source="users"))
    assert caplog.messages == ["unusable_hash: ann: nobody can log in by it", "source_kept: users: it is not a file"]
    assert caplog.records[0].__dict__["watchword"]["source"] == ""


@pytest.mark.parametrize("odd", ["a\nb", "a\r\nINFO fake", "a\x1b[2Jb", "a\u2028b", "caf\u00e9", "a\ud800", "%s %d", "a'b\"c\\"])
def test_nothing_in_an_event_writes_a_line_of_its_own(odd: str, caplog: pytest.LogCaptureFixture) -> None:
    """Names and paths come from stores and files: line ends, escapes and what is not ASCII are escaped, and nothing is formatted."""
    log_notice(OperatorNotice("source_line", odd, subject=odd, source=odd))
    [message] = caplog.messages
    assert message.isascii()
    assert message.isprintable()
    assert message == "source_line: " + ": ".join([ascii(odd)[1:-1]] * 3)


def test_an_event_is_a_value() -> None:
    """Frozen, comparable, and without anything to hide in its repr."""
    event = OperatorNotice("source_kept", "it is not a file", source="users")
    assert event == OperatorNotice("source_kept", "it is not a file", source="users")
    assert repr(event) == "OperatorNotice(kind='source_kept', detail='it is not a file', subject='', source='users')"
    with pytest.raises(FrozenInstanceError):
        event.kind = "source_line"  # type: ignore[misc]  # the mistake itself


def test_any_function_of_one_argument_is_a_hook() -> None:
    """A list's `append`, the log, a function of one's own: its argument may be called what it likes."""
    kept: list[OperatorNotice] = []

    def note(what: OperatorNotice) -> None:
        kept.append(what)

    hooks: list[Hook] = [kept.append, note, log_notice]
    for hook in hooks:
        take: Callable[[OperatorNotice], object] = hook
        take(OperatorNotice("source_reread", "2 users"))
    assert len(kept) == 2
