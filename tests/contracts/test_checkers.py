"""Every checker keeps the contract, whatever its form; and a checker that breaks it is found."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from anyio.lowlevel import checkpoint

from tests.support.core import ANN, argon2_hash, bcrypt_hash
from watchword import (
    APIKeyCredentials,
    BasicCredentials,
    BearerToken,
    Credentials,
    Operation,
    Principal,
    Reason,
    Refused,
    Unavailable,
    Verdict,
)
from watchword.checkers import FlowChecker, Tokens, Users, nonblocking
from watchword.testing import CheckerContract, OutageContract, RevocationContract
from watchword.verdict import Accepted

if TYPE_CHECKING:
    from watchword.operation import Steps

# One table each: hashes cost time, and a contract asks often.
ARGON2 = Users({"ann": argon2_hash("s3cret"), "bob": argon2_hash("other")})
BCRYPT = Users({"ann": bcrypt_hash(b"s3cret")}, principals={"ann": ANN})
TOKENS = Tokens({"s3cret-token": ANN, "other": Principal("bob")})


class OfPasswords(CheckerContract):
    """What is the same for all checkers of passwords here."""

    accepted: Credentials = BasicCredentials("ann", "s3cret")
    refused: Credentials = BasicCredentials("ann", "wr0ng")
    identity = "ann"


class TestUsersWithArgon2(OfPasswords):
    def checker(self) -> object:
        """The table of users."""
        return ARGON2


class TestUsersWithBcrypt(OfPasswords):
    def checker(self) -> object:
        """The table of users."""
        return BCRYPT


class TestUsersThatAreUnknown(TestUsersWithArgon2):
    refused = BasicCredentials("carl", "s3cret")


class TestTokensOfBearers(CheckerContract):
    accepted: Credentials = BearerToken("s3cret-token")
    refused: Credentials = BearerToken("wr0ng")
    identity = "ann"

    def checker(self) -> object:
        """The table of tokens."""
        return TOKENS


class TestTokensAsKeys(TestTokensOfBearers):
    accepted = APIKeyCredentials("s3cret-token")
    refused = APIKeyCredentials("wr0ng")


def check(credentials: BasicCredentials) -> Principal | None:
    """Know ann."""
    return Principal("ann") if (credentials.username, credentials.password) == ("ann", "s3cret") else None


async def acheck(credentials: BasicCredentials) -> Verdict:
    """Know ann."""
    who = check(credentials)
    return Refused(Reason.WRONG_SECRET) if who is None else Accepted(who)


def steps(credentials: BasicCredentials) -> Steps[Principal | None]:
    """Know ann after a while."""
    return (yield Operation(partial(check, credentials)))


class Flowing(FlowChecker[BasicCredentials]):
    """Knows ann in steps."""

    def flow(self, credentials: BasicCredentials) -> Steps[Verdict]:
        """Check in steps."""
        who = yield Operation(partial(check, credentials))
        return Refused(Reason.WRONG_SECRET) if who is None else Accepted(who)


class TestAFunction(OfPasswords):
    def checker(self) -> object:
        """A plain function."""
        return check


class TestANonblockingFunction(OfPasswords):
    def checker(self) -> object:
        """A function that is asked on the event loop."""
        return nonblocking(lambda credentials: check(credentials))  # noqa: PLW0108 - one of its own, to be marked


class TestAnAsyncFunction(OfPasswords):
    def checker(self) -> object:
        """An async function."""
        return acheck


class TestAGenerator(OfPasswords):
    def checker(self) -> object:
        """A generator function."""
        return steps


class TestAFlow(OfPasswords):
    def checker(self) -> object:
        """An object with flow()."""
        return Flowing()


class Badges:
    """Knows badges until they are taken away, or the table is gone."""

    def __init__(self, *, gone: bool = False) -> None:
        self.known = {"s3cret-token"}
        self.gone = gone

    def is_current(self) -> bool:
        """Tell whether nothing has changed."""
        return bool(self.known)

    def check(self, credentials: BearerToken) -> Verdict:
        """Look up a badge."""
        if self.gone:
            raise Unavailable("the table is gone")
        return Accepted(ANN, lease=self) if credentials.token in self.known else Refused(Reason.REVOKED)


class TestBadges(OutageContract, RevocationContract):
    accepted: Credentials = BearerToken("s3cret-token")
    refused: Credentials = BearerToken("wr0ng")
    identity = "ann"
    kind: type[Badges] = Badges

    def checker(self) -> object:
        """The table, one for each test."""
        return self.__dict__.setdefault("table", self.kind())

    def broken(self) -> object:
        """A table that is gone."""
        return self.kind(gone=True)

    def revoke(self) -> None:
        """Take the badge away."""
        self.__dict__["table"].known.clear()


# The contract finds what is wrong.


def _anybody(credentials: Any) -> Principal:
    return Principal("ann")


def _nobody(credentials: Any) -> None:
    return None


def _somebody_else(credentials: Any) -> Principal | None:
    return None if check(credentials) is None else Principal("bob")


def _up_to_nul(credentials: BasicCredentials) -> Principal | None:
    return check(BasicCredentials(credentials.username, credentials.password.partition("\x00")[0]))


def _without_case(credentials: BasicCredentials) -> Principal | None:
    return check(BasicCredentials(credentials.username, credentials.password.lower()))


def _cut(credentials: BasicCredentials) -> Principal | None:
    return check(BasicCredentials(credentials.username, credentials.password[:6]))


def _empty(credentials: BasicCredentials) -> Principal | None:
    return Principal("ann") if credentials.password in {"s3cret", ""} else None


def _ascii_only(credentials: BasicCredentials) -> Principal | None:
    credentials.username.encode("ascii")
    return check(credentials)


def _truthy(credentials: BasicCredentials) -> Any:
    return check(credentials) is not None


class _Leaky(Flowing):
    def __repr__(self) -> str:
        return "Leaky(password='s3cret')"


class _Mixing:
    """Keeps what it checks in itself, where another request finds it."""

    def flow(self, credentials: BasicCredentials) -> Steps[Principal | None]:
        """Check in steps."""
        self._asked = credentials
        yield Operation(lambda: None)
        return check(self._asked)


class _AsyncMixing:
    """Does the same in an event loop."""

    async def check(self, credentials: BasicCredentials) -> Principal | None:
        """Check after a turn of the loop."""
        self._asked = credentials
        await checkpoint()
        return check(self._asked)


class _Ended(Badges):
    """A lease that has ended at once."""

    def is_current(self) -> bool:
        return False


def _stale(credentials: BasicCredentials) -> Verdict:
    return Refused() if check(credentials) is None else Accepted(ANN, lease=_Ended())


class _TwoFaced:
    def __init__(self) -> None:
        self._asked = 0

    def flow(self, credentials: BasicCredentials) -> Steps[Principal | None]:
        """Answer every other time."""
        self._asked += 1
        yield Operation(lambda: None)
        return check(credentials) if self._asked % 2 else None


BROKEN = {
    "anybody": (_anybody, "test_false_credentials_are_refused"),
    "nobody": (_nobody, "test_true_credentials_are_accepted"),
    "somebody else": (_somebody_else, "test_true_credentials_are_accepted"),
    "up to NUL": (_up_to_nul, "test_a_secret_that_is_nearly_right_is_refused"),
    "without case": (_without_case, "test_a_secret_that_is_nearly_right_is_refused"),
    "cut": (_cut, "test_a_secret_that_is_nearly_right_is_refused"),
    "empty": (_empty, "test_odd_credentials_get_a_verdict"),
    "ASCII only": (_ascii_only, "test_odd_credentials_get_a_verdict"),
    "truthy": (_truthy, "test_false_credentials_are_refused"),
    "leaky": (_Leaky(), "test_nothing_prints_the_secret"),
    "two-faced": (_TwoFaced(), "test_true_credentials_are_accepted"),
    "mixing": (_Mixing(), "test_two_requests_at_once_are_kept_apart"),
    "mixing in a loop": (_AsyncMixing(), "test_two_requests_at_once_are_kept_apart"),
    "stale": (_stale, "test_a_lease_is_current_at_first"),
}


@pytest.mark.parametrize("mistake", BROKEN)
def test_a_checker_that_breaks_the_contract_is_found(mistake: str) -> None:
    """Each of these let somebody in elsewhere, or answered a password with a 500."""
    checker, promise = BROKEN[mistake]

    class Broken(OfPasswords):
        def checker(self) -> object:
            return checker

    with pytest.raises((AssertionError, UnicodeError, TypeError)):
        getattr(Broken(), promise)()


class _Cached(Badges):
    """Goes on to accept what it has accepted."""

    def check(self, credentials: BearerToken) -> Verdict:
        found = super().check(credentials)
        return Accepted(ANN) if credentials.token == "s3cret-token" else found


class _Forever(Badges):
    """Has a lease that never ends."""

    def is_current(self) -> bool:
        return True


class _Anonymous(Badges):
    """Refuses while its table is gone."""

    def check(self, credentials: BearerToken) -> Verdict:
        return Refused() if self.gone else super().check(credentials)


class _Open(Badges):
    """Accepts while its table is gone."""

    def check(self, credentials: BearerToken) -> Verdict:
        return Accepted(ANN) if self.gone else super().check(credentials)


@pytest.mark.parametrize(
    ("mistake", "promise"),
    [
        (_Cached, "test_revoked_credentials_are_refused"),
        (_Forever, "test_revoked_credentials_are_refused"),
        (_Anonymous, "test_an_outage_is_unavailable"),
        (_Open, "test_an_outage_is_unavailable"),
    ],
)
def test_a_checker_that_forgets_a_change_is_found(mistake: type[Badges], promise: str) -> None:
    """Each of these let somebody in elsewhere after a revocation or in an outage, or threw good credentials away."""

    class Broken(TestBadges):
        kind = mistake

    with pytest.raises(AssertionError):
        getattr(Broken(), promise)()
