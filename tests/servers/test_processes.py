"""Several processes on one store: what is changed in one counts in the others, and a fork leaves each of them in order."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.servers.conftest import WITH_ACCOUNTS
from tests.support.command import run
from tests.support.programs import tool
from tests.support.served import STALENESS, asking, everywhere, pid, together, until, who
from tests.support.stores import program
from tests.support.wire import basic, bearer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.served import Accountable, Field
    from tests.support.servers import Server

    Serving = Callable[[str], Server]

SEVERAL = [name for name, workers in WITH_ACCOUNTS.items() if workers > 1]
ONCE_MORE = 8  # times a worker is asked after it has refused


def watchword(accountable: Accountable, *arguments: str, given: str = "") -> None:
    """Run the command in a process of its own."""
    done = run(*arguments, "--store", accountable.url, given=given)
    assert done.returncode == 0, done.stderr


def refused_for_good(server: Server, shown: Field, since: float) -> None:
    """See every process of a server refuse in time, without a restart, and keep to it."""
    workers, granted, refused = WITH_ACCOUNTS[server.name], list[float](), dict[int, int]()

    def all_do() -> bool:
        began, before = time.time(), {*refused}
        for answer in together(server, [asking("/me", shown)] * 2 * workers):
            if answer.status == 200:
                granted.append(began)
                assert pid(answer) not in before  # of two requests at once one may be refused, though it is answered first
            else:
                assert answer.status == 401
                refused[pid(answer)] = refused.get(pid(answer), 0) + 1
        return len(refused) == workers and min(refused.values()) >= ONCE_MORE

    until(all_do, f"refusals by every process of {server.name}")
    # By the clock, and not by how long anything took: a request that began after the bound is refused however slow the machine is.
    assert [began for began in granted if began - since > STALENESS] == []


@pytest.mark.parametrize("what", ["token", "tokens of the account", "key", "account", "password"])
def test_what_a_command_takes_away_is_refused_everywhere(what: str, serving_accounts: Serving, accountable: Accountable) -> None:
    """Within the bound that the store states, by every process, also by those that have it in their memory."""
    servers, user = [serving_accounts(name) for name in SEVERAL], what.replace(" ", "-")
    password = accountable.add(user, f"right of {user}")
    token, key = accountable.tokens.create(user), accountable.keys.create(user)
    shown, arguments, given = {
        "token": (bearer(token.token), ["token", "revoke", token.record.id], ""),
        "tokens of the account": (bearer(token.token), ["token", "revoke-all", user], ""),
        "key": (("X-API-Key", key.key), ["key", "revoke", key.record.id], ""),
        "account": (password, ["user", "disable", user], ""),
        "password": (password, ["user", "passwd", user, "--weak"], "another"),
    }[what]
    for server in servers:
        for _ in range(2):
            assert {who(answer) for answer in everywhere(server, asking("/me", shown), 2)} == {user}
    watchword(accountable, *arguments, given=given)
    since = time.time()
    for server in servers:
        refused_for_good(server, shown, since)
    if what == "password":
        for server in servers:
            assert {answer.status for answer in everywhere(server, asking("/me", basic(user, "another")), 2)} == {200}


@pytest.mark.parametrize("name", SEVERAL)
def test_a_change_of_the_password_file_counts_with_the_next_request(name: str, serving_accounts: Serving, accountable: Accountable) -> None:
    """A user added, a password changed and a user removed by `htpasswd`: no process answers from what it has read before."""
    server, path, user = serving_accounts(name), str(accountable.file), f"user-{name}"

    def statuses(password: str) -> set[int]:
        return {answer.status for answer in everywhere(server, asking("/file", basic(user, password)), 2)}

    assert statuses("first") == {401}
    tool("htpasswd", "-bB", "-C", "4", path, user, "first")
    assert statuses("first") == {200}
    tool("htpasswd", "-bB", "-C", "4", path, user, "other")
    assert statuses("first") == {401}
    assert statuses("other") == {200}
    tool("htpasswd", "-D", path, user)
    assert statuses("other") == {401}


def test_workers_forked_after_the_first_hash_answer_each_for_themselves(serving_accounts: Serving, accountable: Accountable) -> None:
    """Guard, store and limiter were in use before the fork: every worker goes on, and nobody reads an answer to somebody else."""
    server = serving_accounts("gunicorn-gthread-2-preload")
    early = [one for one in accountable.journal(server) if one.password == "early" and one.begins("verify")]
    assert len({one.pid for one in early}) == 1
    shown: list[tuple[str, Field]] = []
    for number in range(8):
        shown.append((f"each-{number}", accountable.add(f"each-{number}", f"right of {number}")))
        shown.append((f"each-{number}", bearer(accountable.tokens.create(f"each-{number}").token)))
        shown.append((f"each-{number}", ("X-API-Key", accountable.keys.create(f"each-{number}").key)))
    workers: set[int] = set()

    def asked() -> bool:
        for user, field in shown:
            answers = together(server, [asking("/me", field), asking("/me", basic(user, "wrong"))])
            assert sorted(answer.status for answer in answers) == [200, 401]
            assert [who(answer) for answer in answers if answer.status == 200] == [user]
            workers.update(map(pid, answers))
        return len(workers) == 2

    until(asked, "answers of both workers")
    assert early[0].pid not in workers
    assert {who(answer) for answer in everywhere(server, asking("/me", basic("early", "early")), 2)} == {"early"}


FORKED = """
import os, sys, threading
from tests.support.wire import basic
from watchword import Basic, Guard, RequestView
from watchword.checkers import Accounts, Htpasswd, PasswordHasher
from watchword.protection.hash_limiter import HashLimiter
from watchword.stores import SQLStore
url, path = sys.argv[1:]
begun, gate = threading.Semaphore(0), threading.Event()

class Hasher(PasswordHasher):
    def verify(self, hash, password):
        if password == "waits" and os.getpid() == parent:
            begun.release()
            gate.wait()
        return super().verify(hash, password)

def told(event):
    # While the file is read again, nobody else reads it.
    if os.getpid() == parent:
        begun.release()
        gate.wait()

parent = os.getpid()
store = SQLStore(url)
hasher, limiter = Hasher(time_cost=1, memory_cost=64, parallelism=1), HashLimiter(2)
accounts = Accounts(store, hasher=hasher, limiter=limiter)
accounts.add("ann", "right")
guard = Guard(Basic(accounts, realm="r"))
file = Htpasswd(path, hasher=hasher, limiter=limiter, on_event=told)
file_guard = Guard(Basic(file, realm="r"))

def ask(guard, name, password):
    decision = guard.decide(RequestView("GET", "/me", [basic(name, password)]))
    guard.finish(decision)
    return decision.granted

assert ask(guard, "ann", "right")
asked = []
threads = [threading.Thread(target=lambda n=n: asked.append(ask(guard, f"user{n}", "waits"))) for n in range(6)]
with open(path, "a") as users:
    users.write("#\\nbob:" + hasher.hash("right") + "\\n")
threads.append(threading.Thread(target=lambda: asked.append(ask(file_guard, "bob", "right"))))
for thread in threads:
    thread.start()
for _ in range(3):
    begun.acquire()  # two hashes are computed, four wait, and the file is being read
children = []
with accounts._claiming:  # nobody could fork at a worse moment
    for _ in range(2):
        child = os.fork()
        if not child:
            answers = [ask(guard, "ann", "right"), ask(guard, "ann", "wrong"), ask(guard, "user0", "waits")]
            answers += [ask(file_guard, "bob", "right"), ask(file_guard, "bob", "wrong")]
            accounts.add(f"of{os.getpid()}", "right")
            answers.append(ask(guard, f"of{os.getpid()}", "right"))
            os._exit(7 if answers == [True, False, False, True, False, True] else 8)
        children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
gate.set()
for thread in threads:
    thread.join()
print(codes, sorted(asked), limiter.running, limiter.waiting, ask(guard, f"of{children[0]}", "right"))
"""


def test_a_fork_while_hashes_are_in_flight(accountable: Accountable, tmp_path: Path) -> None:
    """The child waits for no thread that it does not have, with accounts and with a password file; the parent's go on."""
    path = tmp_path / "users.htpasswd"
    path.write_text(accountable.file.read_text())
    assert program(FORKED, f"sqlite:///{tmp_path}/auth.db", path).stdout == f"[7, 7] {[False] * 6 + [True]} 0 0 True\n"
