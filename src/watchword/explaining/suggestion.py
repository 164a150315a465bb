"""Defines a suggestion, and what the functions that make them look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from watchword.inventory import demanded_names, held_names, list_checkers, login_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.authorization.requirement import Requirement
    from watchword.decision import Decision
    from watchword.explaining.sent import Sent
    from watchword.guard.explain import Explanation
    from watchword.guard.guard import Guard
    from watchword.inventory import Names, Part
    from watchword.reason import Reason
    from watchword.recorded import Recorded
    from watchword.request import RequestView


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the mistake may be.

    Args:
        code: a stable name.
        text: the likely mistake and what to do, for people; without secrets.
    """

    code: str
    text: str


class Configuration:
    """What suggestions look at of a guard; worked out once for all requests.

    Args:
        guard: the guard.
        views: what views demand, as far as that is known.
    """

    def __init__(self, guard: Guard, views: Iterable[Requirement] = ()) -> None:
        self.guard = guard
        self._views = tuple(views)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The checkers."""
        return list_checkers(self.guard)

    @cached_property
    def demanded(self) -> Names:
        """The names that rules and views demand."""
        return demanded_names((*(route.requirement for route in self.guard.policy.rules), *self._views))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names by which people log in, 10,000 at most; empty where they are not known."""
        return login_names(self.guard)

    @cached_property
    def held(self) -> Names | None:
        """The names that accounts, keys and tokens hold; None: unknown."""
        return held_names(self.guard)


@dataclass(frozen=True, slots=True)
class Case:
    """One request that was decided.

    Args:
        configuration: the guard.
        recorded: the request as it was kept.
        view: the request as the guard saw it.
        explanation: the decision with its way.
        sent: the credentials, decoded.
        now: the time of the guard, Unix seconds.
        requirement: what the view demands beside the rule; None: nothing.
    """

    configuration: Configuration
    recorded: Recorded = field(repr=False)
    view: RequestView = field(repr=False)
    explanation: Explanation
    sent: tuple[Sent, ...]
    now: float
    requirement: Requirement | None = None

    @property
    def decision(self) -> Decision:
        """The decision."""
        return self.explanation.decision

    @property
    def reason(self) -> Reason | None:
        """The reason, as in the log; None: granted."""
        return self.explanation.decision.reason

    def fields(self, name: str) -> list[str]:
        """Return the values of a header field.

        Args:
            name: in lower case.
        """
        return [value for field_name, value in self.recorded.headers if field_name.lower() == name]
