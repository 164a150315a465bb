"""Checks scope tokens: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )` (RFC 6749 §3.3)."""

from __future__ import annotations

from watchword.errors import ConfigurationError

# Neither space, quote nor backslash: scopes travel in one string, separated by spaces, and in quoted challenge parameters.
_CHARACTERS = frozenset(map(chr, range(0x21, 0x7F))) - {'"', "\\"}


def is_scope_token(text: str) -> bool:
    """Tell whether a text is a scope token.

    Args:
        text: any text.
    """
    return text != "" and _CHARACTERS.issuperset(text)


def check_scope(name: str) -> str:
    """Return a scope token.

    Requirements, principals and stores check scopes here, so that a scope that one of them takes is taken by all.

    Args:
        name: a scope, as `scope(...)` compares it.

    Raises:
        ConfigurationError: it is empty, or holds a character that a scope token cannot hold.
    """
    if is_scope_token(name):
        return name
    parts = name.split()
    several = f"Give {len(parts)} scopes: {', '.join(parts)}."
    advice = several if len(parts) > 1 else "Use printable ASCII without spaces, quotes and backslashes."
    raise ConfigurationError(f"a scope must be a scope token (RFC 6749 §3.3), got {name[:200]!r}. {advice[:200]}")
