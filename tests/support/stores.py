"""What the tests of stores have in common."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import prepared
from watchword.stores import SQLStore
from watchword.testing.stores import account, family, first, key, presented, token

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[2]
DIGEST = token().digest


def methods(store: SQLStore) -> dict[str, Callable[[], object]]:
    """Every method that asks the database something, with arguments of which it can know nothing by itself."""
    kept, held = replace(account("1", "ann"), version=1), replace(key(), version=1)
    return {
        "find_account": partial(store.find_account, "ann"),
        "find_account, folded": partial(store.find_account, "ann", fold_case=True),
        "get_account": partial(store.get_account, "1"),
        "add_account": partial(store.add_account, account("9", "eve", password_hash="h", hash_profile="p")),
        "replace_account": partial(store.replace_account, kept),
        "swap_hash": partial(store.swap_hash, "1", "h", "h2", None),
        "remove_account": partial(store.remove_account, "7", 1),
        "list_accounts": store.list_accounts,
        "note_login": partial(store.note_login, "1", 1),
        "hash_samples": store.hash_samples,
        "dummy_key": store.dummy_key,
        "find_key": partial(store.find_key, "k1"),
        "add_key": partial(store.add_key, key("k9")),
        "replace_key": partial(store.replace_key, held),
        "rotate_key": partial(store.rotate_key, held, key("k8")),
        "list_keys": store.list_keys,
        "list_keys, of one": partial(store.list_keys, owner="1"),
        "note_key_use": partial(store.note_key_use, "k1", 1),
        "find_token": partial(store.find_token, DIGEST),
        "get_token": partial(store.get_token, "t1"),
        "add_token": partial(store.add_token, token("t9")),
        "revoke_token": partial(store.revoke_token, "t1", 1),
        "list_tokens": store.list_tokens,
        "list_tokens, of one": partial(store.list_tokens, owner="1"),
        "purge_tokens": partial(store.purge_tokens, 0),
        "start_family": partial(store.start_family, family("f9", "5"), first("f9")),
        "find_family": partial(store.find_family, "f1"),
        "find_refresh": partial(store.find_refresh, first().digest),
        "refresh_family": partial(store.refresh_family, presented()),
        "end_family": partial(store.end_family, "f1", 1),
        "list_families": store.list_families,
        "list_families, of one": partial(store.list_families, owner="5"),
        "purge_families": partial(store.purge_families, 0),
        "find_standing": partial(store.find_standing, "i", "5", "j", "f1"),
        "revoke_jti": partial(store.revoke_jti, "i", "j9", 1, 2),
        "revoke_before": partial(store.revoke_before, "i", "9", 1),
        "purge_revocations": partial(store.purge_revocations, 0, 0),
        "find_value": partial(store.find_value, "a"),
        "find_values": partial(store.find_values, "a"),
        "put_value": partial(store.put_value, "b", b"1", 60),
        "swap_value": partial(store.swap_value, "c", None, b"1", 60),
        "remove_value": partial(store.remove_value, "a"),
        "revoke_all": partial(store.revoke_all, "7", 1),
        "status": store.status,
        "init": store.init,
        "upgrade": store.upgrade,
    }


_READ = ("find", "get", "list", "hash", "dummy", "status", "init", "upgrade", "purge")  # a purge that finds nothing writes nothing
READING = {name for name in methods(SQLStore("sqlite://", check=False)) if name.startswith(_READ)}


def fill(store: SQLStore) -> None:
    """Keep one of each."""
    store.add_account(account("1", "ann", password_hash="h", hash_profile="p"))
    store.add_key(key())
    store.add_token(token())
    store.start_family(family("f1", "5", expires_at=9e9), first(expires_at=9e9))
    store.revoke_jti("i", "j", 1, 9e9)
    store.revoke_before("i", "5", 1)
    store.put_value("a", b"1", 9e6)


def program(source: str, *arguments: object, python: Sequence[str] = ("-W", "error")) -> subprocess.CompletedProcess[str]:
    """Run a program of its own to its end, which has to be a good one."""
    if tuple(python) == ("-W", "error"):
        made = prepared.run(source, ["-c", *map(str, arguments)], b"", os.environ, strict=True)
        done = subprocess.CompletedProcess(made.args, made.returncode, made.stdout.decode(), made.stderr.decode())
    else:
        command = [sys.executable, *python, "-c", source, *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=250)
    assert done.returncode == 0, done.stderr + done.stdout
    return done
