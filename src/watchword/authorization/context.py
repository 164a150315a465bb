"""Defines what is known when a requirement is evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from watchword.authorization.value import PENDING, Unknown, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.clock import Clock
    from watchword.principal import Principal
    from watchword.request import RequestView

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """The request, the clock and the caller, as far as the caller is known.

    Args:
        request: the request.
        clock: for requirements that depend on the time.
        principal: the caller, or `ANONYMOUS` where that is certain. None: the credentials are not checked yet, or could not be checked.
        unchecked: why the credentials could not be checked; None: they are not checked yet.
        assumed: whether the caller is assumed to be authenticated, as an unspecified principal.
        scopeless: whether the scopes that the caller holds count as missing, to find all that a challenge asks for (decision D63).
    """

    request: RequestView
    clock: Clock
    principal: Principal | None = None
    unchecked: Unknown | None = None
    assumed: bool = False
    scopeless: bool = False

    @property
    def without_identity(self) -> Value:
        """The value of a requirement on the principal while the principal is not known."""
        return PENDING if self.unchecked is None else self.unchecked

    def once(self, question: Callable[..., object], whom: Principal | None, ask: Callable[[], T]) -> T:
        """Return the answer of a predicate, which is called once for each decision.

        A refusal evaluates the rule several times: for the reason, for the needs, and for whether to hide. All of them must see one answer.

        Args:
            question: the predicate, as the key.
            whom: the caller; None: the predicate is about the request alone.
            ask: calls the predicate.
        """
        answers: dict[object, tuple[object, T]] | None = getattr(self.request, "answers", None)
        if answers is None:
            return ask()
        key = question, id(whom)
        known = answers.get(key)
        if known is None:
            # The caller is kept too: another object may get the same id once this one is freed.
            known = answers[key] = whom, ask()
        return known[1]


__all__ = ["EvaluationContext"]
