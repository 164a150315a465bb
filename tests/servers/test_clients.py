"""Clients that people use, against every server: curl, httpx2 and httpx find their way in, and are told how where they do not."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

from tests.support.programs import program
from tests.support.servers import DEADLINE

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from tests.support.servers import Server

CHALLENGES = ['Basic realm="office", charset="UTF-8"', 'Bearer realm="office"', 'ApiKey realm="office"']


# Options, status, and who it is to the application. curl keeps its connection from one to the next, so nobody's credentials may stay.
TRANSFERS: list[tuple[str, list[str], int, str | None]] = [
    ("/me", [], 401, None),
    ("/healthz", [], 200, ""),
    ("/me", ["--user", "ann:s3cret"], 200, "ann"),
    ("/me", ["--user", "bob:pa:ss wörd"], 200, "bob"),
    ("/me", ["--user", "ann:no"], 401, None),
    ("/me", ["--user", "ann:s3cret", "--basic", "--request", "DELETE"], 200, "ann"),
    ("/me", ["--user", "ann:s3cret", "--anyauth"], 200, "ann"),
    ("/me", ["--user", "ann:no", "--anyauth"], 401, None),
    ("/orders", ["--oauth2-bearer", "tok-ann"], 200, "ann"),
    ("/orders", ["--oauth2-bearer", "tok-bob"], 403, None),
    ("/me", ["--header", "X-API-Key: key-job"], 200, "job"),
    ("/me", ["--header", "x-api-key: no"], 401, None),
    ("/me", ["--header", "X-API-Key: key-job", "--header", "X-API-Key: key-job"], 400, None),
    ("/me", ["--header", "Authorization: Bearer tok-ann", "--header", "Authorization: Bearer tok-bob"], 400, None),
    ("/me", ["--user", "ann:s3cret", "--header", "X-API-Key: key-job"], 400, None),
    ("/me", ["--user", "ann:s3cret", "--data", "a=1"], 200, "ann"),
    ("/me", ["--data", "a=1"], 401, None),
    ("/healthz/../me", [], 401, None),  # curl itself takes the dots out
    ("/healthz/../me", ["--path-as-is"], 400, None),
    ("/healthz/%2e%2e/me", ["--path-as-is"], 400, None),
    ("/healthz%2e%2e/me", ["--path-as-is"], 401, None),  # no dot segment, but a name that ends in dots
    ("/admin//users", ["--user", "ann:s3cret"], 400, None),
    ("/healthz;a=1", [], 400, None),
    ("/healthz%00", [], 400, None),
    ("/healthz%5c..%5cme", [], 400, None),
    ("/me", [], 401, None),
]

_ALWAYS = ["--silent", "--show-error", "--noproxy", "*", "--http1.1", "--max-time", str(DEADLINE)]


def curl(*arguments: str) -> str:
    """Run curl, without the settings file of whoever runs the tests, and return what it prints."""
    done = subprocess.run([program("curl"), "--disable", *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_curl(server: Server, tmp_path: Path) -> None:
    """A command that somebody would paste gets the answer that the documentation promises."""
    arguments: list[str] = []
    for number, (path, options, _, _) in enumerate(TRANSFERS):
        arguments += ["--next", *_ALWAYS, *options, "--output", str(tmp_path / str(number)), "--write-out", "%{http_code}\n"]
        arguments += [server.url + path]
    statuses = [int(line) for line in curl(*arguments[1:]).split()]
    bodies = [(tmp_path / str(number)).read_bytes() for number in range(len(TRANSFERS))]
    got = [(status, json.loads(body)["who"] if status == 200 else None) for status, body in zip(statuses, bodies, strict=True)]
    assert [(*transfer[:2], *told) for transfer, told in zip(TRANSFERS, got, strict=True)] == TRANSFERS


def test_curl_head(server: Server) -> None:
    """The head of the refusal arrives, each challenge on a line of its own."""
    lines = curl(*_ALWAYS, "--head", f"{server.url}/me").strip().split("\r\n")
    assert lines[0].split()[1] == "401"
    assert [line.partition(": ")[2] for line in lines if line.lower().startswith("www-authenticate:")] == CHALLENGES


@pytest.mark.sampled(2)
@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_an_http_library(library: ModuleType, server: Server) -> None:
    """The libraries' own ways of showing credentials work, on one client after the other and on one that is kept."""
    with library.Client(base_url=server.url, trust_env=False, timeout=DEADLINE) as client:

        def get(path: str, **options: Any) -> tuple[int, str | None]:
            response = client.get(path, **options)
            return response.status_code, response.json()["who"] if response.status_code == 200 else None

        assert get("/me", auth=("ann", "s3cret")) == (200, "ann")
        assert get("/me") == (401, None)
        assert get("/me", auth=library.BasicAuth("bob", "pa:ss wörd")) == (200, "bob")
        assert get("/me", auth=("ann", "no")) == (401, None)
        assert get("/orders", headers={"Authorization": "Bearer tok-ann"}) == (200, "ann")
        assert get("/orders", headers={"Authorization": "Bearer tok-bob"}) == (403, None)
        assert get("/me", headers={"X-API-Key": "key-job"}) == (200, "job")
        assert get("/me", headers=[("X-API-Key", "key-job"), ("X-API-Key", "other")]) == (400, None)
        assert client.get("/me").headers.get_list("WWW-Authenticate") == CHALLENGES
        assert client.head("/me").headers.get_list("WWW-Authenticate") == CHALLENGES
        assert client.get("/me", headers={"Accept": "text/html"}).headers["Content-Type"] == "text/html; charset=utf-8"
        problem = client.get("/me", headers={"X-Request-Id": "id-7"}).json()
        assert problem["status"] == 401
        assert problem["request_id"] == "id-7"


@pytest.mark.sampled(3)
@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_a_digest_client_gives_up_in_peace(library: ModuleType, server: Server) -> None:
    """A client that only speaks a scheme which is not offered gets the 401 and no second request."""
    with library.Client(base_url=server.url, trust_env=False, timeout=DEADLINE) as client:
        response = client.get("/me", auth=library.DigestAuth("ann", "s3cret"))
    assert response.status_code == 401
    assert response.history == []
