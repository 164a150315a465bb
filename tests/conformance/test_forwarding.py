"""What the application gets to see: who it is, and nothing that a client said about that (RFC 9110 §11.6.2, §17.16.3; threats H3, N9)."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.drive import ByASGI, ByWSGI, Reply, Request, asgi_scope, basic, bearer, who, wsgi_environ
from tests.support.each import each
from tests.support.people import ANN, KEYS, Counting, check_password, check_token, orders_guard
from watchword import ANONYMOUS, APIKey, Basic, Bearer, ConfigurationError, Firewall, Granted, Guard, Principal, optional, public, role
from watchword.checkers import Tokens
from watchword.guard import IDENTITY_HEADERS
from watchword.principal import Evidence

if TYPE_CHECKING:
    from tests.support.drive import Answer, Behind, Seen

RULES = {"/healthz": public, "/": optional}


def stripping(**settings: Any) -> Guard:
    """A guard that keeps all credentials to itself."""
    return Guard(
        Basic(check_password, realm="orders"),
        Bearer(check_token, query=True),
        APIKey(KEYS, query="api_key", cookie="key"),
        rules=RULES,
        strip_credentials=True,
        **settings,
    )


def me(*headers: tuple[str, str], method: str = "GET", target: str = "/me") -> Request:
    """A request with these fields."""
    return Request(method=method, target=target, headers=headers)


def seen(answer: Answer) -> Seen:
    """What the application saw."""
    assert answer.seen is not None
    return answer.seen


def test_R9110_11_6_2_1_the_request_is_left_as_it_is(behind: Behind) -> None:
    """Without strip_credentials the application sees the request as it came, credentials and all."""
    sent = (basic("ann", "s3cret"), ("Cookie", "a=b"), ("X-Other", "c"), ("Host", "api.example"))
    answer = behind(orders_guard())(me(*sent, target="/me?access_token=x&y=z"))
    assert seen(answer).headers == sorted((name.lower(), value) for name, value in sent)
    assert seen(answer).query == "access_token=x&y=z"


@each(
    "request_",
    [
        me(basic("ann", "s3cret")),
        me(bearer("ann-token")),
        me(("X-API-Key", "ann-key")),
        me(("Authorization", "ApiKey ann-key")),
        me(("Cookie", "a=b; key=ann-key; c=d")),
        me(("Cookie", "key=ann-key")),
        me(target="/me?access_token=ann-token&a=b"),
        me(target="/me?a=b&api_key=ann-key"),
        me(target="/me?a=b&api%5Fkey=ann-key&c"),
    ],
)
def test_R9110_17_16_3_1_credentials_can_be_kept_back(request_: Request, behind: Behind) -> None:
    """With strip_credentials the application learns who it is, and gets no field, cookie or parameter that shows it."""
    sent = replace(request_, headers=(*request_.headers, ("X-Other", "c")))
    answer = behind(stripping())(sent)
    assert who(answer) == "ann"
    view = seen(answer)
    for secret in ("ann-token", "ann-key", basic("ann", "s3cret")[1]):
        assert secret not in repr(view.headers) + view.query + repr(answer.environ.get("REQUEST_URI", ""))
    assert view.carries("x-other")
    assert not view.carries("authorization")
    assert not view.carries("x-api-key")


def test_R9110_17_16_3_1_everything_else_stays(behind: Behind) -> None:
    """Other cookies and parameters stay as they came, in their order."""
    answer = behind(stripping())(me(bearer("ann-token"), ("Cookie", "a=b; c=d"), target="/me?b=2&a=1&b=3"))
    assert dict(seen(answer).headers)["cookie"] == "a=b; c=d"
    assert seen(answer).query == "b=2&a=1&b=3"
    answer = behind(stripping())(me(("Cookie", 'a="b"; key=ann-key;c=d; e'), target="/me?b=2&&a=%20"))
    assert dict(seen(answer).headers)["cookie"] == 'a="b"; c=d; e'
    assert seen(answer).query == "b=2&&a=%20"


def test_R9110_17_16_3_1_credentials_are_removed_on_public_routes_too(behind: Behind) -> None:
    """Credentials that a client sends to a public route are kept from the application, although they were not checked."""
    view = seen(behind(stripping())(me(basic("ann", "x"), ("X-API-Key", "wrong"), target="/healthz?api_key=wrong")))
    assert (view.principal, view.carries("authorization"), view.carries("x-api-key"), view.query) == (ANONYMOUS, False, False, "")


def test_R9110_9_3_8_1_trace_shows_no_credentials(behind: Behind) -> None:
    """An application that answers TRACE by repeating the request repeats no credential, however often it is asked."""
    driver = behind(Guard(Bearer(Tokens({"ann-token": ANN})), APIKey(KEYS), rules=RULES))
    for _ in range(3):
        answer = driver(me(bearer("ann-token"), ("Cookie", "session=secret"), ("Proxy-Authorization", "Basic x"), method="TRACE"))
        view = seen(answer)
        assert who(answer) == "ann"
        assert [view.carries(name) for name in ("authorization", "cookie", "proxy-authorization")] == [False] * 3
        assert driver(me(bearer("ann-token"))).status == 200
    assert driver(me(method="TRACE")).status == 401


NAMES = [pattern.replace("*", "anything") for pattern in IDENTITY_HEADERS]


@pytest.mark.parametrize("target", ["/healthz", "/", "/me"])
def test_H3_identity_headers_never_pass(target: str, behind: Behind) -> None:
    """What a client says about who it is reaches no application: in any letter case, on public routes, with and without credentials."""
    driver = behind(orders_guard())
    for name in NAMES:
        for spelt in (name, name.upper(), name.title()):
            for more in ((), (bearer("ann-token"),)):
                if target == "/me" and not more:
                    continue
                view = seen(driver(me((spelt, "admin"), (spelt, "root"), ("X-Other", "c"), *more, target=target)))
                assert (view.carries(name), view.carries("x-other")) == (False, True)


# As the documentation of each has them; none may reach the application, whichever pattern of the list it is that covers it.
DOCUMENTED = """
    Remote-User Remote-Groups Remote-Name Remote-Email X-Remote-User X-Remote-Group X-Remote-Uid X-Remote-Extra-Scopes
    X-Remote-Extra-Acme.com%2Fproject Impersonate-User Impersonate-Extra-Scopes X-Amzn-Oidc-Identity X-Amzn-Oidc-Data
    X-Amzn-Oidc-Accesstoken X-Amzn-Mtls-Clientcert X-Amzn-Mtls-Clientcert-Subject X-Amzn-Ava-User-Context X-MS-CLIENT-PRINCIPAL
    X-MS-CLIENT-PRINCIPAL-ID X-MS-CLIENT-PRINCIPAL-NAME X-MS-CLIENT-PRINCIPAL-IDP X-MS-TOKEN-AAD-ID-TOKEN X-ARR-ClientCert
    X-Goog-Authenticated-User-Email X-Goog-Authenticated-User-Id X-Goog-IAP-JWT-Assertion X-Apigateway-Api-Userinfo
    Cf-Access-Authenticated-User-Email Cf-Access-Jwt-Assertion Cf-Client-Cert-Der-Base64 X-Auth-Request-User X-Auth-Request-Email
    X-Auth-Request-Groups X-Auth-Request-Preferred-Username X-Auth-Request-Access-Token X-Forwarded-User X-Forwarded-Email
    X-Forwarded-Groups X-Forwarded-Preferred-Username X-Forwarded-Access-Token X-authentik-username X-authentik-groups
    X-authentik-entitlements X-authentik-jwt X-Forwarded-Client-Cert X-Forwarded-Tls-Client-Cert X-Forwarded-Tls-Client-Cert-Info
    Client-Cert Client-Cert-Chain ssl-client-verify ssl-client-subject-dn ssl-client-issuer-dn ssl-client-cert X-SSL-Client-Cert
    X-SSL-Client-Verify X-SSL-Client-DN X-SSL-Client-CN X-SSL-Issuer Tailscale-User-Login Tailscale-User-Name
    Tailscale-User-Profile-Pic Tailscale-App-Capabilities X-WEBAUTH-USER X-WEBAUTH-NAME X-WEBAUTH-EMAIL X-WEBAUTH-GROUPS
    X-WEBAUTH-ROLE X-Pomerium-Jwt-Assertion X-Pomerium-Claim-Email X-Vouch-User X-Vouch-IdP-Claims-Email X-Vouch-IdP-IdToken
    X-User X-Consumer-Username X-Consumer-ID X-Credential-Identifier X-Anonymous-Consumer X-Authenticated-Userid X-Userinfo
    OIDC-CLAIM-sub X-Token-User-Email SM-USER iv-user l5d-client-id X-JWT-Assertion Teleport-Jwt-Assertion
"""


def test_H10_what_clouds_and_meshes_document_never_passes(behind: Behind) -> None:
    """Each documented name is taken out, also for a caller who is on the fast path; names that only look alike stay."""
    driver = behind(Guard(Bearer(Tokens({"ann-token": ANN})), rules=RULES))
    for target in ("/healthz", "/me", "/me", "/me"):
        for name in DOCUMENTED.split():
            view = seen(driver(me(bearer("ann-token"), (name, "root"), ("X-Remote", "a"), ("Client-Certificate", "b"), target=target)))
            left = [sent for sent, _ in view.headers]
            assert left == ["authorization", "client-certificate", "x-remote"], name


ALIASES = ["X_Remote_User", "X.Remote.User", "X.Authenticated.User", "X_Remote.Extra_Scopes", "ssl.client.verify", "X^Remote|User"]


def test_H9_aliases_are_refused_or_taken_out(behind: Behind) -> None:
    """Other characters in place of the hyphen are 400, where the server tells them apart; with the rule off they do not pass either."""
    for strict in (True, False):
        firewall = Firewall() if strict else Firewall(off=["field_alias"])
        driver = behind(Guard(Bearer(Tokens({"ann-token": ANN})), rules=RULES, firewall=firewall))
        for name in ALIASES:
            for target in ("/healthz", "/me", "/me"):
                answer = driver(me(bearer("ann-token"), (name, "root"), target=target))
                # The WSGI server of these tests drops names with an underscore, as gunicorn does.
                if strict and not (behind is ByWSGI and "_" in name):
                    assert (answer.status, answer.called) == (400, False), name
                else:
                    assert [sent for sent, _ in seen(answer).headers] == ["authorization"], name


def test_H9_an_environ_is_read_as_servers_write_it() -> None:
    """Wsgiref and others keep dots in variables; an underscore there is the hyphen itself."""

    def server(request: Request) -> dict[str, Any]:
        return {**wsgi_environ(request), "HTTP_X_API_KEY": "no", "HTTP_X_REMOTE_EXTRA_A": "root", "HTTP_X.OTHER": "a"}

    answer = ByWSGI(orders_guard(), server=server)(me(target="/healthz"))
    assert not {"HTTP_X_REMOTE_EXTRA_A"} & answer.environ.keys()
    assert {"HTTP_X_API_KEY", "HTTP_X.OTHER"} <= answer.environ.keys()
    for alias in ("HTTP_X.API.KEY", "HTTP_X-API-KEY", "HTTP_AUTHORIZATION.", "HTTP_X_REMOTE.USER"):

        def odd(request: Request, alias: str = alias) -> dict[str, Any]:
            return {**wsgi_environ(request), alias: "root"}

        driver = ByWSGI(orders_guard(), server=odd)
        assert [driver(me(bearer("ann-token"))).status for _ in range(2)] == [200 if alias == "HTTP_AUTHORIZATION." else 400] * 2


def test_H3_configured_identity_headers_are_removed(behind: Behind) -> None:
    """`Guard(identity_headers=...)` replaces the names; other fields then pass."""
    driver = behind(Guard(Bearer(check_token), identity_headers=["X-Staff-Id"], default=optional))
    view = seen(driver(me(("x-staff-id", "7"), ("Remote-User", "ann"))))
    assert (view.carries("x-staff-id"), view.carries("remote-user")) == (False, True)
    driver = behind(Guard(Bearer(check_token), identity_headers=["X-Staff-*"], default=optional))
    assert [name for name, _ in seen(driver(me(("x-staff-id", "7"), ("X-Staff-Name", "a"), ("X-Staff", "b")))).headers] == ["x-staff"]
    for wrong in ("*", "", "x-*-y", "x y", "x**", "x_staff", "x.staff*"):
        with pytest.raises(ConfigurationError, match=r"must hold field names|each a non-empty string"):
            orders_guard(identity_headers=[wrong])
    with pytest.raises(ConfigurationError, match="not one string"):
        orders_guard(identity_headers="remote-user")


def test_H3_aliases_are_removed_where_the_firewall_lets_them_pass() -> None:
    """With the firewall's rule off, an alias with underscores reaches the application no more than the name itself."""
    guard = orders_guard(firewall=Firewall(off=["field_alias"]))
    view = seen(ByASGI(guard)(me(("remote_user", "admin"), ("X_Remote-User", "admin"), ("x_other", "c"), target="/healthz")))
    assert [name for name, _ in view.headers] == ["x_other"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_H3_in_websockets_as_well(kind: Any) -> None:
    """A handshake hands over no identity header either."""
    request = Request(kind=kind, target="/me", headers=(bearer("ann-token"), ("Remote-User", "root")))
    assert not seen(ByASGI(orders_guard())(request)).carries("remote-user")


def test_N9_the_environ_names_the_principal() -> None:
    """The guard sets REMOTE_USER and AUTH_TYPE: values of server or client are replaced, or removed for an anonymous caller."""

    def server(request: Request) -> dict[str, Any]:
        return {**wsgi_environ(request), "REMOTE_USER": "root", "AUTH_TYPE": "Kerberos", "HTTP_REMOTE_USER": "root"}

    driver = ByWSGI(orders_guard(), server=server)
    somebody, nobody = driver(me(bearer("ann-token"))).environ, driver(me(target="/")).environ
    assert (somebody["REMOTE_USER"], somebody["AUTH_TYPE"], "HTTP_REMOTE_USER" in somebody) == ("ann", "Bearer", False)
    assert not {"REMOTE_USER", "AUTH_TYPE", "HTTP_REMOTE_USER"} & nobody.keys()
    assert nobody["watchword.principal"] is ANONYMOUS


def test_N9_the_scope_names_the_principal() -> None:
    """The guard sets `user` and `auth` of the scope, whatever was there."""

    def server(request: Request) -> dict[str, Any]:
        return {**asgi_scope(request), "user": "root", "auth": "root", "watchword.decision": "root", "watchword.guard": ("x", "GET", "/me")}

    answer = ByASGI(orders_guard(), server=server)(me(target="/"))
    assert (seen(answer).principal, seen(answer).decision.granted) == (ANONYMOUS, True)
    assert ByASGI(orders_guard(), server=server)(me()).status == 401


def test_the_application_gets_the_decision(behind: Behind) -> None:
    """It names the rule and the scheme."""
    decision = seen(behind(orders_guard())(me(bearer("ann-token"), target="/orders"))).decision
    assert isinstance(decision, Granted)
    assert (decision.rule, decision.scheme, decision.principal.evidence) == ("/orders", "Bearer", Evidence("Bearer"))


@pytest.mark.parametrize("name", ["jäsøn", "ユーザ", "a b", "😀"])
def test_a_name_beyond_ascii_is_utf_8_in_the_environ(name: str) -> None:
    """REMOTE_USER holds the octets of UTF-8 as a native string (PEP 3333)."""
    environ = ByWSGI(Guard(Bearer(Tokens({"t": Principal(name)}))))(me(bearer("t"))).environ
    assert environ["REMOTE_USER"].encode("latin-1").decode() == name


def test_scopes_work_with_starlettes_requires() -> None:
    """`auth.scopes` holds the scopes of the principal, and `authenticated` unless the caller is anonymous."""
    shown: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        shown.append((scope["auth"].scopes, scope["user"].is_authenticated, scope["user"].display_name))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    driver = ByASGI(orders_guard(), app=app)
    driver(me(bearer("ann-token")))
    driver(me(target="/"))
    assert shown == [(["authenticated", "orders:read"], True, "ann"), ([], False, "")]


def test_the_scope_that_came_in_gains_what_a_log_needs_and_loses_nothing() -> None:
    """A layer outside learns who it was, and misses no header that was kept from the application."""
    scope = asgi_scope(me(bearer("ann-token"), ("Remote-User", "x")))
    before = {**scope, "headers": [*scope["headers"]]}
    assert ByASGI(orders_guard(), server=lambda _: scope)(me()).status == 200
    assert scope.keys() - before.keys() == {"user", "auth", "watchword.decision"}
    assert {name: scope[name] for name in before} == before


@pytest.mark.parametrize("status", [200, 304, 500])
def test_granted_responses_are_not_changed(status: int, behind: Behind) -> None:
    """Apart from caching advice, a response of the application passes as it is, with repeated fields in their order."""
    headers = (("Content-Type", "text/plain"), ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("X-Own", "1"))
    answer = behind(orders_guard(), Reply(status, headers, b"body"))(me(bearer("ann-token")))
    assert (answer.status, answer.headers, answer.body) == (status, [(name.lower(), value) for name, value in headers], b"body")


def test_a_checker_cannot_name_the_scheme(behind: Behind) -> None:
    """The guard itself sets the scheme of the evidence, whatever the checker claims."""
    tokens = Tokens({"t": Principal("ann", evidence=Evidence(scheme="Basic", acr="mfa"))})
    principal = behind(Guard(Bearer(tokens)))(me(bearer("t"))).principal
    assert principal is not None
    assert principal.evidence == Evidence("Bearer", acr="mfa")


def test_hidden_routes_hand_over_alike(behind: Behind) -> None:
    """Also for the application's own 404 identity headers are out, and the principal is in."""
    guard = Guard(Bearer(Counting()), rules={"/hidden": role("root").hidden()})
    answer = behind(guard, Reply(404))(me(bearer("t"), ("Remote-User", "root"), target="/hidden"))
    assert (who(answer), seen(answer).carries("remote-user")) == ("ann", False)


FORM = ("Content-Type", "application/x-www-form-urlencoded")


def form(content: bytes | tuple[bytes, ...], *headers: tuple[str, str], target: str = "/me", method: str = "POST") -> Request:
    """A form."""
    return Request(method=method, target=target, headers=(FORM, *headers), body=content)


def reading_forms(**settings: Any) -> Guard:
    """A guard that reads tokens from forms, and keeps all credentials to itself."""
    return Guard(Bearer(check_token, form=True), rules=RULES, **{"strip_credentials": True, **settings})


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        (b"access_token=ann-token", b""),
        (b"a=1&access_token=ann-token&b=2", b"a=1&b=2"),
        (b"access%5Ftoken=ann%2Dtoken&a=%20&&b", b"a=%20&&b"),
        ((b"a=1&access_", b"token=ann", b"-token&b=2"), b"a=1&b=2"),
        ((b"", b"access_token=ann-token", b""), b""),
    ],
    ids=repr,
)
def test_R9110_17_16_3_1_a_token_in_a_form_is_kept_back(sent: bytes | tuple[bytes, ...], left: bytes, behind: Behind) -> None:
    """The application gets the rest of the form, octet for octet, and as many octets as the request then says it has."""
    length = (("Content-Length", str(len(sent))),) if isinstance(sent, bytes) else ()
    answer = behind(reading_forms())(form(sent, *length))
    assert (answer.status, who(answer)) == (200, "ann")
    assert seen(answer).body == left
    if length:
        assert dict(seen(answer).headers)["content-length"] == str(len(left))


def test_R9110_17_16_3_1_only_the_name_that_is_read_is_kept_back(behind: Behind) -> None:
    """Names that differ in letter case are other names, and values are nobody's names."""
    content = b"x=1&Access_Token=ann-token&y=access_token"
    answer = behind(reading_forms())(form(content, bearer("ann-token"), ("Content-Length", str(len(content)))))
    assert (answer.status, seen(answer).body) == (200, content)


def test_R9110_17_16_3_1_without_the_setting_a_form_is_left_as_it_is(behind: Behind) -> None:
    """Octet for octet, with the length that it came with."""
    content = b"a=1&access_token=ann-token"
    answer = behind(reading_forms(strip_credentials=False))(form(content, ("Content-Length", str(len(content)))))
    assert (seen(answer).body, dict(seen(answer).headers)["content-length"]) == (content, str(len(content)))


def test_R9110_17_16_3_1_an_unread_form_is_not_changed(behind: Behind) -> None:
    """A public route reads no content, and a form of a kind that carries no token is not read."""
    content = b"a=1&access_token=ann-token"
    assert seen(behind(reading_forms())(form(content, target="/healthz"))).body == content
    other = "a=é&access_token=ann-token".encode()
    assert seen(behind(reading_forms())(form(other, bearer("ann-token")))).body == other


def test_R9110_17_16_3_1_a_hidden_form_shows_no_token_either(behind: Behind) -> None:
    """The application that answers for what is missing gets the form without the token."""
    guard = Guard(Bearer(check_token, form=True), rules={"/x": role("root").hidden()}, strip_credentials=True)
    answer = behind(guard, Reply(404))(form(b"a=1&access_token=bob-token", target="/x"))
    assert answer.status == 404
    assert seen(answer).body == b"a=1"
