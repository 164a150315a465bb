"""A store with an async client is awaited on an event loop: a lookup costs no thread there, and blocks nowhere else."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import anyio.lowlevel
import pytest

from tests.support.core import argon2_hash, ask
from tests.support.issued import CountingStore
from tests.support.wire import basic, bearer
from watchword import Basic, Bearer, BearerToken, Guard, Reason, Unavailable
from watchword.checkers import Accounts, AnyOf, APIKeys, OpaqueTokens
from watchword.stores.ports import AccountRecord

if TYPE_CHECKING:
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
    assert store.calls == ["afind_key", "afind_token", "afind_account", "afind_token", "arevoke_token"]
    store.away = True
    fresh: Any = Guard(Bearer(keys))
    decision = await fresh.adecide(ask("/", bearer(key)))
    assert (decision.reason, decision.retry_after) == (Reason.UNAVAILABLE, 2)


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
