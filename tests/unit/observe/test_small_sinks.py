"""The log as a sink, the latest events, and events that name nobody."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import Any

import pytest

from tests.support.core import ask
from tests.support.events import event, refused
from watchword import Bearer, ConfigurationError, Guard, Reason
from watchword.observe import LogEvents, Pseudonyms, Recent, log_to_stderr

PROGRAM = """
from watchword import Bearer, Guard, RequestView
{setup}
guard = Guard(Bearer(lambda _: None), request_id=lambda: "r1")
guard.decide(RequestView("GET", "/orders", client="192.0.2.7"))
"""


@pytest.mark.parametrize(
    ("setup", "lines"),
    [
        ("", 0),
        ("from watchword.observe import log_to_stderr; log_to_stderr()", 1),
        ("from watchword.observe import log_to_stderr; log_to_stderr(); log_to_stderr('INFO')", 1),
        ("import logging; logging.basicConfig(level='INFO')", 1),
        ("import logging; logging.basicConfig(level='INFO'); from watchword.observe import log_to_stderr; log_to_stderr()", 1),
        ("from watchword.observe import log_to_stderr; log_to_stderr('ERROR')", 0),
    ],
)
def test_one_line_shows_the_log(setup: str, lines: int) -> None:
    """Python shows warnings alone where nothing is set up. One line shows each refusal, and once."""
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(setup=setup)], capture_output=True, text=True, check=True)
    assert len(done.stderr.splitlines()) == lines
    assert done.stderr.count("refused challenged: missing_credentials") == lines


def test_a_level_that_does_not_exist_is_refused() -> None:
    """With what to write instead."""
    with pytest.raises(ConfigurationError, match=r"log_to_stderr\(level=\.\.\.\) must be a level of logging, got 'LOUD'. Use \"INFO\""):
        log_to_stderr("LOUD")


def test_every_decision_can_be_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Under `watchword.events`, with the event as facts, and its id."""
    with caplog.at_level(logging.DEBUG, "watchword.events"):
        for one in (event(), refused(Reason.EXPIRED), refused(Reason.UNAVAILABLE, decision="failed"), event(principal="a\nb", client=None)):
            LogEvents()(one)
    assert [record.levelname for record in caplog.records] == ["DEBUG", "INFO", "WARNING", "DEBUG"]
    assert caplog.messages[0] == "granted: rule GET /orders/{id}, principal ann, client 192.0.2.7, request r1"
    assert caplog.messages[1].startswith("challenged.expired: ")
    assert "principal a\\nb, client -," in caplog.messages[3]
    assert caplog.records[1].__dict__["watchword"] == refused(Reason.EXPIRED).as_dict()


def test_no_event_is_made_while_the_log_is_off(caplog: pytest.LogCaptureFixture) -> None:
    """It can be switched on while the guard serves."""
    guard = Guard(Bearer(lambda _: None), on_event=LogEvents())
    with caplog.at_level(logging.CRITICAL, "watchword.events"):
        assert not guard.listens
        guard.decide(ask("/"))
    assert [record for record in caplog.records if record.name == "watchword.events"] == []
    with caplog.at_level(logging.INFO, "watchword.events"):
        assert guard.listens
        guard.decide(ask("/"))
    assert [record.levelname for record in caplog.records if record.name == "watchword.events"] == ["INFO"]


def test_the_latest_events_are_kept_and_no_more() -> None:
    """The newest first."""
    recent = Recent(3)
    for number in range(5):
        recent(event(request_id=f"r{number}"))
    assert [one.request_id for one in recent.latest()] == ["r4", "r3", "r2"]
    assert [one.request_id for one in recent.latest(1)] == ["r4"]
    assert (len(recent), recent.taken) == (3, 5)
    with pytest.raises(ConfigurationError, match=r"Recent\(size=\.\.\.\)"):
        Recent(0)


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("unix:", None),
        (None, None),
    ],
)
def test_a_sink_can_be_told_networks_in_place_of_addresses(client: str | None, network: str | None) -> None:
    """What cannot be read is left out."""
    kept = Recent()
    Pseudonyms(kept, b"k" * 16)(event(client=client))
    assert kept.latest()[0].client == network


def test_a_sink_can_be_told_hashes_in_place_of_principals() -> None:
    """Equal ones are equal under one key; nobody stays nobody; the event itself is unchanged."""
    kept = Recent()
    told = Pseudonyms(kept, b"k" * 16)
    for principal in ("ann", "ann", "bob", ""):
        told(event(principal=principal))
    nobody, bob, again, ann = (one.principal for one in kept.latest())
    assert ann == again == told.hash("ann")
    assert (len(ann), nobody) == (32, "")
    assert ann != bob
    assert "ann" not in ann
    assert Pseudonyms(kept, b"j" * 16).hash("ann") != ann


@pytest.mark.parametrize("odd", [{"key": b"short"}, {"key": "k" * 16}, {"ipv4": 33}, {"ipv6": -1}, {"sink": 7}])
def test_odd_arguments_of_pseudonyms_are_refused(odd: dict[str, Any]) -> None:
    """With the argument that is wrong."""
    given: dict[str, Any] = {"sink": print, "key": b"k" * 16, **odd}
    with pytest.raises(ConfigurationError, match=rf"Pseudonyms\({next(iter(odd))}=\.\.\.\) must be"):
        Pseudonyms(**given)


def test_pseudonyms_are_as_blocking_and_as_enabled_as_their_sink() -> None:
    """The guard treats them as it would treat the sink."""

    class Off:
        blocking = True

        def is_enabled(self) -> bool:
            return False

        def __call__(self, _: object) -> None:
            raise AssertionError

    told = Pseudonyms(Off(), b"k" * 16)
    assert told.blocking
    assert not told.is_enabled()
    assert Pseudonyms(print, b"k" * 16).is_enabled()
