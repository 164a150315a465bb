"""W11: one connection in two processes. Nobody is logged in by the answer to another question."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import CHEAP
from tests.support.forks import FORKS, in_child
from tests.support.logins import Desk, guarded
from tests.support.wire import Request, basic, bearer
from watchword import APIKey, BasicCredentials, Bearer, Guard, Principal, Reason, Refused, Unavailable
from watchword.checkers import Accounts, APIKeys, OpaqueTokens
from watchword.stores import SQLStore
from watchword.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.drive import Behind
    from watchword.stores.ports import AccountRecord, KeyRecord, TokenRecord

PASSWORD = "the same for all"


class Crossed(MemoryStore):
    """A store whose driver hands over the answer to the question of somebody else."""

    mallory: Any = None

    def find_account(self, name: str, *, fold_case: bool = False) -> AccountRecord | None:
        """Find another account."""
        return self.mallory or super().find_account(name, fold_case=fold_case)

    def get_account(self, id: str) -> AccountRecord | None:  # noqa: A002 - as the protocol has it
        """Find another account."""
        return self.mallory or super().get_account(id)

    def find_key(self, id: str) -> KeyRecord | None:  # noqa: A002 - as above
        """Find another key."""
        return self.mallory or super().find_key(id)

    def find_token(self, digest: bytes) -> TokenRecord | None:
        """Find another token."""
        return self.mallory or super().find_token(digest)


@pytest.mark.parametrize("fold_case", [False, True])
@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_W11_a_row_of_another_account_is_an_outage(password: str, fold_case: bool, behind: Behind) -> None:  # noqa: FBT001 - a parameter
    """With the same password it would log the caller in as another user, and with another one refuse a right password: it is 503."""
    store = Crossed()
    desk = Desk(store=store, fold_case=fold_case)
    for name in ("ann", "mallory"):
        desk.accounts.add(name, PASSWORD)
    store.mallory = store.find_account("mallory")
    answer = behind(guarded(desk.accounts))(Request(target="/", headers=(basic("ann", password),)))
    assert (answer.status, answer.called) == (503, False)
    with pytest.raises(Unavailable, match="another account than the one that was asked for"):
        desk.accounts.check(BasicCredentials("ann", password))


def test_W11_another_key_or_token_is_an_outage(behind: Behind) -> None:
    """Found by an id or a digest, and read with another one."""
    store = Crossed()
    keys, tokens = APIKeys(store), OpaqueTokens(store)
    key, token = keys.create("ann").key, tokens.create("ann").token
    send = behind(Guard(Bearer(tokens, realm="r"), APIKey(keys, realm="r")))
    for shown, other in ((bearer(token), tokens.create("mallory").record), (("X-API-Key", key), keys.create("mallory").record)):
        store.mallory = None
        assert send(Request(target="/", headers=(shown,))).status == 200
        store.mallory = other
        # A cached answer is not affected, so it is asked for anew.
        store._changes.note(None)
        assert send(Request(target="/", headers=(shown,))).status == 503


def _managing(accounts: Accounts, keys: APIKeys, tokens: OpaqueTokens, key_id: str, token: str) -> dict[str, Callable[[], object]]:
    return {
        "get": lambda: accounts.get("ann"),
        "disable": lambda: accounts.disable("ann"),
        "remove": lambda: accounts.remove("ann"),
        "set_password": lambda: accounts.set_password("ann", "another"),
        "key": lambda: keys.get(key_id),
        "revoke key": lambda: keys.revoke(key_id),
        "rotate key": lambda: keys.rotate(key_id),
        "revoke token": lambda: tokens.revoke(token),
        "redeem token": lambda: tokens.redeem(token),
    }


class CrossedIds(MemoryStore):
    """A store that finds nobody by a name, and hands over somebody else by an id."""

    def get_account(self, id: str) -> AccountRecord | None:  # noqa: A002 - as above
        """Find another account."""
        return super().get_account("u-2")


def test_W11_an_account_that_is_named_by_its_id_is_that_account() -> None:
    """Operators name accounts by ids as well, and an answer to another question changes nobody."""
    accounts = Accounts(CrossedIds(), hasher=CHEAP)
    for name, id_ in (("ann", "u-1"), ("mallory", "u-2")):
        accounts.add(name, PASSWORD, id=id_)
    with pytest.raises(Unavailable, match="another account than the one that was asked for"):
        accounts.disable("u-1")
    assert not any(account.disabled for account in accounts.list())


def test_W11_other_accounts_are_not_changed() -> None:
    """Disabling, removing and revoking change the record that was named, or none."""
    store = Crossed()
    accounts, keys, tokens = Accounts(store, hasher=CHEAP), APIKeys(store), OpaqueTokens(store)
    for name in ("ann", "mallory"):
        accounts.add(name, PASSWORD)
    key, token = keys.create("ann"), tokens.create("ann")
    records = {"key": keys.create("mallory").record, "token": tokens.create("mallory").record}
    account = store.find_account("mallory")
    before = (list(accounts.list()), list(keys.list()), list(tokens.list()))
    for name, manage in _managing(accounts, keys, tokens, key.record.id, token.token).items():
        store.mallory = next((record for kind, record in records.items() if kind in name), account)
        with pytest.raises(Unavailable, match="than the one that was asked for"):
            manage()
        store.mallory = None
        assert (list(accounts.list()), list(keys.list()), list(tokens.list())) == before, name


@pytest.mark.parametrize("fork", FORKS)
def test_W11_workers_forked_without_hooks_identify_each_caller_correctly(fork: str, empty_postgresql: str) -> None:
    """On the parent's connection they would read each other's rows, and take one caller for another."""
    with SQLStore(empty_postgresql, staleness=0) as store:
        accounts = Accounts(store, hasher=CHEAP, remember=0)
        names = [f"user{number}" for number in range(4)]
        for name in names:
            accounts.add(name, PASSWORD)

        def work(name: str) -> None:
            for _ in range(15):
                assert getattr(accounts.check(BasicCredentials(name, PASSWORD)), "principal", None) == Principal(name)
                assert accounts.check(BasicCredentials(name, "wrong")) == Refused(Reason.WRONG_SECRET, detail=f"account {name}")

        def work_at_the_same_time(names: list[str]) -> None:
            """Leave all but the first to a child, which does the same."""
            with ThreadPoolExecutor(1) as waiting:
                children = FORKS[fork]() if names[1:] else None
                if children == 0:
                    os._exit(in_child(lambda: work_at_the_same_time(names[1:]), fork))
                done = None if children is None else waiting.submit(os.waitpid, children, 0)
                work(names[0])
                assert done is None or done.result()[1] == 0

        work(names[0])  # the pool has a connection
        work_at_the_same_time(names)
        work(names[0])
