"""How commands end, in processes of their own: exit codes, pipes that break, stores that are away, Ctrl-C, missing packages."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.command import COMMAND, ENVIRONMENT, STRONG, commands, run
from watchword.stores.ports import AccountRecord

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Inside

HEAVY = ["alembic", "argon2", "rich", "sqlalchemy", "uvicorn", "zxcvbn"]


def modules(*arguments: str, given: str = "") -> set[str]:
    """What a process has imported when a command ends."""
    code = (
        f"import sys; sys.argv[1:] = {list(arguments)!r}\nfrom watchword.cli import main\ntry: main()\n"
        "except SystemExit: print('MODULES', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], input=given, capture_output=True, text=True, check=True, env=ENVIRONMENT)
    return set(done.stdout.rpartition("MODULES ")[2].split())


def without(package: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command where a package cannot be imported."""
    code = f"import sys; sys.modules[{package!r}] = None; sys.argv[1:] = {list(arguments)!r}; from watchword.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code], input=given, capture_output=True, text=True, check=False, env=ENVIRONMENT)


def test_the_whole_way(inside: Inside) -> None:
    """From an empty store to a key that was revoked, by the real command: 0 all along, and what fails says how."""
    store = ("--store", inside.url)
    assert run("user", "add", "ann", *store, given=STRONG).returncode == 0
    made = json.loads(run("key", "create", "ann", "--json", WATCHWORD_STORE=inside.url).stdout)
    assert made["key"] not in run("key", "list", *store).stdout
    assert run("key", "revoke", *store, given=made["key"]).stdout == f"revoked {made['id']}\n"
    missing = run("user", "show", "zoe", *store)
    assert (missing.returncode, missing.stdout, missing.stderr) == (1, "", "Error: There is no account 'zoe'.\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("user", "add", "ann"), 1),
        (("user", "show", "zoe"), 1),
        (("user", "lock", "ann"), 2),
        (("user", "frobnicate"), 2),
        (("--frobnicate",), 2),
        (("user", "list", "--store", "memory://"), 2),
        (("user", "list", "--store", "sqlite:////nowhere/auth.db"), 3),
        (("user", "list", "--store", "postgresql://ann:hunter2@127.0.0.1:1/x"), 3),
        (("store", "status", "--store", "postgresql://ann:hunter2@127.0.0.1:1/x"), 3),
    ],
)
def test_exit_codes(ann: Inside, arguments: tuple[str, ...], code: int) -> None:
    """1: it failed; 2: it was typed wrong; 3: the store cannot be used. Each with one error, as words or as JSON, and nothing else."""
    plain = ann(*arguments, code=code)
    assert plain.stdout == ""
    assert plain.stderr.count("\nError: ") + plain.stderr.startswith("Error: ") == 1
    assert plain.stderr.splitlines()[-1].startswith("Error: ")
    _, words = ann.error(*arguments, code=code)
    assert "hunter2" not in plain.stderr + words
    assert code == 2 or plain.stderr.count("\n") == 1


def test_the_process_ends_with_that_code(ann: Inside) -> None:
    """The real command ends as the command inside this process does, with the same words."""
    for code, command in ((1, "user show zoe"), (2, "user lock ann"), (3, "user list --store sqlite:////nowhere/a")):
        arguments = command.split()
        environment = ENVIRONMENT | {"WATCHWORD_STORE": ann.url}
        done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False, env=environment)
        assert (done.returncode, done.stdout, done.stderr) == (code, "", ann(*arguments, code=code).stderr)


def test_a_store_that_is_locked(ann: Inside) -> None:
    """Somebody who holds the database for long is an outage: one line, exit code 3, and nothing half done."""
    with closing(sqlite3.connect(ann.path, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        done = run("user", "disable", "ann", "--store", ann.url)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"Error: The store does not answer: OperationalError: database is locked (sqlite:///{ann.path}).\n"
    assert ann.json("user", "show", "ann")["state"] == "active"


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("target", "arguments"),
    [
        ("/dev/full", ("key", "create", "ann")),
        ("closed", ("key", "create", "ann")),
        ("pipe", ("key", "create", "ann")),
        ("pipe", ("token", "create", "ann", "--json")),
    ],
)
def test_a_key_that_nobody_sees_is_revoked(ann: Inside, arguments: tuple[str, ...], target: str) -> None:
    """Where the secret could not be written out nobody has it, so it is revoked, and the failure is told."""
    command = " ".join([COMMAND, *arguments])
    shell = {"/dev/full": f"{command} >/dev/full", "closed": f"{command} >&-", "pipe": ""}[target]
    if shell:
        done = subprocess.run(
            ["sh", "-c", shell], capture_output=True, text=True, check=False, env=ENVIRONMENT | {"WATCHWORD_STORE": ann.url}
        )
    else:
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            command.split(), stdout=writing, stderr=subprocess.PIPE, text=True, check=False, env=ENVIRONMENT | {"WATCHWORD_STORE": ann.url}
        )
        os.close(writing)
    (listed,) = ann.json(arguments[0], "list")
    assert (done.returncode, listed["state"]) == (1, "revoked")
    assert f"The new {arguments[0]} {listed['id']} could not be written to standard output, so it was revoked" in done.stderr
    assert "Traceback" not in done.stderr


def test_whoever_reads_the_first_line_only(ann: Inside) -> None:
    """`| head` is no reason for a traceback."""
    with ann.open() as store:
        for number in range(80):  # more than a pipe holds
            store.add_account(AccountRecord(id=f"{number}" * 500, names=("x" * 900 + f"{number}",)))
    shell = f"{COMMAND} user list --store {ann.url} | head -n 1"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_a_full_disk(ann: Inside) -> None:
    """A list that could not be written is a failure, in one line."""
    shell = f"{COMMAND} user list --store {ann.url} >/dev/full"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (1, "Error: Cannot write to standard output: No space left on device.\n")


def test_standard_input_that_is_closed(ann: Inside) -> None:
    """A password that cannot be read is a failure, in one line."""
    shell = f"{COMMAND} user passwd ann --store {ann.url} <&-"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: Standard input is empty: its first line must be the new password")


def test_ctrl_c(ann: Inside) -> None:
    """Whoever ends a command that waits gets no traceback; the exit code is that of shells, and nothing was done."""
    # It opens the file, a pipe, and waits for somebody who writes: once the test has opened it the command is at it.
    pipe = ann.path.with_name("pipe")
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [COMMAND, "import", "htpasswd", str(pipe), "--store", ann.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    with pipe.open("wb"):
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate()
    assert (process.returncode, out) == (130, ""), errors
    assert errors.strip() == "Error: Interrupted."


def test_help_is_light() -> None:
    """`watchword --help`, and the help of any command, load nothing that only work needs."""
    helps = [["--help"], *([*path, "--help"] for path, _ in commands())]
    code = (
        f"import sys\nfrom watchword.cli import main\nfor sys.argv[1:] in {helps!r}:\n    try: main()\n    except SystemExit: pass\n"
        "print('MODULES', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    loaded = set(done.stdout.rpartition("MODULES ")[2].split())
    assert done.stdout.count("Usage: ") == len(helps)
    assert "click" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_each_command_loads_only_what_it_needs(ann: Inside) -> None:
    """No alembic where no table is made, no zxcvbn where no password is set, no table library where none is drawn."""
    assert modules("user", "list", "--store", ann.url) & set(HEAVY) == {"sqlalchemy"}
    assert modules("user", "passwd", "ann", "--weak", "--store", ann.url, given="x\n") & set(HEAVY) == {"sqlalchemy", "argon2"}
    assert modules("hash", "--weak", given="x\n") & set(HEAVY) == {"argon2"}


def test_a_short_command_looks_for_no_garbage(inside: Inside) -> None:
    """What it imports stays to its end: hundreds of collections would look at all of it, and then those of the interpreter's end."""
    code = (
        f"import gc, sys; sys.argv[1:] = ['user', 'list', '--store', {inside.url!r}]\nfrom watchword.cli import main\n"
        "before = sum(one['collections'] for one in gc.get_stats())\ntry: main()\n"
        "except SystemExit: print(sum(one['collections'] for one in gc.get_stats()) - before, len(gc.get_objects()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    collections, left = map(int, done.stdout.split()[-2:])
    assert collections < 10
    assert left < 1000


@pytest.mark.parametrize(
    ("package", "url", "extra"),
    [
        ("sqlalchemy", "sqlite:///{}", "sql"),
        ("sqlalchemy", "postgresql://ann:hunter2@127.0.0.1:1/x", "postgresql"),
        ("psycopg", "postgresql://ann:hunter2@127.0.0.1:1/x", "postgresql"),
    ],
)
def test_a_store_without_its_package(ann: Inside, package: str, url: str, extra: str) -> None:
    """Whoever lacks a package reads in one line what to install."""
    done = without(package, "user", "list", "--store", url.format(ann.path))
    assert done.returncode in {1, 3}
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert f"pip install 'watchword[{extra}]'" in done.stderr
    assert "hunter2" not in done.stderr


def test_migrations_without_their_package(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Making the tables needs alembic."""
    done = without("alembic", "store", "init", "--store", f"sqlite:///{tmp_path_factory.mktemp('x')}/auth.db")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "pip install 'watchword[sql]'" in done.stderr


def test_passwords_without_their_judge(ann: Inside) -> None:
    """Without zxcvbn a password is set with --weak, or not at all; nobody is asked for one in vain."""
    done = without("zxcvbn", "user", "passwd", "ann", "--store", ann.url)
    assert done.returncode == 1
    assert "zxcvbn (--weak skips this), which is not installed. Run `pip install 'watchword[cli]'`" in done.stderr
    assert without("zxcvbn", "user", "passwd", "ann", "--weak", "--store", ann.url, given="x\n").returncode == 0


def test_the_command_without_click() -> None:
    """For the demo it is one extra, for everything else another."""
    assert without("click", "user", "list").stderr.endswith("pip install 'watchword[cli]'\n")


@pytest.mark.parametrize("path", [(), ("user",), ("key",), ("token",), ("store",), ("import",)])
def test_a_group_without_a_command_prints_its_help(inside: Inside, path: tuple[str, ...]) -> None:
    """The help keeps its lines, goes to standard error, and the exit code says that nothing was done."""
    done = inside(*path, code=2)
    assert done.stdout == ""
    assert done.stderr == inside(*path, "--help").stdout


def test_an_outage_names_the_store_and_the_cause(inside: Inside, tmp_path: Path) -> None:
    """SQLite says "unable to open database file"; the command says which file, and what is wrong with it."""
    folder = tmp_path / "folder.db"
    folder.mkdir()
    for path, cause in ((tmp_path / "none" / "auth.db", f"there is no folder {tmp_path / 'none'}"), (folder, "it is a folder")):
        done = inside("user", "list", "--store", f"sqlite:///{path}", code=3)
        assert f"(sqlite:///{path}: {cause})" in done.stderr
