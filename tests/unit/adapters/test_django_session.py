"""Tests Django's own session as credentials, and what stands beside the guard: the admin, the protection against CSRF."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync

from tests.support import django_settings
from watchword import Basic, Bearer, Guard, Principal, RequestView, optional, public, role, via
from watchword.adapters.django import DjangoSession, DjangoUsers, requires
from watchword.adapters.django.session import SessionCredentials
from watchword.checkers import Tokens

# isort: split
# After the settings.
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKENS = Tokens({"shop": Principal("shop", kind="client")})
RULES = {
    "/admin/**": public,
    "/open": optional,
    "/public/**": public,
    "/editors": role("editors"),
    "/sessions": via("Cookie"),
    "/hook": (via("Cookie") | via("Bearer")).from_any_origin(),
}
GUARD = Guard(Bearer(TOKENS, realm="site"), Basic(DjangoUsers(last_login=False), realm="site"), DjangoSession(), rules=RULES)
OWN = {"Sec-Fetch-Site": "same-origin"}


def show(request: Any) -> HttpResponse:
    """Say who it is."""
    return HttpResponse(f"{request.principal.display_name}|{request.user.get_username()}")


def quiet(request: Any) -> HttpResponse:
    """Ask nothing."""
    return HttpResponse("quiet")


async def ashow(request: Any) -> HttpResponse:
    """Say who it is, on the event loop."""
    user = await request.auser()
    return HttpResponse(f"{request.principal.display_name}|{user.get_username()}")


URLS = [
    path("admin/", admin.site.urls),
    *(path(name, show) for name in ("me", "open", "editors", "sessions", "hook", "public/who")),
    path("async", ashow),
    path("public/quiet", quiet),
    path("public/editors", requires(role("editors"))(ashow)),
    path("accounts/login/", show),
]


@pytest.fixture(autouse=True)
def ann() -> Iterator[Any]:
    """A project with the account of Ann, who is an editor, and may see the admin."""
    with django_settings.database(), django_settings.project(URLS, GUARD):
        user = get_user_model().objects.create_superuser("ann", password="sésame")
        user.groups.add(Group.objects.create(name="editors"))
        yield user


def browser(user: Any = None, *, by: str = "wsgi", **options: Any) -> Any:
    """A client that has logged in."""
    client: Any = (Client if by == "wsgi" else AsyncClient)(raise_request_exception=False, **options)
    if user is not None:
        client.force_login(user)
    return client


def ask(client: Any, route: str, method: str = "get", **headers: str) -> Any:
    """Ask for a path."""
    call = getattr(client, method)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(client, Client):
        sent = {"Host": "testserver", **sent}  # as AsyncClient and all browsers send it
    return call(route, headers=sent) if isinstance(client, Client) else async_to_sync(call)(route, headers=sent)


both_ways = pytest.mark.parametrize("by", ["wsgi", "asgi"])


@both_ways
def test_the_login_of_the_site_counts(ann: Any, by: str) -> None:
    """On rules of any kind, and on views under a public one."""
    client = browser(ann, by=by)
    for route in ("/me", "/open", "/editors", "/sessions", "/async", "/public/editors"):
        answer = ask(client, route)
        assert (answer.status_code, answer.content) == (200, b"ann|ann")
        assert answer.headers["Cache-Control"] == "private"


@both_ways
def test_a_session_without_an_account_is_no_credentials(by: str) -> None:
    """A session with a shopping cart alone neither lets a caller in nor refuses one."""
    client = browser(by=by)
    store = SessionStore()
    store["cart"] = 1
    store.create()
    client.cookies["sessionid"] = store.session_key
    assert ask(client, "/open").content == b"|"
    assert ask(client, "/me").status_code == 401
    assert ask(client, "/me", Authorization="Bearer shop").content == b"shop|"
    client.cookies["sessionid"] = "x" * 32
    assert ask(client, "/open").content == b"|"
    assert ask(client, "/me").status_code == 401


@both_ways
@pytest.mark.parametrize("change", ["password", "is_active", "logout", "deleted"])
def test_a_session_that_django_has_ended_ends_here(ann: Any, change: str, by: str) -> None:
    """The hash of the session is compared with that of the account, for each request."""
    client = browser(ann, by=by)
    assert ask(client, "/me").status_code == 200
    if change == "password":
        ann.set_password("new")
        ann.save()
    elif change == "is_active":
        get_user_model().objects.update(is_active=False)
    elif change == "deleted":
        ann.delete()
    else:
        client.logout()
    assert ask(client, "/me").status_code == 401
    assert ask(client, "/open").content == b"|"


@both_ways
def test_explicit_credentials_win_over_the_session(ann: Any, by: str) -> None:
    """And false ones are refused beside it (decision D18)."""
    client = browser(ann, by=by)
    assert ask(client, "/me", Authorization="Bearer shop").content.startswith(b"shop|")
    assert ask(client, "/me", Authorization="Bearer wrong").status_code == 401
    assert ask(client, "/me", Authorization="Basic " + b64encode("ann:sésame".encode()).decode()).content == b"ann|ann"


@both_ways
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OWN, 200),
        ({"Origin": "http://testserver"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
    ids=str,
)
def test_a_page_of_another_origin_cannot_use_the_session(ann: Any, headers: dict[str, str], status: int, by: str) -> None:
    """For a method that changes something; nothing of the view runs (decision D61)."""
    client = browser(ann, by=by)
    answer = ask(client, "/me", "post", **headers)
    assert answer.status_code == status
    assert status == 200 or answer.json()["reason"] == "cross_site"
    assert ask(client, "/hook", "post", **headers).status_code == 200
    assert ask(client, "/me", Origin="https://evil.example").status_code == 200


@both_ways
def test_a_user_without_the_cookie_is_no_session(by: str) -> None:
    """Another middleware may set `request.user`; that is not what the scheme stands for."""
    moved = [*django_settings.MIDDLEWARE[:-1], f"{__name__}.sets_user", django_settings.MIDDLEWARE[-1]]
    with override_settings(MIDDLEWARE=moved):
        assert ask(browser(by=by), "/me").status_code == 401
        assert ask(browser(by=by), "/public/who").content == b"|ann"


def sets_user(get_response: Any) -> Any:
    """A middleware that takes everybody for Ann."""

    def middleware(request: Any) -> Any:
        request.user = get_user_model().objects.get()
        return get_response(request)

    return middleware


@both_ways
def test_the_account_of_the_session_is_read_once(ann: Any, django_queries: Any, by: str) -> None:
    """`request.user` is what Django has loaded, and not another copy."""
    client = browser(ann, by=by)
    with django_queries() as queries:
        assert ask(client, "/me").content == b"ann|ann"
    assert len([one for one in queries if 'FROM "auth_user"' in one["sql"]]) == 1


@both_ways
def test_a_public_path_does_not_read_the_session(ann: Any, by: str, django_queries: Any) -> None:
    """So that its responses can be cached for all: no query, and no `Vary: Cookie`."""
    client = browser(ann, by=by)
    with django_queries() as queries:
        answer = ask(client, "/public/quiet")
    assert (answer.content, len(queries)) == (b"quiet", 0)
    assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.fixture
def django_queries() -> Any:
    """Counts queries."""
    from django.db import connection

    return lambda: CaptureQueriesContext(connection)


@both_ways
def test_a_view_still_sees_djangos_session_where_the_rule_asks_nothing(ann: Any, by: str) -> None:
    """`request.user` is Django's own on a public path: the site's login goes on working."""
    assert ask(browser(ann, by=by), "/public/who").content == b"|ann"


def test_the_admin_goes_on_working(ann: Any) -> None:
    """Its login, its pages and its forms, under a public rule."""
    client = browser()
    assert client.get("/admin/").status_code == 302
    assert client.post("/admin/login/?next=/admin/", {"username": "ann", "password": "sésame"}).status_code == 302
    assert b"Site administration" in client.get("/admin/").content
    assert client.get("/me").content == b"ann|ann"
    form = {"name": "new", "_save": "Save"}
    assert client.post("/admin/auth/group/add/", form).status_code == 302
    assert Group.objects.filter(name="new").exists()


PERSON = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}


@pytest.mark.parametrize(
    ("route", "location"),
    [
        ("/sessions", "/accounts/login/?next=/sessions"),
        ("/sessions?a=1&b=%C3%A9", "/accounts/login/?next=/sessions%3Fa%3D1%26b%3D%25C3%25A9"),
        ("/sessions?" + "x" * 2048, "/accounts/login/"),
        ("/accounts/login/", None),
        ("/accounts/login/?next=/me", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_person_is_sent_to_the_login_page(route: str, location: str | None) -> None:
    """It leads back; a program gets 401, and so does a person where the login page itself is closed."""
    guard = Guard(DjangoSession(), rules={"/sessions": via("Cookie")})
    with django_settings.project(URLS, guard):
        answer = ask(browser(), route, **PERSON)
        assert (answer.status_code, answer.headers.get("Location")) == (303 if location else 401, location)
        assert ask(browser(), route).status_code == 401


@pytest.mark.parametrize(
    ("method", "target", "location"),
    [
        ("GET", "/a", "/accounts/login/?next=/a"),
        ("HEAD", "/a", "/accounts/login/"),
        ("GET", "//evil.example", "/accounts/login/"),
        ("GET", "/\\evil.example", "/accounts/login/"),
        ("GET", "/a\\b", "/accounts/login/"),
        ("GET", "https://evil.example/a", "/accounts/login/"),
    ],
)
def test_the_way_back_stays_on_the_site(method: str, target: str, location: str) -> None:
    """What a browser would take for another site is left out."""
    assert DjangoSession().login_location(RequestView(method, target)) == location


def test_the_login_page_may_have_a_name_and_a_query() -> None:
    """As `login_required` finds it."""
    with override_settings(LOGIN_URL="/log-in?a=1"):
        assert DjangoSession().login_location(RequestView("GET", "/me")) == "/log-in?a=1&next=/me"
    with override_settings(LOGIN_URL="admin:login"):
        assert DjangoSession().login_location(RequestView("GET", "/me")) == "/admin/login/?next=/me"


@both_ways
def test_an_outage_of_the_sessions_is_503(ann: Any, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    """Never 401, and never anonymous on an optional path (threats N12)."""
    client = browser(ann, by=by)

    def fail(*_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(SessionStore, "load", fail)
    monkeypatch.setattr(SessionStore, "aload", fail)
    assert [ask(client, route).status_code for route in ("/me", "/open", "/public/quiet")] == [503, 503, 200]


def test_outside_of_django_there_is_no_session() -> None:
    """The scheme accepts nothing from a request that Django's middlewares have not seen, and its repr shows no account."""
    sent = RequestView("GET", "/me", [("Cookie", "sessionid=abc")])
    assert DjangoSession().extract(sent) is None
    assert "Http" not in repr(SessionCredentials(HttpRequest()))


@both_ways
def test_a_program_with_a_token_needs_no_csrf_token(ann: Any, by: str) -> None:
    """A token in a field is nothing that a browser sends by itself. Beside a session, and with Basic, Django goes on checking."""
    client = browser(by=by, enforce_csrf_checks=True)
    assert ask(client, "/me", "post", Authorization="Bearer shop").status_code == 200
    assert ask(client, "/public/who", "post", Authorization="Bearer shop").status_code == 403
    basic = "Basic " + b64encode("ann:sésame".encode()).decode()
    refused = ask(client, "/me", "post", Authorization=basic, **OWN)
    assert (refused.status_code, b"CSRF" in refused.content) == (403, True)
    client.force_login(ann)
    refused = ask(client, "/me", "post", Authorization="Bearer shop", **OWN)
    assert (refused.status_code, b"CSRF" in refused.content) == (403, True)
    refused = ask(client, "/me", "post", **OWN)
    assert (refused.status_code, b"CSRF" in refused.content) == (403, True)
