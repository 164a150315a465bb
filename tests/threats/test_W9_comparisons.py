"""A password is never compared by `==`, which stops at the first octet that differs (threat W9; the sources: tests/architecture)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.support.logins import CountingHasher, checker_of
from tests.support.passwords import MAKERS, stored
from watchword import Accepted, BasicCredentials, Refused

if TYPE_CHECKING:
    from pathlib import Path


class Shown(str):
    """A password that cannot be compared."""

    __slots__ = ()
    __hash__ = str.__hash__

    def _no(self, *_: object) -> NoReturn:
        raise AssertionError("a password was compared")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = startswith = endswith = _no


def test_W9_a_comparison_of_what_is_shown_would_be_seen() -> None:
    """What the next test relies on: looking such a password up, or comparing it, raises."""
    for compare in ({"s3cret": 1}.get, ["s3cret"].count, ["s3cret"].index):
        with pytest.raises(AssertionError, match="a password was compared"):
            compare(Shown("s3cret"))


@pytest.mark.parametrize("scheme", [*MAKERS, "plain"])
@pytest.mark.parametrize("kind", ["users", "htpasswd", "accounts"])
def test_W9_no_checker_compares_a_password(kind: str, scheme: str, tmp_path: Path) -> None:
    """A password is hashed, right, wrong or of an unknown name, and digests are compared in constant time; plain text likewise."""
    if (kind, scheme) == ("users", "ldap-sha1"):
        scheme = "ldap-salted-sha1"  # without a salt Users takes none
    plain = scheme == "plain"
    hash_ = "{PLAIN}s3cret" if plain else stored(scheme)
    checker = checker_of(kind, hash_, CountingHasher(settles=True, plain=plain), tmp_path)
    for _ in range(2):
        assert isinstance(checker.check(BasicCredentials("ann", Shown("s3cret"))), Accepted)
        assert isinstance(checker.check(BasicCredentials("ann", Shown("s3creT"))), Refused)
        assert isinstance(checker.check(BasicCredentials("nobody", Shown("s3cret"))), Refused)
