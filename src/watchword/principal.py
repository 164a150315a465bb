"""Defines the principal, and the evidence for it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from watchword.errors import ConfigurationError
from watchword.validators import check_scope, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NO_CLAIMS: Mapping[str, Any] = MappingProxyType({})
_NO_NAMES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, repr=False)
class Evidence:
    """How a principal was established.

    A checker may fill it in; the guard adds the scheme. A missing fact counts as not given: a requirement
    such as `fresh(300)` is then not met (RFC 9470 §6).

    Args:
        scheme: the authentication scheme, as in the challenge: `"Basic"`, `"Bearer"` (RFC 9110 §11.1).
        auth_time: when the person last logged in, Unix seconds.
        acr: the authentication context class reached (RFC 9470 §3).
        factors: the kinds of factor used, such as `{"password", "otp"}`; any collection, kept as a frozenset.
        expires_at: when the evidence ends, Unix seconds; the guard refuses it from that second on. None: it does not end.
        networks: the networks from which the evidence counts, such as `("10.0.0.0/8",)`; the guard refuses it from elsewhere. None: any
            network. An empty tuple, or a string that is not a network: no network.
        scopes: the scopes that were issued, where a guard has added to the principal those that they imply (`Guard(scope_implies=...)`);
            any collection, kept as a frozenset. What narrows or exchanges a token must start from these. None: those of the principal.

    Raises:
        TypeError: `factors`, `networks` or `scopes` is one string, which would be read letter by letter.
        ValueError: a scope is not a scope token (RFC 6749 §3.3).
    """

    scheme: str = ""
    auth_time: float | None = None
    acr: str | None = None
    factors: frozenset[str] = frozenset()
    expires_at: float | None = None
    networks: tuple[str, ...] | None = None
    scopes: frozenset[str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", _names("factors", self.factors))
        if self.networks is not None:
            _names("networks", self.networks)
            object.__setattr__(self, "networks", tuple(self.networks))
        if self.scopes is not None:
            object.__setattr__(self, "scopes", _scopes(self.scopes))

    def __repr__(self) -> str:
        # A repr shows the stated facts only.
        shown = {
            "auth_time": self.auth_time,
            "acr": self.acr,
            "factors": sorted(self.factors) or None,
            "expires_at": self.expires_at,
            "networks": self.networks,
            "scopes": None if self.scopes is None else sorted(self.scopes),
        }
        return f"Evidence({', '.join([repr(self.scheme), *(f'{name}={fact!r}' for name, fact in shown.items() if fact is not None)])})"


@dataclass(frozen=True, slots=True, init=False, eq=False)
class Principal:
    """The caller, with the roles, scopes and permissions that the caller holds. An immutable value.

    Two principals are equal when all their fields are. Claims never show in the repr: an issuer may put anything there.

    Args:
        id: a stable, non-empty name of the person or program within its issuer.
        roles: names for `role(...)`.
        scopes: names for `scope(...)`, compared exactly and case-sensitively (RFC 6749 §3.3).
        permissions: names for `permission(...)`.
        claims: further facts from the checker; copied one level deep, and read-only.
        evidence: how the principal was established; None: the guard fills in the scheme.
        kind: `"user"` for a person, `"client"` for a program acting for itself (RFC 9700 §4.15).

    Raises:
        ValueError: the id is empty, or a scope is not a scope token (RFC 6749 §3.3).
        TypeError: the id is not a string, the evidence is not an Evidence, or names are given as one string.

    Trust: checkers make principals, from proven facts only.
    """

    id: str
    roles: frozenset[str]
    scopes: frozenset[str]
    permissions: frozenset[str]
    claims: Mapping[str, Any]
    evidence: Evidence | None
    kind: Literal["user", "client"]

    def __init__(
        self,
        id: str,  # noqa: A002 - the name of the field, fixed by the public API
        *,
        roles: Iterable[str] = (),
        scopes: Iterable[str] = (),
        permissions: Iterable[str] = (),
        claims: Mapping[str, Any] | None = None,
        evidence: Evidence | None = None,
        kind: Literal["user", "client"] = "user",
    ) -> None:
        if not isinstance(id, str):
            raise TypeError(f"Principal(id=...) must be a string, got {type(id).__name__}.")
        if not id:
            raise ValueError("Principal(id=...) must be a non-empty string, got ''. Use watchword.ANONYMOUS for an anonymous caller.")
        if evidence is not None and not isinstance(evidence, Evidence):
            raise TypeError(f"Principal(evidence=...) must be an Evidence, got {type(evidence).__name__}.")
        if kind not in {"user", "client"}:
            raise invalid("Principal(kind=...)", 'be "user" or "client"', kind)
        _fill(self, id, _names("roles", roles), _scopes(scopes), _names("permissions", permissions), claims, evidence, kind)

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> NoReturn:
        """Refuse to be read by pydantic: as the type of a parameter of FastAPI the client would state it."""
        raise ConfigurationError(
            "Principal is no type of a parameter or a response: a client would state who it is. "
            "Use CurrentPrincipal or Annotated[Principal, Requires(...)] of watchword.adapters.fastapi, and return what callers may see."
        )

    @property
    def is_authenticated(self) -> bool:
        """Whether the caller is authenticated: False for `ANONYMOUS` alone."""
        return self.id != ""

    @property
    def display_name(self) -> str:
        """A name to show to people: the `name` claim if it is a string, else the id."""
        name = self.claims.get("name")
        return name if isinstance(name, str) and name else self.id

    @property
    def identity(self) -> str:
        """The id, under the name that Starlette's `BaseUser` gives it."""
        return self.id

    def has_scope(self, *names: str) -> bool:
        """Tell whether every one of the scopes is held; False for no names at all. Compared exactly (RFC 6749 §3.3)."""
        return bool(names) and self.scopes.issuperset(names)

    def has_role(self, *names: str) -> bool:
        """Tell whether any one of the roles is held; False for no names at all. Compared exactly."""
        return not self.roles.isdisjoint(names)

    def with_evidence(self, evidence: Evidence, scopes: frozenset[str] | None = None) -> Principal:
        """Return the same principal, established by this evidence.

        Args:
            evidence: the evidence.
            scopes: what is held in place of the scopes of this principal, each a scope token; None: the same.
        """
        alike = object.__new__(type(self))
        held = self.scopes if scopes is None else scopes
        _fill(alike, self.id, self.roles, held, self.permissions, self.claims, evidence, self.kind)
        return alike

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Principal):
            return NotImplemented
        return self is other or self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((self.id, self.kind))

    def __repr__(self) -> str:
        if not self.id:
            return "ANONYMOUS"
        shown = [repr(self.id)]
        shown += [
            f"{name}={sorted(held)}"
            for name, held in (("roles", self.roles), ("scopes", self.scopes), ("permissions", self.permissions))
            if held
        ]
        if self.claims:
            shown.append("claims=...")
        if self.evidence is not None:
            shown.append(f"evidence={self.evidence!r}")
        if self.kind != "user":
            shown.append(f"kind={self.kind!r}")
        return f"Principal({', '.join(shown)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, self._fields()

    def _fields(self) -> tuple[Any, ...]:
        return self.id, self.roles, self.scopes, self.permissions, dict(self.claims), self.evidence, self.kind


def _names(field: str, names: Iterable[str]) -> frozenset[str]:
    if isinstance(names, (str, bytes)):
        raise TypeError(f"{field}=... must be a collection of names, not one string, got {names!r}. Write [{names!r}].")
    kept = frozenset(names)
    for name in kept:
        if not isinstance(name, str):
            raise TypeError(f"{field}=... must be a collection of strings, got {type(name).__name__} in it.")
    return kept or _NO_NAMES  # an empty frozenset is 216 octets, and most principals have two of them


def _scopes(names: Iterable[str]) -> frozenset[str]:
    kept = _names("scopes", names)
    for name in kept:
        check_scope(name)
    return kept


def _fill(  # noqa: PLR0917 - the fields of Principal, in order
    blank: Principal,
    id: str,  # noqa: A002 - see Principal
    roles: frozenset[str],
    scopes: frozenset[str],
    permissions: frozenset[str],
    claims: Mapping[str, Any] | None,
    evidence: Evidence | None,
    kind: Literal["user", "client"],
) -> None:
    put = object.__setattr__
    put(blank, "id", id)
    put(blank, "roles", roles)
    put(blank, "scopes", scopes)
    put(blank, "permissions", permissions)
    put(blank, "claims", MappingProxyType(dict(claims)) if claims else _NO_CLAIMS)
    put(blank, "evidence", evidence)
    put(blank, "kind", kind)


def _restore(*fields: Any) -> Principal:  # noqa: ANN401 - the fields of Principal, in order
    if not fields[0]:
        return ANONYMOUS
    blank = object.__new__(Principal)
    _fill(blank, *fields)
    return blank


def _anonymous() -> Principal:
    blank = object.__new__(Principal)
    _fill(blank, "", frozenset(), frozenset(), frozenset(), None, None, "user")
    return blank


ANONYMOUS = _anonymous()
"""The anonymous caller: the only principal that is not authenticated. None never takes its place."""
