# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

from typing import Any

import pytest

from tests.support.each import each, noting
from tests.support.hostile import WORLDS, response
from tests.support.issuer import Issuer
from watchword import Unavailable
from watchword.checkers.jwt.remote import RemoteKeys
from watchword.fetching import Fetcher
from watchword.operation import in_steps
from watchword.testing import FixedClock

RFC8414 = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"


def found(issuer: Issuer, world: str = "sync", name: str = "", clock: FixedClock | None = None) -> RemoteKeys:
    """Fetch the keys of an issuer by its metadata, and return where they came from."""
    source = RemoteKeys(issuer=name or issuer.issuer, fetcher=Fetcher(timeout=60), clock=clock or FixedClock())
    assert WORLDS[world](in_steps(lambda: source.keys("a"))).has_kid("a")
    return source


def targets(issuer: Issuer) -> list[str]:
    """Return what was asked for."""
    return [request.target for request in issuer.server.requests]


@each(
    ("path", "configured", "rfc8414", "openid"),
    [
        ("", "", RFC8414, OPENID),
        ("/", "/", RFC8414, OPENID),
        ("/realms/a", "/realms/a", f"{RFC8414}/realms/a", f"/realms/a{OPENID}"),
        ("/realms/a/", "/realms/a/", f"{RFC8414}/realms/a", f"/realms/a{OPENID}"),
    ],
)
def test_metadata_is_where_the_standards_put_it(path: str, configured: str, rfc8414: str, openid: str) -> None:
    """The path of the issuer goes behind the well-known one by RFC 8414, and in front of it by OpenID; both are tried, in this order."""
    for world in WORLDS:
        with noting(world), Issuer("a", path=path) as issuer:
            document = issuer.metadata.popitem()[1]
            issuer.metadata[rfc8414] = document
            found(issuer, world)
            assert targets(issuer) == [rfc8414, "/keys"]
            issuer.server.requests.clear()
            issuer.metadata = {openid: document}
            found(issuer, world)
            assert targets(issuer) == [rfc8414, openid, "/keys"]


def test_metadata_is_fetched_again_after_a_failure() -> None:
    """The place of the keys is kept while they are there, and looked for again when they are not."""
    with Issuer("a", cache_control="max-age=60") as issuer:
        clock = FixedClock()
        source = found(issuer, clock=clock)
        clock.advance(60)
        WORLDS["sync"](in_steps(lambda: source.keys("a")))
        assert targets(issuer) == [RFC8414, "/keys", "/keys"]
        issuer.metadata = {OPENID: {"issuer": issuer.issuer, "jwks_uri": f"{issuer.issuer}/moved"}}
        issuer.status = 410
        for _ in range(2):
            clock.advance(60)
            WORLDS["sync"](in_steps(lambda: source.keys("a")))
        assert targets(issuer)[3:] == ["/keys", RFC8414, OPENID, "/moved"]


def odd(issuer: Issuer) -> dict[str, Any]:
    """Return metadata that is not to be used, by what is wrong with it."""
    base, name = issuer.server.url, issuer.issuer
    return {
        "another issuer": {"issuer": "https://evil.example", "jwks_uri": issuer.keys_url},
        "a slash more": {"issuer": f"{name}/", "jwks_uri": issuer.keys_url},
        "another case": {"issuer": name.upper(), "jwks_uri": issuer.keys_url},
        "a list of issuers": {"issuer": [name], "jwks_uri": issuer.keys_url},
        "no issuer": {"jwks_uri": issuer.keys_url},
        "no keys": {"issuer": name},
        "keys over http": {"issuer": name, "jwks_uri": "http://id.example.com/keys"},
        "keys in a file": {"issuer": name, "jwks_uri": "file:///etc/passwd"},
        "keys with a password": {"issuer": name, "jwks_uri": f"https://u:p@{base.partition('//')[2]}/keys"},
        "keys as a number": {"issuer": name, "jwks_uri": 7},
        "a list": [name],
        "HTML": response("<html>", content_type="text/html"),
        "JSON as HTML": response("{}", content_type="text/html"),
        "no JSON": response("{"),
        "the metadata of a cloud": {"issuer": name, "jwks_uri": "https://169.254.169.254/keys"},
        "an issuer twice": response(f'{{"issuer": "https://evil.example", "issuer": "{name}", "jwks_uri": "{issuer.keys_url}"}}'),
        "deep": response("[" * 20_000),
        "a redirect": response("", 302, location=f"{base}{OPENID}"),
        "an error": response("{}", 500),
    }


def test_R8725_3_10_2_odd_metadata_leads_nowhere() -> None:
    """Metadata that is not exactly of the configured issuer, or leads where it must not, gives no key, and is asked for nothing more."""
    with Issuer("a") as issuer:
        for row, document in odd(issuer).items():
            issuer.server.requests.clear()
            issuer.metadata = {RFC8414: document, OPENID: document}
            with noting(row), pytest.raises(Unavailable) as outage:
                found(issuer)
            assert "/keys" not in targets(issuer)
            assert len(outage.value.why) < 1500
        good = {"issuer": issuer.issuer, "jwks_uri": issuer.keys_url}
        for row, document in odd(issuer).items():
            if row not in {"a redirect", "the metadata of a cloud"}:  # the first document decides, though no key comes of it
                issuer.metadata = {RFC8414: document, OPENID: good}
                with noting(row):
                    found(issuer)
