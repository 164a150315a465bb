"""`watchword probe` over real connections: bounds, hostile servers, credentials that go nowhere else and are never printed."""

from __future__ import annotations

import base64
import json
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import click
import pytest
from click.testing import CliRunner

from tests.support.hostile import Authority, Connection, Received, Server, answering, response
from watchword.cli.commands import cli
from watchword.probe import MOST_REQUESTS, MOST_SECONDS
from watchword.testing import basic_auth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

FORMATS = ("text", "json", "junit", "markdown", "sarif")
PASSWORD = "fK7!violet&tractor+münchen"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4iLCJleHAiOjE3MDAwMDAwMDB9.c2VjcmV0LXNpZ25hdHVyZS1vZi0zMi1vY3RldHMh"
REFUSED = answering(status=401, www_authenticate='Basic realm="orders"', content="no")
GONE_ON = re.compile(r"\d+ of at most (\d+)")


def run(*arguments: str, given: str = "", code: int = 0) -> Result:
    """Run the command in this process, and see to it that it ends as it should."""
    result = CliRunner().invoke(cli, ["probe", *arguments], input=given, prog_name="watchword")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def refused(*arguments: str, given: str = "") -> str:
    """Run the command where it cannot probe: exit code 2, one line of error, and nothing else."""
    result = run(*arguments, given=given, code=2)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


@contextmanager
def serving(answer: Callable[[Connection, Received], None], **options: Any) -> Iterator[Server]:
    """A server on this machine."""
    with Server(answer, **options) as server:
        yield server


# --- bounds


def test_the_help_states_the_bounds() -> None:
    """The numbers of the help are those that hold."""
    text = " ".join(run("--help").stdout.split())
    assert f"At most {MOST_REQUESTS} requests are sent, within {MOST_SECONDS:g} seconds" in text


@pytest.mark.parametrize("mcp", [False, True])
def test_no_more_requests_are_sent_than_the_help_says(mcp: bool) -> None:  # noqa: FBT001 - a parameter
    """Counted at a server that leads to as many requests as it can: redirects, all schemes, metadata, and credentials that it accepts."""

    def answer(connection: Connection, received: Received) -> None:
        here = f"http://127.0.0.1:{server.port}"
        path = received.target
        if path.startswith("/.well-known/"):
            connection.send(response(json.dumps({"resource": f"{here}/a/"})))
        elif received.method == "GET" and path in {"/a", "/a/", "/a//"}:
            connection.send(response(status=301, location=f"{here}{path}/"))
        elif received.fields.get("authorization", "").startswith("Bearer right"):
            connection.send(response("{}"))
        else:
            offered = (
                f'Basic realm="a", Bearer resource_metadata="{here}/.well-known/oauth-protected-resource/a/", Digest realm="a", ApiKey'
            )
            connection.send(response(status=401, www_authenticate=offered))

    with serving(answer) as server:
        options = ["--mcp"] if mcp else []
        result = run(f"{server.url}/a", "--bearer", "--fail-on", "never", *options, given="right-token\n")
        assert len(server.requests) == (MOST_REQUESTS if mcp else MOST_REQUESTS - 3)
        assert f"requests{' ' * 10}{len(server.requests)} of at most {MOST_REQUESTS}" in result.stdout
        methods = {received.method for received in server.requests}
        assert methods == {"GET", "HEAD", "OPTIONS", "TRACE"} | ({"POST"} if mcp else set())


ENDLESS = b"HTTP/1.1 401 X\r\nContent-Type: text/plain\r\n\r\n"
CHUNKED = b"HTTP/1.1 401 X\r\nTransfer-Encoding: chunked\r\n\r\n"


def endless(head: bytes, piece: bytes) -> Callable[[Connection, Received], None]:
    """An answer that does not end."""

    def answer(connection: Connection, _: Received) -> None:
        connection.send(head)
        while not connection.stopping.is_set():
            try:
                connection.socket.sendall(piece)
            except OSError:
                return

    return answer


HOSTILE: dict[str, tuple[Callable[[Connection, Received], None], str]] = {
    "endless content": (endless(ENDLESS, b"x" * 65536), "longer than 262144 octets"),
    "endless chunks": (endless(CHUNKED, b"1\r\nx\r\n" * 1000), "longer than 262144 octets"),
    "endless head": (endless(b"HTTP/1.1 401 X\r\n", b"X-Bomb: x\r\n" * 1000), "no whole answer"),
    "endless line": (endless(b"HTTP/1.1 401 X\r\nX-Bomb: ", b"x" * 65536), "no whole answer"),
    "endless 1xx": (endless(b"", b"HTTP/1.1 103 Early\r\n\r\n" * 100), "did not answer within"),
    "drip of the head": (lambda connection, _: connection.drip(b"X", first=b"HTTP/1.1 401 X\r\nX-Drip: "), "did not answer within"),
    "drip of the content": (lambda connection, _: connection.drip(b"x", first=ENDLESS), "did not answer within"),
    "silence": (lambda connection, _: connection.hang(), "did not answer within"),
    "closed": (lambda _, __: None, "no whole answer"),
    "not HTTP": (lambda connection, _: connection.send(b"220 mail.example.com ESMTP\r\n"), "no whole answer"),
    "another HTTP": (lambda connection, _: connection.send(b"HTTP/9.9 999999 X\r\n\r\n"), "no whole answer"),
    "a wrong length": (lambda connection, _: connection.send(b"HTTP/1.1 401 X\r\nContent-Length: -1\r\n\r\n"), "no whole answer"),
    "content that is cut": (lambda connection, _: connection.send(b"HTTP/1.1 401 X\r\nContent-Length: 9\r\n\r\nx"), "no whole answer"),
    "a loop of redirects": (answering(status=302, location="/orders"), "in a circle"),
    "a long loop of redirects": (
        lambda connection, received: connection.send(response(status=302, location="/b" if received.target != "/b" else "/c")),
        "in a circle",
    ),
    "redirects without end": (
        lambda connection, received: connection.send(response(status=302, location=f"{received.target}/")),
        "redirects more than 3 times",
    ),
    "10,000 challenges in one field": (
        answering(status=401, www_authenticate=", ".join(f'Basic realm="{number}"' for number in range(3000))),
        "longer than 8192 octets",
    ),
    "10,000 challenges": (
        lambda connection, _: connection.send(b"HTTP/1.1 401 X\r\nContent-Length: 0\r\n" + b"WWW-Authenticate: A\r\n" * 10_000 + b"\r\n"),
        "no whole answer",
    ),
    "1,000 challenges": (
        lambda connection, _: connection.send(b"HTTP/1.1 401 X\r\nContent-Length: 0\r\n" + b"WWW-Authenticate: A\r\n" * 1000 + b"\r\n"),
        "more than 64 fields",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_is_bounded(name: str) -> None:
    """Exit code 2 and one clear line, within the time-out, and with a bounded number of requests."""
    answer, words = HOSTILE[name]
    with serving(answer) as server:
        began = time.monotonic()
        message = refused(f"{server.url}/orders", "--timeout", "0.3" if words.startswith("did not") else "30")
        assert time.monotonic() - began < 30
        assert words in message
        assert f"http://127.0.0.1:{server.port}/" in message
        assert len(server.requests) <= 4


def test_a_server_that_falls_silent_later_is_asked_three_times_more() -> None:
    """After three failures no further request is sent; the report says what could be seen."""

    def answer(connection: Connection, _: Received) -> None:
        if len(server.requests) == 1:
            connection.send(response(status=401, www_authenticate='Basic realm="a"'))

    with serving(answer) as server:
        result = run(f"{server.url}/orders", "--timeout", "0.5")
        assert len(server.requests) == 4
        assert "requests  4 of" in result.stdout


def test_a_stream_that_is_served_costs_nothing() -> None:
    """The content of a success is not read: a stream of events does not end."""
    head = b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\n\r\n"
    with serving(lambda connection, _: connection.drip(b"data: x\n\n", first=head)) as server:
        run(f"{server.url}/events", "--timeout", "60")
        assert len(server.requests) == 9


def test_an_invalid_certificate_is_named(tmp_path: Path) -> None:
    """Exit code 2, and the message says how to trust a private authority; with --cafile it is trusted."""
    with Authority() as authority:
        with serving(REFUSED, tls=authority.server("127.0.0.1")) as server:
            message = refused(f"{server.url}/orders")
            assert "certificate is not valid" in message
            assert "--cafile FILE" in message
            assert server.requests == []
            cafile = tmp_path / "ca.pem"
            cafile.write_text(authority.pem(), encoding="ascii")
            run(f"{server.url}/orders", "--cafile", str(cafile))
            assert len(server.requests) == 10
        with serving(REFUSED, tls=authority.server("other.example")) as server:
            assert "certificate is not valid" in refused(f"{server.url}/orders", "--cafile", str(cafile))
    assert "--cafile cannot be read" in refused("https://127.0.0.1:1/", "--cafile", str(tmp_path / "missing.pem"))


def test_what_cannot_be_reached_is_named() -> None:
    """No server, no such name, TLS where none is spoken."""
    with serving(REFUSED) as server:
        assert "the connection failed" in refused(f"https://127.0.0.1:{server.port}/")
        port = server.port
    assert "the connection failed: Connection refused" in refused(f"http://127.0.0.1:{port}/")
    assert "cannot be resolved" in refused("http://nobody.invalid/")


@pytest.mark.parametrize(
    "url", ["api.example.com", "ftp://api.example.com/", "https://", "https://api.example.com:99999/", "https://ex ample/"]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    """The message says what a URL looks like."""
    assert "must be an http or https URL" in refused(url)


# --- credentials


@contextmanager
def hidden(*secrets: str) -> Iterator[Callable[[Result], None]]:
    """Yield what sees to it that no form of a secret is in a result."""

    def check(result: Result) -> None:
        for secret in secrets:
            octets = secret.encode()
            for form in (
                secret,
                quote(secret),
                quote(secret, safe=""),
                base64.b64encode(octets).decode().rstrip("="),
                json.dumps(secret)[1:-1],
            ):
                assert form not in result.output

    yield check


def repeating(connection: Connection, received: Received) -> None:
    """A server that repeats what it was sent, in each way in which servers do."""
    sent = next((received.fields[name] for name in ("authorization", "x-api-key", "cookie") if name in received.fields), "")[:400]
    scheme, _, value = sent.partition(" ")
    plain = sent
    if scheme == "Basic":
        try:
            plain = base64.b64decode(value).decode()
        except ValueError:
            plain = value
    safe = plain.encode("latin-1", "replace").decode("latin-1").replace('"', "").replace("\\", "")
    challenge = (
        f'Bearer realm="{safe}", error="invalid_token", error_description="{value or sent} {quote(plain)}", Basic realm={value or sent}'
    )
    body = json.dumps({"detail": f"{plain} {value} {quote(plain)} {sent}", "title": plain, "status": plain, "type": plain})
    octets = response(
        body,
        status=401,
        www_authenticate=challenge,
        content_type="application/problem+json",
        retry_after=safe,
        set_cookie=f"{safe}; Path=/x",
    )
    connection.send(octets)


@pytest.mark.parametrize("format_", FORMATS)
def test_credentials_are_in_no_output(format_: str) -> None:
    """Of a server that repeats them in challenges, problems, cookies and redirects."""
    for options, secret in (
        (["--user", "ann"], PASSWORD),
        (["--bearer"], TOKEN),
        (["--bearer"], "opaque-token-1234"),
        (["--key"], "ww_key_1234567890"),
        (["--cookie", "session"], "c0ffee-c0ffee-c0ffee"),
    ):
        with serving(repeating) as server, hidden(secret, *(TOKEN.split(".")[1:] if secret == TOKEN else ())) as check:
            result = run(f"{server.url}/orders", *options, "--format", format_, "--fail-on", "never", given=f"{secret}\n")
            sent = [
                received
                for received in server.requests
                if secret in str(received.fields) or base64.b64encode(f"ann:{secret}".encode()).decode() in str(received.fields)
            ]
            assert sent or secret == PASSWORD
            check(result)


def test_credentials_are_in_no_error() -> None:
    """Of failures of any kind, and with a short secret, which words of the report hold by chance."""
    for answer, _ in (HOSTILE["closed"], HOSTILE["not HTTP"], HOSTILE["1,000 challenges"]):
        with serving(answer) as server, hidden(PASSWORD, TOKEN) as check:
            for options in (["--user", "ann"], ["--bearer"]):
                check(
                    run(
                        f"{server.url}/orders",
                        *options,
                        "--timeout",
                        "0.5",
                        given=f"{TOKEN if options == ['--bearer'] else PASSWORD}\n",
                        code=2,
                    )
                )
                check(run(f"{server.url}/orders", *options, "--json", "--timeout", "0.5", given=f"{PASSWORD}\n", code=2))
    with serving(repeating) as server:
        text = run(f"{server.url}/orders", "--bearer", "--fail-on", "never", given="xq\n").stdout
        assert '"xq' not in text
        assert "xq " not in text


def test_a_bug_shows_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback of a failure inside holds no credentials, nor do the frames that it shows in words."""
    import traceback

    from watchword.probe import probing

    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(probing, "_check_bounds", broken)
    with serving(REFUSED) as server, hidden(PASSWORD):
        result = CliRunner().invoke(cli, ["probe", f"{server.url}/orders", "--user", "ann"], input=f"{PASSWORD}\n")
        assert isinstance(result.exception, RuntimeError)
        frames = [
            frame for frame, _ in traceback.walk_tb(result.exception.__traceback__) if "/watchword/probe/" in frame.f_code.co_filename
        ]
        shown = "".join(repr(frame.f_locals) for frame in frames)
        assert "ask" in shown
        assert "seen" in shown
        assert PASSWORD not in shown
        assert base64.b64encode(f"ann:{PASSWORD}".encode()).decode() not in shown


def test_credentials_in_a_url_are_refused_and_not_shown() -> None:
    """A URL with a user name is no way to give credentials: the list of processes and the history show it."""
    message = refused(f"https://ann:{quote(PASSWORD)}@api.example.com/")
    assert "pass --user" in message
    assert quote(PASSWORD) not in message
    with serving(REFUSED) as server:
        text = run(f"{server.url}/orders?access_token=s3cret-token-0815").stdout
        assert "s3cret" not in text
        assert "query-credentials" in text


def test_credentials_stay_off_plain_http() -> None:
    """Off this machine they are refused before they are asked for; --insecure is the way out."""
    for option in (["--user", "ann"], ["--bearer"], ["--key"], ["--cookie", "session"]):
        message = refused("http://api.example.com/orders", *option)
        assert "plain http" in message
        assert "--insecure" in message
    assert "cannot be resolved" in refused("http://nobody.invalid/orders", "--bearer", "--insecure", given="token-1234\n")


def test_only_one_kind_of_credentials_is_tried() -> None:
    """Two options are an error, and so is an empty answer."""
    assert "--user and --bearer cannot be given together" in run("https://api.example.com/", "--user", "ann", "--bearer", code=2).stderr
    assert "Standard input is empty" in run("https://api.example.com/", "--bearer", code=1).stderr


def test_credentials_follow_no_redirect_to_another_origin() -> None:
    """Neither to another port, which is another origin, nor to another host; and the redirect is the finding."""
    for host, asked in (("127.0.0.1", True), ("localhost", False)):
        with serving(REFUSED) as other, serving(answering(status=307, location=f"http://{host}:{other.port}/orders")) as server:
            result = run(f"{server.url}/orders", "--bearer", "--fail-on", "never", given=f"{TOKEN}\n")
            assert "redirects to another origin" in result.stdout
            assert all(TOKEN not in str(received.fields) for received in other.requests)
            assert bool(other.requests) is asked
    with serving(REFUSED) as server:
        run(f"{server.url}/orders", "--user", "ann", given=f"{PASSWORD}\n", code=1)
        field = basic_auth("ann", PASSWORD)["Authorization"]
        assert [received.fields.get("authorization") for received in server.requests].count(field) == 1


# --- formats and exit codes


def test_each_format_can_be_read() -> None:
    """JSON is one value, JUnit is XML, SARIF names its version; --json is short for the first."""
    with serving(REFUSED) as server:
        url = f"{server.url}/orders"
        facts = json.loads(run(url, "--format", "json").stdout)
        assert json.loads(run(url, "--json").stdout).keys() == facts.keys()
        assert facts["tool"] == "watchword probe"
        assert ET.fromstring(run(url, "--format", "junit").stdout).tag == "testsuites"  # noqa: S314 - made here
        assert json.loads(run(url, "--format", "sarif").stdout)["version"] == "2.1.0"
        assert run(url, "--format", "markdown").stdout.startswith("# watchword probe")


def test_the_exit_code_follows_the_gravest_finding() -> None:
    """0 without a finding of --fail-on, else 1; errors as JSON with --json."""
    with serving(answering(status=401, www_authenticate="Basic")) as server:
        run(f"{server.url}/orders", code=1)
        run(f"{server.url}/orders", "--fail-on", "never")
    with serving(answering(status=401, www_authenticate='Basic realm="a"', cache_control="public, max-age=9")) as server:
        run(f"{server.url}/orders")
        run(f"{server.url}/orders", "--fail-on", "warning", code=1)
    result = run("http://nobody.invalid/", "--json", code=2)
    assert json.loads(result.stderr)["code"] == "no_answer"


def test_every_option_is_described() -> None:
    """Each option has a help text."""
    command = cli.commands["probe"]
    assert all(isinstance(option, click.Argument) or option.help for option in command.params)
