"""Tests the contract of `AuditStore`, for a store of accounts, keys, tokens, families and revocations."""

# ruff: noqa: S106 - hashes that are not real

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from watchword.errors import AlreadyExists
from watchword.stores.audit import changed_by
from watchword.stores.ports import AuditStore
from watchword.testing.stores.common import UNSTORABLE, Contract, account, key, raises, refuses, same, token
from watchword.testing.stores.families import family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.stores.audit import AuditRecord


def _told(entries: Sequence[AuditRecord]) -> list[tuple[str, str, str]]:
    return [(entry.action, entry.target, entry.owner) for entry in entries]


def _change_everything(store: Any) -> None:  # noqa: ANN401 - a store
    ann = store.add_account(account("1", "ann", roles=frozenset({"clerk"}), password_hash="s3cret"))
    store.replace_account(replace(ann, roles=frozenset({"admin"}), password_hash="s3cret2", disabled=True))
    first = store.add_key(key("k1"))
    changed = store.replace_key(replace(first, label="x", scopes=frozenset({"orders:read"})))
    store.rotate_key(replace(changed, replaced_by="k2"), key("k2"))
    store.replace_key(replace(store.find_key("k2"), revoked_at=5.0))
    store.add_token(token("t1"))
    store.revoke_token("t1", 5.0)
    store.start_family(family("f1", "1"))
    store.add_token(token("t2", sid="f1"))
    store.end_family("f1", 5.0)
    store.revoke_jti("i", "j", 5.0, 9.0)
    store.revoke_before("i", "s", 5.0)
    store.revoke_all("1", 5.0)
    store.remove_account("1", 5.0)


_EVERYTHING = [
    ("account.added", "1", "1"),
    ("account.changed", "1", "1"),
    ("key.added", "k1", "1"),
    ("key.changed", "k1", "1"),
    ("key.rotated", "k1", "1"),
    ("key.added", "k2", "1"),
    ("key.revoked", "k2", "1"),
    ("token.added", "t1", "1"),
    ("token.revoked", "t1", "1"),
    ("login.started", "f1", "1"),
    ("login.ended", "f1", "1"),
    ("issuer.token_revoked", "j", ""),
    ("issuer.subject_revoked", "s", ""),
    ("subject.revoked", "1", "1"),
    ("account.removed", "1", "1"),
]


class AuditStoreContract(Contract):
    """Tests the contract of `AuditStore`; see `AccountStoreContract`."""

    ports: ClassVar[tuple[type, ...]] = (AuditStore,)

    def test_every_change_is_in_the_audit_trail(self) -> None:
        """In the order of time, with what differs, and without a secret."""
        store = self.store()
        _change_everything(store)
        trail = store.list_audit()
        same(_told(trail), _EVERYTHING, "the audit trail")
        same(sorted(trail, key=lambda entry: entry.id), list(trail), "the order")
        details = {entry.action: entry.detail for entry in trail}
        same(details["account.changed"], "roles +admin -clerk, password, disabled", "what differs in an account")
        same(details["key.changed"], "scopes +orders:read, label", "what differs in a key")
        same(details["key.rotated"], "to k2", "the successor")
        for secret in ("s3cret", key().digest.hex(), repr(key().digest)[2:-1]):
            if secret in repr(trail):
                raise AssertionError("a secret is in the audit trail")

    def test_the_audit_trail_says_who_did_it(self) -> None:
        """As the context says; without one nobody is named."""
        store = self.store()
        with changed_by("root"):
            store.add_key(key("k1"))
            with changed_by("eve"):
                store.add_key(key("k2"))
            store.add_key(key("k3"))
        store.add_key(key("k4"))
        same([entry.actor for entry in store.list_audit()], ["root", "eve", "root", ""], "who did it")
        for text in UNSTORABLE:
            refuses(lambda text=text: changed_by(text).__enter__(), "an actor that cannot be kept")  # type: ignore[misc]

    def test_what_changes_nothing_is_not_in_the_audit_trail(self) -> None:
        """Neither what was refused, nor what requests do by themselves."""
        store = self.store()
        ann = store.add_account(account("1", "ann", password_hash="old"))
        used = store.add_key(key("k1"))
        before = store.list_audit()
        raises(AlreadyExists, lambda: store.add_account(account("1", "bob")), "an id that is taken")
        raises(AlreadyExists, lambda: store.add_key(key("k1")), "an id that is taken")
        store.replace_account(replace(ann, version=ann.version + 7))
        store.replace_key(replace(used, version=used.version + 7))
        store.remove_account("9", 5.0)
        store.revoke_token("t9", 5.0)
        store.revoke_all("9", 5.0)
        store.end_family("f9", 5.0)
        store.swap_hash("1", "old", "new", None)
        store.note_login("1", 5.0)
        store.note_key_use("k1", 5.0)
        same(store.list_audit(), before, "the audit trail")

    def test_the_audit_trail_is_asked(self) -> None:
        """By actor, action, record, owner and time, page by page."""
        store = self.store()
        with changed_by("root"):
            _change_everything(store)
        store.add_key(key("k9", "bob"))
        whole = store.list_audit()
        same(len(store.list_audit(actor="root")), len(_EVERYTHING), "by the actor")
        same(_told(store.list_audit(actor="")), [("key.added", "k9", "bob")], "by nobody")
        same([entry.target for entry in store.list_audit(action="key.added")], ["k1", "k2", "k9"], "by the action")
        same(len(store.list_audit(action="key")), 6, "by the beginning of the action")
        same(store.list_audit(action="ke"), (), "by a part of a word")
        same(len(store.list_audit(about="k1")), 3, "by the record")
        same(_told(store.list_audit(about="bob")), [("key.added", "k9", "bob")], "by the owner")
        same(len(store.list_audit(about="1", action="token")), 2, "by both")
        first, last = whole[0], whole[-1]
        same(store.list_audit(since=last.at + 1), (), "since the future")
        same(store.list_audit(until=first.at), (), "until the past")
        same(len(store.list_audit(since=first.at, until=last.at + 1)), len(whole), "between")
        pages: list[AuditRecord] = []
        while page := store.list_audit(after=pages[-1].id if pages else "", limit=4):
            pages += page
        same(tuple(pages), tuple(whole), "the pages")
        for text in UNSTORABLE[1:]:
            for name in ("actor", "action", "about"):
                same(tuple(store.list_audit(**{name: text})), (), f"by a text that cannot be kept, {name}")
        for far in (float("inf"), 1e303):
            same(tuple(store.list_audit(since=-far, until=far)), tuple(whole), f"between {-far} and {far}")
        for name in ("since", "until"):
            raises(ValueError, partial(store.list_audit, **{name: float("nan")}), f"list_audit({name}=nan)")

    def test_the_audit_trail_is_purged(self) -> None:
        """Before a time, which a time in the future does not exceed; that is an entry, too."""
        store = self.store()
        store.add_key(key("k1"))
        same(store.purge_audit(5), 0, "what is younger")
        same(len(store.list_audit()), 1, "the audit trail")
        store.add_key(key("k2"))
        same(store.purge_audit(9e9), 2, "what is older than now")
        same([entry.action for entry in store.list_audit()][-1], "audit.purged", "the entry of the purge")
