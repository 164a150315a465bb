"""Tells attacks, and faults of the server, from people who mistype."""

from __future__ import annotations

from watchword.signals.signal import CAUSES, Signal, SignalKind, SignalSink, log_signal
from watchword.signals.watching import Signals

__all__ = ["CAUSES", "Signal", "SignalKind", "SignalSink", "Signals", "log_signal"]
