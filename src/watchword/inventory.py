"""Lists what a guard is made of: its checkers, their stores, and the names that its rules demand and its callers hold.

For tools that look at a configuration. Nothing here is on the way of a request.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from watchword.authorization.leaves import Permission, Role, Scope
from watchword.authorization.rules import walk
from watchword.checkers.lookups import pages
from watchword.credentials import BasicCredentials
from watchword.errors import WatchwordError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watchword.authorization.requirement import Requirement
    from watchword.guard.guard import Guard
    from watchword.schemes.base import Scheme

_MOST_RECORDS: Final = 10_000
_LISTS: Final = ("list_accounts", "list_keys", "list_tokens")


class Part(NamedTuple):
    """One checker of a guard.

    Args:
        scheme: the scheme that asks it.
        checker: the checker, as the application made it.
    """

    scheme: Scheme[Any]
    checker: object


class Names(NamedTuple):
    """Names for rules.

    Args:
        scopes: for `scope(...)`.
        roles: for `role(...)`.
        permissions: for `permission(...)`.
    """

    scopes: frozenset[str]
    roles: frozenset[str]
    permissions: frozenset[str]


def list_checkers(guard: Guard) -> tuple[Part, ...]:
    """Return the checkers of a guard; of one that chooses among several, those.

    Args:
        guard: the guard.
    """
    return tuple(Part(scheme, one) for scheme in guard.schemes for one in _leaves(scheme.checker))


def _leaves(checker: object) -> Iterator[object]:
    parts = getattr(checker, "checkers", None)
    if not isinstance(parts, tuple):
        yield checker
        return
    for part in parts:
        yield from _leaves(part)


def list_stores(guard: Guard) -> tuple[object, ...]:
    """Return the stores of a guard's checkers, each once.

    Args:
        guard: the guard.
    """
    found = [getattr(part.checker, "store", None) for part in list_checkers(guard)]
    return tuple({id(store): store for store in found if store is not None}.values())


def demanded_names(requirements: Iterable[Requirement]) -> Names:
    """Return the names that requirements demand.

    Args:
        requirements: of rules and of views.
    """
    parts = [part for requirement in requirements for part in walk(requirement)]
    return Names(
        *(frozenset(name for part in parts if isinstance(part, kind) for name in part.names) for kind in (Scope, Role, Permission))
    )


def held_names(guard: Guard) -> Names | None:
    """Return the names that accounts, keys and tokens of a guard hold; None: that cannot be told, as where an issuer elsewhere grants them.

    Args:
        guard: the guard. Its stores are asked, for 10,000 records of each kind at most.
    """
    found: list[Any] = []
    for _, checker in list_checkers(guard):
        principals = getattr(checker, "principals", None)
        store = getattr(checker, "store", None)
        if isinstance(principals, tuple):
            found += principals
        elif store is not None:
            records = _records(store)
            if records is None:
                return None
            found += records
        else:
            return None
    return Names(*(frozenset(name for one in found for name in getattr(one, what)) for what in Names._fields))


def login_names(guard: Guard) -> tuple[str, ...]:
    """Return the names by which people log in, 10,000 of a store at most; empty where they are not known.

    Args:
        guard: the guard.
    """
    checkers = [checker for _, checker in list_checkers(guard) if BasicCredentials in getattr(checker, "takes_credentials", ())]
    return tuple(name for checker in checkers for name in names_of(checker))


def names_of(checker: object) -> tuple[str, ...]:
    """Return the names by which people log in at a checker of passwords, 10,000 at most; empty where they are not known.

    Args:
        checker: the checker.
    """
    store = getattr(checker, "store", None)
    records = getattr(checker, "principals", ()) if store is None else _records(store, _LISTS[:1]) or ()
    return tuple(name for one in records for name in getattr(one, "names", (one.id,)))


def _records(store: object, lists: tuple[str, ...] = _LISTS) -> list[Any] | None:
    """Return the records of a store; None: it does not answer, or has too many."""
    found: list[Any] = []
    for name in lists:
        page = getattr(store, name, None)
        if page is None:
            continue
        try:
            more = list(islice(pages(partial(_page, page)), _MOST_RECORDS + 1))
        except WatchwordError:
            return None
        if len(more) > _MOST_RECORDS:
            return None
        found += more
    return found


def _page(page: Any, after: str) -> Any:  # noqa: ANN401 - a method of a store
    return page(after=after)
