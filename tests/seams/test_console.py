"""The console through both interfaces: what it shows, to whom, and what it refuses."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.support.consoles import ADMIN, INTERFACES, NOBODY, OWN, VIEWER, ask, check, make_console, own_guard, text_of
from tests.support.each import each
from tests.unit.console.test_markup import HOSTILE, Seen
from watchword import (
    Accepted,
    AuthEvent,
    Basic,
    Bearer,
    ConfigurationError,
    Guard,
    Principal,
    Reason,
    Refused,
    RequestView,
    authenticated,
    optional,
    public,
    role,
)
from watchword.adapters.asgi import GuardMiddleware
from watchword.console import Console, Observed
from watchword.console.assets import SCRIPT, STYLE
from watchword.signals import Signals
from watchword.testing import FixedClock

PAGES = ["/", "/refusals", "/routes"]
NOW = 1_700_000_000.0


def refused(text: str = "x", **facts: Any) -> AuthEvent:
    """Return an event with a text wherever one may come from a client."""
    known: dict[str, Any] = {
        "time": NOW, "request_id": text, "decision": "forbidden", "reason": Reason.MISSING_ROLE, "scheme": text, "principal": text,
        "client": text, "route": text, "requirement": text, "duration": 0.1, "cached": False,
    }  # fmt: skip
    return AuthEvent(**{**known, **facts})


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_served_to_whom_it_is_for(interface: str, path: str) -> None:
    """With the permission 200, without it 403, without a login 401; a wrong password is refused."""
    console = make_console()
    assert ask(console, interface, "GET", path, headers=VIEWER).status_code == 200
    assert ask(console, interface, "GET", path, headers=NOBODY).status_code == 403
    assert ask(console, interface, "GET", path, headers={"Authorization": "Basic ZXZlOng="}).status_code == 401
    anonymous = ask(console, interface, "GET", path, headers={"Authorization": None})
    assert anonymous.status_code == 401
    assert "</nav>" not in anonymous.text


@pytest.mark.parametrize("interface", INTERFACES)
def test_signals_are_shown_while_they_last(interface: str) -> None:
    """With their cause and evidence; where nothing is watched, nothing is said of attacks."""
    signals = Signals(on_signal=lambda _: None)
    console = make_console(signals=signals)
    assert "No attack and no fault of the server is seen." in text_of(ask(console, interface, "GET", "/"))
    for number in range(60):
        signals(refused("x", client="192.0.2.9", reason=Reason.WRONG_SECRET, principal="", credential=f"<b>{number}", time=NOW + number))
    begun = signals.active
    assert [signal.kind for signal in begun] == ["spraying"]
    shown = ask(console, interface, "GET", "/")
    assert begun[0].cause in text_of(shown)
    assert "192.0.2.9" in text_of(shown)
    assert "<b>" not in shown.text
    assert "Signals" not in text_of(ask(make_console(), interface, "GET", "/"))
    with pytest.raises(ConfigurationError, match=r"Console\(signals=\.\.\.\)"):
        make_console(signals=Signals)


@pytest.mark.parametrize("interface", INTERFACES)
def test_every_answer_keeps_to_itself(interface: str) -> None:
    """No cache keeps it, no page frames it, and nothing runs but the one script by its digest."""
    for method, path, status in (("GET", "/", 200), ("GET", "/nothing", 404), ("POST", "/", 405)):
        answer = ask(make_console(), interface, method, path, headers=OWN)
        assert answer.status_code == status
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers.get("allow") == ("GET, HEAD" if status == 405 else None)


@pytest.mark.parametrize("interface", INTERFACES)
def test_head_has_the_fields_and_no_content(interface: str) -> None:
    """HEAD is decided as GET."""
    answer = ask(make_console(), interface, "HEAD", "/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert ask(make_console(), interface, "HEAD", "/", headers=NOBODY).status_code == 403


@pytest.mark.parametrize("interface", INTERFACES)
@each("text", HOSTILE)
def test_what_clients_chose_is_text_on_every_page(interface: str, text: str) -> None:
    """Markup in each field of an event, and in the query: no element, no attribute and no address comes of it."""
    observed = Observed()
    observed(refused(text))
    console = make_console(guard=own_guard(clock=FixedClock(NOW)), observed=observed)
    for path, query in (("/", {}), ("/refusals", {}), ("/refusals", {"reason": text})):
        answer = ask(console, interface, "GET", path, params=query)
        assert answer.status_code == 200
        seen = Seen()
        seen.feed(answer.text)
        assert not {"img", "b"} & set(seen.elements)
        assert seen.elements.count("script") == seen.elements.count("style") == 1
        assert not [name for name, _ in seen.attributes if name.startswith("on")]
        addresses = [value for name, value in seen.attributes if name in {"href", "src", "action"}]
        assert all(value is not None and value.startswith(("/console/", "#")) for value in addresses)
        # The script and the style are what the policy names, whatever stands around them.
        assert f"<style>{STYLE}</style>" in answer.text
        assert f"<script>{SCRIPT}</script>" in answer.text


@pytest.mark.parametrize("interface", INTERFACES)
def test_the_pages_tell_what_happened(interface: str) -> None:
    """Reasons with what to look at, refusals with their explanation, and how long decisions took."""
    clock, observed = FixedClock(NOW), Observed()
    watched = Guard(Basic(check, realm="r"), rules={"/admin": role("admin")}, on_event=observed, clock=clock)
    watched.decide(RequestView("GET", "/admin", [("Authorization", ADMIN["Authorization"])], client="192.0.2.7"))
    watched.decide(RequestView("GET", "/other", [("Authorization", ADMIN["Authorization"])], client="192.0.2.7"))
    console = make_console(guard=own_guard(clock=clock), observed=observed)
    overview = text_of(ask(console, interface, "GET", "/"))
    assert "missing_role" in overview
    assert "granted: 1" in overview
    assert "refused (401, 403, hidden): 1" in overview
    refusals = text_of(ask(console, interface, "GET", "/refusals"))
    for words in ("missing_role", "192.0.2.7", "What to look at", 'role("admin")', "2023-11-14 22:13:20"):
        assert words in refusals
    assert "The latest 0 of 0" not in refusals
    assert "No refusal is kept" in text_of(ask(console, interface, "GET", "/refusals", params={"reason": "expired"}))


@pytest.mark.parametrize("interface", INTERFACES)
def test_routes_are_shown_with_what_guards_them(interface: str) -> None:
    """And with how often their rule decided; a start that is no number is a clear error."""
    app = Flask(__name__)
    for number in range(60):
        app.add_url_rule(f"/orders/{number}", str(number), lambda: "")
    observed = Observed()
    watched = Guard(Basic(check, realm="r"), rules={"/orders/1": role("admin"), "/gone": role("admin")})
    observed(refused("/orders/1"))
    console = make_console(observed=observed, routes=lambda: watched.check_routes(app))
    first = ask(console, interface, "GET", "/routes")
    for words in ("GET /orders/1", 'role("admin")', "the rule matches no route", "The rules of 1 of them have decided"):
        assert words in text_of(first)
    assert "/console/routes?from=50" in first.text
    assert "GET /orders/59" in text_of(ask(console, interface, "GET", "/routes", params={"from": "50"}))
    assert ask(console, interface, "GET", "/routes", params={"from": "-1"}).status_code == 400


@pytest.mark.parametrize("interface", INTERFACES)
def test_what_is_sent_is_bounded(interface: str) -> None:
    """A long query, one field twice, and what is not UTF-8 are clear errors."""
    for query, status in (("reason=" + "x" * 4096, 413), ("&" * 40, 413), ("a=1&a=2", 400), ("a=%FF", 400)):
        assert ask(make_console(), interface, "GET", f"/refusals?{query}").status_code == status


@pytest.mark.parametrize("interface", INTERFACES)
@each("path", ["/%2e%2e/accounts", "//", "/refusals;x", "/refusals%00", "/REFUSALS", "/refusals/", "/%72efusals%2f"])
def test_tricks_with_paths_reach_nothing(interface: str, path: str) -> None:
    """No other spelling of a path is a page."""
    assert ask(make_console(), interface, "GET", path).status_code in {400, 404}


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"rules": {"/": public}}, "lets anonymous callers in: public"),
        ({"rules": {"/refusals": optional}}, "'/refusals' for GET /refusals"),
        ({"default": public}, "'default'"),
    ],
)
def test_a_guard_that_lets_anonymous_callers_in_is_refused(options: dict[str, Any], match: str) -> None:
    """At construction: what is open by mistake is an error before the first request."""
    with pytest.raises(ConfigurationError, match=match):
        make_console(guard=own_guard(**options))


def test_arguments_are_checked() -> None:
    """Each message names the argument."""
    wrong: list[tuple[Any, dict[str, Any], str]] = [
        ("guard", {}, r"Console\(guard\)"),
        (own_guard(), {"observed": 1}, r"Console\(observed"),
        (own_guard(), {"routes": 1}, r"Console\(routes"),
        (own_guard(), {"requirements": {"orders": authenticated}}, "name permissions among"),
        (own_guard(), {"requirements": {"watchword:console": "admin"}}, "have a requirement"),
        (own_guard(), {"requirements": {"watchword:console": public}}, "lets anonymous callers"),
    ]
    for guard, options, match in wrong:
        with pytest.raises(ConfigurationError, match=match):
            Console(guard, **{"observed": Observed(), **options})


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_permission_may_mean_something_else(interface: str) -> None:
    """Such as a role, where the callers have no permissions."""
    guard = Guard(Basic(lambda _: Principal("ann", roles={"admin"}), realm="r"))
    assert ask(make_console(guard=guard), interface, "GET", "/").status_code == 403
    console = make_console(guard=guard, requirements={"watchword:console": role("admin")})
    assert ask(console, interface, "GET", "/").status_code == 200


@pytest.mark.parametrize("interface", INTERFACES)
def test_the_decision_of_another_guard_opens_nothing(interface: str) -> None:
    """Neither a guard around the console, nor an exchange in the place of its own."""
    other = Guard(Basic(lambda _: Principal("ann", permissions=["watchword:console"]), realm="other"), rules={"/**": public})
    console = make_console()
    if interface == "asgi":
        app = GuardMiddleware(console.asgi(), other)

        async def get() -> int:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
                return (await client.get("/")).status_code

        assert anyio.run(get) == 401
    exchange = other.exchange(RequestView("GET", "/"))
    exchange.decide()
    with pytest.raises(RuntimeError, match="its own guard"):
        console.find(exchange)


def test_it_is_mounted_in_a_router() -> None:
    """Below the path that the router takes off, links lead to the same mount."""
    app = Starlette(routes=[Mount("/deep/console", make_console().asgi())])

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x", headers=ADMIN) as client:
            return await client.get("/deep/console/refusals")

    answer = anyio.run(get)
    assert answer.status_code == 200
    assert 'href="/deep/console/routes"' in answer.text
    assert 'data-events="/deep/console/events"' in answer.text


class Stream:
    """A connection to the stream of events that can be looked at while it is open."""

    def __init__(self, console: Console, headers: dict[str, str]) -> None:
        self.app = console.asgi()
        self.sent: list[dict[str, Any]] = []
        self.news: anyio.Event | None = None
        self.scope = {
            "type": "http", "method": "GET", "path": "/events", "raw_path": b"/events", "query_string": b"", "scheme": "http",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()], "client": ("127.0.0.1", 1),
        }  # fmt: skip

    async def run(self, receive: Any) -> None:
        """Serve it to its end."""

        async def send(message: dict[str, Any]) -> None:
            self.sent.append(message)
            if self.news is not None:
                self.news.set()

        await self.app(self.scope, receive, send)  # type: ignore[arg-type]

    async def until(self, part: bytes) -> None:
        """Wait until something was sent."""
        with anyio.fail_after(5):
            while part not in self.lines:
                self.news = anyio.Event()
                await self.news.wait()

    @property
    def lines(self) -> bytes:
        """All that was sent."""
        return b"".join(message.get("body", b"") for message in self.sent)


async def _open() -> dict[str, Any]:
    """Stay connected for ever."""
    await anyio.sleep_forever()
    raise AssertionError


@pytest.mark.anyio
async def test_a_stream_tells_that_there_is_something_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a number, whatever the event holds; and it ends when the client goes."""
    monkeypatch.setattr("watchword.console.streams.EVERY", 0.001)
    observed = Observed()
    stream, gone = Stream(make_console(observed=observed), VIEWER), anyio.Event()

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream.run, receive)
        await stream.until(b"retry")
        observed(refused("\n\ndata: evil\n\n<script>"))
        await stream.until(b"data")
        gone.set()
    assert stream.lines == b"retry: 2000\n\nid: 1\ndata: 1\n\n"
    assert dict(stream.sent[0]["headers"])[b"content-type"] == b"text/event-stream"


@pytest.mark.anyio
async def test_a_stream_ends_when_its_caller_may_not_see_it_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a moment, though the connection stays: a token that was revoked, or whose time is over."""
    monkeypatch.setattr("watchword.console.streams.EVERY", 0.001)
    clock = FixedClock(NOW)

    class Lease:
        def is_current(self) -> bool:
            return clock.now() < NOW + 10

    def check_token(_: object) -> Any:
        ann = Principal("ann", permissions=["watchword:console"])
        return Accepted(ann, lease=Lease()) if clock.now() < NOW + 10 else Refused(Reason.EXPIRED)

    stream = Stream(make_console(guard=Guard(Bearer(check_token, realm="r"), clock=clock)), {"Authorization": "Bearer t"})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream.run, _open)
        await stream.until(b"retry")
        clock.advance(20)
    assert stream.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


@pytest.mark.anyio
async def test_streams_are_bounded_in_number_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is 503, upon which a page asks by itself; and each ends, so that its caller is decided about again."""
    monkeypatch.setattr("watchword.console.streams.EVERY", 0.001)
    monkeypatch.setattr("watchword.console.streams.MOST", 1)
    monkeypatch.setattr("watchword.console.streams.LONGEST", 0.05)
    console = make_console()
    first = Stream(console, VIEWER)
    second = Stream(console, VIEWER)
    second.app = first.app
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first.run, _open)
        await first.until(b"retry")
        await second.run(_open)
    assert [message.get("status") for message in second.sent] == [503, None]
    assert first.sent[-1]["more_body"] is False
    third = Stream(console, NOBODY)
    third.app = first.app
    await third.run(_open)
    assert third.sent[0]["status"] == 403


@pytest.mark.anyio
async def test_no_websocket_is_accepted() -> None:
    """On no path, whoever asks: the handshake is refused, and nothing fails."""
    for path in ("/", "/events", "/nothing"):
        stream = Stream(make_console(), {**ADMIN, **OWN})
        stream.scope.update(type="websocket", scheme="ws", path=path, raw_path=path.encode(), subprotocols=[])

        async def receive() -> dict[str, Any]:
            await anyio.lowlevel.checkpoint()
            return {"type": "websocket.connect"}

        await stream.run(receive)
        assert [message["type"] for message in stream.sent] == ["websocket.close"]


def test_wsgi_has_no_stream() -> None:
    """It would hold a thread of the server: the page asks by itself."""
    console = make_console()
    assert ask(console, "wsgi", "GET", "/events").status_code == 404
    assert "data-events" not in ask(console, "wsgi", "GET", "/").text
