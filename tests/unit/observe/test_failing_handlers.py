"""A log handler or filter of the application that raises changes nothing but the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ask
from tests.support.events import event
from watchword import Basic, Challenged, Guard
from watchword.observe import Queued
from watchword.observe.flood import Rest
from watchword.observe.log import HANDLER_FAILURES, log_failure, log_mistake, log_rest, log_sink_failure
from watchword.observe.notice import OperatorNotice, log_notice
from watchword.signals.signal import Signal, log_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword import AuthEvent


class Failing(logging.Handler):
    """A handler of a third party: it lets its errors out."""

    def emit(self, record: logging.LogRecord) -> None:
        """Raise."""
        raise ConnectionError("the log server at 10.0.0.5 is gone")


class FailingFilter(logging.Filter):
    """A filter that was written for other records."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Raise."""
        return bool(record.user)  # type: ignore[attr-defined]


@pytest.fixture(params=["handler", "filter"])
def failing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let every line of the library fail."""
    logger = logging.getLogger("watchword")
    handler = Failing() if request.param == "handler" else logging.StreamHandler()
    if request.param == "filter":
        handler.addFilter(FailingFilter())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield
    logger.removeHandler(handler)
    logger.setLevel(level)


SIGNAL = Signal(kind="spraying", state="begun", time=1.0, since=1.0, subject="x")
LINES: dict[str, Callable[[], Any]] = {
    "rest": lambda: log_rest(Rest("first")),
    "sink": lambda: log_sink_failure(ValueError()),
    "mistake": lambda: log_mistake("a mistake"),
    "failure": lambda: log_failure("work", ValueError()),
    "notice": lambda: log_notice(OperatorNotice("console_change", "did it", "bob")),
    "signal": lambda: log_signal(SIGNAL),
}


@pytest.mark.usefixtures("failing")
def test_a_refusal_stands(capsys: pytest.CaptureFixture[str]) -> None:
    """A 401 stays a 401, and standard error says that the log failed, without the words of the error."""
    assert isinstance(Guard(Basic(lambda _: None, realm="x")).decide(ask("/x")), Challenged)
    said = capsys.readouterr().err
    assert "watchword: a log handler or filter failed: " in said
    assert "10.0.0.5" not in said


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("line", LINES)
def test_no_line_raises(line: str) -> None:
    """Each is written beside work that must go on."""
    LINES[line]()


def test_other_exceptions_pass() -> None:
    """An interrupt is no failure of a handler."""
    with pytest.raises(KeyboardInterrupt), HANDLER_FAILURES:
        raise KeyboardInterrupt


def test_standard_error_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under `pythonw`."""
    monkeypatch.setattr("sys.stderr", None)
    with HANDLER_FAILURES:
        raise ValueError


@pytest.mark.usefixtures("failing")
def test_a_queue_goes_on() -> None:
    """The log fails while the failure of a sink is logged: the thread stays, and the next event is taken."""
    taken: list[AuthEvent] = []

    def sink(event: AuthEvent) -> None:
        taken.append(event)
        if len(taken) == 1:
            raise ValueError

    queue = Queued(sink)
    queue(event())
    queue(event())
    assert queue.flush(20)
    assert (len(taken), queue.failed) == (2, 1)
