"""Clients that people use, against an application with views that demand something: what each makes of the challenges.

The application runs in a thread of the test, so that the guard tells what a client has asked, and how often.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import aiohttp
import httpx2
import pytest
import requests
from flask import Flask

from tests.support.in_threads import serving_wsgi
from tests.support.programs import PACKAGES, absent, program
from tests.support.servers import DEADLINE
from watchword import Basic, Bearer, Guard, Principal, authenticated, public, role
from watchword.adapters.flask import Watchword, current_principal
from watchword.adapters.flask import requires as demands
from watchword.checkers import Tokens
from watchword.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from watchword.observe.event import AuthEvent

    Asked = tuple[int, str]
    Client = Callable[[str], list[Asked]]

PEOPLE = {"ann": "s3cret", "bob": "pä:ss"}
# What each client is told to get: the path, and a name with a password.
STEPS = [("/me", "", ""), ("/me", "ann", "s3cret"), ("/me", "ann", "no"), ("/admin", "bob", "pä:ss"), ("/me", "bob", "pä:ss")]
ANSWERS = [(401, ""), (200, "ann"), (401, ""), (403, ""), (200, "bob")]

# What the guard was asked meanwhile: `?` without credentials, `no` with false ones, `<` by somebody who may not.
AT_ONCE = "? ann no < bob"
WHEN_CHALLENGED = "? ? ann ? no ? < ? bob"


def by_curl(*options: str) -> Client:
    """curl, as a command for each step."""

    def ask(url: str) -> list[Asked]:
        answers = []
        for path, name, password in STEPS:
            command = [program("curl"), "--disable", "--silent", "--noproxy", "*", "--write-out", "\n%{http_code}"]
            credentials = [*options, "--user", f"{name}:{password}"] if name else []
            done = subprocess.run([*command, *credentials, url + path], capture_output=True, check=True, text=True)
            body, _, status = done.stdout.rpartition("\n")
            answers.append(_said(int(status), body))
        return answers

    return ask


def by_wget(*options: str) -> Client:
    """wget, as a command for each step."""

    def ask(url: str) -> list[Asked]:
        answers = []
        for path, name, password in STEPS:
            command = [program("wget"), "--no-config", "--no-proxy", "--quiet", "--tries=1", "--server-response", "--output-document=-"]
            credentials = [*options, f"--user={name}", f"--password={password}"] if name else []
            done = subprocess.run([*command, *credentials, url + path], capture_output=True, check=False)
            status = [int(line.split()[1]) for line in done.stderr.decode().splitlines() if line.strip().startswith("HTTP/")][-1]
            assert done.returncode == {200: 0, 401: 6, 403: 8}[status]  # 6: the password is wrong, 8: an error of the server
            answers.append(_said(status, done.stdout.decode()))
        return answers

    return ask


def by_httpx2(url: str) -> list[Asked]:
    """httpx2, with one connection."""
    with httpx2.Client(base_url=url, trust_env=False, timeout=DEADLINE) as client:
        got = [client.get(path, auth=(name, password) if name else None) for path, name, password in STEPS]
    return [_said(answer.status_code, answer.text) for answer in got]


def by_requests(url: str) -> list[Asked]:
    """requests, with one connection; text it encodes as Latin-1, and bytes it takes as they are, whatever its types say."""
    with requests.Session() as session:
        session.trust_env = False
        logins: list[Any] = [(name.encode(), password.encode()) if name else None for _, name, password in STEPS]
        got = [session.get(url + step[0], auth=login, timeout=DEADLINE) for step, login in zip(STEPS, logins, strict=True)]
    return [_said(answer.status_code, answer.text) for answer in got]


def by_aiohttp(url: str) -> list[Asked]:
    """aiohttp, with one connection."""

    async def ask() -> list[Asked]:
        answers = []
        async with aiohttp.ClientSession(url) as session:
            for path, name, password in STEPS:
                headers = {"Authorization": aiohttp.encode_basic_auth(name, password, "utf-8")} if name else {}
                async with session.get(path, headers=headers) as answer:
                    answers.append(_said(answer.status, await answer.text()))
        return answers

    return asyncio.run(ask())


def by_urllib(url: str) -> list[Asked]:
    """urllib, whose handler sends a password when it is challenged. It encodes as UTF-8."""
    answers = []
    for path, name, password in STEPS:
        manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        if name:
            manager.add_password(None, url, name, password)
        handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPBasicAuthHandler(manager)
        try:
            with urllib.request.build_opener(*handlers).open(url + path, timeout=DEADLINE) as answer:
                answers.append(_said(answer.status, answer.read().decode()))
        except HTTPError as error:
            with error:
                answers.append(_said(error.code, ""))
    return answers


NODE = """
const [url, steps] = process.argv.slice(1);
for (const [path, name, password] of JSON.parse(steps)) {
    const field = 'Basic ' + Buffer.from(`${name}:${password}`).toString('base64');
    const answer = await fetch(url + path, { headers: name ? { Authorization: field } : {} });
    console.log(`${answer.status} ${await answer.text()}`.split('\\n')[0]);
}
"""


def by_node(url: str) -> list[Asked]:
    """Node's fetch, which has no way of its own to send a password."""
    command = [program("node"), "--input-type=module", "--eval", NODE, url, json.dumps(STEPS)]
    return _printed(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


# Once with a field, and once with an Authenticator, which the client asks for a password when it is challenged.
JAVA = """
import java.net.*; import java.net.http.*; import java.nio.charset.StandardCharsets; import java.util.*;

public class Client {
    public static void main(String[] told) throws Exception {
        for (boolean asks : List.of(false, true)) for (int at = 1; at < told.length; at += 3) {
            String name = told[at + 1], password = told[at + 2];
            HttpClient.Builder client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1);
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(told[0] + told[at]));
            String field = Base64.getEncoder().encodeToString((name + ":" + password).getBytes(StandardCharsets.UTF_8));
            if (!asks && !name.isEmpty()) request.header("Authorization", "Basic " + field);
            if (asks && !name.isEmpty()) client.authenticator(new Authenticator() {
                protected PasswordAuthentication getPasswordAuthentication() {
                    return new PasswordAuthentication(name, password.toCharArray());
                }
            });
            try {
                HttpResponse<String> answer = client.build().send(request.build(), HttpResponse.BodyHandlers.ofString());
                System.out.println(answer.statusCode() + " " + answer.body().split("\\n")[0]);
            } catch (java.io.IOException tooMany) { System.out.println("401 " + tooMany.getMessage()); }
        }
    }
}
"""


def _printed(lines: str) -> list[Asked]:
    return [_said(int(line.partition(" ")[0]), line.partition(" ")[2]) for line in lines.splitlines()]


def _said(status: int, body: str) -> Asked:
    return status, body.strip() if status == 200 else ""


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[str, list[AuthEvent]]]:
    """The address of the application, and what its guard has told."""
    events: list[AuthEvent] = []
    guard = Guard(
        Bearer(Tokens({"tok-bob": Principal("bob")})),
        Basic(lambda shown: Principal(shown.username) if PEOPLE.get(shown.username) == shown.password else None, realm="office"),
        rules={"/**": public},
        on_event=events.append,
    )
    app = Flask(__name__)
    Watchword(app, guard)
    app.add_url_rule("/me", "me", demands(authenticated)(lambda: f"{current_principal.id}\n"))
    app.add_url_rule("/admin", "admin", demands(role("admin"))(lambda: "not for any of them"))
    with serving_wsgi(app) as listening:
        yield listening.url, events


def told(events: list[AuthEvent]) -> str:
    """Return what the guard was asked."""
    words = {"granted": "", "forbidden": "<"}
    return " ".join(
        words.get(event.decision, "?" if event.reason is Reason.MISSING_CREDENTIALS else "no") or event.principal for event in events
    )


@pytest.mark.parametrize(
    ("client", "way"),
    [
        (by_curl("--basic"), AT_ONCE),
        (by_curl("--anyauth"), WHEN_CHALLENGED),
        (by_wget("--auth-no-challenge"), AT_ONCE),
        (by_wget(), WHEN_CHALLENGED),
        (by_httpx2, AT_ONCE),
        (by_requests, AT_ONCE),
        (by_aiohttp, AT_ONCE),
        (by_urllib, WHEN_CHALLENGED),
        (by_node, AT_ONCE),
    ],
    ids=["curl", "curl-anyauth", "wget-no-challenge", "wget", "httpx2", "requests", "aiohttp", "urllib", "node"],
)
def test_a_client_finds_its_way_in(service: tuple[str, list[AuthEvent]], client: Client, way: str) -> None:
    """With the right password it is served, with a wrong one it ends with 401, and it asks no more often than it must."""
    url, events = service
    events.clear()
    assert client(url) == ANSWERS
    assert told(events) == way


@pytest.mark.long
def test_java(service: tuple[str, list[AuthEvent]], tmp_path: Path) -> None:
    """With a field it asks once. Its Authenticator finds Basic among the challenges, and tries a wrong password four times."""
    url, events = service
    events.clear()
    (tmp_path / "Client.java").write_text(JAVA)
    command = [program("java"), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", str(tmp_path / "Client.java"), url]
    command += [part for step in STEPS for part in step]
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=os.environ | {"LC_ALL": "C.UTF-8"})
    if "jdk.compiler" in done.stderr:
        absent(f"a compiler for Java (package {PACKAGES['java']})", optional=True)
    assert _printed(done.stdout) == ANSWERS * 2, done.stderr
    assert told(events) == f"{AT_ONCE} {WHEN_CHALLENGED.replace('no', 'no no no no')}"
