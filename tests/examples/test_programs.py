"""The examples that are programs of their own do what they say."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx2
import pytest

from tests.support.examples import EXAMPLES, load_example, run_example
from watchword.checkers import APIKeys, PasswordHasher
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of the parameter
        """Leave it out."""


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    """A file with ann, as `htpasswd -cB` writes it."""
    path = tmp_path / "users.htpasswd"
    path.write_text("ann:$2y$04$/n/soD2lDoZdng7BTLS3auBNFzV3He4UIM8RoNOnSL5NxFlEKOsF2\n", encoding="utf-8")
    return path


@pytest.fixture
def htpasswd_app(password_file: Path) -> Iterator[str]:
    """The URL of the example, on a free port."""
    application = load_example("htpasswd_app").make_app(str(password_file))
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_htpasswd_app(htpasswd_app: str, password_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The users of the file can log in, its changes count without a restart, and an unusable line is logged and ignored."""
    ann, bob = ("ann", "sesame"), ("bob", "mellon")
    assert httpx2.get(htpasswd_app + "/healthz").text == "/healthz for everybody\n"
    assert httpx2.get(htpasswd_app + "/admin/users", auth=ann).text == "/admin/users for ann\n"
    assert httpx2.get(htpasswd_app + "/", auth=bob).status_code == 401
    hashed = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("mellon")
    with caplog.at_level("INFO", logger="watchword"):
        password_file.write_text(f"bob:{hashed}\nann:in the clear\n", encoding="utf-8")
        assert httpx2.get(htpasswd_app + "/", auth=bob).text == "/ for bob\n"
        assert httpx2.get(htpasswd_app + "/", auth=ann).status_code == 401
    assert f"source_line: {password_file}: line 2: " in caplog.text
    assert "in the clear" not in caplog.text
    assert httpx2.get(htpasswd_app + "/admin/users", auth=bob).status_code == 403


def test_background_job() -> None:
    """The program identifies the owner of a key, tests network and scope itself, and stores the use."""
    said = [line.partition(" -> ")[2] or line for line in run_example("background_job").splitlines()]
    assert said == [
        "done, for shop",
        "refused: shop has not the scope delete",
        "refused: the key of shop does not count from 192.0.2.7",
        "refused: unknown_identity",
        "refused: revoked",
        "the key of shop was used: True",
    ]


def test_background_job_shows_no_key() -> None:
    """What the program prints holds no key, not even one that is refused."""
    assert "ww_" not in run_example("background_job")


def test_background_job_retries_while_the_store_is_down(tmp_path: Path) -> None:
    """No message is refused meanwhile: its key may be valid."""
    example = load_example("background_job")
    with SQLStore(f"sqlite:///{tmp_path / 'auth.db'}") as store:
        keys = APIKeys(store)
        message = example.Message(keys.create("shop", scopes=["export"]).key, "10.1.2.3", "export")
        assert example.work(keys, message) == "done, for shop"
    assert example.work(keys, message).startswith("put back: ")


@pytest.fixture
def own_server() -> Iterator[str]:
    """The URL of the example's server, on a free port."""
    handler = load_example("own_server").Handler
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_own_server(own_server: str, caplog: pytest.LogCaptureFixture) -> None:
    """A server on the standard library serves and refuses as the guard decides, and logs the reference that the client got."""
    assert httpx2.get(own_server + "/healthz").json() == {"path": "/healthz", "for": ""}
    assert httpx2.get(own_server + "/orders/7", auth=("ann", "sesame")).json() == {"path": "/orders/7", "for": "ann"}
    with caplog.at_level("INFO", logger="watchword"):
        refused = httpx2.get(own_server + "/orders/7", auth=("ann", "wrong"))
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Basic realm="orders", charset="UTF-8"')
    assert f"wrong_secret (user ann), GET /orders/7 (rule default, request {refused.json()['request_id']})" in caplog.text
    head = httpx2.head(own_server + "/orders/7")
    assert (head.status_code, head.content) == (401, b"")


def test_own_server_refuses_repeated_credentials(own_server: str) -> None:
    """The view gets every field line, so it sees both."""
    twice = [("Authorization", "Basic YW5uOnNlc2FtZQ=="), ("Authorization", "Basic YW5uOnNlc2FtZQ==")]
    assert httpx2.get(own_server + "/orders/7", headers=twice).status_code == 400


def test_own_checker() -> None:
    """Each answer of the checker gets its status: access, 401 for both refusals, 503 for an outage."""
    answers = run_example("own_checker").split("--- ")[1:]
    assert [answer.partition("\n")[0] for answer in answers] == [
        "the right password",
        "a wrong password",
        "an unknown user",
        "the table is gone",
    ]
    assert "decision: granted, as ann" in answers[0]
    assert "wrong_secret" in answers[1]
    assert "unknown_identity" in answers[2]
    responses = [answer.partition("response:")[2].strip() for answer in answers]
    assert responses[1] == responses[2]
    assert "HTTP 401 Unauthorized" in responses[1]
    assert "HTTP 503 Service Unavailable" in responses[3]
    assert "Retry-After: 10" in responses[3]
    assert "sesame" not in "".join(answers)


def test_own_scheme() -> None:
    """The guard handles a custom scheme as it handles its own."""
    granted, refused, faulty, alone = run_example("own_scheme").split("--- ")[1:]
    assert "decision: granted, as ticket A7" in granted
    assert "checker check_ticket (Ticket): refused, invalid_credentials" in refused
    assert 'WWW-Authenticate: Ticket realm="theatre"' in refused
    assert "HTTP 401 Unauthorized" in faulty
    assert "HTTP 400 Bad Request" in alone


def test_explain_attributes_malformed_credentials_to_the_scheme() -> None:
    """Malformed credentials never reach the checker, and `explain` names the scheme that refused them."""
    faulty = run_example("own_scheme").split("--- ")[3]
    assert "check_ticket" not in faulty
    assert "Ticket: expected the parameters id and code" in faulty


def test_a_scheme_is_one_small_class() -> None:
    """A custom scheme takes at most 40 lines, with the class of its credentials."""
    text = (EXAMPLES / "own_scheme.py").read_text(encoding="utf-8")
    scheme = text.partition("# The scheme starts here.\n")[2].partition("# The scheme ends here.")[0]
    assert inspect.cleandoc(scheme).count("class ") == 2
    assert scheme.rstrip().count("\n") + 1 <= 40


@pytest.mark.long
@pytest.mark.parametrize(
    "names",
    [
        ("django/test_app.py", "test_own_scheme.py"),
        ("drf/test_app.py",),
        ("keycloak_like/test_app.py",),
        ("flask_refresh/test_app.py",),
        ("service_to_service/test_app.py",),
    ],
    ids=lambda names: names[0],
)
def test_the_tests_among_the_examples(names: tuple[str, ...], tmp_path: Path) -> None:
    """They run as a user runs them, and pass: those of a Django project in a process of their own."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    files = [str(EXAMPLES / name) for name in names]
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(tmp_path / "pytest.ini"), "--rootdir", str(tmp_path), "-p", "no:randomly"]
    done = subprocess.run([*command, "-p", "no:cacheprovider", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d+ passed", done.stdout, flags=re.MULTILINE), done.stdout


def test_every_example_has_a_test() -> None:
    """Each example is tested here or in test_frameworks.py, and states how it is run."""
    here = [EXAMPLES.parent / "tests" / "examples" / name for name in ("test_programs.py", "test_frameworks.py")]
    tests = "".join(path.read_text(encoding="utf-8") for path in here)
    examples = sorted(EXAMPLES.glob("*.py"))
    assert examples
    for example in examples:
        assert example.stem in tests, example.name
        runner = "pytest" if example.stem.startswith("test_") else "python"
        assert f"    {runner} {example.name}\n" in example.read_text(encoding="utf-8"), example.name


@pytest.mark.parametrize("app", sorted(EXAMPLES.glob("*/app.py")), ids=lambda path: path.parent.name)
def test_an_example_of_a_framework_is_one_page(app: Path) -> None:
    """It has at most 40 lines, says how it is run, and is tested."""
    text = app.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    assert re.search(r"python app\.py|\w+ .*app:app", text.partition("\n")[0])
    tests = (EXAMPLES.parent / "tests" / "examples").glob("test_*.py")
    assert any(f'"{app.parent.name}' in test.read_text(encoding="utf-8") for test in tests)
