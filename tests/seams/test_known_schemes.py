"""One table says what the guard knows about schemes: a new one of ours adds a row, and one of somebody's own is in none (threat C3)."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import update_wrapper
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ask
from tests.support.drive import ByASGI
from tests.support.wire import Request, basic, bearer
from watchword import (
    ALWAYS,
    Accepted,
    APIKey,
    Basic,
    BasicCredentials,
    Bearer,
    BearerToken,
    ConfigurationError,
    Guard,
    Operation,
    Principal,
)
from watchword import schemes as front
from watchword.guard.cache import CredentialCache
from watchword.guard.policy import Entry
from watchword.schemes import Scheme
from watchword.schemes.known import KNOWN, OF_CREDENTIALS
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from watchword import RequestView, Verdict
    from watchword.operation import Steps

OURS = {name: row for name, row in KNOWN.items() if row.credentials is not None}
SCHEMES = [kind for kind in vars(front).values() if isinstance(kind, type) and issubclass(kind, Scheme) and kind is not Scheme]


def test_every_scheme_of_ours_has_a_row_and_no_row_is_about_another() -> None:
    """Name, credentials and the class that reads the field alone fit one another."""
    assert {kind.name.lower(): kind.credentials for kind in SCHEMES} == {name: row.credentials for name, row in OURS.items()}
    for name, row in OURS.items():
        if row.field_alone:
            module, _, kind = row.field_alone.partition(":")
            assert getattr(import_module(module), kind).name.lower() == name


@pytest.mark.parametrize("row", OURS.values(), ids=OURS)
def test_the_key_covers_everything_that_a_checker_is_given(row: Any) -> None:
    """Two credentials that differ in anything that a checker could tell apart differ in their key."""
    made = row.credentials(*["x"] * len([one for one in fields(row.credentials) if one.compare]))
    for one in fields(row.credentials):
        if one.compare:
            assert row.shown(replace(made, **{one.name: "y"})) != row.shown(made), one.name


class Asked:
    """Accepts everybody, after a step, and counts."""

    def __init__(self) -> None:
        self.count = 0

    def flow(self, credentials: Any) -> Steps[Verdict]:
        """Accept."""
        self.count += 1
        yield Operation(lambda: None)
        return Accepted(Principal("ann"), lease=ALWAYS)


class ByHost(Bearer):
    """Looks at the host as well, so that its token says different things at different hosts."""

    def extract(self, view: RequestView) -> BearerToken | None:
        """Return the token."""
        return super().extract(view)


class Wrapped(Bearer):
    """The same, by a wrapper that looks like what it wraps."""

    def extract(self, view: RequestView) -> BearerToken | None:
        """Return the token."""
        return super().extract(view)

    update_wrapper(extract, Bearer.extract)


def patched(checker: object) -> Bearer:
    """Return a Bearer whose instance has a method of its own."""
    scheme = Bearer(checker)
    scheme.extract = lambda view: Bearer.extract(scheme, view)  # type: ignore[method-assign]  # the mistake itself
    return scheme


class OwnCredentials(BasicCredentials):
    """More than a name and a password."""


class OwnBasic(Scheme[BasicCredentials]):
    """A scheme of somebody's own that is called Basic."""

    name = "Basic"

    def extract(self, view: RequestView) -> BasicCredentials | None:
        """Return credentials of its own kind."""
        return OwnCredentials("ann", "x") if view.authorization is not None else None


@pytest.mark.parametrize("make", [ByHost, Wrapped, patched], ids=["subclass", "wrapper", "instance"])
def test_a_scheme_that_may_look_at_more_than_the_field_is_not_named_by_it(make: Any) -> None:
    """The field is no key, and the fast path stays shut; ours opens it."""
    own, by_header = {"authorization": "authorization"}, {"authorization": "authorization", "header": "x-api-key"}
    for scheme, named in ((make(Asked()), {}), (Bearer(Asked()), own), (Basic(Asked(), realm="x"), own), (APIKey(Asked()), by_header)):
        assert Entry(scheme).key_fields == named
    guard = Guard(make(Asked()))
    driver = ByASGI(guard)
    for _ in range(3):
        assert driver(Request(headers=(bearer("t"),))).status == 200
    assert not guard.fast_path.in_use


def test_credentials_of_ones_own_kind_are_not_cached() -> None:
    """Nor by a scheme that bears the name of ours."""
    cache = CredentialCache(FixedClock(1_000))
    entry = Entry(OwnBasic(Asked()))
    assert cache.key_of(entry, OwnCredentials("ann", "x")) is None
    assert cache.key_of(entry, BasicCredentials("ann", "x")) is not None
    assert not entry.key_fields
    checker = Asked()
    guard = Guard(OwnBasic(checker))
    for _ in range(3):
        assert guard.decide(ask("/", basic("ann", "x"))).granted
    assert checker.count == 3


def test_what_browsers_and_proxies_know_is_told_by_the_name() -> None:
    """A scheme of one's own by the name of Negotiate is ambient too (decision D61), and a proxy offers what proxies may (decision D35)."""

    class Negotiate(Bearer):
        name = "Negotiate"

    class Digest(Bearer):
        name = "Digest"

    class Ntlm(Bearer):
        name = "NTLM"

    for kind in (Negotiate, Digest, Ntlm):
        assert kind(Asked()).is_kept_by_browsers
    assert not Bearer(Asked()).is_kept_by_browsers
    Guard(Digest(Asked()), Basic(Asked(), realm="x"), proxy=True)
    with pytest.raises(ConfigurationError, match="must have Basic or Digest only"):
        Guard(Negotiate(Asked()), proxy=True)
    assert set(OF_CREDENTIALS) == {row.credentials for row in OURS.values()}
