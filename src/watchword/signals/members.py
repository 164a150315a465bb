"""Remembers members of the keys that have the most of them, in bounded memory: what sketches cannot list.

Processes that share a store compare these members, so that one that several of them saw counts once. A full table gives up the key with
the fewest members, and among these the oldest. So keys with one member, of which there may be a million, push no key out that has more.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

_MOST_KEYS = 1024
_MOST_MEMBERS = 20_480  # of all keys together, in lists: a set would take twice as much


class Seen(NamedTuple):
    """What is known of a key.

    Args:
        members: some of its members, the first ones.
        at: when it was seen last, in Unix seconds.
        example: the member that was seen last.
        request_id: of the request that was seen last.
    """

    members: list[str]
    at: float
    example: str
    request_id: str


class Members:
    """The members of the present half-window, or of the one before.

    Args:
        limit: how many members of one key matter; twice as many are kept.
    """

    __slots__ = ("_keys", "_levels", "_most", "_most_keys")

    def __init__(self, limit: int) -> None:
        self._most = 2 * limit
        self._most_keys = min(_MOST_KEYS, _MOST_MEMBERS // self._most)
        self._keys: dict[str, Seen] = {}
        # By the bit length of the number of members.
        self._levels: tuple[OrderedDict[str, None], ...] = tuple(OrderedDict() for _ in range(self._most.bit_length() + 1))

    def add(self, key: str, member: str, at: float, request_id: str) -> None:
        """Note a member of a key.

        Args:
            key: the key.
            member: the member; empty: unknown.
            at: the time, in Unix seconds.
            request_id: of the request.
        """
        known = self._keys.get(key)
        members = [] if known is None else known.members
        level = len(members).bit_length()
        if len(members) < self._most and member and member not in members:
            members.append(member)
        risen = len(members).bit_length()
        if known is None:
            if len(self._keys) >= self._most_keys and not self._evict(risen):
                return
            self._levels[risen][key] = None
        elif risen != level:
            del self._levels[level][key]
            self._levels[risen][key] = None
        self._keys[key] = Seen(members, at, member or (known.example if known is not None else ""), request_id)

    def _evict(self, level: int) -> bool:
        """Give up a key that has no more members than a new one of this level."""
        for keys in self._levels[: level + 1]:
            if keys:
                del self._keys[keys.popitem(last=False)[0]]
                return True
        return False

    def get(self, key: str) -> Seen | None:
        """Return what is known of a key."""
        return self._keys.get(key)

    def ranked(self) -> list[str]:
        """Return the keys, those with the most members first, and the newest first among equals."""
        return [key for keys in reversed(self._levels) for key in reversed(keys)]

    def __repr__(self) -> str:
        return f"Members({len(self._keys)} keys)"


class TwoHalves:
    """The members of a window: of its present half, and of the one before.

    Args:
        limit: as of `Members`.
    """

    __slots__ = ("_limit", "before", "now")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.now: Members = Members(limit)
        self.before: Members = Members(limit)

    def turn(self, *, twice: bool) -> None:
        """Begin another half; `twice`: the one before is over, too."""
        self.before = Members(self._limit) if twice else self.now
        self.now = Members(self._limit)

    def get(self, key: str) -> Seen | None:
        """Return what is known of a key in the window."""
        now, before = self.now.get(key), self.before.get(key)
        if now is None or before is None:
            return now or before
        return now._replace(members=[*now.members, *before.members])

    def ranked(self) -> list[str]:
        """Return the keys of the window."""
        return list(dict.fromkeys([*self.now.ranked(), *self.before.ranked()]))

    def __repr__(self) -> str:
        return f"TwoHalves({self.now!r}, {self.before!r})"


__all__ = ["Members", "Seen", "TwoHalves"]
