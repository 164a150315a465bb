"""Ends a command: with an exit code, and with one line or one JSON object on standard error that describes the error."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from watchword.errors import AlreadyExists, ConfigurationError, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

FAILED = 1
USAGE = 2
NO_STORE = 3
WEAKER = 4  # of `watchword routes --baseline`
INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it

# The shape of keys and tokens of any prefix: an underscore, and more letters and digits than an id has. Copies with a typo
# have it too.
SECRET = re.compile(r"[A-Za-z][A-Za-z0-9_]*_[0-9A-Za-z]{33,}|\bwwt?_[0-9A-Za-z_]{20,}")


class Failure(click.ClickException):
    """A command failed.

    Args:
        message: the problem, and how to mend it; never a secret.
        code: a stable name for programs.
        exit_code: the exit code of the process.
    """

    def __init__(self, message: str, code: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code
        self.status = exit_code


def missing_package(what: str, extra: str) -> Failure:
    """Return the failure of a command without a package that an extra of watchword installs."""
    return Failure(f"{what}, which is not installed. Run `pip install 'watchword[{extra}]'`", "missing_package")


def sentence(message: str) -> str:
    """Return a message with a capital letter and a full stop. One that begins with a value or an option keeps its beginning."""
    first = message.partition(" ")[0]
    return (message[:1].upper() + message[1:] if first.isalpha() else message) + ("" if message.endswith((".", "!", "?")) else ".")


def hide_secrets(text: str) -> str:
    """Return a message without anything in it that may be a key or a token."""
    return SECRET.sub("(hidden)", text)


class Command(click.Command):
    """A command whose errors never repeat unexpected arguments: they may hold a password."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does, but report only the number of unexpected arguments."""
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            ctx.fail(
                f"{len(rest)} argument{'s' if len(rest) > 1 else ''} too many. Do not pass passwords, keys and tokens as arguments: "
                "they are asked for, or read from standard input"
            )
        return rest


class Section(click.Group):
    """A group of commands."""

    command_class: type[click.Command] | None = Command


class Root(click.Group):
    """The whole command: each failure below it ends in an exit code and at most one line."""

    command_class: type[click.Command] | None = Command
    group_class: type[click.Group | type] | None = Section

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]  # noqa: ANN401 - the rest is click's
        """Run a command and end the process, as click does in its standalone mode."""
        as_json = "--json" in (sys.argv[1:] if args is None else args)
        try:
            code = super().main(args, prog_name, **{**extra, "standalone_mode": False})
        except click.Abort as abort:
            interrupted = isinstance(abort.__cause__ or abort.__context__, KeyboardInterrupt)
            _report("interrupted" if interrupted else "standard input ended: aborted", "aborted", as_json=as_json)
            sys.exit(INTERRUPTED if interrupted else FAILED)
        except click.ClickException as error:
            _show(error, as_json=as_json)
            sys.exit(getattr(error, "status", error.exit_code))
        except NotFound as error:
            self._end(error, "not_found", FAILED, as_json=as_json)
        except AlreadyExists as error:
            self._end(error, "already_exists", FAILED, as_json=as_json)
        except ConfigurationError as error:
            self._end(error, "invalid", FAILED, as_json=as_json)
        except Unavailable as error:
            self._end(error, "store_unavailable", NO_STORE, as_json=as_json)
        sys.exit(code if isinstance(code, int) else 0)

    def _end(self, error: Exception, code: str, exit_code: int, *, as_json: bool) -> NoReturn:
        _report(str(error), code, as_json=as_json)
        sys.exit(exit_code)


def finish_output() -> None:
    """Redirect standard output to nowhere after a failed write, so that the flush at exit does not fail again."""
    # As the documentation of Python's signal module recommends for broken pipes.
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return


def _show(error: click.ClickException, *, as_json: bool) -> None:
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and as_json:
        _report("a command is missing", "usage", as_json=True)
        return
    message = hide_secrets(error.format_message())
    if as_json:
        _report(message, getattr(error, "code", "usage" if isinstance(error, click.UsageError) else "failed"), as_json=True)
        return
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.message, err=True)  # the help, formatted
        return
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(error.ctx.get_usage(), err=True)
        click.echo(f"Try '{error.ctx.command_path} --help' for help.\n", err=True)
    _report(message, "", as_json=False)


def _report(message: str, code: str, *, as_json: bool) -> None:
    message = hide_secrets(sentence(" ".join(message.split())))
    click.echo(json.dumps({"error": message, "code": code}) if as_json else f"Error: {message}", err=True)
