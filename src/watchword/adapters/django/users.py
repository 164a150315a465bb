"""Checks names and passwords by `django.contrib.auth`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from django.contrib.auth import authenticate, get_user_model
from django.utils.crypto import constant_time_compare

from watchword.adapters.django.accounts import (
    asked_database,
    asking,
    in_thread_of_request,
    is_active,
    is_text,
    note_login,
    principal_of,
    session_user,
)
from watchword.cache import FOR, MOST, Bounded, KeyedDigest, check_bounds
from watchword.checkers.adapt import FlowChecker
from watchword.clock import as_clock
from watchword.credentials import BasicCredentials
from watchword.protection.hash_limiter import HashLimiter, shared_limiter
from watchword.validators import check_bool, check_type
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from watchword.clock import Clock
    from watchword.credentials import Credentials
    from watchword.operation import Steps
    from watchword.principal import Principal
    from watchword.verdict import Verdict


class _Known(NamedTuple):
    """A right password, kept as a session of Django is: by what ends the session, too."""

    backend: str
    key: object
    name: str
    session_hash: str
    since: float


class DjangoUsers(FlowChecker[BasicCredentials]):
    """The accounts of a Django project, by name and password: `Basic(DjangoUsers(), realm="office")`.

    The project's `AUTHENTICATION_BACKENDS` decide, with its password hashers. As at Django's login form, an unknown name costs a hash, an
    outdated hash is renewed, and accounts that are not active are refused. A failure sends the signal `user_login_failed`.

    A right password is hashed once in `remember_for` seconds. Each request reads the account anew: a change of the password, the user
    name, `is_active`, a group or a permission counts at once.

    Args:
        remember: how many right passwords are cached at most, as keyed digests; 0: none. Use 0 with a backend that keeps passwords
            elsewhere, such as LDAP, if a change there must count at once.
        remember_for: how many seconds they are cached.
        last_login: whether `last_login` is set, at most once a day for each account. It ends links for a new password that were sent
            before.
        limiter: bounds the number of hashes that are computed at once; None: the limiter of this process.
        clock: tells the time; None: the system clock.

    Raises:
        ConfigurationError: an argument is wrong.

    Trust: the database and the backends are trusted; credentials are not. Backends get no request: one that needs it, refuses or raises.
    """

    takes_credentials: ClassVar[tuple[type[Credentials], ...]] = (BasicCredentials,)
    finds_users: ClassVar[bool] = True
    """Whether its principals are accounts of the project."""

    def __init__(
        self,
        *,
        remember: int = MOST,
        remember_for: float = FOR,
        last_login: bool = True,
        limiter: HashLimiter | None = None,
        clock: Clock | None = None,
    ) -> None:
        check_bounds("DjangoUsers", remember, remember_for)
        check_bool("DjangoUsers(last_login=...)", last_login)
        if limiter is not None:
            check_type("DjangoUsers(limiter=...)", limiter, HashLimiter, "HashLimiter(4)")
        self._limiter = shared_limiter() if limiter is None else limiter
        self._clock = as_clock(clock, "DjangoUsers")
        self._digest = KeyedDigest()
        self._known: Bounded[bytes, _Known] = Bounded(remember if remember_for > 0 else 0)
        self._ttl = remember_for
        self._notes_logins = last_login

    def flow(self, credentials: BasicCredentials) -> Steps[Verdict]:
        """Ask the cache and the account, else the backends."""
        # No local variable holds the password: error trackers collect the variables of frames.
        if not is_text(credentials.username) or not is_text(credentials.password):
            return Refused()
        pair = self._digest.of(credentials.username.encode(), credentials.password.encode())
        known = self._recent(pair)
        principal = None if known is None else (yield asking(partial(_again, known)))
        if principal is None:
            work = partial(asked_database, partial(self._log_in, pair, credentials))
            # In the thread of the request, not in one of the limiter: that would have database connections that nothing closes.
            principal = yield self._limiter.operation(pair, work, thread=in_thread_of_request, about=pair)
        return Refused() if principal is None else Accepted(principal)

    def _recent(self, pair: bytes) -> _Known | None:
        known = self._known.get(pair)
        return known if known is not None and 0 <= self._clock.now() - known.since < self._ttl else None

    def _log_in(self, pair: bytes, credentials: BasicCredentials) -> Principal | None:
        """Ask the backends."""
        normalize = getattr(get_user_model(), "normalize_username", str)  # as Django's login form does
        user = authenticate(None, username=normalize(credentials.username), password=credentials.password)
        if not is_active(user):
            return None
        if hasattr(user, "get_session_auth_hash"):
            known = _Known(user.backend, user.pk, user.get_username(), user.get_session_auth_hash(), self._clock.now())
            self._known.keep(pair, known)
        if self._notes_logins:
            note_login(user)
        return principal_of(user)

    def __repr__(self) -> str:
        return "DjangoUsers()"


def _again(known: _Known) -> Principal | None:
    """Return the principal of an account whose password was right a moment ago; None: something has changed since."""
    user = session_user(known.backend, known.key)
    same = is_active(user) and user.get_username() == known.name and constant_time_compare(user.get_session_auth_hash(), known.session_hash)
    return principal_of(user) if same else None


__all__ = ["DjangoUsers"]
