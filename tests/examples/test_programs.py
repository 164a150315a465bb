"""The examples that are programs of their own do what they say."""

from __future__ import annotations

import inspect
import threading
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.support.examples import EXAMPLES, load_example, run_example

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    """A server of the standard library serves and refuses by the guard, and logs under the reference that the client was told."""
    assert httpx2.get(own_server + "/healthz").json() == {"path": "/healthz", "for": ""}
    assert httpx2.get(own_server + "/orders/7", auth=("ann", "sesame")).json() == {"path": "/orders/7", "for": "ann"}
    with caplog.at_level("INFO", logger="watchword"):
        refused = httpx2.get(own_server + "/orders/7", auth=("ann", "wrong"))
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Basic realm="orders", charset="UTF-8"')
    assert f"wrong_secret, GET /orders/7 (rule default, request {refused.json()['request_id']})" in caplog.text
    head = httpx2.head(own_server + "/orders/7")
    assert (head.status_code, head.content) == (401, b"")


def test_own_server_refuses_a_field_that_came_twice(own_server: str) -> None:
    """The view gets every field line, so two sets of credentials are seen as two."""
    twice = [("Authorization", "Basic YW5uOnNlc2FtZQ=="), ("Authorization", "Basic YW5uOnNlc2FtZQ==")]
    assert httpx2.get(own_server + "/orders/7", headers=twice).status_code == 400


def test_own_checker() -> None:
    """Each answer of a checker becomes what it should: access, 401 twice alike, 503."""
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
    """The guard does for a scheme of one's own what it does for its own schemes."""
    granted, refused, faulty, alone = run_example("own_scheme").split("--- ")[1:]
    assert "decision: granted, as ticket A7" in granted
    assert "checker check_ticket (Ticket): refused, invalid_credentials" in refused
    assert 'WWW-Authenticate: Ticket realm="theatre"' in refused
    assert "HTTP 401 Unauthorized" in faulty
    assert "HTTP 400 Bad Request" in alone


def test_explain_does_not_say_that_a_checker_refused_what_it_never_saw() -> None:
    """Credentials that do not fit their scheme never reach the checker, and `explain` says which party found the fault."""
    faulty = run_example("own_scheme").split("--- ")[3]
    assert "check_ticket" not in faulty
    assert "Ticket: expected the parameters id and code" in faulty


def test_a_scheme_is_one_small_class() -> None:
    """A new scheme, with the class of its credentials, is at most 40 lines."""
    text = (EXAMPLES / "own_scheme.py").read_text(encoding="utf-8")
    scheme = text.partition("# The scheme starts here.\n")[2].partition("# The scheme ends here.")[0]
    assert inspect.cleandoc(scheme).count("class ") == 2
    assert scheme.rstrip().count("\n") + 1 <= 40


def test_every_example_is_tried() -> None:
    """No example is without a test here or in test_frameworks.py, and each says how it is run."""
    here = [EXAMPLES.parent / "tests" / "examples" / name for name in ("test_programs.py", "test_frameworks.py")]
    tests = "".join(path.read_text(encoding="utf-8") for path in here)
    examples = sorted(EXAMPLES.glob("*.py"))
    assert examples
    for example in examples:
        assert example.stem in tests, example.name
        assert f"    python {example.name}\n" in example.read_text(encoding="utf-8"), example.name
