"""What a checker answers: `Accepted(principal)` or `Refused(reason)`. There is no third answer.

A checker that cannot know raises `watchword.Unavailable`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from watchword.principal import Principal
from watchword.reason import WORDS, Reason

__all__ = ["Accepted", "Reason", "Refused", "Verdict"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The credentials are true.

    Args:
        principal: whose they are; somebody, never `ANONYMOUS` and never None.

    Raises:
        TypeError: the principal is none.
    """

    principal: Principal

    def __post_init__(self) -> None:
        # A verdict that accepts nobody opened doors elsewhere (threats S4): it cannot be made.
        if not isinstance(self.principal, Principal) or not self.principal.is_authenticated:
            raise TypeError(
                f"Accepted takes the Principal that was identified, not {_kind(self.principal)}; to refuse, answer Refused(reason) or None"
            )


@dataclass(frozen=True, slots=True)
class Refused:
    """The credentials are not true, or no longer.

    Args:
        reason: why, for the operator. The client learns no more than its scheme discloses.

    Raises:
        ValueError: the reason is none that a checker decides. Whether somebody *may* is for a requirement to say.
    """

    reason: Reason = Reason.INVALID_CREDENTIALS

    def __post_init__(self) -> None:
        known = {reason.value: reason for reason, words in WORDS.items() if words.of_checker}
        reason = known.get(self.reason)
        if reason is None:
            raise ValueError(f"a checker does not refuse with {str(self.reason)!r}; it may say one of: {', '.join(known)}")
        object.__setattr__(self, "reason", reason)


Verdict: TypeAlias = Accepted | Refused
"""What a checker answers."""


def _kind(value: object) -> str:
    # The value may be a secret that ended up in the wrong place: name its type only.
    return "ANONYMOUS" if isinstance(value, Principal) else type(value).__name__
