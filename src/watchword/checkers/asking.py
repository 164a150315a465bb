"""Calls a store: in an operation if it may block, directly otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from watchword.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from watchword.operation import Steps
    from watchword.stores.ports import Watched

T = TypeVar("T")


def ask(store: Watched, question: Callable[[], T], awaited: Callable[[], Awaitable[T]] | None = None) -> Steps[T]:
    """Call a store in steps, and return its answer.

    Args:
        store: the store.
        question: calls one of its methods.
        awaited: the same call for an event loop, without a thread; None: a worker thread calls there. See `async_side`.
    """
    if not store.blocking:
        return question()
    answer: T = yield Operation(question, awaited)
    return answer


def async_side(store: Watched, method: str, *facts: object, **options: object) -> Callable[[], Awaitable[Any]] | None:
    """Return a call of the async form of a method, such as `afind_key` for `find_key`; None: the store lacks it."""
    awaited: Callable[..., Awaitable[Any]] | None = getattr(store, f"a{method}", None)
    # Not a partial: its repr would show a digest.
    return None if awaited is None else lambda: awaited(*facts, **options)
