"""What real servers make of random octets, handed to both adapters: on the same information they give the same answer.

The application behind each server tells its scope or environ. That is written down as the other interface would have it, and both adapters
decide. So a difference is the guard's own, and never that one server tells less than another does.
"""

from __future__ import annotations

from ast import literal_eval
from dataclasses import replace
from random import Random, getrandbits
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.serve import MOUNTED, SERVERS
from tests.support.drive import ByASGI, ByWSGI
from tests.support.random_requests import random_request
from tests.support.servers import Server
from tests.support.trio import SETTINGS, quick
from tests.support.wire import Request, asgi_scope, wsgi_environ

if TYPE_CHECKING:
    from tests.support.drive import Answer

Told = dict[str, Any]

PREFIXES = ["/api", "/api", "/api/", "/apix", "/%61pi", "/x/api", "//api", "/api/api", "/api%2F", ""]
TARGETS = [
    "",
    "/",
    "//",
    "///me",
    "*",
    "?a=1",
    "/?a#b",
    "/%2fme",
    "/me%2F",
    "/\xe4",
    "/me%3Fx",
    "/%00",
    "/me;a",
    "http://h:80//me",
    "/%u0041",
]
MORE = [
    ("Authorization", "Bearer bob-token"),
    ("authorization", "Basic YW5uOnMzY3JldA=="),
    ("X-API-Key", "ann-key"),
    ("X_API_Key", "bob-key"),
    ("X.API.Key", "bob-key"),
    ("Host", "evil.example"),
    ("Cookie", "key=bob-key"),
    ("Origin", "http://example.com"),
    ("Sec-Fetch-Site", "same-origin"),
    ("Remote_User", "root"),
    ("X-Remote-Extra-acme.com%2Fproject", "root"),
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Sec-WebSocket-Protocol", "bearer, ann-token"),
]


def random_octets(rng: Random, *, mounted: bool) -> Request:
    """Make a request that a client may send to a server, sound or not."""
    request = random_request(rng)
    prefix = rng.choice(PREFIXES) if mounted else ""
    target = rng.choice(TARGETS) if rng.random() < 0.2 else request.target.removeprefix(request.mount)
    headers = [*request.headers, *rng.sample(MORE, rng.choice([0, 0, 0, 1, 2]))]
    rng.shuffle(headers)
    method = "GET" if request.method in {"HEAD", "Head", ""} else request.method
    kept = tuple(field for field in headers if field[0].lower() not in {"upgrade", "connection"})
    return replace(request, method=method, target=prefix + target, headers=kept, body=request.content, kind="http", mount="")


def written(request: Request) -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{name}: {value}" for name, value in request.fields), "Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.content


def scope_of(environ: Told) -> Told:
    """Return the scope that says what an environ says."""
    scope = asgi_scope(Request(method=environ["REQUEST_METHOD"], scheme=environ["wsgi.url_scheme"], client=environ["REMOTE_ADDR"]))
    script_name = environ.get("SCRIPT_NAME", "")
    path = script_name + environ.get("PATH_INFO", "")
    scope["path"] = path.encode("latin-1").decode("utf-8", "surrogateescape")
    scope["root_path"] = script_name.encode("latin-1").decode()
    scope["query_string"] = environ.get("QUERY_STRING", "").encode("latin-1")
    raw = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    scope["raw_path"] = raw.partition("?")[0].encode("latin-1") if raw else None
    scope["headers"] = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in _fields_of(environ)]
    return scope


def _fields_of(environ: Told) -> list[tuple[str, str]]:
    plain = [name for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)]
    prefixed = [name for name in environ if name.startswith("HTTP_") and name[5:] not in {"CONTENT_TYPE", "CONTENT_LENGTH"}]
    return [(name.removeprefix("HTTP_").replace("_", "-").lower(), environ[name]) for name in prefixed + plain]


def environ_of(scope: Told) -> Told:
    """Return the environ that says what a scope says; names with an underscore are left out."""
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    environ = wsgi_environ(Request(method=scope["method"], scheme=scope["scheme"], client=scope["client"][0], headers=headers))
    cookies = [value for name, value in headers if name == "cookie"]
    if cookies:
        environ["HTTP_COOKIE"] = "; ".join(cookies)  # RFC 9113 §8.2.3; a comma is for what is a list
    root, path = scope["root_path"], scope["path"]
    environ["SCRIPT_NAME"] = root.encode().decode("latin-1")
    environ["PATH_INFO"] = path.removeprefix(root).encode("utf-8", "surrogateescape").decode("latin-1")
    environ["QUERY_STRING"] = scope["query_string"].decode("latin-1")
    environ["REQUEST_URI"] = (scope.get("raw_path") or b"").decode("latin-1")
    return environ


def without_aliases(scope: Told) -> Told:
    """Return a scope without the names that an environ cannot tell from others."""
    return scope | {"headers": [field for field in scope["headers"] if b"_" not in field[0]], "extensions": {}}


def said(answer: Answer) -> tuple[Any, ...]:
    """Return what is compared of an answer: of a refused path no more than that, for it may be written in another way below a mount."""
    seen = answer.seen
    if b"ambiguous_path" in answer.body or b"Ambiguous address" in answer.body:
        return answer.status, answer.headers
    # Cookie lines are joined by a server, and what joins them differs.
    fields = [] if seen is None else [(name, value.replace("; ", ",") if name == "cookie" else value) for name, value in seen.headers]
    called = None if seen is None else (seen.principal, str(seen.decision), seen.method, seen.query, seen.body, fields)
    return answer.status, answer.headers, answer.body, called


class Pairs:
    """Both adapters with one guard of every setting, handed what a server told."""

    def __init__(self) -> None:
        self._scope: Told = {}
        self._environ: Told = {}
        self._pairs = [
            (setting, ByASGI(make(quick), server=lambda _: self._scope), ByWSGI(make(quick), server=lambda _: self._environ))
            for setting, make in SETTINGS.items()
        ]

    def compare(self, told: Told, request: Request) -> None:
        """Compare.

        Args:
            told: a scope or an environ.
            request: the one that it was made of, for its content.
        """
        is_scope = "headers" in told
        for setting, asgi, wsgi in self._pairs:
            self._scope = without_aliases(told) if is_scope else scope_of(told)
            self._environ = environ_of(self._scope) if is_scope else dict(told)
            content = wsgi_environ(Request(body=request.content))
            self._environ |= {name: content[name] for name in ("wsgi.input", "wsgi.errors")}
            one, other = said(asgi(request)), said(wsgi(request))
            assert one == other, (setting, request, told)


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", [*SERVERS, "cheroot", *sorted(MOUNTED)])
def test_adapters_agree_about_what_a_server_hands_over(name: str, fuzz_tries: int) -> None:
    """For random octets, below a mount and without, each adapter gives the answer that the other gives to the same facts."""
    rng = Random(getrandbits(64))
    pairs = Pairs()
    server = Server(name, "tests.servers.telling")
    heard = 0
    try:
        server.wait("/api")
        for _ in range(max(50, fuzz_tries // 500)):
            request = random_octets(rng, mounted=name in MOUNTED)
            answer = server.send(written(request))
            told = literal_eval(answer.body.decode()) if answer.called else {"path": ""}
            if told.get("path", "/")[:1] == "/":  # below a mount an environ cannot say that a path has no slash
                heard += 1
                pairs.compare(told, request)
    finally:
        server.stop()
    assert heard > 10
