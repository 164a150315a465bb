"""Finds views of Django REST framework that authenticate beside the guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.adapters.django.stack import Mistake, names_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watchword.adapters.django.configuration import Configuration

_READS_AUTHORIZATION: Final = frozenset(
    {("rest_framework.authentication", "BasicAuthentication"), ("rest_framework.authentication", "TokenAuthentication")}
)
_OURS: Final = frozenset({("watchword.adapters.drf", "GuardAuthentication")})


def find_mistakes_in_rest_views(configured: Configuration, views: Iterable[object]) -> Iterator[Mistake]:
    """Yield the mistakes of views, in words; nothing is imported."""
    kinds = [kind for view in views if (kind := getattr(view, "cls", None)) is not None]
    asking = [] if configured.guard.policy.strip_credentials else kinds
    twice = {_name(kind) for kind in asking if any(_is_one(one, _READS_AUTHORIZATION) for one in _classes_of(kind))}
    late = {_name(kind) for kind in kinds if _asks_us_late(kind)} - twice
    if twice:
        yield _asking_twice(twice)
    if late:
        yield _asking_late(late)


def _asking_twice(names: Iterable[str]) -> Mistake:
    return Mistake(
        "W011",
        "views of Django REST framework check the Authorization field again, and refuse callers that only the guard knows. "
        f"By default the framework has SessionAuthentication and BasicAuthentication: {names_of(names)}.",
        'Set REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"] = ["watchword.adapters.drf.GuardAuthentication"]. The guard takes the '
        "framework's classes as checkers: Bearer(AuthenticationClass(TokenAuthentication)).",
        is_error=False,
    )


def _asking_late(names: Iterable[str]) -> Mistake:
    return Mistake(
        "W012",
        f"GuardAuthentication is not the first class, so that a class before it may answer 403 where 401 is due: {names_of(names)}.",
        "Put it first.",
        is_error=False,
    )


def _asks_us_late(kind: object) -> bool:
    ours = [_is_one(one, _OURS) for one in _classes_of(kind)]
    return any(ours) and not ours[0]


def _classes_of(kind: object) -> Iterable[type]:
    return getattr(kind, "authentication_classes", ())


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _is_one(kind: type, known: frozenset[tuple[str, str]]) -> bool:
    return any((base.__module__, base.__qualname__) in known for base in kind.__mro__)


__all__ = ["find_mistakes_in_rest_views"]
