"""What the tests of keys and tokens share: a store that keeps count, and near misses of what was issued."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from watchword import APIKeyCredentials, BearerToken
from watchword.checkers.key_format import ALPHABET, CHECKSUM_LENGTH, KEY_SECRET_LENGTH
from watchword.errors import Unavailable
from watchword.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword import Verdict
    from watchword.checkers import FlowChecker
    from watchword.stores.ports import KeyRecord, TokenRecord


class CountingStore(MemoryStore):
    """A store in memory that notes what it is asked, and by which thread.

    Args:
        blocking: what it says about itself.
    """

    def __init__(self, *, blocking: bool = False) -> None:
        super().__init__()
        self._blocking = blocking
        self.asked: list[tuple[str, object]] = []
        self.threads: list[threading.Thread] = []
        self.is_down = False

    @property
    def blocking(self) -> bool:
        """As it was made."""
        return self._blocking

    def find_key(self, id: str) -> KeyRecord | None:  # noqa: A002 - the name in the protocol
        """Return a key, and note it."""
        self._note("find_key", id)
        return super().find_key(id)

    def find_token(self, digest: bytes) -> TokenRecord | None:
        """Return a token, and note it."""
        self._note("find_token", digest)
        return super().find_token(digest)

    def note_key_use(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """Note a use, and note that."""
        self._note("note_key_use", id)
        super().note_key_use(id, at)

    def revoke_token(self, id: str, at: float) -> bool:  # noqa: A002 - as above
        """Revoke a token, and note it."""
        self._note("revoke_token", id)
        return super().revoke_token(id, at)

    def times(self, what: str) -> int:
        """Return how often something was asked."""
        return sum(name == what for name, _ in self.asked)

    def _note(self, what: str, about: object) -> None:
        self.asked.append((what, about))
        self.threads.append(threading.current_thread())
        if self.is_down:
            raise Unavailable("the disk is gone")


def shown(text: str) -> list[Any]:
    """Return the two kinds of credentials that carry a key or a token."""
    return [APIKeyCredentials(text), BearerToken(text)]


async def ask_both_ways(checker: FlowChecker[Any], text: str) -> Verdict:
    """Return what a checker says, and see to it that it says so however it is asked."""
    verdicts = [checker.check(credentials) for credentials in shown(text)]
    verdicts += [await checker.acheck(credentials) for credentials in shown(text)]
    assert all(verdict == verdicts[0] for verdict in verdicts)
    return verdicts[0]


def near_misses(text: str) -> Iterator[str]:
    """Yield what a slip makes of a key or token: each character changed, two exchanged, cut at either end, or with something more."""
    for at, character in enumerate(text):
        for other in {*ALPHABET, *"_-+/=. \0\n\u00e9\u0661\uff11\ud800"} - {character}:
            yield text[:at] + other + text[at + 1 :]
        yield text[:at]
        yield text[at + 1 :]
        yield text[:at] + text[at + 1 :]
        yield text[:at] + character + text[at:]
        for then in range(at + 1, len(text)):
            if text[then] != character:
                yield text[:at] + text[then] + text[at + 1 : then] + character + text[then + 1 :]
    yield from (text + "\n", text + " ", text + "\0", text + "a", text * 2, text.upper(), text.lower(), text.swapcase(), text[::-1])


def secret_of(text: str) -> str:
    """Return the secret part of a key."""
    return text[-KEY_SECRET_LENGTH - CHECKSUM_LENGTH : -CHECKSUM_LENGTH]
