"""Tests the promises that the contracts of keys and tokens share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from watchword.errors import AlreadyExists
from watchword.testing.stores.common import TEXTS, UNSTORABLE, account, paged, raises, refuses, same, voids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watchword.stores.ports import Issued


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a store: keys or tokens.

    Args:
        store: the store.
        make: returns a record to add, from its id and its owner.
        find: returns the stored record of a given one.
    """

    store: Any
    make: Callable[..., Any]
    find: Callable[[Any], Any]

    @property
    def what(self) -> str:
        """The kind of its records."""
        return str(self.make().what)

    def add(self, record: Issued) -> Any:  # noqa: ANN401 - a store's record; so below
        """Add a record."""
        return getattr(self.store, f"add_{self.what}")(record)

    def list(self, **page: Any) -> Sequence[Any]:  # noqa: ANN401
        """Return records."""
        return tuple(getattr(self.store, f"list_{self.what}s")(**page))

    def kept(self, record: Any) -> Any:  # noqa: ANN401
        """Return a record without the version that a store gives it."""
        return replace(record, version=0) if hasattr(record, "version") else record


def kept_whole(side: Side, given: Issued) -> None:
    """Check that a record is kept and found with every field."""
    added = side.add(given)
    same(side.kept(added), given, f"the {side.what} as it is kept")
    same(side.find(given), added, f"the {side.what} as it is found")
    little = side.make("little")
    same(side.kept(side.add(little)), little, f"a {side.what} with few fields")


def any_text(side: Side, *more: Callable[[str], Issued]) -> None:
    """Check that ids and owners are any text, and that unstorable text is refused and finds nothing."""
    for text in TEXTS:
        side.add(side.make(text, text, label=text))
    for text in TEXTS:
        found = side.find(side.make(text))
        same((found.id, found.owner, found.label), (text, text, text), f"a {side.what}")
        same(side.list(owner=text), (found,), f"the {side.what}s of an owner")
    for text in UNSTORABLE:
        bad = [replace(side.make("x"), id=text), side.make("x", text), *(one(text) for one in more)]
        bad += [side.make("x", **{grants: frozenset({text})}) for grants in ("roles", "scopes", "permissions")]
        for record in [*bad, *([side.make("x", label=text)] if text else [])]:
            refuses(partial(side.add, record), f"adding a {side.what} with {text[:9]!r}")
        same((side.list(owner=text), side.store.revoke_all(text, 1)), ((), (0, 0)), f"the {side.what}s of {text[:9]!r}")
        if text:
            same(side.list(after=text), (), f"{side.what}s after an unstorable id")
    wrong: dict[str, Any] = {"digest": b"short", "kind": "root", "expires_at": float("nan"), "scopes": "a"}
    for field, value in wrong.items():
        refuses(partial(side.add, replace(side.make(), **{field: value})), f"adding a {side.what} that cannot be kept")
    same(len(side.list()), len(TEXTS), "the number of kept records")


def taken_once(side: Side, *same_as_first: Issued) -> None:
    """Check that a second record with the same id or digest is refused."""
    kept = side.add(side.make("1", "ann"))
    for record in (side.make("1", "bob"), *same_as_first):
        raises(AlreadyExists, partial(side.add, record), f"adding a {side.what} that is taken")
    same(side.list(), (kept,), f"the {side.what}s")


def in_order(side: Side, ids: Sequence[str], fill: Callable[[Sequence[Any]], None]) -> None:
    """Check that records are listed in the order of their ids, for all owners or one, and come once on all pages."""
    fill([side.make(id_, "ann" if number % 5 else "bob") for number, id_ in enumerate(ids)])
    few = max(3, len(ids) // 25)
    same(paged(lambda after: side.list(after=after)), list(ids), "all, by pages")
    same(paged(lambda after: side.list(owner="bob", after=after, limit=few)), list(ids[::5]), "those of one, by pages")
    same([found.id for found in side.list(limit=3)], list(ids[:3]), "the first")
    same((side.list(owner="eve"), side.list(limit=0), side.list(limit=-1)), ((), (), ()), "none")


def all_revoked(side: Side, revoked: Callable[[int], tuple[int, int]]) -> None:
    """Check that `revoke_all` revokes the unrevoked records of one owner alone."""
    for one in (side.make("1"), side.make("2", revoked_at=3.0), side.make("3", revoked_at=9.0), side.make("4", "bob")):
        side.add(one)
    same(side.store.revoke_all("1", 5), revoked(1), "the number of revoked ones")
    same([found.revoked_at for found in side.list()], [5.0, 3.0, 9.0, None], "the times")
    same(
        (side.store.revoke_all("1", 6), side.store.revoke_all("eve", 6)),
        ((0, 0), (0, 0)),
        "a second revocation, and one of an unknown owner",
    )


def told_of_its_owner(side: Side) -> None:
    """Check that a record tells whether its owner is disabled, whatever it was added with and however it is read."""
    kept = side.store.add_account(account("1", disabled=True))
    one, two = side.make("1", "1", owner_disabled=False), side.make("2", "2", owner_disabled=True)
    same((side.add(one).owner_disabled, side.add(two).owner_disabled), (True, False), "the states of added records")
    same([found.owner_disabled for found in side.list()], [True, False], "the states of listed records")
    look_1, look_2 = partial(side.find, one), partial(side.find, two)
    voids(side.store, look_1, lambda: side.store.replace_account(replace(kept, disabled=False)), "the owner enabled", look_2)
    same((look_1().owner_disabled, side.list(owner="1")[0].owner_disabled), (False, False), "the states with an enabled owner")
    voids(side.store, look_2, lambda: side.store.add_account(account("2", disabled=True)), "the owner disabled", look_1)
    same((look_1().owner_disabled, look_2().owner_disabled), (False, True), "the states in the end")
