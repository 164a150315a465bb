"""What the tests of keys and tokens share: a desk that issues them, a store that keeps count, and near misses of what was issued."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from watchword import Accepted, APIKey, APIKeyCredentials, Bearer, BearerToken, Guard
from watchword.checkers import APIKeys, OpaqueTokens
from watchword.checkers.key_format import ALPHABET, CHECKSUM_LENGTH, KEY_SECRET_LENGTH, Format, KeyFormat, TokenFormat
from watchword.errors import Unavailable
from watchword.stores.memory import MemoryStore
from watchword.stores.ports import AccountRecord, KeyRecord, TokenRecord
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword import Verdict
    from watchword.checkers import FlowChecker

NOW = 1_700_000_000.0


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


@dataclass(frozen=True)
class Kind:
    """Keys or tokens."""

    name: str
    checker: Any
    record: Any
    form: Format
    lookup: str
    owner: str

    def asked(self, text: str) -> object:
        """Return what the store is asked about a secret."""
        id_, digest = self.form.read(text) or ("", b"")
        return id_ or digest

    def secret(self, text: str) -> str:
        """Return the part of a key or token that nobody may see."""
        return secret_of(text) if self is KEYS else text.removeprefix(f"{self.form.prefix}_")


KEYS = Kind("key", APIKeys, KeyRecord, KeyFormat("ww"), "find_key", "owner")
TOKENS = Kind("token", OpaqueTokens, TokenRecord, TokenFormat("wwt"), "find_token", "subject")

HEADERS: dict[str, Callable[[str], tuple[str, str]]] = {
    "X-API-Key": lambda text: ("X-API-Key", text),
    "ApiKey": lambda text: ("Authorization", f"ApiKey {text}"),
    "Bearer": lambda text: ("Authorization", f"Bearer {text}"),
}


class Desk:
    """Keys or tokens in a store that keeps count, by a clock that stands still.

    Args:
        kind: which of the two.
        blocking: what the store says about itself.
        options: of the checker.
    """

    def __init__(self, kind: Kind = KEYS, *, blocking: bool = False, **options: Any) -> None:
        self.kind = kind
        self.clock = FixedClock(NOW)
        self.store = CountingStore(blocking=blocking)
        self.checker = kind.checker(self.store, clock=self.clock, **options)

    def create(self, owner: str = "ann", **given: Any) -> tuple[str, Any]:
        """Issue a secret; return it, and its record. It expires if that is said, and not otherwise."""
        usual = {} if self.kind is KEYS else {"expires_in": None}
        made = self.checker.create(owner, **usual | given)
        return getattr(made, self.kind.name), made.record

    def disable(self, owner: str = "ann") -> None:
        """Shut the account of that id."""
        self.store.add_account(AccountRecord(id=owner, names=(), disabled=True))

    def accept(self, text: str) -> Accepted:
        """Return the verdict about a secret that is good."""
        verdict = self.checker.check(APIKeyCredentials(text))
        assert isinstance(verdict, Accepted)
        return verdict

    def works(self, text: str) -> bool:
        """Tell whether a secret is good."""
        return isinstance(self.checker.check(APIKeyCredentials(text)), Accepted)

    def guard(self) -> Guard:
        """Return a guard that takes it in both ways."""
        return Guard(APIKey(self.checker), Bearer(self.checker), clock=self.clock, request_id=lambda: "id")


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
