"""What stands before the checkers: the firewall, the throttle and the hash limiter."""

from watchword.protection.firewall import RULES, Finding, Firewall
from watchword.protection.throttle import Attempt, Reservation, Throttle

__all__ = ["RULES", "Attempt", "Finding", "Firewall", "Reservation", "Throttle"]
