"""Tests the lookup of header names: letter case, aliases, prefixes, and the bound on kept names."""

from __future__ import annotations

import pytest

from watchword.field_index import FieldIndex

NAMES = ("authorization", "cookie", "host", "x-api-key")


@pytest.mark.parametrize("spelling", ["x-api-key", "X-API-Key", "X-API-KEY", "x-Api-kEY"])
def test_a_name_is_found_in_any_letter_case_and_kind(spelling: str) -> None:
    """Names of fields know no letter case (RFC 9110 §5.1), whether a server hands them over as text or as octets."""
    index = FieldIndex(NAMES)
    for raw in (spelling, spelling.encode()):
        assert index[raw] == "x-api-key"
        assert index[raw] == "x-api-key", "the second look-up is answered from memory"


@pytest.mark.parametrize("other", ["accept", "x-api-keys", "x-api-ke", "", "x api key", "\xff\xfe", "x-api-key "])
def test_a_name_that_does_not_matter_is_none(other: str) -> None:
    """Nothing but the whole name counts."""
    index = FieldIndex(NAMES)
    assert index[other] is None
    assert index[other.encode("latin-1")] is None


@pytest.mark.parametrize("twin", ["x_api_key", "X_API_KEY", "x-api_key", "X_Api-Key", "x.api.key", "x_api.key", "x~api!key"])
def test_an_alias_is_marked(twin: str) -> None:
    """A name that a gateway would merge with one that matters is found as its alias, never as the name (H2)."""
    index = FieldIndex(NAMES)
    assert index[twin] == index[twin.encode()] == "?x-api-key"
    assert index["not_at_all"] is None


def test_the_number_of_kept_names_is_bounded() -> None:
    """Any number of names of a client leaves the memory bounded, and lookups beyond the bound stay right."""
    index = FieldIndex(NAMES)
    for number in range(5_000):
        assert index[f"x-made-up-{number}"] is None
    assert len(index) == 512
    assert index["x-api-key"] == "x-api-key"
    assert index["X-API-KEY"] == "x-api-key"
    assert len(index) == 512


def test_a_long_name_is_not_kept() -> None:
    """Long names do not fill the memory either."""
    index = FieldIndex(NAMES)
    assert index["x" * 65] is None
    assert index[b"x_" * 5_000] is None
    assert len(index) == 0


def test_a_prefix_stands_for_any_rest() -> None:
    """A name that begins with a prefix matters, long ones too; its aliases are marked; what the prefix does not begin does not matter."""
    index = FieldIndex(NAMES, ("x-remote-extra-", "client-cert"))
    for raw in ("X-Remote-Extra-Scopes", "x-remote-extra-", "Client-Cert", "client-cert-chain", "X-Remote-Extra-" + "a" * 9000):
        assert index[raw] == index[raw.encode()] == raw.lower()
    assert index["x_remote.extra-a"] == index[b"X_Remote.Extra-A"] == "?x-remote-extra-a"
    for raw in ("x-remote-extr", "x-remote-user", "a-client-cert", "y" * 9000):
        assert index[raw] is None
