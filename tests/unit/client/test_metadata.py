"""From a refusal to the token endpoint: metadata of the resource (RFC 9728), then of its server (RFC 8414)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.each import each
from watchword.client import Address, Cure, ResponseView, Source, afollow, cure, follow, matches

if TYPE_CHECKING:
    from collections.abc import Mapping

URL = "https://api.example/v1/orders"
METADATA = "https://api.example/.well-known/oauth-protected-resource"
ISSUER = "https://id.example/tenant"
SERVER = "https://id.example/.well-known/oauth-authorization-server/tenant"
OPENID = "https://id.example/tenant/.well-known/openid-configuration"
RESOURCE = {"resource": "https://api.example/", "authorization_servers": [ISSUER]}
ENDPOINTS = {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token", "authorization_endpoint": f"{ISSUER}/authorize"}
FOUND = Source(
    metadata=Address(METADATA, same_origin=True),
    token_endpoint=Address(f"{ISSUER}/token", same_origin=False),
    authorization_endpoint=Address(f"{ISSUER}/authorize", same_origin=False),
    issuer=ISSUER,
    resource="https://api.example/",
)


def refused(url: str = URL, metadata: str = METADATA) -> Cure:
    """The cure of a 401 with metadata."""
    return cure(ResponseView(401, (("WWW-Authenticate", f'Bearer resource_metadata="{metadata}"'), ("WWW-Authenticate", "Basic")), url=url))


class Web:
    """Servers with documents, which note what they are asked."""

    def __init__(self, documents: Mapping[str, object]) -> None:
        self.documents = documents
        self.asked: list[str] = []

    def __call__(self, url: str) -> ResponseView:
        """Answer as an HTTP client does."""
        self.asked.append(url)
        found = self.documents.get(url)
        if isinstance(found, ResponseView):
            return found
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        return ResponseView(404 if found is None else 200, (), body, url)


def led(documents: Mapping[str, object], start: Cure | None = None, **more: Any) -> tuple[Source | None, tuple[str, ...], list[str]]:
    """Return where a refusal leads to, what is in its way, and what was fetched."""
    web = Web(documents)
    found = follow(start or refused(), web, **more)
    return found.alternatives[0].obtain, found.faults, web.asked


def test_two_documents_lead_to_the_token_endpoint() -> None:
    """Each is fetched once; alternatives without metadata stay as they are."""
    web = Web({METADATA: RESOURCE, SERVER: ENDPOINTS})
    found = follow(refused(), web)
    assert [one.obtain for one in found.alternatives] == [FOUND, None]
    assert (found.faults, web.asked) == ((), [METADATA, SERVER])


def test_the_same_with_a_loop() -> None:
    """A function that is awaited."""
    web = Web({METADATA: RESOURCE, SERVER: ENDPOINTS})

    async def fetch(url: str) -> object:
        return web(url)

    assert asyncio.run(afollow(refused(), fetch)) == follow(refused(), web)


def test_a_server_of_openid_connect() -> None:
    """Its metadata is behind the issuer (OpenID Connect Discovery §4). What RFC 8414 names is asked first."""
    source, faults, asked = led({METADATA: RESOURCE, OPENID: ENDPOINTS})
    assert (source, asked) == (FOUND, [METADATA, SERVER, OPENID])
    assert faults == ("the metadata of the authorization server was answered with status 404",)


def test_the_next_server_is_asked() -> None:
    """Where the first is away; at most three are."""
    others = [f"https://id{number}.example" for number in range(9)]
    source, _, asked = led({METADATA: {**RESOURCE, "authorization_servers": [*others[:1], ISSUER]}, SERVER: ENDPOINTS})
    assert source == FOUND
    assert len(asked) == 4
    source, _, asked = led({METADATA: {**RESOURCE, "authorization_servers": others}})
    assert source == Source(metadata=FOUND.metadata, resource="https://api.example/")
    assert len(asked) == 7


OTHER = "the metadata of the resource is of another resource than the one that was refused (RFC 9728 §3.3)"


@each(
    ("documents", "fault"),
    [
        ({METADATA: {**RESOURCE, "resource": "https://victim.example/"}}, OTHER),
        ({METADATA: {**RESOURCE, "resource": "https://api.example/v2"}}, OTHER),
        ({METADATA: {**RESOURCE, "resource": "https://api.example/v1/ord"}}, OTHER),
        ({METADATA: {**RESOURCE, "resource": "http://api.example/"}}, OTHER),
        ({METADATA: {**RESOURCE, "resource": ["https://api.example/"]}}, OTHER),
        ({METADATA: {"authorization_servers": [ISSUER]}}, OTHER),
        ({}, "the metadata of the resource was answered with status 404"),
        (
            {METADATA: ResponseView(302, (("Location", "https://evil.example/"),))},
            "the metadata of the resource was answered with status 302",
        ),
        (
            {METADATA: ResponseView(200, (), json.dumps(RESOURCE).encode(), "https://evil.example/")},
            "the metadata of the resource came from another URL than it was asked from",
        ),
        ({METADATA: b" " * 65_537}, "the metadata of the resource cannot be read: expected at most 65536 octets at position 65536"),
        (
            {METADATA: b"[" * 5000},
            "the metadata of the resource cannot be read: expected arrays and objects nested at most 16 deep at position 0",
        ),
        ({METADATA: b'{"resource": NaN}'}, "the metadata of the resource cannot be read: expected a JSON number at position 0"),
        ({METADATA: b"[]"}, "the metadata of the resource cannot be read: expected a JSON object at position 0"),
        ({METADATA: {"resource": "https://api.example/"}}, "the metadata of the resource names no authorization server"),
        ({METADATA: {**RESOURCE, "authorization_servers": "https://id.example"}}, None),
        ({METADATA: {**RESOURCE, "authorization_servers": ["http://id.example"]}}, None),
        ({METADATA: {**RESOURCE, "authorization_servers": ["https://localhost"]}}, None),
        ({METADATA: {**RESOURCE, "authorization_servers": ["/token", 7, {}]}}, None),
        ({METADATA: {**RESOURCE, "authorization_servers": [f"{ISSUER}?x=1"]}}, None),
        (
            {METADATA: RESOURCE, SERVER: {**ENDPOINTS, "issuer": "https://victim.example"}},
            "the metadata of the authorization server is of another issuer (RFC 8414 §3.3)",
        ),
        ({METADATA: RESOURCE, SERVER: {**ENDPOINTS, "token_endpoint": "http://id.example/token"}}, None),
        ({METADATA: RESOURCE, SERVER: {**ENDPOINTS, "token_endpoint": "/token"}}, None),
        ({METADATA: RESOURCE, SERVER: {**ENDPOINTS, "token_endpoint": None}}, None),
        ({METADATA: RESOURCE, SERVER: {**ENDPOINTS, "authorization_endpoint": "javascript:alert(1)"}}, None),
    ],
)
def test_R8414_3_3_1_a_document_that_is_not_right_leads_nowhere(documents: Mapping[str, object], fault: str | None) -> None:
    """No endpoint is named, and the fault says why, in words without what the server wrote."""
    source, faults, _ = led(documents)
    assert source is not None
    assert (source.token_endpoint, source.authorization_endpoint, source.issuer) == (None, None, "")
    assert faults
    assert fault is None or fault in faults
    assert "evil" not in str(faults)
    assert "javascript" not in str(faults)


def test_what_the_refusal_states_is_kept() -> None:
    """A token endpoint of the cure, where the metadata is away."""
    content = {
        "cure": {"alternatives": [{"action": "renew", "scheme": "Bearer", "resource_metadata": METADATA, "token_endpoint": "/token"}]}
    }
    start = cure(ResponseView(401, (("Content-Type", "application/json"),), json.dumps(content).encode(), URL))
    source, _, _ = led({}, start)
    assert source == Source(metadata=FOUND.metadata, token_endpoint=Address("https://api.example/token", same_origin=True))


def test_many_documents_are_not_fetched() -> None:
    """Four of one refusal; a document that two challenges name, once."""
    lines = tuple(("WWW-Authenticate", f'Bearer realm="{n}", resource_metadata="{METADATA}/{n // 2}"') for n in range(40))
    web = Web({})
    follow(cure(ResponseView(401, lines, url=URL)), web)
    assert len(web.asked) == 4


@each(
    ("resource", "url", "exact", "right"),
    [
        ("https://api.example", "https://api.example/x", False, True),
        ("https://api.example/", "https://api.example", False, True),
        ("https://api.example/mcp", "https://api.example/mcp", False, True),
        ("https://api.example/mcp", "https://api.example/mcp/tools?x=1", False, True),
        ("https://api.example/mcp", "https://api.example/mcpx", False, False),
        ("https://api.example/mcp", "https://api.example/mcp/../admin", False, False),
        ("https://api.example/mcp", "https://api.example/mcp/%2E%2e/admin", False, False),
        ("https://api.example/x?t=1", "https://api.example/x?t=1", False, True),
        ("https://api.example/x?t=1", "https://api.example/x?t=2", False, False),
        ("https://api.example/#x", "https://api.example/", False, False),
        ("https://api.example:8443/", "https://api.example/", False, False),
        ("https://api.example/mcp", "https://api.example/mcp", True, True),
        ("https://api.example/mcp", "https://api.example/mcp/tools", True, False),
        ("https://API.example/mcp", "https://api.example/mcp", True, False),
        ("", "", False, False),
    ],
)
def test_R9728_3_3_2_a_resource_matches_what_was_refused(resource: str, url: str, exact: bool, right: bool) -> None:  # noqa: FBT001 - columns
    """RFC 9728 §3.3; by default also a leading part of the URL, by whole segments and of the same origin."""
    assert matches(resource, url, exact=exact) is right


def test_exact_is_exact() -> None:
    """As §3.3 has it."""
    assert OTHER in led({METADATA: RESOURCE, SERVER: ENDPOINTS}, exact=True)[1]
    assert led({METADATA: {**RESOURCE, "resource": URL}, SERVER: ENDPOINTS}, exact=True)[1] == ()


def test_what_the_function_raises_passes_through() -> None:
    """The network is the caller's."""

    def fetch(url: str) -> object:
        raise TimeoutError(url)

    with pytest.raises(TimeoutError):
        follow(refused(), fetch)
    assert follow(cure(ResponseView(401)), fetch).alternatives == ()


LEAVES = st.none() | st.integers() | st.text() | st.sampled_from([ISSUER, f"{ISSUER}/token", "https://api.example/", METADATA])


@given(
    resource=st.dictionaries(st.sampled_from(["resource", "authorization_servers", "x"]), LEAVES | st.lists(LEAVES, max_size=4))
    | st.binary(),
    server=st.dictionaries(st.sampled_from(["issuer", "token_endpoint", "authorization_endpoint"]), LEAVES | st.lists(LEAVES))
    | st.binary(),
)
def test_no_document_crashes(resource: Any, server: Any) -> None:
    """Whatever two servers answer, there is a value."""
    led({METADATA: resource, SERVER: server, OPENID: server})
