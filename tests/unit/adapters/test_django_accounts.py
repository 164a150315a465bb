"""Tests the checker over `django.contrib.auth`, and what `request.user` is."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync

from tests.support import django_settings
from watchword import Accepted, Basic, BasicCredentials, Bearer, ConfigurationError, Guard, Principal, Refused, optional, permission, role
from watchword.adapters.django import DjangoUsers, principal_of
from watchword.checkers import Tokens
from watchword.errors import Unavailable
from watchword.protection.hash_limiter import HashLimiter
from watchword.testing import FixedClock, acting_as

# isort: split
# After the settings.
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.hashers import MD5PasswordHasher, make_password
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.signals import user_login_failed
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from django.utils import timezone

if TYPE_CHECKING:
    from collections.abc import Iterator

USERS = DjangoUsers()
TOKENS = Tokens({"shop": Principal("shop", kind="client")})
RULES = {
    "/editors": role("editors"),
    "/users": permission("auth.view_user"),
    "/open": optional,
}
GUARD = Guard(Basic(USERS, realm="office"), Bearer(TOKENS, realm="office"), rules=RULES)
HASHED: list[str] = []
FAULT: list[Exception] = []


class CountingHasher(MD5PasswordHasher):  # type: ignore[misc]  # Django has no types
    """Notes each hash."""

    def encode(self, password: str, salt: str) -> str:
        """Hash one password."""
        HASHED.append(password)
        return str(super().encode(password, salt))


class Faulty(BaseBackend):  # type: ignore[misc]  # as above
    """Fails as a database does, or refuses whatever comes."""

    def authenticate(self, request: Any, username: str | None = None, password: str | None = None) -> None:
        """Fail."""
        raise FAULT[0]


class Everybody(ModelBackend):  # type: ignore[misc]  # as above
    """Lets in accounts that are not active."""

    def user_can_authenticate(self, user: Any) -> bool:
        """Let in."""
        return True


def show(request: Any) -> HttpResponse:
    """Say who it is."""
    return HttpResponse(f"{request.principal.display_name}|{request.user.get_username()}|{request.META.get('REMOTE_USER')}")


async def ashow(request: Any) -> HttpResponse:
    """Say who it is, on the event loop."""
    user = await request.auser()
    return HttpResponse(f"{request.principal.display_name}|{user.get_username()}|{request.META.get('REMOTE_USER')}")


URLS = [path(name, show) for name in ("me", "editors", "users", "open")]
URLS.append(path("async", ashow))


@pytest.fixture(autouse=True)
def ann() -> Iterator[Any]:
    """A project with the account of Ann, who is an editor."""
    with django_settings.database(), django_settings.project(URLS, GUARD):
        user = get_user_model().objects.create_user("ann", password="sésame")
        user.groups.add(Group.objects.create(name="editors"))
        USERS.__init__()  # type: ignore[misc]  # forgets the passwords of the last test
        HASHED.clear()
        yield user


def basic(name: str = "ann", password: str = "sésame") -> dict[str, str]:
    """The field that a client sends."""
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


def ask(route: str, headers: dict[str, str], *, by: str = "wsgi") -> Any:
    """Ask for a path."""
    if by == "wsgi":
        return Client(raise_request_exception=False).get(route, headers=headers)
    return async_to_sync(AsyncClient(raise_request_exception=False).get)(route, headers=headers)


def check(name: str = "ann", password: str = "sésame", users: DjangoUsers = USERS, *, by: str = "wsgi") -> Any:
    """Ask the checker alone."""
    credentials = BasicCredentials(name, password)
    return users.check(credentials) if by == "wsgi" else async_to_sync(users.acheck)(credentials)


both_ways = pytest.mark.parametrize("by", ["wsgi", "asgi"])


@both_ways
def test_an_account_of_the_project_logs_in(by: str) -> None:
    """The principal has its key, groups and permissions; `request.user` is the account itself."""
    for route in ("/me", "/editors", "/async", "/open"):
        answer = ask(route, basic(), by=by)
        assert (answer.status_code, answer.content) == (200, b"ann|ann|ann")
    assert ask("/users", basic(), by=by).status_code == 403
    assert ask("/me", {}, by=by).headers["WWW-Authenticate"].startswith('Basic realm="office"')


def test_a_principal_is_named_by_the_key_and_has_what_django_grants(ann: Any) -> None:
    """Permissions of the account and of its groups; all of them for a superuser."""
    kind = ContentType.objects.get_for_model(get_user_model())
    granted = Permission.objects.create(name="Can view", content_type=kind, codename="view_user")
    Group.objects.get().permissions.add(granted)
    principal = check().principal
    assert (principal.id, principal.roles, principal.permissions) == (str(ann.pk), {"editors"}, {"auth.view_user"})
    assert (principal.display_name, principal.claims) == ("ann", {"name": "ann"})
    root = get_user_model().objects.create_superuser("root", password="root")
    assert principal_of(root).permissions == {"auth.view_user"}


@both_ways
@pytest.mark.parametrize("case", ["wrong", "unknown", "inactive", "unusable", "wrong after right"])
def test_whom_django_does_not_let_in_is_refused_alike(ann: Any, case: str, by: str) -> None:
    """Each costs one hash of the same hasher, so that the time tells nothing; the signal of Django is sent."""
    failed: list[Any] = []
    user_login_failed.connect(receiver := lambda credentials, **_: failed.append(credentials))
    if case == "wrong after right":
        check()
    elif case == "inactive":
        get_user_model().objects.update(is_active=False)
    elif case == "unusable":
        get_user_model().objects.update(password=make_password(None))
    name = "eve" if case == "unknown" else "ann"
    password = "sésame" if case == "inactive" else "mellon"
    with override_settings(PASSWORD_HASHERS=[f"{__name__}.CountingHasher"]):
        HASHED.clear()
        assert ask("/me", basic(name, password), by=by).status_code == 401
    assert len(HASHED) == 1
    assert failed == [{"username": name, "password": "*" * 20}]
    user_login_failed.disconnect(receiver)


@both_ways
def test_a_right_password_is_hashed_once(by: str) -> None:
    """For as long as it is remembered; then again."""
    clock = FixedClock(1_700_000_000)
    users = DjangoUsers(remember_for=60, clock=clock)
    with override_settings(PASSWORD_HASHERS=[f"{__name__}.CountingHasher"]):
        get_user_model().objects.update(password=make_password("sésame"))
        HASHED.clear()
        for seconds, hashes in ((0, 1), (59, 1), (2, 2), (0, 2)):
            clock.advance(seconds)
            assert isinstance(check(users=users, by=by), Accepted)
            assert len(HASHED) == hashes
        assert isinstance(check(users=DjangoUsers(remember=0)), Accepted)
        assert len(HASHED) == 3


@pytest.mark.parametrize(
    "change",
    [{"password": "md5$a$b"}, {"is_active": False}, {"username": "zoe"}, "group", "delete", "backend"],
    ids=str,
)
def test_a_change_of_the_account_counts_at_once(ann: Any, change: Any) -> None:
    """A remembered password is no session that outlives it."""
    assert ask("/editors", basic()).status_code == 200
    if change == "group":
        ann.groups.clear()
    elif change == "delete":
        ann.delete()
    elif isinstance(change, dict):
        get_user_model().objects.update(**change)
    backends = ["django.contrib.auth.backends.RemoteUserBackend"] if change == "backend" else settings_backends()
    with override_settings(AUTHENTICATION_BACKENDS=backends):
        assert ask("/editors", basic()).status_code == (403 if change == "group" else 401)


def settings_backends() -> list[str]:
    """The default ones."""
    return ["django.contrib.auth.backends.ModelBackend"]


def test_an_account_that_is_not_active_is_refused_whatever_the_backend_says() -> None:
    """As at Django's login form."""
    get_user_model().objects.update(is_active=False)
    with override_settings(AUTHENTICATION_BACKENDS=[f"{__name__}.Everybody"]):
        assert check() == Refused()


def test_a_backend_that_forbids_has_the_last_word() -> None:
    """So a lock-out of the project holds here, too."""
    FAULT[:] = [PermissionDenied()]
    with override_settings(AUTHENTICATION_BACKENDS=[f"{__name__}.Faulty", *settings_backends()]):
        assert check() == Refused()


def test_an_outdated_hash_is_renewed() -> None:
    """At the login, by Django's own rules; the new one is good for the next request."""
    get_user_model().objects.update(password=make_password("sésame", hasher="pbkdf2_sha256"))
    assert ask("/me", basic()).status_code == 200
    assert get_user_model().objects.get().password.startswith("md5$")
    assert ask("/me", basic()).status_code == 200


def test_the_login_is_noted_once_a_day(ann: Any) -> None:
    """Not for each request: that ends links for a new password."""
    check()
    first = get_user_model().objects.get().last_login
    assert first is not None
    check(users=DjangoUsers())
    assert get_user_model().objects.get().last_login == first
    yesterday = timezone.now() - timedelta(days=1, seconds=1)
    get_user_model().objects.update(last_login=yesterday)
    check(users=DjangoUsers(last_login=False))
    assert get_user_model().objects.get().last_login == yesterday
    check(users=DjangoUsers())
    assert get_user_model().objects.get().last_login > yesterday


def test_a_login_that_cannot_be_noted_counts(ann: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A database that can only be read lets people in, and the log says what is wrong."""

    def fail(*_: object, **__: object) -> None:
        raise DatabaseError("read-only")

    monkeypatch.setattr(get_user_model(), "save", fail)
    assert isinstance(check(), Accepted)
    assert "last_login could not be set: read-only" in caplog.text


@both_ways
@pytest.mark.parametrize("fault", [OperationalError("gone"), InterfaceError("closed")], ids=str)
def test_an_outage_of_the_database_is_503(fault: Exception, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never 401, and never let in, also where the caller need not log in (threats N12). The broken connection is given up."""
    FAULT[:] = [fault]
    closed: list[bool] = []
    monkeypatch.setattr("watchword.adapters.django.accounts.close_old_connections", lambda: closed.append(True))
    with override_settings(AUTHENTICATION_BACKENDS=[f"{__name__}.Faulty"]):
        for route in ("/me", "/open"):
            answer = ask(route, basic(), by=by)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        with pytest.raises(Unavailable, match="the database does not answer") as raised:
            check(by=by)
    assert len(closed) == 3
    assert raised.value.__context__ is None or "sésame" not in repr(raised.value.__context__)


@pytest.mark.parametrize(("name", "password"), [("ann\0", "sésame"), ("ann", "\0"), ("\ud800", "x"), ("ann", "\udfff"), ("", "")])
def test_what_no_database_and_no_hasher_takes_is_refused(name: str, password: str) -> None:
    """Not a 500: PostgreSQL takes no NUL, and UTF-8 no lone surrogate."""
    assert check(name, password) == Refused()


def test_names_are_normalized_as_in_djangos_login_form() -> None:
    """By NFKC, so that one account has one name."""
    assert isinstance(check("\uff41\uff4e\uff4e"), Accepted)


@both_ways
def test_no_more_hashes_wait_than_the_limiter_allows(by: str) -> None:
    """Beyond that a login is 503, and no thread is taken (threats W4)."""
    limiter = HashLimiter(1, queue=0)
    users = DjangoUsers(limiter=limiter)
    refused: list[Exception] = []

    def within() -> None:
        with pytest.raises(Unavailable) as raised:
            check(users=users)
        refused.append(raised.value)

    limiter.operation(b"another", within).run()
    assert len(refused) == 1
    assert isinstance(check(users=users, by=by), Accepted)


def test_a_login_whose_client_has_gone_keeps_no_place() -> None:
    """The same login of another client, which waits for its hash, goes on by itself."""
    users = DjangoUsers(limiter=HashLimiter(1, queue=0))
    credentials = BasicCredentials("ann", "sésame")

    async def main() -> Any:
        gone, stays = (asyncio.ensure_future(users.acheck(credentials)) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        verdict = await asyncio.wait_for(stays, 10)
        await asyncio.gather(gone, return_exceptions=True)
        return verdict, await users.acheck(BasicCredentials("ann", "mellon"))

    accepted, refused = async_to_sync(main)()
    assert isinstance(accepted, Accepted)
    assert refused == Refused()


@both_ways
@pytest.mark.parametrize("gone", ["deleted", "inactive"])
def test_an_account_that_is_gone_is_anonymous_for_the_view(ann: Any, gone: str, by: str) -> None:
    """The account is read when the view asks for `request.user`; what has changed since the decision counts."""

    def check_and_end(credentials: Any) -> Principal:
        principal = principal_of(get_user_model().objects.get())
        if gone == "deleted":
            get_user_model().objects.all().delete()
        get_user_model().objects.update(is_active=False)
        return principal

    with django_settings.project(URLS, Guard(Bearer(check_and_end, realm="office"))):
        answer = ask("/async" if by == "asgi" else "/me", {"Authorization": "Bearer x"}, by=by)
    assert (answer.status_code, answer.content) == (200, b"ann||ann")


@both_ways
def test_tests_may_act_as_an_account(ann: Any, by: str) -> None:
    """`acting_as(principal_of(user), guard)` passes the middleware, and `request.user` is the account."""
    with acting_as(principal_of(ann), GUARD):
        for route in ("/me", "/editors", "/async"):
            assert ask(route, {}, by=by).content == b"ann|ann|ann"
        assert ask("/users", {}, by=by).status_code == 403


@both_ways
def test_views_see_the_user_of_the_guard_in_either_order(by: str) -> None:
    """AuthenticationMiddleware behind the guard sets `request.user` again; what it sets is taken back before the view."""
    session, _, _, authentication, _, guarded = django_settings.MIDDLEWARE
    with override_settings(MIDDLEWARE=[guarded, session, authentication]):
        for route in ("/me", "/async"):
            assert ask(route, basic(), by=by).content == b"ann|ann|ann"
            assert ask(route, {}, by=by).status_code == 401
        assert ask("/open", {}, by=by).content == b"||None"


def test_other_principals_are_users_where_the_project_says_so(ann: Any) -> None:
    """`WATCHWORD["USER"]` finds the account of a principal; without it `request.user` stays Django's own."""
    token = {"Authorization": "Bearer shop"}
    assert ask("/me", token).content == b"shop||shop"
    with override_settings(WATCHWORD={"GUARD": GUARD, "USER": lambda principal: ann if principal.id == "shop" else None}):
        assert ask("/me", token).content == b"shop|ann|shop"
        assert ask("/open", {}).content == b"||None"
    with override_settings(WATCHWORD={"GUARD": GUARD, "USER": lambda principal: None}):
        assert ask("/me", token).content == b"shop||shop"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"remember": -1}, "remember"),
        ({"remember_for": "long"}, "remember_for"),
        ({"last_login": "no"}, "last_login"),
        ({"limiter": 4}, "limiter"),
        ({"clock": 1}, "clock"),
    ],
)
def test_a_wrong_argument_is_an_error(arguments: dict[str, Any], says: str) -> None:
    """It says which."""
    with pytest.raises(ConfigurationError, match=says):
        DjangoUsers(**arguments)
