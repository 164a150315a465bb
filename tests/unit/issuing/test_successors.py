"""Successors are derived: the same each time, by everybody who has the secret, and by nobody else."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from hmac import new as hmac

import pytest

from watchword.checkers.key_format import ALPHABET, TokenFormat
from watchword.errors import ConfigurationError, Unavailable
from watchword.issuing.successors import Successors

FORM = TokenFormat("wwr")
OLD, NEW = "o" * 32, "n" * 32
TOKEN = FORM.make().text


def test_a_successor_is_the_hmac_of_nonce_and_token() -> None:
    """By hand: HMAC-SHA256, written in base62, with the prefix and the checksum of every token."""
    proposal = Successors(OLD, FORM).propose(TOKEN)
    key = hmac(OLD.encode(), b"watchword refresh token", sha256).digest()
    number, characters = int.from_bytes(hmac(key, proposal.nonce + TOKEN.encode(), sha256).digest()), ""
    while number:
        number, rest = divmod(number, 62)
        characters = ALPHABET[rest] + characters
    made = proposal.made.text
    assert made[4:-6] == characters.rjust(43, "0")
    assert FORM.read(made) == ("", proposal.made.digest)
    assert len(proposal.nonce) == 16


def test_a_successor_is_given_again_by_every_process_that_has_the_secret() -> None:
    """Also after the secret was replaced; another token, another nonce and another secret lead to another successor."""
    proposal = Successors(OLD, FORM).propose(TOKEN)
    for secrets in (OLD, OLD.encode(), [OLD], [NEW, OLD], (OLD.encode(), NEW)):
        assert Successors(secrets, FORM).again(TOKEN, proposal.nonce, proposal.key_id) == proposal.made
    other = Successors([OLD, NEW], FORM)
    assert other.again(FORM.make().text, proposal.nonce, proposal.key_id) != proposal.made
    assert other.again(TOKEN, bytes(16), proposal.key_id) != proposal.made
    rotated = Successors([NEW, OLD], FORM).propose(TOKEN)
    assert rotated.key_id != proposal.key_id
    assert Successors(NEW, FORM).again(TOKEN, rotated.nonce, rotated.key_id) == rotated.made
    assert len({Successors(OLD, FORM).propose(TOKEN).made.text for _ in range(100)}) == 100


def test_a_missing_secret_is_an_outage() -> None:
    """The client is honest, and may ask again; the message names the secret by its id, and shows nothing of it."""
    proposal = Successors(OLD, FORM).propose(TOKEN)
    for nonce, key_id in ((proposal.nonce, proposal.key_id), (None, None), (proposal.nonce, "x")):
        with pytest.raises(Unavailable, match="give it to all processes") as caught:
            Successors(NEW, FORM).again(TOKEN, nonce, key_id)
        assert NEW not in str(caught.value)
    assert re.fullmatch(r"[0-9a-f]{16}", proposal.key_id)
    for shown in (repr(proposal), repr(Successors(OLD, FORM))):
        assert OLD not in shown
        assert proposal.made.text not in shown


@pytest.mark.parametrize("wrong", [None, "", "short", b"x" * 31, 5, [], [None], ["x" * 32, "short"], object()])
def test_a_weak_secret_is_refused(wrong: object) -> None:
    """The message says how to make one, and does not show it."""
    with pytest.raises(ConfigurationError, match=r"^RefreshTokens\(secrets=\.\.\.\) must ") as caught:
        Successors(wrong, FORM)  # type: ignore[arg-type]
    assert "short" not in str(caught.value)


def test_secrets_of_any_text_are_secrets() -> None:
    """Octets as text in UTF-8 are, and base64 is not decoded."""
    octets = bytes(range(32))
    text = b64encode(octets).decode()
    proposal = Successors(text, FORM).propose(TOKEN)
    assert Successors(text.encode(), FORM).again(TOKEN, proposal.nonce, proposal.key_id) == proposal.made
    with pytest.raises(Unavailable):
        Successors(octets, FORM).again(TOKEN, proposal.nonce, proposal.key_id)
