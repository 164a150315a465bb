"""A store with an async client is awaited on an event loop: a lookup costs no thread there, and blocks nowhere else."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import anyio.lowlevel
import pytest

from tests.support.core import argon2_hash, ask
from tests.support.issued import CountingStore
from tests.support.logins import CountingHasher
from tests.support.wire import basic, bearer
from watchword import Basic, Bearer, BearerToken, Guard, Reason, Unavailable
from watchword.checkers import Accounts, AnyOf, APIKeys, OpaqueTokens
from watchword.observe.notice import OperatorNotice
from watchword.stores.ports import AccountRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.stores.ports import KeyRecord, TokenRecord


class AsyncStore(CountingStore):
    """Answers by its blocking methods and by those for event loops, and notes which."""

    def __init__(self) -> None:
        super().__init__(blocking=True)
        self.calls: list[str] = []
        self.away = False

    async def _on_loop(self, name: str) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.calls.append(name)
        await anyio.lowlevel.checkpoint()
        if self.away:
            raise Unavailable("the store does not answer", retry_after=2)

    async def afind_key(self, id: str) -> KeyRecord | None:  # noqa: A002 - the name in the protocol
        """Return a key."""
        await self._on_loop("afind_key")
        return super().find_key(id)

    async def afind_token(self, digest: bytes) -> TokenRecord | None:
        """Return a token."""
        await self._on_loop("afind_token")
        return super().find_token(digest)

    async def arevoke_token(self, id: str, at: float) -> bool:  # noqa: A002 - as above
        """Revoke a token."""
        await self._on_loop("arevoke_token")
        return super().revoke_token(id, at)

    async def afind_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        """Return an account."""
        await self._on_loop("afind_account")
        return super().find_account(name, fold_case=fold_case)

    async def anote_key_use(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """Note a use."""
        await self._on_loop("anote_key_use")
        super().note_key_use(id, at)

    async def anote_login(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """Note a login."""
        await self._on_loop("anote_login")
        super().note_login(id, at)

    async def aswap_hash(self, id: str, old: str, new: str, profile: str | None) -> bool:  # noqa: A002 - as above
        """Put a new hash in place of the old one."""
        await self._on_loop("aswap_hash")
        return super().swap_hash(id, old, new, profile)

    async def ahash_samples(self) -> Sequence[tuple[str, int]]:
        """Return hashes of each kind."""
        await self._on_loop("ahash_samples")
        return super().hash_samples()

    async def adummy_key(self) -> bytes:
        """Return the key."""
        await self._on_loop("adummy_key")
        return super().dummy_key()

    def note_login(self, id: str, at: float) -> None:  # noqa: A002 - as above
        """Note a login, and note that."""
        self._note("note_login", id)
        super().note_login(id, at)

    def hash_samples(self) -> Sequence[tuple[str, int]]:
        """Return hashes of each kind, and note it."""
        self._note("hash_samples", None)
        return super().hash_samples()


@pytest.mark.anyio
async def test_lookups_are_awaited_on_the_event_loop() -> None:
    """Keys, tokens and accounts; one that is spent once as well."""
    store = AsyncStore()
    keys, tokens = APIKeys(store), OpaqueTokens(store)
    store.add_account(AccountRecord(id="ann", names=("ann",), password_hash=argon2_hash("right")))
    guard = Guard(Bearer(AnyOf(keys, tokens)), Basic(Accounts(store), realm="x"))
    key, token = keys.create("shop").key, tokens.create("bob").token
    assert (await guard.adecide(ask("/", bearer(key)))).principal.id == "shop"
    assert (await guard.adecide(ask("/", bearer(token)))).principal.id == "bob"
    assert (await guard.adecide(ask("/", basic("ann", "right")))).principal.id == "ann"
    assert (await tokens.aredeem(token)).__class__.__name__ == "Accepted"
    lookups = ["afind_key", "afind_token", "ahash_samples", "adummy_key", "afind_account", "afind_token", "arevoke_token"]
    assert store.calls == lookups
    store.away = True
    fresh: Any = Guard(Bearer(keys))
    decision = await fresh.adecide(ask("/", bearer(key)))
    assert (decision.reason, decision.retry_after) == (Reason.UNAVAILABLE, 2)


@pytest.mark.anyio
async def test_notes_are_awaited_on_the_event_loop() -> None:
    """That of a login, that of the use of a key, and the new hash in place of an outdated one."""
    store = AsyncStore()
    keys = APIKeys(store)
    outdated = CountingHasher(time_cost=2).hash("right")
    store.add_account(AccountRecord(id="ann", names=("ann",), password_hash=outdated))
    guard = Guard(Bearer(keys), Basic(Accounts(store, hasher=CountingHasher()), realm="x"))
    key = keys.create("shop")
    for sent in (bearer(key.key), basic("ann", "right")):
        await guard.afinish(await guard.adecide(ask("/", sent)))
    assert [name for name in store.calls if name.startswith(("anote", "aswap"))] == ["anote_key_use", "anote_login", "aswap_hash"]
    assert set(store.threads) == {threading.main_thread()}
    account, used = store.get_account("ann"), store.find_key(key.record.id)
    assert account is not None
    assert used is not None
    assert (account.last_login_at, used.last_used_at, account.password_hash) != (None, None, outdated)


@pytest.mark.anyio
async def test_a_note_that_cannot_be_taken_there_is_said_and_taken_again() -> None:
    """The request is over, and the next login takes it."""
    store, notices = AsyncStore(), list[OperatorNotice]()
    store.add_account(AccountRecord(id="ann", names=("ann",), password_hash=argon2_hash("right")))
    guard = Guard(Basic(Accounts(store, on_event=notices.append), realm="x"), remember=0)
    decision = await guard.adecide(ask("/", basic("ann", "right")))
    store.away = True
    await guard.afinish(decision)
    assert [notice.kind for notice in notices] == ["login_not_noted"]
    store.away = False
    await guard.afinish(await guard.adecide(ask("/", basic("ann", "right"))))
    assert "anote_login" in store.calls[-2:]


class Slow(AsyncStore):
    """Does not come to an end with samples on the event loop."""

    async def ahash_samples(self) -> Sequence[tuple[str, int]]:
        """Wait for ever."""
        await anyio.sleep_forever()
        raise AssertionError


@pytest.mark.anyio
async def test_a_sample_that_takes_long_holds_no_login_up() -> None:
    """A thread asks then, and goes on without the request."""
    store = Slow()
    store.add_account(AccountRecord(id="ann", names=("ann",), password_hash=argon2_hash("right")))
    guard = Guard(Basic(Accounts(store), realm="x"))
    with anyio.fail_after(30):
        assert (await guard.adecide(ask("/", basic("ann", "right")))).granted
    assert ("hash_samples", None) in store.asked


def test_without_an_event_loop_the_blocking_methods_are_called() -> None:
    """The same store serves WSGI and scripts."""
    store = AsyncStore()
    tokens = OpaqueTokens(store)
    made = tokens.create("bob").token
    assert tokens.check(BearerToken(made)) == tokens.redeem(made)
    assert store.calls == []


class Another(AsyncStore):
    """Answers with another record than the one that was asked for."""

    async def afind_key(self, id: str) -> KeyRecord | None:  # noqa: A002 - as above
        """Return the first key."""
        return self.list_keys()[0]


@pytest.mark.anyio
async def test_an_answer_to_another_question_is_an_outage_there_too() -> None:
    """Threat W11: it never becomes an identity."""
    store = Another()
    keys = APIKeys(store)
    made = sorted((keys.create(f"shop{number}") for number in range(2)), key=lambda new: new.record.id)
    guard = Guard(Bearer(keys))
    assert (await guard.adecide(ask("/", bearer(made[0].key)))).granted
    assert (await guard.adecide(ask("/", bearer(made[1].key)))).reason is Reason.UNAVAILABLE
