"""Tells operators what happens: events of decisions, notices about everything else, and the log."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from watchword.observe.event import AuthEvent, EventSink

if TYPE_CHECKING:
    from watchword.observe.json_lines import JSONLines
    from watchword.observe.log_events import LogEvents, log_to_stderr
    from watchword.observe.ocsf import to_ocsf
    from watchword.observe.opentelemetry import OpenTelemetry
    from watchword.observe.prometheus import Prometheus
    from watchword.observe.pseudonyms import Pseudonyms
    from watchword.observe.queued import Queued
    from watchword.observe.recent import Recent

# Imported when asked for: each needs a library, or a part of the standard one, that most programs do not.
_HOME = {
    "JSONLines": "json_lines",
    "LogEvents": "log_events",
    "OpenTelemetry": "opentelemetry",
    "Prometheus": "prometheus",
    "Pseudonyms": "pseudonyms",
    "Queued": "queued",
    "Recent": "recent",
    "log_to_stderr": "log_events",
    "to_ocsf": "ocsf",
}
_NEEDS = {"opentelemetry": "opentelemetry", "prometheus_client": "prometheus"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    except ModuleNotFoundError as missing:
        needed = (missing.name or "").partition(".")[0]
        if needed not in _NEEDS:
            raise
    raise ModuleNotFoundError(f"{name} needs {needed}, which is not installed: pip install 'watchword[{_NEEDS[needed]}]'", name=needed)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


__all__ = [
    "AuthEvent",
    "EventSink",
    "JSONLines",
    "LogEvents",
    "OpenTelemetry",
    "Prometheus",
    "Pseudonyms",
    "Queued",
    "Recent",
    "log_to_stderr",
    "to_ocsf",
]
