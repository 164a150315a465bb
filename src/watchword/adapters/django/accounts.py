"""Maps the accounts of `django.contrib.auth` to principals, and back to `request.user`."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model, load_backend
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from watchword.errors import Unavailable
from watchword.observe.notice import OperatorNotice, log_notice
from watchword.operation import Operation
from watchword.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_NOTED_EVERY = timedelta(days=1)
_RETRY_AFTER = 5  # seconds


class DjangoPrincipal(Principal):
    """A principal that is an account of the project, so that `request.user` is that account."""

    __slots__ = ()


def principal_of(user: Any) -> DjangoPrincipal:  # noqa: ANN401 - the user model is of the project
    """Return the principal of an account. A checker of your own that returns it sets `request.user` as well. It queries the database.

    Its id is the primary key: user names change hands. Its roles are the names of the groups, its permissions those of the account and of
    its groups, such as `"shop.add_order"`; of a superuser, all. Its `display_name` is the user name.

    Args:
        user: the account.

    Trust: the caller has proven to be this account, which is active.
    """
    return DjangoPrincipal(
        str(user.pk),
        roles=user.groups.values_list("name", flat=True) if hasattr(user, "groups") else (),
        permissions=user.get_all_permissions() if hasattr(user, "get_all_permissions") else (),
        claims={"name": user.get_username()},
    )


def account_of(principal: Principal) -> Any:  # noqa: ANN401 - as above
    """Return the account of a principal, as it is now; None: it is gone, or not active any more."""
    model = get_user_model()
    try:
        key = model._meta.pk.to_python(principal.id)  # noqa: SLF001 - documented, in spite of its name
        user = model._default_manager.get(pk=key)  # noqa: SLF001 - documented, too
    except model.DoesNotExist:
        return None
    return user if is_active(user) else None


def is_active(user: Any) -> bool:  # noqa: ANN401 - as above
    """Tell whether an account may log in. A backend that lets in others changes nothing here, as in Django's login form."""
    return user is not None and user.is_authenticated and getattr(user, "is_active", True)


def session_user(backend: str, key: object) -> Any:  # noqa: ANN401 - as above
    """Return an account by the backend that has let it in, as a session does; None: there is none any more.

    Args:
        backend: the import path of the backend.
        key: the primary key.
    """
    return load_backend(backend).get_user(key) if backend in settings.AUTHENTICATION_BACKENDS else None


def asking(work: Callable[[], T]) -> Operation[T]:
    """Return the operation that asks the database: in this thread, or in that of the request, which has Django's connections."""
    return Operation(partial(asked_database, work), partial(in_thread_of_request, partial(asked_database, work)))


async def in_thread_of_request(work: Callable[[], T]) -> T:
    """Return the result of work in the thread of the request: Django closes its connections at the end, and tests see their transaction."""
    done: T = await sync_to_async(work, thread_sensitive=True)()
    return done


def asked_database(work: Callable[[], T]) -> T:
    """Return the answer of the database.

    Raises:
        Unavailable: it does not answer.
    """
    try:
        return work()
    except (OperationalError, InterfaceError) as error:
        close_old_connections()  # the broken one, so that the next question opens another
        why = f"the database does not answer: {error}"
    raise Unavailable(why, retry_after=_RETRY_AFTER)  # outside: the cause would keep the frames, and with them the password


def note_login(user: Any) -> None:  # noqa: ANN401 - the user model is of the project
    """Set `last_login`, as Django does at a login; a failure does not refuse the login."""
    from django.contrib.auth.models import update_last_login  # only where the application is installed

    noted = getattr(user, "last_login", None)
    if not hasattr(user, "last_login") or (noted is not None and timezone.now() - noted < _NOTED_EVERY):
        return
    try:
        update_last_login(None, user)
    except DatabaseError as error:
        log_notice(OperatorNotice("login_not_noted", f"last_login could not be set: {error}", subject=str(user.pk)))


def is_text(text: str) -> bool:
    """Tell whether a database and a hasher can be asked about a text that a client has sent.

    Args:
        text: a name, a password or a key.
    """
    # PostgreSQL takes no NUL, and no hasher a lone surrogate. Neither depends on whether there is an account.
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


__all__ = [
    "DjangoPrincipal",
    "account_of",
    "asked_database",
    "asking",
    "in_thread_of_request",
    "is_active",
    "is_text",
    "note_login",
    "principal_of",
    "session_user",
]
