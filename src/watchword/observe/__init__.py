"""What operators see: events of decisions, notices about everything else, and the log."""

from watchword.observe.event import AuthEvent, EventSink
from watchword.observe.notice import OperatorNotice

__all__ = ["AuthEvent", "EventSink", "OperatorNotice"]
