"""Finds mistakes in the order of the setting `MIDDLEWARE`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from django.apps import apps
from django.conf import settings
from django.urls import get_resolver
from django.utils.module_loading import import_string

from watchword.adapters.django.configuration import configuration
from watchword.adapters.django.session import DjangoSession
from watchword.adapters.starting import check_routes
from watchword.errors import ConfigurationError
from watchword.guard.preflight import REMEDY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watchword.adapters.django.configuration import Configuration
    from watchword.guard import Guard

# By module and class, so that none is imported: `corsheaders` need not be installed.
GUARD: Final = ("watchword.adapters.django.middleware", "GuardMiddleware")
_SESSION: Final = ("django.contrib.sessions.middleware", "SessionMiddleware")
AUTHENTICATION: Final = ("django.contrib.auth.middleware", "AuthenticationMiddleware")
_REMOTE_USER: Final = ("django.contrib.auth.middleware", "RemoteUserMiddleware")
_CORS: Final = ("corsheaders.middleware", "CorsMiddleware")
_MANY: Final = 3  # names of views in one message
UPDATE_CACHE: Final = ("django.middleware.cache", "UpdateCacheMiddleware")
LOGIN_REQUIRED: Final = ("django.contrib.auth.middleware", "LoginRequiredMiddleware")


class Mistake(NamedTuple):
    """One mistake.

    Args:
        id: of the system check.
        message: what is wrong.
        hint: how to mend it.
        is_error: whether the project cannot work so.
    """

    id: str
    message: str
    hint: str
    is_error: bool = True


_TWICE: Final = Mistake("E003", "GuardMiddleware stands in MIDDLEWARE twice.", "Remove one. Give one guard all rules.")
_REMOTE_USER_FIRST: Final = Mistake(
    "E005",
    "RemoteUserMiddleware stands before GuardMiddleware. By ASGI it reads the field Remote-User of the client, which the guard takes out.",
    "Move GuardMiddleware before it.",
)
_CACHE_BEHIND: Final = Mistake(
    "E013",
    "UpdateCacheMiddleware stands behind GuardMiddleware: it would store the page of one caller, and send it to another.",
    "Move GuardMiddleware behind it, and leave FetchFromCacheMiddleware last.",
)
_NO_ACCOUNTS: Final = Mistake(
    "E014",
    "the guard has accounts of Django, and django.contrib.auth is not installed.",
    'Add "django.contrib.auth" and "django.contrib.contenttypes" to INSTALLED_APPS.',
)
_NO_SESSION: Final = Mistake(
    "E004",
    "the guard has DjangoSession, and SessionMiddleware and AuthenticationMiddleware do not stand before GuardMiddleware.",
    "Move GuardMiddleware behind both, in the setting MIDDLEWARE.",
)
_USER_BEHIND: Final = Mistake(
    "W006",
    "AuthenticationMiddleware stands behind GuardMiddleware. Middlewares behind it see the user of the session, views that of the guard.",
    "Move GuardMiddleware behind it.",
    is_error=False,
)
_CORS_BEHIND: Final = Mistake(
    "W007",
    "CorsMiddleware stands behind GuardMiddleware: it sees no preflight, and adds nothing to refusals, so that scripts of other origins "
    "see a network error.",
    REMEDY,
    is_error=False,
)


def names_of(named: Iterable[str]) -> str:
    """Return names for a message, the first few of many."""
    names = sorted(named)
    return ", ".join(names[:_MANY]) + (f" and {len(names) - _MANY} more" if len(names) > _MANY else "")


def places_of(kind: tuple[str, str]) -> list[int]:
    """Return where a middleware, or one derived from it, stands in `MIDDLEWARE`."""
    return [
        place
        for place, one in enumerate(map(import_string, settings.MIDDLEWARE))
        if any((base.__module__, getattr(base, "__qualname__", "")) == kind for base in getattr(one, "__mro__", (one,)))
    ]


def find_mistakes(configured: Configuration) -> Iterator[Mistake]:
    """Yield the mistakes in the order of the middlewares, the grave ones first."""
    guards = places_of(GUARD)
    first = guards[0] if guards else len(settings.MIDDLEWARE)
    logins = [places_of(kind) for kind in (_SESSION, AUTHENTICATION)]
    are_before = all(places and places[0] < first for places in logins)
    has_session = any(isinstance(scheme, DjangoSession) for scheme in configured.guard.schemes)
    found = {
        _TWICE: len(guards) > 1,
        _REMOTE_USER_FIRST: any(place < first for place in places_of(_REMOTE_USER)),
        _CACHE_BEHIND: any(place > first for place in places_of(UPDATE_CACHE)),
        _NO_ACCOUNTS: configured.finds_users and not apps.is_installed("django.contrib.auth"),
        _NO_SESSION: has_session and not are_before,
        _USER_BEHIND: configured.finds_users and bool(logins[1]) and not (has_session or are_before),
        _CORS_BEHIND: not configured.guard.policy.cors_inside and any(place > first for place in places_of(_CORS)),
    }
    return (mistake for mistake, is_made in found.items() if is_made)


def guard_of_project(*, waits: bool) -> Guard:
    """Return the guard that the setting `WATCHWORD` names.

    Args:
        waits: whether Django awaits the middleware.

    Raises:
        ConfigurationError: the setting is wrong, or the order of the middlewares; or a checker can only be awaited, and Django does not.
    """
    configured = configuration()
    for mistake in find_mistakes(configured):
        if mistake.is_error:
            raise ConfigurationError(f"{mistake.message} {mistake.hint}")
    check_routes(get_resolver(), configured.guard)
    if not waits:
        configured.check_called()
    return configured.guard


__all__ = [
    "AUTHENTICATION",
    "GUARD",
    "LOGIN_REQUIRED",
    "UPDATE_CACHE",
    "Mistake",
    "find_mistakes",
    "guard_of_project",
    "names_of",
    "places_of",
]
