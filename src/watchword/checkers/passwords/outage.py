"""Turns failures of hash libraries into outages: an error never counts as a wrong password (threat W12)."""

from __future__ import annotations

from watchword.errors import Unavailable

_PANIC = "pyo3_runtime"  # the module of the exception with which a library in Rust panics. It is not an Exception
_QUOTABLE = (ImportError, AttributeError, MemoryError)  # their words come from the interpreter, not from what was hashed
_OPENSSL = "[digital envelope routines]"  # how the messages of OpenSSL's key derivations begin; they are fixed texts


class HashUnavailable(Unavailable):
    """A password cannot be hashed or verified on this machine at this moment.

    The library is missing or broken, memory or threads are used up, or OpenSSL was built without an algorithm. It says nothing
    about the password: the client gets 503.

    Args:
        format: of the hash, such as "bcrypt".
        cause: what failed, without secrets.
        retry_after: whole seconds, or None.
    """

    def __init__(self, format: str, cause: str, *, retry_after: int | None = None) -> None:  # noqa: A002 - what it is
        super().__init__(f"the {format} hash cannot be computed: {cause}", retry_after=retry_after)
        self.format = format
        self.cause = cause

    def __reduce__(self) -> tuple[type[HashUnavailable], tuple[str, str], dict[str, object]]:
        return type(self), (self.format, self.cause), {"retry_after": self.retry_after}


def outage(error: BaseException, format: str, *, quote: bool) -> HashUnavailable:  # noqa: A002 - as above
    """Return the outage that an exception of a hash library stands for.

    Args:
        error: what the library raised.
        format: of the hash.
        quote: whether the library is one whose messages are known. Those of other code may hold a password.

    Raises:
        BaseException: the same exception, if it ends the program: KeyboardInterrupt and its kin.
    """
    if ends_program(error):
        raise error
    if isinstance(error, Unavailable):
        return HashUnavailable(format, error.why, retry_after=error.retry_after)
    return HashUnavailable(format, describe(error, quote=quote and _is_quotable(error)))


def ends_program(error: BaseException) -> bool:
    """Tell whether an exception is to go through: KeyboardInterrupt and its kin, and not the panic of a library.

    Args:
        error: the exception.
    """
    return not isinstance(error, Exception) and type(error).__module__ != _PANIC


def describe(error: BaseException, *, quote: bool) -> str:
    """Return the type of an exception, and its message where that may be shown.

    Args:
        error: the exception.
        quote: whether its message holds no secret.
    """
    message = str(error) if quote else ""
    return f"{type(error).__name__}: {ascii(message)[1:-1][:300]}" if message else type(error).__name__


def _is_quotable(error: BaseException) -> bool:
    return isinstance(error, _QUOTABLE) or type(error).__module__ == "argon2.exceptions" or str(error).startswith(_OPENSSL)
