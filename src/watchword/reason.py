"""Defines the reasons of refusals: one stable code each, the same in body, log, CLI and docs.

Clients see another code (`disclosed_as`) in place of those that tell whether an account exists. The words for each reader are in
`watchword.refusal.texts`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Secret: TypeAlias = Literal["", "password", "token"]
"""What a scheme's credentials hold: a password that people type, a token or key that is copied, or nothing that is known."""


class Reason(StrEnum):
    """The closed set of reasons; the value is the code."""

    # The request cannot be read in one way only: nothing was looked at.
    AMBIGUOUS_PATH = "ambiguous_path"
    HEADER_ALIAS = "header_alias"
    AMBIGUOUS_CREDENTIALS = "ambiguous_credentials"
    MALFORMED_CREDENTIALS = "malformed_credentials"
    MALFORMED_CONTENT = "malformed_content"
    HEADER_MISMATCH = "header_mismatch"
    OVERSIZED_CREDENTIALS = "oversized_credentials"
    OVERSIZED_CONTENT = "oversized_content"
    OVERSIZED_HEADER = "oversized_header"
    OVERSIZED_TARGET = "oversized_target"
    # The caller is not identified.
    MISSING_CREDENTIALS = "missing_credentials"
    INVALID_CREDENTIALS = "invalid_credentials"
    UNKNOWN_IDENTITY = "unknown_identity"
    WRONG_SECRET = "wrong_secret"  # noqa: S105 - a code, no secret
    DISABLED = "disabled"
    LOCKED = "locked"
    PASSWORD_EXPIRED = "password_expired"  # noqa: S105 - as above
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    REVOKED = "revoked"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_ISSUER = "wrong_issuer"
    BAD_SIGNATURE = "bad_signature"
    MALFORMED_TOKEN = "malformed_token"  # noqa: S105 - as above
    WRONG_TOKEN_TYPE = "wrong_token_type"  # noqa: S105 - as above
    WRONG_ALGORITHM = "wrong_algorithm"
    UNKNOWN_KEY = "unknown_key"
    INVALID_CLAIM = "invalid_claim"
    BOUND_TOKEN = "bound_token"  # noqa: S105 - as above
    INVALID_PROOF = "invalid_proof"
    STALE_NONCE = "stale_nonce"
    # The caller may not, or must prove more.
    STEP_UP_REQUIRED = "step_up_required"
    INSUFFICIENT_SCOPE = "insufficient_scope"
    MISSING_ROLE = "missing_role"
    MISSING_PERMISSION = "missing_permission"
    NETWORK_DENIED = "network_denied"
    CROSS_SITE = "cross_site"
    INSECURE_TRANSPORT = "insecure_transport"
    DENIED = "denied"
    # It cannot be told now.
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    OVERLOADED = "overloaded"

    # Equal values have equal hashes: a reason is its code, in tables too. The hash of Enum is that of the name, and costs a call.
    __hash__: ClassVar[Callable[[str], int]] = str.__hash__

    @property
    def of_checker(self) -> bool:
        """Whether a checker may give it in a `Refused`. Requirements give the reasons of authorization."""
        return self in _OF_CHECKER

    @property
    def disclosed_as(self) -> Reason | None:
        """The code that a client sees in its place, so that failed checks look alike (threat: enumeration); None: its own code."""
        return Reason.INVALID_CREDENTIALS if self in _ALIKE else None


_ALIKE = frozenset(
    {
        Reason.INVALID_CREDENTIALS,
        Reason.UNKNOWN_IDENTITY,
        Reason.WRONG_SECRET,
        Reason.DISABLED,
        Reason.LOCKED,
        Reason.PASSWORD_EXPIRED,
        Reason.NOT_YET_VALID,
        Reason.REVOKED,
        Reason.WRONG_AUDIENCE,
        Reason.WRONG_ISSUER,
        Reason.BAD_SIGNATURE,
        Reason.MALFORMED_TOKEN,
        Reason.WRONG_TOKEN_TYPE,
        Reason.WRONG_ALGORITHM,
        Reason.UNKNOWN_KEY,
        Reason.INVALID_CLAIM,
        Reason.BOUND_TOKEN,
    }
)
# "expired" helps an honest client. A mistake in a proof reveals no secret.
_OF_CHECKER = _ALIKE | {Reason.EXPIRED, Reason.INVALID_PROOF, Reason.STALE_NONCE}


def shown(reason: Reason) -> Reason:
    """Return the code under which a client may see a reason."""
    return reason.disclosed_as or reason
