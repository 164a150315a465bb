from __future__ import annotations

import gc
import gzip
import ssl
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import httpx2
import pytest

from tests.support.each import each, noting
from tests.support.forks import in_child
from tests.support.hostile import WORLDS, Authority, Connection, Received, Server, answering, response
from watchword import ConfigurationError, Unavailable
from watchword.fetching import Fetcher, configured_url
from watchword.operation import arun, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from watchword.operation import Steps

OK = b'{"keys": []}'
_TLS = ssl.create_default_context()
SOON = 0.3  # seconds: for servers that never end
PATIENT = 60.0  # for those that do


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    """Certificates."""
    with Authority() as made:
        yield made


def test_a_document_is_fetched() -> None:
    """Status, fields and content are those of the server, in all worlds, and the request has nothing in it that was not asked for."""
    with Server(answering(OK, 404, content_type="Application/JWK-set+json; charset=utf-8", x_a="b", set_cookie="a=b")) as server:
        for name, work in WORLDS.items():
            with noting(name):
                fetcher = Fetcher(timeout=PATIENT)
                for _ in range(2):
                    got = work(fetcher.get(configured_url("x", f"{server.url}/keys?a=1"), accept="application/jwk-set+json"))
                    assert (got.status, got.content, got.fields["x-a"], got.is_json) == (404, OK, "b", True)
                    assert got.media_type == "application/jwk-set+json"
                    sent = server.requests[-1]
                    assert (sent.method, sent.target, sent.content) == ("GET", "/keys?a=1", b"")
                    assert sent.fields == {
                        "host": f"127.0.0.1:{server.port}",
                        "user-agent": "watchword",
                        "accept": "application/jwk-set+json",
                        "accept-encoding": "identity",
                        "connection": "close",
                    }
    gc.collect()  # a connection that was left open would be a warning


def test_a_form_is_posted() -> None:
    """A form goes in the content alone, encoded, and fields beside it."""
    with Server(answering(OK)) as server:
        for name, work in WORLDS.items():
            with noting(name):
                form = [("token", "a b&c=ü"), ("token_type_hint", "access_token")]
                operation = Fetcher(timeout=PATIENT).post_form(
                    configured_url("x", server.url), form, fields={"Authorization": "Basic s3cret"}
                )
                assert "s3cret" not in repr(operation)
                assert work(operation).content == OK
                sent = server.requests[-1]
                assert (sent.method, sent.target) == ("POST", "/")
                assert sent.content == b"token=a+b%26c%3D%C3%BC&token_type_hint=access_token"
                assert sent.fields["content-type"] == "application/x-www-form-urlencoded"
                assert sent.fields["authorization"] == "Basic s3cret"


CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
HOSTILE: dict[str, tuple[Callable[[Connection, Received], None], str]] = {
    "redirect": (answering("", 302, location="http://169.254.169.254/s3cret"), "it redirects (302)"),
    "permanent redirect": (answering("", 308, location="https://user:s3cret@x/"), "it redirects (308)"),
    "not modified": (answering("", 304), "it redirects (304)"),
    "gzip bomb": (answering(gzip.compress(bytes(4 << 20)), content_encoding="gzip"), "it is compressed"),
    "two codings": (answering(OK, content_encoding="identity, gzip"), "it is compressed"),
    "unknown coding": (answering(OK, content_encoding="br"), "it is compressed"),
    "too long": (answering(b"x" * ((1 << 20) + 1)), "longer than 1048576 octets"),
    "says that it is long": (lambda connection, _: connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n"), "longer than"),
    "without a length": (lambda connection, _: connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (2 << 20)), "longer than"),
    "chunks": (lambda connection, _: connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK * 40), "longer than"),
    "small chunks": (
        lambda connection, _: connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 20_000),
        "more than 16384 pieces",
    ),
    "a long header": (lambda connection, _: connection.send(b"HTTP/1.1 200 OK\r\nA: " + b"x" * (1 << 20)), "no whole answer"),
    "closes half-way": (lambda connection, _: connection.send(response(OK)[:-3]), "no whole answer"),
    "closes at once": (lambda _connection, _request: None, "no whole answer"),
    "another protocol": (lambda connection, _: connection.send(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "no whole answer"),
    "two lengths": (
        lambda connection, _: connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        "no whole",
    ),
    "a length of many digits": (lambda connection, _: connection.send(response(OK, content_length="9" * 30)), "no whole answer"),
}
ENDLESS: dict[str, Callable[[Connection, Received], None]] = {
    "silence": lambda connection, _: connection.hang(),
    "drips its header": lambda connection, _: connection.drip(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 5000),
    "drips its content": lambda connection, _: connection.drip(b"x", first=response(OK, content_length="99999")),
    "drips empty lines": lambda connection, _: connection.drip(b"HTTP/1.1 100 Continue\r\n\r\n", every=0.001),
}


def test_a_hostile_server_is_an_outage() -> None:
    """Whatever a server sends beside a whole answer within the bounds is an outage with words for the operator, in all worlds."""
    for row, (answer, words) in HOSTILE.items():
        with Server(answer) as server:
            for name, work in WORLDS.items():
                with noting(row, name), pytest.raises(Unavailable) as outage:
                    work(Fetcher(timeout=PATIENT).get(configured_url("x", f"{server.url}/keys?k=s3cret")))
                assert words.removeprefix("it is ") in outage.value.why
                assert outage.value.why.startswith(f"{server.url}/keys: ")
                assert "s3cret" not in outage.value.why
                assert outage.value.retry_after
            assert len(server.requests) == len(WORLDS)
    gc.collect()


def test_an_exchange_has_one_time_limit() -> None:
    """A server that sends an octet now and then does not hold its caller for longer than one that says nothing."""
    for row, answer in ENDLESS.items():
        with Server(answer) as server:
            for name, work in WORLDS.items():
                with noting(row, name), pytest.raises(Unavailable, match=r"did not answer within 0\.3 s"):
                    work(Fetcher(timeout=SOON).get(configured_url("x", server.url)))
    gc.collect()


def test_a_name_that_is_not_resolved_in_time_is_an_outage() -> None:
    """The time limit holds for the resolver too, which cannot be interrupted."""
    ended = threading.Event()

    def resolve(host: str, port: int) -> Sequence[str]:
        ended.wait(60)
        return []

    try:
        for name, work in WORLDS.items():
            with noting(name), pytest.raises(Unavailable, match="did not answer"):
                work(Fetcher(timeout=SOON, resolve=resolve).get(configured_url("x", "https://id.example.com/")))
    finally:
        ended.set()


def test_a_server_that_cannot_be_had_is_an_outage() -> None:
    """A closed port, a name that nobody has and a resolver that fails are outages that name the cause."""

    def broken(host: str, port: int) -> Sequence[str]:
        raise RuntimeError("s3cret")

    cases = [
        (Fetcher(timeout=PATIENT), "http://127.0.0.1:1", "the connection failed"),
        (Fetcher(timeout=PATIENT), "https://nobody.invalid/", "cannot be resolved"),
        (Fetcher(timeout=PATIENT), "https://id..example.com/", "the name id..example.com is none"),
        (Fetcher(timeout=PATIENT, resolve=broken), "https://id.example.com/", "RuntimeError"),
        (Fetcher(timeout=PATIENT, resolve=lambda _host, _port: []), "https://id.example.com/", "has no address"),
    ]
    for fetcher, url, words in cases:
        for name, work in WORLDS.items():
            with noting(name, url), pytest.raises(Unavailable, match=words) as outage:
                work(fetcher.get(configured_url("x", url)))
            assert "s3cret" not in outage.value.why


def test_certificates_are_checked(authority: Authority) -> None:
    """TLS is for the name in the URL: an unknown authority and another name are outages; a name and an address in it are right."""
    resolve = lambda _host, _port: ["127.0.0.1"]  # noqa: E731 - a table of one
    trusting = partial(Fetcher, timeout=PATIENT, allow=["127.0.0.1"], resolve=resolve, tls=authority.client())
    with Server(answering(OK), tls=authority.server("id.example.com", "127.0.0.1")) as server:
        for name, work in WORLDS.items():
            with noting(name):
                for host in ("id.example.com", "127.0.0.1"):
                    assert work(trusting().get(configured_url("x", f"https://{host}:{server.port}/"))).content == OK
                    assert server.requests[-1].fields["host"] == f"{host}:{server.port}"
                for host, fetcher in (("other.example.com", trusting()), ("id.example.com", Fetcher(allow=["127.0.0.1"], resolve=resolve))):
                    before = len(server.requests)
                    with pytest.raises(Unavailable, match="its certificate is not valid"):
                        work(fetcher.get(configured_url("x", f"https://{host}:{server.port}/")))
                    assert len(server.requests) == before
    with Server(answering(OK)) as plain:
        for name, work in WORLDS.items():
            with noting(name), pytest.raises(Unavailable):
                work(trusting().get(configured_url("x", f"https://id.example.com:{plain.port}/")))
            assert not plain.requests


def test_the_next_address_is_tried() -> None:
    """A server with an address that does not answer is reached at its next one."""
    with Server(answering(OK)) as server:
        fetcher = Fetcher(timeout=PATIENT, resolve=lambda _host, _port: ["127.0.0.9", "127.0.0.1"])
        for name, work in WORLDS.items():
            with noting(name):
                assert work(fetcher.get(configured_url("x", f"http://localhost:{server.port}/"))).content == OK


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Neither a proxy nor a password of the environment takes part: they would get the credentials of introspection."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login u password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Server(answering(OK)) as server, Server(answering(OK)) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for work in WORLDS.values():
            work(Fetcher(timeout=PATIENT).get(configured_url("x", server.url)))
        assert (len(server.requests), proxy.connections) == (len(WORLDS), 0)
        assert not any("authorization" in sent.fields for sent in server.requests)


def test_a_child_fetches() -> None:
    """Nothing is shared with the parent: a fetcher that was used before a fork works in the child."""
    with Server(answering(OK)) as server:
        fetcher, url = Fetcher(timeout=PATIENT), configured_url("x", server.url)
        fetcher.get(url).run()

        def work() -> None:
            assert fetcher.get(url).run().content == OK

        assert [in_child(work, "python"), in_child(work, "c")] == [0, 0]
        assert len(server.requests) == 3


@pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")  # both leave it to trio to close what is not read
@each("library", [httpx, httpx2])
def test_a_client_of_the_application_is_taken(library: Any) -> None:
    """A client of httpx or httpx2, sync or async, asks in place of the fetcher's own connections, within the same bounds."""

    def steps(fetcher: Fetcher, url: str) -> Steps[Any]:
        return (yield fetcher.get(configured_url("x", url)))

    async def awaited(fetcher: Fetcher, url: str) -> Any:
        return await arun(steps(fetcher, url))

    async def by_async(url: str) -> Any:
        async with library.AsyncClient(trust_env=False, verify=_TLS) as client:
            fetcher = Fetcher(timeout=PATIENT, client=client)
            assert fetcher.is_async_only
            with pytest.raises(ConfigurationError, match="needs an event loop"):
                run(steps(fetcher, url))
            return await awaited(fetcher, url)

    with library.Client(trust_env=False, verify=_TLS) as client:
        ways: dict[str, Callable[[str], Any]] = {
            "sync": lambda url: run(steps(Fetcher(timeout=PATIENT, client=client), url)),
            "sync, in a thread": lambda url: anyio.run(awaited, Fetcher(timeout=PATIENT, client=client), url),
            "asyncio": lambda url: anyio.run(by_async, url),
            "trio": lambda url: anyio.run(by_async, url, backend="trio"),
        }
        with Server(answering(OK, x_a="b")) as server:
            for name, work in ways.items():
                with noting(name):
                    assert (work(server.url).content, work(server.url).fields["x-a"]) == (OK, "b")
                    assert server.requests[-1].fields["user-agent"] == "watchword"
                    assert server.requests[-1].fields["accept-encoding"] == "identity"
        for row, (answer, words) in HOSTILE.items():
            with Server(answer) as server:
                for name, work in ways.items():
                    with noting(row, name), pytest.raises(Unavailable) as outage:
                        work(server.url)
                    assert words.removeprefix("it is ") in outage.value.why
                assert len(server.requests) == len(ways)
        with Server(ENDLESS["drips its content"]) as server, pytest.raises(Unavailable, match="did not answer"):
            run(steps(Fetcher(timeout=SOON, client=client), server.url))
    gc.collect()


def test_a_client_in_memory_is_taken() -> None:
    """Tests of applications answer without a network."""
    with httpx2.Client(transport=httpx2.MockTransport(lambda _request: httpx2.Response(200, json={"keys": []}))) as client:
        assert Fetcher(client=client).get(configured_url("x", "https://id.example.com/")).run().is_json


@each(
    "arguments",
    [
        {"timeout": 0},
        {"timeout": 61},
        {"timeout": "5"},
        {"limit": 0},
        {"limit": 1.5},
        {"limit": 1 << 30},
        {"allow": "10.0.0.0/8"},
        {"tls": True},
        {"resolve": "1.1.1.1"},
        {"client": object()},
        {"client": httpx2.Client},
        {"client": httpx2.MockTransport(lambda _: httpx2.Response(200))},
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any]) -> None:
    """A mistake is found at construction, and the message names the argument."""
    with pytest.raises(ConfigurationError, match=rf"Fetcher\({next(iter(arguments))}=...\)"):
        Fetcher(**arguments)


def test_what_belongs_to_a_client_is_given_to_it() -> None:
    """Bounds on addresses would hold nothing where another client connects, so they cannot be given there."""
    with httpx2.Client() as client:
        several: list[dict[str, Any]] = [
            {"allow": ["10.0.0.0/8"]},
            {"tls": ssl.create_default_context()},
            {"resolve": lambda _host, _port: []},
        ]
        for arguments in several:
            with pytest.raises(ConfigurationError, match="connects by itself"):
                Fetcher(client=client, **arguments)
