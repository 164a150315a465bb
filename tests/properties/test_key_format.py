"""The form of keys and tokens, for any text: a slip is always noticed, and nothing else is taken for a key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.issued import CountingStore, shown
from watchword import Reason, Refused
from watchword.checkers.api_keys import APIKeys
from watchword.checkers.key_format import ALPHABET, KeyFormat, TokenFormat, _sealed
from watchword.checkers.opaque_tokens import OpaqueTokens

UNKNOWN = Refused(Reason.UNKNOWN_IDENTITY)

prefixes = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,31}", fullmatch=True)


def characters(length: int) -> st.SearchStrategy[str]:
    """Text of the alphabet."""
    return st.text(ALPHABET, min_size=length, max_size=length)


@st.composite
def keys(draw: st.DrawFn) -> tuple[str, str]:
    """A prefix, and a key of that form; no store has it."""
    prefix = draw(prefixes)
    return prefix, _sealed(f"{prefix}_{draw(characters(16))}_{draw(characters(27))}")


@st.composite
def tokens(draw: st.DrawFn) -> tuple[str, str]:
    """A prefix, and a token of that form."""
    prefix = draw(prefixes)
    return prefix, _sealed(f"{prefix}_{draw(characters(43))}")


@st.composite
def slips(draw: st.DrawFn, text: str) -> str:
    """What a slip makes of a text."""
    at, then = sorted((draw(st.integers(0, len(text) - 1)), draw(st.integers(0, len(text) - 1))))
    other = draw(st.one_of(st.sampled_from(ALPHABET), st.characters(exclude_categories=())))
    return draw(
        st.sampled_from(
            [
                text[:at] + other + text[at + 1 :],
                text[:at] + text[then] + text[at + 1 : then] + text[at] + text[then + 1 :] if at < then else text,
                text[:at],
                text[at:],
                text[:at] + text[then:],
                text[:at] + other + text[at:],
                text + other,
                text[:at] + text[at:then].swapcase() + text[then:],
                text[:at] + text[at:then][::-1] + text[then:],
            ]
        )
    )


def no_lookup(checker_of: Any, prefix: str, text: str) -> None:
    """Holds that a text is refused, and that the store was not asked."""
    store = CountingStore()
    checker = checker_of(store, prefix=prefix)
    assert [checker.check(credentials) for credentials in shown(text)] == [UNKNOWN, UNKNOWN]
    assert store.asked == []


@given(keys())
def test_every_key_of_the_form_is_read(made: tuple[str, str]) -> None:
    """Whatever its prefix: id and secret are found where they stand, and the store is asked once."""
    prefix, text = made
    read = KeyFormat(prefix).read(text)
    assert read is not None
    assert read[0] == text[len(prefix) + 1 :][:16]
    store = CountingStore()
    assert APIKeys(store, prefix=prefix).check(shown(text)[0]) == UNKNOWN
    assert store.asked == [("find_key", read[0])]


@given(tokens())
def test_every_token_of_the_form_is_read(made: tuple[str, str]) -> None:
    """Whatever its prefix, and the store is asked once, for the digest."""
    prefix, text = made
    read = TokenFormat(prefix).read(text)
    assert read is not None
    store = CountingStore()
    assert OpaqueTokens(store, prefix=prefix).check(shown(text)[1]) == UNKNOWN
    assert store.asked == [("find_token", read[1])]


@given(st.data())
@pytest.mark.parametrize(("kind", "checker_of"), [(keys, APIKeys), (tokens, OpaqueTokens)], ids=["key", "token"])
def test_every_slip_is_refused_without_a_lookup(kind: Any, checker_of: Any, data: st.DataObject) -> None:
    """A character changed, two exchanged, a part lost, turned round or doubled."""
    prefix, text = data.draw(kind())
    slip = data.draw(slips(text))
    assume(slip != text)
    no_lookup(checker_of, prefix, slip)


@given(prefixes, st.text(st.characters(exclude_categories=()), max_size=80))
@pytest.mark.parametrize("checker_of", [APIKeys, OpaqueTokens], ids=["key", "token"])
def test_no_other_text_is_recognised(checker_of: Any, prefix: str, text: str) -> None:
    """Random text, with the prefix before it or without, has not the checksum."""
    for shape in (text, f"{prefix}_{text}"):
        no_lookup(checker_of, prefix, shape)


@given(prefixes, characters(16), characters(33), characters(49))
def test_the_right_shape_alone_is_not_enough(prefix: str, name: str, rest: str, whole: str) -> None:
    """Without the checksum it is refused like any text."""
    key, token = f"{prefix}_{name}_{rest}", f"{prefix}_{whole}"
    assume(_sealed(key[:-6]) != key)
    assume(_sealed(token[:-6]) != token)
    no_lookup(APIKeys, prefix, key)
    no_lookup(OpaqueTokens, prefix, token)


@given(keys(), keys())
def test_a_key_of_one_form_is_read_by_no_other(one: tuple[str, str], other: tuple[str, str]) -> None:
    """There is one way to read a key, whatever underscores the prefixes hold."""
    assume(one[0] != other[0])
    assert KeyFormat(other[0]).read(one[1]) is None
    assert TokenFormat(one[0]).read(one[1]) is None
