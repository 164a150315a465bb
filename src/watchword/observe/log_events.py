"""Writes events to the log of Python, and shows that log on standard error."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from watchword.reasons import REASONS
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.observe.event import AuthEvent

_LOGGER = logging.getLogger("watchword")
_EVENTS = logging.getLogger("watchword.events")
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING}
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to_stderr(level: int | str = "INFO") -> None:
    """Show the log of this library on standard error: every refusal with its reason, under the request id that the client was given.

    Python itself shows warnings alone where nothing is set up, and a refusal is information. Called again it changes the level. A program
    that calls `logging.basicConfig(level="INFO")` needs no more.

    Args:
        level: from which level on, a name or a number of `logging`. `"DEBUG"` shows granted requests too, where `LogEvents` is a sink.

    Raises:
        ConfigurationError: there is no such level.
    """
    try:
        _LOGGER.setLevel(level)
    except (TypeError, ValueError):
        raise invalid("log_to_stderr(level=...)", "be a level of logging", level, 'Use "INFO".') from None
    if not any(isinstance(handler, _ToStderr) for handler in _LOGGER.handlers):
        handler = _ToStderr()
        handler.setFormatter(logging.Formatter(_FORMAT))
        _LOGGER.addHandler(handler)
        # Else a handler of the root logger would write each line a second time.
        _LOGGER.propagate = False


class _ToStderr(logging.StreamHandler):  # type: ignore[type-arg]  # generic for type checkers alone before 3.11
    """The handler of `log_to_stderr`."""


class LogEvents:
    """A sink that logs each event to `watchword.events`: refusals at the level of their reason, granted requests for debugging.

    The guard logs refusals by itself; this sink is for a log of every decision. The record has the fields of the event under `watchword`
    (`record.watchword["reason"]`), and its `event_id` is stable. Where the level of the logger is too high, no event is made.

    Args:
        granted: the level of granted requests.
    """

    def __init__(self, *, granted: int = logging.DEBUG) -> None:
        self._granted = granted
        self.is_enabled: Callable[[], bool] = partial(_EVENTS.isEnabledFor, max(granted, logging.WARNING))
        """Returns whether the logger takes any of the levels. No method: it is asked for each request."""

    def __call__(self, event: AuthEvent, /) -> None:
        """Log an event."""
        level = self._granted if event.reason is None else _LEVELS[REASONS[event.reason].level]
        if _EVENTS.isEnabledFor(level):
            said = (event.event_id, event.route or "none", ascii(event.principal)[1:-1] or "-", event.client or "-", event.request_id)
            facts = event.as_dict()
            _EVENTS.log(level, "%s: rule %s, principal %s, client %s, request %s", *said, extra={"watchword": facts})


__all__ = ["LogEvents", "log_to_stderr"]
