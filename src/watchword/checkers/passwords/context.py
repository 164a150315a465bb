"""Verifies hashes by a CryptContext of passlib, or an object with its methods."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from os import urandom
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from watchword.checkers.passwords.bcrypt import MAX_COST
from watchword.checkers.passwords.outage import describe, ends_program
from watchword.checkers.passwords.probe import HASHES, PASSWORD
from watchword.checkers.passwords.stored import MAX_ITERATIONS, Library, StoredHash, scrypt_is_bounded

if TYPE_CHECKING:
    from watchword.checkers.passwords.formats import Found

_OF_PLAIN_TEXT = frozenset({"plaintext", "ldap_plaintext", "roundup_plaintext"})  # they claim every text
CONTEXT = Library("", "", "", lambda: None, quotable=False)
"""Marks a given context: its exceptions may hold a password."""


@runtime_checkable
class Context(Protocol):
    """The part of passlib's CryptContext that is used."""

    def hash(self, secret: str | bytes) -> str:
        """Make a hash."""
        ...

    def verify(self, secret: str | bytes, hash: str) -> bool:  # noqa: A002 - passlib's names
        """Tell whether a password belongs to a hash."""
        ...

    def needs_update(self, hash: str) -> bool:  # noqa: A002 - passlib's names
        """Tell whether a hash is outdated."""
        ...

    def identify(self, hash: str) -> str | None:  # noqa: A002 - passlib's names
        """Name the scheme of a hash."""
        ...


def claim(context: Context, text: str, found: Found) -> StoredHash | None:
    """Return the hash as the context verifies it; None: the context does not know it, or it is unusable.

    A format that this package knows keeps its strict syntax, its ceilings, and its limit on the length of passwords.
    """
    if found.family is not None and found.family.name != "plain-text" and found.usable is None:
        return None
    scheme = context.identify(text)
    if not isinstance(scheme, str) or scheme in _OF_PLAIN_TEXT:
        return None
    if found.stored is not None and found.stored.format != "plain":
        return replace(found.stored, library=CONTEXT, text=False, verify=lambda octets: _matches(context, text, octets))
    return _foreign(context, scheme, text)


def probe(context: Context, stored: StoredHash, text: str) -> str:
    """Return why a context cannot verify a hash that it claims; empty if it can.

    The stored text itself is verified only if no cheap hash of its format is known.
    """
    known = HASHES.get(stored.format)
    quote = False
    try:
        if known is not None and context.identify(known):
            quote = True  # neither the hash nor the password is a secret
            _matches(context, known, PASSWORD)
        else:
            _matches(context, text, b64encode(urandom(18))[: stored.limit])
    except BaseException as error:
        if ends_program(error):
            raise
        return f"the context given as hasher cannot verify it ({describe(error, quote=quote)}): update its libraries"
    return ""


def secret(octets: bytes) -> str | bytes:
    """Return a password as text if it is UTF-8: not every context accepts octets."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets


def _matches(context: Context, text: str, octets: bytes) -> object:
    password = secret(octets)
    try:
        return context.verify(password, text)
    except Exception as error:
        if _refuses(error, password):
            return False
        raise


def _refuses(error: Exception, password: str | bytes) -> bool:
    """Tell whether an exception means that the scheme cannot hash this password, which then matches none of its hashes."""
    if isinstance(error, UnicodeError) or (isinstance(error, TypeError) and isinstance(password, bytes)):
        return True  # it is not text, or not in the character set of the scheme
    # By name and not imported: a context need not be one of passlib or libpass.
    return any(kind.__module__ == "passlib.exc" and kind.__name__ == "PasswordValueError" for kind in type(error).__mro__)


def _foreign(context: Context, scheme: str, text: str) -> StoredHash | None:
    """Read a hash of a scheme that only the context knows, with the cost that its handler states."""
    lookup: Any = getattr(context, "handler", None)
    handler = lookup(scheme) if callable(lookup) else None
    parse = getattr(handler, "from_string", None)
    try:
        parsed = parse(text) if callable(parse) else None
    except (ValueError, TypeError, AssertionError):
        return None  # malformed
    costs = {name: _number(getattr(parsed, name, None)) for name in ("rounds", "block_size", "parallelism")}
    stated = {name: number for name, number in costs.items() if number}
    return StoredHash(
        scheme,
        " ".join(f"{name}={number}" for name, number in stated.items()),
        CONTEXT,
        lambda octets: _matches(context, text, octets),
        limit=_number(getattr(handler, "truncate_size", None)),
        bounded=_is_bounded(stated, logarithmic=getattr(handler, "rounds_cost", "linear") == "log2"),
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _is_bounded(costs: dict[str, int], *, logarithmic: bool) -> bool:
    rounds = costs.get("rounds", 1)
    if "block_size" in costs:
        return rounds < 32 and scrypt_is_bounded(2**rounds, costs["block_size"], costs.get("parallelism", 1))  # noqa: PLR2004 - scrypt's own
    return rounds <= (MAX_COST if logarithmic else MAX_ITERATIONS)
