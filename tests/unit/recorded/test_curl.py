"""curl command lines. curl itself says what they mean: the same words are given to it, and what it sends is compared."""

from __future__ import annotations

import re
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.each import each
from tests.support.programs import program
from watchword.recorded import Recorded, UnreadableRequest
from watchword.recorded.curl import is_curl, read_curl

URL = "http://127.0.0.1:PORT"
LINES = [
    [URL],
    [f"{URL}/x/../y/./z?q=1&r=%20#fragment"],
    [f"{URL}/%2e%2e/x/..?"],
    [f"{URL}/ü?x"],
    [f"{URL}?x"],
    ["--path-as-is", f"{URL}/x/../y"],
    ["-XDELETE", f"{URL}/x"],
    ["-X", "patch", "-d", "a", URL],
    ["-I", f"{URL}/x"],
    ["-sSLkv", "--max-time", "3", "-o", "/dev/null", "--retry", "0", URL],
    ["-u", "ann:s3cret", URL],
    ["--user", "ü:ä:b", URL],
    ["-u", ":", URL],
    ["http://us%20er:p%40w@127.0.0.1:PORT/"],
    ["-u", "a:b", "http://c:d@127.0.0.1:PORT/"],
    ["-u", "a:b", "--digest", URL],
    ["-u", "a:b", "--anyauth", URL],
    ["-u", "a:b", "--oauth2-bearer", "t0k3n", URL],
    ["-u", "a:b", "-H", "Authorization: Bearer x", URL],
    ["-H", "X-API-Key: k", "-H", "Accept:", "-H", "X-Empty;", "-H", "x-twice: 1", "-H", "X-Twice:   2  ", URL],
    ["-H", "Host: shop.example", "-A", "me/1", "-e", "http://r/;auto", URL],
    ["-b", "a=1", "-b", "b=2; c=3", URL],
    ["-b", "a=1", "-H", "Cookie: z=9", URL],
    ["-d", "a=1", "-d", "b=2", f"{URL}/x"],
    ["--data-raw", "@not a file", "--data-binary", "x\ny", URL],
    ["-d", "", "-H", "Content-Type: application/json", URL],
    ["--json", "{}", "--json", "[]", URL],
    ["-d", "a", "--json", "b", URL],
    ["-G", "-d", "a=1", "--data-urlencode", "b=ü &~", "--data-urlencode", "=c d", "--data-urlencode", "e f", f"{URL}/x?q"],
    ["--get", "-I", "-d", "a", URL],
    ["--url-query", "a=b c", "--url-query", "+raw%20", f"{URL}/x?z"],
    ["--url", f"{URL}/named"],
    ["-F", "a=b", URL],
    ["-r", "0-5", "--compressed", URL],
    ["--request-target", "*", "-X", "OPTIONS", URL],
    ["-g", f"{URL}/[x]"],
    ["--", URL],
]
VARIES = {"user-agent", "accept-encoding", "content-length", "connection", "te"}


@pytest.fixture(scope="module")
def sent() -> dict[tuple[str, ...], bytes]:
    """What curl sends for each of the lines, to a socket that keeps it: all in one run of the fixture."""
    curl = program("curl")
    kept: dict[tuple[str, ...], bytes] = {}
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        port = str(server.getsockname()[1])
        server.settimeout(20)
        for line in LINES:
            taken = pool.submit(take, server)
            words = [word.replace("PORT", port) for word in line]
            done = subprocess.run([curl, "--disable", "--noproxy", "*", *words], capture_output=True, check=False, timeout=20)
            assert done.returncode == 0, done.stderr
            kept[tuple(line)] = taken.result().replace(port.encode(), b"PORT")
    return kept


def take(server: socket.socket) -> bytes:
    """Return one request, and answer it."""
    connection, _ = server.accept()
    with connection:
        connection.settimeout(10)
        data = b""
        while b"\r\n\r\n" not in data and (more := connection.recv(65536)):
            data += more
        length = re.search(rb"(?i)content-length: (\d+)", data)
        while length and len(data.partition(b"\r\n\r\n")[2]) < int(length[1]) and (more := connection.recv(65536)):
            data += more
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    return data


@each("line", LINES)
def test_it_is_read_as_curl_means_it(line: list[str], sent: dict[tuple[str, ...], bytes]) -> None:
    """Method, target, fields and content are those that curl sends."""
    head, _, content = sent[tuple(line)].partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    read = read_curl(("curl", *(word.replace("PORT", "80") for word in line)))
    assert read.method == method
    assert without_case(read.target) == without_case(target)
    fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in rest)]
    mine = [(name.lower(), value.strip()) for name, value in read.headers]
    assert sorted(plain(mine)) == sorted(plain(fields))
    if "-F" not in line:
        assert (read.content or b"") == content


def without_case(target: str) -> str:
    """Versions of curl write escapes in either letter case."""
    return re.sub("%[0-9A-Fa-f]{2}", lambda found: found[0].lower(), target)


def plain(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Fields without what depends on the version of curl, the port and the boundary."""
    return [(name, value.split("; boundary")[0].removesuffix(":PORT")) for name, value in fields if name not in VARIES]


@each(
    ("words", "words_of_error"),
    [
        ([], "no URL"),
        (["a", "b"], "2 URLs"),
        (["--frobnicate", "x"], "option --frobnicate is not known"),
        (["--s3cretMarker=7", "x"], "option is not known"),
        (["-\u00fc"], "option is not known"),
        (["http://x", "-H"], "-H has no value"),
        (["http://x/a b"], "%20"),
        (["http://x/[1-3]"], "--globoff"),
        (["ftp://x/"], "http:// or https://"),
        (["http://[::1"], "malformed"),
        (["http://x:99999/"], "malformed"),
        (["-u", "ann", "http://x"], "password of --user"),
        (["-I", "-d", "x", "http://x"], "--head or --data"),
        (["http://x", "--next", "http://y"], "--next"),
        (["--version"], "sends no request"),
        (["-X", "G ET", "http://x"], "method is no token"),
    ],
)
def test_what_curl_would_not_send_is_an_error(words: list[str], words_of_error: str) -> None:
    """The message says what is wrong, and repeats no value."""
    with pytest.raises(UnreadableRequest, match=re.escape(words_of_error)) as caught:
        read_curl(("curl", *words))
    assert "s3cret" not in str(caught.value)


@each(
    ("words", "note"),
    [
        (["-d", "@/etc/passwd"], "the file of --data is not read"),
        (["--data-binary", "@x"], "the file of --data-binary is not read"),
        (["--data-urlencode", "n@x"], "the file of --data-urlencode is not read"),
        (["-H", "@x"], "the file of --header is not read"),
        (["-b", "jar.txt"], "the cookies in the file of --cookie"),
        (["-K", "x"], "--config"),
        (["-n"], ".netrc"),
        (["-T", "x"], "the file of --upload-file is not read"),
        (["-x", "http://proxy"], "--proxy"),
        (["-F", "a=@x"], "--form"),
        (["--digest", "-u", "a:b"], "only once the server has asked"),
    ],
)
def test_no_file_is_read(words: list[str], note: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command line that somebody sent could name any file. What is missing is said."""
    monkeypatch.setattr("builtins.open", None)
    read = read_curl(("curl", *words, "http://x/"))
    assert any(note in one for one in read.notes)


def test_its_name() -> None:
    """It is known by its path and on Windows; nothing else is."""
    assert all(map(is_curl, ["curl", "/usr/bin/curl", "CURL.EXE", "C:\\x\\curl.exe"]))
    assert not any(map(is_curl, ["curly", "wget", "", "x/curl/y"]))


def test_a_secret_is_in_no_repr() -> None:
    """Neither fields nor the query nor the content show."""
    read = read_curl(("curl", "http://x/?t=s3cret", "-u", "a:s3cret", "-d", "s3cret"))
    assert isinstance(read, Recorded)
    assert "s3cret" not in repr(read)
