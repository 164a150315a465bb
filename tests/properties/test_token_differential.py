"""PyJWT and joserfc judge the same tokens. Every disagreement is listed, with the reason why the token must be refused.

`docs/token-differences.md` shows the table. A library that changes its mind, and a row that is there for nothing, fail the test.
"""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from tests.support.each import each
from tests.support.token_differential import MUTATIONS, OTHERS, changed, ours

PAGE = Path(__file__).parents[2] / "docs" / "token-differences.md"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. \n!"


@each("name", MUTATIONS)
def test_this_package_is_right_about_every_token(name: str) -> None:
    """Each mutation is accepted if it must be, and refused if there is a reason to."""
    token, why = MUTATIONS[name]
    assert ours(token) is (why == "")


def test_every_disagreement_is_listed() -> None:
    """The page lists each token that another library accepts and this one refuses, with the reason; none is accepted here alone."""
    found = []
    for name, (token, why) in MUTATIONS.items():
        accepting = [library for library, accepts in OTHERS.items() if accepts(token)]
        if why and accepting:
            found.append(f"| {name} | {', '.join(accepting)} | {why} |")
        elif not why:
            assert accepting == list(OTHERS), name
    assert re.findall(r"^\| [^|]+ \| (?:PyJWT|joserfc)[^|]* \| .* \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE) == found


@pytest.mark.parametrize("seed", range(4))
def test_random_changes_of_octets(seed: int) -> None:
    """Whatever octets of a good token change, it is refused; another library that accepts it decodes base64 leniently."""
    rng, good = Random(seed), changed()
    for _ in range(300):
        at, length = rng.randrange(len(good)), rng.choice((0, 1, 1, 1, 2, 9))
        token = good[:at] + "".join(rng.choices(ALPHABET, k=rng.choice((0, 1, 1, 2)))) + good[at + length :]
        accepting = [library for library, accepts in OTHERS.items() if accepts(token)]
        assert ours(token) is (token == good)
        # What is signed is the text, so a spelling that passes elsewhere differs in the signature alone.
        assert token == good or not accepting or token.rpartition(".")[0] == good.rpartition(".")[0]
