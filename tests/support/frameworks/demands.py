"""Views that demand what the rules of `people.py` do, below a path where a rule lets everybody pass."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.support.people import RULES, orders_guard
from watchword import Guard, authenticated, public

if TYPE_CHECKING:
    from tests.support.status_table import Row
    from watchword import Requirement

BELOW = "/views"
# What a view may demand: any rule but `public`, with the same words.
VIEWS: dict[str, Requirement] = {f"{BELOW}{path}": rule for path, rule in RULES.items() if " " not in path and rule != public}
VIEWS[f"{BELOW}/elsewhere"] = authenticated


def views_guard(rule: Requirement = public, **settings: Any) -> Guard:
    """Return the guard with the rules, and with one for the views.

    Args:
        rule: of all paths below `BELOW`.
        settings: of the guard.
    """
    return orders_guard(rules={**RULES, f"{BELOW}/**": rule}, **settings)


def below(row: Row) -> Row | None:
    """Return a row with the view in place of the rule; None: there is no such view, or the two are not alike."""
    path = row.request.target
    if f"{BELOW}{path}" not in VIEWS or row.request.method != "GET":
        return None
    return replace(row, request=replace(row.request, target=f"{BELOW}{path}"))


__all__ = ["BELOW", "VIEWS", "below", "views_guard"]
