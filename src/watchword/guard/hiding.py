"""Where there is nothing: the path for which the application is asked in place of a hidden one, so that its own 404 is the answer.

The application is never called for a path that this caller may not ask for. A handler that answers every name, such as one for
`/{name}`, would run for somebody whom its rule keeps out.
"""

from __future__ import annotations

from copy import copy
from secrets import token_hex
from typing import TYPE_CHECKING

from watchword.authorization.requirement import EvaluationContext
from watchword.authorization.value import YES

if TYPE_CHECKING:
    from watchword.authorization.rules import Route
    from watchword.guard.policy import Policy
    from watchword.principal import Principal
    from watchword.request import RequestView


def path_of_nothing(policy: Policy, view: RequestView, principal: Principal) -> str | None:
    """Return a path that nobody can have made, as near to the hidden one as this caller may ask.

    Near, because parts of an application may have 404s of their own: what the hidden rule names last is replaced, and only where
    a rule forbids that path too, the whole of it.

    Args:
        policy: the configuration.
        view: the request for what is hidden.
        principal: who it is.

    Returns:
        The decoded path below the mount; None: the caller may ask for none, and what is missing cannot be imitated.
    """
    name = token_hex(16)
    instead = copy(view)
    for path in dict.fromkeys((_beside(policy.rules.find(view.method, view.path), view, name), f"/{name}")):
        instead.path, instead.raw_path = path, None
        instead.whole = None if view.whole is None else view.mount + path
        if policy.route(instead).requirement.evaluate(EvaluationContext(instead, policy.clock, principal)) is YES:
            return path
    return None


def _beside(route: Route, view: RequestView, name: str) -> str:
    """Return the path of a request with a name in place of what the pattern of the rule that hides it names last."""
    pattern = next((rule.pattern for rule in route.rules if rule.hides), route.pattern)
    names = () if pattern is None else pattern.without_slash().segments if pattern.is_closed else pattern.segments
    above = view.path.split("/")[1 : len(names)]
    return "/".join(("", *above, name))
