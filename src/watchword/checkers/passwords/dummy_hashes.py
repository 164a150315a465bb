"""Picks the dummy hash that an unknown name is verified against."""

from __future__ import annotations

from bisect import bisect
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING

from watchword.errors import ConfigurationError
from watchword.validators import check_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

_OCTETS = 8
_KEY_OCTETS = range(16, 65)  # blake2b accepts 64 at most


class DummyHashes:
    """Picks the hash that an unknown name is verified against: always the same for one name, and unpredictable for clients.

    The costs of unknown names have the same distribution as those of known ones, for any mixture of formats (threats W2, W3). A small
    change of the weights moves few names: a name whose cost changes from one day to the next shows that it is unknown.

    Args:
        samples: hash to weight, the number of accounts that have a hash of that profile. One sample for each profile is enough.
        key: 16 to 64 random octets, the same in all processes that serve the same accounts.

    Raises:
        ConfigurationError: there are no samples, a weight is not a positive number, or the key is too short or too long.
    """

    __slots__ = ("_bounds", "_key", "_samples")

    def __init__(self, samples: Mapping[str, int], key: bytes) -> None:
        if not samples:
            raise ConfigurationError("DummyHashes(samples) must hold at least one hash: without one an unknown name is refused at no cost.")
        for weight in samples.values():
            check_whole("each weight of DummyHashes(samples)", weight, least=1, unit="accounts")
        if not isinstance(key, bytes) or len(key) not in _KEY_OCTETS:
            raise ConfigurationError("DummyHashes(key) must be 16 to 64 random octets. Use os.urandom(32).")
        self._samples = sorted(samples)  # so that formats stay together, in any order of the samples
        self._bounds = list(accumulate(samples[sample] for sample in self._samples))
        self._key = key

    def for_name(self, name: str) -> str:
        """Return the hash for a name in canonical form."""
        digest = blake2b(name.encode("utf-8", "surrogatepass"), key=self._key, digest_size=_OCTETS).digest()
        # A fraction of the total weight. A remainder would change for every name with each new account.
        place = int.from_bytes(digest) * self._bounds[-1] >> (8 * _OCTETS)
        return self._samples[bisect(self._bounds, place)]

    def __repr__(self) -> str:
        return f"DummyHashes({len(self._samples)} samples)"
