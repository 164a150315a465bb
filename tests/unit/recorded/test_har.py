"""HAR files: of any length, whole or half-written."""

from __future__ import annotations

import json
import random
import tracemalloc
from typing import Any, BinaryIO, cast

import pytest

from tests.support.each import each
from watchword.recorded import Recorded, UnreadableRequest
from watchword.recorded.har import read_har
from watchword.recorded.json_stream import JSONStream, TooLong


class Pieces:
    """A file that hands out its text in pieces of a size."""

    def __init__(self, text: bytes, size: int) -> None:
        self.text, self.size, self.at = text, size, 0

    def read(self, _: int) -> bytes:
        """The next piece."""
        piece = self.text[self.at : self.at + self.size]
        self.at += self.size
        return piece


def pieces(value: object, size: int = 7) -> BinaryIO:
    """A value, or a text, as such a file."""
    return cast("BinaryIO", Pieces(value if isinstance(value, bytes) else json.dumps(value).encode(), size))


def entry(number: int = 1, **more: Any) -> dict[str, Any]:
    """An entry as browsers write it."""
    request = {"method": "GET", "url": f"https://x/{number}", "headers": [{"name": "Cookie", "value": "a=b"}], "cookies": [], "bodySize": 0}
    content = {"text": 'he said "{[\\"' * 3, "size": 9}
    return {"startedDateTime": "2023-11-14T22:13:20Z", "request": request, "response": {"content": content, "status": 401}, **more}


@each("size", [1, 2, 3, 7, 64, 100_000])
def test_entries_are_read(size: int) -> None:
    """However the text is cut, each entry is the same."""
    har = {"log": {"version": "1.2", "creator": {"name": "x"}, "pages": [], "entries": [entry(1), entry(2)], "comment": None}}
    found = [one for one in read_har(pieces(har, size)) if isinstance(one, Recorded)]
    assert [(one.target, one.status, one.at) for one in found] == [("/1", 401, 1_700_000_000.0), ("/2", 401, 1_700_000_000.0)]


def test_a_bad_entry_spoils_no_other() -> None:
    """Its error stands in its place."""
    entries = [entry(1), {"request": {"method": "GET", "url": "data:x"}}, 7, {}, entry(5)]
    found = list(read_har(pieces({"log": {"entries": entries}})))
    assert [isinstance(one, Recorded) for one in found] == [True, False, False, False, True]


def test_what_was_read_of_half_a_file_is_not_lost() -> None:
    """The entries before the end come first, and then the error."""
    text = json.dumps({"log": {"entries": [entry(1), entry(2)]}}).encode()
    for length in range(1, len(text) - 3, 13):
        requests = read_har(pieces(text[:length], 50))
        with pytest.raises(UnreadableRequest):
            list(requests)
    requests = read_har(pieces(text[:-20]))
    assert isinstance(next(requests), Recorded)


@each(
    "text",
    [
        b'{"log": {"entries": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}}",
        b'{"a":' + b"[" * 1_000_000,
        b'{"log"' + b":" * 9,
        b"{" * 99,
        b'{"' + b"k" * 300_000 + b'": 1}',
        b'{"request":{"url":"\xff"}}',
    ],
)
def test_hostile_files_are_bounded(text: bytes) -> None:
    """Deep nesting costs a counter and no stack; what is no JSON is an error."""
    try:
        found = list(read_har(pieces(text, 4096)))
    except UnreadableRequest:
        return
    assert not any(isinstance(one, Recorded) for one in found)


def test_memory_does_not_grow_with_the_file() -> None:
    """20 MB of responses take no more than a few pieces; a content that is too long is left out."""

    class Long:
        def __init__(self) -> None:
            body = b'"' + b'x\\"{' * 1_100_000 + b'"'
            begin = b'{"log":{"entries":[{"response":{"content":{"text":' + body + b"}},"
            end = b'"request":{"method":"GET","url":"https://x/","headers":[],"postData":{"text":' + body + b"}}}]}}"
            self.parts = [begin[at : at + 65536] for at in range(0, len(begin), 65536)] + [
                end[at : at + 65536] for at in range(0, len(end), 65536)
            ]
            self.parts.reverse()

        def read(self, _: int) -> bytes:
            return self.parts.pop() if self.parts else b""

    file = Long()
    tracemalloc.start()
    (found,) = read_har(cast("BinaryIO", file))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(found, Recorded)
    assert found.content is None
    assert any("too long" in note for note in found.notes)
    assert peak < 6_000_000  # the bound of what is taken whole is 4 MiB


def test_values_are_those_of_json() -> None:
    """What is taken is what `json` reads, for random values and cuts."""
    chance = random.Random(7)

    def value(depth: int) -> Any:
        kind = chance.randrange(7 if depth else 5)
        if kind == 5:
            return [value(depth - 1) for _ in range(chance.randrange(4))]
        if kind == 6:
            return {f'k{at}"\\': value(depth - 1) for at in range(chance.randrange(4))}
        return chance.choice([None, True, -1.5e3, 0, "", 'a"b\\', "ü\n{}[],:", "x" * 30])

    for _ in range(200):
        made = [value(3), value(3)]
        stream = JSONStream(pieces(made, chance.randrange(1, 9)))
        found = []
        for number in stream.elements():
            if number == 1:
                stream.skip()
            else:
                found.append(stream.take(100_000))
        assert found == made[1:]


def test_a_long_value_is_skipped() -> None:
    """And what follows is read."""
    stream = JSONStream(pieces(["x" * 100, 7]))
    found: list[object] = []
    for _ in stream.elements():
        try:
            found.append(stream.take(50))
        except TooLong:
            found.append("long")
    assert found == ["long", 7]
