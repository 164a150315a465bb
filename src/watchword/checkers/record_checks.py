"""Checks the fields of an account, a key or a token before a store keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from sys import float_info
from typing import Literal, cast

from watchword.errors import ConfigurationError
from watchword.networks import parse_network
from watchword.validators import check_choice, check_methods, check_number, check_scope, invalid


def check_store(store: object, name: str, *methods: str) -> None:
    """Accept an object with the methods of a store.

    Args:
        store: what was given.
        name: the class of the checker, for the message.
        methods: the methods that the checker calls.

    Raises:
        ConfigurationError: a method is missing.
    """
    must = 'be a store, such as watchword.stores.MemoryStore() or SQLStore("sqlite:///auth.db")'
    check_methods(f"{name}(store)", store, must, *methods, secret=True)  # the URL of a store may hold a password


def check_text(what: str, text: object, *, may_be_empty: bool = False) -> str:
    """Return a text that every store can keep and every terminal can show.

    Args:
        what: its name, for the message.
        text: the text.
        may_be_empty: whether an empty text is accepted.

    Raises:
        ConfigurationError: it is not a string, is empty, or holds a control character or a lone surrogate.
    """
    if not isinstance(text, str):
        raise invalid(what, "be a string", text, secret=True)
    if not text and not may_be_empty:
        raise invalid(what, "be a non-empty string", text)
    if any(character < " " or "\x7f" <= character <= "\x9f" or "\ud800" <= character <= "\udfff" for character in text):
        raise invalid(what, "be without control characters and lone surrogates", text)
    return text


def check_texts(what: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts in their order.

    Args:
        what: what they are, for the message.
        texts: the texts.

    Raises:
        ConfigurationError: they are one string, or a store cannot keep one of them.
    """
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Iterable):
        raise invalid(what, 'be a collection of names, such as ["orders"]', texts)
    return tuple(check_text(f"each of the {what}", text) for text in texts)


def check_names(what: str, names: Iterable[str]) -> frozenset[str]:
    """Return names as a set; see `check_texts`.

    Args:
        what: what they are, for the message.
        names: the names.

    Raises:
        ConfigurationError: they are one string, or a store cannot keep one of them.
    """
    return frozenset(check_texts(what, names))


def check_scopes(names: Iterable[str]) -> frozenset[str]:
    """Return scopes as a set; see `check_texts`.

    Args:
        names: the scopes.

    Raises:
        ConfigurationError: they are one string, or one of them is not a scope token (RFC 6749 §3.3).
    """
    return frozenset(map(check_scope, check_names("scopes", names)))


def check_networks(networks: Iterable[str]) -> tuple[str, ...]:
    """Return networks as they are written.

    A malformed network never reaches a store: each later check of the record would have to refuse every caller.

    Args:
        networks: such as `["10.0.0.0/8"]`.

    Raises:
        ConfigurationError: one of them is not a network.
    """
    if isinstance(networks, (str, bytes)) or not isinstance(networks, Iterable):
        raise invalid("networks", 'be a collection, such as ["10.0.0.0/8"]', networks)
    kept: list[str] = []
    for network in networks:
        try:
            kept.append(str(parse_network(network)))
        except (ValueError, TypeError) as error:
            raise invalid("networks", 'hold networks such as "10.0.0.0/8"', network, f"{str(error)[:200]}.") from None
    return tuple(dict.fromkeys(kept))


def check_kind(kind: object) -> Literal["user", "client"]:
    """Return the kind of a principal.

    Args:
        kind: `"user"` or `"client"`.

    Raises:
        ConfigurationError: it is another value.
    """
    check_choice("kind", kind, ("user", "client"))
    return cast("Literal['user', 'client']", kind)


def check_time(what: str, time: object) -> float | None:
    """Return a moment, or None.

    Args:
        what: its name, for the message.
        time: Unix seconds.

    Raises:
        ConfigurationError: it is not a finite number.
    """
    return None if time is None else check_number(what, time, least=-float_info.max, unit="Unix seconds, or None")


def check_window(not_before: object, expires_at: object) -> tuple[float | None, float | None]:
    """Return the start and the end of a validity.

    Args:
        not_before: Unix seconds, or None.
        expires_at: Unix seconds, or None.

    Raises:
        ConfigurationError: one of them is not a time, or the end is not after the start.
    """
    begins, ends = check_time("not_before", not_before), check_time("expires_at", expires_at)
    if begins is not None and ends is not None and begins >= ends:
        raise ConfigurationError(f"not_before must be earlier than expires_at ({ends!r}), got {begins!r}.")
    return begins, ends
