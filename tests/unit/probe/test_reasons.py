"""Why a caller is refused: each cause has its finding and its next step, and no other finding."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.each import each
from tests.support.probed import DATE, NOW, URL, found, levels, probed, sent
from watchword import ConfigurationError, Unavailable
from watchword.grammar import encode_base64url
from watchword.probe import api_key, basic, bearer, cookie, probed_url

if TYPE_CHECKING:
    from tests.support.probed import Response, Server
    from watchword.probe import Ask

REALM = ("WWW-Authenticate", 'Bearer realm="orders"')
INVALID = ("WWW-Authenticate", 'Bearer realm="orders", error="invalid_token"')
METADATA = f"{URL.removesuffix('/orders')}/.well-known/oauth-protected-resource/orders"


def jwt(header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token that nobody has signed."""
    parts = ({"alg": "RS256", "typ": "at+jwt", **(header or {})}, {"sub": "ann", "exp": NOW + 600, **claims})
    return b".".join([*(encode_base64url(json.dumps(part).encode()) for part in parts), encode_base64url(b"signature")]).decode()


def refusing(*, document: dict[str, Any] | None = None, challenge: str = "", status: int = 401, date: tuple[str, str] = DATE) -> Server:
    """A server that refuses each token."""
    named = "" if document is None else f', resource_metadata="{METADATA}"'

    def server(ask: Ask) -> Response:
        if ask.url.path.startswith("/.well-known/"):
            return 200, (date, ("Content-Type", "application/json"), ("Access-Control-Allow-Origin", "*")), json.dumps(document).encode()
        token = "Authorization" in dict(ask.fields) and sent(ask, "Authorization").lower().startswith("bearer")
        plain = challenge or 'error="invalid_token"'
        value = f'Bearer realm="orders"{named}' + (f", {plain}" if token else "")
        return (status if token and ask.purpose == "presented" else 401), (date, ("WWW-Authenticate", value)), b""

    return server


@each(
    ("token", "rule", "words"),
    [
        (jwt(exp=NOW - 7200), "token-time", "expired 2 h ago"),
        (jwt(nbf=NOW + 300), "token-time", "valid in 5 min"),
        (jwt(aud="https://other.example.com/orders"), "token-audience", 'for "https://other.example.com/orders"'),
        (f"Bearer {jwt()}", "token-form", "scheme is sent twice"),
        (f'"{jwt()}"', "token-form", "quotation mark"),
        ('{"access_token": "x"}', "token-form", "JSON document"),
        ("two words", "token-form", "such as spaces"),
        (jwt({"alg": "none"}), "token-form", "not signed"),
        (jwt({"typ": "JWT"}, nonce="n", aud="client"), "token-form", "ID Token"),
        (jwt(cnf={"jkt": "x"}), "token-form", "bound to a key"),
    ],
)
def test_a_token_that_is_refused(token: str, rule: str, words: str) -> None:
    """What is wrong with the token stands in one finding beside the refusal itself."""
    report = probed(refusing(), bearer(token))
    expected = {"credentials-accepted": "error", rule: "warning" if rule == "token-audience" else "error"}
    assert levels(report) == expected
    assert words in found(report, rule)
    assert next(one for one in report.findings if one.rule.id == rule).remedy


@each(
    "token",
    [jwt(), jwt(aud=URL), jwt(aud="urn:orders"), jwt(aud=["x", URL]), "opaque-token-1234", jwt(exp="soon"), "a.b.c", "..", "x" * 5000],
)
def test_a_token_with_nothing_wrong_in_it(token: str) -> None:
    """There is no finding but the refusal."""
    assert levels(probed(refusing(), bearer(token))) == {"credentials-accepted": "error"}


RESOURCE = {"resource": URL, "authorization_servers": ["https://id.example.com"]}


@each(
    ("claims", "rule"),
    [
        ({"aud": "https://api.example.com/other"}, "token-audience"),
        ({"aud": URL, "iss": "https://id.example.com/"}, "token-issuer"),
        ({"aud": URL, "iss": "https://id.example.com"}, ""),
    ],
)
def test_metadata_says_for_whom_a_token_must_be(claims: dict[str, Any], rule: str) -> None:
    """Audience and issuer are compared with the metadata, character by character."""
    expected = {"credentials-accepted": "error", **({rule: "error"} if rule else {})}
    assert levels(probed(refusing(document=RESOURCE), bearer(jwt(**claims)))) == expected


def test_a_missing_scope_is_named() -> None:
    """The scopes that are demanded, and those of the token."""
    server = refusing(challenge='error="insufficient_scope", scope="orders:read orders:write"', status=403)
    report = probed(server, bearer(jwt(scope="orders:read")))
    assert 'The scope "orders:write" is demanded. The token has "orders:read".' in found(report, "token-scope")


def test_an_expired_token_is_judged_by_the_clock_of_the_server() -> None:
    """A clock that is off by an hour is found, and decides what counts as expired."""
    late = ("Date", "Tue, 14 Nov 2023 23:13:20 GMT")
    report = probed(refusing(date=late), bearer(jwt(exp=NOW + 600)))
    assert levels(report) == {"credentials-accepted": "error", "token-time": "error", "clocks": "warning"}
    assert "The clock of the server is 1 h ahead of the clock of this machine" in found(report, "clocks")


@each("value", ["", "yesterday", "Tue, 14 Nov 2023 22:13:50 GMT", "Tue, 14 Nov 99999 22:13:20 GMT"])
def test_a_clock_that_agrees_or_cannot_be_read_is_no_finding(value: str) -> None:
    """Half a minute is within the leeway of verifiers."""
    assert "clocks" not in levels(probed(refusing(date=("Date", value))))


def test_another_scheme_than_the_offered_one() -> None:
    """Basic credentials, where Bearer is offered: the finding names what is."""
    report = probed(refusing(), basic("ann", "correct horse"))
    assert levels(report) == {"credentials-accepted": "error", "scheme-offered": "error"}
    assert 'Basic is not offered, but "Bearer"' in found(report, "scheme-offered")


def test_credentials_that_do_not_arrive() -> None:
    """The server answers a token as if there were none: a proxy may drop the field. For Apache the remedy is named."""

    def server(ask: Ask) -> Response:
        return 401, (DATE, REALM, ("Server", "Apache/2.4.62 (Debian)")), b""

    report = probed(server, bearer(jwt()))
    assert levels(report) == {"credentials-accepted": "error", "credentials-arrive": "warning", "R6750-3-6": "warning"}
    assert "WSGIPassAuthorization On" in next(one.remedy for one in report.findings if one.rule.id == "credentials-arrive")


def moved(to: str, status: int = 301) -> Server:
    """A server that redirects the URL, and refuses elsewhere."""
    return lambda ask: (
        (status, (DATE, ("Location", to)), b"")
        if ask.url.text == URL
        else (401, (DATE, INVALID if sent(ask, "Authorization") else REALM), b"")
    )


@each(
    ("to", "level", "words"),
    [
        ("https://www.example.com/orders", "warning", 'another origin, "https://www.example.com"'),
        ("http://api.example.com/orders", "warning", 'another origin, "http://api.example.com"'),
        ("https://api.example.com:8443/orders", "warning", "another origin"),
        ("/orders/", "note", 'redirects to "https://api.example.com/orders/"'),
    ],
)
def test_a_redirect(to: str, level: str, words: str) -> None:
    """To another origin clients drop the credentials. The probe does so, too, and asks no other host."""
    asked: list[Ask] = []
    server = moved(to)

    def watched(ask: Ask) -> Response:
        asked.append(ask)
        return server(ask)

    report = probed(watched, bearer(jwt()))
    (finding,) = [one for one in report.findings if one.rule.id == "redirects"]
    assert finding.level == level
    assert words in finding.message
    assert {ask.url.host for ask in asked} == {"api.example.com"}
    assert {ask.url.origin for ask in asked if jwt() in sent(ask, "Authorization")} <= {"https://api.example.com"}


@each("status", [301, 302, 307, 308])
def test_redirects_in_a_circle_end(status: int) -> None:
    """Two URLs that lead to each other are an error that says so."""
    turning = {URL: "/orders/", f"{URL}/": "/orders"}
    with pytest.raises(Unavailable, match="in a circle"):
        probed(lambda ask: (status, (("Location", turning[ask.url.text]),), b""))


@each("location", ["", "http://[::1", "javascript:alert(1)", "https://ann:x@[", "\x00", "é", "?" * 5000])
def test_a_redirect_that_leads_nowhere(location: str) -> None:
    """It is no redirect to the probe, and no failure."""
    probed(lambda _: (302, (DATE, ("Location", location)), b""))


# --- cookies


@each(
    ("url", "value", "words"),
    [
        ("http://api.example.com/orders", "id=1; Secure", "Secure, and the URL is http"),
        (URL, "id=1; Domain=example.org", "Domain is another one"),
        (URL, "id=1; Path=/admin", "Path does not hold the URL"),
        (URL, "id=1; Path=/ord", "Path does not hold the URL"),
        (URL, "id=1; SameSite=None", "needs Secure"),
        (URL, "__Host-id=1; Path=/", "demands Secure"),
        (URL, "__Host-id=1; Secure; Path=/orders", "demands Path=/"),
    ],
)
def test_a_cookie_that_does_not_come_back(url: str, value: str, words: str) -> None:
    """The reason is named, with the name of the cookie, and without its value."""
    report = probed(lambda _: (401, (DATE, REALM, ("Set-Cookie", value.replace("=1", "=s3cret-value"))), b""), url=url)
    message = found(report, "cookies")
    assert words in message
    assert "s3cret" not in message
    assert levels(report)["cookies"] == "warning"


@each(
    "value",
    [
        "id=1",
        "id=1; Path=/; Secure; HttpOnly; SameSite=Lax",
        "id=1; Domain=.example.com",
        "id=1; Path=/orders",
        "__Host-id=1; Secure; Path=/",
        "",
    ],
)
def test_a_cookie_that_comes_back(value: str) -> None:
    """No finding."""
    assert "cookies" not in levels(probed(lambda _: (401, (DATE, REALM, ("Set-Cookie", value)), b"")))


def test_a_session_that_has_ended() -> None:
    """The server deletes the cookie that was sent."""

    def server(ask: Ask) -> Response:
        gone = (("Set-Cookie", "session=; Max-Age=0; Path=/"),) if sent(ask, "Cookie") else ()
        return 401, (DATE, REALM, *gone), b""

    assert levels(probed(server, cookie("session", "c0ffee-c0ffee")))["cookie-kept"] == "error"


# --- metadata


def described(document: object, *, named: str = METADATA, kind: str = "application/json", status: int = 200, host: bool = False) -> Server:
    """A server with metadata."""

    def server(ask: Ask) -> Response:
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        shown = named
        if host and ask.host:
            content, shown = content.replace(b"api.example.com", ask.host.encode()), named.replace("api.example.com", ask.host)
        if ask.url.path.startswith("/.well-known/"):
            return status, (DATE, ("Content-Type", kind), ("Access-Control-Allow-Origin", "*")), content
        error = ', error="invalid_token"' if sent(ask, "Authorization").startswith("Bearer") else ""
        return 401, (DATE, ("WWW-Authenticate", f'Bearer resource_metadata="{shown}"{error}')), b""

    return server


@each(
    ("server", "wrong"),
    [
        (described(RESOURCE), {}),
        (described(RESOURCE, named="/.well-known/oauth-protected-resource/orders"), {"R9728-5.1-1": "error"}),
        (described(RESOURCE, named="http://api.example.com/.well-known/oauth-protected-resource/orders"), {"R9728-5.1-1": "error"}),
        (described(RESOURCE, named="https://other.example.com/.well-known/oauth-protected-resource/orders"), {}),
        (described(RESOURCE, kind="text/html"), {"R9728-3.2-1": "error"}),
        (described(RESOURCE, status=401), {"R9728-3.2-1": "error"}),
        (described(b"{"), {"R9728-3.2-1": "error"}),
        (described([]), {"R9728-3.2-1": "error"}),
        (described({"resource": "https://api.example.com/other"}), {"R9728-3.3-1": "error"}),
        (described({"resource": "http://api.example.com/orders"}), {"R9728-2-1": "error", "R9728-3.3-1": "error"}),
        (described({"resource": f"{URL}#x"}), {"R9728-2-1": "error"}),
        (described({}), {"R9728-2-1": "error"}),
        (described({**RESOURCE, "scopes_supported": []}), {"R9728-3.2-2": "error"}),
        (described({**RESOURCE, "bearer_methods_supported": []}), {}),
        (described({**RESOURCE, "dpop_signing_alg_values_supported": ["ES256", "none"]}), {"R9728-2-3": "error"}),
        (described(RESOURCE, host=True), {"R9728-5.1-2": "warning"}),
    ],
)
def test_metadata(server: Server, wrong: dict[str, str]) -> None:
    """Each fault of a document, or of the challenge that names it."""
    assert levels(probed(server)) == wrong


def test_metadata_of_a_resource_above_is_a_note() -> None:
    """Clients of MCP accept it; strict ones do not."""
    server = described({"resource": "https://api.example.com/"}, named="https://api.example.com/.well-known/oauth-protected-resource")
    report = probed(server)
    assert levels(report) == {}
    assert "above the URL" in found(report, "R9728-3.3-1")


# --- MCP


def mcp(*, paths: dict[str, int] | None = None, document: dict[str, Any] | None = None, challenge: str = "") -> Server:
    """A server of the Model Context Protocol at /mcp."""
    place = "https://api.example.com/.well-known/oauth-protected-resource/mcp"

    def server(ask: Ask) -> Response:
        if ask.url.path == "/.well-known/oauth-protected-resource/mcp" and document is not None:
            return 200, (DATE, ("Content-Type", "application/json"), ("Access-Control-Allow-Origin", "*")), json.dumps(document).encode()
        status = (paths or {}).get(ask.url.path, 401) if ask.method == "POST" else 401
        error = ', error="invalid_token"' if sent(ask, "Authorization").startswith("Bearer") else ""
        value = challenge or f'Bearer resource_metadata="{place}"{error}'
        return status, (DATE, ("WWW-Authenticate", value), ("Location", "/mcp/")), b""

    return server


OF_MCP = {"resource": "https://api.example.com/mcp", "authorization_servers": ["https://id.example.com"]}


@each(
    ("server", "wrong"),
    [
        (mcp(document=OF_MCP), {}),
        (mcp(document=OF_MCP, paths={"/mcp/": 307}), {}),
        (mcp(document=OF_MCP, paths={"/mcp": 200}), {"mcp-challenge": "error"}),
        (mcp(document=OF_MCP, paths={"/mcp": 307}), {"mcp-challenge": "error"}),
        (mcp(document=OF_MCP, paths={"/mcp": 403}), {"mcp-challenge": "error"}),
        (mcp(document=OF_MCP, paths={"/mcp/": 200}), {"mcp-paths": "error"}),
        (mcp(document=OF_MCP, paths={"/mcp/watchword-probe": 202}), {"mcp-paths": "error"}),
        (mcp(document=OF_MCP, challenge='Basic realm="mcp"'), {"mcp-challenge": "error"}),
        (mcp(document={"resource": "https://api.example.com/mcp"}), {"mcp-metadata": "error"}),
        (mcp(), {"mcp-metadata": "error", "R9728-3.2-1": "error"}),
    ],
)
def test_a_server_of_mcp(server: Server, wrong: dict[str, str]) -> None:
    """The challenge, the metadata, and the paths beside and below."""
    assert levels(probed(server, url="https://api.example.com/mcp", mcp=True)) == wrong


def test_a_server_of_mcp_that_takes_post_alone() -> None:
    """GET is 405 without a token, too: the challenge of POST is looked at, and made-up tokens are sent by POST."""
    inner = mcp(document=OF_MCP)
    asked: list[Ask] = []

    def server(ask: Ask) -> Response:
        asked.append(ask)
        if ask.method in {"GET", "HEAD"} and ask.url.path == "/mcp":
            return 405, (DATE, ("Allow", "POST")), b""
        return inner(ask)

    report = probed(server, bearer(jwt()), url="https://api.example.com/mcp", mcp=True)
    assert levels(report) == {"credentials-accepted": "error"}
    assert report.percent == 100
    assert report.applicable > 20
    assert {ask.method for ask in asked if ask.purpose in {"presented", "invalid-bearer", "unknown"}} == {"POST"}


# --- throttles and outages


def answered(ask: Ask, status: int) -> Response:
    """A response with the challenge that its status needs."""
    challenge = INVALID if sent(ask, "Authorization").lower().startswith("bearer") else REALM
    fields = {401: (challenge,), 429: (("Retry-After", "30"),), 503: (("Retry-After", "30"),)}.get(status, ())
    return status, (DATE, *fields), b""


@each(
    ("status", "words"),
    [
        (429, "There were too many attempts."),
        (500, "The server fails."),
        (503, "The server fails."),
        (403, "The credentials are not enough for this URL."),
    ],
)
def test_credentials_that_are_not_looked_at(status: int, words: str) -> None:
    """A throttle or an outage is no answer about the credentials; 403 is one."""

    def server(ask: Ask) -> Response:
        return answered(ask, status if ask.purpose == "presented" else 401)

    report = probed(server, bearer("opaque-token-1234"))
    assert words in found(report, "credentials-accepted")
    assert levels(report) == {"credentials-accepted": "error"}


def test_the_credentials_of_the_user_come_before_the_made_up_ones() -> None:
    """A throttle that counts failures does not meet them."""
    asked: list[str] = []

    def server(ask: Ask) -> Response:
        asked.append(ask.purpose)
        failures = sum(one not in {"anonymous", "presented", "head"} for one in asked)
        return answered(ask, 429 if failures > 3 else 200 if ask.purpose in {"presented", "case"} else 401)

    report = probed(server, bearer("right-token-1234"))
    assert asked[:2] == ["anonymous", "presented"]
    assert levels(report) == {}
    assert report.percent == 100


def test_an_expired_token_that_is_accepted_is_a_fault_of_the_server() -> None:
    """Beyond a leeway of five minutes."""

    def server(ask: Ask) -> Response:
        return answered(ask, 200 if ask.purpose in {"presented", "case"} else 401)

    assert levels(probed(server, bearer(jwt(exp=NOW - 200)))) == {}
    report = probed(server, bearer(jwt(exp=NOW - 400)))
    assert levels(report) == {"token-time": "error"}
    assert "is accepted" in found(report, "token-time")


# --- what is typed


@each(
    ("make", "words"),
    [
        (lambda: basic("a:b", "x"), "colon"),
        (lambda: basic("a", "x\n"), "control character"),
        (lambda: bearer("x\r\ny"), "control character"),
        (lambda: bearer(""), "empty"),
        (lambda: api_key("X Key", "x"), "must be a token"),
        (lambda: cookie("id", "a;b"), "semicolon"),
        (lambda: probed_url("https://ann:pass@x/"), "--user"),
        (lambda: probed_url("mailto:ann@example.com"), "http or https"),
    ],
)
def test_what_cannot_be_sent_is_an_error(make: Any, words: str) -> None:
    """The message says why, and holds no secret."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        make()
    assert "pass@" not in str(caught.value)


def test_a_representation_shows_no_credentials() -> None:
    """Neither of the credentials nor of a request."""
    presented = basic("ann", "correct horse")
    assert "correct" not in repr(presented)
    asked: list[Ask] = []

    def server(ask: Ask) -> Response:
        asked.append(ask)
        return 401, (DATE, ("WWW-Authenticate", 'Basic realm="a"')), b""

    probed(server, presented)
    assert any(sent(ask, "Authorization") == presented.value for ask in asked)
    assert all(presented.value not in repr(ask) for ask in asked)
