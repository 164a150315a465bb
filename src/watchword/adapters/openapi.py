"""Adds to an OpenAPI document what a guard demands: security schemes, the security of each operation, and the refusals.

It is for every framework that makes such a document, of OpenAPI 3.0 to 3.2. The rule of the path and the requirement of the view are shown
as one. Operations that are hidden, or that no caller may use, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from watchword.authorization.identified import authenticated, optional, public
from watchword.authorization.requirement import leaves
from watchword.authorization.ways import ways
from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from watchword.authorization import Requirement
    from watchword.authorization.rules import Route
    from watchword.authorization.ways import Way
    from watchword.guard import Guard
    from watchword.schemes.base import Scheme

Document: TypeAlias = dict[str, Any]
Demanded: TypeAlias = "Callable[[str, str], Requirement | None]"
"""Returns what the view demands that serves a method (upper case) of a path template; None: nothing."""

_METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"})
_SAFE: Final = frozenset({"get", "head", "options"})  # exempt from the cross-site test (decision D61)
_ANY: Final = "\0"  # in place of a parameter: a segment that no rule names, because patterns have no control characters
_PARAMETER: Final = re.compile(r"\{[^{}]*\}")
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]")  # in names of components

_PROBLEM: Final = {
    "title": "Problem",
    "description": "A refusal (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "reason"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Explains the reason."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "reason": {"type": "string", "description": "The code of the reason."},
        "cure": {"type": "object", "description": "What a program can do: https://watchword.readthedocs.io/en/latest/cure.schema.json"},
        "request_id": {"type": "string", "description": "Names the request in the log of the server."},
    },
}
_ASKS: Final = "A challenge for each scheme that could help (RFC 9110 §11.6.1)."
_REFUSALS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "401": ("Unauthorized", "Credentials are missing, or not valid.", {"description": _ASKS, "required": True}),
    "403": ("Forbidden", "The caller may not do this.", {"description": "Names the scopes that are missing (RFC 6750 §3.1)."}),
}


def describe(
    document: Mapping[str, Any],
    guard: Guard,
    demanded: Demanded | None = None,
    *,
    prefix: str = "",
    is_deep: Callable[[str], bool] | None = None,
) -> Document:
    """Return an OpenAPI document with what a guard demands of each operation.

    `security` names each way to meet the rule of the path and the requirement of the view, by scheme, with the scopes and roles it needs.
    It is `[]` where all may call, and has `{}` where credentials are optional. Where the document names security of its own, both are
    needed. Responses that an operation describes itself stay.

    Args:
        document: the document, as the framework has made it. It stays as it is.
        guard: decides about the requests.
        demanded: returns what a view demands beside the rule; None: no view demands anything.
        prefix: the path of the document's application below the mount of the guard, such as `"/sub"`.
        is_deep: tells of a path template whether its last parameter takes several segments; None: none does.

    Raises:
        ConfigurationError: the document is not OpenAPI 3, or a scheme describes itself by no Security Scheme Object. Or a view demands what
            cannot be met together with its rule.
    """
    version = document.get("openapi")
    if not isinstance(version, str) or not version.startswith("3."):
        raise ConfigurationError(f'describe(document) must be an OpenAPI 3 document, with "openapi": "3.1.0", got {version!r}.')
    made = deepcopy({**document})
    filling = _Filling(guard, made, names_roles=not version.startswith("3.0"))
    paths = made.get("paths") or {}
    left_out: list[object] = []
    for template in [path for path, item in paths.items() if isinstance(item, dict)]:  # the others are extensions, `x-...`
        deep = is_deep is not None and is_deep(template)
        item = paths[template]
        for name in [method for method, operation in item.items() if method in _METHODS and isinstance(operation, dict)]:
            rule = _rule_at(guard, name.upper(), prefix + template, deep=deep)
            own = None if demanded is None else demanded(name.upper(), template)
            rule = rule if own is None else guard.policy.rules.narrowed(rule, own)
            if not filling.fill(item[name], name, rule):
                left_out.append(item.pop(name))
        if not _METHODS.intersection(item) and "$ref" not in item:
            del paths[template]
    _prune(made, left_out)
    return made


def _rule_at(guard: Guard, method: str, template: str, *, deep: bool) -> Route:
    """Return the rule of a path template: of a path whose parameters have values that no rule names.

    Args:
        guard: has the rules.
        method: of the operation, upper case.
        template: such as `/orders/{id}`, below the mount of the guard.
        deep: whether the last parameter takes several segments. Then the rules of one segment and of two count.
    """
    rules = guard.policy.rules
    path = _PARAMETER.sub(_ANY, template)
    found = rules.find(method, path)
    return rules.combined(found, rules.find(method, f"{_ANY}/{_ANY}".join(path.rsplit(_ANY, 1)))) if deep else found


def security_schemes(guard: Guard) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Return the Security Scheme Objects of a guard, each with the name of its component, by the name of the scheme in lower case.

    Args:
        guard: has the schemes, in the order of their challenges.

    Raises:
        ConfigurationError: a scheme describes itself by something else.
    """
    return {scheme.name.lower(): [*_described(scheme)] for scheme in guard.schemes}


def _described(scheme: Scheme[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    objects = scheme.openapi()
    kinds = [one.get("type") if isinstance(one, Mapping) else None for one in objects.values()] if isinstance(objects, Mapping) else []
    if not kinds or not all(isinstance(kind, str) for kind in kinds):
        raise ConfigurationError(
            f"{type(scheme).__name__}.openapi() must return Security Scheme Objects by name, got {objects!r}. "
            f'Return {{"{scheme.name}": {{"type": "http", "scheme": "{scheme.name.lower()}"}}}}.'
        )
    for name, value in objects.items():
        yield _UNFIT.sub("_", name), {**value}


class _Filling:
    """One document that is filled.

    Args:
        guard: decides about the requests.
        document: the document, which is changed.
        names_roles: whether schemes without scopes of their own name scopes and roles, as of OpenAPI 3.1.
    """

    def __init__(self, guard: Guard, document: Document, *, names_roles: bool) -> None:
        self._guard = guard
        self._inherited = document.get("security")
        self._names_roles = names_roles
        self._components: Document = document.setdefault("components", {})
        self._schemes = {
            key: [(self._component("securitySchemes", name, value), value["type"]) for name, value in objects]
            for key, objects in security_schemes(guard).items()
        }
        self._ambient = any(scheme.is_kept_by_browsers or scheme.cookies for scheme in guard.schemes)
        self._refusals: dict[str, str] = {}

    def fill(self, operation: Document, method: str, rule: Route) -> bool:
        """Fill one operation; False: it must be left out.

        Args:
            operation: the operation, which is changed.
            method: lower case.
            rule: of its path and its view.
        """
        found = () if rule.hides else ways(rule.requirement, frozenset(self._schemes))
        if not found:
            return False
        own = operation.get("security", self._inherited)
        operation["security"] = _both(own, self._security(found)) if own else self._security(found)
        for status in self._statuses(method, rule):
            refusal = {"$ref": f"#/components/responses/{self._refusal(status)}"}
            operation.setdefault("responses", {}).setdefault(status, refusal)
        return True

    def _security(self, found: tuple[Way, ...]) -> list[dict[str, list[str]]]:
        security: list[dict[str, list[str]]] = []
        for way in found:
            named = [entry for key, entries in self._schemes.items() if key in way.schemes for entry in entries]
            security += [{name: self._names(kind, way)} for name, kind in named] if way.schemes else [{}]
        # `[{}]` says the same as `[]`, which tools show as "no padlock".
        return [] if security == [{}] else [one for at, one in enumerate(security) if one not in security[:at]]

    def _names(self, kind: str, way: Way) -> list[str]:
        if kind in {"oauth2", "openIdConnect"}:
            return [*way.scopes]
        # OpenAPI 3.0: must be empty. 3.1, Security Requirement Object: "a list of role names which are required for the execution".
        return [*dict.fromkeys(way.scopes + way.roles)] if self._names_roles else []

    def _statuses(self, method: str, rule: Route) -> list[str]:
        demands = {*leaves(rule.requirement)} - {public}
        if not demands:
            return []
        crosses = method not in _SAFE and self._ambient and not rule.any_origin
        forbids = demands - {authenticated, optional} or crosses or self._guard.policy.require_tls
        return ["401", "403"] if forbids else ["401"]

    def _refusal(self, status: str) -> str:
        """Return the name of the component that describes a refusal."""
        if status not in self._refusals:
            name, description, header = _REFUSALS[status]
            schema = {"$ref": f"#/components/schemas/{self._component('schemas', 'Problem', _PROBLEM)}"}
            response = {
                "description": description,
                "headers": {"WWW-Authenticate": {**header, "schema": {"type": "string"}}},
                "content": {"application/problem+json": {"schema": schema}},
            }
            self._refusals[status] = self._component("responses", name, response)
        return self._refusals[status]

    def _component(self, kind: str, name: str, value: Mapping[str, Any]) -> str:
        """Add a component, and return its name. One of the application with the same name stays."""
        there = self._components.setdefault(kind, {})
        free = name
        while there.setdefault(free, deepcopy({**value})) != value:
            free += "_"
        return free


def _both(own: list[dict[str, list[str]]], ours: list[dict[str, list[str]]]) -> list[dict[str, list[str]]]:
    """Return the alternatives that meet both lists: the list itself, where they are the same."""
    found: list[dict[str, list[str]]] = []
    for one in own:
        for other in ours or [{}]:
            both = {name: [*dict.fromkeys((*one.get(name, ()), *other.get(name, ())))] for name in {**one, **other}}
            if not any(_suffices(known, both) for known in found):
                found = [*(known for known in found if not _suffices(both, known)), both]
    return found


def _suffices(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> bool:
    """Tell whether what meets `other` meets `one` anyway. That nothing is needed stays beside what is optional."""
    return one == other or (bool(one) and all(name in other and {*names} <= {*other[name]} for name, names in one.items()))


def _prune(document: Document, left_out: list[object]) -> None:
    """Remove the components that only operations use which are left out: their names would tell what is hidden."""
    components = document["components"]
    gone = _reached(left_out, components)
    if gone:
        kept = _reached([value for name, value in document.items() if name != "components"], components)
        for kind, name in gone - kept:
            del components[kind][name]


def _reached(values: object, components: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return kind and name of the components that values refer to, and those that these refer to."""
    found: set[tuple[str, str]] = set()
    waiting = [values]
    for value in waiting:
        if isinstance(value, Mapping):
            where = value.get("$ref")
            _, _, kind, name = [*where.split("/", 3), "", "", "", ""][:4] if isinstance(where, str) else [""] * 4
            if (kind, name) not in found and name in components.get(kind, ()):
                found.add((kind, name))
                waiting.append(components[kind][name])
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return found


__all__ = ["Demanded", "Document", "describe", "security_schemes"]
