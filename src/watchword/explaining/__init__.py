"""Explains requests that people have kept: what was sent, what the guard decided, and what the mistake may be.

It says more than `Guard.explain`: tokens are decoded, and suggestions name the likely mistake. No secret is in it.
"""

from watchword.explaining.report import Explainer, Report
from watchword.explaining.sent import Sent
from watchword.explaining.suggestion import Suggestion

__all__ = ["Explainer", "Report", "Sent", "Suggestion"]
