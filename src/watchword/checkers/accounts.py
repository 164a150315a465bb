"""Checks names and passwords of accounts in a store."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, ClassVar

from watchword.cache import FOR, MOST, Bounded, KeyedDigest
from watchword.checkers.account_management import AccountManagement
from watchword.checkers.adapt import Admission, FlowChecker
from watchword.checkers.asking import ask, async_side
from watchword.checkers.dummy_hash_source import DummyHashSource
from watchword.checkers.lease import StoreLease
from watchword.checkers.lookups import ask_account
from watchword.checkers.names import canonical
from watchword.checkers.passwords.outage import HashUnavailable
from watchword.checkers.record_checks import check_store
from watchword.checkers.verifying import Verifier
from watchword.clock import as_clock
from watchword.credentials import BasicCredentials
from watchword.errors import Unavailable
from watchword.locking import ProcessLock
from watchword.observe.notice import OperatorNotice, log_notice
from watchword.operation import in_steps
from watchword.principal import Principal
from watchword.process import PerProcess
from watchword.reason import Reason
from watchword.stores.bounds import fold, storable
from watchword.stores.ports import AccountRecord
from watchword.validators import check_number, check_sequence, invalid
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.clock import Clock
    from watchword.credentials import Credentials
    from watchword.observe.notice import Hook
    from watchword.operation import Operation, Steps
    from watchword.protection.hash_limiter import HashLimiter
    from watchword.stores.ports import AccountStore
    from watchword.verdict import Verdict

NOTED_EVERY = 60.0  # seconds between two notes of a login, and between two attempts to renew one hash

_NO_ACCOUNT = AccountRecord(id="", names=())  # used for an unknown name, so that each step is the same

STANDING = frozenset({Reason.DISABLED, Reason.LOCKED, Reason.PASSWORD_EXPIRED})
"""The reasons to refuse an account whose password is right."""


class Accounts(AccountManagement, FlowChecker[BasicCredentials]):
    """Accounts in a store, which log in by name and password.

    Every check costs one verification, also for an unknown name and for a disabled, locked or expired account. An unknown name is
    verified against a dummy hash, with a format and a cost that accounts of this store have.

    After a right password, once the response is sent, an outdated hash is renewed (compare and set: a password that was changed
    meanwhile stays changed), and the login is noted, at most once a minute.

    Its methods add, list and change accounts, as the command `watchword user` does.

    Args:
        store: holds the accounts.
        hasher: a `PasswordHasher`, or a `CryptContext` of passlib; None: the default one.
        limiter: bounds the number of hashes that are computed at once; None: the limiter of this process.
        clock: tells the time; None: the system clock.
        fold_case: whether names that differ in case alone are the same.
        max_age: how many seconds a password is valid after it was set; None: for ever.
        disclose: which of `Reason.DISABLED`, `Reason.LOCKED` and `Reason.PASSWORD_EXPIRED` are disclosed after the right password
            (decision D14). They are never disclosed to other callers.
        remember: how many right passwords are cached at most, so that they are hashed once; 0: none.
        remember_for: how many seconds they are cached.
        on_event: receives notices of unusable hashes; None: the log.

    Raises:
        ConfigurationError: an argument is wrong.

    Trust: the store is trusted; credentials are not.
    """

    takes_credentials: ClassVar[tuple[type[Credentials], ...]] = (BasicCredentials,)

    def __init__(
        self,
        store: AccountStore,
        *,
        hasher: object = None,
        limiter: HashLimiter | None = None,
        clock: Clock | None = None,
        fold_case: bool = False,
        max_age: float | None = None,
        disclose: Iterable[Reason | str] = (),
        remember: int = MOST,
        remember_for: float = FOR,
        on_event: Hook | None = None,
    ) -> None:
        check_store(store, "Accounts", "find_account", "hash_samples", "dummy_key", "revision", "is_current")
        if max_age is not None:
            check_number("Accounts(max_age=...)", max_age, above=True)
        disclosed = check_sequence("Accounts(disclose=...)", disclose, '["disabled"]')
        if not STANDING.issuperset(disclosed):
            raise invalid("Accounts(disclose=...)", f"be a collection of {', '.join(sorted(STANDING))}", disclose)
        clock = as_clock(clock, "Accounts")
        verifier = Verifier(hasher=hasher, limiter=limiter, clock=clock, remember=remember, remember_for=remember_for, on_event=on_event)
        super().__init__(store, verifier, clock, fold_case=fold_case)
        self.admission: Admission = verifier
        self._max_age = max_age
        self._disclose = frozenset(map(Reason, disclosed))
        self._on_event = log_notice if on_event is None else on_event
        self._dummies = DummyHashSource(store, verifier.hasher, clock)
        self._digest = KeyedDigest()
        self._complained: Bounded[bytes, bool] = Bounded(1000)
        self._claiming = ProcessLock()
        self._rehashed: Bounded[bytes, float] = Bounded(1000)
        self._rehashing: PerProcess[dict[str, object]] = PerProcess(dict)
        self._noted: Bounded[bytes, float] = Bounded(10_000)
        # Made and checked now: a guard that cannot refuse unknown names at full cost must not start.
        self._verifier.hasher.dummy()

    def flow(self, credentials: BasicCredentials) -> Steps[Verdict]:
        """Find the account, verify one hash, then answer."""
        # No local variable holds the password: error trackers collect the variables of frames.
        store, name = self._store, canonical(credentials.username)
        # Before the store is asked: a flood of wrong passwords must not cost the database a query each (threats W4).
        self._verifier.admit(name, credentials.password)
        dummies = yield from self._dummies.current()
        # Before the account is read: a change that comes between the two must end the lease.
        revision = store.revision()
        found = yield from ask_account(store, name, fold_case=self._fold_case)
        now = self._clock.now()
        # Each step up to the answer is the same for a name without an account: choose a dummy hash, read a record, parse one hash.
        account = _NO_ACCOUNT if found is None else found
        standing = self._standing(account, now)
        dummy = dummies.for_name(self._folded(name))
        hash_ = account.password_hash
        try:
            if not self._is_usable(dummy if hash_ is None else hash_, account):
                hash_ = None
        except HashUnavailable as error:
            self._verifier.report(error, account.id)
            raise
        good = hash_ is not None and standing is None
        tried = dummy if hash_ is None else hash_
        matches = yield from self._verifier.verify(name, tried, credentials.password, remember=good, subject=account.id)
        # The name is left out: people type their password into its field, and the log shows the detail.
        if found is None:
            return Refused(Reason.UNKNOWN_IDENTITY)
        # The password before the standing: told after a wrong one, the standing reveals the account (decision D14, threats W2).
        if hash_ is None or not matches:
            return Refused(Reason.WRONG_SECRET, detail=f"account {account.id}")
        if standing is not None:
            return Refused(standing, disclose=standing in self._disclose, detail=f"account {account.id}")
        return Accepted(
            _principal(account), self._lease(account, revision), self._after_response(account, hash_, credentials.password, now)
        )

    def _folded(self, name: str) -> str:
        # One dummy hash for all spellings of a name: their costs must not differ, as they do not for the spellings of a known name.
        return fold(name) if self._fold_case and storable(name) else name

    def _standing(self, account: AccountRecord, now: float) -> Reason | None:
        if account.disabled:
            return Reason.DISABLED
        # A time that is not a number is refused: every comparison with NaN is false.
        if account.locked_until is not None and not now >= account.locked_until:
            return Reason.LOCKED
        return None if now < self._password_ends(account) else Reason.PASSWORD_EXPIRED

    def _password_ends(self, account: AccountRecord) -> float:
        if self._max_age is None:
            return inf
        # A password without a recorded time is as old as its account.
        since = account.created_at if account.password_changed_at is None else account.password_changed_at
        return since + self._max_age

    def _lease(self, account: AccountRecord, revision: int) -> StoreLease:
        since = -inf if account.locked_until is None else account.locked_until
        return StoreLease(self._store, revision, account.subjects, self._clock, since=since, until=self._password_ends(account))

    def _is_usable(self, tried: str, account: AccountRecord) -> bool:
        """Tell whether a hash could match any password. One that could not costs nothing, and so would reveal its account."""
        stored = self._verifier.hasher.find(tried)
        if stored is None:
            self._complain(account, tried)
        else:
            # The steps are the same for a dummy hash: a microsecond more would reveal a known name (threat W2).
            self._dummies.note(stored.profile, in_use=account.password_hash is not None)
        return stored is not None

    def _complain(self, account: AccountRecord, hash_: str) -> None:
        key = self._digest.of(account.id.encode(), hash_.encode("utf-8", "surrogatepass"))
        if key not in self._complained:
            self._complained.keep(key, value=True)
            detail = "the stored hash is malformed, of an unknown format or too costly: the account cannot log in"
            self._on_event(OperatorNotice("unusable_hash", detail, subject=account.id))

    def _after_response(self, account: AccountRecord, hash_: str, password: str, now: float) -> Operation[None] | None:
        """Return the work that remains after a login, if any."""
        rehash = self._verifier.hasher.needs_rehash(hash_) and self._claim_rehash(account, hash_, now)
        note = self._claim_note(account, now)
        if not rehash and not note:
            return None
        return in_steps(lambda: self._finish(account, hash_, password if rehash else None, now if note else None))

    def _claim_rehash(self, account: AccountRecord, hash_: str, now: float) -> bool:
        key = self._digest.of(b"rehash", account.id.encode(), hash_.encode())
        with self._claiming:
            if 0 <= now - self._rehashed.get(key, -inf) < NOTED_EVERY:
                return False  # another request renews it. For a while only: its response may never have been sent
            self._rehashed.keep(key, now)
            return True

    def _claim_note(self, account: AccountRecord, now: float) -> bool:
        key = self._digest.of(b"note", account.id.encode())
        with self._claiming:
            noted = max(self._noted.get(key, -inf), -inf if account.last_login_at is None else account.last_login_at)
            if now - noted < NOTED_EVERY:
                return False
            self._noted.keep(key, now)
            return True

    def _finish(self, account: AccountRecord, hash_: str, password: str | None, now: float | None) -> Steps[None]:
        store, id_ = self._store, account.id
        try:
            if now is not None:
                yield from ask(store, lambda: store.note_login(id_, now), async_side(store, "note_login", id_, now))
            if password is not None:
                yield from self._rehash(account, hash_, password)
        except Unavailable as error:
            # The next login tries again.
            self._release_rehash(account, hash_)
            self._noted.pop(self._digest.of(b"note", account.id.encode()), None)
            self._on_event(OperatorNotice("login_not_noted", f"a login could not be noted: {error.why}", subject=account.id))

    def _rehash(self, account: AccountRecord, hash_: str, password: str) -> Steps[None]:
        # One at a time in a process: it takes a CPU, and its write may wait for a lock, with a connection that decisions need (W13).
        mine, rehashing = object(), self._rehashing.get()
        if rehashing.setdefault("account", mine) is not mine:  # atomic
            self._release_rehash(account, hash_)
            return
        try:
            new = yield self._verifier.hashing(password)
            store, swap = self._store, (account.id, hash_, new, self._verifier.hasher.profile(new))
            yield from ask(store, lambda: store.swap_hash(*swap), async_side(store, "swap_hash", *swap))
        finally:
            del rehashing["account"]

    def _release_rehash(self, account: AccountRecord, hash_: str) -> None:
        self._rehashed.pop(self._digest.of(b"rehash", account.id.encode(), hash_.encode()), None)

    def __repr__(self) -> str:
        return f"Accounts({self._store!r})"


def _principal(account: AccountRecord) -> Principal:
    name = account.names[0] if account.names else account.id
    claims = None if name == account.id else {"name": name}
    return Principal(account.id, roles=account.roles, scopes=account.scopes, permissions=account.permissions, claims=claims)
