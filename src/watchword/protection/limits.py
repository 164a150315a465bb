"""Says in which buckets a failed attempt counts: those of the pair of client and claimed name, and those of the client alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from unicodedata import normalize

from watchword.cache import KeyedDigest
from watchword.networks import NEAR, networks_of
from watchword.protection.buckets import Bucket

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from watchword.protection.attempts import Attempt
    from watchword.request import RequestView

DAY: Final = 86_400
"""Seconds of the longer window of a pair."""

_PREFIXES: Final = (64, 56, 48)  # bits of IPv6: a network, a home, a site (RFC 6177 §2)
_FORWARDING: Final = ("forwarded", "x-forwarded-for")
_LONGEST_BLOCK: Final = 30.0  # seconds, of a pair whose client may be everybody behind one proxy
_LONGEST_NAME: Final = 1024  # characters that count
_UNKNOWN: Final = b"unknown"


class Counted(NamedTuple):
    """What one attempt counts in.

    Args:
        pair: the buckets of the client with this name.
        few: those that count as well where the name fails from everywhere.
        client: the buckets of the client alone.
        name: that of the name, from everywhere; it never refuses an attempt.
        known: names the pair among those that were accepted.
    """

    pair: tuple[Bucket, ...]
    few: Bucket
    client: tuple[Bucket, ...]
    name: Bucket
    known: bytes


class Limits:
    """The limits of a throttle.

    Args:
        limit: the most failures of a pair within the window.
        window: seconds.
        daily: the most failures of a pair within a day.
        clients: the most failures of a client within the window, by the first 64, 56 and 48 bits of its IPv6 address; an IPv4 address has
            the first limit.
    """

    __slots__ = ("_clients", "_daily", "_digest", "_limit", "_window")

    FEW: Final = 2  # failures of a pair within the window, where the name fails from everywhere
    MANY, HOUR = 100, 3600  # failures on a name within these seconds are more than its owner makes

    def __init__(self, limit: int, window: int, daily: int, clients: tuple[int, int, int]) -> None:
        self._limit, self._window, self._daily, self._clients = limit, window, daily, clients
        self._digest = KeyedDigest()

    def of(self, attempt: Attempt) -> Counted:
        """Return what an attempt counts in.

        Args:
            attempt: its name is untrusted. Names are compared without regard to case, whatever the store does.
        """
        view = attempt.request
        name = normalize("NFC", (attempt.claimed_identity or "")[:_LONGEST_NAME]).casefold().encode("utf-8", "surrogatepass")
        address = view.address
        together = _may_be_everybody(view)
        client = _prefix(address, _PREFIXES[0])
        # A page of another site can make its visitor fail. It must not lock the visitor out of the service's own pages.
        foreign = b"foreign" if view.field("sec-fetch-site") == "cross-site" else b""
        interval = self._window / self._limit
        pair = Bucket(self._digest.of(b"pair", client, name, foreign), self._limit, min(interval, _LONGEST_BLOCK) if together else interval)
        daily = Bucket(self._digest.of(b"daily", client, name, foreign), self._daily, DAY / self._daily)
        few = min(self._window / self.FEW, _LONGEST_BLOCK) if together else self._window / self.FEW
        return Counted(
            (pair,) if together else (pair, daily),
            Bucket(self._digest.of(b"few", client, name, foreign), self.FEW, few),
            () if together else self._of_client(address),
            Bucket(self._digest.of(b"name", name), self.MANY, self.HOUR / self.MANY),
            self._digest.of(b"known", client, name),
        )

    def _of_client(self, address: IPv4Address | IPv6Address | None) -> tuple[Bucket, ...]:
        prefixes = _PREFIXES if address is not None and address.version == 6 else _PREFIXES[:1]  # noqa: PLR2004 - the version
        return tuple(
            Bucket(self._digest.of(b"client", b"%d" % bits, _prefix(address, bits)), limit, self._window / limit)
            for bits, limit in zip(prefixes, self._clients, strict=False)
        )


def _may_be_everybody(view: RequestView) -> bool:
    """Tell whether all clients may have this address, because a proxy is in front that the guard does not know.

    An attacker behind it would close the service for everybody. Where `Guard(proxies=...)` is given, the address is the client's.
    """
    if getattr(view, "resolved", False):
        return False
    address = view.address
    if address is None or address.is_loopback:
        return True
    return networks_of(NEAR).contains(address) and any(view.carries(name) for name in _FORWARDING)


def _prefix(address: IPv4Address | IPv6Address | None, bits: int) -> bytes:
    """Return the first bits of an IPv6 address, or a whole IPv4 address."""
    if address is None:
        return _UNKNOWN
    return address.packed if address.version == 4 else (int(address) >> (128 - bits)).to_bytes(16, "big")  # noqa: PLR2004 - the version
