"""Tests the principal and its evidence."""

from __future__ import annotations

import pickle
from copy import copy, deepcopy
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from watchword import ANONYMOUS, Evidence, Principal

FULL = Principal(
    "ann",
    roles={"admin"},
    scopes=["orders:read", "orders:write"],
    permissions=("delete",),
    claims={"name": "Ann Example", "groups": ["a", "b"]},
    evidence=Evidence("Basic", auth_time=1.0, acr="gold", factors=frozenset({"otp"}), expires_at=9.0),
    kind="client",
)


def _pickled(who: Principal, protocol: int | None = None) -> Any:
    return pickle.loads(pickle.dumps(who, protocol))  # noqa: S301 - its own


def test_names_come_from_any_iterable() -> None:
    """Lists, sets, tuples and generators of names are kept as frozensets."""
    who = Principal("ann", roles={"admin"}, scopes=["a", "b", "a"], permissions=(name for name in ("p", "q")))
    assert [sorted(held) for held in (who.roles, who.scopes, who.permissions)] == [["admin"], ["a", "b"], ["p", "q"]]
    assert all(type(held) is frozenset for held in (who.roles, who.scopes, who.permissions))


@pytest.mark.parametrize("field", ["roles", "scopes", "permissions"])
@pytest.mark.parametrize("one", ["admin", b"admin"], ids=["text", "octets"])
def test_one_string_in_place_of_names_is_an_error(field: str, one: object) -> None:
    """`roles="admin"` would be the roles a, d, i, m and n; the message shows how to mend it."""
    with pytest.raises(TypeError, match=rf"{field}=\.\.\. must be a collection of names, not one string, got {one!r}. Write \[{one!r}\]"):
        Principal("ann", **{field: one})  # type: ignore[arg-type]  # the mistake itself


@pytest.mark.parametrize("field", ["roles", "scopes", "permissions"])
def test_a_name_that_is_no_string_is_an_error(field: str) -> None:
    """A number or None among the names would never match and never be noticed."""
    with pytest.raises(TypeError, match=rf"{field}=\.\.\. must be a collection of strings, got NoneType"):
        Principal("ann", **{field: ["a", None]})  # type: ignore[arg-type]  # the mistake itself


@pytest.mark.parametrize("one", ["otp", b"otp"], ids=["text", "octets"])
def test_one_string_in_place_of_factors_is_an_error(one: object) -> None:
    """`factors="otp"` is the same mistake, and would be found only when a route asks for a factor."""
    with pytest.raises(TypeError, match=r"factors=\.\.\. must be a collection of names"):
        Evidence("Basic", factors=one)  # type: ignore[arg-type]  # the mistake itself


def test_factors_come_from_any_iterable() -> None:
    """A set or a list of factors is kept as a frozenset, so that evidence stays hashable."""
    evidence = Evidence("Basic", factors={"otp"})  # type: ignore[arg-type]  # what the docstring shows
    assert type(evidence.factors) is frozenset
    assert evidence == Evidence("Basic", factors=frozenset({"otp"}))
    assert hash(evidence) == hash(Evidence("Basic", factors=frozenset({"otp"})))


@pytest.mark.parametrize("wrong", [None, 7, b"ann"])
def test_an_id_is_a_string(wrong: object) -> None:
    """A number from a database or bytes from a wire are no id: the message names the type and not the value."""
    with pytest.raises(TypeError, match=f"must be a string, got {type(wrong).__name__}"):
        Principal(wrong)  # type: ignore[arg-type]  # the mistake itself


def test_evidence_must_be_an_evidence() -> None:
    """A scheme name would fail later, when a rule reads it."""
    with pytest.raises(TypeError, match=r"^Principal\(evidence=\.\.\.\) must be an Evidence, got str\.$"):
        Principal("ann", evidence="Basic")  # type: ignore[arg-type]  # the mistake itself


def test_an_id_is_not_empty() -> None:
    """The message names ANONYMOUS, the one principal without an id."""
    with pytest.raises(ValueError, match="ANONYMOUS"):
        Principal("")


def test_only_anonymous_is_not_authenticated() -> None:
    """ANONYMOUS holds nothing; every other principal is authenticated."""
    assert not ANONYMOUS.is_authenticated
    assert (ANONYMOUS.id, ANONYMOUS.display_name, ANONYMOUS.identity) == ("", "", "")
    assert [ANONYMOUS.roles, ANONYMOUS.scopes, ANONYMOUS.permissions, ANONYMOUS.claims] == [frozenset(), frozenset(), frozenset(), {}]
    assert ANONYMOUS.evidence is None
    assert Principal("x").is_authenticated
    assert repr(ANONYMOUS) == "ANONYMOUS"


@pytest.mark.parametrize("twin", [copy, deepcopy, _pickled])
def test_there_is_one_anonymous(twin: Any) -> None:
    """No copy of ANONYMOUS is a second one: `is ANONYMOUS` stays true in another process."""
    assert twin(ANONYMOUS) is ANONYMOUS


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_principal_survives_pickling(protocol: int) -> None:
    """Sessions and task queues get back an equal principal, claims read-only as before."""
    twin = _pickled(FULL, protocol)
    assert twin == FULL
    assert hash(twin) == hash(FULL)
    with pytest.raises(TypeError):
        twin.claims["x"] = 1


def test_a_deep_copy_copies_the_claims() -> None:
    """Values inside the claims are copied too."""
    twin = deepcopy(FULL)
    assert twin == FULL
    assert twin.claims["groups"] is not FULL.claims["groups"]


def test_claims_are_copied_and_read_only() -> None:
    """A later change to the mapping of the checker does not change the principal."""
    given = {"name": "Ann"}
    who = Principal("ann", claims=given)
    given["name"] = "Mallory"
    assert who.claims["name"] == "Ann"
    with pytest.raises(TypeError):
        who.claims["name"] = "Mallory"  # type: ignore[index]  # the mistake itself


@pytest.mark.parametrize("field", ["id", "roles", "scopes", "permissions", "claims", "evidence", "kind"])
def test_a_principal_cannot_be_changed(field: str) -> None:
    """No handler gives itself a role."""
    who = Principal("ann")
    with pytest.raises(FrozenInstanceError):
        setattr(who, field, frozenset({"admin"}))
    with pytest.raises(FrozenInstanceError):
        delattr(who, field)
    with pytest.raises((AttributeError, TypeError)):
        who.is_admin = True  # type: ignore[attr-defined]  # the mistake itself


@pytest.mark.parametrize(
    "change",
    [
        {"id": "bob"},
        {"roles": ()},
        {"scopes": ()},
        {"permissions": ()},
        {"claims": {}},
        {"evidence": None},
        {"kind": "user"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_two_principals_are_equal_when_all_their_fields_are(change: dict[str, Any]) -> None:
    """Every field counts."""
    fields: dict[str, Any] = {name: getattr(FULL, name) for name in ("roles", "scopes", "permissions", "claims", "evidence", "kind")}
    fields["id"] = FULL.id
    assert Principal(**fields) == FULL
    assert Principal(**(fields | change)) != FULL


def test_a_principal_equals_nothing_else() -> None:
    """A principal is not its id."""
    assert Principal("ann") != "ann"
    assert Principal("ann") not in ("ann", None)
    assert len({Principal("ann"), Principal("ann"), Principal("bob")}) == 2


def test_the_repr_shows_what_is_held_and_hides_claims() -> None:
    """An issuer may put anything into claims, secrets too."""
    assert repr(Principal("ann")) == "Principal('ann')"
    assert repr(Principal("ann", claims={"ssn": "078-05-1120"})) == "Principal('ann', claims=...)"
    shown = repr(FULL)
    assert "Ann Example" not in shown
    for part in ("'ann'", "roles=['admin']", "scopes=['orders:read', 'orders:write']", "permissions=['delete']", "kind='client'", "Basic"):
        assert part in shown


@pytest.mark.parametrize(
    ("claims", "name"),
    [({"name": "Ann Example"}, "Ann Example"), ({}, "ann"), ({"name": ""}, "ann"), ({"name": 7}, "ann"), ({"name": None}, "ann")],
)
def test_the_display_name_is_the_name_claim_or_the_id(claims: dict[str, Any], name: str) -> None:
    """A claim that is no text is not shown to people."""
    assert Principal("ann", claims=claims).display_name == name


def test_the_identity_is_the_id() -> None:
    """Starlette's `BaseUser` calls it so."""
    assert Principal("ann").identity == "ann"


def test_has_scope_wants_all_and_has_role_any() -> None:
    """A scope is compared exactly; asking for none at all is never held."""
    who = Principal("ann", roles={"admin", "staff"}, scopes={"read", "write"})
    assert who.has_scope("read")
    assert who.has_scope("read", "write")
    assert not who.has_scope("read", "delete")
    assert not who.has_scope("Read")
    assert not who.has_scope("rea")
    assert not who.has_scope()
    assert who.has_role("admin")
    assert who.has_role("nobody", "staff")
    assert not who.has_role("Admin")
    assert not who.has_role()


def test_with_evidence_changes_the_evidence_alone() -> None:
    """The guard fills in the scheme without touching anything else, and the original stays as it was."""
    twin = FULL.with_evidence(Evidence("Bearer"))
    assert twin.evidence == Evidence("Bearer")
    assert twin != FULL
    assert twin.with_evidence(FULL.evidence or Evidence()) == FULL
