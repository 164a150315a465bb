"""A decision, a caller and an exchange of one guard are worth nothing to another one, wherever the two meet."""

from __future__ import annotations

import copy
import pickle
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import anyio
import pytest
from aiohttp import web
from litestar import Litestar, get
from quart import Quart
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from werkzeug.test import Client

from tests.support.drive import Request
from tests.support.each import each, noting
from tests.support.frameworks import FRAMEWORKS, ask_asgi, ask_wsgi, framework
from tests.support.problems import without_cure
from watchword import (
    ALWAYS,
    Accepted,
    Bearer,
    BearerToken,
    Guard,
    Principal,
    Reason,
    RequestView,
    authenticated,
    public,
    role,
    scope,
)
from watchword.adapters import aiohttp, asgi, litestar, quart, starlette, wsgi
from watchword.checkers import Tokens, nonblocking
from watchword.decision import Challenged, Forbidden
from watchword.guard.cache import Grant
from watchword.guard.exchange import Exchange
from watchword.testing import acting_as

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword import Decision

ADMIN = role("admin")


def guard(token: str, rules: Any = None, **settings: Any) -> Guard:
    """Return a guard that knows one token, of an administrator."""
    rules = {"/**": public} if rules is None else rules
    return Guard(Bearer(Tokens({token: Principal(token, roles={"admin"})}), realm=token), rules=rules, **settings)


def view(token: str | None = None, target: str = "/view") -> RequestView:
    """Return the view of a request with this token."""
    return RequestView("GET", target, [("Authorization", f"Bearer {token}")] if token else [])


def sent(token: str, target: str = "/view") -> Request:
    """Return the request."""
    return Request(target=target, headers=(("Host", "a"), ("Authorization", f"Bearer {token}")))


# A program that has two guards.

OURS, THEIRS = guard("ours"), guard("theirs")


def decisions_of(other: Guard) -> list[Decision]:
    """Return decisions of every kind that a guard makes."""
    closed = RequestView("GET", "/../x")
    return [
        other.decide(view("theirs")),
        other.decide(view("theirs"), ADMIN),
        other.authorize(other.decide(view("theirs")), view("theirs"), ADMIN),
        other.decide(view(), ADMIN),
        other.decide(view("wrong"), ADMIN),
        other.decide(view("theirs"), role("root")),
        other.decide(view("theirs"), role("root").hidden()),
        other.decide(closed),
        other.verify(BearerToken("theirs"), view()),
        other.verify(BearerToken("wrong"), view()),
    ]


@each(
    ("name", "use"),
    [
        ("authorize", lambda ours, made: ours.authorize(made, view("theirs"), ADMIN)),
        ("aauthorize", lambda ours, made: anyio.run(ours.aauthorize, made, view("theirs"), ADMIN)),
        ("start_authorize", lambda ours, made: ours.start_authorize(made, view("theirs"), ADMIN)),
        ("with_demand", lambda ours, made: ours.with_demand(made, view("theirs"), ADMIN)),
        ("refuse", lambda ours, made: ours.refuse(made, view("theirs"))),
        ("conclude", lambda ours, made: ours.conclude(made, view("theirs"))),
        ("exchange", lambda ours, made: Exchange(ours, view("theirs"), made, views=True).authorize(ADMIN)),
        ("aexchange", lambda ours, made: anyio.run(Exchange(ours, view("theirs"), made, views=True).aauthorize, ADMIN)),
    ],
)
def test_a_decision_of_another_guard_is_refused(name: str, use: Callable[[Guard, Decision], object]) -> None:
    """Each method that takes a decision says that it is another guard's, by which rule, and what to pass; its own are taken."""
    for made in decisions_of(THEIRS):
        with (
            noting(name, made=made),
            pytest.raises(ValueError, match=r"made by another guard, by its rule '.*'. Pass a decision that this"),
        ):
            use(OURS, made)
        with noting(name, made=made), suppress(ValueError):  # "this decision grants: there is nothing to refuse"
            use(THEIRS, made)


def test_a_caller_of_the_cache_of_another_guard_takes_no_fast_path() -> None:
    """The fast path repeats what the cache knows, of its own guard alone, also where both guards know the rule and the requirement."""

    @nonblocking
    def check(credentials: BearerToken) -> Accepted:
        return Accepted(Principal("ann", roles={"admin"}), lease=ALWAYS)

    theirs, ours = (Guard(Bearer(check), rules={"/**": public}) for _ in range(2))
    headers = ((b"authorization", b"Bearer x"),)
    theirs.decide(view("x", "/mine"), authenticated)
    theirs_guarded = Guard(Bearer(check))
    theirs_guarded.decide(view("x", "/mine"))
    (target,) = theirs_guarded.fast_path.targets
    grant = theirs_guarded.fast_path.decide(target, headers)
    assert isinstance(grant, Grant)
    assert theirs_guarded.fast_path.narrow(grant.granted, ADMIN) is not None
    for other in (theirs, ours):
        with pytest.raises(ValueError, match="was made by another guard"):
            other.fast_path.narrow(grant.granted, ADMIN)
        with pytest.raises(ValueError, match="was made by another guard"):
            Exchange(other, view("x", "/mine"), grant.granted, views=True).authorize(ADMIN)


def test_what_was_made_by_hand_or_sent_by_another_process_can_be_rendered_and_not_gone_on_from() -> None:
    """A decision without a route grants no view; as a refusal any guard may write it."""
    for made in (copy.copy(OURS.decide(view("wrong"), ADMIN)), pickle.loads(pickle.dumps(OURS.decide(view("wrong"), ADMIN)))):  # noqa: S301
        assert isinstance(made, Challenged)
        assert THEIRS.refuse(made, view("wrong")).status == 401
        assert THEIRS.authorize(made, view("theirs"), ADMIN) is made
    granted = pickle.loads(pickle.dumps(OURS.decide(view("ours"), ADMIN)))  # noqa: S301
    for one in (OURS, THEIRS):
        with pytest.raises(ValueError, match="got one without a route"):
            one.authorize(granted, view("ours"), ADMIN)
    by_hand = Forbidden(reason=Reason.DENIED)
    assert OURS.refuse(by_hand, view()).status == 403
    OURS.conclude(by_hand, view())


def test_acting_as_a_caller_of_one_guard_is_nobody_for_another() -> None:
    """Neither in a block of the other guard, nor everywhere, nor on what the block decided."""
    with acting_as(Principal("eve", roles={"admin"}), THEIRS, everywhere=True):
        made = THEIRS.decide(view())
        assert THEIRS.authorize(made, view(), ADMIN).granted
        assert isinstance(OURS.decide(view(), ADMIN), Challenged)
        with pytest.raises(ValueError, match="was made by another guard"):
            OURS.authorize(made, view(), ADMIN)
        with acting_as(Principal("bob"), OURS):
            assert THEIRS.decide(view(), ADMIN).granted
            assert not OURS.decide(view(), ADMIN).granted


def test_scopes_that_one_guard_implies_are_none_of_another() -> None:
    """A principal is what a checker hands on: a guard behind another one sees what was issued to it, and its own table alone."""
    wide = Guard(Bearer(Tokens({"t": Principal("t", scopes={"admin"})})), scope_implies={"admin": ["read"]})
    plain = Guard(Bearer(Tokens({"t": Principal("t", scopes={"admin"})})))
    assert wide.decide(view("t"), scope("read")).granted
    assert not plain.decide(view("t"), scope("read")).granted


# Applications with a guard each, one within the other. Both let everybody pass by rule: the view asks its own guard.


@pytest.mark.parametrize("views", [True, False], ids=["views", "no views"])
@pytest.mark.parametrize("name", [one for one in FRAMEWORKS if one != "aiohttp"])
def test_the_guard_around_an_application_does_not_decide_about_its_views(name: str, *, views: bool) -> None:
    """In every framework: the callers of the outer guard are nobody's to a marked view inside, and those of its own guard are let in."""
    module = framework(name)
    outer_of = {"asgi": asgi.GuardMiddleware, "wsgi": wsgi.GuardMiddleware}[module.INTERFACE]
    with module.application(guard("inner"), {"/view": ADMIN}) as app:
        around: Any = outer_of(app, guard("outer", {"/**": public}), views=views)

        async def main() -> None:
            for token, status in (("outer", 401), ("inner", 200)) * 2:
                answer = await ask_asgi(around, sent(token)) if module.INTERFACE == "asgi" else ask_wsgi(around, sent(token))
                with noting(token=token):
                    assert answer.status == status
                    assert ("inner" in without_cure(answer.body)) is (status == 200)
                    assert status == 200 or (answer.one("www-authenticate") or "").startswith('Bearer realm="inner", error="invalid_token"')

        anyio.run(main)


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
def test_a_middleware_that_does_not_see_the_views_hides_the_guard_around_it(interface: str) -> None:
    """A marked view that its own middleware was not told of is a 500 for callers of either guard: it never runs."""
    if interface == "asgi":

        @starlette.requires(ADMIN)
        async def marked(request: Any) -> PlainTextResponse:
            return PlainTextResponse("in")

        inside = Starlette(routes=[Route("/view", marked)])
        around = asgi.GuardMiddleware(asgi.GuardMiddleware(inside, guard("inner"), views=False), guard("outer"), views=True)

        async def main() -> None:
            for token in ("outer", "inner") * 2:  # the second time by the fast path
                with pytest.raises(Exception, match="the middleware did not see that"):
                    await ask_asgi(around, sent(token))

        anyio.run(main)
        return

    from flask import Flask

    from watchword.adapters.flask import requires

    app = Flask(__name__)
    app.add_url_rule("/view", "view", requires(ADMIN)(lambda: "in"))
    outer = wsgi.GuardMiddleware(wsgi.GuardMiddleware(app.wsgi_app, guard("inner"), views=False), guard("outer"), views=True)
    client = Client(outer)
    assert [client.get("/view", headers={"Authorization": f"Bearer {token}"}).status_code for token in ("outer", "inner") * 2] == [500] * 4


def test_what_reaches_an_application_without_its_middleware_is_decided_by_its_own_guard() -> None:
    """Behind another guard, a Quart application whose middlewares were left out decides itself; Litestar without a router is a 500."""

    async def of_quart() -> None:
        app = Quart(__name__)

        @app.get("/view")
        @quart.requires(ADMIN)
        async def marked() -> str:
            return quart.current_principal.id

        quart.Watchword(app, guard("inner"))
        bare = Quart.asgi_app.__get__(app)
        around = asgi.GuardMiddleware(bare, guard("outer"), views=True)
        assert [(await ask_asgi(around, sent(token))).status for token in ("outer", "inner")] == [401, 200]

    async def of_litestar() -> None:
        @get("/late")
        async def late() -> str:
            return "in"

        app = Litestar([], openapi_config=None, plugins=[litestar.GuardPlugin(guard("inner", {"/**": ADMIN}))])
        app.register(late)  # too late: the application keeps the router that it was made with
        around = asgi.GuardMiddleware(cast("Any", app), guard("outer"), views=True)
        assert [(await ask_asgi(around, sent(token, "/late"))).status for token in ("outer", "inner")] == [500, 500]

    anyio.run(of_quart)
    anyio.run(of_litestar)


def test_a_sub_application_of_aiohttp_asks_its_own_guard() -> None:
    """Callers of the outer guard are nobody's to the handlers of a sub-application with a guard of its own."""
    module = framework("aiohttp")
    with module.application(guard("inner"), {"/view": ADMIN}) as inside:
        outer = web.Application(middlewares=[aiohttp.guard_middleware(guard("outer"))])
        outer.add_subapp("/in", inside)

        async def main() -> None:
            from tests.support.frameworks import _ask_aiohttp

            for token, status in (("outer", 401), ("inner", 200)) * 2:
                assert (await _ask_aiohttp(outer, sent(token, "/in/view"))).status == status

        anyio.run(main)
