"""Checks passwords by a table in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from watchword.checkers.adapt import Admission, FlowChecker
from watchword.checkers.names import user_name
from watchword.checkers.password_table import PasswordTable, check_mapping
from watchword.checkers.passwords import identify
from watchword.checkers.verifying import Verifier
from watchword.credentials import BasicCredentials
from watchword.errors import ConfigurationError
from watchword.validators import invalid
from watchword.verdict import ALWAYS

if TYPE_CHECKING:
    from watchword.clock import Clock
    from watchword.credentials import Credentials
    from watchword.observe.notice import Hook
    from watchword.operation import Steps
    from watchword.principal import Principal
    from watchword.protection.hash_limiter import HashLimiter
    from watchword.verdict import Verdict


_UNSALTED = {"ldap-sha1"}  # old versions of Apache write it: `Htpasswd` accepts it, so that a migration can start


class Users(FlowChecker[BasicCredentials]):
    """User names and password hashes, for tests, demos and small services.

    Every check costs one verification, whether the user exists or not, off the event loop and in its turn; a password that was right a
    moment ago costs none.

    Args:
        hashes: user name to hash, in any salted format that `verify_password` knows. Names are compared in Normalization Form C, with
            their case.
        principals: user name to principal, for users with more than a name.
        hasher: a `PasswordHasher`, or a `CryptContext` of passlib; None: the default one.
        limiter: bounds the number of hashes that are computed at once; None: the limiter of this process.
        clock: tells the time; None: the system clock.
        on_event: receives notices of hashes that cannot be computed here; None: the log.

    Raises:
        ConfigurationError: the table is empty, a hash is malformed or of a format that this machine cannot compute, a name cannot be
            sent in Basic, or a principal has no user.

    Trust: the table is trusted; credentials are not.
    """

    takes_credentials: ClassVar[tuple[type[Credentials], ...]] = (BasicCredentials,)

    def __init__(
        self,
        hashes: Mapping[str, str],
        *,
        principals: Mapping[str, Principal] | None = None,
        hasher: object = None,
        limiter: HashLimiter | None = None,
        clock: Clock | None = None,
        on_event: Hook | None = None,
    ) -> None:
        if not isinstance(hashes, Mapping) or not hashes:
            # An empty table refuses every login: a file was not read, more often than this is intended.
            raise invalid("Users(hashes)", "be a mapping of at least one user name to a password hash", hashes, secret=True)
        verifier = Verifier(hasher=hasher, limiter=limiter, clock=clock, on_event=on_event)
        table: dict[str, str] = {}
        for name, hash_ in hashes.items():
            canonical = user_name(name)
            if canonical in table:
                raise ConfigurationError(f"Users(hashes) holds {name!r} twice: the names are equal in Normalization Form C. Remove one.")
            verifier.hasher.check(hash_, name)
            if identify(hash_) in _UNSALTED:
                raise ConfigurationError(
                    f"Users(hashes): the password hash of {name!r} has no salt, so a table of common passwords opens it (RFC 7617 §4). "
                    "Make a new one with `watchword hash`."
                )
            table[canonical] = hash_
        given = {user_name(name): principal for name, principal in check_mapping("Users", principals).items()}
        unknown = given.keys() - table.keys()
        if unknown:
            raise ConfigurationError(f"Users(principals=...) names users without a hash: {', '.join(sorted(unknown))}. Add their hashes.")
        self._table = PasswordTable(table, given, verifier, ALWAYS)
        self.admission: Admission = verifier

    @property
    def principals(self) -> tuple[Principal, ...]:
        """The users."""
        return self._table.principals

    def flow(self, credentials: BasicCredentials) -> Steps[Verdict]:
        """Verify one hash, then answer."""
        return self._table.flow(credentials)

    def __repr__(self) -> str:
        return f"Users({len(self._table)} users)"
