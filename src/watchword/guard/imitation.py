"""Finds the paths at which the application is asked in place of the real one: for its own 404, and for the answer of its CORS layer.

The application is never called for a path that this caller may not ask for. A handler that answers every name, such as one for
`/{name}`, would run for a caller whom its rule refuses.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from watchword.authorization.context import EvaluationContext
from watchword.authorization.rules import Route
from watchword.authorization.value import YES

if TYPE_CHECKING:
    from watchword.decision import Hidden
    from watchword.guard.policy import Policy
    from watchword.request import RequestView


def missing_path(policy: Policy, view: RequestView, decision: Hidden) -> str | None:
    """Return a path that cannot exist, as near to the hidden one as this caller may ask.

    Near, because parts of an application may have 404s of their own: what the hidden rule names last is replaced, and only where
    a rule forbids that path too, the whole of it.

    Args:
        policy: the configuration.
        view: the request for what is hidden.
        decision: about the request.

    Returns:
        The decoded path below the mount; None: the caller may ask for none, and what is missing cannot be imitated.
    """
    name = _random_name()
    instead = copy(view)
    route = decision.route if isinstance(decision.route, Route) else policy.rules.find(view.method, view.path)
    for path in dict.fromkeys((_beside(route, view, name), f"/{name}")):
        instead.path, instead.raw_path = path, None
        instead.whole = None if view.whole is None else view.mount + path
        if policy.route(instead).requirement.evaluate(EvaluationContext(instead, policy.clock, decision.principal)) is YES:
            return path
    return None


def preflight_path(view: RequestView) -> str:
    """Return the path at which the application is asked about a preflight.

    Args:
        view: the request.

    Returns:
        The path with a random last segment, decoded, below the mount. The segments before it are kept, because CORS layers have settings
        by prefix.
    """
    return f"{view.path.rpartition('/')[0]}/{_random_name()}"


def _beside(route: Route, view: RequestView, name: str) -> str:
    """Return the path of a request with a name in place of what the pattern of the rule that hides it names last."""
    pattern = next((rule.pattern for rule in route.rules if rule.hides), route.pattern)
    names = () if pattern is None else pattern.without_slash().segments if pattern.is_closed else pattern.segments
    above = view.path.split("/")[1 : len(names)]
    return "/".join(("", *above, name))


def _random_name() -> str:
    from secrets import token_hex  # with the guards that ask, which are few: it loads five modules

    return token_hex(16)
