"""Checks, lists and revokes secrets that were issued to an owner: the common part of API keys and opaque tokens.

A subclass of `IssuedChecker` knows how its secret is written and looked up, and which fields its records add to `Issued`.
"""

from __future__ import annotations

from abc import abstractmethod
from hmac import compare_digest
from math import inf
from os import urandom
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from watchword.checkers.adapt import FlowChecker
from watchword.checkers.lease import StoreLease
from watchword.checkers.lookups import pages
from watchword.checkers.record_checks import check_grants, check_text
from watchword.clock import as_clock
from watchword.credentials import APIKeyCredentials, BearerToken
from watchword.principal import Evidence, Principal
from watchword.reason import Reason
from watchword.stores.ports import Issued, Watched
from watchword.validators import check_choice
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from watchword.checkers.key_format import Format
    from watchword.clock import Clock
    from watchword.operation import Operation, Steps
    from watchword.verdict import Verdict

R = TypeVar("R", bound=Issued)


class IssuingStore(Watched, Protocol):
    """The methods that stores of keys and stores of tokens share."""

    def revoke_all(self, subject: str, at: float) -> tuple[int, int]:
        """Revoke all keys and tokens of an owner; see `KeyStore.revoke_all`."""
        ...


S = TypeVar("S", bound=IssuingStore)


class IssuedChecker(FlowChecker[APIKeyCredentials | BearerToken], Generic[R, S]):
    """A checker of secrets that have a known format and live in a store.

    A secret without the format is refused before the store is asked. One with it costs one lookup, known or not, and its
    digest is compared in constant time, with a random one if there is no record.

    Args:
        store: holds the records.
        form: the format of the secrets.
        clock: tells the time; None: the system clock.
    """

    _owner_is: ClassVar[str]  # the name of the owner in messages

    def __init__(self, store: S, form: Format, clock: Clock | None) -> None:
        self._store = store
        self._form = form
        self._clock: Clock = as_clock(clock, type(self).__name__)
        self._no_digest = urandom(32)  # the digest of no secret

    @abstractmethod
    def _look_up(self, id: str, digest: bytes) -> Steps[R | None]:  # noqa: A002 - the name of the field
        """Return the record of a secret, in steps."""

    @abstractmethod
    def _page(self, owner: str | None, after: str) -> Sequence[R]:
        """Return the next records in the order of their ids. This may block."""

    def _principal(self, record: R) -> Principal:
        """Return whom a valid secret stands for."""
        return principal_of(record)

    def _after_response(self, record: R) -> Operation[None] | None:
        """Return the work that remains when a secret was accepted."""
        return None

    @property
    def store(self) -> S:
        """The store, as it was given."""
        return self._store

    def recognises(self, credentials: APIKeyCredentials | BearerToken) -> bool:
        """Tell whether credentials have the format and the prefix, for `AnyOf`. Nothing is looked up.

        Args:
            credentials: the credentials; untrusted.
        """
        return self._form.read(_text_of(credentials)) is not None

    def flow(self, credentials: APIKeyCredentials | BearerToken) -> Steps[Verdict]:
        """Look up a secret that has the format, and answer whose it is."""
        # Before the record is read: a change that comes between the two must end the lease.
        revision = self._store.revision()
        found = yield from self._find_valid(_text_of(credentials))
        if isinstance(found, Refused):
            return found
        since = -inf if found.not_before is None else found.not_before
        until = inf if found.expires_at is None else found.expires_at
        lease = StoreLease(self._store, revision, found.subjects, self._clock, since=since, until=until)
        return Accepted(self._principal(found), lease=lease, after_response=self._after_response(found))

    def _find_valid(self, text: str) -> Steps[R | Refused]:
        """Return the record of a secret that is valid now, or the refusal."""
        read = self._form.read(text)
        if read is None:
            return Refused(Reason.UNKNOWN_IDENTITY)
        id_, digest = read
        record = yield from self._look_up(id_, digest)
        # For an unknown id too, so that the time does not tell which ids exist (CWE-208).
        is_right = compare_digest(digest, self._no_digest if record is None else record.digest)
        if record is None:
            return Refused(Reason.UNKNOWN_IDENTITY)
        if not is_right:
            return Refused(Reason.WRONG_SECRET, detail=f"{record.what} {record.id}")
        # The secret came first: an id is not secret, and must not tell whether its key is revoked or its owner disabled.
        refusal = why_invalid(record, self._clock.now())
        return record if refusal is None else Refused(refusal, detail=f"{record.what} {record.id} of {record.owner}")

    def revoke_all(self, owner: str) -> tuple[int, int]:
        """Revoke all keys and all tokens of an owner, for example because an account is compromised.

        Args:
            owner: the id of the account or program.

        Returns:
            The number of keys and the number of tokens that were revoked.
        """
        return self._store.revoke_all(check_text(f"the {self._owner_is}", owner), self._clock.now())

    def list(self, owner: str | None = None, *, after: str = "") -> Iterator[R]:
        """Yield records in the order of their ids; the store is read in pages.

        Args:
            owner: the id of the account or program; None: all records.
            after: the id that the first one follows; empty: from the beginning.
        """
        return pages(lambda last: self._page(owner, last), after)

    def _issued(self, owner: str, label: str, kind: str, **grants: Any) -> dict[str, Any]:  # noqa: ANN401 - checked here
        """Return the fields of a new record that all kinds share, checked."""
        check_choice("kind", kind, ("user", "client"))
        return {
            "owner": check_text(f"the {self._owner_is}", owner),
            "label": check_text("the label", label, may_be_empty=True),
            "kind": kind,
            "created_at": self._clock.now(),
            **check_grants(**grants),
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}(prefix={self._form.prefix!r})"


def _text_of(credentials: APIKeyCredentials | BearerToken) -> str:
    return credentials.token if isinstance(credentials, BearerToken) else credentials.key


def why_invalid(record: Issued, now: float) -> Reason | None:
    """Return why a right secret is refused; None: it is valid.

    Revocation, which is final, comes first, then the owner, then the time. A time that is not a number refuses every caller.
    """
    if record.revoked_at is not None or record.login_ended:
        return Reason.REVOKED
    if record.owner_disabled:
        return Reason.DISABLED
    if not (record.not_before is None or record.not_before <= now):
        return Reason.NOT_YET_VALID
    return None if record.expires_at is None or now < record.expires_at else Reason.EXPIRED


def principal_of(record: Issued, login: Mapping[str, Any] | None = None) -> Principal:
    """Return the principal of a secret, with the id of the secret for the log.

    Args:
        record: the record.
        login: what is known about the login that it belongs to, by names of claims of RFC 9068, checked; None: it belongs to none.
    """
    known = {} if login is None else login
    return Principal(
        record.owner,
        roles=record.roles,
        scopes=record.scopes,
        permissions=record.permissions,
        claims={**known, f"{record.what}_id": record.id},
        evidence=Evidence(
            auth_time=known.get("auth_time"),
            acr=known.get("acr"),
            factors=frozenset(known.get("amr", ())),
            expires_at=record.expires_at,
            networks=record.networks or None,
        ),
        kind=record.kind,
    )
