"""Says in which buckets a failed attempt counts: those of the pair of client and claimed name, and those of the client alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from watchword.grammar.composed import folded
from watchword.networks import NEAR, networks_of
from watchword.protection.buckets import Bucket
from watchword.protection.proxies import undeclared

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from watchword.cache import KeyedDigest
    from watchword.protection.attempts import Attempt
    from watchword.request import RequestView

DAY: Final = 86_400
"""Seconds of the longer window of a pair."""

_PREFIXES: Final = (64, 56, 48)  # bits of IPv6: a network, a home, a site (RFC 6177 §2)
_LONGEST_BLOCK: Final = 30.0  # seconds, of a pair whose client may be everybody behind one proxy
_FEW: Final = 2  # failures of a pair within the window, where the name fails from everywhere
_MANY, _HOUR = 100, 3600  # more failures on a name within these seconds than its owner makes


class Counted(NamedTuple):
    """What one attempt counts in.

    Args:
        pair: the buckets of the client with this name.
        few: the bucket that counts as well where the name fails from everywhere.
        client: the buckets of the client alone.
        name: the bucket of the name, from everywhere; it never refuses an attempt.
        known: names the pair among those that were accepted.
    """

    pair: tuple[Bucket, ...]
    few: Bucket
    client: tuple[Bucket, ...]
    name: Bucket
    known: bytes


class Limits(NamedTuple):
    """The limits of a throttle.

    Args:
        limit: the most failures of a pair within the window.
        window: seconds.
        daily: the most failures of a pair within a day.
        clients: the most failures of a client within the window, by the first 64, 56 and 48 bits of its IPv6 address; an IPv4 address has
            the first limit.
        digest: hides the names in the keys of buckets. People type passwords into the field of the name.
    """

    limit: int
    window: int
    daily: int
    clients: tuple[int, int, int]
    digest: KeyedDigest

    def of(self, attempt: Attempt) -> Counted:
        """Return what an attempt counts in.

        Args:
            attempt: its name is untrusted. All spellings of it share a bucket; see `folded`.
        """
        view = attempt.request
        name = folded(attempt.claimed_identity or "").encode("utf-8", "surrogatepass")
        address = view.address
        together = _may_be_everybody(view)
        known = self.digest.of(_prefix(address, _PREFIXES[0]), name)
        # A page of another site can make its visitor fail. It must not lock the visitor out of the service's own pages.
        key = known + b"x" if view.field("sec-fetch-site") == "cross-site" else known
        interval, rarely = self.window / self.limit, self.window / _FEW
        if together:
            interval, rarely = min(interval, _LONGEST_BLOCK), min(rarely, _LONGEST_BLOCK)
        pair = Bucket(b"p" + key, self.limit, interval)
        return Counted(
            (pair,) if together else (pair, Bucket(b"d" + key, self.daily, DAY / self.daily)),
            Bucket(b"f" + key, _FEW, rarely),
            () if together else self._of_client(address),
            Bucket(b"n" + self.digest.of(name), _MANY, _HOUR / _MANY),
            known,
        )

    def _of_client(self, address: IPv4Address | IPv6Address | None) -> tuple[Bucket, ...]:
        prefixes = _PREFIXES if address is not None and address.version == 6 else _PREFIXES[:1]  # noqa: PLR2004 - the version
        return tuple(
            Bucket(b"c%d %b" % (bits, _prefix(address, bits)), limit, self.window / limit)
            for bits, limit in zip(prefixes, self.clients, strict=False)
        )


def _may_be_everybody(view: RequestView) -> bool:
    """Tell whether all clients may have this address, because a proxy is in front that the guard does not know.

    An attacker behind it would close the service for everybody. Where `Guard(proxies=...)` is given, the address is the client's.
    """
    if getattr(view, "resolved", False):
        return False
    address = view.address
    if address is None:
        return True
    return networks_of(NEAR).contains(address) and (address.is_loopback or bool(undeclared(view)))


def _prefix(address: IPv4Address | IPv6Address | None, bits: int) -> bytes:
    """Return the first bits of an IPv6 address, or a whole IPv4 address; empty: it is unknown."""
    if address is None:
        return b""
    return address.packed if address.version == 4 else (int(address) >> (128 - bits)).to_bytes(16, "big")  # noqa: PLR2004 - the version
