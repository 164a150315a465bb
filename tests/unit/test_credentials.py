"""What a client showed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from watchword import APIKeyCredentials, BasicCredentials, BearerToken, Credentials

ALL = [BasicCredentials("s3cret", "s3cret"), BearerToken("s3cret"), APIKeyCredentials("s3cret")]


@pytest.mark.parametrize("credentials", ALL, ids=lambda one: type(one).__name__)
def test_no_secret_shows(credentials: Credentials) -> None:
    """Neither repr, str nor format shows a password, a token, a key, or a user name: people type passwords into that field."""
    for text in (repr(credentials), str(credentials), f"{credentials}", f"{credentials!r:>80}", ascii([credentials])):
        assert "s3cret" not in text
        assert type(credentials).__name__ in text
        assert "***" in text


@pytest.mark.parametrize("credentials", ALL, ids=lambda one: type(one).__name__)
def test_credentials_cannot_be_changed(credentials: Credentials) -> None:
    """What was shown stays what was shown."""
    for name in fields(credentials):  # type: ignore[arg-type]  # every kind here is a dataclass
        with pytest.raises(FrozenInstanceError):
            setattr(credentials, name.name, "other")
    assert not hasattr(credentials, "__dict__")


def test_attributes_are_plain_strings() -> None:
    """Checkers read them as they are."""
    basic = BasicCredentials("ann", "s3cret")
    assert (basic.username, basic.password) == ("ann", "s3cret")
    assert BearerToken("t").token == "t"
    assert APIKeyCredentials("k").key == "k"


def test_where_they_came_from_is_known_and_no_part_of_what_they_are() -> None:
    """A cache must know the carrier; the same token in another place is the same token."""
    assert BasicCredentials("a", "b").carrier == "authorization"
    assert BearerToken("t").carrier == "authorization"
    assert APIKeyCredentials("k").carrier == "header"
    assert BearerToken("t", "query") == BearerToken("t", "form")
    assert APIKeyCredentials("k", "cookie") == APIKeyCredentials("k")
    assert hash(BearerToken("t", "query")) == hash(BearerToken("t"))
    assert repr(BearerToken("t", "query")) == "BearerToken(***, carrier='query')"
    assert repr(APIKeyCredentials("k", "cookie")) == "APIKeyCredentials(***, carrier='cookie')"


def test_different_kinds_are_never_equal() -> None:
    """A key is not a token although both hold the same text."""
    assert BearerToken("x") != APIKeyCredentials("x")  # type: ignore[comparison-overlap]  # which is the promise


def test_credentials_of_ones_own_come_by_authorization_unless_they_say_otherwise() -> None:
    """A scheme of one's own derives its value and need not say how it travelled."""

    class Ticket(Credentials):
        pass

    assert Ticket().carrier == "authorization"
