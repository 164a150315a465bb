"""Tests the addition of several accounts in one transaction, for imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from watchword.errors import AlreadyExists
from watchword.testing.stores import account

if TYPE_CHECKING:
    from tests.stores.conftest import Opens
    from watchword.stores import SQLStore
    from watchword.stores.ports import AccountRecord

BATCHES = {
    "free": [account("2", "bob"), account("3", "eve", "eva")],
    "nobody": [],
    "a name that is taken": [account("2", "bob"), account("3", "ann")],
    "an id that is taken": [account("2", "bob"), account("1", "eve")],
    "a name twice": [account("2", "bob"), account("3", "bob")],
    "an id twice": [account("2", "bob"), account("2", "eve")],
    "an id that is a name": [account("2", "bob"), account("ann", "eve")],
    "an id that is a name of another one": [account("2", "bob"), account("bob", "eve")],
    "a name that is an id": [account("2", "bob"), account("3", "1")],
    "a name that is an id of another one": [account("2", "bob"), account("3", "2")],
    "another case": [account("2", "bob"), account("3", "ANN")],
    "another case of another one": [account("2", "bob"), account("3", "BOB")],
    "disabled": [account("2", "bob", disabled=True), account("3", "eve")],
}


def one_by_one(store: SQLStore, batch: list[AccountRecord], *, fold_case: bool | None) -> str:
    """Add accounts each by itself, up to the first that cannot be added; return why it cannot."""
    try:
        for one in batch:
            store.add_account(one, fold_case=fold_case)
    except AlreadyExists as taken:
        return str(taken)
    return ""


@pytest.mark.sampled(4)
@pytest.mark.parametrize("fold_case", [None, False, True])
@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_of_accounts_has_the_result_of_single_additions(name: str, fold_case: bool | None, opens: Opens) -> None:  # noqa: FBT001 - a parameter of the store
    """All accounts are added, or none, for the same reason."""
    alone, together = opens("sqlite://"), opens("sqlite://")
    for store in (alone, together):
        store.add_account(account("1", "ann"))
    why = one_by_one(alone, BATCHES[name], fold_case=fold_case)
    if why:
        with pytest.raises(AlreadyExists) as taken:
            together.add_accounts(BATCHES[name], fold_case=fold_case)
        assert str(taken.value) == why
        assert [kept.id for kept in together.list_accounts()] == ["1"]
    else:
        kept = together.add_accounts(BATCHES[name], fold_case=fold_case)
        assert [(one.id, one.names) for one in kept] == [(one.id, one.names) for one in BATCHES[name]]
        assert [(one.id, one.names, one.disabled) for one in together.list_accounts()] == [
            (one.id, one.names, one.disabled) for one in alone.list_accounts()
        ]
        assert all(together.get_account(one.id) == one for one in kept)


def test_a_batch_costs_few_statements(url: str, opens: Opens) -> None:
    """It needs neither a statement per account nor all names as parameters of one statement."""
    store = opens(url)
    heard: list[str] = []
    event.listen(store._database._engine, "before_cursor_execute", lambda *given: heard.append(given[2]))
    batch = [account(f"id-{number}", f"name-{number}") for number in range(600)]
    assert len(store.add_accounts(batch, fold_case=True)) == 600
    assert len(heard) < 20
    found = store.find_account("name-599")
    assert found is not None
    assert found.id == "id-599"


def test_a_batch_expires_only_answers_about_its_accounts(opens: Opens) -> None:
    """A name in another case is a change of the account with that name, and a disabled account is a change of itself."""
    store = opens("sqlite://", staleness=3600)
    kept = store.add_accounts([account("1", "ann"), account("2", "bob"), account("3", "eve")])
    assert store.find_account("ann") is not None
    revision = store.revision()
    store.add_accounts([account("4", "zoe"), account("5", "ANN", disabled=True)])
    assert [store.is_current(revision, one.subjects) for one in kept] == [False, True, True]
    assert not store.is_current(revision, account("5").subjects)
    assert store.is_current(revision, account("4").subjects)
