"""Tells operators what happens: events of decisions, notices about everything else, and the log."""

from watchword.observe.event import AuthEvent, EventSink

__all__ = ["AuthEvent", "EventSink"]
