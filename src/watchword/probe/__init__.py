"""Looks at a server from outside: why a caller is refused there, and how well its refusals follow the standards.

Pure: a generator says what to ask, and checks look at the exchanges. Transports are elsewhere.
"""

from watchword.probe.conversation import MOST_REQUESTS
from watchword.probe.exchange import Ask, Exchange
from watchword.probe.probing import CHECKS, MOST_SECONDS, Transport, probe
from watchword.probe.target import Presented, Target, api_key, basic, bearer, cookie, probed_url

__all__ = [
    "CHECKS",
    "MOST_REQUESTS",
    "MOST_SECONDS",
    "Ask",
    "Exchange",
    "Presented",
    "Target",
    "Transport",
    "api_key",
    "basic",
    "bearer",
    "cookie",
    "probe",
    "probed_url",
]
