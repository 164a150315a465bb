"""Finds the view that the router of an application would choose for a request, as far as its routes show that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.authorization.marks import demand_of
from watchword.authorization.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.authorization.requirement import Requirement
    from watchword.routes.listed import Listed


def view_demand(listed: Sequence[Listed], method: str, path: str) -> Requirement | None:
    """Return what the view of a request demands; None: nothing, or no route is known to take the request.

    Args:
        listed: the routes, in the order in which the router tries them.
        method: of the request.
        path: of the request, decoded, below the mount of the application.
    """
    asked = Pattern(None, tuple(path.split("/")[1:]))
    for one in listed:
        takes = one.methods is None or method in one.methods or (method == "HEAD" and "GET" in one.methods)
        if takes and one.shape.pattern.covers_path(asked) and one.shape.takes(asked):
            return demand_of(one.views)
    return None
