"""The console: a small application behind a guard of its own, which shows what guards decide. See `Console`."""

from watchword.console.console import Console
from watchword.console.observed import Observed
from watchword.console.permissions import PERMISSIONS

__all__ = ["PERMISSIONS", "Console", "Observed"]
