"""What scanners for lost secrets look for: the expressions of docs/api-keys.md find every key and token, and nothing else."""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from random import Random

from watchword.checkers import APIKeys, OpaqueTokens
from watchword.checkers.key_format import ALPHABET, KeyFormat, TokenFormat
from watchword.stores import MemoryStore

MANY = 10_000
PAGE = (Path(__file__).parents[2] / "docs" / "api-keys.md").read_text(encoding="utf-8")
KEY, TOKEN = (re.compile(found) for found in re.findall(r"\\bwwt?_\[[^`\"]*\\b", PAGE))


def texts(random: Random) -> list[str]:
    """Return texts that hold secrets of others, and text that is none."""

    def some(length: int, alphabet: str = ALPHABET) -> str:
        return "".join(random.choices(alphabet, k=length))

    octets = random.randbytes(random.randint(10, 80))
    return [
        b64encode(octets).decode(),
        urlsafe_b64encode(octets).decode(),
        octets.hex(),
        f"ghp_{some(36)}",
        f"github_pat_{some(22)}_{some(59)}",
        f"sk_live_{some(24)}",
        f"AKIA{some(16, ALPHABET[:36].upper())}",
        f"xoxb-{some(12)}-{some(24)}",
        f"ww_{some(16)}_{some(32)}",
        f"ww_{some(16)}_{some(34)}",
        f"ww_{some(15)}_{some(33)}",
        f"wwt_{some(48)}",
        f"wwt_{some(50)}",
        f"www_{some(16)}_{some(33)}",
        f"WW_{some(16)}_{some(33)}",
        some(random.randint(1, 200)),
        some(random.randint(1, 200), ALPHABET + "_-. \n"),
    ]


def test_every_key_is_found_by_the_documented_expression() -> None:
    """In the middle of any text, whole, and by nothing but its own; and `recognise` knows it."""
    keys, form = APIKeys(MemoryStore()), KeyFormat("ww")
    for number in range(MANY):
        made = form.make()
        text = f"export KEY='{made.text}'; # {number}\ncurl -H X-API-Key:{made.text}"
        assert KEY.findall(text) == [made.text] * 2
        assert not TOKEN.findall(text)
        assert keys.recognise(made.text) == made.id


def test_every_token_is_found_by_the_documented_expression() -> None:
    """Likewise."""
    tokens, form = OpaqueTokens(MemoryStore()), TokenFormat("wwt")
    for number in range(MANY):
        made = form.make().text
        text = f'{{"token": "{made}", "number": {number}}} Authorization: Bearer {made}'
        assert TOKEN.findall(text) == [made] * 2
        assert not KEY.findall(text)
        assert tokens.recognise(made)


def test_nothing_else_is_found() -> None:
    """Secrets of others, and what is one character longer or shorter than ours."""
    random = Random(7)
    tried = 0
    while tried < MANY:
        for text in texts(random):
            tried += 1
            assert not KEY.findall(text), text
            assert not TOKEN.findall(text), text


def test_what_has_the_form_alone_is_not_recognised() -> None:
    """The checksum tells a key from what looks like one: of 10,000 none passes by chance; one in 56 billion would."""
    random = Random(7)
    keys, tokens = APIKeys(MemoryStore()), OpaqueTokens(MemoryStore())
    for _ in range(MANY):
        key = f"ww_{''.join(random.choices(ALPHABET, k=16))}_{''.join(random.choices(ALPHABET, k=33))}"
        token = f"wwt_{''.join(random.choices(ALPHABET, k=49))}"
        assert KEY.findall(key) == [key]
        assert TOKEN.findall(token) == [token]
        assert keys.recognise(key) is None
        assert not tokens.recognise(token)
