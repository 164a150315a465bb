"""Asks a store: as an operation where it may block, at once where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from watchword.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from watchword.operation import Steps
    from watchword.stores.ports import Watched

T = TypeVar("T")


def ask(store: Watched, question: Callable[[], T], awaited: Callable[[], Awaitable[T]] | None = None) -> Steps[T]:
    """Ask a store.

    Args:
        store: the store.
        question: a call of one of its methods.
        awaited: the same, for an event loop, so that it costs no thread; None: a worker thread asks there. See `async_side`.

    Returns:
        A generator that ends in the answer.

    Raises:
        Unavailable: the store does not answer.
    """
    if not store.blocking:
        return question()
    answer: T = yield Operation(question, awaited)
    return answer


def async_side(store: Watched, method: str, *facts: object, **options: object) -> Callable[[], Awaitable[Any]] | None:
    """Return a call of the async form of a method, which has its name with an `a` before it; None: the store has none.

    Args:
        store: the store.
        method: such as `"find_key"`, for `afind_key`.
        facts: what it is called with.
        options: what it is called with by name.
    """
    awaited: Callable[..., Awaitable[Any]] | None = getattr(store, f"a{method}", None)
    # No partial: it would print a digest.
    return None if awaited is None else lambda: awaited(*facts, **options)
