"""Tokens behind a subprotocol of a WebSocket handshake, where that was asked for (RFC 6455 §11.3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient

from tests.support.drive import ByASGI, ByHand, ByWSGI, Request, asgi_scope, basic, bearer, who
from tests.support.each import each
from tests.support.people import ANN, KEYS, check_password, check_token
from watchword import APIKey, Basic, Bearer, ConfigurationError, Guard, optional, public
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import Tokens
from watchword.schemes import cors_request_headers

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from tests.support.drive import Through

UPGRADE = (("Upgrade", "websocket"), ("Connection", "Upgrade"))


def guarded(**settings: Any) -> Guard:
    """A guard that reads tokens from subprotocols, beside other schemes."""
    settings.setdefault("rules", {"/healthz": public, "/o": optional})
    return Guard(
        Bearer(check_token, subprotocol="bearer"),
        Basic(check_password, realm="a"),
        APIKey(KEYS, cookie="key"),
        request_id=lambda: "id",
        **settings,
    )


def offer(*offered: str, headers: tuple[tuple[str, str], ...] = (), target: str = "/me", **more: Any) -> Request:
    """A handshake that offers subprotocols, as GET with Upgrade."""
    return Request(target=target, headers=(*UPGRADE, *(("Sec-WebSocket-Protocol", value) for value in offered), *headers), **more)


OFFERED: dict[str, tuple[tuple[str, ...], int]] = {
    "marker and token": (("bearer, ann-token",), 200),
    "without a space": (("bearer,ann-token",), 200),
    "in two fields": (("bearer", "ann-token"), 200),
    "behind the application's own": (("chat, bearer, ann-token, chat2",), 200),
    "empty elements": ((" ,bearer,, ann-token,",), 200),
    "a token that is not true": (("bearer, x",), 401),
    "no marker": (("chat, ann-token",), 401),
    "another case": (("Bearer, ann-token",), 401),
    "the token first": (("ann-token, bearer",), 400),
    "marker alone": (("bearer",), 400),
    "marker twice": (("bearer, ann-token, bearer, ann-token",), 400),
    "no token by its characters": (("bearer, a@b",), 400),
    "base64 padding, which no subprotocol holds": (("bearer, YQ==",), 400),
    "a space in the token": (("bearer, ann token",), 400),
    "too many": (("bearer, ann-token" + ", a" * 40,), 400),
    "too long": (("bearer, " + "a" * 20_000,), 431),
    "empty": (("",), 401),
}


@each("case", OFFERED)
def test_a_token_behind_the_marker_is_a_bearer_token(case: str, through: Through) -> None:
    """The marker is compared exactly, comes once, and exactly one token stands behind it; the answer is the same on every interface."""
    offered, status = OFFERED[case]
    answer = through(guarded())(offer(*offered))
    assert answer.status == status
    if status == 200:
        assert who(answer) == "ann"
    if through is ByASGI:
        websocket = Request(kind="websocket", target="/me", headers=tuple(("Sec-WebSocket-Protocol", value) for value in offered))
        assert ByASGI(guarded())(websocket).status == (101 if status == 200 else status)


def test_tokens_are_read_from_handshakes_only_and_only_if_configured(through: Through) -> None:
    """Other requests have no subprotocols, and a guard without `subprotocol=` ignores them."""
    plain = Request(target="/me", headers=(("Sec-WebSocket-Protocol", "bearer, ann-token"),))
    assert through(guarded())(plain).status == 401
    assert through(Guard(Bearer(check_token)))(offer("bearer, ann-token")).status == 401
    assert through(guarded())(offer("bearer, wrong", target="/healthz")).status == 200
    assert through(guarded())(offer("bearer, wrong", target="/o")).status == 401
    assert through(guarded())(offer("bearer, " + "a" * 20_000, target="/healthz")).status == 431


@pytest.mark.parametrize("more", [bearer("ann-token"), basic("ann", "s3cret"), ("X-API-Key", "ann-key")])
def test_two_explicit_credentials_are_400(more: tuple[str, str], through: Through) -> None:
    """A token behind a subprotocol is explicit (decision D18): beside another explicit one it is ambiguous."""
    assert through(guarded())(offer("bearer, ann-token", headers=(more,))).status == 400


def test_it_goes_before_a_cookie_and_needs_no_origin(through: Through) -> None:
    """A cookie is ambient and gives way. No page of another origin knows the token, so it counts from any origin."""
    foreign = (("Cookie", "key=bob-key"), ("Host", "a.example"), ("Origin", "https://b.example"))
    answer = through(guarded())(offer("bearer, ann-token", headers=foreign))
    assert (answer.status, who(answer)) == (200, "ann")


def test_with_strip_credentials_the_application_does_not_see_it() -> None:
    """The marker and the application's own subprotocols stay; a field that cannot be taken apart is left out whole."""
    guard = guarded(strip_credentials=True)
    for sent, target, left in (
        ("chat, bearer, ann-token, v2", "/me", "chat, bearer, v2"),
        ("bearer, wrong", "/healthz", "bearer"),
        ("bearer, a, bearer, b", "/healthz", "bearer, bearer"),
        ("bearer, b" + ", a" * 40, "/healthz", None),
        ("", "/healthz", None),
    ):
        for driver, request in (
            (ByASGI, Request(kind="websocket", target=target, headers=(("Sec-WebSocket-Protocol", sent),))),
            (ByASGI, offer(sent, target=target)),
            (ByWSGI, offer(sent, target=target)),
        ):
            seen = driver(guard)(request).seen
            assert seen is not None
            assert dict(seen.headers).get("sec-websocket-protocol") == left
    assert ByHand(guard)(offer("bearer, ann-token")).status == 200


def test_the_marker_is_selected_and_never_the_token() -> None:
    """The application may select nothing, the marker or one of its own; a token that it selects by mistake is not sent."""

    async def talk(websocket: WebSocket) -> None:
        chosen = {"none": None, "marker": "bearer", "own": "chat", "token": "4711"}[websocket.path_params["what"]]
        await websocket.accept(subprotocol=chosen)
        await websocket.send_json([websocket.user.id, websocket.scope["subprotocols"], websocket.headers["sec-websocket-protocol"]])
        await websocket.close()

    app = Starlette(routes=[WebSocketRoute("/{what}", talk)])
    for strip in (False, True):
        guard = Guard(Bearer(Tokens({"4711": ANN}), subprotocol="bearer"), rules={"/own": optional}, strip_credentials=strip)
        client = TestClient(GuardMiddleware(app, guard))
        offered = ["bearer", "4711", "chat"]
        for what, selected in (("none", "bearer"), ("marker", "bearer"), ("own", "chat"), ("token", "bearer")):
            with client.websocket_connect(f"/{what}", subprotocols=offered) as socket:
                left = ["bearer", "chat"] if strip else offered
                assert socket.accepted_subprotocol == selected
                assert socket.receive_json() == ["ann", left, ", ".join(left)]
        # Who offers no marker gets what the application selects.
        with client.websocket_connect("/own", subprotocols=["chat"]) as socket:
            assert socket.accepted_subprotocol == "chat"


def test_subprotocols_that_stand_in_the_scope_alone_are_read() -> None:
    """ASGI has them in `subprotocols`; a server or test client that leaves the field out is understood."""

    def server(request: Request) -> dict[str, Any]:
        return {**asgi_scope(request), "subprotocols": ["bearer", "ann-token"]}

    answer = ByASGI(guarded(), server=server)(Request(kind="websocket", target="/me"))
    assert (answer.status, who(answer)) == (101, "ann")


@pytest.mark.parametrize("wrong", ["", "a b", "a,b", "bearer/x", "b\xe4r", True, 7, ["bearer"]])
def test_a_subprotocol_that_cannot_be_offered_is_a_mistake(wrong: Any) -> None:
    """It is a token (RFC 6455 §4.1)."""
    with pytest.raises(ConfigurationError, match="subprotocol"):
        Bearer(check_token, subprotocol=wrong)


def test_caches_and_cors_layers_are_told_nothing_of_it() -> None:
    """No script sets the field, and no handshake is stored."""
    guard = guarded()
    assert "sec-websocket-protocol" not in cors_request_headers(guard.schemes)
    assert not any("websocket" in name.lower() for name in guard.policy.vary)
