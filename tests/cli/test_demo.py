"""`watchword demo`, started as a person or a program starts it: the real command, real curl, the real signals."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import httpx2
import pytest

from tests.support.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = str(Path(sys.executable).with_name("watchword"))

# Where a proxy is configured, curl would ask it for 127.0.0.1 too.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}

PRINTED = re.compile(r"^  (\d{3}): .+\n    (curl .+)$", re.MULTILINE)
LAST_LINE = "The log below says"


@contextmanager
def running(*options: str) -> Iterator[subprocess.Popen[str]]:
    """Start the demo on a free port; whoever uses it ends it, or the end of the block does."""
    process = subprocess.Popen([COMMAND, "demo", "--port", "0", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def output(process: subprocess.Popen[str]) -> IO[str]:
    """The standard output of a process."""
    assert process.stdout is not None
    return process.stdout


def read_guide(process: subprocess.Popen[str]) -> str:
    """What the demo prints for people, up to its last line, after which it is silent."""
    lines: list[str] = []
    while not lines or not lines[-1].startswith(LAST_LINE):
        line = output(process).readline()
        assert line, "the demo ended early"
        lines.append(line)
    return "".join(lines)


def shell(command: str) -> str:
    """Run a command in a shell, as it was printed, and return what it answers."""
    program("curl")
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, env=ENVIRONMENT).stdout


def ended(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    """Send a signal and return exit code and what was still written."""
    process.send_signal(number)
    rest, errors = process.communicate()
    return process.returncode, rest, errors


@pytest.fixture(scope="module")
def facts() -> Iterator[dict[str, Any]]:
    """The line of JSON of a demo that runs."""
    with running("--json") as process:
        yield json.loads(output(process).readline())


@pytest.fixture(scope="module")
def printed() -> Iterator[str]:
    """What a demo that runs has printed for people."""
    with running() as process:
        yield read_guide(process)


def test_json_is_one_line_for_a_program_and_nothing_else() -> None:
    """A program reads one line from standard output, and whatever happens afterwards adds nothing to it."""
    with running("--json") as process:
        line = output(process).readline()
        facts = json.loads(line)
        assert httpx2.get(facts["url"] + "/me").status_code == 401
        assert httpx2.get(facts["url"] + "/").status_code == 200
        assert ended(process, signal.SIGTERM) == (0, "", "")
    assert list(facts) == ["url", "users", "tokens", "keys"]
    assert all(isinstance(secret, str) and secret for table in ("users", "tokens", "keys") for secret in facts[table].values())


def test_the_line_comes_when_connections_are_accepted() -> None:
    """Whoever has read the line may connect at once."""
    with running("--json") as process:
        facts = json.loads(output(process).readline())
        assert httpx2.get(facts["url"] + "/healthz").status_code == 200


@pytest.mark.parametrize("status", [200, 401, 403, 400])
def test_the_printed_commands_answer_as_printed(printed: str, status: int) -> None:
    """Each command, pasted into a shell exactly as it stands there, answers the status above it."""
    commands = [command for stated, command in PRINTED.findall(printed) if int(stated) == status]
    assert commands
    for command in commands:
        assert shell(command).startswith(f"HTTP/1.1 {status} "), command


def test_every_printed_command_is_tried(printed: str) -> None:
    """No command hides from the test above behind another way of being printed."""
    assert len(PRINTED.findall(printed)) == printed.count("curl ")
    assert {status for status, _ in PRINTED.findall(printed)} == {"200", "401", "403", "400"}


def test_a_401_lists_all_three_schemes(facts: dict[str, Any]) -> None:
    """Whoever shows nothing learns of all the ways to log in."""
    answer = httpx2.get(facts["url"] + "/me")
    assert [value.split(" ")[0] for value in answer.headers.get_list("www-authenticate")] == ["Basic", "Bearer", "ApiKey"]


def test_every_kind_of_secret_lets_its_owner_in(facts: dict[str, Any]) -> None:
    """The users, tokens and keys of the line are the ones that the demo knows, and the answer says who each is."""
    url = facts["url"] + "/me"
    for name, password in facts["users"].items():
        assert httpx2.get(url, auth=(name, password)).json()["id"] == name
    for name, token in facts["tokens"].items():
        assert httpx2.get(url, headers={"Authorization": f"Bearer {token}"}).json()["id"] == name
    for name, key in facts["keys"].items():
        assert httpx2.get(url, headers={"X-API-Key": key}).json()["id"] == name


@pytest.mark.parametrize(
    ("path", "anonymous", "ann", "bob", "newsletter"),
    [
        ("/healthz", 200, 200, 200, 200),
        ("/", 200, 200, 200, 200),
        ("/me", 401, 200, 200, 200),
        ("/orders", 401, 200, 403, 403),
        ("/admin", 401, 200, 403, 403),
        ("/nowhere", 401, 404, 404, 404),
    ],
)
def test_the_five_routes(facts: dict[str, Any], path: str, anonymous: int, ann: int, bob: int, newsletter: int) -> None:
    """Each route asks for what the guide says it needs, and a path that no rule names for somebody."""
    url = facts["url"] + path
    users = facts["users"]
    assert httpx2.get(url).status_code == anonymous
    assert httpx2.get(url, auth=("ann", users["ann"])).status_code == ann
    assert httpx2.get(url, auth=("bob", users["bob"])).status_code == bob
    assert httpx2.get(url, headers={"Authorization": f"Bearer {facts['tokens']['newsletter']}"}).status_code == newsletter


def test_public_looks_at_nothing_and_optional_does(facts: dict[str, Any]) -> None:
    """What tells `public` and `optional` apart can be seen: one ignores credentials, the other refuses false ones."""
    assert httpx2.get(facts["url"] + "/healthz", auth=("ann", "wrong")).json()["id"] is None
    assert httpx2.get(facts["url"] + "/", auth=("ann", "wrong")).status_code == 401
    assert httpx2.get(facts["url"] + "/", auth=("ann", facts["users"]["ann"])).json()["you"] == "Ann Example"


def test_other_methods_get_a_plain_answer(facts: dict[str, Any]) -> None:
    """HEAD answers like GET without a body; what the demo does not serve is 405, and says what it serves."""
    ann = ("ann", facts["users"]["ann"])
    head = httpx2.head(facts["url"] + "/me", auth=ann)
    assert (head.status_code, head.content) == (200, b"")
    post = httpx2.post(facts["url"] + "/me", auth=ann)
    assert (post.status_code, post.headers["allow"]) == (405, "GET, HEAD")


def test_a_person_gets_a_page(facts: dict[str, Any]) -> None:
    """A browser that is refused shows a page and not JSON."""
    answer = httpx2.get(facts["url"] + "/admin", headers={"Accept": "text/html"}, auth=("bob", facts["users"]["bob"]))
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "<h1>Not allowed</h1>" in answer.text


def test_a_browser_gets_the_front_page(facts: dict[str, Any]) -> None:
    """It has links to try, and none that is dead, and no secret; a program gets JSON there."""
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    page = httpx2.get(facts["url"] + "/", headers=browser)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert not [secret for table in ("users", "tokens", "keys") for secret in facts[table].values() if secret in page.text]
    links = re.findall(r'href="([^"]+)"', page.text)
    assert links == ["/healthz", "/", "/me", "/orders", "/admin", "/console/"]
    ann = ("ann", facts["users"]["ann"])
    assert {httpx2.get(facts["url"] + link, auth=ann).status_code for link in links} == {200}
    assert "You are Ann Example." in httpx2.get(facts["url"] + "/", headers=browser, auth=ann).text
    assert httpx2.get(facts["url"] + "/").headers["content-type"] == "application/json"


def test_the_console_shows_what_the_demo_refused(facts: dict[str, Any]) -> None:
    """To ann; bob may not see it, and nobody without a login."""
    url, ann, bob = facts["url"], ("ann", facts["users"]["ann"]), ("bob", facts["users"]["bob"])
    assert httpx2.get(url + "/admin", auth=bob, headers={"X-Request-Id": "of-bob"}).status_code == 403
    shown = httpx2.get(url + "/console/refusals", auth=ann)
    assert "of-bob" in shown.text
    assert "missing_role" in shown.text
    assert [httpx2.get(url + "/console" + path).status_code for path in ("", "/", "/events")] == [401, 401, 401]
    assert httpx2.get(url + "/console/", auth=bob).status_code == 403


def test_the_secrets_are_made_afresh(facts: dict[str, Any]) -> None:
    """The demo teaches no fixed password: no secret of one run is one of another."""
    with running("--json") as process:
        other = json.loads(output(process).readline())
    assert all(set(facts[table].values()).isdisjoint(other[table].values()) for table in ("users", "tokens", "keys"))


def test_it_is_seen_from_this_machine_alone(facts: dict[str, Any]) -> None:
    """Nobody on the network reaches a demo that was started without --host."""
    host, port = httpx2.URL(facts["url"]).host, httpx2.URL(facts["url"]).port
    assert host == "127.0.0.1"
    assert port is not None
    # Another address of the same machine: a server that listens on all of them answers there.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port))


def test_who_listens_on_all_addresses_is_warned() -> None:
    """Passwords over plain http are not put on a network without a word; the URL is one that can be opened."""
    with running("--host", "0.0.0.0", "--json") as process:
        facts = json.loads(output(process).readline())
        assert facts["url"].startswith("http://127.0.0.1:")
        assert httpx2.get(facts["url"] + "/healthz").status_code == 200
        code, _, errors = ended(process, signal.SIGTERM)
    assert (code, errors.count("\n")) == (0, 1)
    assert errors.startswith("This is plain http")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_a_word(number: signal.Signals) -> None:
    """Ctrl-C, and the way a supervisor ends a program, are no errors: exit code 0, no traceback."""
    with running() as process:
        read_guide(process)
        assert ended(process, number) == (0, "", "")


def test_a_client_that_stays_does_not_hold_it() -> None:
    """A connection that was left open does not keep the demo from ending."""
    with running("--json") as process:
        facts = json.loads(output(process).readline())
        with httpx2.Client() as client:
            assert client.get(facts["url"] + "/").status_code == 200
            assert ended(process, signal.SIGINT) == (0, "", "")


def test_the_log_tells_the_operator_more_than_the_client_learns() -> None:
    """A wrong password and an unknown user look alike outside and not in the log; no secret is in it."""
    with running() as process:
        url = re.search(r"http://\S+", read_guide(process))
        assert url is not None
        wrong = httpx2.get(url[0] + "/me", auth=("ann", "not-the-password"))
        unknown = httpx2.get(url[0] + "/me", auth=("nobody-of-that-name", "not-the-password"))
        assert wrong.json()["reason"] == unknown.json()["reason"] == "invalid_credentials"
        _, _, errors = ended(process, signal.SIGTERM)
    first, second = errors.splitlines()
    assert "wrong_secret" in first
    assert "unknown_identity" in second
    assert "not-the-password" not in errors
    assert wrong.json()["request_id"] in first


def test_a_port_that_is_taken() -> None:
    """Whoever has something else on the port reads which port, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([COMMAND, "demo", "--port", str(port)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: Port {port} of 127.0.0.1 is taken: choose another with --port, or --port 0 for any that is free.\n"


def test_a_host_that_is_none() -> None:
    """A misspelt host is named in one line."""
    done = subprocess.run([COMMAND, "demo", "--host", "no such host"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: Cannot listen on 'no such host': choose an address with --host, such as 127.0.0.1.\n"


def test_an_address_that_is_not_ours() -> None:
    """An address of another machine is named in one line (192.0.2.0/24 is nobody's, RFC 5737)."""
    done = subprocess.run([COMMAND, "demo", "--host", "192.0.2.1"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: Cannot listen on port 8000 of 192.0.2.1: ")
    assert done.stderr.count("\n") == 1
