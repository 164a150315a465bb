"""Checks the rules: a default that is open, names that nobody holds, and what `Guard.check_routes` finds about an application."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from watchword.authorization.worlds import is_open
from watchword.checkup.setup import Check, Setup, Untold
from watchword.findings import Finding, Rule
from watchword.inventory import demanded_names
from watchword.routes.report import CODES
from watchword.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword.findings import Severity

_SEVERITIES: Final[Mapping[str, Severity]] = {"high": "error", "medium": "warning", "low": "note"}

_OF_ROUTES: Final[Mapping[str, tuple[str, str]]] = {
    "rule_without_route": ("Every rule matches a route", "Correct the path of the rule, or remove it."),
    "public_by_default": ("No route is public by default alone", "Write a rule for the route, or demand something by default."),
    "shadowed": ("Every route can be reached", "Change the order of the routes, or remove the one behind."),
    "answered": ("No route stands where the guard answers by itself", "Move the route, or leave the metadata out."),
    "unreachable": ("Some caller can meet each rule", "Correct the rule."),
    "public": ("Public routes are known", "Nothing, if it is meant to be public."),
    "closed": ("Closed routes are known", "Nothing, if it is meant to be closed."),
    "open_rule_without_route": ("Every public rule matches a route", "Remove the rule."),
    "unlisted": ("The routes of all mounted applications are known", "Check the mounted application by itself."),
}

DEFAULT_OPEN: Final = Rule(
    "default-open", "A path that no rule names is closed", "warning", source="ASVS 8.2.1", page="check.html#default-open"
)
NOBODY_HOLDS: Final = Rule(
    "name-nobody-holds", "Somebody holds each name that a rule demands", "warning", page="check.html#name-nobody-holds"
)


def default_open(setup: Setup) -> Iterator[Finding]:
    """A route that is added later is public, and nobody has decided that."""
    default = setup.guard.policy.rules.default.requirement
    if is_open(default):
        yield Finding(
            DEFAULT_OPEN,
            f"A path that no rule names needs {default}.",
            "A route that is added later, or a mistyped rule, is then open.",
            "Leave Guard(default=...) out, and write a rule for each public path.",
            setup.name,
        )


def nobody_holds(setup: Setup) -> Iterator[Finding]:
    """A mistyped scope, role or permission locks everybody out. It can be told where the stores are the only source of names."""
    held = setup.held if setup.online else None
    if held is None:
        raise Untold("who holds which names is known elsewhere, such as at an issuer" if setup.online else "--offline was given")
    for route in setup.guard.policy.rules:
        wanted = demanded_names([route.requirement])
        for word, names, have in zip(("scope", "role", "permission"), wanted, held, strict=True):
            for name in sorted(names - have):
                close = nearest(name, have)
                yield Finding(
                    NOBODY_HOLDS,
                    f"No account, key or token has the {word} {name!r}.",
                    f"{close!r} is held: one of them may be mistyped." if close else "It was not granted yet, or is mistyped.",
                    "Correct the rule, or grant it.",
                    route.text,
                )


def _of_routes(code: str, rule: Rule, setup: Setup) -> Iterator[Finding]:
    for one in setup.routes.findings:
        if one.code == code:
            yield Finding(rule, f"{one.subject}: {CODES[code][1]}.", one.detail, _OF_ROUTES[code][1], one.subject)


def _route_checks() -> Iterator[Check]:
    for code, (severity, _) in CODES.items():
        name = f"route-{code.replace('_', '-')}"
        rule = Rule(name, _OF_ROUTES[code][0], _SEVERITIES[severity], page="check.html#routes")
        yield Check(rule, partial(_of_routes, code, rule))


CHECKS: Final = (Check(DEFAULT_OPEN, default_open), Check(NOBODY_HOLDS, nobody_holds), *_route_checks())
