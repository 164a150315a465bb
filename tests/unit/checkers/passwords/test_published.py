"""Hashes that other projects publish to test themselves: tests/vectors/password_hashes.json, each with its source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.each import each
from tests.support.passwords import derivations
from watchword.checkers.passwords import check_hash, identify, verify_password
from watchword.checkers.passwords.formats import FAMILIES

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "password_hashes.json").read_text(encoding="utf-8"))
SOURCES = {group["source"]: group["vectors"] for group in VECTORS["right"]}


def octets(password: str | dict[str, str]) -> bytes:
    """Return a password; one that cannot be printed stands there in hexadecimal."""
    return password.encode() if isinstance(password, str) else bytes.fromhex(password["hex"])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("source", SOURCES)
def test_what_others_publish_as_right_verifies(source: str) -> None:
    """With its own password, and with no other; and its format is told by its name."""
    for name, password, text in SOURCES[source]:
        given = octets(password)
        check_hash(text, "ann")
        assert identify(text) == name, text
        assert verify_password(text, password if isinstance(password, str) else given) is True, text
        wrong = given[:-1] + bytes([given[-1] ^ 1])
        assert verify_password(text, wrong) is False, text


def test_the_published_hashes_are_of_every_family() -> None:
    """So that a format that breaks is noticed by what somebody else made, and not only by what the same library made."""
    begun = {prefix for vectors in SOURCES.values() for *_, text in vectors for prefix in FAMILIES if text.startswith(prefix)}
    assert set(FAMILIES) - begun == {"$2$", "$2x$"}  # those are refused
    assert sum(map(len, SOURCES.values())) > 200


@pytest.mark.parametrize(("why", "password", "text"), VECTORS["right elsewhere"])
def test_what_is_refused_though_others_let_it_in(why: str, password: str | dict[str, str], text: str) -> None:
    """Empty passwords, passwords that a function does not look at to their end, and what bugs made (W1): a choice, and documented."""
    assert verify_password(text, octets(password)) is False, why


@each(("name", "password", "text"), VECTORS["not taken"])
def test_a_format_that_is_not_taken_matches_nothing(name: str, password: str | dict[str, str], text: str) -> None:
    """Nor does it cost anything, and it is not mistaken for a format that is taken."""
    with derivations() as seen:
        assert verify_password(text, octets(password)) is False, name
        assert verify_password(text, text) is False, name
    assert seen == []
    assert identify(text) is None, name


@each(("name", "text"), VECTORS["malformed"])
def test_what_others_publish_as_malformed_is(name: str, text: str) -> None:
    """No exception, no work, no match."""
    with derivations() as seen:
        for password in ("password", "", "test", "s3cret"):
            assert verify_password(text, password) is False, name
    assert seen == []
    assert identify(text) is None, name
