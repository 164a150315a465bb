"""Which schemes a joined field value claims (RFC 9110 §5.2)."""

from __future__ import annotations

import pytest

from watchword.grammar import claimed_schemes


@pytest.mark.parametrize(
    ("value", "schemes"),
    [
        ("Bearer a,Basic b", ("bearer", "basic")),
        ("Bearer a, Bearer b", ("bearer", "bearer")),
        ("BEARER a ,\tDPoP b", ("bearer", "dpop")),
        ("Bearer a,b", ("bearer",)),
        ("Bearer a,Basic", ("bearer",)),
        ("Bearer a,Basic ", ("bearer",)),
        ('Digest a="x, Basic y", b=2', ("digest",)),
        ('Digest a="x\\", Basic y", b=2', ("digest",)),
        ('Digest a="x", b = 2', ("digest",)),
        ('Digest a="x", b \t= 2', ("digest",)),
        ('Digest a="x", Digest b="y"', ("digest", "digest")),
        ("Bearer", ("bearer",)),
        (" \tBearer a", ("bearer",)),
        ("Bearer\ta", ("bearer",)),
        ("Bearer,Basic b", ("bearer", "basic")),
        ('Bearer "a, Basic b', ("bearer",)),
        (",Bearer a", ("bearer",)),
        (",Bearer", ()),
        ("", ()),
        (",,", ()),
        ("=x", ()),
        ("a=b", ()),
        ("a=b, Basic c", ("basic",)),
        ("Bäsic a, Bearer b", ("bearer",)),
        ("BĀsic a, Bearer b", ("bearer",)),
        ("Bearer a,B@sic b,Basic c", ("bearer", "basic")),
        ("Bearer\r\n a", ()),
    ],
)
def test_every_element_claims_at_most_one_scheme(value: str, schemes: tuple[str, ...]) -> None:
    """The first element claims its first word, a later one only if something other than "=" follows; tokens alone count."""
    assert claimed_schemes(value) == schemes
    assert claimed_schemes(value.encode("utf-8")) == schemes


def test_a_long_value_is_no_trouble() -> None:
    """A value beyond every bound is read once and claims what it claims."""
    assert claimed_schemes(b"Bearer a" + b",Basic b" * 50_000) == ("bearer", *["basic"] * 50_000)
    assert claimed_schemes(b'Bearer "' + b"\\" * 500_000) == ("bearer",)
