"""Writes requirements as JSON, and reads them again.

A predicate of `where` is known by its name and that of its function; a change within the function is not seen. What is read again can be
compared, and not evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from watchword.authorization.facts import Network, Where, network
from watchword.authorization.identified import authenticated, nobody, optional, public
from watchword.authorization.leaves import Named, Permission, Role, Scope, ViaScheme
from watchword.authorization.requirement import AllOf, FromAnyOrigin, Hidden, Not, OneOf, Requirement
from watchword.authorization.step_up import Acr, Factor, Fresh
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchword.authorization.context import EvaluationContext
    from watchword.authorization.value import Value

JSON: TypeAlias = Any

_CONSTANTS: Final = {str(one): one for one in (public, optional, authenticated, nobody)}
_NAMED: Final[Mapping[str, type[Named]]] = {kind.word: kind for kind in (Scope, Role, Permission, ViaScheme, Acr, Factor)}
_AROUND: Final[Mapping[str, Callable[[Requirement], Requirement]]] = {"not": Not, "hidden": Hidden, "from_any_origin": FromAnyOrigin}
_DEEPEST: Final = 64  # nested values; more than any requirement has


@dataclass(frozen=True, slots=True)
class Predicate:
    """The name of a predicate of another process."""

    name: str

    def __call__(self, *_facts: object) -> NoReturn:
        """Raise: the predicate is not there."""
        raise TypeError(f"{self.name} is the name of a predicate, which cannot be called")


@dataclass(frozen=True, slots=True)
class Custom(Requirement):
    """A requirement of a class of one's own, known by the class and its text."""

    kind: str
    text: str

    def evaluate(self, context: EvaluationContext) -> Value:
        """Raise: the requirement was read from a file."""
        raise TypeError(f"{self} was read from a file, and cannot be evaluated")

    def __str__(self) -> str:
        return self.text


def to_json(requirement: Requirement) -> JSON:
    """Return a requirement as a value of JSON.

    Args:
        requirement: the requirement.
    """
    if requirement in _CONSTANTS.values():
        return str(requirement)
    if isinstance(requirement, (AllOf, OneOf)):
        return {"all" if isinstance(requirement, AllOf) else "any": [to_json(part) for part in requirement.parts]}
    for word, kind in _AROUND.items():
        if type(requirement) is kind:
            return {word: to_json(requirement.parts[0])}
    if isinstance(requirement, Named) and type(requirement) is _NAMED.get(requirement.word):
        return {requirement.word: list(requirement.names)}
    if isinstance(requirement, Fresh):
        return {"fresh": requirement.max_age}
    if isinstance(requirement, Network):
        return {"network": list(requirement.cidrs)}
    if isinstance(requirement, Where):
        facts = {"name": requirement.name, "request_only": requirement.request_only, "wanted": requirement.wanted}
        return {"where": {"predicate": _name(requirement.predicate), **facts}}
    if isinstance(requirement, Custom):
        return {"custom": {"kind": requirement.kind, "text": requirement.text}}
    return {"custom": {"kind": _name(type(requirement)), "text": str(requirement)}}


def from_json(value: JSON, depth: int = 0) -> Requirement:
    """Read a requirement that `to_json` has written.

    Args:
        value: the value of JSON; untrusted.
        depth: how deep it is nested in another one.

    Raises:
        ConfigurationError: it is no description of a requirement.
    """
    try:
        if isinstance(value, str):
            return _CONSTANTS[value]
        ((word, inner),) = value.items()
        if word in {"all", "any"} and depth < _DEEPEST:
            parts = tuple(from_json(part, depth + 1) for part in inner)
            return AllOf(parts) if word == "all" else OneOf(parts)
        if word in _AROUND and depth < _DEEPEST:
            return _AROUND[word](from_json(inner, depth + 1))
        return _leaf(word, inner)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise ConfigurationError(f"not a requirement: {str(value)[:80]!r}. Write the file by `watchword routes` again.") from None


def portable(requirement: Requirement) -> Requirement:
    """Return a requirement as it is read again, to compare it with one that was read.

    Args:
        requirement: the requirement.
    """
    return from_json(to_json(requirement))


def _leaf(word: str, inner: JSON) -> Requirement:
    if word in _NAMED and isinstance(inner, list):
        return _NAMED[word](tuple(inner))
    if word == "fresh":
        return Fresh(inner)
    if word == "network":
        return network(*inner)
    if word == "where":
        return Where(Predicate(inner["predicate"]), inner["name"], inner["request_only"], inner["wanted"])
    return Custom(**{"custom": inner}[word])


def _name(one: object) -> str:
    if isinstance(one, Predicate):
        return one.name
    named = one if hasattr(one, "__qualname__") else type(one)
    return f"{named.__module__}.{getattr(named, '__qualname__', '')}"


__all__ = ["Custom", "from_json", "portable", "to_json"]
