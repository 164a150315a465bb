"""Defines what one process tells the others about its counts, and its form in a store.

Members are keyed hashes of 8 octets: they can be compared, and not read. The subject of an entry is what the signal would show: an address,
or the hash of a credential as in events. What is read from a store may have been written by anybody who can write there: each text is
bounded, each number is checked, and another version is refused.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from watchword.signals.signal import CAUSES
from watchword.stores.bounds import MAX_VALUE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from watchword.signals.signal import SignalKind

VERSION = 1

OCTETS = 8
SAMPLE = 128
"""Hashes of one set at most. Of a larger set the smallest are kept, which tell its size within a tenth (Bar-Yossef et al., 2002)."""

_MOST_TEXT = 128
_MOST_COUNT = 2**31
_LONGEST = 31_622_400.0  # seconds
_BUDGET = 16_384  # octets of the entries: what is written every few seconds stays small
_MOST_SHARES = 8


class Some(NamedTuple):
    """A set, by hashes of its members.

    Args:
        size: how many members it has.
        hashes: of some of them. All of them, or the smallest.
    """

    size: int
    hashes: frozenset[int]


class Entry(NamedTuple):
    """What a process counted about one subject.

    Args:
        kind: of the signal that it may become.
        subject: of the signal.
        members: names of an address, addresses of a name, networks of a credential.
        more: for `spraying` the accepted names; for `brute_force` how many failures; else empty.
        example: a member, as events have it.
        request_id: of the last request.
        age: seconds since that, by the clock of the process.
        told: whether the process has raised it by itself, while the store was away.
    """

    kind: SignalKind
    subject: str
    members: Some
    more: Some
    example: str
    request_id: str
    age: float
    told: bool


class Share(NamedTuple):
    """What failed in the last period of a process, by one group of reasons.

    Args:
        kind: of the signal.
        scheme: of the credentials.
        credentials: that failed.
        addresses: from which they came.
        reasons: which, and how often.
        request_id: of one that failed.
        is_active: whether it has begun in this process.
        told: as of `Entry`.
    """

    kind: SignalKind
    scheme: str
    credentials: Some
    addresses: Some
    reasons: dict[str, int]
    request_id: str
    is_active: bool
    told: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """The counts of a process.

    Args:
        period: the number of its last whole period, by its own clock.
        addresses: of all requests of that period.
        is_behind_one: whether these are one private address.
        accepted: scheme to the credentials that were accepted in that period.
        shares: what failed in it.
        entries: about single subjects.
    """

    period: int
    addresses: Some
    is_behind_one: bool
    accepted: dict[str, Some] = field(default_factory=dict)
    shares: tuple[Share, ...] = ()
    entries: tuple[Entry, ...] = ()


class Garbled(ValueError):
    """A summary cannot be read."""


def union(sets: Iterable[Some]) -> int:
    """Return how many members sets have together: exactly if each is known whole, and else estimated, and never less than the greatest."""
    given = [*sets]
    together = frozenset[int]().union(*(one.hashes for one in given))
    cut = [max(one.hashes) for one in given if one.hashes and one.size > len(one.hashes)]
    most = max((one.size for one in given), default=0)
    if not cut:
        return max(len(together), most)
    # Below the least greatest hash every member of every set is known.
    edge = min(cut)
    known = sum(one <= edge for one in together)
    estimate = len(together) if known < SAMPLE else int((known - 1) * 2 ** (8 * OCTETS) / max(edge, 1))
    return max(estimate, len(together), most)


class Hasher:
    """Hashes members by a key that all processes of a group have.

    Args:
        key: the key.
    """

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key, digest_size=OCTETS, person=b"watchword signal")

    def some(self, members: Collection[str], count: int = 0) -> Some:
        """Return a set by hashes.

        Args:
            members: some of its members.
            count: how many it has, if more are known than are in `members`.
        """
        hashes = sorted({*map(self._hash, members)})
        return Some(max(count, len(hashes)), frozenset(hashes[:SAMPLE]))

    def _hash(self, member: str) -> int:
        state = self._keyed.copy()
        state.update(member.encode("utf-8", "surrogatepass"))
        return int.from_bytes(state.digest())

    def __repr__(self) -> str:
        return "Hasher()"


def encode(summary: Summary) -> bytes:
    """Return a summary as it is kept, in at most `MAX_VALUE` octets. Entries beyond a budget are left out, the last ones first."""
    entries: list[list[Any]] = []
    left = _BUDGET
    for one in summary.entries:
        written = [one.kind, one.subject, _written(one.members), _written(one.more), one.example, one.request_id, one.age, one.told]
        left -= len(json.dumps(written))
        if left < 0:
            break
        entries.append(written)
    shares = [
        [one.kind, one.scheme, _written(one.credentials), _written(one.addresses), one.reasons, one.request_id, one.is_active, one.told]
        for one in summary.shares[:_MOST_SHARES]
    ]
    accepted = {scheme: _written(some) for scheme, some in [*summary.accepted.items()][:_MOST_SHARES]}
    fields = [VERSION, summary.period, _written(summary.addresses), summary.is_behind_one, accepted, shares, entries]
    return json.dumps(fields, separators=(",", ":")).encode()


def decode(octets: bytes) -> Summary:
    """Return a summary.

    Raises:
        Garbled: it is none of this version.
    """
    if len(octets) > MAX_VALUE:
        raise Garbled("too long")
    try:
        return _summary(*_list(json.loads(octets)))
    except Garbled:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise Garbled(type(error).__name__) from None


def text(value: str) -> str:
    """Return text as an entry may have it: printable ASCII, bounded."""
    return ascii(value)[1:-1][:_MOST_TEXT]


def _written(some: Some) -> list[Any]:
    return [some.size, b64encode(b"".join(one.to_bytes(OCTETS) for one in sorted(some.hashes))).decode()]


def _summary(  # noqa: PLR0917 - as they are written
    version: object, period: object, addresses: object, is_behind_one: object, accepted: object, shares: object, entries: object
) -> Summary:
    if _whole(version) != VERSION:
        raise Garbled("another version")
    return Summary(
        period=_whole(period, 2**53),
        addresses=_some(addresses),
        is_behind_one=_flag(is_behind_one),
        accepted={_text(scheme): _some(some) for scheme, some in _table(accepted).items()},
        shares=tuple(_share(*_list(one)) for one in _list(shares)),
        entries=tuple(_entry(*_list(one)) for one in _list(entries)),
    )


def _share(  # noqa: PLR0917 - as they are written
    kind: object,
    scheme: object,
    credentials: object,
    addresses: object,
    reasons: object,
    request_id: object,
    is_active: object,
    told: object,
) -> Share:
    found = {_text(reason): _whole(count) for reason, count in _table(reasons).items()}
    return Share(_kind(kind), _text(scheme), _some(credentials), _some(addresses), found, _text(request_id), _flag(is_active), _flag(told))


def _entry(  # noqa: PLR0917 - as they are written
    kind: object, subject: object, members: object, more: object, example: object, request_id: object, age: object, told: object
) -> Entry:
    if not _text(subject):
        raise Garbled("no subject")
    if isinstance(age, bool) or not isinstance(age, (int, float)) or not 0 <= age <= _LONGEST:
        raise Garbled("an age")
    texts = _text(example), _text(request_id)
    return Entry(_kind(kind), _text(subject), _some(members), _some(more), *texts, float(age), _flag(told))


def _some(value: object) -> Some:
    count, written = _list(value)
    if not isinstance(written, str):
        raise Garbled("hashes")
    octets = b64decode(written, validate=True)
    if len(octets) % OCTETS or len(octets) > OCTETS * SAMPLE:
        raise Garbled("hashes")
    hashes = frozenset(int.from_bytes(octets[at : at + OCTETS]) for at in range(0, len(octets), OCTETS))
    return Some(max(_whole(count), len(hashes)), hashes)


def _kind(value: object) -> SignalKind:
    if not isinstance(value, str) or value not in CAUSES:
        raise Garbled("a kind")
    return value  # type: ignore[return-value]


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT or not value.isascii() or (value and not value.isprintable()):
        raise Garbled("text")
    return value


def _whole(value: object, most: int = _MOST_COUNT) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise Garbled("a number")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Garbled("a flag")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise Garbled("a list")
    return value


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Garbled("a table")
    return value


__all__ = ["Entry", "Garbled", "Hasher", "Share", "Some", "Summary", "decode", "encode", "text", "union"]
