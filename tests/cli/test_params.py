"""Times, durations, names and what is printed of them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click
import pytest

from tests.support.command import NOW
from watchword.checkers.key_format import KeyFormat, TokenFormat
from watchword.cli.failures import hide_secrets
from watchword.cli.output import cell, span
from watchword.cli.params import Moment, Name, duration
from watchword.findings.escaping import printable

if TYPE_CHECKING:
    from tests.support.command import Inside


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("30m", 1800), ("12h", 43_200), ("90d", 7_776_000), ("2w", 1_209_600), ("1d12h", 129_600), ("1h30m15s", 5415), ("0s", 0)],
)
def test_durations(text: str, seconds: float) -> None:
    """Numbers with units, from the greatest to the smallest."""
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "90", "d", "1.5h", "-1h", "1h 30m", "30m1h", "1h1h", "1y", "\u0661h", "9999999999d", "never", " 1h", "1h\n"]
)
def test_what_is_no_duration(text: str) -> None:
    """Nothing is guessed at."""
    assert duration(text) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1800000000", 1_800_000_000),
        ("1800000000.5", 1_800_000_000.5),
        ("2030-12-31T18:00:00Z", 1_924_970_400),
        ("2030-12-31T18:00:00+01:00", 1_924_966_800),
        ("2030-12-31", datetime(2030, 12, 31).astimezone().timestamp()),
        ("2030-12-31T18:00", datetime(2030, 12, 31, 18).astimezone().timestamp()),
        ("1h", NOW + 3600),
        ("never", None),
    ],
)
def test_times(ann: Inside, text: str, at: float | None) -> None:
    """Unix seconds, ISO 8601 (local where it names no zone), or so long from now."""
    assert ann.json("key", "create", "ann", "--expires", text)["expires_at"] == at


@pytest.mark.parametrize("text", ["", "tomorrow", "2030-13-01", "3600", "1999-01-01", "0s", "1e9", "inf", "nan", "-1", "9999999999999999"])
def test_what_is_no_time_to_come(ann: Inside, text: str) -> None:
    """What cannot be read, or is over, makes no key; a bare number of seconds is not taken for a duration."""
    assert ann.error("key", "create", "ann", "--expires", text, code=2)[0] == "usage"
    assert ann.json("key", "list") == []


SECRETS = [
    KeyFormat("ww").make().text,
    KeyFormat("acme_live").make().text,
    TokenFormat("wwt").make().text,
    TokenFormat("t").make().text,
    KeyFormat("ww").make().text[:-9],
    TokenFormat("wwt").make().text + "\n",
]


@pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
def test_what_may_be_a_key_is_no_name(secret: str) -> None:
    """Keys and tokens of any prefix, and bad copies of them, are refused where a name is expected, without being shown."""
    with pytest.raises(click.BadParameter) as refused:
        Name().convert(secret, None, None)
    assert secret not in str(refused.value)
    assert hide_secrets(f"there is no {secret!r} here").startswith("there is no '(hidden)")


@pytest.mark.parametrize(
    "name", ["ann", "ann@example.com", "svc_0123456789abcdef0123456789abcdef", "u-1", "auth0|5f7c8ec7c33c6c004bbafe82", "\u00fc ber"]
)
def test_names_that_people_have(name: str) -> None:
    """Ids of the usual forms are names."""
    assert Name().convert(name, None, None) == name
    assert hide_secrets(name) == name


@pytest.mark.parametrize("name", ["", "x" * 1025, "a\0b", "\ud800"])
def test_what_no_store_keeps_is_no_name(name: str) -> None:
    """It is refused on the command line, as a mistake of usage."""
    with pytest.raises(click.BadParameter):
        Name().convert(name, None, None)


def test_a_moment_is_converted_once() -> None:
    """Defaults that are numbers already stay what they are."""
    assert Moment().convert(12.5, None, None) == 12.5


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (86_400, "1 d"), (86_400 * 400, "400 d")]
)
def test_spans(seconds: float, text: str) -> None:
    """How long is said in one unit."""
    assert span(seconds) == text


def test_what_is_stored_does_not_control_the_terminal() -> None:
    """Escape sequences in a label or a name are shown, not obeyed."""
    assert printable("a\x1b[2Jb\u202ec") == "a\\x1b[2Jb\\u202ec"
    assert cell("names", ["ann", "\x9b2J"]) == "ann, \\x9b2J"
    nothing: list[object] = [None, "", [], True, False]
    assert [cell("x", value) for value in nothing] == ["-", "-", "-", "yes", "no"]
    assert cell("expires_at", None) == "never"


def test_a_time_beyond_the_calendar(ann: Inside) -> None:
    """A time that no calendar has is shown as the number that it is."""
    ann("user", "lock", "ann", "--until", "999999999999")
    assert "999999999999" in ann("user", "show", "ann").stdout.replace("1e+12", "999999999999")
