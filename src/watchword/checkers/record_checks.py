"""Checks the fields of an account, a key or a token before a store keeps it.

Each check returns the value, and raises `ConfigurationError` for a wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable
from sys import float_info
from typing import Any

from watchword.errors import ConfigurationError
from watchword.networks import parse_network
from watchword.validators import check_methods, check_number, check_scope, invalid


def check_store(store: object, name: str, *methods: str) -> None:
    """Accept an object with those methods of a store that the checker `name` calls."""
    must = 'be a store, such as watchword.stores.MemoryStore() or SQLStore("sqlite:///auth.db")'
    check_methods(f"{name}(store)", store, must, *methods, secret=True)  # the URL of a store may hold a password


def check_text(what: str, text: object, *, may_be_empty: bool = False) -> str:
    """Return a text that every store can keep and every terminal can show, without control characters and lone surrogates."""
    if not isinstance(text, str):
        raise invalid(what, "be a string", text, secret=True)
    if not text and not may_be_empty:
        raise invalid(what, "be a non-empty string", text)
    if any(character < " " or "\x7f" <= character <= "\x9f" or "\ud800" <= character <= "\udfff" for character in text):
        raise invalid(what, "be without control characters and lone surrogates", text)
    return text


def check_texts(what: str, texts: object) -> tuple[str, ...]:
    """Return a collection of texts, in their order, that every store can keep; see `check_text`."""
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Iterable):
        raise invalid(what, 'be a collection of names, such as ["orders"]', texts)
    return tuple(check_text(f"each of the {what}", text) for text in texts)


def check_grants(**given: object) -> dict[str, Any]:
    """Return `roles`, `scopes` and `permissions` as sets.

    Raises:
        ConfigurationError: one of them is not a collection of names, or a scope is not a scope token (RFC 6749 §3.3).
    """
    sets = {what: frozenset(check_texts(what, names)) for what, names in given.items()}
    for name in sets.get("scopes", ()):
        check_scope(name)
    return sets


def check_networks(networks: Iterable[str]) -> tuple[str, ...]:
    """Return networks in their canonical form.

    A malformed network must not reach a store: each later check of the record would refuse every caller.
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


def check_time(what: str, time: object) -> float | None:
    """Return Unix seconds, or None."""
    return None if time is None else check_number(what, time, least=-float_info.max, unit="Unix seconds, or None")


def check_window(not_before: object, expires_at: object) -> tuple[float | None, float | None]:
    """Return the start and the end of a validity; the end must be after the start."""
    begins, ends = check_time("not_before", not_before), check_time("expires_at", expires_at)
    if begins is not None and ends is not None and begins >= ends:
        raise ConfigurationError(f"not_before must be earlier than expires_at ({ends!r}), got {begins!r}.")
    return begins, ends
