"""Requirements that nobody can ever meet are mistakes, found at construction where they can be seen.

Every leaf is taken for a statement that may be true or false of some caller; if no assignment makes the whole true, no
caller can. Only small requirements are tried, which are those that people write.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from watchword.authorization.leaves import authenticated, nobody, optional, public
from watchword.authorization.requirement import AllOf, AnyOf, Hidden, Not
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword.authorization.requirement import Requirement

_MOST_LEAVES = 10  # 1,024 assignments


def check_satisfiable(requirement: Requirement, rule: str) -> None:
    """Refuse a requirement that no caller can meet. `nobody`, and sets of no names, say so openly and are let be.

    Args:
        requirement: the requirement.
        rule: where it stands, for the message.

    Raises:
        ConfigurationError: no caller can meet it.
    """
    leaves = list(dict.fromkeys(_leaves(requirement)))
    free = [leaf for leaf in leaves if leaf not in (public, optional, authenticated)]
    if len(free) > _MOST_LEAVES or any(leaf == nobody or getattr(leaf, "empty", False) for leaf in leaves):
        return
    always = dict.fromkeys((public, optional, authenticated), True)
    for answers in product((True, False), repeat=len(free)):
        if _holds(requirement, always | dict(zip(free, answers, strict=True))):
            return
    raise ConfigurationError(f"the requirement of {rule!r} can never be met: {requirement}. If that is meant, write nobody")


def _leaves(requirement: Requirement) -> Iterator[Requirement]:
    if not requirement.parts:
        yield requirement
    for part in requirement.parts:
        yield from _leaves(part)


def _holds(requirement: Requirement, answers: Mapping[Requirement, bool]) -> bool:
    if isinstance(requirement, AllOf):
        return all(_holds(part, answers) for part in requirement.parts)
    if isinstance(requirement, AnyOf):
        return any(_holds(part, answers) for part in requirement.parts)
    if isinstance(requirement, Not):
        return not _holds(requirement.part, answers)
    if isinstance(requirement, Hidden):
        return _holds(requirement.part, answers)
    return answers[requirement]
