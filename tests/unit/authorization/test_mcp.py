"""Rules by tool: which operation a request asks for, and what it needs."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from tests.support.drive import Answer, ByASGI, ByWSGI, Request
from tests.support.each import each, noting
from tests.support.wire import bearer
from watchword import (
    Bearer,
    ConfigurationError,
    Forbidden,
    Granted,
    Guard,
    Malformed,
    Principal,
    RequestView,
    Requirement,
    ResourceMetadata,
    authenticated,
    mcp_tools,
    nobody,
    optional,
    public,
    role,
    scope,
    via,
    where,
)
from watchword.checkers import Tokens

RULES = mcp_tools(
    {
        "refund": scope("payments:write"),
        ("resources/read", "file:///ledger"): scope("ledger:read"),
        ("prompts/get",): scope("prompts"),
        ("tasks/cancel", "t1"): role("operator"),
    },
    default=scope("mcp:use"),
)
TOKENS = Tokens(
    {
        "user": Principal("ann", scopes=["mcp:use"]),
        "clerk": Principal("bob", scopes=["mcp:use", "payments:write"]),
        "payer": Principal("eve", scopes=["payments:write"]),
        "reader": Principal("kim", scopes=["ledger:read"]),
        "none": Principal("zoe"),
    }
)
METADATA = ResourceMetadata(resource="https://mcp.example.com/mcp", authorization_servers=["https://id.example.com"])
URL = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp"


def guard(rule: Requirement = RULES, **settings: Any) -> Guard:
    """A guard with one MCP endpoint."""
    return Guard(Bearer(TOKENS, metadata=METADATA), rules={"/mcp": rule}, **settings)


def call(tool: str = "refund", **more: Any) -> bytes:
    """A message that calls a tool."""
    return message("tools/call", name=tool, arguments={"amount": 1}, **more)


def message(method: str, **params: Any) -> bytes:
    """A message."""
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).encode()


def post(body: bytes | tuple[bytes, ...], who: str = "", *headers: tuple[str, str], method: str = "POST") -> Request:
    """A request with a message."""
    token = (bearer(who),) if who else ()
    return Request(method=method, target="/mcp", headers=(*token, *headers), body=body)


def error_of(answer: Answer) -> tuple[int, Any]:
    """The code of a JSON-RPC error, and the id that it answers."""
    assert answer.one("content-type") == "application/json"
    found = json.loads(answer.body)
    assert found["jsonrpc"] == "2.0"
    return found["error"]["code"], found["id"]


@pytest.mark.parametrize("by", [ByASGI, ByWSGI])
def test_each_operation_needs_what_its_rule_says(by: type[ByASGI | ByWSGI]) -> None:
    """By tool, by method and name, by method; everything else, the default. What is let through arrives whole."""
    ask = by(guard())
    for body, allowed in (
        (call("refund"), {"clerk", "payer"}),
        (call("find"), {"user", "clerk"}),
        (message("tools/list"), {"user", "clerk"}),
        (message("server/discover"), {"user", "clerk"}),
        (message("resources/read", uri="file:///ledger"), {"reader"}),
        (message("resources/read", uri="file:///open"), {"user", "clerk"}),
        (message("prompts/get", name="refund"), set()),
        (message("tasks/cancel", taskId="t1"), set()),
        (message("tasks/cancel", taskId="t2"), {"user", "clerk"}),
        (message("notifications/initialized"), {"user", "clerk"}),
        (b'{"jsonrpc": "2.0", "id": 1, "result": {"method": "tools/call"}}', {"user", "clerk"}),
    ):
        for who in ("user", "clerk", "payer", "reader", "none"):
            with noting(body, who):
                answer = ask(post(body, who))
                assert answer.status == (200 if who in allowed else 403)
                assert answer.called is (who in allowed)
                assert answer.seen is None or answer.seen.body == body


def test_the_refusal_names_all_scopes_of_the_operation_in_one_challenge() -> None:
    """With the metadata of the resource, so that a client can step up (RFC 6750 §3.1, MCP scope challenge)."""
    ask = ByASGI(guard(mcp_tools({"refund": scope("mcp:use", "payments:write")}, default=scope("mcp:use"))))
    assert ask(post(call(), "user")).challenges == [
        f'Bearer realm="api", resource_metadata="{URL}", error="insufficient_scope", scope="mcp:use payments:write"'
    ]


def test_a_broader_scope_implies_a_narrower_one() -> None:
    """Servers account for scope hierarchies (MCP, step-up); the challenge names the narrowest scopes that suffice."""
    implied = guard(scope_implies={"payments:write": ["mcp:use"]})
    ask = ByASGI(implied)
    assert [ask(post(call("find"), who)).status for who in ("payer", "user", "none")] == [200, 200, 403]
    assert 'scope="mcp:use"' in ask(post(call("find"), "none")).challenges[0]
    assert 'scope="payments:write"' in ask(post(call(), "none")).challenges[0]


def test_an_anonymous_caller_is_refused_before_the_content_is_read() -> None:
    """With the scope of the default, which a client asks for at first; nothing is read for a false token either."""
    for headers in ((), (bearer("guess"),)):
        answer = ByASGI(guard())(Request(method="POST", target="/mcp", headers=headers, body=b"x" * 5_000_000))
        assert (answer.status, answer.received, answer.called) == (401, 0, False)
        assert 'scope="mcp:use"' in answer.challenges[0]


def test_content_is_read_for_a_caller_about_whom_it_decides() -> None:
    """Not where another part of the rule refuses, or lets the caller through, in any case."""
    big = b"x" * 5_000_000
    for rule, who, status, received in (
        (role("x") & RULES, "user", 403, 0),
        (authenticated | RULES, "user", 200, 0),
        (nobody & RULES, "user", 403, 0),
        (RULES, "user", 413, 1),
    ):
        answer = ByASGI(guard(rule))(post(big, who))
        assert (answer.status, answer.received) == (status, received)


@pytest.mark.parametrize("by", [ByASGI, ByWSGI])
def test_a_tool_for_everybody_is_open_and_no_other_one(by: type[ByASGI | ByWSGI]) -> None:
    """Then the content is read for anonymous callers too, and decides."""
    ask = by(guard(mcp_tools({"ping": optional, "echo": public}, default=scope("mcp:use"))))
    assert [ask(post(call(name))).status for name in ("ping", "echo", "find")] == [200, 200, 401]
    assert ask(post(call("ping"), "guess")).status == 401


@each(
    ("body", "headers", "code"),
    [
        (b"", (), -32700),
        (b"\xef\xbb\xbf" + call(), (), -32700),
        (call().decode().encode("utf-16"), (), -32700),
        (b'{"method": "tools/list", "x": "\xff"}', (), -32700),
        (b'{"method": "tools/list", "method": "tools/call"}', (), -32700),
        (b'{"method": "tools/list", "\\u006dethod": "tools/call"}', (), -32700),
        (b'{"method": "tools/call", "params": {"name": "find", "name": "refund"}}', (), -32700),
        (b'{"method": "tools/list", "x": NaN}', (), -32700),
        (b'{"method": "tools/list", "x": ' + b"9" * 6000 + b"}", (), -32700),
        (b"[" * 20_000, (), -32700),
        (b"[" * 20_000 + b"]" * 20_000, (), -32700),
        (b'{"method": "tools/call", "params": {"name": "\\ud800"}}', (), -32700),
        (call() + b"{}", (), -32700),
        (b"[" + call() + b"]", (), -32600),
        (b"[]", (), -32600),
        (b"null", (), -32600),
        (b'"tools/list"', (), -32600),
        (b"{}", (), -32600),
        (b'{"method": null, "result": 1}', (), -32600),
        (b'{"method": 1}', (), -32600),
        (b'{"method": "tools/list", "Method": "tools/call"}', (), -32600),
        (b'{"Method": "tools/call", "result": 1}', (), -32600),
        (b'{"method": "tools/call", "params": {"name": "find", "NAME": "refund"}}', (), -32600),
        (b'{"method": "tools/call", "params": {"Name": "refund"}}', (), -32600),
        (b'{"method": "tools/call"}', (), -32602),
        (b'{"method": "tools/call", "params": ["refund"]}', (), -32602),
        (b'{"method": "tools/call", "params": {"name": ["refund"]}}', (), -32602),
        (b'{"method": "resources/read", "params": {"name": "x"}}', (), -32602),
        (call(), (("Content-Encoding", "gzip"),), -32600),
        (call(), (("Content-Encoding", "identity, gzip"),), -32600),
    ],
)
def test_what_can_be_read_in_two_ways_is_400(body: bytes, headers: tuple[tuple[str, str], ...], code: int) -> None:
    """An error of JSON-RPC, and the application is not called; for a caller who may do all of it."""
    for by in (ByASGI, ByWSGI):
        answer = by(guard(mcp_tools({"refund": authenticated}, default=authenticated)))(post(body, "user", *headers))
        assert (answer.status, answer.called) == (400, False)
        assert error_of(answer)[0] == code


@pytest.mark.parametrize("by", [ByASGI, ByWSGI])
def test_the_content_counts_whatever_its_type_is_said_to_be(by: type[ByASGI | ByWSGI]) -> None:
    """Some servers parse what says to be text."""
    for kind in ("text/plain", "application/json; charset=utf-16", "application/x-www-form-urlencoded", ""):
        assert by(guard())(post(call(), "user", ("Content-Type", kind))).status == 403


@each("method", ["GET", "DELETE", "HEAD", "OPTIONS"])
def test_a_stream_and_the_end_of_a_session_need_the_default(method: str) -> None:
    """Without content. With content the method makes no difference: a layer within may take it for a POST."""
    for ask in (ByASGI(guard()), ByWSGI(guard())):
        assert [ask(post(b"", who, method=method)).status for who in ("user", "payer")] == [200, 403]
        assert [ask(post(call(), who, method=method)).status for who in ("user", "payer")] == [403, 200]


@pytest.mark.parametrize("method", ["PUT", "QUERY", "PATCH", "post"])
def test_another_method_is_a_message_too(method: str) -> None:
    """Views that do not look at the method answer it as a POST (decision D60)."""
    assert [ByASGI(guard())(post(call(), who, method=method)).status for who in ("user", "payer")] == [403, 200]


def encoded(name: str) -> str:
    """A name as a client encodes it."""
    return f"=?base64?{b64encode(name.encode()).decode()}?="


MODERN = ("MCP-Protocol-Version", "2026-07-28")
METHOD, NAME = ("Mcp-Method", "tools/call"), ("Mcp-Name", "refund")


@each(
    ("tool", "headers"),
    [
        ("refund", ()),
        ("refund", (METHOD,)),
        ("refund", (METHOD, NAME)),
        ("refund", (MODERN, METHOD, NAME)),
        ("refund", (("mcp-method", " tools/call\t"), ("MCP-NAME", "  refund  "))),
        ("refund", (METHOD, ("Mcp-Name", encoded("refund")))),
        ("rückgabe", (METHOD, ("Mcp-Name", encoded("rückgabe")))),
        (" padded ", (METHOD, ("Mcp-Name", encoded(" padded ")))),
        ("=?base64?eA==?=", (METHOD, ("Mcp-Name", encoded("=?base64?eA==?=")))),
        ("refund", (("MCP-Protocol-Version", "2025-11-25"),)),
        ("refund", (("MCP-Protocol-Version", "nonsense"),)),
    ],
)
def test_fields_that_agree_with_the_content_pass(tool: str, headers: tuple[tuple[str, str], ...]) -> None:
    """Decoded first; clients of earlier versions send none."""
    rule = mcp_tools({"refund": authenticated}, default=authenticated)
    for by in (ByASGI, ByWSGI):
        assert by(guard(rule))(post(call(tool), "user", *headers)).status == 200


@each(
    ("tool", "headers"),
    [
        ("refund", (("Mcp-Method", "tools/list"),)),
        ("refund", (("Mcp-Method", "TOOLS/CALL"), NAME)),
        ("refund", (METHOD, METHOD, NAME)),
        ("refund", (METHOD, ("Mcp-Name", "find"))),
        ("refund", (METHOD, ("Mcp-Name", "Refund"))),
        ("refund", (METHOD, NAME, NAME)),
        ("refund", (METHOD, ("Mcp-Name", encoded("find")))),
        ("refund", (METHOD, ("Mcp-Name", "=?base64?cmVmdW5k"))),
        ("refund", (METHOD, ("Mcp-Name", "=?base64?cmVmdW5l?="))),
        ("refund", (METHOD, ("Mcp-Name", "=?base64?cmVm dW5k?="))),
        ("refund", (METHOD, ("Mcp-Name", "=?BASE64?cmVmdW5k?="))),
        ("refund", (METHOD, ("Mcp-Name", "=?base64?//8=?="))),
        ("x", (METHOD, ("Mcp-Name", "=?base64?eB==?="))),
        ("=?base64?eA==?=", (METHOD, ("Mcp-Name", "=?base64?eA==?="))),
        ("refund", (MODERN,)),
        ("refund", (MODERN, METHOD)),
        ("refund", (MODERN, NAME)),
        ("refund", (("MCP-Protocol-Version", "2027-01-01"), NAME)),
    ],
)
def test_fields_that_contradict_the_content_are_a_header_mismatch(tool: str, headers: tuple[tuple[str, str], ...]) -> None:
    """-32020 with 400 (MCP 2026-07-28, server validation): a proxy that trusts the field would see another operation."""
    rule = mcp_tools({"refund": authenticated}, default=authenticated)
    for by in (ByASGI, ByWSGI):
        answer = by(guard(rule))(post(call(tool), "user", *headers))
        assert (answer.status, answer.called, error_of(answer)) == (400, False, (-32020, 7))


def test_a_field_never_decides() -> None:
    """With a field of a harmless tool, the content is that of another one: 400, and never the rule of the field."""
    assert ByASGI(guard())(post(call("refund"), "user", METHOD, ("Mcp-Name", "find"))).status == 400
    assert ByASGI(guard())(post(call("find"), "payer", METHOD, ("Mcp-Name", "refund"))).status == 400


def test_a_notification_needs_no_fields() -> None:
    """The version of 2026-07-28 defines none for it."""
    body = b'{"jsonrpc": "2.0", "method": "notifications/cancelled"}'
    assert ByASGI(guard())(post(body, "user", MODERN)).status == 200


@each("id_", ["x" * 129, 1.5, True, None, [1], {"a": 1}])
def test_an_id_is_repeated_only_where_it_is_one(id_: Any) -> None:
    """An error holds nothing else of the request."""
    body = json.dumps({"id": id_, "method": "tools/call", "params": {"secret": "5f2b"}}).encode()
    answer = ByASGI(guard())(post(body, "user"))
    assert error_of(answer) == (-32602, None)
    assert b"5f2b" not in answer.body


@each(
    ("method", "params"),
    [
        ("tools/call", {"name": "Refund"}),
        ("tools/call", {"name": " refund"}),
        ("tools/call", {"name": "\uff52efund"}),
        ("tools/call", {"name": "re%66und"}),
        ("resources/read", {"uri": "FILE:///ledger"}),
        ("resources/read", {"uri": "file:///x/../ledger"}),
        ("resources/read", {"uri": "file:///./ledger/"}),
        ("resources/read", {"uri": "file:///led%67er"}),
        ("resources/read", {"uri": "file:///led%2567er"}),
        ("resources/read", {"uri": "file:////ledger"}),
        ("resources/read", {"uri": "file:/ledger"}),
        ("resources/read", {"uri": "file:ledger"}),
        ("resources/read", {"uri": "file://localhost/ledger"}),
        ("resources/read", {"uri": "file:\\\\\\ledger"}),
        ("resources/read", {"uri": "fi\tle:///led\nger\x00"}),
        ("resources/read", {"uri": "file:///led\u00adger"}),
        ("resources/read", {"uri": "file:///led%252567er"}),
        ("resources/read", {"uri": "file:///ledger?page=2"}),
        ("resources/read", {"uri": "file:///ledger#a"}),
    ],
)
def test_another_spelling_of_a_name_needs_what_the_name_needs(method: str, params: dict[str, str]) -> None:
    """And the default too: a server may find the tool or the resource by it."""
    both = Tokens({"both": Principal("x", scopes=["mcp:use", "payments:write", "ledger:read"])})
    body = message(method, **params)
    for who in ("user", "payer", "reader"):
        assert ByASGI(guard())(post(body, who)).status == 403
    assert ByASGI(Guard(Bearer(both), rules={"/mcp": RULES}))(post(body, "both")).status == 200


def test_the_authority_of_a_uri_has_many_spellings() -> None:
    """User, port, final period and the full stops of other scripts lead a parser of URLs to one resource."""
    rule = mcp_tools({("resources/read", "https://example.com/ledger"): scope("ledger:read")}, default=scope("mcp:use"))
    for uri in (
        "https://example.com:443/ledger",
        "https:example.com/ledger",
        "https://ann@example.com/ledger",
        "https://example.com./ledger",
        "https://example\u3002com/ledger",
        "https:\\\\example.com\\ledger",
    ):
        with noting(uri):
            assert ByASGI(guard(rule))(post(message("resources/read", uri=uri), "user")).status == 403
    for uri in ("https://example.org/ledger", "https://example.com/open", "urn:ledger"):
        with noting(uri):
            assert ByASGI(guard(rule))(post(message("resources/read", uri=uri), "user")).status == 200


def test_a_socket_may_lead_to_every_operation() -> None:
    """Its messages are never read, so its handshake needs what all operations need together."""
    every = Tokens({"every": Principal("x", roles=["operator"], scopes=["mcp:use", "payments:write", "ledger:read", "prompts"])})
    for who, status in (("user", 403), ("clerk", 403), ("", 401)):
        view = RequestView("GET", "/mcp", [bearer(who)] if who else [], kind="websocket")
        assert ask_status(guard(), view) == status
    whole = Guard(Bearer(every), rules={"/mcp": RULES})
    assert whole.decide(RequestView("GET", "/mcp", [bearer("every")], kind="websocket")).granted


def ask_status(asked: Guard, view: RequestView) -> int:
    """The status of a refusal."""
    return asked.refuse(asked.decide(view), view).status


def test_content_that_could_not_be_read_is_not_taken_for_none() -> None:
    """A GET or DELETE may carry content, and the application may act on it: what was announced and not read is 400."""
    for method in ("GET", "DELETE"):
        for announced in (("Transfer-Encoding", "chunked"), ("Content-Length", "20")):
            view = RequestView(method, "/mcp", [bearer("user"), announced])
            assert ask_status(guard(), view) == 400
        assert guard().decide(RequestView(method, "/mcp", [bearer("user"), ("Content-Length", "0")])).granted
        assert guard().decide(RequestView(method, "/mcp", [bearer("user")])).granted


def test_another_spelling_of_a_method_is_400() -> None:
    """A server that folds it would call the tool, which the default was asked about."""
    for method in ("Tools/Call", "tools/call ", "\ttools/call", "RESOURCES/READ"):
        with noting(method):
            assert ByASGI(guard())(post(message(method, name="refund", uri="file:///ledger"), "user")).status == 400


def test_aliases_of_the_fields_of_mcp_are_refused() -> None:
    """A gateway may read `Mcp_Name` as `Mcp-Name`, which is compared with the content."""
    for name in ("Mcp_Name", "Mcp.Name", "Mcp_Method", "Content_Encoding", "Mcp_Protocol_Version"):
        view = RequestView("POST", "/mcp", [bearer("user"), (name, "find")], content=call("find"))
        assert ask_status(guard(), view) == 400


def test_a_long_name_of_a_method_with_rules_needs_all_of_them() -> None:
    """It is not compared with every spelling, so it might be any of them."""
    assert ByASGI(guard())(post(call("x" * 2000), "user")).status == 403
    assert ByASGI(guard())(post(call("x" * 2000), "clerk")).status == 200


def test_more_than_the_limit_is_413() -> None:
    """Before it is parsed; what is at the limit is read."""
    body = call()
    for size, status in ((len(body), 200), (len(body) - 1, 413)):
        rule = mcp_tools({}, default=authenticated, limit=size)
        for by in (ByASGI, ByWSGI):
            assert by(guard(rule))(post(body, "user")).status == status
    pieces = tuple(b" " for _ in range(3000))
    assert ByASGI(guard())(post(pieces, "user")).status == 413


def test_content_that_ends_early_is_400() -> None:
    """A client that goes away in the middle has asked for nothing; a server that cannot tell the end has nothing to read."""
    from tests.support.wire import wsgi_environ

    def server(request: Request) -> dict[str, Any]:
        environ = wsgi_environ(request)
        del environ["wsgi.input_terminated"]
        return environ

    answer = ByWSGI(guard(), server=server)(post((call(),), "clerk"))
    assert (answer.status, answer.called) == (400, False)


def test_combined_with_others() -> None:
    """`&`, `|` and `~` mean what they mean elsewhere, once the content is read."""
    for rule, allowed in (
        (RULES & where(lambda who: who.id != "bob", name="not bob"), {"payer"}),
        (RULES | where(lambda who: who.id == "kim", name="kim"), {"clerk", "payer", "reader"}),
        (~RULES, {"user", "reader", "none"}),
        (RULES & ~role("x"), {"clerk", "payer"}),
    ):
        ask = ByASGI(guard(rule))
        assert {who for who in ("user", "clerk", "payer", "reader", "none") if ask(post(call(), who)).status == 200} == allowed
        assert ask(post(call())).status == 401


def test_an_outage_of_the_checker_is_503_and_reads_nothing() -> None:
    """Whoever it is, the rule needs to know."""
    from tests.support.people import check_token

    answer = ByASGI(Guard(Bearer(check_token), rules={"/mcp": RULES}))(post(call(), "outage"))
    assert (answer.status, answer.received) == (503, 0)


def test_it_prints_as_it_is_written() -> None:
    """And equal ones are equal."""
    text = str(RULES)
    assert text == (
        'mcp_tools({"refund": scope("payments:write"), ("resources/read", "file:///ledger"): scope("ledger:read"), '
        '("prompts/get",): scope("prompts"), ("tasks/cancel", "t1"): role("operator")}, default=scope("mcp:use"))'
    )
    assert eval(text, {"mcp_tools": mcp_tools, "scope": scope, "role": role}) == RULES  # noqa: S307 - our own text
    assert hash(RULES) == hash(eval(text, {"mcp_tools": mcp_tools, "scope": scope, "role": role}))  # noqa: S307 - as above
    assert str(mcp_tools({}, default=public, limit=5)) == "mcp_tools({}, default=public, limit=5)"


@each(
    ("rules", "default"),
    [
        ({"": public}, public),
        ({1: public}, public),
        ({("x/y", "z"): public}, public),
        ({("tools/call", "a", "b"): public}, public),
        ({("tools/call", ""): public}, public),
        ({(): public}, public),
        ({"a": public, ("tools/call", "a"): public}, public),
        ({"a": "admin"}, public),
        ({"a": role("x") & ~role("x")}, public),
        ({"a": role("x").hidden()}, public),
        ({"a": role("x") | role("y").from_any_origin()}, public),
        ({"a": mcp_tools({}, default=public)}, public),
        ({}, None),
        ([], public),
    ],
)
def test_a_mistake_is_an_error_at_once(rules: Any, default: Any) -> None:
    """It says where."""
    with pytest.raises(ConfigurationError, match="mcp_tools"):
        mcp_tools(rules, default=default)
    with pytest.raises(ConfigurationError, match="limit"):
        mcp_tools({}, default=public, limit=0)


def test_a_scheme_that_the_guard_lacks_is_an_error() -> None:
    """Also where one tool alone asks for it."""
    with pytest.raises(ConfigurationError, match="Basic"):
        guard(mcp_tools({"a": via("Basic")}, default=authenticated))


def test_a_view_that_demands_it_later_is_an_error() -> None:
    """The application may have read the content, so nothing is left to decide by; where the rule has read it, it is known."""
    own = guard(authenticated)
    view = RequestView("POST", "/mcp", [bearer("user")])
    granted = own.decide(view)
    assert isinstance(granted, Granted)
    with pytest.raises(ConfigurationError, match="Put the requirement into the rules"):
        own.authorize(granted, view, RULES)
    known = RequestView("POST", "/mcp", [bearer("clerk")], content=call())
    tools = guard()
    assert tools.authorize(tools.decide(known), known, RULES & scope("mcp:use")).granted


def test_by_hand_the_content_is_given() -> None:
    """Without it a message cannot be told from another one: 400."""
    view = RequestView("POST", "/mcp", [bearer("user")], content=call())
    decision = guard().decide(view)
    assert isinstance(decision, Forbidden)
    assert "needs: hold the scope payments:write" in str(guard().explain(view))
    without = guard().decide(RequestView("POST", "/mcp", [bearer("user")]))
    assert isinstance(without, Malformed)
    assert guard().decide(RequestView("GET", "/mcp", [bearer("user")])).granted
