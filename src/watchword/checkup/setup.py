"""Defines a check, and what checks look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from watchword.inventory import held_names, list_checkers, list_stores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword.findings import Finding, Rule
    from watchword.guard.guard import Guard
    from watchword.inventory import Names, Part
    from watchword.reason import Secret
    from watchword.routes import RouteReport


class Untold(Exception):  # the reason stands in the report, as that of a skipped rule
    """A check cannot tell. The message says why."""


class Check(NamedTuple):
    """One check.

    Args:
        rule: what must hold.
        look: yields the findings; raises `Untold` where it cannot tell.
    """

    rule: Rule
    look: Callable[[Setup], Iterator[Finding]]


@dataclass(eq=False)
class Setup:
    """A guard, and what stands around it.

    Args:
        guard: the guard.
        name: its import string, for the places of findings.
        app: the application behind the guard; None: unknown.
        online: whether servers and stores may be asked. Checks send a few harmless requests to servers that the configuration names.
        platform: the platform that the process runs on, if proxies of the platform stand in front; empty: unknown.
    """

    guard: Guard
    name: str = "guard"
    app: object = None
    online: bool = True
    platform: str = ""

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The checkers."""
        return list_checkers(self.guard)

    @cached_property
    def stores(self) -> tuple[object, ...]:
        """The stores."""
        return list_stores(self.guard)

    @cached_property
    def held(self) -> Names | None:
        """The names that accounts, keys and tokens hold; None: unknown."""
        return held_names(self.guard)

    @cached_property
    def routes(self) -> RouteReport:
        """The routes of the application.

        Raises:
            Untold: there is no application, or its routes are not known.
        """
        from watchword.errors import ConfigurationError

        if self.app is None:
            raise Untold("no application was named: give --app")
        try:
            return self.guard.check_routes(self.app)
        except ConfigurationError as error:
            raise Untold(str(error)) from None

    def schemes_of(self, kind: Secret) -> str:
        """Return the names of the schemes whose credentials hold such a secret, joined by commas.

        Args:
            kind: `"password"` or `"token"`.
        """
        kinds = [(scheme.secret, scheme.name) for scheme in self.guard.schemes]
        return ", ".join(name for own, name in kinds if own == kind)

    def demand_online(self) -> None:
        """Go on only where servers may be asked.

        Raises:
            Untold: they may not.
        """
        if not self.online:
            raise Untold("--offline was given")
