"""Protects the checkers: the firewall, the throttle and the hash limiter."""

from watchword.protection.firewall import RULES, Finding, Firewall

__all__ = ["RULES", "Finding", "Firewall"]
