"""Defines the answers of a checker: `Accepted(principal)` or `Refused(reason)`, and no third one.

A checker that cannot know raises `watchword.Unavailable`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from watchword.grammar import is_token
from watchword.principal import Principal
from watchword.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.operation import Operation

_OF_CHECKERS = {reason.value: reason for reason in Reason if reason.of_checker}

__all__ = ["ALWAYS", "Accepted", "Lease", "Reason", "Refused", "Verdict"]


class Lease(Protocol):
    """For how long an answer may be given again without asking the checker."""

    def is_current(self) -> bool:
        """Tell whether the checker would give the same answer now.

        Called for every request that could use it, on the event loop: it must look at local state only, without I/O. When in
        doubt it says no, and the checker is asked.
        """
        ...


class _Always:
    """The lease of a table that never changes."""

    __slots__ = ()

    def is_current(self) -> bool:
        return True

    def __repr__(self) -> str:
        return "ALWAYS"


ALWAYS: Lease = _Always()
"""The lease of an answer that never changes."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The credentials are true.

    Args:
        principal: the owner of the credentials; never `ANONYMOUS` and never None.
        lease: for how long the guard may remember it; None: the checker is asked every time.
        after_response: what is left to do once the response was sent, such as to note a login. The guard hands it on
            with its decision; a program that calls a checker directly may run or ignore it.
        headers: response fields, such as `("DPoP-Nonce", "…")`; kept as a tuple. They belong to this one response and are never cached
            with the caller.

    Raises:
        TypeError: it is not a Principal, or it is `ANONYMOUS`.
        ValueError: a response field cannot be sent.
    """

    principal: Principal
    lease: Lease | None = field(default=None, repr=False, compare=False)
    after_response: Operation[Any] | None = field(default=None, repr=False, compare=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.headers:
            object.__setattr__(self, "headers", _fields(self.headers))
        # Libraries that could accept without a principal let anonymous callers in (threats S4): such a verdict cannot be made.
        if not isinstance(self.principal, Principal) or not self.principal.is_authenticated:
            raise TypeError(
                f"Accepted takes the Principal that was identified, not {_kind(self.principal)}; to refuse, answer Refused(reason) or None"
            )


@dataclass(frozen=True, slots=True)
class Refused:
    """The credentials are not true, or no longer.

    Args:
        reason: why, for the operator. The client learns no more than its scheme discloses.
        disclose: tell the client as well. Only where the secret was proven right: then it is the caller's own account (decision D14).
        detail: more about why, for the operator's log, such as which account it is; without secrets, and nothing a client wrote.
        headers: response fields, as in `Accepted`.

    Raises:
        ValueError: the reason is not one of a checker (a requirement decides who may), or a response field
            cannot be sent.
    """

    reason: Reason = Reason.INVALID_CREDENTIALS
    disclose: bool = False
    detail: str = field(default="", compare=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.headers:
            object.__setattr__(self, "headers", _fields(self.headers))
        reason = _OF_CHECKERS.get(self.reason)
        if reason is None:
            raise ValueError(f"{str(self.reason)!r} is not a refusal reason of a checker; use one of: {', '.join(_OF_CHECKERS)}")
        object.__setattr__(self, "reason", reason)


Verdict: TypeAlias = Accepted | Refused
"""What a checker answers."""


def _fields(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return response fields; refuse what would end the field or the header section early (RFC 9110 §5.5)."""
    fields = tuple((name, value) for name, value in headers)
    for name, value in fields:
        if not isinstance(name, str) or not is_token(name):
            raise ValueError(f"headers=...: {name!r} is not a field name (RFC 9110 §5.1)")
        if not isinstance(value, str) or value != value.strip() or not all(" " <= one <= "~" or "\xa0" <= one <= "\xff" for one in value):
            # The value may be a secret, such as a cookie.
            raise ValueError(
                f"headers=...: the value of {name} is not a field value; use printable characters of ISO 8859-1 (RFC 9110 §5.5)"
            )
    return fields


def _kind(value: object) -> str:
    # The value may be a secret that ended up in the wrong place: name its type only.
    return "ANONYMOUS" if isinstance(value, Principal) else type(value).__name__
