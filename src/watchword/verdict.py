"""Defines the two answers of a checker: `Accepted(principal)` and `Refused(reason)`.

A checker that cannot tell raises `watchword.Unavailable`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from watchword.grammar import is_token
from watchword.principal import Principal
from watchword.reason import Reason
from watchword.validators import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.operation import Operation

_OF_CHECKERS = {reason.value: reason for reason in Reason if reason.of_checker}

__all__ = ["ALWAYS", "Accepted", "Lease", "Reason", "Refused", "Verdict"]


class Lease(Protocol):
    """The right to give an answer again without asking the checker."""

    def is_current(self) -> bool:
        """Tell whether the checker would give the same answer now.

        It is called for every request that could use the answer, on the event loop, so it must look at local state only, without I/O. In
        doubt it returns False, and the checker is asked.
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
        lease: for how long the guard may cache the answer; None: the checker is asked every time.
        after_response: an operation to run once the response was sent, such as to note a login. The guard hands it on
            with its decision; a program that calls a checker directly may run or ignore it.
        headers: response fields, such as `("DPoP-Nonce", "…")`; kept as a tuple. They belong to this one response and are never cached
            with the caller.

    Raises:
        TypeError: the principal is not a `Principal`, or is `ANONYMOUS`.
        ConfigurationError: a response field cannot be sent.
    """

    principal: Principal
    lease: Lease | None = field(default=None, repr=False, compare=False)
    after_response: Operation[Any] | None = field(default=None, repr=False, compare=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.headers:
            object.__setattr__(self, "headers", _fields(self.headers))
        # Libraries in which a verdict without a principal was possible let anonymous callers in (threats S4).
        if not isinstance(self.principal, Principal) or not self.principal.is_authenticated:
            raise TypeError(
                f"Accepted(principal=...) must be an authenticated Principal, got {_kind(self.principal)}. "
                "To refuse, return Refused(reason) or None."
            )


@dataclass(frozen=True, slots=True)
class Refused:
    """The credentials are not true, or no longer.

    Args:
        reason: why, for the operator. The client learns no more than its scheme discloses.
        disclose: tell the client as well. Only where the secret was proven right: then it is the caller's own account (decision D14).
        detail: more about why, for the operator's log, such as which account it is; without secrets, and nothing a client wrote.
        headers: response fields, as in `Accepted`.
        absent: count a cookie as absent, because it holds no login: the caller is anonymous then, whom an optional route lets pass. Other
            credentials are refused all the same, because a client sends them on purpose (decision D18).

    Raises:
        ConfigurationError: the reason is not one of a checker (a requirement decides who may), or a response field cannot be sent.
    """

    reason: Reason = Reason.INVALID_CREDENTIALS
    disclose: bool = False
    detail: str = field(default="", compare=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    absent: bool = False

    def __post_init__(self) -> None:
        if self.headers:
            object.__setattr__(self, "headers", _fields(self.headers))
        reason = _OF_CHECKERS.get(self.reason)
        if reason is None:
            raise invalid("Refused(reason=...)", "be a reason of a checker", str(self.reason), f"Use one of: {', '.join(_OF_CHECKERS)}.")
        object.__setattr__(self, "reason", reason)


Verdict: TypeAlias = Accepted | Refused
"""What a checker answers."""


def _fields(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return response fields; refuse what would end the field or the header section early (RFC 9110 §5.5)."""
    fields = tuple((name, value) for name, value in headers)
    for name, value in fields:
        if not isinstance(name, str) or not is_token(name):
            raise invalid("headers=...", "have field names (RFC 9110 §5.1)", name)
        if not isinstance(value, str) or value != value.strip() or not all(" " <= one <= "~" or "\xa0" <= one <= "\xff" for one in value):
            # The value may be a secret, such as a cookie.
            raise invalid(f"headers=...: the value of {name}", "be printable characters of ISO 8859-1 (RFC 9110 §5.5)", value, secret=True)
    return fields


def _kind(value: object) -> str:
    # The value may be a secret passed by mistake: only its type is named.
    return "ANONYMOUS" if isinstance(value, Principal) else type(value).__name__
