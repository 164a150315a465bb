"""Running `watchword`: the installed command in a process of its own, or inside this one with cheap hashes and a fixed clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.testing import CliRunner

from tests.support import prepared
from watchword.checkers import PasswordHasher
from watchword.cli.commands import cli
from watchword.cli.params import Settings
from watchword.stores import SQLStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

COMMAND = str(Path(sys.executable).with_name("watchword"))
NOW = 1_700_000_000
STRONG = "Kq7 violet-tractor munich"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)

# Nobody's store, colours or terminal.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in {"WATCHWORD_STORE", "NO_COLOR", "FORCE_COLOR"}}


def run(*arguments: str, given: str | bytes = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own; what it prints must be UTF-8."""
    octets = given if isinstance(given, bytes) else given.encode()
    done = prepared.run(prepared.COMMAND, [COMMAND, *arguments], octets, ENVIRONMENT | environment)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@dataclass
class Inside:
    """The command inside this process, on a store of its own.

    Args:
        path: the file of the store.
        clock: tells the time.
    """

    path: Path
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    hasher: PasswordHasher = CHEAP
    printed: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the store is."""
        return f"sqlite:///{self.path}"

    def open(self) -> SQLStore:
        """Open the store beside the command."""
        return SQLStore(self.url, clock=self.clock)

    def __call__(self, *arguments: str, given: str | bytes = "", code: int = 0, **environment: str) -> Result:
        """Run a command, and see to it that it ends as it should and by no accident."""
        result = CliRunner().invoke(
            cli,
            arguments,
            input=given,
            env={"WATCHWORD_STORE": self.url, "NO_COLOR": None, **environment},
            obj=Settings(hasher=self.hasher, clock=self.clock),
            prog_name="watchword",
        )
        self.printed.append(result.output)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == code, result.output
        return result

    def json(self, *arguments: str, given: str | bytes = "", code: int = 0) -> Any:
        """Run a command with --json, and return its one value."""
        result = self(*arguments, "--json", given=given, code=code)
        assert result.stdout.count("\n") == 1
        return json.loads(result.stdout)

    def error(self, *arguments: str, given: str | bytes = "", code: int = 1) -> tuple[str, str]:
        """Run a command that fails with --json, and return the code and the words of its error."""
        result = self(*arguments, "--json", given=given, code=code)
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        error = json.loads(result.stderr)
        assert list(error) == ["error", "code"]
        return error["code"], error["error"]


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with the words that lead to it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command
