"""Finds requirements that no caller can meet: such a rule is a mistake, reported at construction.

Each leaf is a statement that is true or false of a caller. The check tries all assignments: if none that one caller can have makes the
requirement true, no caller can meet it. Longer requirements than people write are not tried.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from watchword.authorization.facts import Where
from watchword.authorization.identified import authenticated, nobody, optional, public
from watchword.authorization.leaves import Named, Permission, Role, Scope, ViaScheme
from watchword.authorization.requirement import AllOf, Marked, Not, OneOf, leaves
from watchword.authorization.step_up import Acr, Factor, Fresh
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.authorization.requirement import Requirement

_MOST_LEAVES = 10  # 1,024 assignments


def check_satisfiable(requirement: Requirement, rule: str) -> None:
    """Refuse a requirement that no caller can meet. `nobody` and empty lists are accepted: they deny on purpose.

    Args:
        requirement: the requirement.
        rule: the pattern of its rule, for the message.

    Raises:
        ConfigurationError: no caller can meet it.
    """
    if not is_satisfiable(requirement):
        raise ConfigurationError(f"the requirement of {rule!r} can never be met: {requirement}. Write nobody to refuse every caller.")


def is_satisfiable(requirement: Requirement, schemes: frozenset[str] | None = None) -> bool:
    """Tell whether some caller can meet a requirement; True where the check cannot tell.

    Args:
        requirement: the requirement.
        schemes: the schemes, lower case, of the guard; None: any.
    """
    stated = list(dict.fromkeys(_statement(leaf) for leaf in leaves(requirement)))
    free = [leaf for leaf in stated if leaf not in (public, optional, authenticated)]
    if len(free) > _MOST_LEAVES or any(leaf == nobody or getattr(leaf, "empty", False) for leaf in stated):
        return True
    always = dict.fromkeys((public, optional, authenticated), True)
    for answers in product((True, False), repeat=len(free)):
        chosen = dict(zip(free, answers, strict=True))
        if _holds(requirement, always | chosen) and _go_together(chosen, schemes):
            return True
    return False


def _statement(leaf: Requirement) -> Requirement:
    """Return the statement of a leaf. `~where(p)` is a leaf too, and its statement is `where(p)`."""
    return ~leaf if isinstance(leaf, Where) and not leaf.wanted else leaf


def _holds(requirement: Requirement, answers: Mapping[Requirement, bool]) -> bool:
    if isinstance(requirement, AllOf):
        return all(_holds(part, answers) for part in requirement.parts)
    if isinstance(requirement, OneOf):
        return any(_holds(part, answers) for part in requirement.parts)
    if isinstance(requirement, Not):
        return not _holds(requirement.part, answers)
    if isinstance(requirement, Marked):
        return _holds(requirement.part, answers)
    stated = _statement(requirement)
    return answers[stated] is (stated is requirement)


def _go_together(answers: Mapping[Requirement, bool], schemes: frozenset[str] | None) -> bool:
    """Tell whether all answers can be true of one caller."""

    def named(kind: type[Named], *, met: bool) -> list[frozenset[str]]:
        found = [leaf for leaf, answer in answers.items() if answer is met and isinstance(leaf, kind)]
        return [leaf.accepted_schemes() or frozenset(leaf.names) for leaf in found]  # scheme names in lower case

    for every in (Scope, Permission, Factor):
        held = frozenset[str]().union(*named(every, met=True))
        if any(names <= held for names in named(every, met=False)):
            return False
    lacked = frozenset[str]().union(*named(Role, met=False))
    if any(names <= lacked for names in named(Role, met=True)):
        return False
    for one, there_are in ((ViaScheme, schemes), (Acr, None)):  # the evidence names one scheme and one class
        # Anonymous callers have no scheme, and never meet a `~via(...)` that names all schemes.
        allowed = named(one, met=True) + ([] if there_are is None else [there_are])
        if allowed and not frozenset.intersection(*allowed).difference(*named(one, met=False)):
            return False
    ages = {met: [leaf.max_age for leaf, answer in answers.items() if answer is met and isinstance(leaf, Fresh)] for met in (True, False)}
    return not (ages[True] and ages[False]) or min(ages[True]) > max(ages[False])
