"""Which kind of record a text is: command lines of shells, messages, HAR files, and what is none of them."""

from __future__ import annotations

import re
import subprocess
from io import BytesIO

import pytest

from tests.support.each import each
from tests.support.programs import program
from watchword.recorded import Recorded, UnreadableRequest, read_recorded
from watchword.recorded.caret import split_caret_line
from watchword.recorded.reading import MAX_TEXT_OCTETS, read_text
from watchword.recorded.shell import split_words

QUOTED = [
    "a 'b c' \"d e\" f\\ g",
    "a'b'\"c\"d",
    "'' \"\"",
    '"a\\"b\\\\c\\d\\$e"',
    "a \\\n b \\\n'c\\\nd'",
    "$'a\\'b\\n\\t\\\\\\x41\\u00fc\\101\\cA\\e'",
    "a#b #c",
    "'a\nb' c",
    '"a\\\nb"',
    "a$ $'' \"x$\"",
    "a\\'b 'c'\\''d'",
]


@each("text", QUOTED)
def test_words_are_those_of_a_shell(text: str) -> None:
    """The shell bash splits the same text into the same words."""
    done = subprocess.run([program("bash"), "-c", f"printf '%s\\0' {text}"], capture_output=True, check=True)
    assert list(split_words(text).words) == done.stdout.decode().split("\0")[:-1]


@each(
    ("text", "words", "ended_by"),
    [
        ("curl x | jq .", ("curl", "x"), "|"),
        ("curl http://x?a=1&b=2", ("curl", "http://x?a=1"), "&"),
        ("curl x\ncurl y", ("curl", "x"), "a line end"),
        ("curl x\n", ("curl", "x"), ""),
        ("curl x > file", ("curl", "x"), ">"),
        ("curl x \\\r\n -v\r\n", ("curl", "x", "-v"), ""),
    ],
)
def test_a_command_ends_where_a_shell_ends_it(text: str, words: tuple[str, ...], ended_by: str) -> None:
    """What follows is another command."""
    assert (split_words(text).words, split_words(text).ended_by) == (words, ended_by)


@each(
    ("text", "message"),
    [
        ("curl 'x", "within a quote"),
        ('curl "x', "within a quote"),
        ("curl x\\", "within a quote"),
        ("curl $TOKEN", "the variable $TOKEN"),
        ('curl "a ${TOKEN} b"', "the variable ${TOKEN}"),
        ("curl `cat x`", "command substitution"),
        ('curl "$(cat s3cret)"', "command substitution"),
        ("curl $'\\U00110000'", "beyond U+10FFFF"),
    ],
)
def test_what_only_a_shell_knows_is_an_error(text: str, message: str) -> None:
    """A value is not guessed."""
    with pytest.raises(UnreadableRequest, match=re.escape(message)) as caught:
        split_words(text)
    assert "s3cret" not in str(caught.value)


def test_lines_of_windows() -> None:
    """Both forms that browsers write: every special character with a caret, and the older one with plain quotes."""
    new = 'curl ^"https://x/?a=1^&b=^%^20^" ^\r\n  -H ^"X: ^\\^"q^\\^" \\\\^" ^\n  --data-raw ^"^{^\\^"a^\\^":1^}^\n\nend^"'
    assert split_caret_line(new) == ("curl", "https://x/?a=1&b=%20", "-H", 'X: "q" \\', "--data-raw", '{"a":1}\nend')
    old = 'curl "https://x/^y" ^\n -H "A: ""b"""'
    assert split_caret_line(old) == ("curl", "https://x/^y", "-H", 'A: "b"')
    with pytest.raises(UnreadableRequest, match="within a quote"):
        split_caret_line('curl ^"x')


def one(text: str | bytes) -> Recorded:
    """The one request of a text."""
    (found,) = read_recorded(BytesIO(text if isinstance(text, bytes) else text.encode())).requests
    assert isinstance(found, Recorded)
    return found


@each(
    "text",
    [
        "GET /x?q=1 HTTP/1.1\r\nHost: shop.example\r\nX: y\r\n\r\n",
        "GET /x?q=1\nHost: shop.example\nX: y\n",
        "GET https://shop.example/x?q=1 HTTP/2\nX: y",
        ":authority: shop.example\n:method: GET\n:path: /x?q=1\n:scheme: https\nX: y",
        "$ curl https://shop.example/x?q=1 -H 'X: y'",
        "# from the browser\ncurl 'https://shop.example/x?q=1' -H 'X: y' | jq",
        'curl ^"https://shop.example/x?q=1^" -H ^"X: y^"',
        '{"method": "GET", "url": "https://shop.example/x?q=1", "headers": [{"name": "X", "value": "y"}]}',
        '{"request": {"method": "GET", "url": "https://shop.example/x?q=1", "headers": [{"name": "X", "value": "y"}]}}',
    ],
)
def test_one_request_in_every_form(text: str) -> None:
    """The same request comes out."""
    for octets in (text.encode(), b"\xef\xbb\xbf" + text.encode()):
        found = one(octets)
        assert (found.method, found.authority, found.target) == ("GET", "shop.example", "/x?q=1")
        assert ("X", "y") in found.headers


def test_utf_16_is_read() -> None:
    """PowerShell and Notepad write it."""
    assert one("curl https://x/".encode("utf-16")).authority == "x"


@each(
    ("text", "message"),
    [
        ("", "there is no request"),
        ("Invoke-WebRequest -Uri x", "this is PowerShell"),
        ("$session = New-Object X\nInvoke-WebRequest", "this is PowerShell"),
        ("curl.exe x `\n -v", "this is PowerShell"),
        ('fetch("https://x")', "this is JavaScript"),
        ("wget https://x", "command lines of wget"),
        ("http GET x", "command lines of http"),
        ("eyJhbGciOiJIUzI1NiJ9.e30.x", "no curl command line, no HTTP message and no HAR file"),
        ("GET /\nno field", "line 2 of the request is no field"),
        (":method: GET\nx: y", "has no :path"),
        ("[]", "lacks an object"),
        ("{}", "no HAR file"),
        ('{"log": {"entries": [{"request": ', "the file ends in the middle"),
        ('{"a" 1}', "lacks a colon"),
        ('{"a": tru', "the file ends in the middle"),
        ("GET / \n" + "a: b\n" * 10_001, "more than 10000 fields"),
    ],
)
def test_bad_input_is_a_sentence(text: str, message: str) -> None:
    """It says what is wrong and what to do, and repeats nothing."""
    with pytest.raises(UnreadableRequest, match=re.escape(message)) as caught:
        list(read_text(text).requests)
    assert str(caught.value).endswith(".")
    assert "eyJ" not in str(caught.value)


def test_a_long_text_is_refused() -> None:
    """Only a HAR file may be long."""
    with pytest.raises(UnreadableRequest, match="octets"):
        read_text("GET / HTTP/1.1\n\n" + "x" * MAX_TEXT_OCTETS)


def test_a_view_for_the_guard() -> None:
    """The host goes into it, the scheme is that of the record, and a handshake is one."""
    view = one("curl https://x:8443/a?b=c").view(client="192.0.2.7")
    assert (view.scheme, view.client, view.path, view.field("host")) == ("https", "192.0.2.7", "/a", "x:8443")
    assert one("GET /x HTTP/1.1\nUpgrade: websocket").view(scheme="http").is_handshake
    assert one(":method: GET\n:path: /x\n:authority: y").view().field("host") == "y"


def test_halves_of_surrogate_pairs_are_read() -> None:
    """An escape can make one: it is no error of this package."""
    found = one("curl http://x/$'\\ud800' -u $'a:\\udfff' -d $'\\ud800'")
    assert found.target == "/%ed%a0%80".upper().replace("/%ED%A0%80", "/%ED%A0%80")
    assert found.content == b"\xed\xa0\x80"
