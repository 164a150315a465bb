"""What is taken out of a request before the application sees it, computed apart from any adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.core import Recorder, ask
from watchword import APIKey, Basic, Bearer, Firewall, Guard, RequestView
from watchword.guard import IDENTITY_HEADERS
from watchword.guard.forwarding import UNCHANGED, Forwarding, forwarding
from watchword.guard.identity_headers import SOURCES

SECRETS = ("Authorization", "Bearer s3cret"), ("X-API-Key", "s3cret"), ("Cookie", "a=1; key=s3cret; b=2")


def taken(view: RequestView, **settings: Any) -> Forwarding:
    """Return what a guard with all transports takes out."""
    guard = Guard(Bearer(Recorder(), query=True), APIKey(Recorder(), query="key", cookie="key"), **settings)
    view.scan(guard.policy.index)
    return forwarding(guard.policy, view)


def test_an_ordinary_request_is_left_alone() -> None:
    """The very same object each time, so that adapters can tell at a glance; credentials stay unless somebody wants them gone."""
    assert taken(ask("/x?access_token=s3cret", *SECRETS, ("X-Other", "a"))) is UNCHANGED


def test_an_identity_header_of_a_client_is_taken_out() -> None:
    """Whatever its letter case: it is an output of authentication, never an input (H3, N9)."""
    for name in (pattern.replace("*", "x") for pattern in IDENTITY_HEADERS):
        for spelling in (name, name.upper(), name.title()):
            assert taken(ask("/", (spelling, "root"))) == Forwarding(frozenset({name}))


def test_every_identity_header_has_its_source_on_the_page() -> None:
    """The decision page lists the very table that the guard uses; no name is covered by a pattern of the same source."""
    page = (Path(__file__).parents[3] / "docs" / "decisions" / "0006-identity-headers.md").read_text(encoding="utf-8")
    for source, names in SOURCES.items():
        assert f"| {source} | {', '.join(f'`{name}`' for name in names)} |" in page
        prefixes = tuple(name[:-1] for name in names if name.endswith("*"))
        assert all(name == name.lower() and (name.endswith("*") or not name.startswith(prefixes)) for name in names)


def test_identity_headers_may_be_ones_own() -> None:
    """Those that are named replace the ready-made ones; none at all is possible too."""
    view = ask("/", ("X-Employee", "root"), ("Remote-User", "root"))
    assert taken(view, identity_headers=["X-Employee"]).fields == {"x-employee"}
    assert taken(view, identity_headers=["X-Emp*", "remote-*"]).fields == {"x-employee", "remote-user"}
    assert taken(view, identity_headers=["X-Employee-*", "remote-users"]) is UNCHANGED
    assert taken(view, identity_headers=[]) is UNCHANGED


def test_a_twin_that_was_let_through_is_taken_out() -> None:
    """Who switches the firewall's rule off does not thereby believe clients (H2)."""
    aliases = ask("/", ("Remote_User", "root"), ("Remote.Groups", "root"), ("X~Remote.Extra_A", "root"))
    assert taken(aliases, firewall=Firewall(off=["field_alias"])).fields == {"remote-user", "remote-groups", "x-remote-extra-a"}


def test_credentials_are_taken_out_on_request() -> None:
    """Fields, one cookie of several, and parameters in any spelling; the rest stays in its order."""
    found = taken(ask("/x?a=1&access%5Ftoken=s3cret&b=2&key=s3cret&c", *SECRETS), strip_credentials=True)
    assert found.fields == {"authorization", "x-api-key"}
    assert found.cookies == "a=1; b=2"
    assert found.query == b"a=1&b=2&c"


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        ("key=s3cret", None),
        ("key=s3cret; key=s3cret", None),
        (" key =s3cret ;a=1", "a=1"),
        ("a=1;; ;b=2", "a=1; b=2"),
        ("KEY=other; key=s3cret", "KEY=other"),
        ("key", None),
        ('a="x; key=s3cret', 'a="x'),
    ],
)
def test_a_cookie_is_taken_out_however_it_is_written(sent: str, left: str | None) -> None:
    """What might be read as one goes; where nothing is left, the field goes too."""
    found = taken(ask("/", ("Cookie", sent)), strip_credentials=True)
    assert found.cookies == left
    assert ("cookie" in found.fields) is (left is None)


def test_cookies_that_carry_nothing_stay() -> None:
    """A guard that reads no cookie touches none."""
    guard = Guard(Basic(Recorder(), realm="x"), strip_credentials=True)
    view = ask("/x?key=1", ("Cookie", "key=1"))
    view.scan(guard.policy.index)
    assert forwarding(guard.policy, view) == Forwarding(frozenset({"authorization"}))


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("key=s3cret", b""),
        ("key", b""),
        ("a&key=s3cret&&b", b"a&&b"),
        ("keys=1&Key=2", b"keys=1&Key=2"),
        ("k%65y=s3cret&%6bey=s3cret", b""),
    ],
)
def test_a_parameter_is_taken_out_in_any_spelling(query: str, left: bytes) -> None:
    """Read as the scheme reads it, so that what the scheme would find is gone, and nothing else is."""
    assert taken(ask(f"/x?{query}"), strip_credentials=True).query == left


def test_trace_hands_no_credential_over() -> None:
    """Its answer would repeat them (RFC 9110 §9.3.8): with cookies, whatever was configured."""
    found = taken(ask("/", *SECRETS, method="TRACE"))
    assert {"authorization", "proxy-authorization", "x-api-key", "cookie"} <= found.fields
    assert found.cookies is None


def test_a_proxy_keeps_its_credentials_to_itself() -> None:
    """Proxy-Authorization is for this hop (RFC 9110 §11.7.2); Authorization is for the next."""
    guard = Guard(Basic(Recorder(), realm="x"), proxy=True)
    view = ask("/", ("Proxy-Authorization", "Basic YTpi"), ("Authorization", "Basic YTpi"))
    view.scan(guard.policy.index)
    assert forwarding(guard.policy, view).fields == {"proxy-authorization"}
