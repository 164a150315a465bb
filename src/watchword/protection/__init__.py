"""Protects the checkers: firewall, throttle and hash limiter."""

from watchword.protection.firewall import RULES, Finding, Firewall

__all__ = ["RULES", "Finding", "Firewall"]
