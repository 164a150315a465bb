"""Checks arguments. Every message names the argument, the rule, the value and the fix.

    Basic(realm=...) must be printable ASCII and not empty, got 'büro'. Use "buero".

Each check returns the value that it accepts, and raises `ConfigurationError` for any other. A value that may hold a secret is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from sys import float_info
from typing import TYPE_CHECKING, TypeVar, cast

from watchword.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

T = TypeVar("T")

# RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ). Neither space, quote nor backslash: scopes travel in one string,
# separated by spaces, and in quoted challenge parameters.
_SCOPE = frozenset(map(chr, range(0x21, 0x7F))) - {'"', "\\"}
_GREATEST = float_info.max  # a greater int is not a float: arithmetic with it would raise OverflowError
_SHOWN = 100  # characters of a value in a message: messages end up in logs


def shown(value: object) -> str:
    """Return a value for a message: cut, and safe even if its `repr` fails.

    Args:
        value: what the caller gave; not a secret.
    """
    if isinstance(value, str) and len(value) > _SHOWN:
        return f"{value[:_SHOWN]!r}..."
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - the object is foreign, and a number may have more digits than Python prints
        return f"one of {type(value).__name__}"
    return text if len(text) <= 2 * _SHOWN else f"{text[:_SHOWN]}..."


def invalid(argument: str, must: str, value: object, fix: str = "", *, secret: bool = False) -> ConfigurationError:
    """Return the error for an argument.

    Args:
        argument: where the value was given, such as `Basic(realm=...)`.
        must: what it must do, such as "be printable ASCII".
        value: what was given.
        fix: one sentence that says what to write instead.
        secret: whether the value may hold a secret, so that only its type is shown.
    """
    got = type(value).__name__ if secret and value is not None else shown(value)
    return ConfigurationError(f"{argument} must {must}, got {got}.{fix and ' '}{fix}")


def check_whole(argument: str, value: object, *, least: int = 0, most: float = inf, unit: str = "", fix: str = "") -> int:
    """Return a whole number within bounds. A bool is not a number.

    Args:
        argument: where the value was given.
        value: what was given.
        least: the smallest number that is accepted.
        most: the greatest number that is accepted.
        unit: what it counts, such as "seconds".
        fix: what to write instead.
    """
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise invalid(argument, f"be a whole number{unit and ' of '}{unit}, {_bounds(least, most)}", value, fix)


def check_number(argument: str, value: object, *, least: float = 0, most: float = _GREATEST, above: bool = False, unit: str = "") -> float:
    """Return a finite number within bounds. A bool is not a number.

    Args:
        argument: where the value was given.
        value: what was given.
        least: the smallest number that is accepted.
        most: the greatest number that is accepted.
        above: whether the number must be greater than `least`.
        unit: what it counts and its bounds, for the message; empty: seconds.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most and not (above and value == least):
        return float(value)
    bounds = f"more than {least}" if above else _bounds(least, most)
    raise invalid(argument, f"be {unit or f'a number of seconds, {bounds}'}", value)


def check_bool(argument: str, value: object, *, fix: str = "") -> None:
    """Accept True and False alone: `"no"` would count as true.

    Args:
        argument: where the value was given.
        value: what was given.
        fix: what to write instead.
    """
    if not isinstance(value, bool):
        raise invalid(argument, "be True or False", value, fix)


def check_type(argument: str, value: object, kind: type[T], example: str, *, secret: bool = False) -> T:
    """Return an instance of a class.

    Args:
        argument: where the value was given.
        value: what was given.
        kind: the class.
        example: how such an object is written.
        secret: whether the value may hold a secret.
    """
    if isinstance(value, kind):
        return value
    name = kind.__name__
    raise invalid(argument, f"be {'an' if name[0] in 'AEIOU' else 'a'} {name}, such as {example}", value, secret=secret)


def check_methods(argument: str, value: object, must: str, *methods: str, secret: bool = False) -> None:
    """Accept an object that has all methods, and no class, whose methods lack an object.

    Args:
        argument: where the value was given.
        value: what was given.
        must: what the argument must do, for the message.
        methods: the names of the methods; `__call__` for a function.
        secret: whether the value may hold a secret.
    """
    if isinstance(value, type) or not all(callable(getattr(value, method, None)) for method in methods):
        raise invalid(argument, must, value, secret=secret)


def check_sequence(argument: str, value: object, example: str = "") -> tuple[str, ...]:
    """Return strings, none of them empty, in their order. One string is refused: it would be taken letter by letter.

    Args:
        argument: where the value was given.
        value: what was given.
        example: how a list of such names is written.
    """
    if isinstance(value, (str, bytes)):
        raise invalid(argument, "be a collection of names, not one string", value, f"Write [{shown(value)}].")
    names = tuple(value) if isinstance(value, Iterable) else None
    if names is None or not all(isinstance(name, str) and name for name in names):
        raise invalid(argument, "be a collection of names, each a non-empty string", value, example and f"Write {example}.")
    return cast("tuple[str, ...]", names)


def check_choice(argument: str, value: object, choices: Collection[str | None], fix: str = "") -> None:
    """Accept one of a few values.

    Args:
        argument: where the value was given.
        value: what was given.
        choices: what is accepted.
        fix: what to write instead.
    """
    if not (value is None or isinstance(value, str)) or value not in choices:
        raise invalid(argument, "be " + " or ".join("None" if choice is None else f'"{choice}"' for choice in choices), value, fix)


def check_printable(argument: str, value: object) -> str:
    """Return printable ASCII that is not empty, as fields and challenges can hold it (RFC 7617 §3).

    Args:
        argument: where the value was given.
        value: what was given.
    """
    if isinstance(value, str) and value and value.isascii() and value.isprintable():
        return value
    raise invalid(argument, "be printable ASCII and not empty", value, _in_ascii(value))


def is_scope_token(text: str) -> bool:
    """Tell whether a text is a scope token (RFC 6749 §3.3).

    Args:
        text: any text.
    """
    return text != "" and _SCOPE.issuperset(text)


def check_scope(name: str, what: str = "a scope") -> str:
    """Return a scope token (RFC 6749 §3.3). Requirements, principals and stores share this check, so that all take the same scopes.

    Args:
        name: a scope, as `scope(...)` compares it.
        what: where it was given, for the message.
    """
    if is_scope_token(name):
        return name
    parts = name.split()
    several = f"Give {len(parts)} scopes: {', '.join(parts)}."
    advice = several if len(parts) > 1 else "Use printable ASCII without spaces, quotes and backslashes."
    raise ConfigurationError(f"{what} must be a scope token (RFC 6749 §3.3), got {name[:200]!r}. {advice[:200]}")


def _bounds(least: float, most: float) -> str:
    return f"{least} or more" if most >= _GREATEST else f"from {least} to {most}"


def _in_ascii(value: object) -> str:
    from unicodedata import normalize

    if not isinstance(value, str):
        return ""
    spelled = value.translate(
        {ord(letter): pair for letter, pair in zip("äöüÄÖÜß", ("ae", "oe", "ue", "Ae", "Oe", "Ue", "ss"), strict=True)}
    )
    plain = "".join(character for character in normalize("NFKD", spelled) if character.isascii() and character.isprintable()).strip()
    return f'Use "{plain[:_SHOWN]}".' if plain else ""
