"""Counts how many distinct members each of any number of keys has, in bounded memory.

Clients choose the keys: a table of them could be filled, and what an attacker does would fall out of it. So nothing is kept of a key. A
Bloom filter (1970) tells whether a pair of key and member is new, and a count-min sketch (Cormode and Muthukrishnan, 2005) counts the new
pairs of each key. A count is too small only by pairs that a full filter takes for known. It is hardly ever too great: with a million keys,
seven too many have a probability of 1 in 10^15. The hashes are keyed, so that nobody can aim at the cells of somebody else.
"""

from __future__ import annotations

from hashlib import blake2b

ROWS = 3
CELLS = 1 << 20  # of a row, an octet each
_BITS = 1 << 23  # of a filter
_MOST = 255


class _Generation:
    __slots__ = ("cells", "seen")

    def __init__(self) -> None:
        # Taken whole at once: what clients send takes no more. Workers that are forked share it until they write.
        self.cells = bytearray(ROWS * CELLS)
        self.seen = bytearray(_BITS // 8)


class Distinct:
    """Counts the distinct members of keys over the present period and the one before.

    Args:
        key: of the hashes; a secret.
    """

    __slots__ = ("_before", "_keyed", "_now")

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key, digest_size=24)
        self._now = _Generation()
        self._before = _Generation()

    def turn(self, *, twice: bool = False) -> None:
        """Begin another period, and forget the one before the last.

        Args:
            twice: whether that one is over, too.
        """
        self._before = _Generation() if twice else self._now
        self._now = _Generation()

    def add(self, key: str, member: str) -> int:
        """Note a member of a key.

        Args:
            key: the key.
            member: the member.

        Returns:
            How many distinct members the key has; 0: this one was known.
        """
        octets = self._hash(f"{key}\0{member}")
        bits = [int.from_bytes(octets[at : at + 4]) % _BITS for at in (0, 4, 8)]
        known = True
        for seen in (self._before.seen, self._now.seen):
            if all(seen[bit >> 3] >> (bit & 7) & 1 for bit in bits):
                break
        else:
            known = False
        if known:
            return 0
        for bit in bits:
            self._now.seen[bit >> 3] |= 1 << (bit & 7)
        return self.count(key, more=1)

    def count(self, key: str, *, more: int = 0) -> int:
        """Return how many distinct members a key has.

        Args:
            key: the key.
            more: how many to add before; what is added is not asked for being new.
        """
        octets = self._hash(key)
        places = [row * CELLS + int.from_bytes(octets[row * 4 : row * 4 + 4]) % CELLS for row in range(ROWS)]
        now, before = self._now.cells, self._before.cells
        if more:
            # Cells that other keys have raised stay: the least one counts (conservative update).
            least = min(min(now[place] for place in places) + more, _MOST)
            for place in places:
                now[place] = max(now[place], least)
        return min(now[place] + before[place] for place in places)

    def _hash(self, text: str) -> bytes:
        state = self._keyed.copy()
        state.update(text.encode("utf-8", "surrogatepass"))
        return state.digest()

    def __repr__(self) -> str:
        return "Distinct()"


__all__ = ["Distinct"]
