"""One table of requests and answers over all servers, sent over raw sockets because no client library would send most of it.

Where a server answers otherwise, the table says which, how, and why; nothing else may differ.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.servers.serve import SERVERS

if TYPE_CHECKING:
    from tests.support.servers import Answer, Server

BASIC = 'Basic realm="office", charset="UTF-8"'
BEARER = 'Bearer realm="office"'
KEY = 'ApiKey realm="office"'
ALL = (BASIC, BEARER, KEY)
ALL_AND_SCOPE = (BASIC, f'{BEARER}, scope="orders:read"', KEY)
INVALID_TOKEN = f'{BEARER}, error="invalid_token", error_description="The access token is not valid"'
INVALID_REQUEST = f'{BEARER}, error="invalid_request"'
INSUFFICIENT_SCOPE = f'{BEARER}, error="insufficient_scope", scope="orders:read"'


@dataclass(frozen=True)
class Outcome:
    """What comes back.

    Args:
        status: the status code.
        challenges: the WWW-Authenticate lines, in order.
        who: the principal of which the application was told; None: it was not called, or answers without it.
        by: `"guard"`, `"application"` or `"server"`, which refuses before the guard sees anything.
    """

    status: int
    challenges: tuple[str, ...] = ()
    who: str | None = None
    by: str = "guard"


@dataclass(frozen=True)
class Case:
    """One request.

    Args:
        name: what it is about.
        request: as it goes over the wire.
        outcome: what comes back from every server but those below.
        elsewhere: servers, what comes back from them, and why.
    """

    name: str
    request: bytes
    outcome: Outcome
    elsewhere: tuple[tuple[tuple[str, ...], Outcome, str], ...] = ()

    def expect(self, server: str) -> Outcome:
        """Return what comes back from a server."""
        return next((outcome for names, outcome, _ in self.elsewhere if server in names), self.outcome)


def granted(who: str = "") -> Outcome:
    """The application answers 200 to this principal; empty: to nobody in particular."""
    return Outcome(200, (), who, "application")


def refused(status: int, *challenges: str) -> Outcome:
    """The guard refuses."""
    return Outcome(status, challenges)


def server_refuses(status: int) -> Outcome:
    """The server refuses, in words of its own; the guard never sees the request."""
    return Outcome(status, by="server")


def ask(line: str | bytes, *fields: str | bytes, body: bytes = b"") -> bytes:
    """Build a request that asks for the connection to be closed."""
    lines = [_octets(line) + b" HTTP/1.1", b"Host: example.com", *map(_octets, fields), b"Connection: close"]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _octets(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


def basic(username: str, password: str) -> str:
    """Build the Authorization field of a user."""
    return "Authorization: Basic " + b64encode(f"{username}:{password}".encode()).decode()


ANN = basic("ann", "s3cret")
BOB = basic("bob", "pa:ss wörd")
ANN_TOKEN = "Authorization: Bearer tok-ann"
JOB = "X-API-Key: key-job"

# What servers do before the guard sees anything, each observed.
# uvicorn's other parser, which gunicorn's uvicorn worker takes too where it is installed.
HTTPTOOLS = ("uvicorn-httptools", "gunicorn-uvicorn") if "uvicorn-httptools" in SERVERS else ()
GUNICORN = ("gunicorn", "gunicorn-asgi")
DROPS_UNDERSCORES = ("gunicorn", "gunicorn-asgi", "waitress", "werkzeug")
WSGI = ("granian-wsgi", "gunicorn", "waitress", "werkzeug", "wsgiref")
STRICT_TARGET = tuple(name for name in SERVERS if name not in {"waitress", "wsgiref", "werkzeug"})
# wsgiref and werkzeug read requests with http.server
LENIENT = ("wsgiref", "werkzeug")

CREDENTIALS = [
    Case("nobody", ask("GET /me"), refused(401, *ALL)),
    Case("a password", ask("GET /me", ANN), granted("ann")),
    Case("a password with a colon and UTF-8", ask("GET /me", BOB), granted("bob")),
    Case("a wrong password", ask("GET /me", basic("ann", "no")), refused(401, BASIC, BEARER, KEY)),
    Case("an unknown user", ask("GET /me", basic("eve", "s3cret")), refused(401, *ALL)),
    Case("a scheme in another case", ask("GET /me", "authorization: bAsIc YW5uOnMzY3JldA=="), granted("ann")),
    Case("a token", ask("GET /orders", ANN_TOKEN), granted("ann")),
    Case("a wrong token", ask("GET /me", "Authorization: Bearer no"), refused(401, BASIC, INVALID_TOKEN, KEY)),
    Case("a token without the scope", ask("GET /orders", "Authorization: Bearer tok-bob"), refused(403, INSUFFICIENT_SCOPE)),
    Case("a key", ask("GET /me", JOB), granted("job")),
    Case("a key under its scheme", ask("GET /me", "Authorization: ApiKey key-job"), granted("job")),
    Case("an unknown scheme", ask("GET /me", "Authorization: Foo bar"), refused(401, *ALL)),
    Case("a scheme name alone", ask("GET /me", "Authorization: Bearer"), refused(400, INVALID_REQUEST)),
    Case("an empty field", ask("GET /me", "Authorization:"), refused(400)),
    Case("bad base64", ask("GET /me", "Authorization: Basic YW5uOnMzY3JldA="), refused(401, *ALL)),
    Case("a tab after the scheme", ask("GET /me", "Authorization: Basic\tYW5uOnMzY3JldA=="), refused(400)),
    Case(
        "a field that is folded",
        ask("GET /me", "Authorization: Basic\r\n YW5uOnMzY3JldA=="),
        granted("ann"),  # RFC 9112 §5.2: a server may replace the fold with spaces
        (
            (("granian", "granian-wsgi", *GUNICORN, *HTTPTOOLS), server_refuses(400), "refuses the fold, as RFC 9112 §5.2 prefers"),
            (("wsgiref",), refused(400), "leaves CR LF in the value"),
        ),
    ),
    Case(
        "a space before the colon",
        ask("GET /me", "Authorization : Bearer tok-ann"),
        server_refuses(400),
        ((LENIENT, refused(401, *ALL), "takes it for another name, which is none of ours"),),
    ),
]

RULES = [
    Case("public", ask("GET /healthz"), granted()),
    Case("public looks at nothing", ask("GET /healthz", basic("ann", "no")), granted()),
    Case("optional, nobody", ask("GET /"), granted()),
    Case("optional, somebody", ask("GET /", ANN), granted("ann")),
    Case("optional, a wrong password", ask("GET /", basic("ann", "no")), refused(401, *ALL)),
    Case("a role", ask("GET /admin/users", ANN), granted("ann")),
    Case("a role, nobody", ask("GET /admin/users"), refused(401, *ALL)),
    Case("a role that is missing", ask("GET /admin/users", BOB), refused(403)),
    Case("a network that fits", ask("GET /loop"), granted()),
    Case("a network that does not, nobody", ask("GET /office"), refused(403)),
    Case("a network that does not, somebody", ask("GET /office", ANN), refused(403)),
    Case("hidden, nobody", ask("GET /vault"), refused(401, *ALL)),
    Case("hidden, somebody", ask("GET /vault", ANN), Outcome(404, by="application")),
    Case("missing, nobody", ask("GET /nowhere"), refused(401, *ALL)),
    Case("missing, somebody", ask("GET /nowhere", ANN), Outcome(404, by="application")),
    Case("content, nobody", ask("POST /me", "Content-Length: 5", body=b"hello"), refused(401, *ALL)),
    Case("content, somebody", ask("POST /me", ANN, "Content-Length: 5", body=b"hello"), granted("ann")),
    Case("chunks, nobody", ask("POST /me", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n"), refused(401, *ALL)),
]

TROUBLE = [
    Case("an outage", ask("GET /me", "X-API-Key: key-outage"), refused(503)),
    Case("an outage where anybody may come", ask("GET /", "X-API-Key: key-outage"), refused(503)),
    Case("an outage that makes no difference", ask("GET /healthz", "X-API-Key: key-outage"), granted()),
    Case("a bug in a checker", ask("GET /me", "X-API-Key: key-bug"), server_refuses(500)),
    Case("after a bug", ask("GET /me", JOB, "X-After: a bug"), granted("job")),
]

_KNOWN = "takes the methods that it knows"

METHODS = [
    Case("HEAD, nobody", ask("HEAD /me"), refused(401, *ALL)),
    Case("HEAD, somebody", ask("HEAD /orders", ANN), Outcome(200, by="application")),
    Case("HEAD needs what GET needs", ask("HEAD /orders", "Authorization: Bearer tok-bob"), refused(403, INSUFFICIENT_SCOPE)),
    Case("an unknown method", ask("JEFF /me"), refused(401, *ALL), ((HTTPTOOLS, server_refuses(400), _KNOWN),)),
    Case(
        "an unknown method needs what GET needs",
        ask("JEFF /orders", "Authorization: Bearer tok-bob"),
        refused(403, INSUFFICIENT_SCOPE),
        ((HTTPTOOLS, server_refuses(400), _KNOWN),),
    ),
    Case(
        "a method in lower case needs what GET needs",
        ask("get /orders", "Authorization: Bearer tok-bob"),
        refused(403, INSUFFICIENT_SCOPE),
        (((*GUNICORN, "waitress", *HTTPTOOLS), server_refuses(400), "takes upper case only"),),
    ),
    Case("a preflight", ask("OPTIONS /me", "Origin: https://a.example", "Access-Control-Request-Method: GET"), refused(401, *ALL)),
    Case("a preflight with credentials", ask("OPTIONS /me", ANN, "Origin: null", "Access-Control-Request-Method: GET"), granted("ann")),
    Case("OPTIONS without Origin", ask("OPTIONS /me", "Access-Control-Request-Method: GET"), refused(401, *ALL)),
    Case("OPTIONS without a method to ask for", ask("OPTIONS /me", "Origin: https://a.example"), refused(401, *ALL)),
    Case("OPTIONS of the server", ask("OPTIONS *"), refused(400)),
    Case("CONNECT", ask("CONNECT example.com:80"), refused(400), ((HTTPTOOLS, server_refuses(400), "is no proxy"),)),
    Case(
        "another method by a header",
        ask("POST /orders", "X-HTTP-Method-Override: GET", "Content-Length: 0"),
        refused(401, *ALL_AND_SCOPE),  # a POST needs what GET needs, override or not
    ),
]

TWICE = [
    Case("two Authorization fields", ask("GET /me", ANN, ANN_TOKEN), refused(400)),
    Case("two Authorization fields, the first is wrong", ask("GET /me", basic("eve", "no"), ANN_TOKEN), refused(400)),
    Case("the same token twice", ask("GET /me", ANN_TOKEN, ANN_TOKEN), refused(400, INVALID_REQUEST)),
    Case("two Authorization fields where anybody may come", ask("GET /", ANN, ANN_TOKEN), refused(400)),
    Case("two fields in one", ask("GET /me", f"{ANN}, Bearer tok-ann"), refused(400)),
    Case("two keys", ask("GET /me", JOB, JOB), refused(400)),
    Case("two keys in one field", ask("GET /me", "X-API-Key: key-job,key-job"), refused(400)),
    Case("a password and a key", ask("GET /me", ANN, JOB), refused(400)),
    Case(
        "two Host fields",
        ask("GET /me", "Host: evil.example", ANN),
        server_refuses(400),
        ((("granian", *HTTPTOOLS, *(name for name in WSGI if name != "gunicorn")), refused(400), "lets them through, or joins them"),),
    ),
]

_MERGES = "takes X_Api_Key for X-API-Key before anybody can see it"
_LAST = "takes X_Api_Key for X-API-Key, and of the two the last, before anybody can see it"
_DROPS = "drops names with an underscore"

TWINS = [
    Case(
        "a twin of the key",
        ask("GET /me", "X_Api_Key: key-job"),
        refused(400),
        ((DROPS_UNDERSCORES, refused(401, *ALL), _DROPS), (("granian-wsgi", "wsgiref"), granted("job"), _MERGES)),
    ),
    Case(
        "a false twin before the key",
        ask("GET /me", "X_Api_Key: evil", JOB),
        refused(400),
        ((DROPS_UNDERSCORES, granted("job"), _DROPS), (("granian-wsgi",), granted("job"), _LAST)),
    ),
    Case(
        "a false twin after the key",
        ask("GET /me", JOB, "X_Api_Key: evil"),
        refused(400),
        ((DROPS_UNDERSCORES, granted("job"), _DROPS), (("granian-wsgi",), refused(401, *ALL), _LAST)),
    ),
    Case("a name of one's own choice", ask("GET /healthz", "Remote-User: root"), granted()),
    Case(
        "a twin of a name of one's own choice",
        ask("GET /healthz", "Remote_User: root"),
        refused(400),
        ((DROPS_UNDERSCORES, granted(), _DROPS), (("granian-wsgi", "wsgiref"), granted(), "merges it, and the guard takes it out")),
    ),
]

_EMPTIES = "hands over an empty value in place of octets that are not ASCII"
_CONTROL = (*GUNICORN, "granian", "granian-wsgi", "waitress", *HTTPTOOLS)

OCTETS = [
    Case("Latin-1 in Authorization", ask("GET /me", b"Authorization: Basic \xff\xfe\xe4"), refused(400)),
    Case(
        "UTF-8 in a token",
        ask("GET /me", b"Authorization: Bearer t\xc3\xb6k"),
        refused(400, INVALID_REQUEST),
        ((("granian-wsgi",), refused(400), _EMPTIES),),
    ),
    Case("UTF-8 in the scheme", ask("GET /me", b"Authorization: \xc3\xb6 abc"), refused(400)),
    Case("no fallback where anybody may come", ask("GET /", b"Authorization: Basic \xff\xfe"), refused(400)),
    Case("UTF-8 in a key", ask("GET /me", b"X-API-Key: k\xc3\xb6y"), refused(401, *ALL), ((("granian-wsgi",), refused(400), _EMPTIES),)),
    Case("Latin-1 in a key", ask("GET /me", b"X-API-Key: k\xf6y"), refused(400)),
    Case(
        "NUL in Authorization",
        ask("GET /me", b"Authorization: Basic a\x00b"),
        server_refuses(400),
        ((LENIENT, refused(400), "takes any octet"),),
    ),
    Case(
        "a control character in Authorization",
        ask("GET /me", b"Authorization: Basic a\x01b"),
        refused(400),
        ((_CONTROL, server_refuses(400), "takes no control characters"),),
    ),
    Case(
        "a control character in a key",
        ask("GET /me", b"X-API-Key: key\x01job"),
        refused(400),
        ((_CONTROL, server_refuses(400), "takes no control characters"),),
    ),
]

_BOUND = "has a bound of its own for one field"

SIZES = [
    Case(
        "a token of 9,000 octets",
        ask("GET /me", "Authorization: Bearer " + "a" * 9000),
        refused(401, BASIC, INVALID_TOKEN, KEY),
        ((GUNICORN, server_refuses(431), _BOUND),),
    ),
    Case(
        "a token of 16 KiB", ask("GET /", "Authorization: Bearer " + "a" * 16384), refused(431), ((GUNICORN, server_refuses(431), _BOUND),)
    ),
    Case("a key of 16 KiB", ask("GET /me", "X-API-Key: " + "a" * 16384), refused(431), ((GUNICORN, server_refuses(431), _BOUND),)),
    Case(
        "16 KiB of something else",
        ask("GET /me", "X-Other: " + "a" * 16384),
        refused(401, *ALL),
        ((GUNICORN, server_refuses(431), _BOUND),),
    ),
]

_ROUTES_AUTHORITY = "takes scheme and authority off, and routes by the path that is left"
_TAKES_OFF = ("granian", "granian-wsgi", "gunicorn", "waitress", "werkzeug", *HTTPTOOLS)
_NO_TARGET = "does not tell the undecoded target; the guard sees what the application sees"
_COLLAPSES = "reduces leading slashes to one before anybody can see them"
_CUTS = "cuts the fragment off"

TARGETS = [
    Case("a closing slash makes no difference", ask("GET /orders/"), refused(401, *ALL_AND_SCOPE)),
    Case(
        "absolute",
        ask("GET http://example.com/me", ANN),
        refused(400),
        ((_TAKES_OFF, granted("ann"), _ROUTES_AUTHORITY),),
    ),
    Case(
        "absolute, nobody, and a public host",
        ask("GET http://healthz/me"),
        refused(400),
        ((_TAKES_OFF, refused(401, *ALL), _ROUTES_AUTHORITY),),
    ),
    Case("absolute, two slashes", ask("GET http://example.com//healthz"), refused(400)),
    Case("absolute, dots", ask("GET http://example.com/healthz/../me"), refused(400)),
    Case("two slashes", ask("GET //healthz"), refused(400), ((LENIENT, granted(), _COLLAPSES),)),
    Case("two slashes before what is protected", ask("GET //me"), refused(400), ((LENIENT, refused(401, *ALL), _COLLAPSES),)),
    Case("two slashes within", ask("GET /admin//users"), refused(400)),
    Case("dots", ask("GET /healthz/../me"), refused(400)),
    Case("one dot", ask("GET /./healthz"), refused(400)),
    Case("encoded dots", ask("GET /healthz/%2e%2E/me"), refused(400)),
    Case(
        "an encoded slash",
        ask("GET /admin%2fusers"),
        refused(400),
        ((("granian-wsgi", "wsgiref"), refused(401, *ALL), _NO_TARGET),),
    ),
    Case("an encoded backslash", ask("GET /admin%5cusers"), refused(400)),
    Case("a backslash", ask("GET /admin\\users"), refused(400)),
    Case("a semicolon", ask("GET /healthz;a=1"), refused(400)),
    Case("an encoded semicolon", ask("GET /healthz%3Ba"), refused(400)),
    Case("an encoded NUL", ask("GET /healthz%00"), refused(400)),
    Case("an encoded line feed", ask("GET /healthz%0a"), refused(400)),
    Case("encoded twice", ask("GET /%252e%252e/me"), refused(400)),
    Case("octets that are not UTF-8", ask("GET /%ff"), refused(400)),
    Case("a bad escape", ask("GET /%zz"), refused(400), ((("granian-wsgi", "wsgiref"), refused(401, *ALL), _NO_TARGET),)),
    Case("no slash", ask("GET healthz"), refused(400), (((*GUNICORN, *HTTPTOOLS), server_refuses(400), "takes no such target"),)),
    Case("a fragment", ask("GET /healthz#/me"), refused(400), ((("granian", "granian-wsgi", *HTTPTOOLS), granted(), _CUTS),)),
    Case(
        "a fragment after a query",
        ask("GET /healthz?a=1#/me"),
        refused(400),
        ((_TAKES_OFF, granted(), _CUTS),),
    ),
    Case(
        "a control character",
        ask(b"GET /healthz\x01"),
        refused(400),
        ((STRICT_TARGET, server_refuses(400), "takes no control characters"),),
    ),
    Case(
        "a control character in the query",
        ask(b"GET /healthz?a=\x01"),
        refused(400),
        ((STRICT_TARGET, server_refuses(400), "takes no control characters"),),
    ),
    Case("NUL", ask(b"GET /healthz\x00"), refused(400), ((STRICT_TARGET, server_refuses(400), "takes no control characters"),)),
    Case("a Host that holds a path", b"GET /me HTTP/1.1\r\nHost: example.com/healthz?\r\nConnection: close\r\n\r\n", refused(401, *ALL)),
    Case("HTTP/1.0", b"GET /me HTTP/1.0\r\n\r\n", refused(401, *ALL)),
    Case("HTTP/1.0, somebody", b"GET /me HTTP/1.0\r\n" + ANN.encode() + b"\r\n\r\n", granted("ann")),
]

TABLE = {
    "credentials": CREDENTIALS,
    "rules": RULES,
    "trouble": TROUBLE,
    "methods": METHODS,
    "twice": TWICE,
    "twins": TWINS,
    "octets": OCTETS,
    "sizes": SIZES,
    "targets": TARGETS,
}


def outcome_of(answer: Answer) -> Outcome:
    """Return what came back, in the words of the table."""
    if answer.called:
        who = json.loads(answer.body)["who"] if answer.body and answer.status == 200 else None
        return Outcome(answer.status, tuple(answer.challenges), who, "application")
    # Every refusal of ours says this, and no server does in its own.
    ours = answer.all("x-content-type-options") == ["nosniff"]
    return Outcome(answer.status, tuple(answer.challenges), by="guard" if ours else "server")


@pytest.mark.parametrize("section", TABLE)
def test_every_server_gives_the_same_answer(section: str, server: Server) -> None:
    """The same octets get the same status, challenges and principal from every server, but where the table says why not."""
    expected = {case.name: case.expect(server.name) for case in TABLE[section]}
    assert {case.name: outcome_of(server.send(case.request)) for case in TABLE[section]} == expected


def test_the_table_says_what_it_means() -> None:
    """No case is there twice, no exception is dead for a mistyped server, and none repeats what holds anyway."""
    cases = [case for section in TABLE.values() for case in section]
    assert len({case.name for case in cases}) == len({case.request for case in cases}) == len(cases)
    for case in cases:
        named = [name for names, _, _ in case.elsewhere for name in names]
        assert set(named) <= set(SERVERS)
        assert len(set(named)) == len(named)
        assert all(outcome != case.outcome and why for _, outcome, why in case.elsewhere)
