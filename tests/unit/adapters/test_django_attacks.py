"""Tests what could separate a decision from the view that runs: routing, decorators, classes, caches, threads, and other middlewares."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync

from tests.support import django_settings
from tests.support.frameworks import ask_asgi, ask_wsgi
from tests.support.wire import Request, wsgi_environ
from watchword import (
    Accepted,
    AuthEvent,
    Basic,
    Bearer,
    ConfigurationError,
    Guard,
    Operation,
    Principal,
    RequestView,
    authenticated,
    public,
    role,
    scope,
)
from watchword.adapters.asgi import GuardMiddleware as OuterASGI
from watchword.adapters.django import GuardMiddleware, requires
from watchword.adapters.wsgi import GuardMiddleware as OuterMiddleware
from watchword.checkers import Tokens
from watchword.checkers.adapt import nonblocking

# isort: split
# After the settings.
from django.conf.urls.i18n import i18n_patterns
from django.core.cache import cache
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.test import AsyncClient, AsyncRequestFactory, Client, RequestFactory
from django.urls import include, path
from django.utils.decorators import decorator_from_middleware, method_decorator
from django.views import View
from django.views.decorators.cache import cache_page, never_cache
from django.views.decorators.csrf import csrf_exempt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

PEOPLE = {name: Principal(name, roles={"admin"} if name == "ann" else ()) for name in ("ann", "bob")}
EVENTS: list[AuthEvent] = []
ADMIN = requires(role("admin"))
GUARDED = "watchword.adapters.django.GuardMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
both_ways = pytest.mark.parametrize("by", ["wsgi", "asgi"])


def guard(rules: Any = None, **options: Any) -> Guard:
    """A guard with two people."""
    return Guard(Bearer(Tokens(PEOPLE), realm="r"), rules={"/**": public} if rules is None else rules, on_event=EVENTS.append, **options)


def project(urlpatterns: list[Any], rules: Any = None, **changed: Any) -> Any:
    """A project with the middleware alone, unless something else is said."""
    EVENTS.clear()
    given = changed.pop("guard", None) or guard(rules)
    return django_settings.project(urlpatterns, given, **{"MIDDLEWARE": [GUARDED], **changed})


def say(request: Any, *_: Any, **__: Any) -> HttpResponse:
    """Say who it is."""
    return HttpResponse(request.principal.id)


def view() -> Any:
    """A view of its own: the mark is on the function."""
    return lambda request, *args, **kwargs: say(request)


def ask(route: str, name: str = "", *, by: str = "wsgi", method: str = "get", **fields: str) -> Any:
    """Ask for a path."""
    headers = {**({"Authorization": f"Bearer {name}"} if name else {}), **{key.replace("_", "-"): value for key, value in fields.items()}}
    if by == "wsgi":
        return getattr(Client(raise_request_exception=False), method)(route, headers=headers)
    return async_to_sync(getattr(AsyncClient(raise_request_exception=False), method))(route, headers=headers)


def statuses(route: str, **options: Any) -> list[int]:
    """The answers for an anonymous caller, for Bob and for Ann."""
    return [ask(route, name, **options).status_code for name in ("", "bob", "ann")]


def raw(request: Request, by: str) -> Any:
    """Send a request as a server does."""
    if by == "wsgi":
        return ask_wsgi(WSGIHandler(), request)
    return asyncio.run(ask_asgi(ASGIHandler(), request))


# Routing


@both_ways
def test_a_view_is_checked_wherever_it_is_included(by: str) -> None:
    """Below two prefixes, with parameters, and twice."""
    inner = [path("<int:number>/edit", ADMIN(view()), name="edit")]
    urls = [path("a/<slug:tenant>/", include([path("b/", include(inner))])), path("c/", include(inner))]
    with project(urls):
        assert statuses("/a/x/b/7/edit", by=by) == statuses("/c/7/edit", by=by) == [401, 403, 200]


@both_ways
def test_patterns_by_language_are_found_for_the_challenge(by: str) -> None:
    """The rule reads the path with its language, and the challenge names the scope of the view whatever was spoken before."""
    urls = [*i18n_patterns(path("secret", requires(scope("read"))(view())))]
    middleware = [GUARDED, "django.middleware.locale.LocaleMiddleware"]
    with project(urls, {"/{language}/secret": authenticated}, MIDDLEWARE=middleware, USE_I18N=True, LANGUAGE_CODE="en"):
        for route in ("/de/secret", "/en/secret"):
            assert ask(route, by=by).headers["WWW-Authenticate"] == 'Bearer realm="r", scope="read"'
            assert ask(route, "ann", by=by).status_code == 403


@both_ways
def test_a_hidden_path_without_its_slash_is_missing_too(by: str) -> None:
    """APPEND_SLASH redirects no caller to what is hidden."""
    rules = {"/**": public, "/hidden/": role("admin").hidden(), "/hidden": role("admin").hidden(), "/open/": public}
    with project([path("hidden/", view()), path("open/", view())], rules, MIDDLEWARE=[COMMON, GUARDED]):
        assert statuses("/hidden", by=by) == [401, 404, 301]
        assert statuses("/hidden/", by=by) == [401, 404, 200]
        assert statuses("/open", by=by) == [301, 301, 301]
        missing, hidden = ask("/nothing", "bob", by=by), ask("/hidden", "bob", by=by)
        assert (missing.content, missing.headers.get("Location")) == (hidden.content, None)
        assert dict(missing.items()) == dict(hidden.items())


@both_ways
@pytest.mark.parametrize("outer", [False, True])
def test_a_middleware_that_answers_before_the_guard_tells_of_no_hidden_view(by: str, *, outer: bool) -> None:
    """The 403 of CsrfViewMiddleware for a form without its token would."""
    urls = [path("h", requires(role("admin").hidden())(view())), path("open", view())]
    fields = {"Cookie": "sessionid=x", "Authorization": "Bearer bob"}
    middleware = ["django.middleware.csrf.CsrfViewMiddleware", COMMON, GUARDED]
    guarded = guard({"/**": authenticated})
    with project(urls, guard=guarded, MIDDLEWARE=middleware):
        handler: Any = WSGIHandler() if by == "wsgi" else ASGIHandler()
        if outer:
            handler = (OuterMiddleware if by == "wsgi" else OuterASGI)(handler, guarded, views=True)

        def post(target: str, name: str) -> Any:
            request = Request(target=target, method="POST", headers=tuple({**fields, "Authorization": f"Bearer {name}"}.items()))
            return ask_wsgi(handler, request) if by == "wsgi" else asyncio.run(ask_asgi(handler, request))

        hidden, missing = post("/h", "bob"), post("/nothing", "bob")
        assert (hidden.status, hidden.body, sorted(hidden.headers)) == (404, missing.body, sorted(missing.headers))
        assert [post("/h", "ann").status, post("/open", "bob").status] == [403, 403]
        assert outer or [event.reason for event in EVENTS] == ["missing_role", None, None, None]


@both_ways
@pytest.mark.parametrize("mount", ["/m", "/m/n"])
def test_rules_are_below_the_mount_that_a_setting_forces(mount: str, by: str) -> None:
    """The rule that decides is the rule of the view that runs."""
    with project([path("a", view()), path("m/a", view())], {"/a": role("admin"), "/m/a": public}, FORCE_SCRIPT_NAME=mount):
        target = "/a" if by == "wsgi" else f"{mount}/a"  # Django takes the prefix off by ASGI alone
        assert raw(Request(target=target), by).status == 401
        assert raw(Request(target=target, headers=(("Authorization", "Bearer ann"),)), by).status == 200


@both_ways
@pytest.mark.parametrize("method", ["post", "Post", "get", "JEFF", "PUT", "OPTIONS"])
def test_another_method_opens_nothing(method: str, by: str) -> None:
    """Django turns `post` into POST. No field overrides the method for the guard."""
    with project([path("m", view())], {"GET /m": public, "POST /m": role("admin")}):
        assert raw(Request(target="/m"), by).status == 200
        assert raw(Request(target="/m", method=method), by).status == 401
        assert raw(Request(target="/m", method="POST", headers=(("X-HTTP-Method-Override", "GET"),)), by).status == 401


@both_ways
def test_a_request_that_is_changed_after_the_decision_meets_both_rules(by: str) -> None:
    """A middleware behind the guard replaces the method by a field, and rewrites the path: the rule of what runs holds too."""
    rules = {"POST /o": authenticated, "DELETE /o": role("admin"), "/p": public, "/admin/**": role("admin"), "/open": public}
    urls = [path("o", view()), path("admin/a", view()), path("open", view())]
    with project(urls, rules, MIDDLEWARE=[GUARDED, f"{__name__}.rewriting"]):
        assert statuses("/o", method="post", by=by) == [401, 200, 200]
        assert statuses("/o", method="post", by=by, X_Method="DELETE") == [401, 403, 200]
        assert statuses("/p", by=by, X_Path="/admin/a") == [401, 403, 200]
        assert statuses("/p", by=by, X_Path="/open") == [200, 200, 200]
        assert statuses("/admin/a", by=by, X_Path="/open") == [401, 403, 200]


def rewriting(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A middleware that lets fields replace the method and the path."""

    def middleware(request: Any) -> Any:
        request.method = request.headers.get("X-Method", request.method)
        request.path_info = request.headers.get("X-Path", request.path_info)
        return get_response(request)

    return middleware


@both_ways
def test_a_middleware_that_changes_the_routes_changes_the_demand(by: str) -> None:
    """The mark is read from the view that Django has chosen, whatever chose it."""
    with project([path("a", view())], MIDDLEWARE=[GUARDED, f"{__name__}.other_routes"]):
        assert statuses("/a", by=by) == [401, 403, 200]


def other_routes(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Route by another URLconf, as sites for several hosts do; a middleware without async."""

    def middleware(request: Any) -> Any:
        request.urlconf = (path("a", OTHER),)
        return get_response(request)

    return middleware


OTHER = ADMIN(view())


# Views


def unwrapped(function: Any) -> Any:
    """A decorator that hides what it decorates."""

    def hiding(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return hiding


def unwrapped_async(function: Any) -> Any:
    """The same for a view that is awaited."""

    async def hiding(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return hiding


async def aview(request: Any) -> HttpResponse:
    """Say who it is, on the event loop."""
    await asyncio.sleep(0)
    return say(request)


ORDERS: dict[str, Callable[[], Any]] = {
    "above": lambda: ADMIN(never_cache(csrf_exempt(view()))),
    "between": lambda: never_cache(ADMIN(csrf_exempt(view()))),
    "below": lambda: never_cache(csrf_exempt(ADMIN(view()))),
    "hidden": lambda: unwrapped(ADMIN(view())),
    "above hidden": lambda: ADMIN(unwrapped(view())),
    "hidden, awaited": lambda: unwrapped_async(ADMIN(async_copy())),
    "partial": lambda: partial(ADMIN(view()), number=1),
    "of a partial": lambda: ADMIN(partial(view(), number=1)),
    "twice": lambda: ADMIN(requires(authenticated)(view())),
    "as_view": lambda: ADMIN(page().as_view()),
    "class": lambda: ADMIN(page()).as_view(),
    "class, awaited": lambda: ADMIN(page(awaited=True)).as_view(),
    "dispatch": lambda: method_decorator(ADMIN, name="dispatch")(page()).as_view(),
    "method": lambda: method_decorator(ADMIN, name="get")(page()).as_view(),
    "class below another": lambda: below(ADMIN(page())).as_view(),
    "dispatch is replaced": lambda: below(ADMIN(page()), dispatch=lambda self, request: say(request)).as_view(),
    "as_view is replaced": lambda: below(ADMIN(page()), as_view=classmethod(replaced)).as_view(),
}


def below(base: Any, **replaced: Any) -> Any:
    """A class below another."""
    return type("Sub", (base,), replaced)


def replaced(kind: Any) -> Any:
    """What a class makes that goes on to its base."""
    return kind.__mro__[1].as_view.__func__(kind)


def async_copy() -> Any:
    """An async view of its own."""

    async def own(request: Any) -> HttpResponse:
        return await aview(request)

    return own


def page(*, awaited: bool = False) -> Any:
    """A class of its own."""

    def get(self: Any, request: Any) -> HttpResponse:
        return say(request)

    async def aget(self: Any, request: Any) -> HttpResponse:
        return await aview(request)

    return below(View, get=aget if awaited else get)


@both_ways
@pytest.mark.parametrize("order", ORDERS)
def test_no_decorator_and_no_subclass_loses_the_mark(order: str, by: str) -> None:
    """With middlewares that are not async before and behind the guard as well."""
    made = ORDERS[order]()
    with project([path("a", made)]):
        assert statuses("/a", by=by) == [401, 403, 200]
    with project([path("a", made)], MIDDLEWARE=[f"{__name__}.blocking", GUARDED]):
        assert statuses("/a", by=by) == [401, 403, 200]
    with project([path("a", made)], MIDDLEWARE=[GUARDED, f"{__name__}.blocking"]):
        assert statuses("/a", by=by) == [401, 403, 200]


def blocking(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A middleware without async."""
    return lambda request: get_response(request)  # noqa: PLW0108 - one of its own


@pytest.mark.parametrize("order", ORDERS)
def test_a_view_that_is_called_without_a_guard_is_an_error(order: str) -> None:
    """By RequestFactory, and by another view: never an open door."""
    made = ORDERS[order]()
    for request in (RequestFactory().get("/a"), AsyncRequestFactory().get("/a")):
        request.principal = PEOPLE["ann"]
        with pytest.raises(ConfigurationError, match="no guard stands in front of it"):
            call(made, request)


def call(made: Any, request: Any) -> None:
    """Call a view, and wait for it if need be."""
    answer = made(request)
    if asyncio.iscoroutine(answer):
        asyncio.run(answer)


@both_ways
def test_a_dispatch_that_is_replaced_below_a_decorated_one_is_closed(by: str) -> None:
    """What Django's own decorators lose: the subclass demands what its base does."""
    base = method_decorator(ADMIN, name="dispatch")(page())
    replacing = below(base, dispatch=lambda self, request: say(request))
    with project([path("a", replacing.as_view())]):
        assert statuses("/a", by=by) == [401, 403, 200]


@pytest.mark.parametrize("wrong", [int, object(), "view", type("Plain", (), {}), None], ids=["int", "object", "str", "class", "None"])
def test_what_is_no_view_is_an_error(wrong: Any) -> None:
    """Where it is decorated, and it says what is needed."""
    with pytest.raises(ConfigurationError, match="needs a function or a subclass of View"):
        ADMIN(wrong)
    with pytest.raises(ConfigurationError, match="must demand something"):
        requires(public)(view())


def test_a_view_without_a_request_is_an_error() -> None:
    """A method that gets none cannot be checked."""
    with pytest.raises(ConfigurationError, match="called without a request"):
        ADMIN(lambda: None)()


# Checkers, and who the caller is


async def awaited_checker(credentials: Any) -> Principal | None:
    """Tell who it is, on the event loop."""
    await asyncio.sleep(0)
    return PEOPLE.get(credentials.token)


@pytest.mark.parametrize("order", ["above", "hidden", "hidden, awaited", "class"])
def test_a_checker_that_is_awaited_works_for_every_view_by_asgi(order: str) -> None:
    """Also where only the wrapper in a thread sees the mark. By WSGI it is an error at the start."""
    waiting = Guard(Bearer(awaited_checker, realm="r"), rules={"/**": public})
    with project([path("a", ORDERS[order]())], guard=waiting):
        assert statuses("/a", by="asgi") == [401, 403, 200]
        with pytest.raises(ConfigurationError, match="can only be awaited"):
            WSGIHandler()


def test_callers_at_the_same_time_are_never_mixed_up() -> None:
    """Each view sees its own caller, in threads and on the loop, before and after it has waited."""
    people = Guard(Bearer(nonblocking(lambda credentials: Principal(credentials.token, roles={"admin"}))))

    async def slow(request: Any) -> HttpResponse:
        before = request.principal.id
        await asyncio.sleep(0.001 * (ord(before[-1]) % 3))
        return HttpResponse(f"{before} {request.principal.id} {request.META['REMOTE_USER']}")

    def threaded(request: Any) -> HttpResponse:
        before = request.principal.id
        return HttpResponse(f"{before} {request.principal.id} {request.META['REMOTE_USER']}")

    async def one(app: Any, number: int) -> None:
        name = f"p{number}"
        request = Request(target="/slow" if number % 2 else "/threaded", headers=(("Authorization", f"Bearer {name}"),))
        answer = await ask_asgi(app, request)
        assert answer.body.decode() == f"{name} {name} {name}"

    async def main() -> None:
        app = ASGIHandler()
        await asyncio.gather(*(one(app, number) for number in range(60)))

    with project([path("slow", ADMIN(slow)), path("threaded", ADMIN(threaded))], guard=people):
        asyncio.run(main())


@both_ways
def test_the_same_guard_around_the_project_decides_once(by: str) -> None:
    """The decision of the middleware further out stands, and the views use it."""
    whole = guard({"/a": authenticated})
    with project([path("a", ADMIN(view()))], guard=whole):
        app: Any = OuterMiddleware(WSGIHandler(), whole, views=True)
        answers = [ask_wsgi(app, Request(target="/a", headers=(("Authorization", f"Bearer {name}"),))) for name in ("bob", "ann")]
    assert [answer.status for answer in answers] == [403, 200]
    assert [event.decision for event in EVENTS] == ["forbidden", "granted"]


def test_an_environ_that_a_server_uses_again_is_decided_anew() -> None:
    """What the request before has left in it counts for no other caller."""
    whole = guard({"/a": authenticated})
    with project([path("a", ADMIN(view()))], guard=whole):
        app, around = WSGIHandler(), OuterMiddleware(WSGIHandler(), whole, views=True)
        for first in (app, around):
            environ = wsgi_environ(Request(target="/a", headers=(("Authorization", "Bearer ann"),)))
            answer: Any = first(environ, lambda *_: None)
            assert list(answer) == [b"ann"]
            answer.close()
            del environ["HTTP_AUTHORIZATION"]
            answer = app(environ, lambda *_: None)
            assert answer.status_code == 401
            answer.close()


def test_the_middleware_as_a_decorator_is_an_error() -> None:
    """Django would call a part of it only, and no decision would be made: neither is one of another guard around the project."""
    with project([]):
        decorated = decorator_from_middleware(GuardMiddleware)(view())
        around = guard({"/a": public}).exchange(RequestView("GET", "/a"), views=True)
        around.decide()
        for outer in ({}, {"watchword.exchange": around}):
            with pytest.raises(ConfigurationError, match="cannot be a decorator"):
                decorated(RequestFactory().get("/a", **outer))


@pytest.mark.parametrize("rule", [public, authenticated], ids=str)
def test_a_view_behind_the_middleware_around_the_project_needs_no_other(rule: Any) -> None:
    """`watchword.adapters.wsgi` alone, told that views have requirements. The view finds a caller whom the rule knows, too."""
    whole = guard({"/a": rule})
    with project([path("a", ADMIN(view()))], MIDDLEWARE=[]):
        app: Any = OuterMiddleware(WSGIHandler(), whole, views=True)
        assert ask_wsgi(app, Request(target="/a")).status == 401
        assert ask_wsgi(app, Request(target="/a", headers=(("Authorization", "Bearer ann"),))).body == b"ann"


# Responses


DENIED = (
    "Your key or token is valid, and its account may not do this. "
    "If you need access, ask an administrator for it. Another key or token of the same account will not help."
)


def styled(request: Any, exception: Exception) -> HttpResponse:
    """A page of the project, with a status and a field that it must not have."""
    return HttpResponse(f"<h1>{exception}</h1>", status=200, headers={"Cache-Control": "public", "X-Own": "yes"})


def failing(request: Any, exception: Exception) -> HttpResponse:
    """A page that fails."""
    raise ValueError("no page")


def from_template(request: Any, exception: Exception) -> TemplateResponse:
    """A page that is rendered later."""
    return TemplateResponse(request, "registration/logged_out.html", {"title": "forbidden"}, status=403)


@both_ways
@pytest.mark.parametrize("route", ["/rule", "/view"])
def test_the_projects_page_replaces_the_content_of_a_403_and_nothing_else(route: str, by: str) -> None:
    """For people. A program gets the problem, and the status and the advice to caches are those of the refusal."""
    urls = [path("rule", view()), path("view", ADMIN(view()))]
    rules = {"/view": authenticated, "/rule": role("admin")}
    with project(urls, rules, urls={"handler403": f"{__name__}.styled"}):
        refused = ask(route, "bob", by=by, Accept="text/html")
        assert (refused.status_code, refused.content) == (403, f"<h1>{DENIED}</h1>".encode())
        assert (refused.headers["Cache-Control"], refused.headers["X-Own"]) == ("no-store", "yes")
        assert ask(route, "bob", by=by).json()["status"] == 403
        challenged = ask(route, by=by, Accept="text/html")
        assert (challenged.headers["WWW-Authenticate"], b"<style>" in challenged.content) == ('Bearer realm="r"', True)
    with project(urls, rules):
        assert b"<style>" in ask(route, "bob", by=by, Accept="text/html").content  # the page of the guard, and not Django's own
    with project(urls, rules, urls={"handler403": f"{__name__}.failing"}):
        refused = ask(route, "bob", by=by, Accept="text/html")
        assert (refused.status_code, refused.headers["Cache-Control"]) == (403, "no-store")
    with project(urls, rules, urls={"handler403": from_template}):
        refused = ask(route, "bob", by=by, Accept="text/html")
        assert (refused.status_code, b"<html" in refused.content) == (403, True)


@both_ways
@pytest.mark.parametrize("route", ["/rule", "/view"])
def test_the_projects_template_gets_the_words_and_the_data(route: str, by: str) -> None:
    """`403.html` is rendered by Django's own view: the words are `exception`, and all that is known is `request.refusal`."""
    text = "{{ exception }}|{{ request.refusal.title }}|{{ request.refusal.action.href }}|{{ request.refusal.request_id }}"
    urls, rules = [path("rule", view()), path("view", ADMIN(view()))], {"/view": authenticated, "/rule": role("admin")}
    loaders = [("django.template.loaders.locmem.Loader", {"403.html": text})]
    processors = ["django.template.context_processors.request"]
    engine = {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {"loaders": loaders, "context_processors": processors},
    }
    with project(urls, rules, TEMPLATES=[engine]):
        refused = ask(route, "bob", by=by, Accept="text/html", **{"X-Request-Id": "id-1", "Accept-Language": "de"})
        words, title, href, reference = refused.content.decode().split("|")
        assert words.startswith("Ihr Schlüssel oder Token ist gültig, und sein Konto darf dies nicht.")
        assert (title, href, reference) == ("Nicht erlaubt", "/", "id-1")
        assert (refused.status_code, refused.headers["Cache-Control"]) == (403, "no-store")
        assert ask(route, "bob", by=by).json()["reason"] == "missing_role"
    loaders[0] = ("django.template.loaders.locmem.Loader", {"403.html": "{% nonsense %}"})
    with project(urls, rules, TEMPLATES=[engine]):
        assert b"Not allowed" in ask(route, "bob", by=by, Accept="text/html").content  # the page of the guard


@both_ways
@pytest.mark.parametrize("kept", [404, 200])
def test_the_projects_404_page_hides_as_it_is(kept: int, by: str) -> None:
    """For rules and views alike; a project that answers 200 for what is missing cannot hide, and the refusal goes out."""

    def missing(request: Any, exception: Exception) -> HttpResponse:
        return HttpResponse(f"nothing here: {type(exception).__name__} {request.resolver_match}", status=kept)

    urls = [path("rule", view()), path("view", requires(role("admin").hidden())(view()))]
    rules = {"/**": authenticated, "/rule": role("admin").hidden()}
    with project(urls, rules, urls={"handler404": missing}):
        for route in ("/rule", "/view"):
            answer, absent = ask(route, "bob", by=by), ask("/absent", "bob", by=by)
            assert (absent.status_code, absent.content) == (kept, b"nothing here: Resolver404 None")
            assert answer.status_code == 404
            if kept == 404:
                assert (answer.content, dict(answer.items())) == (absent.content, dict(absent.items()))


@both_ways
def test_a_stream_is_not_read_ahead(by: str) -> None:
    """It begins when the client reads, has what the guard adds, and ends the exchange once."""
    ended: list[str] = []

    def parts() -> Iterator[bytes]:
        ended.append("begun")
        yield from (b"a", b"b")

    async def aparts() -> AsyncIterator[bytes]:
        for part in parts():
            yield part

    def streaming(request: Any) -> StreamingHttpResponse:
        return StreamingHttpResponse(parts() if by == "wsgi" else aparts())

    def settle() -> None:
        ended.append("finished")

    check = nonblocking(lambda credentials: Accepted(PEOPLE["ann"], after_response=Operation(settle)))
    kind = Guard(Bearer(check, realm="r"))
    with project([path("s", streaming)], guard=kind):
        answer = raw(Request(target="/s", headers=(("Authorization", "Bearer x"),)), by)
    assert (answer.status, answer.body) == (200, b"ab")
    assert ended == ["begun", "finished"]


def test_a_stream_that_the_async_client_closes_on_the_loop_ends_the_exchange() -> None:
    """Django closes it there, and not in a thread as servers make it do."""
    ended: list[str] = []

    async def parts() -> AsyncIterator[bytes]:
        yield b"a"

    async def settle() -> None:
        ended.append("finished")

    def answer(credentials: Any) -> Accepted:
        return Accepted(PEOPLE["ann"], after_response=Operation(lambda: None, settle))

    async def main() -> None:
        response = await AsyncClient().get("/s", headers={"Authorization": "Bearer x"})
        assert [part async for part in response] == [b"a"]
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    with project([path("s", lambda request: StreamingHttpResponse(parts()))], guard=Guard(Bearer(nonblocking(answer)))):
        asyncio.run(main())
    assert ended == ["finished"]


@both_ways
def test_a_view_that_fails_is_500_and_told_of(by: str) -> None:
    """The decision is one event, and what was left to do is done."""

    def broken(request: Any) -> HttpResponse:
        raise ValueError("broken")

    with project([path("a", ADMIN(broken))]):
        assert statuses("/a", by=by) == [401, 403, 500]
    assert [event.decision for event in EVENTS] == ["challenged", "forbidden", "granted"]


@both_ways
def test_cookies_and_fields_of_the_project_stay(by: str) -> None:
    """Beside what the guard adds: each cookie in a line of its own, with its attributes."""

    def baking(request: Any) -> HttpResponse:
        response = HttpResponse(headers={"Vary": "Accept"})
        response.set_cookie("a", "x=y; z", secure=True, samesite="Lax")  # without an end, which would depend on the time
        response.delete_cookie("b")
        response["Set-Cookie"] = "c d=not for Django"
        return response

    with project([path("a", baking)]):
        plain = raw(Request(target="/a"), by)
    with django_settings.project([path("a", baking)], None, MIDDLEWARE=[]):
        bare = raw(Request(target="/a"), by)
    assert sorted(plain.headers) == sorted([*bare.headers])
    assert len(plain.all("set-cookie")) == 3


@both_ways
def test_every_challenge_has_a_line(by: str) -> None:
    """Clients misread a list of several; another middleware may still replace the field."""
    two = Guard(Basic(nonblocking(lambda credentials: None), realm="r"), Bearer(Tokens(PEOPLE), realm="r"))
    with project([path("a", view())], guard=two):
        assert raw(Request(target="/a"), by).challenges == ['Basic realm="r", charset="UTF-8"', 'Bearer realm="r"']
    with project([path("a", view())], guard=two, MIDDLEWARE=[f"{__name__}.replacing", GUARDED]):
        assert raw(Request(target="/a"), by).challenges == ["Other"]


def replacing(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A middleware that replaces the challenges."""

    def middleware(request: Any) -> Any:
        response = get_response(request)
        response["WWW-Authenticate"] = "Other"
        return response

    return middleware


# Caches


UPDATE, FETCH = "django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.FetchFromCacheMiddleware"


@both_ways
@pytest.mark.parametrize("middleware", [[UPDATE, GUARDED, FETCH], [UPDATE, FETCH, GUARDED]], ids=["around", "before"])
def test_djangos_cache_keeps_no_page_of_a_known_caller(middleware: list[str], by: str) -> None:
    """Neither for another caller, nor for one whose token has ended: the response says `private`. Public pages are kept."""
    cache.clear()
    people, asked = dict(PEOPLE), list[str]()
    known = Guard(Bearer(nonblocking(lambda credentials: people.get(credentials.token))), rules={"/p": public})

    def noting(request: Any) -> HttpResponse:
        asked.append(request.path)
        return say(request)

    with project([path("a", noting), path("p", noting)], guard=known, MIDDLEWARE=middleware):
        for _ in range(2):
            assert [ask("/a", name, by=by).content for name in ("ann", "bob")] == [b"ann", b"bob"]
            assert ask("/p", by=by).status_code == 200
        assert ask("/a", "ann", by=by).headers["Cache-Control"] == "private"
        people.clear()
        assert statuses("/a", by=by) == [401, 401, 401]
    assert asked.count("/p") == 1


@both_ways
def test_a_page_that_is_cached_by_its_view_is_behind_the_mark(by: str) -> None:
    """The mark below `cache_page` is checked before the cache is asked."""
    cache.clear()
    with project([path("a", cache_page(60)(ADMIN(view())))]):
        assert ask("/a", "ann", by=by).status_code == 200
        assert statuses("/a", by=by) == [401, 403, 200]
