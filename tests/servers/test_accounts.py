"""Accounts, keys and tokens of a store, and the users of a password file, behind real servers and shown by real clients."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.servers.conftest import WITH_ACCOUNTS
from tests.support.programs import program, tool
from tests.support.served import get, until, who
from tests.support.servers import DEADLINE
from tests.support.wire import basic, bearer
from watchword.checkers import PasswordHasher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.served import Accountable
    from tests.support.servers import Server

    Serving = Callable[[str], Server]

everywhere = pytest.mark.parametrize("name", WITH_ACCOUNTS)
OUTDATED = PasswordHasher(time_cost=1, memory_cost=32, parallelism=1)


# Of the session, as the store is: where a process of pytest-xdist comes back to this module, it makes those of a module anew.
@pytest.fixture(scope="session")
def people(accountable: Accountable) -> dict[str, str]:
    """Accounts in every state, and the secrets of what they hold."""
    for name in ("ann", "dis", "loc"):
        accountable.add(name, f"right of {name}")
    accountable.accounts.lock("loc", until=4e9)
    held = {
        "key": accountable.keys.create("ann"),
        "revoked key": accountable.keys.create("ann"),
        "key of dis": accountable.keys.create("dis"),
    }
    tokens = {
        "token": accountable.tokens.create("ann"),
        "revoked token": accountable.tokens.create("ann"),
        "token of dis": accountable.tokens.create("dis"),
    }
    accountable.accounts.disable("dis")
    accountable.keys.revoke(held["revoked key"].record.id)
    accountable.tokens.revoke(tokens["revoked token"].record.id)
    return {**{name: made.key for name, made in held.items()}, **{name: made.token for name, made in tokens.items()}}


@pytest.fixture(scope="session")
def files(accountable: Accountable) -> list[str]:
    """Users of the password file, made by the tools that people have, one for each format."""
    path = str(accountable.file)
    for flag in ("-B", "-m", "-s", "-2", "-5"):
        tool("htpasswd", "-b", flag, path, f"a{flag}", f"file a{flag}")
    for flag in ("-apr1", "-1", "-5", "-6"):
        made = tool("openssl", "passwd", flag, "-stdin", given=f"file o{flag}")
        with accountable.file.open("a") as file:
            file.write(f"o{flag}:{made}\n")
    return [f"a{flag}" for flag in ("-B", "-m", "-s", "-2", "-5")] + [f"o{flag}" for flag in ("-apr1", "-1", "-5", "-6")]


def curl(server: Server, folder: Path, transfers: list[tuple[str, list[str]]]) -> list[tuple[int, str | None]]:
    """Let curl do some transfers one after the other, and return status and who it was to the application."""
    arguments = [program("curl"), "--disable"]
    for number, (path, options) in enumerate(transfers):
        arguments += ["--next"] * bool(number) + ["--silent", "--show-error", "--noproxy", "*", "--max-time", str(DEADLINE), *options]
        arguments += ["--output", str(folder / str(number)), "--write-out", "%{http_code}\n", server.url + path]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    statuses = [int(line) for line in done.stdout.split()]
    bodies = [(folder / str(number)).read_bytes() for number in range(len(transfers))]
    return [(status, json.loads(body)["who"] if status == 200 else None) for status, body in zip(statuses, bodies, strict=True)]


@everywhere
def test_curl(name: str, serving_accounts: Serving, people: dict[str, str], tmp_path: Path, accountable: Accountable) -> None:
    """Right credentials are let in; wrong, disabled, locked and revoked ones get a 401, and each password costs one hash."""
    server = serving_accounts(name)

    def key(which: str) -> list[str]:
        return ["--header", f"X-API-Key: {people[which]}"]

    right = [("ann", ["--user", "ann:right of ann"]), ("ann", key("key")), ("ann", ["--oauth2-bearer", people["token"]])]
    passwords = [("ann", f"wrong of {name}"), ("nobody", f"right of {name}"), ("dis", "right of dis"), ("loc", "right of loc"), ("ann", "")]
    wrong = [["--user", f"{user}:{password}"] for user, password in passwords]
    wrong += [
        key("revoked key"),
        key("key of dis"),
        ["--oauth2-bearer", people["revoked token"]],
        ["--oauth2-bearer", people["token of dis"]],
    ]
    wrong += [["--header", f"X-API-Key: {people['key'][:-1]}"], ["--oauth2-bearer", people["key"]], key("token"), []]
    transfers = [("/me", options) for _, options in right] + [("/me", options) for options in wrong] + [("/me", right[0][1])]
    expected: list[tuple[int, str | None]] = [*((200, one) for one, _ in right), *[(401, None)] * len(wrong), (200, "ann")]
    before = accountable.journal(server)
    assert curl(server, tmp_path, transfers) == expected
    shown = sorted(password for _, password in passwords)
    # Another test's hash may still be computed: whoever asked for it went away.
    noted = [one.password for one in accountable.journal(server)[len(before) :] if one.begins("verify") and one.password in shown]
    assert sorted(noted) == shown


@everywhere
def test_httpx(name: str, serving_accounts: Serving, people: dict[str, str], files: list[str]) -> None:
    """On a connection that is kept, from one caller to the next; what htpasswd and openssl made lets its users in."""
    with httpx.Client(base_url=serving_accounts(name).url, trust_env=False, timeout=DEADLINE) as client:

        def ask(path: str, **options: Any) -> tuple[int, str | None]:
            response = client.get(path, **options)
            return response.status_code, response.json()["who"] if response.status_code == 200 else None

        for user in files:
            assert ask("/file", auth=(user, f"file {user}")) == (200, user)
            assert ask("/file", auth=(user, f"file {user}.")) == (401, None)
        assert ask("/file", auth=("ann", "right of ann")) == (401, None)
        assert ask("/me", auth=("ann", "right of ann")) == (200, "ann")
        assert ask("/me", auth=("ann", "wrong")) == (401, None)
        assert ask("/me", headers={"X-API-Key": people["key"]}) == (200, "ann")
        assert ask("/me", headers={"X-API-Key": people["revoked key"]}) == (401, None)
        assert ask("/me", headers={"Authorization": f"Bearer {people['token']}"}) == (200, "ann")
        assert ask("/me", headers={"Authorization": f"Bearer {people['revoked token']}"}) == (401, None)
        assert ask("/me") == (401, None)
        assert ask("/healthz") == (200, "")


@everywhere
def test_the_hash_is_made_anew_after_the_response(name: str, serving_accounts: Serving, accountable: Accountable) -> None:
    """The client has all of its answer before the new hash is begun, which waits here until the client has read it."""
    server, gate = serving_accounts(name), f"rehash-{name}"
    shown = accountable.add(gate, f"hash/{gate}", OUTDATED)
    old = accountable.accounts.get(gate).password_hash
    with accountable.closed(gate) as let:
        assert who(get(server, "/me", shown)) == gate
        assert accountable.accounts.get(gate).password_hash == old
        let()
        until(lambda: accountable.accounts.get(gate).password_hash != old, "the new hash")
    assert [one.step for one in accountable.journal(server) if one.password == f"hash/{gate}"] == ["verify"] * 2 + ["hash"] * 2
    assert who(get(server, "/me", shown)) == gate


@everywhere
def test_a_login_is_noted_after_the_response(name: str, serving_accounts: Serving, accountable: Accountable) -> None:
    """While somebody else writes to the store, nothing can be noted, and nobody has to wait for that."""
    server, user = serving_accounts(name), f"noted-{name}"
    shown = accountable.add(user, "a password")
    key = ("X-API-Key", accountable.keys.create(user).key)
    with closing(sqlite3.connect(accountable.folder / "auth.db", isolation_level=None, timeout=DEADLINE)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert who(get(server, "/me", shown)) == user
        connection.execute("ROLLBACK")
        connection.execute("BEGIN IMMEDIATE")
        assert who(get(server, "/me", key)) == user
        connection.execute("ROLLBACK")
    # Again and again: on a machine that stood still for longer than a store waits the first note is lost.
    until(lambda: get(server, "/me", shown).status == 200 and accountable.accounts.get(user).last_login_at, "the note of the login")
    until(lambda: get(server, "/me", key).status == 200 and next(accountable.keys.list(user)).last_used_at, "the note of the key's use")


def test_credentials_of_one_place_are_of_no_use_in_another(serving_accounts: Serving, accountable: Accountable) -> None:
    """The password file and the store have users of the same name."""
    server = serving_accounts("uvicorn")
    accountable.add("two", "in the store")
    tool("htpasswd", "-bB", "-C", "4", str(accountable.file), "two", "in the file")
    statuses = [
        get(server, path, basic("two", password)).status for path in ("/me", "/file") for password in ("in the store", "in the file")
    ]
    assert statuses == [200, 401, 401, 200]
    assert get(server, "/file", bearer(accountable.tokens.create("two").token)).status == 401
