"""What the command makes lets people and programs in through a guard, and what is secret about it shows once."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import CHEAP, ENVIRONMENT, STRONG, commands, run
from watchword import APIKey, Basic, Bearer, Guard, RequestView, authenticated, role, scope
from watchword.checkers import Accounts, APIKeys, OpaqueTokens
from watchword.cli.failures import Command

if TYPE_CHECKING:
    from tests.support.command import Inside
    from watchword.stores import SQLStore

ANOTHER = "Another violet-tractor 77"


def guard_of(inside: Inside, store: SQLStore) -> Guard:
    """An application's guard over the store."""
    return Guard(
        Basic(Accounts(store, hasher=CHEAP, clock=inside.clock), realm="orders"),
        Bearer(OpaqueTokens(store, clock=inside.clock)),
        APIKey(APIKeys(store, clock=inside.clock)),
        rules={"/me": authenticated, "/admin": role("admin"), "/orders": scope("orders:read")},
        clock=inside.clock,
    )


def status(guard: Guard, target: str, field: str, value: str, client: str = "10.1.2.3") -> int:
    """What the guard answers."""
    view = RequestView("GET", target, [(field, value)], client=client)
    decision = guard.decide(view)
    guard.finish(decision)
    return 200 if decision.granted else guard.refuse(decision, view).status


def basic(name: str, password: str) -> str:
    """The field of Basic."""
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


def test_what_was_made_opens_doors_until_it_is_taken_away(inside: Inside) -> None:
    """A guard that runs meanwhile lets in by password, key and token, holds everybody to what was granted, and notices every change."""
    inside("user", "add", "ann", "--role", "admin", given=STRONG)
    key = inside.json("key", "create", "ann", "--scope", "orders:read", "--network", "10.0.0.0/8")
    token = inside.json("token", "create", "ann")["token"]
    shown = {"Authorization": basic("ann", STRONG), "X-API-Key": key["key"]}
    bearer = f"Bearer {token}"
    with inside.open() as store:
        guard = guard_of(inside, store)
        assert [status(guard, path, "Authorization", shown["Authorization"]) for path in ("/me", "/admin", "/orders")] == [200, 200, 403]
        assert [status(guard, path, "X-API-Key", shown["X-API-Key"]) for path in ("/me", "/admin", "/orders")] == [200, 403, 200]
        assert status(guard, "/me", "X-API-Key", shown["X-API-Key"], client="192.0.2.7") == 401
        assert status(guard, "/me", "Authorization", bearer) == 200

        inside("user", "disable", "ann")
        inside.clock.advance(2)  # what a process may still take from memory is over
        assert [status(guard, "/me", field, value) for field, value in shown.items()] == [401, 401]
        assert status(guard, "/me", "Authorization", bearer) == 401
        inside("user", "enable", "ann")
        inside("user", "passwd", "ann", given=ANOTHER)
        inside.clock.advance(2)
        assert status(guard, "/me", "Authorization", shown["Authorization"]) == 401
        assert status(guard, "/me", "Authorization", basic("ann", ANOTHER)) == 200
        assert status(guard, "/me", "Authorization", bearer) == 200

        inside("token", "revoke-all", "ann")
        inside.clock.advance(2)
        assert status(guard, "/me", "Authorization", bearer) == 401
        assert status(guard, "/me", "X-API-Key", shown["X-API-Key"]) == 401
        assert inside.json("key", "list")[0]["last_used_at"] is not None
        assert inside.json("user", "list")[0]["last_login_at"] is not None


def test_secrets_show_where_they_are_made_and_nowhere_else(inside: Inside) -> None:
    """Passwords, keys, tokens and hashes: not in any list, table, error or object but the one that hands them over, and not in the file."""
    inside("user", "add", "ann", given=STRONG)
    made = [inside("key", "create", "ann").stdout.strip(), inside("token", "create", "ann").stdout.strip()]
    made += [inside.json("key", "create", "ann")["key"], inside.json("token", "create", "ann")["token"]]
    new = inside.json("key", "rotate", inside.json("key", "list")[0]["id"])["key"]
    with inside.open() as store:
        hash_ = store.get_account("ann").password_hash  # type: ignore[union-attr]
    assert hash_ is not None
    secrets = [STRONG, ANOTHER, hash_, new, *made]
    inside.printed.clear()

    for form in ((), ("--json",)):
        for command in ("user list", "user show ann", "key list", "token list", "store status", "user disable ann", "user enable ann"):
            inside(*command.split(), *form)
        inside("audit", "--fail-on", "never", *form)
        inside("user", "passwd", "ann", *form, given=ANOTHER)
        inside("user", "passwd", "ann", *form, given=STRONG)
        for secret in (*made, new):
            for command in ("user show", "user add", "user disable", "key create", "key revoke", "key rotate", "key list --owner"):
                inside(*command.split(), secret, *form, code=2)
            for command in ("token create", "token revoke", "token revoke-all", "token list --subject", "hash"):
                inside(*command.split(), secret, *form, code=2)
            inside(secret, *form, code=2)
            inside("key", secret, *form, code=2)
            inside("user", "add", "zoe", "--role", secret, *form, code=2)
            inside("key", "create", "ann", "--label", secret, *form, code=2)
        for password in (STRONG, hash_):
            inside("user", "passwd", "ann", password, *form, code=2)
            inside("user", "add", "zoe", f"--password={password}", *form, code=2)
            inside("hash", "--identify", password, *form, code=2)
        inside("hash", "--identify", *form, given=hash_)
        inside("key", "revoke", *form, given=made[0])
        inside("token", "revoke", *form, given=made[1])
        inside("token", "revoke", *form, given=made[0], code=1)
        inside("key", "revoke", *form, given=made[1], code=1)
    text = "".join(inside.printed)
    assert len(inside.printed) > 100
    assert [secret for secret in secrets if secret in text] == []
    # Not a part of one either: what is behind the id of a key, or the prefix of a token.
    assert [secret for secret in (*made, new) if secret.rpartition("_")[2][:12] in text] == []

    with closing(sqlite3.connect(inside.path)) as database:
        stored = "\n".join(database.iterdump())
    assert "$argon2id$" in stored
    assert [secret for secret in (STRONG, ANOTHER, *made, new) if secret in stored] == []


@pytest.mark.parametrize("name", ["WATCHWORD_PASSWORD", "PASSWORD", "WATCHWORD_USER_ADD_PASSWORD", "WATCHWORD_USER_PASSWD_PASSWORD"])
def test_no_secret_comes_from_the_environment(inside: Inside, name: str) -> None:
    """Whoever may list processes may read environments, too: a password there is not looked at."""
    assert inside("user", "add", "ann", code=1, **{name: STRONG}).stderr.startswith("Error: Standard input is empty")


def test_the_real_command_repeats_nothing(inside: Inside) -> None:
    """A key that is piped in is among no arguments, and in nothing that is said."""
    key = run("key", "create", "job", "--client", WATCHWORD_STORE=inside.url).stdout.strip()
    done = run("key", "revoke", given=key, WATCHWORD_STORE=inside.url)
    assert done.returncode == 0
    assert key not in " ".join(done.args) + done.stdout + done.stderr
    assert "WATCHWORD_STORE" not in ENVIRONMENT


def test_a_password_in_the_url_never_shows(inside: Inside) -> None:
    """Not where the store is away, not where the URL cannot be one, not as JSON."""
    away, odd, foreign = "postgresql://ann:hunter2@127.0.0.1:1/x", "postgresql://ann:hunter2@127.0.0.1:nan/x", "mysql://ann:hunter2@host/x"
    for url, arguments, code in (
        (away, ["store", "init"], 3),
        (odd, ["user", "list"], 3),
        (odd, ["store", "status", "--json"], 3),
        (foreign, ["user", "list"], 2),
    ):
        done: Any = inside(*arguments, "--store", url, code=code)
        assert "hunter2" not in done.stdout + done.stderr
    # A traceback would show it too.
    done = run("user", "list", "--store", away)
    assert done.returncode == 3
    assert "hunter2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_no_command_repeats_what_it_did_not_expect() -> None:
    """A password that was given as an argument too many is not shown again, by whichever command."""
    assert [path for path, command in commands() if not isinstance(command, Command)] == []
