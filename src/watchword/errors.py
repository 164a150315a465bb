"""Defines the exceptions.

    WatchwordError
    ├── ConfigurationError (ValueError)   the developer's mistake, raised while something is constructed
    ├── GrammarError (ValueError)         a field value does not follow its grammar
    │   └── FieldTooLong                  a field value is longer than the bound
    ├── AlreadyExists (ValueError)        a store has a record by that name or id
    ├── NotFound (LookupError)            a store has no such record
    └── Unavailable                       raised by a checker: the answer cannot be had now (503)
        └── Overloaded                    too much work is waiting: the queue for password hashes is full (503)

A refusal is not an exception: it is a `Decision`. No exception here carries a credential.
"""

from __future__ import annotations


class WatchwordError(Exception):
    """The base of the exceptions of watchword."""


class ConfigurationError(WatchwordError, ValueError):
    """An argument of a guard, scheme, rule or checker is not valid.

    Raised at construction, never while a request is served. The message names the argument, the value and the fix.
    """


class GrammarError(WatchwordError, ValueError):
    """A field value does not follow its grammar (RFC 9110 §5.6, §11).

    The value itself is not kept: it may be a secret.

    Args:
        expected: what the grammar asks for at the position, in words.
        position: the offset in octets, from 0, at which parsing stopped.
    """

    def __init__(self, expected: str, position: int) -> None:
        super().__init__(expected, position)
        self.expected = expected
        self.position = position

    def __str__(self) -> str:
        return f"expected {self.expected} at position {self.position}"


class FieldTooLong(GrammarError):
    """A field value exceeds the bound on its length (RFC 9110 §5.4); the guard answers 431.

    Args:
        limit: the bound, in octets.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"at most {limit} octets", limit)
        self.limit = limit

    def __reduce__(self) -> tuple[type[FieldTooLong], tuple[int]]:
        return type(self), (self.limit,)


class AlreadyExists(WatchwordError, ValueError):
    """A store was asked to keep a record under a name or id that is taken. The message names it, because it is not a secret."""


class NotFound(WatchwordError, LookupError):
    """A store was asked to change a record that is not there. The message says which."""


class Unavailable(WatchwordError):
    """Raised by a checker that cannot tell, because the store, the key server or the directory does not answer.

    The client gets 503 with `Retry-After`, never 401: its credentials may be good (RFC 9110 §15.6.4).

    Args:
        why: for the operator's log and for `explain`; never sent to the client, so keep secrets out of it.
        retry_after: whole seconds after which a new try makes sense; None: unknown.

    Raises:
        ConfigurationError: `retry_after` is negative or not a whole number.
    """

    def __init__(self, why: str, *, retry_after: int | None = None) -> None:
        if retry_after is not None and (not isinstance(retry_after, int) or isinstance(retry_after, bool) or retry_after < 0):
            raise ConfigurationError(f"Unavailable(retry_after=...) must be a whole number of seconds, 0 or more, got {retry_after!r}.")
        # Accept an exception as the message: `raise Unavailable(error)` must be an outage and not a bug.
        super().__init__(str(why))
        self.why: str = str(why)
        self.retry_after = retry_after


class Overloaded(Unavailable):
    """Too much work is waiting: the queue for password hashes is full, and nothing was computed for this request.

    The client gets 503 with `Retry-After`, as in an outage. For the operator it means that there are more first logins than the CPUs can
    hash (threats W4). Args and Raises are those of `Unavailable`.
    """
