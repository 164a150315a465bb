"""Path, Host and method confusion (threats P1 to P13): the guard decides about what the router serves, and nothing else counts.

Every test names its row of the design's list of what has gone wrong elsewhere.
"""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import watchword
from tests.support.drive import DRIVERS, ByASGI, ByHand, ByWSGI, Request, asgi_scope, bearer, who, wsgi_environ
from tests.support.each import each
from tests.support.people import ANN, Counting, check_token, orders_guard
from watchword import Bearer, ConfigurationError, Firewall, Guard, authenticated, nobody, public, role, scope
from watchword.checkers import Tokens
from watchword.protection.firewall import RULES

if TYPE_CHECKING:
    from tests.support.drive import Behind, Through

SOURCES = sorted(Path(watchword.__file__).parent.rglob("*.py"))
GUARDED = {"/public/**": public, "/admin/**": role("admin")}


@cache
def trees() -> list[tuple[Path, ast.Module]]:
    """Every module of the package, parsed."""
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES]


HOSTS = [
    "evil/x?",
    "evil/public?",
    "evil/public/#",
    "evil#",
    "evil?",
    "user@evil",
    "evil\\x",
    "evil\r\nX: y",
    "evil x",
    " ",
    "",
    "[::1]",
    "[::1%25eth0]:80",
    "api.example.",
    "API.EXAMPLE:80",
    "evil/../admin",
    "127.0.0.1",
    "evil%2fx",
    "\xff",
]


@each("host", HOSTS)
def test_P1_the_host_moves_nothing(host: str, through: Through) -> None:
    """Whatever stands in Host, the decision is that of the clean Host: paths are never read from a URL rebuilt from it."""
    driver = through(Guard(Bearer(check_token), rules=GUARDED))
    for target in ("/public/x", "/admin/x", "/x"):
        for headers in ((), (bearer("ann-token"),), (bearer("bob-token"),)):
            clean = driver(Request(target=target, headers=(*headers, ("Host", "api.example"))))
            dirty = driver(Request(target=target, headers=(*headers, ("Host", host))))
            assert (dirty.status, dirty.challenges, who(dirty)) == (clean.status, clean.challenges, who(clean))


def test_P1_no_url_is_rebuilt() -> None:
    """Nothing in the package asks for a URL or joins one from Host: `host` is named where origins are compared and fields counted or kept.

    The host of a database is another one, and so are the host for which a router has a route, the host of a document to fetch or of a
    server to probe, and the host in a request that was recorded.
    """
    others = {"stores", "routes", "fetching", "client", "probe", "recorded", "explaining", "checkup", "url.py"}
    requests = [(path, tree) for path, tree in trees() if not others & set(path.parts)]
    naming_host = {
        path.stem for path, tree in requests for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value == "host"
    }
    comparing = {"policy", "cross_site", "preflight", "fast_path", "explain"}
    # In a request, and in `Forwarded`, it is what a trusted proxy has said, and in a request of aiohttp what a middleware has set.
    assert naming_host <= comparing | {"request", "trusted_proxies", "aiohttp_changes"}
    attributes = {node.attr for _, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert attributes.isdisjoint({"base_url", "url_for", "host_url", "build_absolute_uri"})


@each("target", ["*", "admin", "admin/x", "", "//admin", "//admin/x", "api.example:443", "http:/admin", "ftp://h/admin/x"])
def test_P2_a_target_without_a_path_is_refused(target: str, through: Through) -> None:
    """A target without a leading slash, or with two, matches no rule by accident: it is 400 for every caller."""
    driver = through(Guard(Bearer(check_token), rules=GUARDED, default=public))
    for headers in ((), (bearer("ann-token"),)):
        answer = driver(Request(target=target, headers=headers, method="OPTIONS" if target == "*" else "GET"))
        assert (answer.status, answer.called) == (400, False)


@pytest.mark.parametrize("target", ["http://h/admin/x", "HTTPS://h/admin/x?q", "http://u@h:80/admin/x", "http://h/admin/%78"])
def test_P2_the_absolute_form_is_its_path(target: str, through: Through) -> None:
    """The absolute form is decided by its path, as it is served."""
    driver = through(Guard(Bearer(check_token), rules=GUARDED, default=public))
    assert driver(Request(target=target)).status == 401
    assert driver(Request(target=target.replace("admin", "public"))).status == 200


def test_P2_an_absolute_form_that_lies_is_refused() -> None:
    """A server that routes another path than that of the absolute form is answered 400."""

    def server(request: Request) -> dict[str, Any]:
        return {**wsgi_environ(request), "REQUEST_URI": "http://h/public/x"}

    driver = ByWSGI(Guard(Bearer(check_token), rules=GUARDED), server=server)
    assert driver(Request(target="/admin/x", headers=(bearer("ann-token"),))).status == 400


def test_P2_the_absolute_form_as_the_path_is_refused() -> None:
    """An ASGI server that hands over the whole absolute form as the path is answered 400: no router would serve that."""

    def server(request: Request) -> dict[str, Any]:
        return {**asgi_scope(request), "path": request.target, "raw_path": request.target.encode()}

    driver = ByASGI(Guard(Bearer(check_token), rules=GUARDED, default=public), server=server)
    assert driver(Request(target="http://h/admin/x")).status == 400


@each("target", ["/public#/../admin", "/admin/x#", "/public/x#admin", "/#", "/public?a#b", "/public?#"])
def test_P4_a_fragment_is_refused(target: str, through: Through) -> None:
    """A number sign in the raw target, path or query, is 400."""
    answer = through(Guard(Bearer(check_token), rules=GUARDED))(Request(target=target, headers=(bearer("ann-token"),)))
    assert (answer.status, answer.called) == (400, False)


def test_P4_an_encoded_number_sign_is_a_character(through: Through) -> None:
    """`%23` is part of a segment where the server tells the raw target; where it does not, it cannot be told apart and is refused."""
    driver = through(Guard(Bearer(check_token), rules=GUARDED))
    assert driver(Request(target="/public/a%23b")).status == 200
    assert driver(Request(target="/public/a%23b", raw=False)).status == (200 if through is DRIVERS["guard"] else 400)


LINES = ["%0a", "%0d", "%0d%0a", "%e2%80%a8", "%e2%80%a9", "%c2%85", "%0b", "%0c", "%1c", "%00"]


@each("line", LINES)
def test_P5_a_line_break_leaves_no_rule(line: str, through: Through) -> None:
    """A line break in a segment does not make a rule miss: the rule applies, or the path is refused."""
    rules = {"/orders/{id}": role("admin"), "/admin/**": role("admin")}
    driver = through(Guard(Bearer(check_token), rules=rules, default=public))
    lenient = through(Guard(Bearer(check_token), rules=rules, default=public, firewall=Firewall(off=["control", "nul"])))
    for target in (f"/orders/a{line}b", f"/orders/{line}", f"/admin/a{line}", f"/admin/{line}/b"):
        assert driver(Request(target=target)).status in {400, 401}
        assert lenient(Request(target=target)).status == 401


def test_P5_no_regular_expression_matches_paths() -> None:
    """Rules are matched segment by segment: nothing under authorization/ imports re."""
    for path, tree in trees():
        if path.parent.name == "authorization":
            names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
            assert "re" not in names


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("admin/**", "slash"),
        ("GET admin", "slash"),
        ("", "slash"),
        ("/admin;x", "firewall"),
        ("/a//b", "empty segment"),
        ("/a/../b", "dot segments"),
        ("/a?x=1", "query"),
        ("/a#x", "fragment"),
        ("/a%20b", "decoded"),
        ("get /a", "case-sensitive"),
        ("/a*", "is not a segment"),
        ("/**/a", "is not a segment"),
        ("/a\\b", "firewall"),
    ],
)
def test_P6_a_rule_that_can_never_match_is_a_mistake(pattern: str, why: str) -> None:
    """A pattern without its slash, or one that the firewall never lets a path reach, fails at construction."""
    with pytest.raises(ConfigurationError, match=why):
        Guard(Bearer(check_token), rules={pattern: role("admin")})


def test_P6_a_rule_that_never_decides_is_a_mistake() -> None:
    """A rule under more specific ones that leave it nothing fails at construction, and so do two that overlap."""
    with pytest.raises(ConfigurationError, match="never decide"):
        Guard(Bearer(check_token), rules={"/a/**": public, "/a": nobody, "/a/{x}": nobody, "/a/{x}/**": nobody})
    with pytest.raises(ConfigurationError, match="neither is more specific"):
        Guard(Bearer(check_token), rules={"/a/{x}": public, "/{y}/b": nobody})


def test_P6_a_path_without_a_rule_needs_a_login(through: Through) -> None:
    """The default is `authenticated`."""
    driver = through(Guard(Bearer(check_token), rules={"/public": public}))
    for target in ("/", "/x", "/publi", "/publicx", "/public/x", "/PUBLIC", "/Public"):
        assert driver(Request(target=target)).status == 401


@pytest.mark.parametrize("mount", ["", "/app", "/app/v1"])
def test_P6_rules_hold_below_any_mount(mount: str, through: Through) -> None:
    """Rules are compared with what follows the mount, wherever the application is mounted; the mount alone is its root."""
    driver = through(Guard(Bearer(check_token), rules={"/": public, **GUARDED}, default=nobody))
    for path, status in (("/admin/x", 401), ("/admin", 401), ("/public/x", 200), ("/x", 403), ("/", 200)):
        assert driver(Request(target=mount + path, mount=mount)).status == status


@pytest.mark.parametrize(("driver", "statuses"), [(ByASGI, {400}), (ByWSGI, {200, 401, 403}), (ByHand, {200, 401, 403})])
def test_P6_a_mount_with_a_closing_slash_opens_nothing(driver: Any, statuses: set[int]) -> None:
    """ASGI routers disagree about such a mount, so what lies below it is refused; elsewhere it is the mount without the slash."""
    send = driver(Guard(Bearer(check_token), rules={"/": public, **GUARDED}, default=nobody))
    answers = {path: send(Request(target="/app" + path, mount="/app/")).status for path in ("/admin/x", "/public/x", "/x")}
    assert set(answers.values()) == statuses
    assert answers["/admin/x"] in {400, 401}


def test_P6_a_mount_is_whole_segments(through: Through) -> None:
    """A path that only looks as if it lay below the mount does not; routers that compare text would route it: 400."""
    driver = through(Guard(Bearer(check_token), rules={"/lication/**": public, "/y": public, "/**": nobody}))
    answer = driver(Request(target="/application/y", mount="/app"))
    assert (answer.status, answer.called) == (400, False)


def test_P6_the_mount_itself_is_the_root(behind: Behind) -> None:
    """The mount without a slash after it is the root of the application: a rule for `/` holds there, and nothing looser."""
    driver = behind(Guard(Bearer(check_token), rules={"/": role("admin")}, default=public))
    assert [driver(Request(target=target, mount="/app")).status for target in ("/app", "/app/", "/app/x")] == [401, 401, 200]


@each("target", ["/%2561dmin/x", "/admin%252fx", "/public/%252e%252e/admin", "/%25", "/admin/%2541"])
def test_P7_paths_are_decoded_once(target: str, through: Through) -> None:
    """A path that is still encoded after decoding is 400, because others could decode it again, unless it encodes nothing."""
    answer = through(Guard(Bearer(check_token), rules=GUARDED, default=public))(Request(target=target))
    assert answer.status == (200 if target == "/%25" else 400)


@pytest.mark.parametrize("raw", [b"/public/x", b"/", b"/%70ublic/x", None])
def test_P7_the_routers_own_path_counts(raw: bytes | None) -> None:
    """Where a layer outside has changed the path, the rule follows the path that will be routed, not the raw one."""

    def server(request: Request) -> dict[str, Any]:
        return {**asgi_scope(request), "path": "/admin/x", "raw_path": raw}

    driver = ByASGI(Guard(Bearer(check_token), rules=GUARDED, default=public), server=server)
    assert driver(Request(target="/public/x")).status == 401


@each("target", ["/public/../admin/x", "/public;/../admin/x", "/admin;x/y", "/admin/x;a=b", "/;/admin", "/public/..;/admin"])
def test_P8_traversal_and_parameters_are_refused(target: str, through: Through) -> None:
    """Dot segments and path parameters are 400, as they are and percent-encoded."""
    driver = through(Guard(Bearer(check_token), rules=GUARDED, default=public))
    for spelt in (target, target.replace(".", "%2e"), target.replace(";", "%3b"), target.replace("..", ".%2E")):
        assert driver(Request(target=spelt)).status == 400


@pytest.mark.parametrize(
    ("host", "origin", "own"),
    [
        ("api.example", "https://API.EXAMPLE", True),
        ("API.example", "https://api.example", True),
        ("api.example:8443", "https://api.example:8443", True),
        ("api.example:8443", "https://api.example", False),
        ("api.example", "https://api.example:8443", False),
        ("api.example", "https://api.example.evil", False),
        ("api.example", "https://evil.api.example", False),
    ],
)
def test_P8_hosts_are_compared_whole(host: str, origin: str, own: bool) -> None:  # noqa: FBT001 - a column of the table
    """The one place that compares hosts, that of WebSocket origins, ignores letter case and nothing else."""
    guard = Guard(watchword.APIKey(Tokens({"k": ANN}), cookie="key"))
    request = Request(kind="websocket", target="/x", headers=(("Cookie", "key=k"), ("Host", host), ("Origin", origin)))
    assert ByASGI(guard)(request).status == (101 if own else 403)


SWITCHES = [
    ("X-Middleware-Subrequest", "middleware:middleware:middleware:middleware:middleware"),
    ("X-Middleware-Next", "1"),
    ("X-Internal", "1"),
    ("X-Skip-Auth", "true"),
    ("X-Bypass", "1"),
    ("X-Debug", "1"),
    ("X-Authenticated", "true"),
    ("X-Auth-Status", "200"),
    ("X-Forwarded-Authorization", "Bearer ann-token"),
    ("X-Original-Authorization", "Bearer ann-token"),
    ("X-Authorization", "Bearer ann-token"),
    ("Proxy-Authorization", "Bearer ann-token"),
    ("Watchword", "off"),
    ("X-Watchword-Guard", "off"),
    ("Watchword-Decision", "granted"),
    ("X-Original-URL", "/public/x"),
    ("X-Rewrite-URL", "/public/x"),
    ("X-Forwarded-Uri", "/public/x"),
    ("X-Forwarded-Path", "/public/x"),
    ("X-Forwarded-Prefix", "/public"),
    ("X-HTTP-Method-Override", "OPTIONS"),
    ("X-Method-Override", "OPTIONS"),
    ("X-Forwarded-Method", "OPTIONS"),
    ("Upgrade", "websocket"),
    ("Service-Worker-Navigation-Preload", "true"),
    ("Purpose", "prefetch"),
    ("Sec-Fetch-Mode", "cors"),
    ("Sec-Fetch-Site", "same-origin"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("Access-Control-Request-Method", "GET"),
    ("Origin", "null"),
    ("Cookie", "user=admin; authenticated=1"),
    ("Remote-User", "admin"),
]


@each("field", SWITCHES)
def test_P9_no_header_switches_anything_off(field: tuple[str, str], through: Through) -> None:
    """No field that a client can send makes a refusal a grant, whatever a gateway or framework may mean by it."""
    driver = through(Guard(Bearer(check_token), rules=GUARDED))
    for method in ("GET", "POST", "HEAD", "OPTIONS"):
        for target in ("/admin/x", "/x"):
            answer = driver(Request(method=method, target=target, headers=(field,)))
            assert (answer.status, answer.called) == (401, False)
    for target in ("/admin/x?watchword=off", "/admin/x?debug=1", "/admin/x?access_token=ann-token", "/admin/x?_method=OPTIONS"):
        assert driver(Request(target=target, headers=(field,))).status == 401


# Why the guard reads a field beside those that carry credentials. None of these makes a refusal a grant.
READ_FOR = {
    "accept": "the form of a refusal's body",
    "access-control-request-method": "what a genuine preflight is, for `cors_inside` and a warning",
    "client-cert": "the certificate that a trusted proxy has verified, where that was asked for",
    "content-type": "whether the content is a form, where one was asked for",
    "cookie": "credentials, where a cookie was named",
    "forwarded": "the client, as trusted proxies state it",
    "x-forwarded-for": "the client, as trusted proxies state it",
    "host": "whether it came twice; the own origin, for the cross-site test",
    "origin": "what a genuine preflight is, for `cors_inside` and a warning; where ambient credentials were sent from",
    "sec-websocket-protocol": "credentials, where a subprotocol was named",
    "sec-fetch-site": "where ambient credentials were sent from",
    "upgrade": "whether a request is a handshake",
    "sec-fetch-mode": "which challenges a script gets, where that was asked for",
    "x-request-id": "the id of a refusal",
    "x-requested-with": "which challenges a script gets, where that was asked for",
    "authorization": "credentials",
    "proxy-authorization": "credentials, of a proxy",
}


def test_P9_the_fields_that_are_read_are_known() -> None:
    """Every field that the package names in order to read it is in the list above, with what it is for; none of them exempts."""
    read: set[str] = set()
    for path, tree in trees():
        if path.parent.name not in {"guard", "adapters", "protection", "schemes", "watchword"} or path.stem == "drive":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".field", ".carries", "fields.get")):
                read |= {str(argument.value) for argument in node.args[:1] if isinstance(argument, ast.Constant)}
    assert read <= set(READ_FOR), read - set(READ_FOR)
    assert len(read) > 5
    for word in ("user-agent", "x-forwarded", "forwarded", "x-middleware", "x-original", "method-override", "via"):
        assert not any(word in name for name in orders_guard().policy.index.names - set(watchword.guard.IDENTITY_HEADERS))


def test_P9_no_environment_variable_switches_anything_off() -> None:
    """The package reads no environment variable: what protects is written where the guard is made."""
    for path, tree in trees():
        if path.parent.name != "cli":
            names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            assert names.isdisjoint({"environb", "getenv"})
            assert not any(ast.unparse(node) == "os.environ" for node in ast.walk(tree) if isinstance(node, ast.Attribute))


AGENTS = [
    "GoogleHC/1.0",
    "kube-probe/1.31",
    "ELB-HealthChecker/2.0",
    "Amazon-Route53-Health-Check-Service",
    "HealthChecker",
    "curl/8",
    "",
    "Googlebot/2.1",
]


@each("agent", AGENTS)
def test_P10_no_user_agent_is_exempt(agent: str, through: Through) -> None:
    """Health checks are exempt by a rule for their path, and by nothing that a client says of itself."""
    driver = through(Guard(Bearer(check_token), rules={"GET /healthz": public}))
    headers = (("User-Agent", agent), ("X-Forwarded-For", "127.0.0.1"))
    for target, method, status in (
        ("/healthz", "GET", 200),
        ("/healthz", "HEAD", 200),
        ("/healthz", "POST", 401),
        ("/healthz/x", "GET", 401),
        ("/x", "GET", 401),
    ):
        assert driver(Request(method=method, target=target, headers=headers)).status == status


VERBS = [
    "HEAD",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "get",
    "Get",
    "gET",
    "JEFF",
    "QUERY",
    "PROPFIND",
    "SEARCH",
    "PURGE",
    "x",
    "GET ",
    "GETX",
    "\u0261et",
]


@each("verb", VERBS)
@each("rule", ["GET /x", "/x", "GET,POST /x", "GET /**"])
def test_P11_no_verb_needs_less_than_get(verb: str, rule: str, through: Through) -> None:
    """Whatever a method is called, it is never let in where GET would not be: an application may serve it by the handler of GET."""
    for required in (role("root"), scope("none"), authenticated, nobody):
        driver = through(Guard(Bearer(check_token), rules={rule: required}, default=public))
        for headers in ((), (bearer("bob-token"),), (bearer("ann-token"),)):
            get = driver(Request(method="GET", target="/x", headers=headers))
            other = driver(Request(method=verb, target="/x", headers=headers))
            assert get.status == 200 or (other.status != 200 and not other.called)


def test_P11_both_rules_hold_for_an_unheard_of_verb(through: Through) -> None:
    """Where a verb has another rule than GET, it needs what both ask for."""
    driver = through(Guard(Bearer(check_token), rules={"GET /x": role("admin")}, default=scope("orders:read")))
    statuses = {verb: driver(Request(method=verb, target="/x", headers=(bearer("zoe-token"),))).status for verb in ("GET", "JEFF", "POST")}
    assert statuses == {"GET": 403, "JEFF": 403, "POST": 403}


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_P11_a_method_cannot_be_overridden(name: str, through: Through) -> None:
    """The method is that of the request line: no field and no parameter makes it another."""
    driver = through(Guard(Bearer(check_token), rules={"GET /x": public, "DELETE /x": role("admin")}))
    assert driver(Request(method="DELETE", target="/x?_method=GET", headers=((name, "GET"),))).status == 401
    assert driver(Request(method="POST", target="/x?_method=GET", headers=((name, "GET"),))).status == 401


@pytest.mark.parametrize("method", ["GET", "get", "Post", "JEFF", "query"])
def test_P12_methods_are_handed_on_as_they_came(method: str, behind: Behind) -> None:
    """The guard and the application see the method as the server hands it over; nothing is folded on the way (servers: tests/servers)."""
    answer = behind(Guard(Bearer(check_token)))(Request(method=method, target="/x", headers=(bearer("ann-token"),)))
    assert answer.seen is not None
    assert answer.seen.method == method


@pytest.mark.parametrize("method", ["options", "Options", "OPTIONS "])
def test_P12_another_case_is_no_preflight(method: str, through: Through) -> None:
    """`options` in another letter case is no preflight to `cors_inside`, whatever a server may make of it."""
    fields = (("Origin", "https://a"), ("Access-Control-Request-Method", "PUT"))
    answer = through(Guard(Bearer(check_token), cors_inside=True))(Request(method=method, target="/x", headers=fields))
    assert (answer.status, answer.called) == (401, False)


def test_P13_options_alone_is_no_preflight(through: Through) -> None:
    """OPTIONS without Origin, or without Access-Control-Request-Method, is authenticated like the rest, `cors_inside` or not."""
    origin, asked = ("Origin", "https://a"), ("Access-Control-Request-Method", "PUT")
    driver = through(Guard(Bearer(check_token), cors_inside=True))
    for headers in ((), (origin,), (asked,), (("Access-Control-Request-Headers", "authorization"), origin)):
        answer = driver(Request(method="OPTIONS", target="/x", headers=headers))
        assert (answer.status, answer.called) == (401, False)
    answer = driver(Request(method="OPTIONS", target="/x", headers=(origin, asked, bearer("ann-token"))))
    assert (answer.status, who(answer)) == (200, "ann")


def test_P13_a_preflight_has_the_caller_of_its_credentials(behind: Behind) -> None:
    """A cached caller is identified in a preflight as in any other OPTIONS, by the credentials of that request alone."""
    driver = behind(Guard(Bearer(Tokens({"t": ANN}))))
    preflight = (("Origin", "https://a"), ("Access-Control-Request-Method", "PUT"))
    for _ in range(3):
        assert who(driver(Request(target="/x", headers=(bearer("t"),)))) == "ann"
        assert who(driver(Request(method="OPTIONS", target="/x", headers=(bearer("t"), *preflight)))) == "ann"
        assert driver(Request(method="OPTIONS", target="/x", headers=preflight)).status == 401


def test_every_rule_of_the_firewall_can_be_switched_off_by_name() -> None:
    """Each rule has its reason, and its name switches it off and no other; a name that is none is a mistake."""
    for name in RULES:
        assert repr(Firewall(off=[name])) == f"Firewall(off=['{name}'])"
    with pytest.raises(ConfigurationError, match="must name rules"):
        Firewall(off=["everything"])
    checker = Counting()
    guard = Guard(Bearer(checker), firewall=Firewall(off=["empty_segment"]))
    for driver in (ByASGI(guard), ByWSGI(guard)):
        assert driver(Request(target="//x", headers=(bearer("t"),))).status == 200
        assert driver(Request(target="//x/../y", headers=(bearer("t"),))).status == 400
