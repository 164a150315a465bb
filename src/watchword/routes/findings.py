"""Finds what may be a mistake in the rules of a guard, or in the routes of an application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.authorization.tree import PatternTree
from watchword.authorization.worlds import can_be_met, is_open
from watchword.routes.listed import opened
from watchword.routes.report import ANY_METHOD, SEVERITIES, Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from watchword.authorization import Rules
    from watchword.authorization.pattern import Pattern
    from watchword.routes.listed import Listed
    from watchword.routes.report import GuardedRoute


def find_mistakes(
    listed: Sequence[Listed], routes: Sequence[GuardedRoute], rules: Rules, schemes: Sequence[str], answered: Collection[str] = ()
) -> tuple[Finding, ...]:
    """Return the findings, the gravest first.

    Args:
        listed: the routes of the application.
        routes: what is in force there.
        rules: of the guard.
        schemes: the names of its schemes.
        answered: the paths at which the guard answers by itself.
    """
    methods: dict[tuple[str, str, str], list[str]] = {}
    known = frozenset(name.lower() for name in schemes)
    closed = {rule.text for rule in rules if can_be_met(rule.requirement, known) is False}
    for route in routes:
        for code, detail in _about(route, closed, known):
            methods.setdefault((code, route.subject, detail), []).append(route.method)
    found = [
        Finding(code, f"{ANY_METHOD if ANY_METHOD in names else ','.join(names)} {subject}", detail)
        for (code, subject, detail), names in methods.items()
    ]
    found += _about_rules(listed, rules)
    found += [Finding("answered", one.path, one.endpoint) for one in listed if _only_path(one) in answered]
    return tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity)))


def _about(route: GuardedRoute, closed: set[str], schemes: frozenset[str]) -> Iterator[tuple[str, str]]:
    if route.automatic:
        return  # what is found about the method that was written holds for it as well
    if route.shadowed_by:
        yield "shadowed", f"{route.endpoint}, behind {route.shadowed_by}"
    elif can_be_met(route.requirement, schemes) is False:
        denying = [text for text in route.rules if text in closed]
        yield ("closed", denying[0]) if denying else ("unreachable", str(route.requirement))
    elif route.anonymous == "always":
        yield "public_by_default" if route.rules == ("default",) else "public", f"{route.requirement}, by {' and '.join(route.rules)}"
    if route.kind == "mount":
        yield "unlisted", route.endpoint


def _about_rules(listed: Sequence[Listed], rules: Rules) -> Iterator[Finding]:
    """Yield the rules that match no route. One that matches and never decides, as a catch-all of safety, is no mistake."""
    tree: PatternTree[Listed] = PatternTree()
    for one in listed:
        if one.methods == ():
            continue
        tree.add(opened(one.shape.pattern), one)
    for rule in rules.routes:
        if rule.pattern is not None and not any(_meets(rule.pattern, one) for _, one in tree.overlapping(opened(rule.pattern))):
            yield Finding(
                "open_rule_without_route" if is_open(rule.requirement) else "rule_without_route", rule.text, str(rule.requirement)
            )


def _only_path(listed: Listed) -> str | None:
    """Return the path of a route that has one; None: it has parameters, or is mounted."""
    pattern = listed.shape.pattern
    literals = [segment for segment in pattern.segments if segment is not None]
    return None if pattern.rest or len(literals) < len(pattern.segments) else "/" + "/".join(literals)


def _meets(pattern: Pattern, listed: Listed) -> bool:
    names = None if listed.methods is None else {"GET" if name == "HEAD" else name for name in listed.methods}
    if pattern.methods is not None and names is not None and pattern.methods.isdisjoint(names):
        return False
    meet = opened(pattern).meet(opened(listed.shape.pattern))
    return meet is not None and listed.shape.takes(meet)
