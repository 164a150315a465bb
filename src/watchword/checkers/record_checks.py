"""What is checked before an account, a key or a token is kept: every store must be able to read it, and it must mean what was meant."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Literal, cast

from watchword.errors import ConfigurationError
from watchword.networks import parse_network
from watchword.scopes import check_scope
from watchword.stores.bounds import shown


def check_store(store: object, name: str, *methods: str) -> None:
    """Refuse what is no store.

    Args:
        store: what was given.
        name: of the checker, for the message; the store is not shown, an address may hold a password.
        methods: what the checker asks of it.

    Raises:
        ConfigurationError: it has not all of them.
    """
    if not all(callable(getattr(store, method, None)) for method in methods) or isinstance(store, type):
        raise ConfigurationError(
            f'{name} takes a store, such as watchword.stores.MemoryStore() or SQLStore("sqlite:///auth.db"), not {_kind(store)}'
        )


def check_text(what: str, text: object, *, may_be_empty: bool = False) -> str:
    """Return a text that every store can keep and every terminal can show.

    Args:
        what: its name, for the message.
        text: the text.
        may_be_empty: whether it may be left out.

    Raises:
        ConfigurationError: it is no string, is empty, or holds a control character or half of one.
    """
    if not isinstance(text, str):
        raise ConfigurationError(f"{what} is a string, not {_kind(text)}")
    if not text and not may_be_empty:
        raise ConfigurationError(f"{what} is not empty")
    if any(character < " " or "\x7f" <= character <= "\x9f" or "\ud800" <= character <= "\udfff" for character in text):
        raise ConfigurationError(f"{what} holds a control character or a lone surrogate: {shown(text)}")
    return text


def check_texts(what: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts in their order.

    Args:
        what: what they are, for the message.
        texts: the texts.

    Raises:
        ConfigurationError: they are one string, which would be taken letter by letter, or one of them cannot be kept.
    """
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Iterable):
        raise ConfigurationError(f'{what} are a collection of names, such as ["orders"], not {shown(texts)}')
    return tuple(check_text(f"each of the {what}", text) for text in texts)


def check_names(what: str, names: Iterable[str]) -> frozenset[str]:
    """Return names as a set; see `check_texts`.

    Args:
        what: what they are, for the message.
        names: the names.

    Raises:
        ConfigurationError: they are one string, or one of them is no name.
    """
    return frozenset(check_texts(what, names))


def check_scopes(names: Iterable[str]) -> frozenset[str]:
    """Return scopes as a set; see `check_texts`.

    Args:
        names: the scopes.

    Raises:
        ConfigurationError: they are one string, or one of them is no scope token (RFC 6749 §3.3).
    """
    return frozenset(map(check_scope, check_names("scopes", names)))


def check_networks(networks: Iterable[str]) -> tuple[str, ...]:
    """Return networks as they are written.

    One that cannot be read never reaches a store: it would let in everybody, or nobody, whenever it is read again.

    Args:
        networks: such as `["10.0.0.0/8"]`.

    Raises:
        ConfigurationError: one of them is no network.
    """
    if isinstance(networks, (str, bytes)) or not isinstance(networks, Iterable):
        raise ConfigurationError(f'networks are a collection, such as ["10.0.0.0/8"], not {shown(networks)}')
    kept: list[str] = []
    for network in networks:
        try:
            kept.append(str(parse_network(network)))
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f'networks are such as "10.0.0.0/8", not {shown(network)}: {str(error)[:200]}') from None
    return tuple(dict.fromkeys(kept))


def check_kind(kind: object) -> Literal["user", "client"]:
    """Return what a principal is.

    Args:
        kind: `"user"` or `"client"`.

    Raises:
        ConfigurationError: it is neither.
    """
    if not isinstance(kind, str) or kind not in {"user", "client"}:
        raise ConfigurationError(f'kind is "user" or "client", not {shown(kind)}')
    return cast("Literal['user', 'client']", kind)


def check_time(what: str, time: object) -> float | None:
    """Return a moment, or None where there is none.

    Args:
        what: its name, for the message.
        time: Unix seconds.

    Raises:
        ConfigurationError: it is no finite number.
    """
    return None if time is None else _number(what, time, "Unix seconds, or None")


def check_seconds(what: str, seconds: object) -> float:
    """Return how long something takes.

    Args:
        what: its name, for the message.
        seconds: 0 or more.

    Raises:
        ConfigurationError: it is no finite number, or less than 0.
    """
    number = _number(what, seconds, "a number of seconds")
    if number < 0:
        raise ConfigurationError(f"{what} is a number of seconds, 0 or more, not {shown(seconds)}")
    return number


def check_window(not_before: object, expires_at: object) -> tuple[float | None, float | None]:
    """Return from when and until when something is valid.

    Args:
        not_before: Unix seconds, or None.
        expires_at: Unix seconds, or None.

    Raises:
        ConfigurationError: one of them is no moment, or it would end before it begins.
    """
    begins, ends = check_time("not_before", not_before), check_time("expires_at", expires_at)
    if begins is not None and ends is not None and begins >= ends:
        raise ConfigurationError(f"not_before ({begins!r}) is earlier than expires_at ({ends!r}): it would never be valid")
    return begins, ends


def _number(what: str, value: object, unit: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if isfinite(number):
            return number
    raise ConfigurationError(f"{what} is {unit}, not {shown(value)}")


def _kind(value: object) -> str:
    return type(value).__name__
