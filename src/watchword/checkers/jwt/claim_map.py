"""Turns the claims of a token into a principal, by a map that is data.

What identity providers agree on ends at `iss`, `sub` and `exp`. A map says where scopes, roles and the name of the client stand; there is
one for each of the common providers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from watchword.checkers.jwt.claims import is_text
from watchword.principal import Evidence, Principal
from watchword.reason import Reason
from watchword.validators import check_choice, check_sequence, invalid, is_scope_token
from watchword.verdict import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Profile: TypeAlias = Literal["at+jwt", "any"]

_MOST_NAMES: Final = 1000  # roles, scopes or permissions of one token, as of one record in a store
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class ClaimMap:
    """Where an issuer writes what a principal is made of.

    A place is a path of names, separated by dots: `"realm_access.roles"`. One that holds `:` or `/` is a single name
    (`"https://example.com/roles"`), and so is each part of a tuple. What is found there is a string or an array of strings, or of objects
    with a `value`; scopes in one string are separated by spaces. Nothing there means nothing held. Anything else refuses the token: a list
    that cannot be read would meet `~role("banned")`.

    Args:
        scopes: the places of scopes. The first that a token has counts.
        roles: the places of roles; all of them count.
        permissions: the places of permissions; all of them count.
        client: the claims that name the client, the first that a token has. If it is the subject, the program acts for itself.
        client_marks: claims that only tokens of programs acting for themselves have, each with its value; None: any value.
        audience: the claim that takes the place of `aud` in a token without it; None: such a token is refused.
        required: claims that each token must have, beside those of the profile.
        profile: `"at+jwt"` if the issuer follows RFC 9068, else `"any"`.

    Raises:
        ConfigurationError: a place or a name is not text.
    """

    scopes: tuple[str | tuple[str, ...], ...] = ("scope",)
    roles: tuple[str | tuple[str, ...], ...] = ()
    permissions: tuple[str | tuple[str, ...], ...] = ()
    client: tuple[str, ...] = ("client_id", "azp")
    client_marks: tuple[tuple[str, str | None], ...] = ()
    audience: str | None = None
    required: tuple[str, ...] = ()
    profile: Profile = "at+jwt"
    _paths: Mapping[str, tuple[tuple[str, ...], ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_choice("ClaimMap(profile=...)", self.profile, ("at+jwt", "any"))
        for name in ("client", "required"):
            check_sequence(f"ClaimMap({name}=...)", getattr(self, name), '("client_id",)')
        if self.audience is not None and (not isinstance(self.audience, str) or not self.audience):
            raise invalid("ClaimMap(audience=...)", "be the name of a claim", self.audience)
        for mark in self.client_marks:
            if not isinstance(mark, tuple) or len(mark) != 2 or not isinstance(mark[0], str):  # noqa: PLR2004 - a pair
                raise invalid("ClaimMap(client_marks=...)", 'hold pairs such as ("idtyp", "app")', mark)
        paths = {name: _paths(name, getattr(self, name)) for name in ("scopes", "roles", "permissions")}
        object.__setattr__(self, "_paths", {name: places for name, places in paths.items() if places})

    def principal(self, claims: Mapping[str, Any], expires_at: float) -> Principal | Refused:
        """Return the principal of a verified token, or why its claims do not make one.

        Args:
            claims: the claims, verified and checked.
            expires_at: when the token ends, Unix seconds, with the leeway.
        """
        held: dict[str, list[str]] = {}
        for name, paths in self._paths.items():
            is_name = is_scope_token if name == "scopes" else is_text
            found = _names(claims, paths, is_name, first=name == "scopes")
            if isinstance(found, Refused):
                return found
            held[name] = found
        kind = self._kind(claims)
        evidence = Evidence(
            auth_time=claims.get("auth_time"), acr=claims.get("acr"), factors=frozenset(claims.get("amr", ())), expires_at=expires_at
        )
        return Principal(subject_id(claims["iss"], kind, claims["sub"]), **held, claims=claims, evidence=evidence, kind=kind)

    def _kind(self, claims: Mapping[str, Any]) -> Literal["user", "client"]:
        """Tell whether a program acts for itself (RFC 9068 §2.2: then the subject is the client)."""
        client = next((claims[name] for name in self.client if name in claims), None)
        return "client" if client == claims["sub"] or (self.client_marks and self._is_marked(claims)) else "user"

    def _is_marked(self, claims: Mapping[str, Any]) -> bool:
        return any(name in claims and value in {None, claims[name]} for name, value in self.client_marks if _is_plain(claims.get(name)))


def subject_id(issuer: str, kind: str, subject: str) -> str:
    """Return the id of a principal: its issuer, whether it is a person or a program, and its name there (decision D49).

    A subject alone is no id: two issuers name different people alike, and a client that may choose its name would choose that of a person
    (RFC 9700 §4.15). An issuer holds no "#" (RFC 8414 §2), so no two triples have one id.

    Args:
        issuer: the issuer.
        kind: `"user"` or `"client"`.
        subject: the subject.
    """
    return f"{issuer}#{kind}:{subject}"


def _paths(name: str, places: object) -> tuple[tuple[str, ...], ...]:
    what = f"ClaimMap({name}=...)"
    if not isinstance(places, tuple) or () in places:
        raise invalid(what, "be a tuple of places", places, 'Write ("realm_access.roles",).')
    return tuple(check_sequence(what, place) if isinstance(place, tuple) else _path(what, place) for place in places)


def _path(what: str, place: object) -> tuple[str, ...]:
    if not isinstance(place, str) or not all(place.split(".")):
        raise invalid(what, 'hold places such as "scope" or "realm_access.roles"', place)
    return (place,) if ":" in place or "/" in place else tuple(place.split("."))


def _names(
    claims: Mapping[str, Any], paths: Iterable[tuple[str, ...]], is_name: Callable[[str], bool], *, first: bool
) -> list[str] | Refused:
    """Return the names at some places, or why they cannot be read."""
    names: list[str] = []
    for path in paths:
        found = claims.get(path[0], _ABSENT) if len(path) == 1 else _at(claims, path)
        if found is _ABSENT:
            continue
        held = _listed(found, first=first)
        if held is None or len(held) > _MOST_NAMES or not all(map(is_name, held)):
            return Refused(Reason.INVALID_CLAIM, detail=f"its claim {'.'.join(path)} holds no names that can be read")
        names += held
        if first:
            break
    return names


def _listed(found: object, *, first: bool) -> list[str] | None:
    """Return the texts at a place; None: there is something else."""
    if isinstance(found, str):
        # RFC 8693 §4.2: scopes are separated by spaces. A role is one name, which may hold spaces; some issuers write one role as text.
        return [one for one in found.split(" ") if one] if first else [found]
    if not isinstance(found, list):
        return None
    held = [one if isinstance(one, str) else _value(one) for one in found]
    return None if None in held else held  # type: ignore[return-value] # all of them are text


def _value(one: object) -> str | None:
    """Return the name in an object: RFC 9068 §2.2.3.1 writes roles as SCIM does, `{"value": "admin"}` (RFC 7643 §2.4)."""
    value = one.get("value") if isinstance(one, dict) else None
    return value if isinstance(value, str) else None


def _at(claims: Mapping[str, Any], path: tuple[str, ...]) -> object:
    """Return what a token has at a place. A parent that is no object holds nothing that could be read, so it is returned itself."""
    found: object = claims
    for name in path:
        if not isinstance(found, dict):
            return None
        if name not in found:
            return _ABSENT
        found = found[name]
    return found


def _is_plain(value: object) -> bool:
    return isinstance(value, (str, int, float, bool))


RFC9068: Final = ClaimMap(roles=("roles",), permissions=("entitlements",))
"""An issuer that follows RFC 9068 (§2.2.3). A group is no role by itself: `ClaimMap(roles=("roles", "groups"))` makes it one."""

KEYCLOAK: Final = ClaimMap(
    roles=("realm_access.roles",), client=("azp", "client_id"), client_marks=(("clientHost", None), ("clientAddress", None)), profile="any"
)
"""Keycloak. Roles of the realm; those of a client are at `("resource_access", "orders", "roles")`. It names an audience in `aud` only
where a client scope with an audience mapper says so."""

ENTRA_ID: Final = ClaimMap(
    scopes=("scp",), roles=("roles",), client=("azp", "appid"), client_marks=(("idtyp", "app"),), profile="any"
)  # fmt: skip
"""Microsoft Entra ID. Roles are app roles; `groups` holds object ids, and is absent where there are too many. Tokens of applications are
told from those of people by the optional claim `idtyp`."""

AUTH0: Final = ClaimMap(
    permissions=("permissions",), client=("azp", "client_id"), client_marks=(("gty", "client-credentials"),), profile="any"
)
"""Auth0. Permissions come with role-based access control switched on; roles only in a claim of one's own, such as
`"https://example.com/roles"`."""

COGNITO: Final = ClaimMap(roles=("cognito:groups",), client=("client_id",), audience="client_id", required=("token_use",), profile="any")
"""Amazon Cognito. An access token has no `aud` unless it is bound to a resource: the id of the client takes its place."""

OKTA: Final = ClaimMap(scopes=("scp",), roles=("groups",), client=("cid",), profile="any")
"""Okta, with an authorization server of one's own. Groups come by a claim that is set up there."""
