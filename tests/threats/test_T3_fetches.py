"""T3: a URL that somebody else chose must not make this machine ask its own network."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.support.each import noting
from tests.support.hostile import WORLDS, Server, answering
from watchword import Unavailable
from watchword.fetching import Fetcher, configured_url

if TYPE_CHECKING:
    from tests.support.hostile import Connection

OK = b"{}"


def _resolved(addresses: list[str], _host: str, _port: int) -> list[str]:
    return addresses


def test_T3_a_name_that_changes_its_address_is_not_followed() -> None:  # noqa: N802 - the row
    """The address that was checked is the one that is connected to, though the resolver says another a moment later (DNS rebinding)."""
    with Server(answering(OK)) as good, Server(answering(OK), address="127.0.0.2", port=good.port) as inner:
        for name, work in WORLDS.items():
            with noting(name):
                answers = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]]
                asked: list[str] = []

                def resolve(host: str, _port: int, asked: list[str] = asked, answers: list[list[str]] = answers) -> list[str]:
                    asked.append(host)
                    return answers.pop(0)

                # By https the check comes first, too: the connection would fail at the certificate, after this machine was asked.
                fetcher = Fetcher(allow=["127.0.0.1"], resolve=resolve, timeout=60)
                url = configured_url("x", f"https://rebinding.example:{good.port}/")
                before = good.connections
                with pytest.raises(Unavailable):
                    work(fetcher.get(url))  # it speaks no TLS
                assert (asked, good.connections - before) == (["rebinding.example"], 1)
                with pytest.raises(Unavailable, match=r"127\.0\.0\.2, which is not public"):
                    work(fetcher.get(url))
                assert (len(asked), inner.connections) == (2, 0)


def test_T3_a_redirect_leads_nowhere() -> None:  # noqa: N802 - the row
    """A server that redirects to the metadata of a cloud, or to this machine, is not followed."""
    with Server(answering(OK)) as inner:
        for status in (301, 302, 303, 307, 308):
            for target in ("http://169.254.169.254/latest/meta-data/", f"{inner.url}/", "//127.0.0.1/", "/again"):
                with Server(answering(b"", status, location=target)) as outer:
                    for name, work in WORLDS.items():
                        with noting(status, target, name), pytest.raises(Unavailable, match="redirects are not followed"):
                            work(Fetcher(timeout=60).get(configured_url("x", outer.url)))
                    assert outer.connections == len(WORLDS)
        assert inner.connections == 0


def test_T3_inner_addresses_are_not_asked() -> None:  # noqa: N802 - the row
    """A name of an inner address, in any of its spellings, gets no connection, and a name of both kinds gets none either."""
    with Server(answering(OK), address="127.0.0.1") as inner:
        for addresses in (["127.0.0.1"], ["::ffff:127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::1"], ["0.0.0.0"], ["169.254.169.254"]):
            for name, work in WORLDS.items():
                fetcher = Fetcher(resolve=partial(_resolved, addresses), timeout=60)
                with noting(name, addresses), pytest.raises(Unavailable, match="not public"):
                    work(fetcher.get(configured_url("x", f"https://id.example.com:{inner.port}/")))
        for host in ("0.0.0.0", "2130706433", "127.1", "[::ffff:a9fe:a9fe]"):
            for name, work in WORLDS.items():
                with noting(name, host), pytest.raises(Unavailable):
                    work(Fetcher(timeout=60, allow=["10.0.0.0/8"]).get(configured_url("x", f"https://{host}:{inner.port}/")))
        assert len(inner.requests) == 0


def test_T3_an_answer_is_bounded_in_length_and_time() -> None:  # noqa: N802 - the row
    """A server that sends without an end is left: after the octets that a document may have, or when the time is over."""

    def without_end(connection: Connection, _: object) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + b" " * 1024 + b"\r\n")
        connection.hang()

    def slowly(connection: Connection, _: object) -> None:
        connection.drip(b" ", first=b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")

    for answer, timeout, words in ((without_end, 60.0, "longer than 1000 octets"), (slowly, 0.3, "did not answer")):
        for name, work in WORLDS.items():
            with noting(name, words), Server(answer) as server, pytest.raises(Unavailable, match=words):
                work(Fetcher(timeout=timeout, limit=1000).get(configured_url("x", server.url)))
