"""Computes the cure of a decision: what a program can do about a refusal (the extension member `cure` of problems, RFC 9457 §3.2).

It holds no more than status, challenges, `Retry-After`, `Location` and the contact state already, and the token endpoint of the
configuration. So it tells known accounts from unknown ones no better than they do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from watchword.decision import Challenged
from watchword.remedy import Remedy, remedies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.decision import Refusing


def cure_of(
    decision: Refusing, status: int, *, wait: int | None = None, contact: str | None = None, endpoints: Mapping[str, str]
) -> tuple[Remedy, ...]:
    """Return the alternatives of a refusal.

    Args:
        decision: the decision.
        status: its status code.
        wait: seconds of `Retry-After`; None: it has none.
        contact: of the service; None: it has none.
        endpoints: name of a scheme to its token endpoint.
    """
    location = decision.location if isinstance(decision, Challenged) and not decision.proxy else None
    # A redirect is sent without challenges, so nothing of them is told.
    asked = () if location is not None else decision.challenges
    found = remedies(status, asked, wait=wait, login=location or "", contact=contact or "")
    if not endpoints:
        return found
    return tuple(replace(one, token_endpoint=endpoints[one.scheme]) if one.scheme in endpoints else one for one in found)


__all__ = ["Remedy", "cure_of"]
