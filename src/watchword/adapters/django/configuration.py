"""Reads the setting `WATCHWORD` of a Django project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from django.conf import settings
from django.utils.module_loading import import_string

from watchword.errors import ConfigurationError
from watchword.guard import Guard
from watchword.principal import Principal

_HOW = 'Write WATCHWORD = {"GUARD": "project.auth.guard"}.'
_KEYS = ("GUARD", "USER")

FindUser: TypeAlias = Callable[[Principal], Any]
"""Returns the account of the project that a principal is; None: it is none."""


class Configuration(NamedTuple):
    """What the setting names.

    Args:
        guard: decides.
        user: finds the account of a principal that is not of `DjangoUsers`; None: it has none.
    """

    guard: Guard
    user: FindUser | None

    @property
    def finds_users(self) -> bool:
        """Whether the guard or the setting makes callers accounts of the project."""
        checkers = [scheme.checker for scheme in self.guard.schemes]
        return self.user is not None or any(getattr(checker, "finds_users", False) for checker in checkers)

    def check_called(self) -> None:
        """Check that Django need not await the guard.

        Raises:
            ConfigurationError: a checker can only be awaited.
        """
        if self.guard.async_checkers:
            raise ConfigurationError(
                f"{', '.join(self.guard.async_checkers)} can only be awaited, and Django calls GuardMiddleware without await here. "
                "Give the guard a plain function, or serve the project by ASGI with middlewares that are async."
            )


def configuration() -> Configuration:
    """Return what the setting `WATCHWORD` names.

    Raises:
        ConfigurationError: the setting is missing, has another type or an unknown key, or names something else; or the guard has a scheme
            that reads the content of requests, which Django reads by itself.
    """
    given = getattr(settings, "WATCHWORD", None)
    if given is None:
        raise ConfigurationError(f"the setting WATCHWORD is missing. {_HOW}")
    if not isinstance(given, dict):
        raise ConfigurationError(f"the setting WATCHWORD must be a dict, got {type(given).__name__}. {_HOW}")
    unknown = ", ".join(sorted(repr(key) for key in given if key not in _KEYS))
    if unknown:
        raise ConfigurationError(f"the setting WATCHWORD has unknown keys: {unknown}. Known are: {', '.join(_KEYS)}.")
    return Configuration(_guard(given.get("GUARD")), configured_user())


def configured_user() -> FindUser | None:
    """Return the function that the setting names, which finds the account of a principal; None: there is none.

    Raises:
        ConfigurationError: it names something else.
    """
    given = getattr(settings, "WATCHWORD", None)
    return _find_user(given.get("USER")) if isinstance(given, dict) else None


def _guard(given: object) -> Guard:
    guard = _imported("GUARD", given)
    if not isinstance(guard, Guard):
        raise ConfigurationError(f'WATCHWORD["GUARD"] must name a Guard, got {_named(given, guard)}. {_HOW}')
    if guard.policy.reads_content:
        raise ConfigurationError(
            'WATCHWORD["GUARD"] has a scheme or a rule that reads the content of requests, which Django reads by itself. '
            "Put the GuardMiddleware of watchword.adapters.wsgi or watchword.adapters.asgi around the application."
        )
    return guard


def _find_user(given: object) -> FindUser | None:
    find_user = _imported("USER", given)
    if find_user is not None and not callable(find_user):
        raise ConfigurationError(
            f'WATCHWORD["USER"] must name a function that takes a principal and returns a user, got {_named(given, find_user)}. '
            'Write "project.auth.user_of", or leave it out.'
        )
    return find_user


def _imported(key: str, given: object) -> object:
    """Return what an import string names; anything else is returned as it is."""
    if not isinstance(given, str):
        return given
    try:
        return import_string(given)
    except ImportError as error:
        raise ConfigurationError(f'WATCHWORD["{key}"] = {given!r} cannot be imported: {error}. Correct the path. {_HOW}') from error


def _named(given: object, found: object) -> str:
    kind = "None" if found is None else type(found).__name__
    return f"{given!r}, which is of type {kind}" if isinstance(given, str) else kind


__all__ = ["Configuration", "FindUser", "configuration", "configured_user"]
