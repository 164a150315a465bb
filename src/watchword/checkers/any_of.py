"""Puts several checkers behind one scheme. The form of the credentials selects the one that is asked."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

from watchword.checkers.adapt import AdaptedChecker, FlowChecker, adapt
from watchword.errors import ConfigurationError
from watchword.reason import Reason
from watchword.verdict import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.credentials import Credentials
    from watchword.operation import Steps
    from watchword.verdict import Verdict


class _Part(NamedTuple):
    recognises: Callable[[Any], object] | None  # None: the last one, which gets all other credentials
    checker: AdaptedChecker
    takes: tuple[type[Credentials], ...]


class AnyOf(FlowChecker[Any]):
    """Asks the first of several checkers that recognises the credentials, such as keys beside opaque tokens.

    Exactly one is asked, so a wrong secret costs one lookup or one hash, and counts once. A checker recognises credentials by
    `recognises(credentials) -> bool`, which looks at their *form* alone: a prefix, a length, the domain of a name. Do not look a
    name up there: the timing would reveal which names a table holds.

    Args:
        checkers: two or more checkers of any form, in the order in which they are asked whether they recognise the credentials. The
            last one may lack `recognises`: it gets all other credentials. If it has the method too, credentials that no checker
            recognises are refused as `unknown_identity`.

    Raises:
        ConfigurationError: there are fewer than two, one before the last lacks `recognises`, or they check different credentials.
    """

    def __init__(self, *checkers: object) -> None:
        if len(checkers) < 2:  # noqa: PLR2004 - as the message says
            raise ConfigurationError(f"AnyOf(...) must get two checkers or more, got {len(checkers)}. Give the scheme the checker itself.")
        self.checkers: tuple[object, ...] = checkers
        """As they were given."""
        self._parts: list[_Part] = []
        for checker in checkers:
            self._parts += checker._parts if isinstance(checker, AnyOf) else [_part(checker)]  # noqa: SLF001 - of its own kind
        for part in self._parts[:-1]:
            if part.recognises is None:
                raise ConfigurationError(
                    f"AnyOf(...): {part.checker.name} has no recognises(credentials), so the checkers after it would never be asked. "
                    "Put it last, or give it the method."
                )
        self.takes_credentials: tuple[type[Credentials], ...] = _common(self._parts)
        """The credentials that all of them check; empty: unknown."""
        every = [part.checker for part in self._parts]
        is_direct = all(checker.direct is not None for checker in every)
        self.adapted: AdaptedChecker = AdaptedChecker(
            f"AnyOf({', '.join(checker.name for checker in every)})",
            direct=self._answer if is_direct else None,
            flow=self.flow,
            needs_loop=any(checker.needs_loop for checker in every),
        )
        """Used by the guard. It answers at once if all of them do, and needs an event loop if one of them does."""

    def recognises(self, credentials: Credentials) -> bool:
        """Tell whether one of the checkers would be asked.

        Args:
            credentials: the credentials; untrusted.
        """
        return self._checker(credentials) is not None

    def flow(self, credentials: Credentials) -> Steps[Verdict]:
        """Ask the checker that recognises the credentials."""
        checker = self._checker(credentials)
        if checker is None:
            return Refused(Reason.UNKNOWN_IDENTITY)
        if checker.direct is not None:
            return checker.verdict(checker.direct(credentials))
        if checker.flow is None:  # pragma: no cover - adapt() gives every checker one way or the other
            raise TypeError(f"the checker {checker.name} has neither an answer nor steps")
        return checker.verdict((yield from checker.flow(credentials)))

    def _answer(self, credentials: Credentials) -> Verdict:
        checker = self._checker(credentials)
        if checker is None or checker.direct is None:
            return Refused(Reason.UNKNOWN_IDENTITY)
        return checker.verdict(checker.direct(credentials))

    def _checker(self, credentials: Credentials) -> AdaptedChecker | None:
        for part in self._parts:
            if part.recognises is None:
                return part.checker
            answer = part.recognises(credentials)
            if not isinstance(answer, bool):
                # Truthiness is not enough: a coroutine that was not awaited is true as well.
                raise TypeError(f"recognises() of {part.checker.name} must return True or False, got {type(answer).__name__}")
            if answer:
                return part.checker
        return None

    def __repr__(self) -> str:
        return self.adapted.name


def _part(checker: object) -> _Part:
    adapted = adapt(checker)
    recognises = getattr(checker, "recognises", None)
    if recognises is not None and (not callable(recognises) or inspect.iscoroutinefunction(recognises)):
        raise ConfigurationError(
            f"AnyOf(...): recognises of {adapted.name} must be a plain method that takes the credentials and returns True or False, "
            f"got {recognises!r}"
        )
    return _Part(recognises, adapted, tuple(getattr(checker, "takes_credentials", ())))


def _common(parts: list[_Part]) -> tuple[type[Credentials], ...]:
    """Return the credentials that all checkers take; one without `takes_credentials` takes any."""
    telling = [part for part in parts if part.takes]
    if not telling:
        return ()
    common = tuple(kind for kind in telling[0].takes if all(kind in part.takes for part in telling))
    if not common:
        kinds = "; ".join(f"{part.checker.name} checks {' or '.join(kind.__name__ for kind in part.takes)}" for part in telling)
        raise ConfigurationError(f"AnyOf(...) must get checkers of the same credentials, but {kinds}. Give each scheme its own.")
    return common


__all__ = ["AnyOf"]
