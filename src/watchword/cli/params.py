"""Parses names, times and durations, and defines the options that commands share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import wraps
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, TypeVar

import click

from watchword.cli.failures import SECRET
from watchword.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.checkers.passwords import PasswordHasher
    from watchword.clock import Clock

F = TypeVar("F", bound="Callable[..., Any]")

_DURATION = re.compile(r"(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)
_UNITS = (604_800, 86_400, 3600, 60, 1)
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,6})?", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.]{0,30}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """The hasher and the clock of a program that calls the command: `cli.main(args, obj=Settings(...))`. None: the default."""

    hasher: PasswordHasher | None = None
    clock: Clock | None = None


def settings() -> Settings:
    """Return the settings of the command that runs."""
    return click.get_current_context().find_object(Settings) or Settings()


def clock() -> Clock:
    """Return the clock of the command that runs."""
    return settings().clock or SystemClock()


class Name(click.ParamType[str]):
    """A name or an id. A text that may be a key or a token is refused, and not shown."""

    name = "name"

    def __init__(self, *, may_be_empty: bool = False) -> None:
        self._may_be_empty = may_be_empty

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - click's
        """Return the name."""
        from watchword.stores.bounds import MAX_TEXT, storable

        text = str(value)
        if SECRET.search(text):
            self.fail("this looks like a key or a token. Do not pass one as an argument: the list of processes shows it", param, ctx)
        if not storable(text) and not (self._may_be_empty and not text):
            self.fail(f"it must be text of 1 to {MAX_TEXT} octets in UTF-8, without control characters", param, ctx)
        return text


class Handle(click.ParamType[str]):
    """The id of a key or the handle of a token, as lists show them."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - click's
        """Return the id."""
        from watchword.checkers.key_format import ID_LENGTH, is_id

        if not is_id(value):
            self.fail(
                f"an id must be {ID_LENGTH} letters and digits, as `list` shows it. Do not pass a whole key or token as an argument. "
                "Leave the id out: the secret is asked for, or read from standard input",
                param,
                ctx,
            )
        return str(value)


class Duration(click.ParamType[float]):
    """A duration such as `90d`, `12h`, `1h30m` or `45s`, as seconds; `never` is infinite, where it is accepted."""

    name = "duration"

    def __init__(self, *, never: bool = False) -> None:
        self._never = never

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - click's
        """Return seconds."""
        if isinstance(value, float):
            return value
        seconds = inf if self._never and value == "never" else duration(str(value))
        if seconds is None:
            self.fail(f"a duration must be like 90d, 12h, 30m, 45s or 1h30m{', or never' if self._never else ''}", param, ctx)
        return seconds


class Moment(click.ParamType[float]):
    """A time, as Unix seconds. It is written as a duration from now, in ISO 8601, or as Unix seconds.

    Args:
        never: whether `never` is accepted, as infinity.
        future: whether it must be in the future.
        past: whether it must be in the past; a duration is then before now.
    """

    name = "time"

    def __init__(self, *, never: bool = False, future: bool = True, past: bool = False) -> None:
        self._never = never
        self._future = future and not past
        self._past = past

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - click's
        """Return Unix seconds."""
        if isinstance(value, float):
            return value
        if self._never and value == "never":
            return inf
        now = clock().now()
        moment = _moment(str(value), now, -1 if self._past else 1)
        if moment is None:
            ago = "ago" if self._past else "from now"
            self.fail(
                f"a time must be like 90d or 12h ({ago}), 2030-12-31 or 2030-12-31T18:00:00+01:00 (ISO 8601; local without a zone), "
                f"or Unix seconds{', or never' if self._never else ''}",
                param,
                ctx,
            )
        if self._past and moment > now:
            self.fail("that time is in the future. Write a time before now like 30d", param, ctx)
        if self._future and moment <= now:
            self.fail("that time is over. Write a time from now like 90d or 3600s", param, ctx)
        return moment


def duration(text: str) -> float | None:
    """Return the seconds of a duration such as `1h30m`; None: it is not one."""
    found = _DURATION.fullmatch(text)
    if found is None or not text:
        return None
    return float(sum(int(number) * unit for number, unit in zip(found.groups("0"), _UNITS, strict=True)))


def _moment(text: str, now: float, direction: int) -> float | None:
    from datetime import datetime  # not needed to show help

    after = duration(text)
    if after is not None:
        return now + direction * after
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        # A time without a zone is local, as a user at a terminal expects.
        moment = datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return moment if isfinite(moment) else None


def no_store(ctx: click.Context) -> click.UsageError:
    """Return the error of a command that was given no store."""
    return click.UsageError("no store was named. Use --store URL, such as --store sqlite:///auth.db, or set WATCHWORD_STORE", ctx)


def check_url(ctx: click.Context, _param: click.Parameter, url: str | None) -> str:
    """Return the URL of a store that lasts; refuse others without showing them, for they may hold a password."""
    if ctx.resilient_parsing:
        return ""
    if not url:
        if isinstance(ctx.command, click.Group):
            return ""  # a command below may name it
        raise no_store(ctx)
    scheme, separator, rest = url.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme):
        raise click.UsageError("the URL of a store must be like sqlite:///auth.db or postgresql://user@host/database", ctx)
    if scheme.partition("+")[0] not in {"sqlite", "postgresql", "postgres"}:
        raise click.UsageError(f"a store must be sqlite:///auth.db or postgresql://user@host/database, got {scheme}://", ctx)
    if scheme.startswith("sqlite") and rest in {"", "/", "/:memory:", ":memory:"}:
        raise click.UsageError("a store in memory is gone when the command ends. Use a file, such as sqlite:///auth.db", ctx)
    return url


def store_options(function: F) -> F:
    """Add the options `--store`, as `url`, and `--json`, as `as_json`."""
    return click.option(
        "--store",
        "url",
        metavar="URL",
        envvar="WATCHWORD_STORE",
        show_envvar=True,
        callback=check_url,
        help="The store of accounts, keys and tokens: sqlite:///auth.db, or postgresql://user@host/database.",
    )(json_option(function))


def json_option(function: F) -> F:
    """Add the option `--json`, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON value, and errors as JSON.")(function)


def weak_option(function: F) -> F:
    """Add the option `--weak`, as `weak`."""
    return click.option("--weak", is_flag=True, help="Accept a password that is easy to guess, too.")(function)


def case_option(function: F) -> F:
    """Add the option `--ignore-case`, as `ignore_case`."""
    text = "Names that differ in case alone are the same, as with Accounts(fold_case=True)."
    return click.option("--ignore-case", is_flag=True, help=text)(function)


def repeated(option: str, parameter: str, text: str | None = None) -> Callable[[F], F]:
    """Return a decorator that adds an option for names, which may be repeated."""
    return click.option(option, parameter, multiple=True, type=Name(), metavar="NAME", help=text)


def grants(function: F) -> F:
    """Add the options `--role`, `--scope` and `--permission`, as `roles`, `scopes` and `permissions`."""
    for what in ("permission", "scope", "role"):
        function = repeated(f"--{what}", f"{what}s", f"A {what} that it holds. May be repeated.")(function)
    return function


def cost_options(function: F) -> F:
    """Add the costs of Argon2id as options, and pass the hasher that they make as `hasher`."""
    options = (
        ("--time-cost", "time_cost", "Passes over the memory."),
        ("--memory-cost", "memory_cost", "Memory in KiB."),
        ("--parallelism", "parallelism", "Lanes."),
    )

    @wraps(function)
    def call(*args: Any, time_cost: int | None, memory_cost: int | None, parallelism: int | None, **rest: Any) -> Any:  # noqa: ANN401 - any command's
        from watchword.checkers.passwords import PasswordHasher

        costs: dict[str, Any] = {"time_cost": time_cost, "memory_cost": memory_cost, "parallelism": parallelism}
        given = {name: number for name, number in costs.items() if number is not None}
        return function(*args, hasher=PasswordHasher(**given) if given else settings().hasher or PasswordHasher(), **rest)

    made: Any = call
    for option, name, text in reversed(options):
        made = click.option(option, name, type=click.IntRange(min=1), help=f"{text} As PasswordHasher({name}=...) of your application.")(
            made
        )
    return made  # type: ignore[no-any-return]  # the same function, with options
