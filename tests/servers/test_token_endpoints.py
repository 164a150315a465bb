"""The endpoints of an issuer behind real servers: each gives the same answer, octet by octet, by ASGI and by WSGI."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

import pytest

from tests.servers.serve import OTHERS, SERVERS
from tests.servers.tokens import CLOCK, URL
from tests.support.each import noting
from tests.support.servers import Server
from tests.support.token_server import JOB, ODD, ORDERS, SCOPES, Client, TokenServer
from tests.support.wire import basic
from watchword.issuing import KeyRing
from watchword.issuing.forms import FORM_LIMIT
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.servers import Answer

OF_THE_SERVER = {"connection", "date", "keep-alive", "server"}
# What a server does not hand over, or answers itself: the status of it.
ELSEWHERE = {
    ("granian-wsgi", "octets that are no text"): 401,  # the field is taken away
    ("wsgiref", "in chunks"): 400,  # it reads no chunks
    ("cheroot", "two fields"): 200,  # the last one is handed over, and nothing tells of the other
}
OWN = {"grant_type": "client_credentials", "scope": SCOPES}
FORM = "Content-Type: application/x-www-form-urlencoded"


def shown(client: Client) -> str:
    """Return an Authorization field (RFC 6749 §2.3.1)."""
    return ": ".join(basic(quote_plus(client.id), quote_plus(client.secret)))


def sent(method: str, path: str, *fields: str, content: bytes | None = b"") -> bytes:
    """Return a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: auth.example.com", "Connection: close", *fields]
    lines += [f"Content-Length: {len(content)}"] if method == "POST" and content is not None else []
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (content or b"")


def post(path: str, form: dict[str, str] | bytes, *fields: str, kind: str = FORM) -> bytes:
    """Return a request with a form."""
    return sent("POST", path, kind, *fields, content=form if isinstance(form, bytes) else urlencode(form).encode())


def in_chunks(path: str, form: dict[str, str], *fields: str) -> bytes:
    """Return a request whose form comes in two chunks."""
    content = urlencode(form).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (content[:7], content[7:], b""))
    return sent("POST", path, FORM, *fields, "Transfer-Encoding: chunked", content=None) + chunks


def requests(access: str, refresh: str, ended: str) -> dict[str, tuple[bytes, int]]:
    """Return requests by name, and the status that each is answered with."""
    job, orders, used = shown(JOB), shown(ORDERS), {"grant_type": "refresh_token", "refresh_token": refresh}
    in_form = {**OWN, "client_id": ODD.id, "client_secret": ODD.secret}
    return {
        "metadata": (sent("GET", "/.well-known/oauth-authorization-server"), 200),
        "keys": (sent("GET", "/.well-known/jwks.json"), 200),
        "head of the keys": (sent("HEAD", "/.well-known/jwks.json"), 200),
        "GET of an endpoint": (sent("GET", "/token"), 405),
        "POST of the keys": (post("/.well-known/jwks.json", b""), 405),
        "nothing": (sent("GET", "/tokens?a=b"), 404),
        "a closing slash": (post("/token/", OWN, job), 404),
        "own tokens": (post("/token", OWN, job), 200),
        "own tokens, spelt otherwise": (post("/%74oken?a=b", OWN, job), 200),
        "own tokens by the form": (post("/token", in_form), 200),
        "an odd secret by Basic": (post("/token", OWN, shown(ODD)), 200),
        "no client": (post("/token", OWN), 401),
        "a wrong secret": (post("/token", OWN, shown(Client(JOB.id, "guess"))), 401),
        "two fields": (post("/token", OWN, job, job), 401),
        "octets that are no text": (post("/token", OWN, "Authorization: Basic \xff\xfe"), 401),
        "both ways": (post("/token", in_form, shown(ODD)), 400),
        "a form of Latin-1": (post("/token", b"grant_type=\xe9", job), 400),
        "repeated": (post("/token", b"grant_type=a&grant_type=b", job), 400),
        "JSON": (post("/token", b"{}", job, kind="Content-Type: application/json"), 400),
        "no content": (post("/token", b"", job), 400),
        "in chunks": (in_chunks("/token", OWN, job), 200),
        "a long form": (post("/token", b"a" * (FORM_LIMIT + 1), job), 413),
        "refreshed": (post("/token", used, job), 200),
        "refreshed again": (post("/token", used, job), 200),
        "refreshed by another": (post("/token", used, shown(ODD)), 400),
        "introspected": (post("/introspect", {"token": access}, orders), 200),
        "introspected by another": (post("/introspect", {"token": access}, shown(ODD)), 200),
        "revoked by another": (post("/revoke", {"token": ended}, shown(ODD)), 200),
        "revoked": (post("/revoke", {"token": ended}, job), 200),
        "revoked again": (post("/revoke", {"token": ended}, job), 200),
        "an API": (sent("GET", "/orders", f"Authorization: Bearer {access}"), 200),
        "an API without a token": (sent("GET", "/orders"), 401),
    }


def comparable(answer: Answer) -> tuple[int, list[tuple[str, str]], str]:
    """Return an answer without what differs in each: what the server adds, ids of requests, and the characters of new tokens."""
    fields = sorted((name, value) for name, value in answer.headers if name not in OF_THE_SERVER)
    body = re.sub(r'("access_token": ?"|"refresh_token": ?"|"request_id": ?")[^"]*', r"\1", answer.body.decode())
    return answer.status, fields, body


@pytest.mark.long
def test_every_server_gives_the_same_answers(tmp_path: Path) -> None:
    """Status, fields and content are those of the others, but for Date, Server and Connection."""
    ring, kept = KeyRing.generate("Ed25519"), tmp_path / "kept.db"
    with closing(SQLStore(f"sqlite:///{kept}", create=True, clock=CLOCK)) as store:
        issuer = TokenServer(URL, ring, CLOCK, store).issuer
        login, ended = (issuer.issue("ann", JOB.id, scopes=SCOPES.split()) for _ in range(2))
    asked = requests(login.access_token, str(login.refresh_token), ended.access_token)

    @contextmanager
    def started(name: str) -> Iterator[Server]:
        path = shutil.copy(kept, tmp_path / f"{name}.db")
        server = Server(name, "tests.servers.tokens", WATCHWORD_RING=ring.to_json(), WATCHWORD_STORE=f"sqlite:///{path}")
        try:
            yield server
        finally:
            server.stop()

    first: dict[str, Any] = {}
    names = [*SERVERS, *OTHERS]
    with ExitStack() as stack:
        coming = stack.enter_context(started(names[0]))
        for name, following in zip(names, [*names[1:], None], strict=True):
            server = coming
            server.wait("/.well-known/jwks.json")
            if following is not None:
                coming = stack.enter_context(started(following))  # it gets ready meanwhile
            for what, (request, status) in asked.items():
                with noting(name, what):
                    answer = comparable(server.send(request))
                    assert answer[0] == ELSEWHERE.get((name, what), status)
                    if (name, what) not in ELSEWHERE:
                        assert first.setdefault(what, answer) == answer
            server.stop()
