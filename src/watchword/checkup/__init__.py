"""Checks the configuration of a guard: what is wrong or weak in it, with cause and remedy, and the rows of ASVS 5.0 that it touches."""

from watchword.checkup.asvs import ROWS, Row
from watchword.checkup.registry import CHECKS, check_guard
from watchword.checkup.setup import Check, Setup, Untold

__all__ = ["CHECKS", "ROWS", "Check", "Row", "Setup", "Untold", "check_guard"]
