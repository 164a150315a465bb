"""Random hierarchies of scopes, and their closure by another algorithm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from watchword.authorization.hierarchy import ScopeHierarchy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMES = ("read", "write", "list", "trial", "all")
"""The scopes of random requirements, and one that none of them names."""


@st.composite
def _hierarchies(draw: st.DrawFn) -> ScopeHierarchy:
    # Edges lead one way along a random order of the names, so that there is no cycle, and all graphs without one can come about.
    order = draw(st.permutations(NAMES))
    table = {name: draw(st.lists(st.sampled_from(order[at + 1 :]), unique=True, max_size=3)) for at, name in enumerate(order[:-1])}
    return ScopeHierarchy({name: implied for name, implied in table.items() if implied})


hierarchies = _hierarchies()
"""Hierarchies of these scopes, empty ones too."""


def closed_by_hand(table: Mapping[str, Sequence[str]], names: frozenset[str]) -> frozenset[str]:
    """Return scopes with all that they imply, found by following the table until nothing new is reached."""
    found, more = names, names
    while more:
        more = frozenset(one for name in more for one in table.get(name, ())) - found
        found |= more
    return found
