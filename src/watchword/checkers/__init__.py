"""Is this credential true? Checkers, ready made and of one's own."""

from watchword.checkers.adapt import AdaptedChecker, FlowChecker, adapt, nonblocking
from watchword.checkers.passwords import verify_password
from watchword.checkers.tokens import Tokens
from watchword.checkers.users import Users

__all__ = ["AdaptedChecker", "FlowChecker", "Tokens", "Users", "adapt", "nonblocking", "verify_password"]
