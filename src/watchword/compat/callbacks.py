"""Calls the functions that an application has registered, and turns what they return into principals and sets of roles."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterator
from dataclasses import dataclass
from hmac import compare_digest
from types import BuiltinFunctionType, FunctionType, MethodType, NoneType
from typing import TYPE_CHECKING, Any, Final, cast

from flask import current_app
from werkzeug.datastructures import Authorization
from werkzeug.wrappers import Response

from watchword.credentials import APIKeyCredentials, BasicCredentials
from watchword.grammar.composed import composed
from watchword.principal import Principal
from watchword.validators import invalid
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from watchword.credentials import BearerToken, Credentials

_CLAIM: Final = "flask_httpauth"  # of the principal: the login
# What a callback returns by mistake, and what is true all the same: a coroutine that is not awaited, a cursor in place of its row, a method
# that is not called, an error that is not raised. Flask-HTTPAuth lets such a caller in.
_NO_ANSWER: Final = (
    *(Awaitable, AsyncGenerator, Iterator, FunctionType, MethodType, BuiltinFunctionType, type),
    *(BaseException, Response, Accepted, Refused),
)


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """A caller who was let in.

    Args:
        user: what the callback returned.
        credentials: what was verified; they do not print.
    """

    user: object
    credentials: Credentials

    @property
    def authorization(self) -> Authorization:
        """The credentials, as Werkzeug has them."""
        shown = self.credentials
        if isinstance(shown, BasicCredentials):
            return Authorization("basic", {"username": shown.username, "password": shown.password})
        return Authorization("bearer", token=token_of(shown))

    @property
    def current(self) -> object:
        """The user; where the callback returned True, the user name, or None for a token."""
        if self.user is not True:
            return self.user
        return self.credentials.username if isinstance(self.credentials, BasicCredentials) else None


def token_of(shown: Credentials) -> str:
    """Return the token.

    Args:
        shown: of a scheme for tokens.
    """
    return shown.key if isinstance(shown, APIKeyCredentials) else cast("BearerToken", shown).token


def accepted(user: object, shown: Credentials, name: str) -> Principal | None:
    """Return the principal for what a callback returned; None: the caller is refused.

    Args:
        user: what it returned.
        shown: what it was asked about.
        name: the id of the principal, where the user has none: the user name, or the name of the scheme.
    """
    # Flask-Login has an object for anonymous users, and a guard has a principal: both are true. Once it was a method.
    known = getattr(user, "is_authenticated", True)
    if not user or (known() if callable(known) else known) is False:
        return None
    names = (user, name if isinstance(shown, BasicCredentials) else getattr(user, "id", None), name)
    return Principal(next(str(one) for one in names if one and type(one) in {str, int}), claims={_CLAIM: Login(user, shown)})


def login_of(principal: Principal) -> Login | None:
    """Return the login that `accepted` has put into a principal; None: it is of another checker, or anonymous.

    Args:
        principal: the caller.
    """
    login = principal.claims.get(_CLAIM)
    return login if isinstance(login, Login) else None


def answer_of(callback: Callable[..., Any], *args: object) -> object:
    """Call a function of the application, which may be async.

    Args:
        callback: the function.
        args: its arguments.

    Raises:
        TypeError: it returned what it cannot have meant, such as a coroutine: a bug, and no access.
        Exception: as the function does.
    """
    answer = current_app.ensure_sync(callback)(*args)
    # A tuple may be a row of a table. One that begins with False or None is `None, "wrong password"`, which is true.
    if isinstance(answer, _NO_ANSWER) or (isinstance(answer, tuple) and isinstance(next(iter(answer), ""), (bool, NoneType))):
        getattr(answer, "close", lambda: None)()
        raise TypeError(
            f"{getattr(callback, '__qualname__', callback)}() must return what it found, True, False or None, got {type(answer).__name__}"
        )
    return answer


def equal_secrets(given: object, stored: object) -> bool:
    """Tell whether two passwords or hashes are equal and not empty, in constant time.

    Args:
        given: of the client, str or bytes; None: the client sent none.
        stored: of the application, as `given`.

    Raises:
        TypeError: one of them is of another type.
    """
    return bool(stored) and given is not None and compare_digest(_octets(given), _octets(stored))


def _octets(secret: object) -> bytes:
    if isinstance(secret, bytes):
        return secret
    if not isinstance(secret, str):
        raise TypeError(f"get_password and hash_password must return str, bytes or None, got {type(secret).__name__}")
    return composed(secret).encode("utf-8", "surrogatepass")


def role_sets(role: object) -> tuple[frozenset[Hashable], ...]:
    """Return the sets of roles of which one has to be held.

    Args:
        role: a role; or a list of roles, of which one suffices. A list within the list demands all of its roles.

    Raises:
        ConfigurationError: it is something else, or a part of it is empty. An empty list in a list would be held by all callers.
    """
    listed = role if isinstance(role, (list, tuple)) else [role]
    inner = [one if isinstance(one, (list, tuple)) else [one] for one in listed]
    if not inner or not all(one and all(map(_is_role, one)) for one in inner):
        must = "be a role, a list of roles, or a list that holds lists of roles, none of them empty"
        raise invalid("login_required(role=...)", must, role, 'Write role="admin" or role=["admin", ["editor", "reviewer"]].')
    return tuple(map(frozenset, inner))


def _is_role(one: object) -> bool:
    return one is not None and one != "" and isinstance(one, Hashable) and not isinstance(one, (tuple, frozenset))


def holds_one(held: object, wanted: Collection[frozenset[Hashable]]) -> bool:
    """Tell whether the roles of a user contain one of the sets.

    Args:
        held: what the application returned: a role, a collection of roles, or None.
        wanted: as `role_sets` returns them.
    """
    roles = set(held) if isinstance(held, (list, tuple, set, frozenset)) else {held}
    return any(roles.issuperset(all_of) for all_of in wanted)


__all__ = ["Login", "accepted", "answer_of", "equal_secrets", "holds_one", "login_of", "role_sets", "token_of"]
