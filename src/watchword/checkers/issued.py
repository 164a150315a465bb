"""Checks, lists and revokes secrets that were issued to somebody: what every kind of them has in common.

A kind says how its secret is written and looked up, and what its records hold beyond `Issued`. `APIKeys` and `OpaqueTokens` are kinds.
"""

from __future__ import annotations

from abc import abstractmethod
from hmac import compare_digest
from math import inf
from os import urandom
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from watchword.checkers.adapt import FlowChecker
from watchword.checkers.lease import StoreLease
from watchword.checkers.record_checks import check_kind, check_names, check_scopes, check_text
from watchword.clock import as_clock
from watchword.credentials import APIKeyCredentials, BearerToken
from watchword.principal import Evidence, Principal
from watchword.reason import Reason
from watchword.stores.ports import Issued
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from watchword.checkers.key_format import Format
    from watchword.clock import Clock
    from watchword.operation import Operation, Steps
    from watchword.stores.ports import Watched
    from watchword.verdict import Verdict

R = TypeVar("R", bound=Issued)


class IssuedChecker(FlowChecker[APIKeyCredentials | BearerToken], Generic[R]):
    """A checker of secrets that look like ours and live in a store.

    What does not have the form is refused without a question to the store. What has it costs one lookup, known or not, and its
    digest is compared in constant time, with something even where there is no record.

    Args:
        store: where the records live.
        form: how the secrets are written.
        clock: tells the time; None: the machine's.
    """

    _owner_is: ClassVar[str]  # what the owner is called in messages

    def __init__(self, store: Watched, form: Format, clock: Clock | None) -> None:
        self._watched = store
        self._form = form
        self._clock: Clock = as_clock(clock, type(self).__name__)
        self._nobody = urandom(32)  # the digest of no secret

    @abstractmethod
    def _look_up(self, id: str, digest: bytes) -> Steps[R | None]:  # noqa: A002 - the name of the field
        """Return the record that a secret belongs to, in steps."""

    @abstractmethod
    def _page(self, owner: str | None, after: str) -> Sequence[R]:
        """Return the next records in the order of their ids. This may block."""

    def _after_response(self, record: R) -> Operation[None] | None:
        """Return what is left to do when a secret was accepted."""
        return None

    def recognises(self, credentials: APIKeyCredentials | BearerToken) -> bool:
        """Tell whether this has the form and prefix of ours, for `AnyOf`; whether it is true makes no difference.

        Args:
            credentials: what was shown; untrusted.
        """
        return self._form.read(_text_of(credentials)) is not None

    def flow(self, credentials: APIKeyCredentials | BearerToken) -> Steps[Verdict]:
        """Look a secret up, if it has the form of one, and say whose it is."""
        # Before the record is read: a change that comes between the two must end the lease.
        revision = self._watched.revision()
        found = yield from self._find_valid(_text_of(credentials))
        if isinstance(found, Refused):
            return found
        since = -inf if found.not_before is None else found.not_before
        until = inf if found.expires_at is None else found.expires_at
        lease = StoreLease(self._watched, revision, found.subjects, self._clock, since=since, until=until)
        return Accepted(principal_of(found), lease=lease, after_response=self._after_response(found))

    def _find_valid(self, text: str) -> Steps[R | Refused]:
        """Return the record of a secret that is good now, or why there is none."""
        read = self._form.read(text)
        if read is None:
            return Refused(Reason.UNKNOWN_IDENTITY)
        id_, digest = read
        record = yield from self._look_up(id_, digest)
        is_right = compare_digest(digest, self._nobody if record is None else record.digest)
        if record is None:
            return Refused(Reason.UNKNOWN_IDENTITY)
        if not is_right:
            return Refused(Reason.WRONG_SECRET, detail=f"{record.what} {record.id}")
        refusal = why_invalid(record, self._clock.now())
        return record if refusal is None else Refused(refusal, detail=f"{record.what} {record.id} of {record.owner}")

    def _grants(
        self, owner: str, label: str, kind: str, *, roles: Iterable[str], scopes: Iterable[str], permissions: Iterable[str]
    ) -> dict[str, Any]:
        """Return the fields of a record that every kind is given, checked."""
        return {
            "owner": check_text(f"the {self._owner_is}", owner),
            "label": check_text("the label", label, may_be_empty=True),
            "kind": check_kind(kind),
            "roles": check_names("roles", roles),
            "scopes": check_scopes(scopes),
            "permissions": check_names("permissions", permissions),
        }

    def _list(self, owner: str | None) -> Iterator[R]:
        after = ""
        while page := self._page(owner, after):
            yield from page
            after = page[-1].id

    def __repr__(self) -> str:
        return f"{type(self).__name__}(prefix={self._form.prefix!r})"


def _text_of(credentials: APIKeyCredentials | BearerToken) -> str:
    return credentials.token if isinstance(credentials, BearerToken) else credentials.key


def why_invalid(record: Issued, now: float) -> Reason | None:
    """Return why a secret is refused although it is right; None: it is valid.

    Whether it ends for good comes first, then who owns it, then the time. A time that is no number lets nobody in.

    Args:
        record: what the store has.
        now: the present.
    """
    if record.revoked_at is not None:
        return Reason.REVOKED
    if record.owner_disabled:
        return Reason.DISABLED
    if not (record.not_before is None or record.not_before <= now):
        return Reason.NOT_YET_VALID
    return None if record.expires_at is None or now < record.expires_at else Reason.EXPIRED


def principal_of(record: Issued) -> Principal:
    """Return whom a secret stands for, with what it was given and its id for the log.

    Args:
        record: what the store has.
    """
    return Principal(
        record.owner,
        roles=record.roles,
        scopes=record.scopes,
        permissions=record.permissions,
        claims={f"{record.what}_id": record.id},
        evidence=Evidence(expires_at=record.expires_at, networks=record.networks or None),
        kind=record.kind,
    )
