"""Supports the tests of programs that use watchword. An import changes nothing; production has no use for it."""

from watchword.testing.acting import acting_as
from watchword.testing.clock import FixedClock
from watchword.testing.contracts import CheckerContract, OutageContract, RevocationContract
from watchword.testing.fields import api_key, basic_auth, bearer
from watchword.testing.probing import probe_app
from watchword.testing.responses import assert_challenged, assert_forbidden
from watchword.testing.schemes import SchemeContract

__all__ = [
    "CheckerContract",
    "FixedClock",
    "OutageContract",
    "RevocationContract",
    "SchemeContract",
    "acting_as",
    "api_key",
    "assert_challenged",
    "assert_forbidden",
    "basic_auth",
    "bearer",
    "probe_app",
]
