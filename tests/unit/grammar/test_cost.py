"""Tests that parsing is linear in the length of the input (RFC 9110 §17.5), by counting."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.each import each
from watchword import grammar
from watchword.errors import GrammarError
from watchword.grammar import (
    CookieReader,
    FormReader,
    claimed_schemes,
    decode_base64,
    decode_base64url,
    parse_authorization,
    parse_byte_sequence,
    parse_challenges,
    parse_cookies,
    parse_form,
    percent_decode,
    preferred_type,
)
from watchword.grammar.compact_jws import parse_compact_jws
from watchword.grammar.lists import split_outside_quotes
from watchword.grammar.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = str(Path(grammar.__file__).parent)

# What grows with n, one kind of trouble each.
SEEDS: dict[str, Callable[[int], bytes]] = {
    "escapes": lambda n: b'Digest a="' + b"\\" * n,
    "escaped quotes": lambda n: b'Digest a="' + b'\\"' * n,
    "commas": lambda n: b"Digest " + b"," * n,
    "spaced commas": lambda n: b"Digest a=1" + b" \t," * n,
    "spaces": lambda n: b"Digest" + b" " * n + b"@",
    "bad whitespace": lambda n: b"Digest a" + b"\t " * n + b"=",
    "token": lambda n: b"x" * n,
    "token68": lambda n: b"Bearer " + b"x" * n + b"@",
    "padding": lambda n: b"Bearer a" + b"=" * n + b"a",
    "quotes": lambda n: b'"' * n,
    "parameters": lambda n: b"Digest " + b",".join(b"a%d=b" % number for number in range(n)),
    "challenges": lambda n: b"a," * n,
    "semicolons": lambda n: b"a/b;" * n,
    "weights": lambda n: b"a/b;q=0.1," * n,
    "pairs": lambda n: b"a=1;" * n,
    "percent": lambda n: b"%" * n + b"%41&" * n,
    "colons": lambda n: b":" * n,
    "wanted": lambda n: b"a&" * n + b"a=;" * n,
    "almost wanted": lambda n: b"&ab" * n + b";ab" * n,
    "brackets": lambda n: b"[" * n,
    "lists": lambda n: b"[" + b"[]," * n + b"[]]",
    "digits": lambda n: b"9" * n,
    "numbers": lambda n: b"[" + b"9," * n + b"9]",
    "strings": lambda n: b"[" + b'"\\ud800\\"",' * n + b"9]",
    "strings without an end": lambda n: b'["\\' + b'"\\' * n,
    "members": lambda n: b"{" + b",".join(b'"a%d":1' % number for number in range(n)) + b"}",
    "equal members": lambda n: b"{" + b'"a":1,' * n + b'"a":1}',
    "periods": lambda n: b"." * n,
}
READERS: dict[str, Callable[[bytes], object]] = {
    "parse_authorization": lambda data: parse_authorization(data, limit=len(data)),
    "parse_challenges": lambda data: parse_challenges(data, limit=len(data)),
    "decode_base64": decode_base64,
    "decode_base64url": decode_base64url,
    "parse_compact_jws": lambda data: parse_compact_jws(data, limit=len(data)),
    "parse_json": lambda data: parse_json(data, limit=len(data)),
    "parse_byte_sequence": lambda data: parse_byte_sequence(data, limit=len(data)),
    "claimed_schemes": claimed_schemes,
    "parse_cookies": parse_cookies,
    "parse_form": parse_form,
    "preferred_type": lambda data: preferred_type(data, ["a/b"]),
    "find_cookies": lambda data: CookieReader(["a"]).find(data, most=len(data)),
    "without_cookies": CookieReader(["a"]).without,
    "find_parameters": lambda data: FormReader([b"a"]).find(data, most=len(data)),
    "without_parameters": FormReader([b"a"]).without,
    "percent_decode": percent_decode,
    "split_outside_quotes": lambda data: split_outside_quotes(data, b","),
}


def _read(reader: str, data: bytes) -> None:
    with suppress(GrammarError):
        READERS[reader](data)


def _lines_run(reader: str, data: bytes) -> int:
    """Count the lines of the grammar that run: a measure of work that no other process can disturb."""
    count = 0

    def trace(frame: Any, event: str, _: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace if frame.f_code.co_filename.startswith(SOURCE) else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        _read(reader, data)
    finally:
        sys.settrace(before)
    return count


@each("seed", SEEDS)
@each("reader", READERS)
def test_R9110_17_5_1_cost_is_linear(reader: str, seed: str) -> None:
    """Ten times the input runs at most ten times the lines, whatever the input is made of."""
    short, long = (_lines_run(reader, SEEDS[seed](size)) for size in (20, 200))
    assert short > 0
    assert long <= 11 * short


@pytest.mark.long
@each("seed", SEEDS)
@each("reader", READERS)
def test_R9110_17_5_1_no_pattern_backtracks(reader: str, seed: str) -> None:
    """A pattern or a copy for each octet, which line counts do not show, would not end on 100,000 octets."""
    _read(reader, SEEDS[seed](100_000)[:100_000])
    assert reader in READERS  # it came to an end, or the time limit of the test run has stopped it
