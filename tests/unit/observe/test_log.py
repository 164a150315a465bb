"""One line in the log for every refusal."""

from __future__ import annotations

import json
import logging
from typing import Any, get_args

import pytest

from tests.support.core import Recorder, ask
from tests.support.wire import basic
from watchword import (
    Basic,
    Challenged,
    Failed,
    Forbidden,
    Guard,
    Hidden,
    Malformed,
    Principal,
    Reason,
    Refused,
    RequestView,
    Throttled,
    Unavailable,
    role,
)
from watchword.decision import Refusing
from watchword.observe.log import log_refusal


class Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)


@pytest.fixture
def kept() -> Any:
    """Listen to the logger of the library at level INFO."""
    logger = logging.getLogger("watchword")
    handler = Kept()
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)
    logger.propagate = propagate


def facts(record: logging.LogRecord) -> dict[str, Any]:
    """Return the structured part of a record."""
    found = vars(record)["watchword"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("decision", "level"),
    [
        (Challenged(reason=Reason.WRONG_SECRET), logging.INFO),
        (Forbidden(reason=Reason.MISSING_ROLE), logging.INFO),
        (Hidden(reason=Reason.MISSING_ROLE), logging.INFO),
        (Malformed(reason=Reason.AMBIGUOUS_PATH), logging.INFO),
        (Throttled(reason=Reason.THROTTLED), logging.INFO),
        (Failed(reason=Reason.UNAVAILABLE), logging.WARNING),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_outage_is_a_warning_and_a_refusal_is_information(kept: Kept, decision: Any, level: int) -> None:
    """One record each, to the logger `watchword`; somebody has to do something about an outage alone."""
    log_refusal(decision, ask("/x"), "0f")
    (record,) = kept.records
    assert (record.name, record.levelno) == ("watchword", level)


def test_a_line_says_what_was_decided_why_and_about_what(kept: Kept) -> None:
    """With the reason that only the operator may know, the rule, and the id that the client was given."""
    decision = Challenged(reason=Reason.WRONG_SECRET, disclosed=Reason.INVALID_CREDENTIALS, rule="GET /x", scheme="Basic")
    log_refusal(decision, ask("/x?token=s3cret"), "0f0f")
    (record,) = kept.records
    assert record.getMessage() == "refused challenged: wrong_secret, GET /x (rule GET /x, request 0f0f)"


def test_a_line_says_what_else_is_known(kept: Kept) -> None:
    """The detail, where there is one; and that no rule was reached, where none was."""
    log_refusal(Failed(reason=Reason.UNAVAILABLE, detail="the directory is down"), ask("/x"), "1")
    assert kept.records[0].getMessage() == "refused failed: unavailable (the directory is down), GET /x (rule none, request 1)"


def test_the_facts_are_there_for_programs(kept: Kept) -> None:
    """Structured, as `extra`, under one name that collides with nothing; and they survive JSON."""
    decision = Forbidden(reason=Reason.MISSING_ROLE, rule="/x", scheme="Basic", principal=Principal("ann"), detail="d")
    log_refusal(decision, ask("/x?token=s3cret", method="POST"), "0f")
    assert facts(kept.records[0]) == {
        "reason": "missing_role",
        "hint": "The principal has none of the roles of the rule.",
        "decision": "Forbidden",
        "rule": "/x",
        "scheme": "Basic",
        "principal": "ann",
        "detail": "d",
        "request_id": "0f",
        "client": "192.0.2.7",
        "method": "POST",
        "path": "/x",
    }
    assert json.loads(json.dumps(facts(kept.records[0])))["principal"] == "ann"


def test_nothing_is_made_where_nobody_listens(kept: Kept) -> None:
    """A level that is off costs one look: the view is not even read."""

    class Untouchable:
        def __getattr__(self, name: str) -> Any:
            if name != "method":
                raise AssertionError(f"read {name}")
            return "GET"

    logging.getLogger("watchword").setLevel(logging.WARNING)
    guard = Guard(Basic(Recorder(), realm="r"))
    guard.conclude(Forbidden(reason=Reason.DENIED), Untouchable())  # type: ignore[arg-type]  # all that is asked is its method
    assert kept.records == []


INJECTED = [
    "\n",
    "\r\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x85",
    "\u2028",
    "\u2029",
    "\x1b[2J",
    "\x00",
    "\ud800",
    "\u202e",
    "%s%d%(x)s",
    "{}",
]


@pytest.mark.parametrize("injected", INJECTED, ids=ascii)
def test_nobody_writes_a_line_of_their_own(kept: Kept, injected: str) -> None:
    """Whatever stands in path or method, the message stays one line of printable ASCII that ends as it should (log injection)."""
    forged = f"{injected}refused nothing: all is well"
    view = RequestView(f"GET{forged}", "/", path=f"/x{forged}", client="192.0.2.7")
    log_refusal(Forbidden(reason=Reason.DENIED, rule="/x", detail=f"because{forged}"), view, "0f")
    message = kept.records[0].getMessage()
    assert message.isascii()
    assert message.isprintable()
    assert len(message.splitlines()) == 1
    assert message.startswith("refused forbidden: denied (because")
    assert message.endswith("(rule /x, request 0f)")
    message.encode()


@pytest.mark.parametrize("path", ["/it's", '/say "it\'s"', "/back\\slash"])
def test_quotes_do_not_cut_a_path(kept: Kept, path: str) -> None:
    """A path with quotes of both kinds is logged whole."""
    log_refusal(Forbidden(reason=Reason.DENIED), RequestView("GET", "/", path=path), "0f")
    assert path.replace("\\", "\\\\").replace("'", "\\'" if '"' in path else "'") in kept.records[0].getMessage()


ANSWERS: dict[str, object] = {
    "refused": Refused(Reason.WRONG_SECRET),
    "accepted": Principal("ann", claims={"ssn": "s3cret"}),
    "outage": Unavailable("the directory is down"),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(
    "headers",
    [
        (basic("s3cret", "s3cret"),),
        (("Authorization", "s3cret s3cret"),),
        (("Authorization", "s3cret"),),
        (("Authorization", "Basic s3cret"), ("Authorization", "Basic s3cret")),
        (("X_API_Key", "s3cret"), ("Cookie", "s3cret=s3cret"), ("User-Agent", "s3cret"), ("X-Request-Id", "!s3cret")),
    ],
    ids=["basic", "unknown scheme", "no scheme", "twice", "elsewhere"],
)
def test_no_credential_is_logged(kept: Kept, answer: str, headers: tuple[tuple[str, str], ...]) -> None:
    """Whatever was sent and whatever came of it: neither message nor facts hold it."""
    guard = Guard(Basic(Recorder(ANSWERS[answer]), realm="x"), default=role("admin"))
    view = ask("/x?token=s3cret", *headers)
    decision = guard.decide(view)
    assert isinstance(decision, get_args(Refusing))
    (record,) = kept.records
    assert "s3cret" not in record.getMessage() + repr(facts(record)) + repr(record.args)


def test_the_client_is_told_less_than_the_log(kept: Kept) -> None:
    """The same id leads from the one to the other."""
    guard = Guard(Basic(Recorder(Refused(Reason.DISABLED)), realm="x"))
    view = ask("/x", basic("ann", "x"), ("X-Request-Id", "req-7"))
    decision = guard.decide(view)
    assert isinstance(decision, Challenged)
    body = json.loads(guard.refuse(decision, view).body)
    assert body["request_id"] == facts(kept.records[0])["request_id"] == "req-7"
    assert (body["reason"], facts(kept.records[0])["reason"]) == ("invalid_credentials", "disabled")
