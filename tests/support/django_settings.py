"""The settings of Django, which hold for a whole process: every test that needs Django takes these, and overrides what differs."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.test import override_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "watchword.adapters.django.GuardMiddleware",
]


def configure() -> None:
    """Configure Django, if that has not happened: `django.contrib.auth` and its admin over a database in memory, with a cheap hasher."""
    if settings.configured:
        return
    contrib = ("admin", "auth", "contenttypes", "messages", "sessions")
    processors = ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"]
    processors.append("django.contrib.messages.context_processors.messages")
    settings.configure(
        SECRET_KEY="x" * 50,
        ROOT_URLCONF="replaced",
        LOGGING_CONFIG=None,
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=[*(f"django.contrib.{name}" for name in contrib), "rest_framework", "rest_framework.authtoken"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": processors},
            }
        ],
    )
    import django

    django.setup()


@contextmanager
def database() -> Iterator[None]:
    """Use the database, and take back what is written to it."""
    from django.db import transaction

    _create_tables()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@cache
def _create_tables() -> None:
    from django.db import connection

    with connection.schema_editor() as editor:
        for model in (one for one in apps.get_models() if not one._meta.proxy):
            editor.create_model(model)


@contextmanager
def project(urlpatterns: list[Any], guard: object, **changed: Any) -> Iterator[None]:
    """Use the settings of a project with these routes, behind this guard.

    Args:
        urlpatterns: the routes.
        guard: what `WATCHWORD` names.
        changed: further settings; `urls`: more of the URLconf, such as `handler403`.
    """
    configure()
    urls: Any = ModuleType("urls")
    vars(urls).update({"urlpatterns": urlpatterns, **changed.pop("urls", {})})
    chosen = {"ROOT_URLCONF": urls, "MIDDLEWARE": MIDDLEWARE, "WATCHWORD": {"GUARD": guard}, "DEBUG": False, **changed}
    from django.urls import set_urlconf

    set_urlconf(None)  # a request whose response was not closed leaves its own in the thread
    with override_settings(**chosen):
        yield


configure()
