"""Tests which schemes a joined field value claims (RFC 9110 §5.2)."""

from __future__ import annotations

from tests.support.each import each
from watchword.grammar import claimed_schemes, may_be_joined


@each(
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


def test_a_long_value_is_read_once() -> None:
    """A value beyond every bound claims its schemes in one pass."""
    assert claimed_schemes(b"Bearer a" + b",Basic b" * 50_000) == ("bearer", *["basic"] * 50_000)
    assert claimed_schemes(b'Bearer "' + b"\\" * 500_000) == ("bearer",)


@each(
    ("value", "joined"),
    [
        ("Basic a,Basic b", True),
        ("Basic a, Bearer b", True),
        ("Basic a\t,\tBearer\tb", True),
        ("Basic a,Bearer", True),
        ("Bearer a,b", True),
        ("Basic a,", True),
        ("Basic a , ", True),
        (",Basic a", True),
        (",,", True),
        ('Digest a="x", Digest b="y"', True),
        ('Digest a="x", b=2, Basic c', True),
        ("Bearer", False),
        ("Bearer a b", False),
        ("", False),
        ('Digest a="x", a="y"', False),
        ("Digest a=, b=1", False),
        ("Digest a=1, b =", False),
        ("Digest a=1, b\t=\t2, c = d e", False),
        ('Digest a="x, Basic y', False),
        ('Bearer "a", "b"', False),
        ("Bearer a,é", False),
        ("Bearer a,@b c", False),
    ],
)
def test_a_join_differs_from_one_malformed_field(value: str, joined: bool) -> None:  # noqa: FBT001 - a column of the table
    """After a comma a field begins with a scheme name, or is empty. A parameter, and text that is not a token, begin none."""
    assert may_be_joined(value) is joined
    assert may_be_joined(value.encode("utf-8")) is joined


@each("first", ["", "Basic YTpi", 'Digest a="b"', "Bearer"])
@each("second", ["", "Basic YTpi", 'Digest a="b"', "Bearer", "ApiKey x=", "x"])
@each("comma", [",", ", ", " ,\t"])
def test_whatever_a_gateway_joins_may_be_joined(first: str, second: str, comma: str) -> None:
    """Two fields that are credentials, scheme names or empty are found, whether a server lists or joins them."""
    assert may_be_joined(f"{first}{comma}{second}")
