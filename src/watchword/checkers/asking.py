"""Asking a store: as an operation where it may block, at once where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from watchword.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.operation import Steps
    from watchword.stores.ports import Watched

T = TypeVar("T")


def ask(store: Watched, question: Callable[[], T]) -> Steps[T]:
    """Ask a store.

    Args:
        store: the store.
        question: a call of one of its methods.

    Returns:
        A generator that ends in the answer.

    Raises:
        Unavailable: the store does not answer.
    """
    if not store.blocking:
        return question()
    answer: T = yield Operation(question)
    return answer
