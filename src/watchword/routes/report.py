"""Defines the report about the routes of an application: frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from watchword.authorization import Requirement
    from watchword.routes.listed import Kind

Severity: TypeAlias = Literal["high", "medium", "low"]

SEVERITIES: Final[tuple[Severity, ...]] = ("high", "medium", "low")
ANY_METHOD: Final = "*"
"""Stands for every method that no other row of the route names."""

CODES: Final[dict[str, tuple[Severity, str]]] = {
    "rule_without_route": ("high", "the rule matches no route: a mistyped path, or a route that was moved"),
    "public_by_default": ("high", "every caller may use the route, and no rule says so"),
    "shadowed": ("medium", "a route before this one takes its requests, so that it is never reached"),
    "answered": ("medium", "the guard serves the metadata of the resource there, so that the route is never reached"),
    "unreachable": ("medium", "no caller can meet what is required"),
    "public": ("low", "every caller may use the route"),
    "closed": ("low", "the rule refuses every caller"),
    "open_rule_without_route": ("low", "the rule lets every caller pass, and matches no route"),
    "unlisted": ("low", "the routes of the application that is mounted there are not known"),
}
"""The severity and the text of each finding. Stable: programs look for the codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedRoute:
    """One method of a route, and what is in force there.

    Args:
        kind: `"http"`, `"websocket"`, `"static"` for a folder of files, or `"mount"` for an application whose routes are not known.
        method: the method; `"*"`: all that no other row of the route names. A WebSocket handshake is a GET.
        path: as the framework writes it, below the mount of the application.
        pattern: the same as a pattern of rules.
        at: the pattern of a part of these paths for which other rules are in force than for the rest; empty: the rest.
        host: the host for which the route is; empty: any.
        endpoint: names the view.
        automatic: whether the framework adds the method by itself.
        rules: the patterns of the rules in force; `"default"` where none matches.
        view: what the view demands; None: nothing.
        requirement: what is in force: the rules and the view together.
        schemes: the schemes by which callers may meet it; empty: none is asked for, or none helps.
        anonymous: whether anonymous callers pass: `"always"`, `"never"`, or `"sometimes"`, as with `network(...) | authenticated`.
        sample: a path by which the rules were found.
        shadowed_by: the path of an earlier route that takes all requests; empty: none does.
    """

    kind: Kind
    method: str
    path: str
    pattern: str
    at: str
    host: str
    endpoint: str
    automatic: bool
    rules: tuple[str, ...]
    view: Requirement | None
    requirement: Requirement
    schemes: tuple[str, ...]
    anonymous: Literal["always", "sometimes", "never"]
    sample: str
    shadowed_by: str

    @property
    def source(self) -> str:
        """Where the requirement comes from: `"rule"`, `"default"`, `"rule and view"` or `"default and view"`."""
        return ("default" if self.rules == ("default",) else "rule") + (" and view" if self.view is not None else "")

    @property
    def subject(self) -> str:
        """The route in words, without the method."""
        return f"{self.host}{self.at or self.path}" + (" (websocket)" if self.kind == "websocket" else "")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the routes that may be a mistake.

    Args:
        code: a key of `CODES`.
        subject: the rule, or the methods and the path of the route.
        detail: what was found there.
    """

    code: str
    subject: str
    detail: str

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        return CODES[self.code][0]

    def __str__(self) -> str:
        return f"{self.subject}: {CODES[self.code][1]} ({self.detail})" if self.detail else f"{self.subject}: {CODES[self.code][1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteReport:
    """The routes of an application with what guards them.

    Args:
        routes: in the order in which the router of the application tries them.
        findings: the gravest first.
        rules: the rules of the guard, by pattern.
        default: what a path needs that no rule matches.
        schemes: the schemes of the guard.
        scope_implies: scopes with the scopes that each implies, as the guard was given them.
    """

    routes: tuple[GuardedRoute, ...]
    findings: tuple[Finding, ...]
    rules: tuple[tuple[str, Requirement], ...]
    default: Requirement
    schemes: tuple[str, ...]
    scope_implies: tuple[tuple[str, tuple[str, ...]], ...] = ()


__all__ = ["ANY_METHOD", "CODES", "SEVERITIES", "Finding", "GuardedRoute", "RouteReport", "Severity"]
