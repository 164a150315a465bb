"""The form of keys and tokens."""

from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256
from math import log2
from typing import Any
from zlib import crc32

import pytest

from tests.support.each import each
from tests.support.issued import near_misses, secret_of
from watchword import ConfigurationError
from watchword.checkers.key_format import (
    ALPHABET,
    ID_LENGTH,
    KEY_SECRET_LENGTH,
    TOKEN_SECRET_LENGTH,
    KeyFormat,
    TokenFormat,
    is_id,
    make_id,
)
from watchword.grammar import is_token68

KEYS, TOKENS = KeyFormat("ww"), TokenFormat("wwt")
FORMS: dict[str, KeyFormat | TokenFormat] = {"key": KEYS, "token": TOKENS}
each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())


def test_a_key_has_prefix_id_secret_and_checksum() -> None:
    """As it is documented, so that scanners can be told what to look for."""
    made = KEYS.make()
    assert re.fullmatch(r"ww_[0-9A-Za-z]{16}_[0-9A-Za-z]{33}", made.text)
    assert made.text.split("_")[1] == made.id
    assert KEYS.read(made.text) == (made.id, made.digest)
    assert made.digest == sha256(secret_of(made.text).encode()).digest()


def test_a_token_has_prefix_secret_and_checksum() -> None:
    """Its digest is that of the whole; its handle is no part of it."""
    made = TOKENS.make()
    assert re.fullmatch(r"wwt_[0-9A-Za-z]{49}", made.text)
    assert TOKENS.read(made.text) == ("", made.digest)
    assert made.digest == sha256(made.text.encode()).digest()
    assert made.id not in made.text
    assert is_id(made.id)


@each_form
def test_the_checksum_is_crc_32_of_everything_before_it(form: Any) -> None:
    """The prefix included; in base 62, whose digits are 0-9, a-z, A-Z. Anybody can compute it."""
    assert ALPHABET == "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    text = form.make().text
    number = 0
    for character in text[-6:]:
        number = number * 62 + ALPHABET.index(character)
    assert number == crc32(text[:-6].encode())


def test_what_was_made_once_is_read_for_ever() -> None:
    """People hold keys for years: these are fixed, and a change of the form would be seen here."""
    assert KEYS.read(KEY) == ("9L2L4eIc2mhDBz3y", sha256(b"B3PRZv0qc5lAe2Mcle2IuYkIYju").digest())
    assert TOKENS.read(TOKEN) == ("", sha256(TOKEN.encode()).digest())


KEY = "ww_9L2L4eIc2mhDBz3y_B3PRZv0qc5lAe2Mcle2IuYkIYju0w3FAG"
TOKEN = "wwt_CqZC6qIwnt73CMVcS1czcAB3qAZ93ysg5DaMWDbquGK1dQc3v"


def test_the_secret_cannot_be_guessed() -> None:
    """At least 160 bits in a key and 256 in a token, from 62 characters that are all different."""
    assert len(set(ALPHABET)) == len(ALPHABET) == 62
    assert KEY_SECRET_LENGTH * log2(62) >= 160
    assert TOKEN_SECRET_LENGTH * log2(62) >= 256
    assert ID_LENGTH * log2(62) >= 95


@each_form
def test_every_character_is_as_likely_as_any_other(form: Any) -> None:
    """No remainder of a division shows: chi-square over 100,000 characters, whose bound chance alone passes once in 10**20 runs.

    Octets modulo 62 would make eight characters a quarter more likely than the rest, and the sum about 700.
    """
    length = KEY_SECRET_LENGTH if form is KEYS else TOKEN_SECRET_LENGTH
    seen: Counter[str] = Counter()
    while seen.total() < 100_000:
        seen.update(form.make().text[-6 - length : -6])
    expected = seen.total() / 62
    assert sum((seen[character] - expected) ** 2 / expected for character in ALPHABET) < 260


@each_form
def test_no_two_are_alike(form: Any) -> None:
    """Neither whole, nor by id, nor by digest."""
    made = [form.make() for _ in range(1000)]
    assert {len({getattr(one, name) for one in made}) for name in ("text", "id", "digest")} == {1000}


@each_form
def test_every_slip_is_noticed(form: Any) -> None:
    """Every change of one character, every exchange of two, every cut and every repetition; exhaustively, for one key and one token."""
    text = form.make().text
    misses = set(near_misses(text)) - {text}
    assert len(misses) > 5000
    assert [miss for miss in misses if form.read(miss) is not None] == []


@each_form
@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        b"octets",
        ["ww_"],
        "",
        "ww",
        "ww_",
        "_",
        "\ud800",
        pytest.param("w" * 100_000, id="long"),
        pytest.param("ww_" + "0" * 10**6, id="longer"),
    ],
)
def test_malformed_text_is_not_read_as_a_key(form: Any, text: object) -> None:
    """Any other text gives None, and no exception."""
    assert form.read(text) is None
    assert form.read(form.make().text.encode()) is None


@pytest.mark.parametrize("prefix", ["a", "A", "ww", "acme_live", "a_", "a__b", "x9", "A" * 32])
def test_a_custom_prefix(prefix: str) -> None:
    """With underscores and digits too: what follows has a fixed length, so it is read in one way only."""
    for form in (KeyFormat(prefix), TokenFormat(prefix)):
        made = form.make()
        assert made.text.startswith(f"{prefix}_")
        assert form.read(made.text) is not None
        assert is_token68(made.text)


def test_a_key_of_another_prefix_is_not_recognised() -> None:
    """Even if one prefix is the beginning of the other, or differs in case alone."""
    names = ["ww", "ww_ww", "ww_", "w", "WW", "wW", "acme_live", "acme_test"]
    for one in names:
        key, token = KeyFormat(one).make().text, TokenFormat(one).make().text
        assert [other for other in names if KeyFormat(other).read(key)] == [one]
        assert [other for other in names if TokenFormat(other).read(token)] == [one]


@pytest.mark.parametrize("prefix", ["ww", "wwt", "a_b"])
def test_a_key_is_no_token(prefix: str) -> None:
    """Even under the same prefix: one cannot be shown in the place of the other."""
    for _ in range(20):
        assert TokenFormat(prefix).read(KeyFormat(prefix).make().text) is None
        assert KeyFormat(prefix).read(TokenFormat(prefix).make().text) is None


@each("form", [KeyFormat, TokenFormat])
@each("prefix", ["", "_", "_a", "9a", "a-b", "a.b", "a b", "a\n", "ä", "\u0430", "a" * 33, None, 7, b"ww"])
def test_a_prefix_that_cannot_be_one_is_a_mistake(form: Any, prefix: object) -> None:
    """It would have to be escaped somewhere, or could be read in two ways."""
    with pytest.raises(ConfigurationError, match="prefix must be a letter, then letters, digits and underscores, 32 characters at most"):
        form(prefix)


def test_an_id_is_known_by_its_form() -> None:
    """What is shown in messages and handed to the store is never a key or a token."""
    assert is_id(make_id())
    for text in (KEY, TOKEN, KEY[:16], "", "a" * 15, "a" * 17, "a" * 15 + "\n", "a" * 15 + "ä", b"a" * 16, None):
        assert not is_id(text)


@each_form
def test_nothing_secret_is_printed(form: Any) -> None:
    """Neither text nor digest shows."""
    made = form.make()
    assert repr(made) == f"Made(id={made.id!r})"
    assert repr(form) in {"KeyFormat('ww')", "TokenFormat('wwt')"}
