"""A secret that can be recognised wherever it turns up, and a walk over whatever prints."""

from __future__ import annotations

import logging
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "s3cretMarker-7Qx"
"""Valid in every place: a token68, a cookie, a header value, a password, a parameter."""


def _spellings() -> dict[str, str]:
    octets = SECRET.encode()
    spellings = {
        "as it is": SECRET,
        "hexadecimal": octets.hex(),
        "percent-encoded": "".join(f"%{octet:02x}" for octet in octets),
        "octal": "".join(f"\\{octet:03o}" for octet in octets),
        "half": SECRET[2:-2],
        "reversed": SECRET[::-1],
    }
    for shift in range(3):
        # What stands before the secret moves it within the base64; the characters that it shares with its neighbours are cut off.
        for name, encode in (("base64", b64encode), ("base64url", urlsafe_b64encode)):
            text = encode(b"\0" * shift + octets).decode().rstrip("=")
            spellings[f"{name} at {shift}"] = text[-(-shift * 8 // 6) : -1]
    return spellings


SPELLINGS = _spellings()
"""Every form in which the secret would still be the secret."""

HOLDS = {
    # What these attributes hold is a secret or may hold one, so that their owner must not print them.
    ("BasicCredentials", "username"),
    ("BasicCredentials", "password"),
    ("BearerToken", "token"),
    ("APIKeyCredentials", "key"),
    ("Authorization", "token68"),
    ("Authorization", "params"),
    ("Principal", "claims"),
    ("RequestView", "_authorization"),  # its scheme may be a token that was sent without one
    ("RequestView", "headers"),
    ("RequestView", "fields"),
    ("RequestView", "query"),
    ("RequestView", "content"),
    ("Forwarding", "cookies"),
    ("Forwarding", "query"),
}
"""Where secrets live: nowhere else, and none of these shows in the repr of its owner."""

_SILENT = (int, float, type(None), type, ModuleType, CodeType)
_LEAVES = (str, bytes)
_CALLED = (FunctionType, BuiltinFunctionType)


# Base64 has a letter case, and the rest is the secret in any.
_ANY = re.compile(
    "|".join(re.escape(spelling) if "base64" in name else f"(?i:{re.escape(spelling)})" for name, spelling in SPELLINGS.items())
)


def found_in(text: str) -> list[str]:
    """Return the spellings of the secret that stand in a text."""
    if _ANY.search(text) is None:
        return []
    lower = text.lower()
    return [name for name, spelling in SPELLINGS.items() if (spelling in text if "base64" in name else spelling.lower() in lower)]


def leaks(thing: object, path: str = "", seen: set[int] | None = None) -> Iterator[str]:
    """Yield every place from which the secret can be printed: what an object prints, and what its parts do, all the way down.

    Args:
        thing: where to start.
        path: how it was reached.
        seen: objects that were looked at before.
    """
    seen = set() if seen is None else seen
    path = path or type(thing).__name__
    if id(thing) in seen or isinstance(thing, _SILENT):
        return
    for text in dict.fromkeys(_printed(thing)):
        for spelling in found_in(text):
            yield f"{path} prints the secret {spelling}: {text[:200]}"
    if isinstance(thing, _LEAVES):
        return
    seen.add(id(thing))
    for name, part in _parts(thing):
        if (type(thing).__name__, name) not in HOLDS:
            yield from leaks(part, f"{path}.{name}", seen)


def _printed(thing: object) -> list[str]:
    if isinstance(thing, bytes):
        return [repr(thing), thing.decode("latin-1"), thing.hex()]
    texts = [repr(thing), str(thing), ascii(thing), f"{thing}"]
    if isinstance(thing, logging.LogRecord):
        texts.append(thing.getMessage())
    return texts


def _parts(thing: Any) -> list[tuple[str, object]]:
    if isinstance(thing, Mapping):
        return [(f"key {at}", key) for at, key in enumerate(thing)] + [(f"[{at}]", value) for at, value in enumerate(thing.values())]
    if isinstance(thing, (list, tuple, set, frozenset)):
        return [(f"[{at}]", value) for at, value in enumerate(thing)]
    if isinstance(thing, partial):
        return [("func", thing.func), ("args", thing.args), ("keywords", thing.keywords)]
    if isinstance(thing, MethodType):
        return [("self", thing.__self__)]
    if isinstance(thing, GeneratorType):
        if thing.gi_frame is None:
            return []
        # Variables that are plain text cannot hide what they hold; objects can.
        local = [(name, value) for name, value in thing.gi_frame.f_locals.items() if not isinstance(value, (str, bytes))]
        return [*local, ("yieldfrom", thing.gi_yieldfrom)]
    if isinstance(thing, _CALLED):
        return []
    parts = [(name, getattr(thing, name)) for name in _slots(type(thing)) if hasattr(thing, name)]
    parts += list(getattr(thing, "__dict__", {}).items())
    if isinstance(thing, BaseException):
        parts += [("args", thing.args), ("cause", thing.__cause__), ("context", thing.__context__)]
    return parts


def _slots(kind: type) -> list[str]:
    return [name for base in kind.__mro__ for name in _as_tuple(vars(base).get("__slots__", ())) if not name.startswith("__")]


def _as_tuple(slots: str | tuple[str, ...]) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)
