"""What stands before the checkers: the firewall, and later throttle, trusted proxies and the hash limiter."""

from watchword.protection.firewall import RULES, Finding, Firewall

__all__ = ["RULES", "Finding", "Firewall"]
