"""Turns failures of hash libraries into outages: an error never counts as a wrong password (threat W12)."""

from __future__ import annotations

from watchword.errors import Unavailable

_PANIC = "pyo3_runtime"  # the module of the exception for panics of Rust libraries, a BaseException
_QUOTABLE = (ImportError, AttributeError, MemoryError)  # the interpreter writes their messages, without the password
_OPENSSL = "[digital envelope routines]"  # the beginning of OpenSSL's messages about key derivation, which are fixed texts


class HashUnavailable(Unavailable):
    """A password cannot be hashed or verified on this machine now: the client gets 503.

    The library is missing or broken, memory or threads are used up, or OpenSSL was built without an algorithm.

    Args:
        format: the format of the hash, such as "bcrypt".
        cause: the failure, without secrets.
        retry_after: whole seconds, or None.
    """

    def __init__(self, format: str, cause: str, *, retry_after: int | None = None) -> None:  # noqa: A002 - what it is
        super().__init__(f"the {format} hash cannot be computed: {cause}", retry_after=retry_after)
        self.format = format
        self.cause = cause

    def __reduce__(self) -> tuple[type[HashUnavailable], tuple[str, str], dict[str, object]]:
        return type(self), (self.format, self.cause), {"retry_after": self.retry_after}


def outage(error: BaseException, format: str, *, quote: bool) -> HashUnavailable:  # noqa: A002 - as above
    """Return the outage for an exception of a hash library.

    Args:
        error: the exception.
        format: the format of the hash.
        quote: whether the messages of the library are known. Those of other code may hold a password.

    Raises:
        BaseException: the same exception, if it ends the program, such as KeyboardInterrupt.
    """
    if ends_program(error):
        raise error
    if isinstance(error, Unavailable):
        return HashUnavailable(format, error.why, retry_after=error.retry_after)
    return HashUnavailable(format, describe(error, quote=quote and _is_quotable(error)))


def ends_program(error: BaseException) -> bool:
    """Tell whether an exception ends the program, such as KeyboardInterrupt; the panic of a library does not."""
    return not isinstance(error, Exception) and type(error).__module__ != _PANIC


def describe(error: BaseException, *, quote: bool) -> str:
    """Return the type of an exception and, with `quote`, its message, which must not hold a secret then."""
    message = str(error) if quote else ""
    return f"{type(error).__name__}: {ascii(message)[1:-1][:300]}" if message else type(error).__name__


def _is_quotable(error: BaseException) -> bool:
    return isinstance(error, _QUOTABLE) or type(error).__module__ == "argon2.exceptions" or str(error).startswith(_OPENSSL)
